import { type Checksum, decodeRecords, RecordBatchBuilder, type RecordBatchView } from '@millrace/kafka-protocol'
import type { AbortedEntry } from './aborted-index.ts'

/*
 * Marker of a transaction => one record in a control batch
 *   key    => version (int16, 0)  type (int16: 0 abort, 1 commit)
 *   value  => version (int16, 0)  coordinator_epoch (int32)
 */
const MARKER_VALUE = Buffer.alloc(6)
const ABORT = 0
const COMMIT = 1

export interface Marker {
  readonly producerId: number
  readonly producerEpoch: number
  readonly isCommit: boolean
}

/** The batch that ends a transaction in one partition; not numbered yet. */
export function markerBatch({ producerId, producerEpoch, isCommit }: Marker, timestamp: number, crc32c: Checksum): Buffer {
  const builder = new RecordBatchBuilder(crc32c)
  const key = Buffer.alloc(4)
  key.writeInt16BE(isCommit ? COMMIT : ABORT, 2)
  builder.append(timestamp, key, MARKER_VALUE)
  return builder.close({ producerId, producerEpoch, isTransactional: true, isControl: true })
}

/** The transactions that have records in one partition and no marker yet: by producer, where each began. */
export class OpenTransactions {
  /** In the order of their first offsets. */
  readonly #firstOffsets: Map<number, number>

  constructor(firstOffsets: Iterable<readonly [producerId: number, firstOffset: number]> = []) {
    this.#firstOffsets = new Map(firstOffsets)
  }

  get isEmpty(): boolean {
    return this.#firstOffsets.size === 0
  }

  has(producerId: number): boolean {
    return this.#firstOffsets.has(producerId)
  }

  /** Where the transaction of a producer began; undefined without one. */
  firstOffsetOf(producerId: number): number | undefined {
    return this.#firstOffsets.get(producerId)
  }

  /** Where the oldest one began; Infinity if there is none. */
  get firstOffset(): number {
    for (const offset of this.#firstOffsets.values()) return offset
    return Infinity
  }

  /** Takes in a batch of the log, in order. Of control batches the record is read too. Returns the transaction that it aborted, if it did. */
  note(batch: RecordBatchView): AbortedEntry | undefined {
    if (!batch.isTransactional) return undefined
    const { producerId, baseOffset } = batch
    const firstOffset = this.#firstOffsets.get(producerId)
    if (!batch.isControl) {
      if (firstOffset === undefined) this.#firstOffsets.set(producerId, baseOffset)
      return undefined
    }
    this.#firstOffsets.delete(producerId)
    if (firstOffset === undefined || markerType(batch) !== ABORT) return undefined
    return { producerId, firstOffset, lastOffset: batch.lastOffset, lastStableOffset: Math.min(this.firstOffset, batch.nextOffset) }
  }

  /** For a file beside a segment: what is open before the segment's first record. */
  toJSON(): unknown {
    return [...this.#firstOffsets]
  }
}

function markerType(batch: RecordBatchView): number {
  const cursor = decodeRecords(batch)
  return cursor.next() && cursor.keyEnd - cursor.keyStart >= 4 ? cursor.buffer.readInt16BE(cursor.keyStart + 2) : -1
}
