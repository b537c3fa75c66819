import type { Logger, MaybePromise, SourceRecord } from '@millrace/api'
import { ConnectError } from '@millrace/api'
import type { ErrorHandler } from '../errors/error-handler.ts'
import { coordinatesOf, StageError } from '../errors/stage-error.ts'
import type { Activity } from './activity.ts'
import { settlesWithin } from './event-loop.ts'
import type { Ledger } from './ledger.ts'
import type { OffsetWriter } from './offset-writer.ts'
import type { SourceDeadLetters } from './source-dead-letters.ts'
import { type RecordEnd, type SendListener, type SubmittedRecord, SubmittedRecords } from './submitted-records.ts'

/** The part of a source task that hears of acknowledgements and commits. */
export interface AcknowledgementListener {
  commitRecord?(record: SourceRecord, metadata: { topic: string; partition: number; offset: number; timestamp: number } | null): MaybePromise<void>
  commit?(): MaybePromise<void>
}

export interface DeliveryOptions {
  readonly task: AcknowledgementListener
  readonly ledger: Ledger
  /** Hears of records that Kafka refuses. */
  readonly errors: ErrorHandler<SourceRecord>
  /** Where records that failed go; null: they are left out. */
  readonly deadLetters: SourceDeadLetters | null
  readonly offsetWriter: OffsetWriter
  readonly activity: Pick<Activity, 'during'>
  readonly logger: Logger
  /** Milliseconds between the end of one commit of offsets and the next. */
  readonly offsetFlushIntervalMs: number
  /** Milliseconds that a commit may take. */
  readonly offsetFlushTimeoutMs: number
  /** Called once per topic, when Kafka has the first message to it; and once more after `forgetTopics`. */
  readonly topicUsed: (topic: string) => void
  /** After each commit. @param isSuccess whether the offsets are stored. @param tookMs how long that took. */
  readonly afterCommit: (isSuccess: boolean, tookMs: number) => void
}

/** By which the original names who failed to produce. */
const PRODUCER_CLASS = 'org.apache.kafka.connect.runtime.WorkerSourceTask'

/**
 * At-least-once delivery: offsets of records are committed after Kafka has them, on a timer and once more at the end
 * (`WorkerSourceTask` and `SourceTaskOffsetCommitter` of the original).
 */
export class AtLeastOnceDelivery implements SendListener {
  readonly #options: DeliveryOptions
  readonly #submitted: SubmittedRecords
  #timer: NodeJS.Timeout | undefined
  #commitUnderWay: Promise<boolean> | null = null
  #sendError: Error | null = null
  #fatal: Error | null = null
  #isCancelled = false
  #isFinished = false
  readonly #topicsUsed = new Set<string>()
  #lastTopicUsed: string | null = null

  constructor(options: DeliveryOptions) {
    this.#options = options
    this.#submitted = new SubmittedRecords(this, { keepsRecords: options.task.commitRecord !== undefined || options.errors.tolerates })
  }

  /** Begins the regular commits. */
  start(): void {
    this.#scheduleCommit()
  }

  /** @param messages how many messages the record became; at least 1. */
  track(record: SourceRecord, messages: number): SubmittedRecord {
    return this.#submitted.submit(record, messages)
  }

