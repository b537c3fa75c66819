import {
  ConnectError,
  isRetriable,
  type Logger,
  type MaybePromise,
  type Properties,
  putFailuresOf,
  type SinkRecord,
  type SinkTask,
  type TopicPartition,
  type TopicPartitionOffset,
} from '@millrace/api'
import type { ErrorCounters } from '../errors/error-counters.ts'
import { StoppedError } from '../errors/retries.ts'
import { StageError } from '../errors/stage-error.ts'
import type { ProgressSnapshot } from '../thread/messages.ts'
import type { Activity } from './activity.ts'
import { DeliveredRecords } from './delivered-records.ts'
import { nextTurn, settlesWithin, TURN_MS_MAX } from './event-loop.ts'
import type { FailedRecords } from './failed-records.ts'
import { ImbalanceError, type Ledger } from './ledger.ts'
import type { Occupancy } from './occupancy.ts'
import { OffsetSpan } from './offset-span.ts'
import type { Pause } from './pause.ts'
import { PutInParts, type PutOutcome } from './put-in-parts.ts'
import type { AssignmentListener, FetchedPartition, FetchedRecords, SinkConsumer } from './sink-consumer.ts'
import type { SinkContext } from './sink-context.ts'
import type { SinkConverters } from './sink-converters.ts'
import { commitDecision, offsetsOf } from './sink-offsets.ts'
import { SAMPLE_INTERVAL, type StageTimer } from './stage-timer.ts'
import type { TaskEvents, TaskLoop } from './task-loop.ts'
import type { TaskMetrics } from './task-metrics.ts'
import { partitionName } from './topic-partitions.ts'
import type { Transformed, TransformationChain } from './transformation-chain.ts'

export type SinkStage = 'poll' | 'convert' | 'transform' | 'put' | 'commit'

/** What a sink task is made of. */
export interface SinkTaskParts {
  readonly task: SinkTask
  readonly properties: Properties
  readonly context: SinkContext
  readonly subscription: { readonly topics: readonly string[] } | { readonly pattern: RegExp }
  readonly consumer: SinkConsumer
  readonly converters: SinkConverters
  readonly transformations: TransformationChain<SinkRecord>
  readonly failedRecords: FailedRecords
  readonly errorCounters: ErrorCounters
  readonly pause: Pause
  readonly ledger: Ledger
  readonly stages: StageTimer<SinkStage>
  readonly metrics: TaskMetrics
  readonly occupancy: Occupancy
  readonly activity: Activity
  readonly events: TaskEvents
  readonly logger: Logger
  /** Aborted when the task shall end. */
  readonly signal: AbortSignal
  /** Milliseconds. */
  readonly offsetFlushIntervalMs: number
  readonly offsetFlushTimeoutMs: number
  /** `millrace.errors.put.attempts.max`. */
  readonly putAttemptsMax: number
  /** `millrace.ledger.imbalance.action`. */
  readonly imbalanceAction: 'log' | 'fail'
}

/** How long the consumer may take to close. Milliseconds. */
const CLOSE_TIMEOUT_MS = 30_000

/** A batch that was refused for now is delivered again after this at the latest, where the task did not say when. Milliseconds. */
const REDELIVERY_INTERVAL_MS = 1_000

/** A commit that has to wait for dead letters is tried again after this. Milliseconds. */
const DEAD_LETTER_WAIT_MS = 50

/** Offsets with gaps are kept one by one until they are committed; beyond this many a commit is due. */
const SPARSE_OFFSETS_MAX = 1_000_000

/** Kafka may owe an answer for this long until what was last known counts as unknown. Milliseconds. */
const SILENCE_MS_MAX = 2_000

/** What was fetched and has to be put; the same batch again after a RetriableError. */
interface Batch {
  records: SinkRecord[]
  /** The records that were read of each partition, without those that were filtered. */
  readonly spans: Map<string, OffsetSpan>
  /** The position after what was read, per partition. */
  readonly positions: Map<string, TopicPartitionOffset>
}

