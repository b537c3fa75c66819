import type { ErrantRecordReporter, MaybePromise, SinkRecord, TopicPartition } from '@millrace/api'
import { ConnectError } from '@millrace/api'
import type { ConsumedMessage, DeadLetterQueue } from '../errors/dead-letter-queue.ts'
import type { ErrorHandler } from '../errors/error-handler.ts'
import { StageError } from '../errors/stage-error.ts'
import { FetchedMessage } from './fetched-message.ts'
import type { Ledger } from './ledger.ts'
import type { FetchedPartition } from './sink-consumer.ts'
import type { ConverterSet } from './source-converters.ts'
import { heldBack, partsOfDistinctKeys, type Quarantine } from './quarantine.ts'
import { partitionName } from './topic-partitions.ts'

export interface FailedRecordsOptions {
  readonly handler: ErrorHandler<ConsumedMessage>
  /** Of records that `put` cannot write, where that is tolerated (`millrace.errors.put.tolerance`); otherwise null. */
  readonly putHandler: ErrorHandler<ConsumedMessage> | null
  /** Null where failed records are only left out. */
  readonly queue: DeadLetterQueue | null
  /** Whether the sink may report records: where they are logged or dead-lettered. */
  readonly isReportable: boolean
  /** Whether a dead letter that Kafka refuses fails the task. In the original it is logged, and its record is lost. */
  readonly areLettersNeeded: boolean
  /** To write records that the sink made itself. */
  readonly converters: ConverterSet
  readonly ledger: Ledger
  /** Keys whose later records are held back, and who hears of these; null where they go on. Only with a queue. */
  readonly quarantine: { readonly keys: Quarantine; readonly handler: ErrorHandler<ConsumedMessage> } | null
}

/** Where a record keeps the message that it was made of. Transformations that copy a record copy it, too. */
const MESSAGE = Symbol('millrace.message')

type RecordWithMessage = SinkRecord & { [MESSAGE]?: ConsumedMessage }

/** A header of ours: where the record is that this one must not overtake. */
const HELD_SINCE = 'millrace.errors.quarantined.since'

const SINK_TASK_CLASS = 'org.apache.kafka.connect.sink.SinkTask'

/**
 * The records of a sink task that failed: on their way to it, or that it reported itself (`WorkerErrantRecordReporter`), or that `put` could not write. Says
 * what is still in flight because of them, so that no offset is committed before its dead letter is stored, and no record is counted twice.
 */
export class FailedRecords {
  readonly #options: FailedRecordsOptions
  /** Dead letters under way, each of which stands for a record. */
  #pending = 0
  /** Records that ended as dead letters after they were put, and that no commit has covered yet: they have their end, though they are in a span. */
  readonly #reported = new Map<string, Set<number>>()
  #fatal: Error | null = null
  #isLetterLost = false
  readonly #uncounted = new WeakSet<ConsumedMessage>()
  /** Whether the loop still has a record of this message, neither committed nor given back. Set by the loop. */
  isHeld: (message: ConsumedMessage) => boolean = () => false

  constructor(options: FailedRecordsOptions) {
    this.#options = options
  }

  /** What sinks are given in their context; null where neither log nor dead letters are wanted. */
  get reporter(): ErrantRecordReporter | null {
    return this.#options.isReportable ? { report: (record, error) => this.#report(record, error) } : null
  }

  /** Whether messages have to be kept with their records. */
  get keepsMessages(): boolean {
    return this.#options.isReportable
  }

  /** Whether a record that fails has an end of its own, even where it fails the task. */
  get hasOwnEnd(): boolean {
    return this.#options.queue !== null || this.#options.handler.tolerates
  }

  /** Whether so many records fail that further errors are to be made without stack traces. */
  get tracesAreSpent(): boolean {
    return this.#options.handler.traces.isSpent
  }

  /** To be called every so many records. */
  renewTraces(): void {
    this.#options.handler.traces.renew()
  }

  /** Whether records that `put` cannot write are looked for. */
  get tolerateRefusals(): boolean {
    return this.#options.putHandler !== null
  }

