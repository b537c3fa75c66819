import {
  type AbortedTransaction,
  CompressionType,
  decodeRecords,
  RECORD_BATCH_HEADER_BYTES,
  type RecordBatchView,
  RecordCursor,
  readBatches,
} from '@millrace/kafka-protocol'
import { crc32c, decompress } from '../compression.ts'
import { corruptRecordError } from '../errors.ts'
import { partitionName } from '../topic-partition.ts'
import { AbortedTransactions } from './aborted-transactions.ts'
import { PartitionRecords, type RecordRun } from './partition-records.ts'

export interface FetchedDataOptions {
  readonly topic: string
  readonly partition: number
  /** Record batches as they came, the last one possibly cut. */
  readonly records: Buffer
  /** Where to begin: the batch that holds it may begin earlier. */
  readonly fetchOffset: number
  readonly highWatermark: number
  /** Null to hand out the records of open and aborted transactions too. */
  readonly abortedTransactions: readonly AbortedTransaction[] | null
  readonly checksCrcs: boolean
}

/** What one fetch brought for one partition, handed out piece by piece. Batches are checked and decompressed when their turn comes. */
export class FetchedData {
  /** The offset after everything in here. */
  readonly nextOffset: number
  /** The offset after everything that was handed out or left out. */
  position: number
  /** The epoch of the leader that wrote what is before `position`; -1 while nothing of this fetch is. */
  positionEpoch = -1
  readonly #options: FetchedDataOptions
  readonly #aborted: AbortedTransactions | null
  readonly #batches: readonly RecordBatchView[]
  #index = 0
  #batch: RecordBatchView | null = null
  #cursor: RecordCursor | null = null
  /** Records of the current batch that are not handed out yet. */
  #left = 0
  #isOnFirst = false
  /** Follows behind the cursor in batches with gaps, to know at which offset a piece ends. */
  #follower: RecordCursor | null = null
  #handedOut: PartitionRecords | null = null

  /** @throws ProtocolError for a batch of an old format. */
  constructor(options: FetchedDataOptions) {
    this.#options = options
    this.#aborted = options.abortedTransactions === null ? null : new AbortedTransactions(options.abortedTransactions)
    this.#batches = [...readBatches(options.records)]
    this.position = options.fetchOffset
    this.nextOffset = Math.max(options.fetchOffset, this.#batches.at(-1)?.nextOffset ?? 0)
  }

  /** Whether there is no whole batch. */
  get isEmpty(): boolean {
    return this.#batches.length === 0
  }

  /**
   * The next records, at most so many; null when there are no more.
   *
   * @throws KafkaError `CORRUPT_MESSAGE` for a batch whose checksum is wrong or that cannot be read; then again with each call.
   */
  take(recordsMax: number): PartitionRecords | null {
    this.#finishHandedOut()
    const runs: RecordRun[] = []
    let count = 0
    while (count < recordsMax) {
      if (this.#left === 0 && !this.#openNext()) break
      const taken = Math.min(this.#left, recordsMax - count)
      runs.push({ cursor: this.#cursor!, batch: this.#batch!, count: taken, isOnFirst: this.#isOnFirst })
      this.#isOnFirst = false
      this.#left -= taken
      count += taken
      this.position = this.#positionAfter(taken)
      this.positionEpoch = this.#batch!.partitionLeaderEpoch
    }
    if (count === 0) {
      this.position = this.nextOffset
      return null
    }
    const { topic, partition, highWatermark } = this.#options
    this.#handedOut = new PartitionRecords(topic, partition, highWatermark, count, runs)
    return this.#handedOut
  }

  /** The cursors are shared with what was handed out: what its owner has not iterated over has to be passed by. */
  #finishHandedOut(): void {
    const records = this.#handedOut
    this.#handedOut = null
    if (records) while (records.next()) continue
  }

  /** Opens the next batch with records for the consumer; false when there is none. */
  #openNext(): boolean {
    for (;;) {
      const batch = this.#batches[this.#index]
      if (!batch) return false
      if (batch.nextOffset > this.#options.fetchOffset && !this.#isLeftOut(batch)) {
        this.#open(batch)
        this.#index++
        if (this.#left > 0) return true
      } else {
        this.#index++
      }
      if (batch.nextOffset <= this.position) continue
      this.position = batch.nextOffset
      this.positionEpoch = batch.partitionLeaderEpoch
    }
  }

  #isLeftOut(batch: RecordBatchView): boolean {
    this.#check(batch)
    return (this.#aborted?.excludes(batch) ?? false) || batch.isControl
  }

  #check(batch: RecordBatchView): void {
    if (!this.#options.checksCrcs || batch.isValid(crc32c)) return
    throw corruptRecordError(`Record batch for partition ${partitionName(this.#options)} at offset ${batch.baseOffset} is invalid, its checksum is wrong`)
  }

  #open(batch: RecordBatchView): void {
    try {
      const cursor = decodeRecords(batch, decompress)
      this.#batch = batch
      this.#cursor = cursor
      this.#left = Math.max(0, batch.recordCount)
      this.#isOnFirst = false
      this.#follower = batch.lastOffset - batch.baseOffset + 1 === batch.recordCount ? null : sameRecords(batch, cursor)
      if (batch.baseOffset < this.#options.fetchOffset) this.#skipBefore(cursor)
    } catch (cause) {
      this.#left = 0
      const message = `Record batch for partition ${partitionName(this.#options)} at offset ${batch.baseOffset} cannot be read`
      throw corruptRecordError(message, cause)
    }
  }

  /** Passes by the records before the offset that was asked for: a batch comes as a whole. */
  #skipBefore(cursor: RecordCursor): void {
    while (this.#left > 0) {
      if (!cursor.next()) break
      if (cursor.offset >= this.#options.fetchOffset) {
        this.#isOnFirst = true
        return
      }
      this.#follower?.next()
      this.#left--
    }
    this.#left = 0
  }

  #positionAfter(taken: number): number {
    const batch = this.#batch!
    if (this.#left === 0) return batch.nextOffset
    if (!this.#follower) return batch.baseOffset + batch.recordCount - this.#left
    for (let i = 0; i < taken; i++) this.#follower.next()
    return this.#follower.offset + 1
  }
}

function sameRecords(batch: RecordBatchView, { buffer }: RecordCursor): RecordCursor {
  if (batch.compression !== CompressionType.none) return new RecordCursor(batch, buffer, 0, buffer.length)
  return new RecordCursor(batch, buffer, batch.start + RECORD_BATCH_HEADER_BYTES, batch.end)
}
