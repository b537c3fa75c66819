import {
  ConnectError,
  isRetriable,
  type Logger,
  type MaybePromise,
  type Properties,
  type SourceRecord,
  type SourceTask,
  type SourceTaskContext,
} from '@millrace/api'
import type { ErrorCounters } from '../errors/error-counters.ts'
import type { ErrorHandler } from '../errors/error-handler.ts'
import { StoppedError } from '../errors/retries.ts'
import { StageError } from '../errors/stage-error.ts'
import type { ProgressSnapshot } from '../thread/messages.ts'
import type { Activity } from './activity.ts'
import type { AtLeastOnceDelivery } from './delivery-at-least-once.ts'
import { delay, nextTurn, TURN_MS_MAX } from './event-loop.ts'
import type { Lease } from './lease.ts'
import type { Ledger } from './ledger.ts'
import type { Occupancy } from './occupancy.ts'
import type { Pause } from './pause.ts'
import type { SourceDeadLetters } from './source-dead-letters.ts'
import { type Message, type SourceConverters, timestampOf } from './source-converters.ts'
import { isRetriableKafkaError, type SourceProducer } from './source-producer.ts'
import { SAMPLE_INTERVAL, type StageTimer } from './stage-timer.ts'
import type { SubmittedRecord } from './submitted-records.ts'
import type { TaskEvents, TaskLoop } from './task-loop.ts'
import type { TaskMetrics } from './task-metrics.ts'
import type { TopicCreation } from './topic-creation.ts'
import type { Transformed, TransformationChain } from './transformation-chain.ts'

export type SourceStage = 'poll' | 'transform' | 'convert' | 'send'

/** What a source task is made of. */
export interface SourceTaskParts {
  readonly task: SourceTask
  readonly properties: Properties
  readonly context: SourceTaskContext
  readonly transformations: TransformationChain<SourceRecord>
  readonly converters: SourceConverters
  readonly errors: ErrorHandler<SourceRecord>
  readonly errorCounters: ErrorCounters
  readonly topics: TopicCreation
  readonly producer: SourceProducer
  readonly delivery: AtLeastOnceDelivery
  /** Where records that failed go; null: they are left out. */
  readonly deadLetters: SourceDeadLetters | null
  /** What the task reads committed offsets from. */
  readonly offsets: { close(): void }
  /** Whether the task is still its worker's. */
  readonly lease: Lease
  readonly pause: Pause
  readonly ledger: Ledger
  readonly stages: StageTimer<SourceStage>
  readonly metrics: TaskMetrics
  readonly occupancy: Occupancy
  readonly activity: Activity
  readonly events: TaskEvents
  readonly logger: Logger
  /** Aborted when the task shall end. */
  readonly signal: AbortSignal
}

/** How long to wait before a record that the producer could not take now is offered again. Milliseconds. */
const SEND_RETRY_DELAY_MS = 100

/** How long the producer may take to close. Milliseconds. */
const CLOSE_TIMEOUT_MS = 30_000

/** The path of records into Kafka: poll → transforms → converters → producer (`AbstractWorkerSourceTask`). Runs in the task's thread. */
export class SourceTaskLoop implements TaskLoop {
  readonly #parts: SourceTaskParts
  #isStopping = false
  #isCancelled = false
  /** Records of the batch in hand that neither went to the producer nor were filtered. */
  #undispatched = 0
  readonly #knownTopics = new Set<string>()
  #lastTopic: string | null = null
  #turnStartedAtMs = 0
  /** How long the last poll took. */
  #pollMs = 0

  constructor(parts: SourceTaskParts) {
    this.#parts = parts
  }