  /** To be added to what is in flight; below 0 where records in spans have ended. */
  get inFlight(): number {
    let reported = 0
    for (const offsets of this.#reported.values()) reported += offsets.size
    return this.#pending - reported
  }

  /** Dead letters that Kafka has not acknowledged, or refused although they are needed: no offset may be committed. */
  get isPending(): boolean {
    const { queue, quarantine } = this.#options
    return this.#isLetterLost || (queue?.pending ?? 0) > 0 || (quarantine?.keys.pending ?? 0) > 0
  }

  /** Resolves when each dead letter, and each key in quarantine, has an answer. */
  async settled(): Promise<void> {
    const { queue, quarantine } = this.#options
    await queue?.settled()
    await quarantine?.keys.stored()
  }

  /** Before the first record. @throws where the keys in quarantine cannot be read. */
  async start(signal: AbortSignal): Promise<void> {
    await this.#options.quarantine?.keys.start(signal)
  }

  /** Before records of partitions that are new to the task. */
  async partitionsAssigned(): Promise<void> {
    await this.#options.quarantine?.keys.upToDate()
  }

  /** Closes the producer of dead letters, where there is one. */
  async close(timeoutMs: number): Promise<void> {
    await this.#options.queue?.close(timeoutMs)
    await this.#options.quarantine?.keys.stop()
  }

  /** Ends the task at its next turn, and all commits at once. */
  fail(error: Error): void {
    this.#isLetterLost = true
    this.#fatal ??= error
  }

  keep(record: SinkRecord, cursor: FetchedPartition): void {
    ;(record as RecordWithMessage)[MESSAGE] = new FetchedMessage(cursor)
  }

  /** A record is about to be treated as failed. Nothing has been done for it yet. @throws where the budget of failures is spent, or the quarantine is full. */
  admit(error: StageError, cursor: FetchedPartition): void {
    const { handler, quarantine } = this.#options
    handler.admit(error)
    if (quarantine !== null && handler.tolerates) quarantine.keys.add(new FetchedMessage(cursor))
  }

  /** A record failed before `put`, and was admitted. @throws where that is not tolerated. */
  failed(error: StageError, cursor: FetchedPartition): MaybePromise<void> {
    const { handler, queue, ledger } = this.#options
    if (queue !== null) this.#pending++
    else if (handler.tolerates) ledger.skipped++
    return handler.failed(error, new FetchedMessage(cursor))
  }

  /** Whether the key of a record that is about to be read is in quarantine: it is a dead letter then, and was handed over. */
  isHeldBack(cursor: FetchedPartition): MaybePromise<boolean> {
    const { quarantine } = this.#options
    if (quarantine === null || quarantine.keys.isEmpty || cursor.keyStart === -1) return false
    const message = new FetchedMessage(cursor)
    const since = quarantine.keys.heldSince(message)
    if (since === null) return false
    this.#pending++
    const reported = this.#holdBack(message, since, quarantine.handler)
    return reported instanceof Promise ? reported.then(() => true) : true
  }

  /** The batch in the parts that it has to be put in, so that a record that cannot be written is not overtaken; null: as one. */
  partsOf(records: readonly SinkRecord[], isTransactional: boolean): readonly (readonly SinkRecord[])[] | null {
    if (this.#options.quarantine === null || records.length === 0) return null
    // Of a batch that fails as a whole nothing was written.
    return isTransactional ? [records] : partsOfDistinctKeys(records, (record) => (record as RecordWithMessage)[MESSAGE] ?? null)
  }

  /** Those records of a batch whose keys are not in quarantine; the others become dead letters. */
  async admitted(records: readonly SinkRecord[]): Promise<readonly SinkRecord[]> {
    const { quarantine } = this.#options
    if (quarantine === null || quarantine.keys.isEmpty) return records
    const admitted: SinkRecord[] = []
    for (const record of records) {
      const message = (record as RecordWithMessage)[MESSAGE]
      const since = message === undefined ? null : quarantine.keys.heldSince(message)
      if (message === undefined || since === null) admitted.push(record)
      else if (this.#reported.get(partitionName(message))?.has(message.offset) !== true) {
        this.#count(message, true)
        await this.#holdBack(message, since, quarantine.handler)
      }
    }
    return admitted
  }

  #holdBack(message: ConsumedMessage, since: number, handler: ErrorHandler<ConsumedMessage>): MaybePromise<void> {
    const notes = [{ key: HELD_SINCE, value: Buffer.from(`${partitionName(message)}@${since}`) }]
    if (message instanceof FetchedMessage) message.notes = notes
    return handler.failed(new StageError('TASK_PUT', SINK_TASK_CLASS, heldBack(message, since)), message)
  }

  /** Later records of the same key must not overtake this one. */
  #isolate(message: ConsumedMessage): void {
    this.#options.quarantine?.keys.add(message)
  }

  /** `put` cannot write a record. @throws where that is not tolerated, or the budget of failures is spent. */
  refused(record: SinkRecord, cause: unknown): MaybePromise<void> {
    const { putHandler } = this.#options
    if (putHandler === null) throw cause
    const kept = (record as RecordWithMessage)[MESSAGE]
    return kept === undefined ? this.#refusedCopy(record, cause, putHandler) : this.#refused(kept, true, cause, putHandler)
  }

