import type { SerializedData, TimestampType } from '@millrace/api'
import type { ConsumedMessage, MessageHeader } from '../errors/dead-letter-queue.ts'
import type { FetchedPartition } from './sink-consumer.ts'

const NO_HEADERS: readonly MessageHeader[] = []

/** What was read, before anything was made of it. It may be kept with every record, so nothing is copied or cut out of the fetched bytes before it is asked for. */
export class FetchedMessage implements ConsumedMessage {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly timestamp: number
  readonly timestampType: TimestampType
  readonly headers: readonly MessageHeader[]
  notes: readonly MessageHeader[] = NO_HEADERS
  readonly #buffer: Buffer
  readonly #keyStart: number
  readonly #keyEnd: number
  readonly #valueStart: number
  readonly #valueEnd: number

  /** @param cursor stands at the record. */
  constructor(cursor: FetchedPartition) {
    this.topic = cursor.topic
    this.partition = cursor.partition
    this.offset = cursor.offset
    this.timestamp = cursor.timestamp
    this.timestampType = cursor.timestampType
    this.headers = cursor.headers() ?? NO_HEADERS
    this.#buffer = cursor.buffer
    this.#keyStart = cursor.keyStart
    this.#keyEnd = cursor.keyEnd
    this.#valueStart = cursor.valueStart
    this.#valueEnd = cursor.valueEnd
  }

  get key(): SerializedData {
    return this.#keyStart === -1 ? null : this.#buffer.subarray(this.#keyStart, this.#keyEnd)
  }

  get value(): SerializedData {
    return this.#valueStart === -1 ? null : this.#buffer.subarray(this.#valueStart, this.#valueEnd)
  }
}