  /** A transformation left the record out: there will be no message, and its offset is covered by that of the next record (docs/spec/record-delivery.md, D3). */
  filtered(record: SourceRecord, alias: string): void {
    this.#options.ledger.filteredBy(alias)
    this.#options.ledger.progressed()
    if (this.#options.task.commitRecord) this.#commitRecord(record, null)
  }

  /** A record failed and is tolerated: as with one that was filtered, there will be no message. */
  skipped(record: SourceRecord): void {
    this.#options.ledger.skipped++
    this.#options.ledger.progressed()
    if (this.#options.task.commitRecord) this.#commitRecord(record, null)
  }

  /** Records handed to the producer that have no answer yet. */
  get inFlight(): number {
    return this.#isFinished ? 0 : this.#submitted.inFlight
  }

  /** The task fails at its next turn. */
  fail(error: Error): void {
    this.#fatal ??= error
  }

  /** @throws where Kafka refused an earlier record for good, or something else ended the task. */
  throwIfFailed(): void {
    if (this.#fatal) throw this.#fatal
    if (this.#sendError) throw new ConnectError('Unrecoverable exception from producer send callback', { cause: this.#sendError })
  }

  /** Waits for the producer's answers as long as a commit may take, then commits for the last time. `flush` ends when all are answered. */
  async finish(flush: () => Promise<void>): Promise<void> {
    clearTimeout(this.#timer)
    if (this.#isCancelled) return
    const { offsetFlushTimeoutMs, logger } = this.#options
    try {
      if (!(await settlesWithin(flush(), offsetFlushTimeoutMs))) logger.warn('Timed out while waiting for the acknowledgement of records that were sent')
    } catch (error) {
      logger.warn('Records that were sent are not acknowledged', error)
    }
    await this.#commitUnderWay
    await this.commitOffsets()
    this.#giveBackRest()
  }

  /** Nothing is committed any more (docs/spec/record-delivery.md, D5). */
  cancel(): void {
    if (this.#isFinished) return
    this.#isCancelled = true
    clearTimeout(this.#timer)
    this.#giveBackRest()
  }

  /** What has no answer by now is read again after the next start: its offset is not committed. Later answers do not count. */
  #giveBackRest(): void {
    this.#options.ledger.givenBack += this.#submitted.inFlight
    this.#isFinished = true
    clearTimeout(this.#timer)
  }

  /** Commits what may be committed. @returns whether that was possible; otherwise it is tried again with the next commit. */
  commitOffsets(): Promise<boolean> {
    this.#commitUnderWay ??= this.#commit().finally(() => {
      this.#commitUnderWay = null
    })
    return this.#commitUnderWay
  }

  async #commit(): Promise<boolean> {
    if (this.#isCancelled) return false
    const { offsetWriter, offsetFlushTimeoutMs, logger, afterCommit } = this.#options
    const offsets = this.#submitted.takeCommittable()
    const startedAtMs = performance.now()
    let isStored = false
    try {
      if (offsets.length > 0 && !(await settlesWithin(offsetWriter.write(offsets), offsetFlushTimeoutMs))) {
        throw new ConnectError(`The offset store did not answer within ${offsetFlushTimeoutMs} ms`)
      }
      isStored = true
    } catch (error) {
      this.#submitted.restoreCommittable(offsets)
      logger.error('Failed to flush offsets to storage', error)
      return false
    } finally {
      afterCommit(isStored, performance.now() - startedAtMs)
    }
    await this.#tellCommitted()
    return true
  }

  async #tellCommitted(): Promise<void> {
    try {
      await this.#options.activity.during('commit', () => this.#options.task.commit?.())
    } catch (error) {
      this.#options.logger.error('Exception thrown while calling task.commit()', error)
    }
  }

  #scheduleCommit(): void {
    this.#timer = setTimeout(() => {
      const again = () => {
        if (!this.#isFinished) this.#scheduleCommit()
      }
      this.commitOffsets().then(again, again)
    }, this.#options.offsetFlushIntervalMs)
  }

  acknowledged(submitted: SubmittedRecord, topic: string, partition: number, offset: number, timestamp: number): void {
    if (topic !== this.#lastTopicUsed) this.#noteTopic(topic)
    if (submitted.record !== null && this.#options.task.commitRecord) this.#commitRecord(submitted.record, { topic, partition, offset, timestamp })
  }

  #noteTopic(topic: string): void {
    this.#lastTopicUsed = topic
    if (this.#topicsUsed.has(topic)) return
    this.#topicsUsed.add(topic)
    this.#options.topicUsed(topic)
  }

  forgetTopics(): void {
    this.#topicsUsed.clear()
    this.#lastTopicUsed = null
  }

  ended({ record }: SubmittedRecord, end: RecordEnd): void {
    if (this.#isFinished) return
    const { ledger, task } = this.#options
    if (end === 'written') ledger.written++
    else if (end === 'left-out') ledger.skipped++
    else {
      ledger.deadLettered++
      if (record !== null && task.commitRecord) this.#commitRecord(record, null)
    }
    ledger.progressed()
  }

  failed(submitted: SubmittedRecord, error: Error): boolean {
    const { errors, deadLetters } = this.#options
    const { record } = submitted
    if (!errors.tolerates || record === null) {
      this.#sendError ??= error
      return false
    }
    try {
      const stageError = new StageError('KAFKA_PRODUCE', PRODUCER_CLASS, error, { record: coordinatesOf(record) })
      errors.admit(stageError)
      const reported = errors.failed(stageError, record)
      if (reported instanceof Promise) reported.catch((failure: Error) => (this.#sendError ??= failure))
      if (deadLetters !== null) {
        // It ends when the topic has its dead letter.
        const sent = deadLetters.send(stageError, record, submitted)
        if (sent instanceof Promise) sent.catch((failure: Error) => (this.#sendError ??= failure))
        return false
      }
    } catch (failure) {
      this.#sendError ??= failure as Error
      return false
    }
    if (this.#options.task.commitRecord) this.#commitRecord(record, null)
    return true
  }

  #commitRecord(record: SourceRecord, metadata: { topic: string; partition: number; offset: number; timestamp: number } | null): void {
    const report = (error: unknown) => this.#options.logger.error('Exception thrown while calling task.commitRecord()', error)
    try {
      const committed = this.#options.task.commitRecord?.(record, metadata)
      if (committed instanceof Promise) committed.catch(report)
    } catch (error) {
      report(error)
    }
  }
}