  async run(): Promise<void> {
    const { task, delivery, properties, context, activity, events } = this.#parts
    try {
      await this.#whilePaused()
      if (this.#isStopping) return
      activity.enter('starting')
      await activity.during('start', () => task.start(properties, context))
      events.running()
      delivery.start()
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
  }

  cancel(): void {
    this.#isStopping = true
    this.#isCancelled = true
    this.#parts.delivery.cancel()
    this.#parts.offsets.close()
    this.#parts.producer.close({ timeoutMs: 0 }).catch((error) => this.#parts.logger.debug('The producer of a cancelled task did not close', error))
  }

  setPaused(isPaused: boolean): void {
    this.#parts.pause.set(isPaused)
  }

  forgetTopics(): void {
    this.#parts.delivery.forgetTopics()
  }

  progress(): ProgressSnapshot {
    const { ledger, stages, errorCounters } = this.#parts
    return {
      ledger: ledger.snapshot(this.inFlight),
      stage_time_ms: stages.snapshot(),
      last_progress_at: ledger.lastProgressAt,
      lag: null,
      lag_seconds: null,
      errors: errorCounters.snapshot(),
      facts: { ...this.#parts.activity.facts(), hasBacklog: this.#hasBacklog() },
    }
  }

  #hasBacklog(): boolean | null {
    const { task, occupancy } = this.#parts
    if (task.hasBacklog === undefined) return null
    try {
      return occupancy.during('hasBacklog', () => task.hasBacklog!()) as boolean
    } catch {
      // What it says is a help, no part of the work.
      return null
    }
  }

  /** Records that were read and have no end yet, counted where they are. */
  get inFlight(): number {
    return this.#undispatched + this.#parts.delivery.inFlight
  }

  /** One batch, then everybody else's turn. */
  async #turn(): Promise<void> {
    if (await this.#whilePaused()) this.#parts.events.running()
    if (this.#isStopping) return
    this.#parts.delivery.throwIfFailed()
    const batch = await this.#poll()
    if (batch !== null && batch.length > 0) await this.#dispatch(batch)
    await nextTurn()
  }

  async #poll(): Promise<readonly SourceRecord[] | null> {
    const { task, stages, activity, logger } = this.#parts
    const startedAtMs = performance.now()
    try {
      const batch = await activity.during('poll', () => task.poll())
      activity.recovered()
      return batch
    } catch (error) {
      if (!isRetriable(error)) throw error
      activity.failedAgain(error, null)
      logger.warn('failed to poll records from SourceTask. Will retry operation.', error)
      return null
    } finally {
      this.#pollMs = performance.now() - startedAtMs
      stages.add('poll', this.#pollMs)
    }
  }

  async #dispatch(batch: readonly SourceRecord[]): Promise<void> {
    const { ledger, stages, occupancy } = this.#parts
    ledger.read += batch.length
    this.#parts.metrics.polled(batch.length, this.#pollMs)
    this.#parts.activity.hasRead()
    this.#undispatched = batch.length
    const startedAtMs = performance.now()
    try {
      occupancy.enter()
      await this.#dispatchEach(batch)
    } catch (error) {
      if (!(error instanceof StoppedError)) throw error
    } finally {
      occupancy.leave()
      // What could not be handed over any more is read again after the next start, because its offset is not committed.
      ledger.givenBack += this.#undispatched
      this.#undispatched = 0
      stages.divide(performance.now() - startedAtMs, ['transform', 'convert', 'send'])
    }
  }

  async #dispatchEach(batch: readonly SourceRecord[]): Promise<void> {
    const { transformations, converters, producer, delivery, deadLetters, stages, occupancy, activity, lease, signal } = this.#parts
    // Another worker may have the task: what it would send comes from there.
    if (!lease.isValid && !(await occupancy.whileWaiting(lease.renewed(signal)))) return
    const { traces } = this.#parts.errors
    this.#turnStartedAtMs = performance.now()
    let nowMs = Date.now()

    for (let index = 0; index < batch.length; index++) {
      const record = batch[index]!
      this.#undispatched = batch.length - index
      const isSampled = (index & (SAMPLE_INTERVAL - 1)) === 0
      if (isSampled) {
        if (performance.now() - this.#turnStartedAtMs > TURN_MS_MAX) await this.#yield()
        nowMs = Date.now()
        stages.begin()
        traces.renew()
      }

      let outputs: Transformed<SourceRecord> | Promise<Transformed<SourceRecord>> = record
      if (!transformations.isEmpty) {
        try {
          outputs = traces.isSpent ? transformations.applyWithoutTrace(record) : transformations.apply(record)
          if (outputs instanceof Promise) outputs = await activity.awaiting('transform', outputs)
        } catch (error) {
          const reported = this.#failed(error, record)
          if (reported instanceof Promise) await occupancy.whileWaiting(reported)
          if (deadLetters === null) delivery.skipped(record)
          else {
            this.#undispatched = batch.length - index - 1
            const sent = deadLetters.send(error as StageError, record, delivery.track(record, 1))
            if (sent instanceof Promise) await occupancy.whileWaiting(sent)
          }
          continue
        }
        if (isSampled) stages.lap('transform')
        if (outputs === null || (Array.isArray(outputs) && outputs.length === 0)) {
          delivery.filtered(record, transformations.filteredBy)
          continue
        }
      }

      const several = Array.isArray(outputs) ? (outputs as readonly SourceRecord[]) : null
      let count = several === null ? 1 : several.length
      // Tracked before the first message is sent, so that no later offset can be committed ahead of this record (docs/spec/record-delivery.md, D2).
      let tracked: SubmittedRecord | null = null
      for (let each = 0; each < (several?.length ?? 1); each++) {
        const output = several === null ? (outputs as SourceRecord) : several[each]!
        let message: Message | Promise<Message>
        try {
          message = traces.isSpent ? converters.toMessageWithoutTrace(output) : converters.toMessage(output)
          if (message instanceof Promise) message = await activity.awaiting('convert', message)
        } catch (error) {
          const reported = this.#failed(error, record)
          if (reported instanceof Promise) await occupancy.whileWaiting(reported)
          if (deadLetters !== null) {
            tracked ??= delivery.track(record, count)
            this.#undispatched = batch.length - index - 1
            const sent = deadLetters.send(error as StageError, record, tracked)
            if (sent instanceof Promise) await occupancy.whileWaiting(sent)
          } else if (tracked !== null) tracked.leaveOut()
          else if (--count === 0) delivery.skipped(record)
          continue
        }
        const timestamp = timestampOf(output, nowMs)
        if (isSampled) stages.lap('convert')

        if (output.topic !== this.#lastTopic) await occupancy.whileWaiting(this.#meetTopic(output.topic))
        if (!producer.hasRoom() && !(await activity.awaiting('room', this.#room()))) return
        if (tracked === null) {
          tracked = delivery.track(record, count)
          this.#undispatched = batch.length - index - 1
        }
        const sent = this.#send(output, timestamp, message, tracked)
        if (sent instanceof Promise && !(await occupancy.whileWaiting(sent))) return
        if (isSampled) stages.lap('send')
      }
    }
    this.#undispatched = 0
  }

  /** A stage failed for good. Returns a promise only where a reporter does. @throws where that is not tolerated. */
  #failed(error: unknown, record: SourceRecord): MaybePromise<void> {
    if (!(error instanceof StageError)) throw error
    this.#parts.errors.admit(error)
    return this.#parts.errors.failed(error, record)
  }

  /** @returns true when the producer has the message, or a promise of it; false where the task ended before that. */
  #send(output: SourceRecord, timestamp: number, message: Message, tracked: SubmittedRecord): true | Promise<boolean> {
    try {
      this.#parts.producer.send(output.topic, output.kafkaPartition, timestamp, message.key, message.value, message.headers, tracked)
      return true
    } catch (error) {
      return this.#sendAgain(error, output, timestamp, message, tracked)
    }
  }

  async #sendAgain(error: unknown, output: SourceRecord, timestamp: number, message: Message, tracked: SubmittedRecord): Promise<boolean> {
    const { logger, activity, signal } = this.#parts
    if (!isRetriableKafkaError(error)) throw new ConnectError('Unrecoverable exception trying to send', { cause: error })
    logger.warn(`Failed to send record to topic '${output.topic}'. Backing off before retrying`, error)
    activity.failedAgain(error, SEND_RETRY_DELAY_MS)
    await delay(SEND_RETRY_DELAY_MS, signal)
    return this.#isStopping ? false : this.#send(output, timestamp, message, tracked)
  }

  /** Waits until the producer's memory has room. @returns false where the task shall end before that. */
  async #room(): Promise<boolean> {
    const { producer, signal } = this.#parts
    const ended = Promise.withResolvers<boolean>()
    const end = () => ended.resolve(false)
    signal.addEventListener('abort', end)
    try {
      const room = producer.room().then(() => true)
      room.catch(() => {})
      return signal.aborted ? false : await Promise.race([room, ended.promise])
    } finally {
      signal.removeEventListener('abort', end)
    }
  }

  /** The first message to a topic: it is created where that is ours to do (KIP-158). */
  async #meetTopic(topic: string): Promise<void> {
    const { topics, activity, logger, signal } = this.#parts
    while (!this.#knownTopics.has(topic) && !this.#isStopping) {
      try {
        await topics.ensureExists(topic)
        this.#knownTopics.add(topic)
        activity.recovered()
      } catch (error) {
        if (!isRetriableKafkaError(error)) throw error
        logger.warn(`Failed to create topic '${topic}'. Backing off before retrying`, error)
        activity.failedAgain(error, SEND_RETRY_DELAY_MS)
        await delay(SEND_RETRY_DELAY_MS, signal)
      }
    }
    this.#lastTopic = topic
  }

  /** @returns whether there was a pause. */
  async #whilePaused(): Promise<boolean> {
    const { pause, events, signal } = this.#parts
    if (!pause.isWanted || this.#isStopping) return false
    events.paused()
    await pause.ended(signal)
    return !this.#isStopping
  }

  /** A message that Kafka refuses may become a dead letter, which has to be waited for as well. */
  async #flush(): Promise<void> {
    await this.#parts.producer.flush()
    await this.#parts.deadLetters?.settled()
  }

  /** Waits for the answers of Kafka, commits for the last time, and releases everything, whatever fails on the way. */
  async #finish(): Promise<void> {
    const { task, delivery, deadLetters, producer, topics, transformations, activity, logger } = this.#parts
    const attempt = async (what: string, act: () => void | Promise<void>): Promise<void> => {
      try {
        await act()
      } catch (error) {
        logger.warn(`Could not ${what}`, error)
      }
    }
    await attempt('commit offsets', () => delivery.finish(() => this.#flush()))
    await attempt('stop task', () => activity.during('stop', () => task.stop()))
    await attempt('close the producer of dead letters', () => deadLetters?.close(this.#isCancelled ? 0 : CLOSE_TIMEOUT_MS))
    await attempt('close producer', () => producer.close({ timeoutMs: this.#isCancelled ? 0 : CLOSE_TIMEOUT_MS }))
    await attempt('close admin client', () => topics.close())
    await attempt('close transformations', () => transformations.close())
  }

  /** Lets timers, sockets and messages have their turn in the middle of a batch. */
  async #yield(): Promise<void> {
    await this.#parts.occupancy.whileWaiting(nextTurn())
    this.#turnStartedAtMs = performance.now()
    this.#parts.delivery.throwIfFailed()
  }
}
