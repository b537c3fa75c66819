import type { RecordBatchView, RecordCursor, RecordHeader, TimestampType } from '@millrace/kafka-protocol'

/** A header of a fetched record; the value is a view of the fetched bytes. */
export interface FetchedHeader {
  readonly key: string
  readonly value: Buffer | null
}

/** Some records of one batch, on which a cursor stands. */
export interface RecordRun {
  readonly cursor: RecordCursor
  readonly batch: Pick<RecordBatchView, 'timestampType' | 'partitionLeaderEpoch'>
  readonly count: number
  /** Whether the cursor already stands on the first of them. */
  readonly isOnFirst: boolean
}

/**
 * The records of one partition that a poll has handed out: a cursor over the fetched bytes, which makes no object for a record.
 *
 * After `next()` has returned true, the fields describe the record. Records that are not iterated over count as consumed nevertheless.
 * Valid until the next poll. The bytes themselves are never used again for other records: who keeps a view of them keeps the whole fetch in memory.
 *
 * @example
 * for (const records of (await consumer.poll(1000)).partitions) {
 *   while (records.next()) handle(records.offset, records.buffer.subarray(records.valueStart, records.valueEnd))
 * }
 */
export class PartitionRecords {
  readonly topic: string
  readonly partition: number
  /** The offset after the last record that consumers of the partition could see when these were fetched. */
  readonly highWatermark: number
  /** How many records there are. */
  readonly count: number
  readonly #runs: readonly RecordRun[]
  #index = 0
  #left: number
  #cursor: RecordCursor
  #isOnFirst: boolean

  /** @param runs at least one; all with records. */
  constructor(topic: string, partition: number, highWatermark: number, count: number, runs: readonly RecordRun[]) {
    this.topic = topic
    this.partition = partition
    this.highWatermark = highWatermark
    this.count = count
    this.#runs = runs
    const first = runs[0]!
    this.#cursor = first.cursor
    this.#left = first.count
    this.#isOnFirst = first.isOnFirst
  }

  /**
   * Moves to the next record; false when there is none.
   *
   * @throws ProtocolError for a record whose lengths do not fit together.
   */
  next(): boolean {
    while (this.#left === 0) {
      if (this.#index + 1 >= this.#runs.length) return false
      const run = this.#runs[++this.#index]!
      this.#cursor = run.cursor
      this.#left = run.count
      this.#isOnFirst = run.isOnFirst
    }
    this.#left--
    if (this.#isOnFirst) {
      this.#isOnFirst = false
      return true
    }
    return this.#cursor.next() || this.#fail()
  }

  get offset(): number {
    return this.#cursor.offset
  }

  /** Milliseconds since 1970. */
  get timestamp(): number {
    return this.#cursor.timestamp
  }

  get timestampType(): TimestampType {
    return this.#runs[this.#index]!.batch.timestampType
  }

  /** The epoch of the leader that wrote the record, to be committed with its offset (KIP-320); -1 if it is not known. */
  get leaderEpoch(): number {
    return this.#runs[this.#index]!.batch.partitionLeaderEpoch
  }

  /** What the positions refer to; changes from batch to batch. */
  get buffer(): Buffer {
    return this.#cursor.buffer
  }

  /** -1 for a null key, as is `keyEnd`. */
  get keyStart(): number {
    return this.#cursor.keyStart
  }

  get keyEnd(): number {
    return this.#cursor.keyEnd
  }

  /** -1 for a null value, as is `valueEnd`. */
  get valueStart(): number {
    return this.#cursor.valueStart
  }

  get valueEnd(): number {
    return this.#cursor.valueEnd
  }

  /** The headers of the record, in order; null if it has none. */
  headers(): readonly FetchedHeader[] | null {
    // What a cursor gives are views of a Buffer, which its type does not say.
    return this.#cursor.headerCount === 0 ? null : (this.#cursor.headers() as readonly RecordHeader[] as readonly FetchedHeader[])
  }

  #fail(): never {
    throw new RangeError(`A record batch of ${this.topic}-${this.partition} holds fewer records than its header says.`)
  }
}

/** What one poll has handed out. */
export interface ConsumerRecords {
  readonly count: number
  readonly partitions: readonly PartitionRecords[]
}

export const NO_RECORDS: ConsumerRecords = { count: 0, partitions: [] }