/** The path of records out of Kafka: consumer → converters → transforms → put → commit (`WorkerSinkTask`). Runs in the task's thread. */
export class SinkTaskLoop implements TaskLoop, AssignmentListener {
  readonly #parts: SinkTaskParts
  #batch: Batch = emptyBatch()
  /** The positions after what `put` took. */
  readonly #current = new Map<string, TopicPartitionOffset>()
  readonly #committed = new Map<string, TopicPartitionOffset>()
  readonly #delivered = new Map<string, DeliveredRecords>()
  /** Counts commits: an answer to an older one than the last does not count. */
  #commitNumber = 0
  #isCommitting = false
  #commitStartedAtMs = 0
  #nextCommitAtMs = 0
  #isStarted = false
  #isStopping = false
  #isCancelled = false
  #isPaused = false
  #isRedelivering = false
  #turnStartedAtMs = 0
  /** How long the last put took. */
  #putMs = 0
  /** Timestamps of records, milliseconds since the epoch: the oldest first one of a partition in the batch in hand; the last one that was read. */
  #batchTimestampMs: number | null = null
  #readTimestampMs: number | null = null
  /** When there was last nothing to read, milliseconds since the epoch. */
  #caughtUpAtMs: number | null = null
  readonly #topicsUsed = new Set<string>()
  readonly #putInParts: PutInParts
  #imbalance: Error | null = null

