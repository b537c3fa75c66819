import type { ErrantRecordReporter, SinkRecord, TopicPartition } from '@millrace/api'
import type { ConsumedMessage, DeadLetterQueue } from '../errors/dead-letter-queue.ts'
import type { ErrorHandler } from '../errors/error-handler.ts'
import { StageError } from '../errors/stage-error.ts'
import type { Ledger } from './ledger.ts'
import type { FetchedPartition } from './sink-consumer.ts'
import type { ConverterSet } from './source-converters.ts'
import { partitionName } from './topic-partitions.ts'

export interface FailedRecordsOptions {
  readonly handler: ErrorHandler<ConsumedMessage>
  /** Null where failed records are only left out. */
  readonly queue: DeadLetterQueue | null
  /** Whether the sink may report records: where they are logged or dead-lettered. */
  readonly isReportable: boolean
  /** To write records that the sink made itself. */
  readonly converters: ConverterSet
  readonly ledger: Ledger
}

/** Where a record keeps the message that it was made of. Transformations that copy a record copy it, too. */
const MESSAGE = Symbol('millrace.message')

type RecordWithMessage = SinkRecord & { [MESSAGE]?: ConsumedMessage }

const SINK_TASK_CLASS = 'org.apache.kafka.connect.sink.SinkTask'

/**
 * The records of a sink task that failed: on their way to it, or that it reported itself (`WorkerErrantRecordReporter`). Says what is still in flight
 * because of them, so that no offset is committed before its dead letter is stored, and no record is counted twice.
 */
export class FailedRecords {
  readonly #options: FailedRecordsOptions
  /** Dead letters under way, each of which stands for a record. */
  #pending = 0
  /** Records that the sink reported and no commit has covered yet: they have their end, though they are in a span. */
  readonly #reported = new Map<string, Set<number>>()
  #fatal: Error | null = null
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

  /** To be added to what is in flight; below 0 where records in spans have ended. */
  get inFlight(): number {
    let reported = 0
    for (const offsets of this.#reported.values()) reported += offsets.size
    return this.#pending - reported
  }

  /** Dead letters that Kafka has not acknowledged: no offset may be committed yet. */
  get isPending(): boolean {
    return (this.#options.queue?.pending ?? 0) > 0
  }

  settled(): Promise<void> {
    return this.#options.queue?.settled() ?? Promise.resolve()
  }

  /** Closes the producer of dead letters, where there is one. */
  async close(timeoutMs: number): Promise<void> {
    await this.#options.queue?.close(timeoutMs)
  }

  keep(record: SinkRecord, cursor: FetchedPartition): void {
    ;(record as RecordWithMessage)[MESSAGE] = messageOf(cursor)
  }

  /** A record failed before `put`. @throws where that is not tolerated. */
  async failed(error: StageError, cursor: FetchedPartition): Promise<void> {
    const { handler, queue, ledger } = this.#options
    if (queue !== null) this.#pending++
    else if (handler.tolerates) ledger.skipped++
    await handler.failed(error, messageOf(cursor))
  }

  /** Told by the queue. */
  ended(message: ConsumedMessage, isStored: boolean): void {
    if (this.#uncounted.has(message)) return
    const { ledger } = this.#options
    this.#pending--
    if (isStored) ledger.deadLettered++
    else ledger.skipped++
    ledger.progressed()
  }

  /** @throws where the sink reported a record although errors are not tolerated, and went on. */
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
    const { handler, queue, ledger } = this.#options
    const kept = (record as RecordWithMessage)[MESSAGE]
    const message = kept ?? (await this.#writtenMessage(record))
    const offsets = this.#reportedOf(message)
    if (kept === undefined || offsets.has(message.offset) || !this.isHeld(message)) this.#uncounted.add(message)
    else {
      offsets.add(message.offset)
      if (queue === null) ledger.skipped++
      else this.#pending++
    }
    const error = new StageError('TASK_PUT', SINK_TASK_CLASS, cause)
    try {
      await handler.failed(error, message)
    } catch (failure) {
      this.#fatal ??= failure as Error
      throw failure
    }
    await queue?.settled()
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

/** What was read, before anything was made of it. Valid as long as the fetched bytes are kept. */
function messageOf(cursor: FetchedPartition): ConsumedMessage {
  const { topic, partition, offset, timestamp, timestampType, buffer } = cursor
  return {
    topic,
    partition,
    offset,
    timestamp,
    timestampType,
    key: cursor.keyStart === -1 ? null : buffer.subarray(cursor.keyStart, cursor.keyEnd),
    value: cursor.valueStart === -1 ? null : buffer.subarray(cursor.valueStart, cursor.valueEnd),
    headers: cursor.headers() ?? [],
  }
}