  /** Told by the queue. @param failure why the topic does not have the message, or null. */
  ended(message: ConsumedMessage, failure: Error | null): void {
    if (failure !== null && this.#options.areLettersNeeded) this.#letterLost(message, failure)
    else if (!this.#uncounted.has(message)) {
      const { ledger } = this.#options
      this.#pending--
      if (failure === null) ledger.deadLettered++
      else ledger.skipped++
      ledger.progressed()
    }
  }

  /** @throws where the sink reported a record although errors are not tolerated, and went on; or where a dead letter that is needed was refused. */
  throwIfFatal(): void {
    if (this.#fatal !== null) throw this.#fatal
  }

  /** @returns how many reported records a commit covers. */
  coveredBelow({ topic, partition, offset }: TopicPartition & { readonly offset: number }): number {
    return this.#take(partitionName({ topic, partition }), (each) => each < offset)
  }

  /** @returns how many reported records are given back, to be read again. */
  givenBackFrom({ topic, partition, offset }: TopicPartition & { readonly offset: number }): number {
    return this.#take(partitionName({ topic, partition }), (each) => each >= offset)
  }

  async #report(record: SinkRecord, cause: unknown): Promise<void> {
    const { handler, queue } = this.#options
    const kept = (record as RecordWithMessage)[MESSAGE]
    const message = kept ?? (await this.#writtenMessage(record))
    const error = putError(message, cause)
    try {
      handler.admit(error)
      if (handler.tolerates) this.#isolate(message)
      this.#count(message, kept !== undefined)
      await handler.failed(error, message)
    } catch (failure) {
      this.#fatal ??= failure as Error
      throw failure
    }
    await queue?.settled()
  }

  async #refusedCopy(record: SinkRecord, cause: unknown, handler: ErrorHandler<ConsumedMessage>): Promise<void> {
    await this.#refused(await this.#writtenMessage(record), false, cause, handler)
  }

  #refused(message: ConsumedMessage, isKept: boolean, cause: unknown, handler: ErrorHandler<ConsumedMessage>): MaybePromise<void> {
    // A transformation may have made several records of one message: it is one dead letter.
    if (this.#reported.get(partitionName(message))?.has(message.offset) === true) return
    const error = putError(message, cause)
    handler.admit(error)
    this.#isolate(message)
    this.#count(message, isKept)
    return handler.failed(error, message)
  }

  /** A message becomes a dead letter although its record is, or was, with the sink. */
  #count(message: ConsumedMessage, isKept: boolean): void {
    const { queue, ledger } = this.#options
    const offsets = this.#reportedOf(message)
    if (!isKept || offsets.has(message.offset) || !this.isHeld(message)) this.#uncounted.add(message)
    else {
      offsets.add(message.offset)
      if (queue === null) ledger.skipped++
      else this.#pending++
    }
  }

  /** Nothing is committed any more, and the task fails: its record is read again (docs/spec/record-delivery.md, D12). */
  #letterLost(message: ConsumedMessage, cause: Error): void {
    this.fail(new ConnectError(`The dead letter of ${partitionName(message)}@${message.offset} was refused by Kafka`, { cause }))
    if (this.#uncounted.has(message)) return
    this.#pending--
    if (this.#reported.get(partitionName(message))?.delete(message.offset) !== true) this.#options.ledger.givenBack++
  }

  /** A record that the sink made or changed itself is written by the task's converters. */
  async #writtenMessage(record: SinkRecord): Promise<ConsumedMessage> {
    const { key, value, header } = this.#options.converters
    const { topic } = record
    const headers = []
    for (const each of record.headers ?? []) {
      const bytes = await header.fromConnectHeader(topic, each.key, each.schema, each.value)
      headers.push({ key: each.key, value: typeof bytes === 'string' ? Buffer.from(bytes) : bytes })
    }
    return {
      topic,
      partition: record.kafkaPartition,
      offset: record.kafkaOffset,
      timestamp: record.timestamp ?? -1,
      timestampType: record.timestampType,
      key: await key.fromConnectData(topic, record.keySchema, record.key, record.headers),
      value: await value.fromConnectData(topic, record.valueSchema, record.value, record.headers),
      headers,
    }
  }

  #reportedOf(message: ConsumedMessage): Set<number> {
    const name = partitionName(message)
    let offsets = this.#reported.get(name)
    if (offsets === undefined) this.#reported.set(name, (offsets = new Set()))
    return offsets
  }

  #take(name: string, isTaken: (offset: number) => boolean): number {
    const offsets = this.#reported.get(name)
    if (offsets === undefined) return 0
    const taken = [...offsets].filter(isTaken)
    for (const offset of taken) offsets.delete(offset)
    if (offsets.size === 0) this.#reported.delete(name)
    return taken.length
  }
}

function putError({ topic, partition, offset }: ConsumedMessage, cause: unknown): StageError {
  return new StageError('TASK_PUT', SINK_TASK_CLASS, cause, { record: { topic, partition, offset } })
}