  constructor(parts: SinkTaskParts) {
    this.#parts = parts
    this.#putInParts = new PutInParts({
      put: (records) => this.#put(records),
      throwIfFatal: () => parts.failedRecords.throwIfFatal(),
      isDivisible: () => parts.failedRecords.tolerateRefusals && parts.task.delivery !== undefined,
      attemptsMax: parts.putAttemptsMax,
      refused: (record, error) => parts.failedRecords.refused(record, error),
      admitted: (records) => parts.failedRecords.admitted(records),
      isStopping: () => this.#isStopping,
    })
    parts.context.isRuntimePaused = () => this.#isPaused || this.#isRedelivering
    parts.failedRecords.isHeld = (message) => {
      const name = partitionName(message)
      return this.#batch.spans.get(name)?.has(message.offset) === true || this.#delivered.get(name)?.has(message.offset) === true
    }
  }

  async run(): Promise<void> {
    const { task, properties, context, activity, events, consumer, subscription, pause, signal, offsetFlushIntervalMs } = this.#parts
    try {
      if (pause.isWanted) {
        events.paused()
        await pause.ended(signal)
      }
      if (this.#isStopping) return
      await this.#parts.failedRecords.start(signal)
      if (this.#isStopping) return
      consumer.subscribe(subscription, this)
      this.#isStarted = true
      activity.enter('starting')
      await activity.during('start', () => task.start(properties, context))
      events.running()
      this.#nextCommitAtMs = performance.now() + offsetFlushIntervalMs
      while (!this.#isStopping) await this.#turn()
    } catch (error) {
      events.failed(error)
      throw error
    } finally {
      await this.#finish()
    }
  }

  stop(): void {
    this.#isStopping = true
    this.#parts.consumer.wakeup()
  }

  cancel(): void {
    this.#isStopping = true
    this.#isCancelled = true
    this.#parts.consumer.close({ timeoutMs: 0 }).catch((error) => this.#parts.logger.debug('The consumer of a cancelled task did not close', error))
  }

  setPaused(isPaused: boolean): void {
    this.#parts.pause.set(isPaused)
    this.#parts.consumer.wakeup()
  }

  forgetTopics(): void {
    this.#topicsUsed.clear()
  }

  progress(): ProgressSnapshot {
    const { ledger, stages, errorCounters, activity, consumer, context } = this.#parts
    const silentForMs = consumer.silentForMs() ?? 0
    // Without Kafka nobody knows what there is to read.
    const lag = silentForMs < SILENCE_MS_MAX ? this.#lag() : null
    return {
      ledger: ledger.snapshot(this.inFlight),
      stage_time_ms: stages.snapshot(),
      last_progress_at: ledger.lastProgressAt,
      lag,
      lag_seconds: this.#lagSeconds(lag),
      errors: errorCounters.snapshot(),
      facts: { ...activity.facts(), silentForMs, assigned: this.#current.size, pausedByTask: context.paused.length },
    }
  }

  /**
   * Records that were read and have no end yet, counted where they are (docs/spec/record-delivery.md, L2): not yet put, put and not yet covered by a commit, or on
   * their way to the dead letters.
   */
  get inFlight(): number {
    let count = this.#parts.failedRecords.inFlight
    for (const span of this.#batch.spans.values()) count += span.count
    for (const delivered of this.#delivered.values()) count += delivered.count
    return count
  }

  // ─── one turn ───

  async #turn(): Promise<void> {
    if (this.#imbalance !== null) throw this.#imbalance
    this.#applyPause()
    await this.#commitIfDue()
    const records = await this.#poll()
    this.#turnStartedAtMs = performance.now()
    if (records.count > 0 && !(await this.#convert(records))) return
    if (this.#isCancelled) return
    await this.#deliver()
    if (performance.now() - this.#turnStartedAtMs > TURN_MS_MAX) await nextTurn()
  }

  async #poll(): Promise<FetchedRecords> {
    const { consumer, context, stages } = this.#parts
    this.#rewind(context.takeRewinds())
    const untilCommitMs = Math.max(0, this.#nextCommitAtMs - performance.now())
    const askedMs = context.takeTimeoutMs() ?? (this.#isRedelivering ? REDELIVERY_INTERVAL_MS : untilCommitMs)
    const startedAtMs = performance.now()
    try {
      const records = await consumer.poll(Math.min(untilCommitMs, askedMs))
      if (records.count > 0) this.#parts.activity.hasRead()
      else if (this.#batch.records.length === 0 && this.#lag() === 0) this.#caughtUpAtMs = Date.now()
      return records
    } finally {
      stages.add('poll', performance.now() - startedAtMs)
    }
  }

  /**
   * Age of the oldest record that was not put yet: of the batch in hand where there is one; otherwise it is younger than the last one that was read, and than the
   * last time that there was none.
   */
  #lagSeconds(lag: number | null): number | null {
    if (this.#batch.records.length === 0 && lag === 0) return 0
    const inHandMs = this.#batch.records.length > 0 ? this.#batchTimestampMs : null
    const oldestMs = inHandMs ?? (lag === null ? null : Math.max(this.#readTimestampMs ?? -1, this.#caughtUpAtMs ?? -1))
    return oldestMs === null || oldestMs < 0 ? null : Math.max(0, Math.round((Date.now() - oldestMs) / 100) / 10)
  }

  /** @returns false where the task shall end before all is converted. */
  async #convert(fetched: FetchedRecords): Promise<boolean> {
    const { occupancy, stages } = this.#parts
    const startedAtMs = performance.now()
    try {
      occupancy.enter()
      for (const partition of fetched.partitions) await this.#convertPartition(partition)
      return true
    } catch (error) {
      if (error instanceof StoppedError) return false
      throw error
    } finally {
      occupancy.leave()
      stages.divide(performance.now() - startedAtMs, this.#parts.transformations.isEmpty ? ['convert'] : ['transform', 'convert'])
    }
  }

  async #convertPartition(cursor: FetchedPartition): Promise<void> {
    const { converters, transformations, failedRecords, occupancy, activity, ledger, stages } = this.#parts
    const { topic, partition } = cursor
    const name = partitionName(cursor)
    const { records } = this.#batch
    let span = this.#batch.spans.get(name) ?? null
    let offset = -1
    let index = 0
    this.#noteTopic(topic)

    while (cursor.next()) {
      const isSampled = (index++ & (SAMPLE_INTERVAL - 1)) === 0
      if (isSampled) {
        if (performance.now() - this.#turnStartedAtMs > TURN_MS_MAX) await this.#yield()
        stages.begin()
        failedRecords.renewTraces()
      }
      if (index === 1) this.#noteFirst(cursor.timestamp)
      offset = cursor.offset
      // Counted before anything can fail: from here on the record is in the span until it ends (docs/spec/record-delivery.md, L1).
      ledger.read++
      if (span === null) this.#batch.spans.set(name, (span = new OffsetSpan(offset)))
      else span.add(offset)

      let isHeldBack = failedRecords.isHeldBack(cursor)
      if (isHeldBack !== false) {
        if (isHeldBack instanceof Promise) isHeldBack = await occupancy.whileWaiting(isHeldBack)
        span.removeLast()
        continue
      }

      let outputs: Transformed<SinkRecord> | Promise<Transformed<SinkRecord>>
      try {
        let record = failedRecords.tracesAreSpent ? converters.toRecordWithoutTrace(cursor) : converters.toRecord(cursor)
        if (record instanceof Promise) record = await activity.awaiting('convert', record)
        if (failedRecords.keepsMessages) failedRecords.keep(record, cursor)
        if (isSampled) stages.lap('convert')
        if (transformations.isEmpty) {
          records.push(record)
          continue
        }
        outputs = failedRecords.tracesAreSpent ? transformations.applyWithoutTrace(record) : transformations.apply(record)
        if (outputs instanceof Promise) outputs = await activity.awaiting('transform', outputs)
        if (isSampled) stages.lap('transform')
      } catch (error) {
        if (!(error instanceof StageError)) throw error
        failedRecords.admit(error, cursor)
        if (failedRecords.hasOwnEnd) span.removeLast()
        const reported = failedRecords.failed(error, cursor)
        if (reported instanceof Promise) await occupancy.whileWaiting(reported)
        continue
      }
      if (outputs === null || (Array.isArray(outputs) && outputs.length === 0)) {
        // Its offset is committed with those around it.
        span.removeLast()
        ledger.filteredBy(transformations.filteredBy)
      } else if (Array.isArray(outputs)) records.push(...(outputs as readonly SinkRecord[]))
      else records.push(outputs as SinkRecord)
    }
    if (offset === -1) return
    this.#batch.positions.set(name, { topic, partition, offset: offset + 1 })
    this.#readTimestampMs = Math.max(this.#readTimestampMs ?? -1, cursor.timestamp)
  }

  #noteFirst(timestampMs: number): void {
    const isFirst = this.#batch.records.length === 0 || this.#batchTimestampMs === null
    this.#batchTimestampMs = isFirst ? timestampMs : Math.min(this.#batchTimestampMs!, timestampMs)
  }

  async #deliver(): Promise<void> {
    const { stages } = this.#parts
    const startedAtMs = performance.now()
    try {
      if (!(await this.#putBatch())) return
    } finally {
      this.#putMs = performance.now() - startedAtMs
      stages.add('put', this.#putMs)
    }
    this.#taken()
  }

  /** @returns whether nothing of the batch is left to be put. @throws the end of the task. */
  async #putBatch(): Promise<boolean> {
    const { task, failedRecords } = this.#parts
    const parts = failedRecords.partsOf(this.#batch.records, task.delivery === 'transactional')
    if (parts !== null) return await this.#isThrough(this.#putInParts.putEach(parts))
    try {
      const put = this.#put(this.#batch.records)
      if (put instanceof Promise) await put
      return true
    } catch (error) {
      return await this.#refused(error)
    }
  }

  #put(records: readonly SinkRecord[]): MaybePromise<void> {
    const { task, failedRecords, activity } = this.#parts
    const put = activity.during('put', () => task.put(records))
    return put instanceof Promise ? put.then(() => failedRecords.throwIfFatal()) : failedRecords.throwIfFatal()
  }

  /** `put` took the batch: only now may its positions be committed (docs/spec/record-delivery.md, D7). */
  #taken(): void {
    const { records, spans, positions } = this.#batch
    this.#parts.activity.hasDelivered(records.length)
    this.#parts.metrics.put(this.#batch.records.length, this.#putMs)
    for (const [name, span] of spans) if (span.count > 0) this.#deliveredOf(name).add(span)
    for (const [name, position] of positions) this.#current.set(name, position)
    if (this.#batch.records.length > 0 || positions.size > 0) this.#batch = emptyBatch()
    if (this.#isRedelivering) this.#redelivered()
  }

  #redelivered(): void {
    this.#isRedelivering = false
    this.#parts.activity.recovered()
    if (!this.#isPaused) this.#resumeAll()
  }

  /**
   * `put` failed: what it may write later is delivered again, with nothing new in the meantime (docs/spec/record-delivery.md, D8); what it cannot write is taken out of
   * the batch, where that is tolerated.
   *
   * @returns whether nothing of the batch is left: only then may its positions be committed. @throws the end of the task.
   */
  async #refused(error: unknown): Promise<boolean> {
    const { failedRecords } = this.#parts
    failedRecords.throwIfFatal()
    if (!failedRecords.tolerateRefusals && putFailuresOf(error) === null) {
      if (!isRetriable(error)) throw unrecoverable(error)
      this.#redeliver(error)
      return false
    }
    return this.#isThrough(this.#putInParts.afterFailure(this.#batch.records, error))
  }

  /** @returns whether nothing of the batch is left to be put. */
  async #isThrough(putting: Promise<PutOutcome>): Promise<boolean> {
    let outcome: PutOutcome
    try {
      outcome = await putting
    } catch (failure) {
      this.#parts.failedRecords.throwIfFatal()
      throw unrecoverable(failure)
    }
    this.#batch.records = [...outcome.left]
    if (outcome.error !== null) this.#redeliver(outcome.error)
    else if (outcome.left.length > 0) this.#goOnSoon()
    return outcome.left.length === 0
  }

  /** The rest of a batch that takes long is put in the next turn: the consumer polls in between, with nothing new. */
  #goOnSoon(): void {
    this.#parts.context.timeout(1)
    this.#hold()
  }

  #redeliver(error: unknown): void {
    const { activity, context } = this.#parts
    // Each turn of the loop puts it again, also one that comes about for a commit.
    const untilCommitMs = Math.max(0, this.#nextCommitAtMs - performance.now())
    activity.failedAgain(error, Math.min(untilCommitMs, context.timeoutMs ?? REDELIVERY_INTERVAL_MS))
    this.#parts.logger.warn('RetriableException from SinkTask, the same records are delivered again', error)
    this.#hold()
  }

  /** Nothing new is read until the batch in hand is through. */
  #hold(): void {
    if (this.#isRedelivering) return
    this.#isRedelivering = true
    this.#pauseAll()
  }

  // ─── commits ───

  async #commitIfDue(): Promise<void> {
    const { context, failedRecords, logger, offsetFlushIntervalMs, offsetFlushTimeoutMs } = this.#parts
    const nowMs = performance.now()
    if (this.#isCommitting && nowMs - this.#commitStartedAtMs >= offsetFlushTimeoutMs) {
      logger.warn('Commit of offsets timed out')
      this.#isCommitting = false
    }
    if (this.#isCommitting || (nowMs < this.#nextCommitAtMs && !context.isCommitRequested && !this.#holdsTooMuch())) return
    if (failedRecords.isPending) {
      this.#nextCommitAtMs = nowMs + DEAD_LETTER_WAIT_MS
      return
    }
    this.#nextCommitAtMs = nowMs + offsetFlushIntervalMs
    context.commitRequestFulfilled()
    await this.#commit(this.#parts.consumer.assignment(), { isClosing: false })
  }

  /** Asks the task what may be committed and commits that: without waiting for the answer, or, on closing, with. */
  async #commit(partitions: readonly TopicPartition[], { isClosing }: { readonly isClosing: boolean }): Promise<void> {
    const { logger, stages, metrics, ledger, events } = this.#parts
    const startedAtMs = performance.now()
    const current = offsetsOf(this.#current, partitions)
    if (current.size === 0) return
    metrics.commitBegins()
    try {
      if (isClosing && !(await this.#deadLettersStored())) return
      const returned = await this.#preCommit([...current.values()], isClosing)
      if (returned === null) return metrics.committed(false, performance.now() - startedAtMs)
      const { committable, accepted, warnings } = commitDecision({ current, committed: offsetsOf(this.#committed, partitions), returned })
      for (const warning of warnings) logger.warn(warning)
      for (const offset of accepted) this.#covered(offset)
      if (committable.length === 0) {
        this.#commitSucceeded()
        return metrics.committed(true, performance.now() - startedAtMs)
      }
      const answer = this.#sendCommit(committable)
      if (isClosing) await answer
    } finally {
      stages.add('commit', performance.now() - startedAtMs)
      const imbalance = ledger.check(this.inFlight)
      if (imbalance !== null) this.#unbalanced(imbalance)
      events.progressed()
    }
  }

  /** A defect of the runtime: it is told, and ends the task where that is wanted. */
  #unbalanced(imbalance: string): void {
    this.#parts.logger.error(imbalance)
    if (this.#parts.imbalanceAction === 'fail') this.#imbalance = new ImbalanceError(imbalance)
  }

  /** Offsets of dead letters that may not be there are not committed: their records are read again (docs/spec/record-delivery.md, D10). */
  async #deadLettersStored(): Promise<boolean> {
    const { failedRecords, logger, offsetFlushTimeoutMs } = this.#parts
    const isSettled = await settlesWithin(failedRecords.settled(), offsetFlushTimeoutMs)
    if (!isSettled)
      logger.warn(`Dead letters were not acknowledged within ${offsetFlushTimeoutMs} ms: offsets are not committed, and the records are read again`)
    return !failedRecords.isPending
  }

  /** @returns null where the task failed to say what may be committed: the consumer then goes back to what is committed. */
  async #preCommit(offsets: readonly TopicPartitionOffset[], isClosing: boolean): Promise<readonly TopicPartitionOffset[] | null> {
    const { task, activity, logger } = this.#parts
    try {
      if (task.preCommit) return await activity.during('preCommit', () => task.preCommit!(offsets))
      if (task.flush) await activity.during('flush', () => task.flush!(offsets))
      return offsets
    } catch (error) {
      if (isClosing) logger.warn('Offset commit failed during close', error)
      else {
        logger.error('Offset commit failed, rewinding to last committed offsets', error)
        this.#commitFailed(error)
        this.#goTo(offsets.flatMap((offset) => this.#committed.get(partitionName(offset)) ?? []))
      }
      return null
    }
  }

  #sendCommit(offsets: readonly TopicPartitionOffset[]): Promise<void> {
    const number = ++this.#commitNumber
    this.#isCommitting = true
    this.#commitStartedAtMs = performance.now()
    return this.#parts.consumer.commit(offsets).then(
      () => this.#answered(number, offsets, null),
      (error: unknown) => this.#answered(number, offsets, error),
    )
  }

  #answered(number: number, offsets: readonly TopicPartitionOffset[], error: unknown): void {
    const { metrics } = this.#parts
    if (number !== this.#commitNumber) return metrics.commitSkipped()
    this.#isCommitting = false
    metrics.committed(error === null, performance.now() - this.#commitStartedAtMs)
    if (error !== null) {
      this.#parts.logger.error('Commit of offsets threw an unexpected exception', error)
      return this.#commitFailed(error)
    }
    this.#commitSucceeded()
    for (const offset of offsets) if (this.#current.has(partitionName(offset))) this.#committed.set(partitionName(offset), offset)
  }

  /** Until a commit succeeds the task is one that tries again, whatever `put` takes meanwhile: it will be read once more. */
  #commitFailed(error: unknown): void {
    const { activity } = this.#parts
    activity.failedAgain(error, Math.max(0, this.#nextCommitAtMs - performance.now()))
  }

  #commitSucceeded(): void {
    if (!this.#isRedelivering) this.#parts.activity.recovered()
  }

  /** The task says that everything below `offset` is written. */
  #covered(offset: TopicPartitionOffset): void {
    const covered = this.#delivered.get(partitionName(offset))?.cover(offset.offset) ?? 0
    this.#parts.ledger.written += covered - this.#parts.failedRecords.coveredBelow(offset)
    if (covered > 0) this.#parts.ledger.progressed()
  }

  #holdsTooMuch(): boolean {
    let size = 0
    for (const delivered of this.#delivered.values()) size += delivered.size
    return size > SPARSE_OFFSETS_MAX
  }

  // ─── positions ───

  /** The task asked to go elsewhere: what comes after is read again, or skipped. */
  #rewind(offsets: readonly TopicPartitionOffset[]): void {
    if (offsets.length === 0) return
    const assigned = new Set(this.#parts.consumer.assignment().map(partitionName))
    const known = offsets.filter((offset) => assigned.has(partitionName(offset)))
    for (const offset of offsets) if (!known.includes(offset)) this.#parts.logger.warn(`Cannot rewind ${partitionName(offset)}: it is not assigned`)
    this.#goTo(known)
    for (const offset of known) this.#committed.set(partitionName(offset), offset)
  }

  #goTo(offsets: readonly TopicPartitionOffset[]): void {
    for (const { topic, partition, offset } of offsets) {
      const name = partitionName({ topic, partition })
      this.#parts.consumer.seek({ topic, partition, offset })
      this.#parts.ledger.givenBack += this.#delivered.get(name)?.giveBackFrom(offset) ?? 0
      this.#current.set(name, { topic, partition, offset })
      this.#dropFromBatch(name)
      this.#parts.ledger.givenBack -= this.#parts.failedRecords.givenBackFrom({ topic, partition, offset })
    }
  }

  /** Takes the records of a partition out of a batch that waits to be delivered again. */
  #dropFromBatch(name: string): void {
    const span = this.#batch.spans.get(name)
    this.#batch.positions.delete(name)
    if (!span) return
    this.#parts.ledger.givenBack += span.count
    this.#batch.spans.delete(name)
    this.#batch.records = this.#batch.records.filter(
      (record) => partitionName({ topic: record.originalTopic, partition: record.originalKafkaPartition }) !== name,
    )
  }

  // ─── partitions come and go, inside `poll` ───

  async assigned(partitions: readonly TopicPartition[]): Promise<void> {
    const { consumer, task, context, activity } = this.#parts
    for (const partition of partitions) {
      const { topic, partition: number } = partition
      const position = { topic, partition: number, offset: await consumer.position(partition) }
      this.#current.set(partitionName(partition), position)
      this.#committed.set(partitionName(partition), position)
    }
    context.retainPaused()
    const wasRedelivering = this.#isRedelivering
    this.#isRedelivering = wasRedelivering && this.#batch.records.length > 0
    if (this.#isPaused || this.#isRedelivering) this.#pauseAll()
    else {
      if (context.paused.length > 0) consumer.pause(context.paused)
      // What waited for another try is gone with its partitions: those that stayed are read on.
      if (wasRedelivering) this.#redelivered()
    }
    if (partitions.length > 0) await this.#parts.failedRecords.partitionsAssigned()
    if (partitions.length > 0) await activity.during('open', () => task.open?.(partitions))
    this.#rewind(context.takeRewinds())
  }

  async revoked(partitions: readonly TopicPartition[]): Promise<void> {
    const held = this.#held(partitions)
    if (held.length > 0 && !this.#isCancelled) await this.#closePartitions(held)
  }

  async lost(partitions: readonly TopicPartition[]): Promise<void> {
    const { task, activity } = this.#parts
    const held = this.#held(partitions)
    try {
      if (held.length > 0) await activity.during('close', () => task.close?.(held))
    } finally {
      this.#forget(held)
    }
  }

  /** Those that were opened and not closed yet: the consumer revokes once more when it closes. */
  #held(partitions: readonly TopicPartition[]): TopicPartition[] {
    return partitions.filter((partition) => this.#current.has(partitionName(partition)))
  }

  /** Commits, waiting for the answer, then closes, also where the commit failed (docs/spec/record-delivery.md, D9). */
  async #closePartitions(partitions: readonly TopicPartition[]): Promise<void> {
    const { task, activity } = this.#parts
    try {
      await this.#commit(partitions, { isClosing: true })
    } finally {
      try {
        await activity.during('close', () => task.close?.(partitions))
      } finally {
        this.#forget(partitions)
      }
    }
  }

  #forget(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) {
      const name = partitionName(partition)
      this.#parts.ledger.givenBack += this.#delivered.get(name)?.count ?? 0
      this.#delivered.delete(name)
      this.#current.delete(name)
      this.#committed.delete(name)
      this.#dropFromBatch(name)
      this.#parts.ledger.givenBack -= this.#parts.failedRecords.givenBackFrom({ ...partition, offset: 0 })
    }
    this.#parts.context.forget(partitions)
  }

  // ─── pause ───

  #applyPause(): void {
    const { pause, events, context } = this.#parts
    if (pause.isWanted === this.#isPaused) return
    this.#isPaused = pause.isWanted
    if (this.#isPaused) {
      this.#pauseAll()
      context.requestCommit()
      events.paused()
    } else {
      if (!this.#isRedelivering) this.#resumeAll()
      events.running()
    }
  }

  #pauseAll(): void {
    const { consumer } = this.#parts
    consumer.pause(consumer.assignment())
  }

  #resumeAll(): void {
    const { consumer, context } = this.#parts
    consumer.resume(consumer.assignment().filter((partition) => !context.isPaused(partition)))
  }

  // ─── the end ───

  /** Commits for the last time and releases everything, whatever fails on the way. */
  async #finish(): Promise<void> {
    const { task, consumer, transformations, failedRecords, activity, logger } = this.#parts
    const attempt = async (what: string, act: () => void | Promise<void>): Promise<void> => {
      try {
        await act()
      } catch (error) {
        logger.warn(`Could not ${what}`, error)
      }
    }
    const held = [...this.#current.values()].map(({ topic, partition }) => ({ topic, partition }))
    if (this.#isStarted && !this.#isCancelled && held.length > 0) await attempt('close partitions', () => this.#closePartitions(held))
    else this.#forget(held)
    await attempt('stop task', () => activity.during('stop', () => task.stop()))
    const close = consumer.close({ timeoutMs: this.#isCancelled ? 0 : CLOSE_TIMEOUT_MS })
    await attempt('close consumer', async () => {
      await settlesWithin(close, CLOSE_TIMEOUT_MS)
    })
    await attempt('close transformations', () => transformations.close())
    await attempt('close the producer of dead letters', () => failedRecords.close(this.#isCancelled ? 0 : CLOSE_TIMEOUT_MS))
  }

  async #yield(): Promise<void> {
    await this.#parts.occupancy.whileWaiting(nextTurn())
    this.#turnStartedAtMs = performance.now()
  }

  #noteTopic(topic: string): void {
    if (this.#topicsUsed.has(topic)) return
    this.#topicsUsed.add(topic)
    this.#parts.events.topicUsed(topic)
  }

  #deliveredOf(name: string): DeliveredRecords {
    let delivered = this.#delivered.get(name)
    if (!delivered) this.#delivered.set(name, (delivered = new DeliveredRecords()))
    return delivered
  }

  #lag(): number | null {
    const lags = this.#parts.consumer.assignment().map((partition) => this.#parts.consumer.lag(partition))
    return lags.length === 0 || lags.includes(null) ? null : lags.reduce<number>((sum, lag) => sum + (lag ?? 0), 0)
  }
}

function unrecoverable(cause: unknown): ConnectError {
  return new ConnectError('Exiting WorkerSinkTask due to unrecoverable exception.', { cause })
}

function emptyBatch(): Batch {
  return { records: [], spans: new Map(), positions: new Map() }
}
