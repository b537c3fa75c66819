import { readFileSync, writeFileSync } from 'node:fs'
import type { RecordBatchView } from '@millrace/kafka-protocol'
import { crc32c } from './checksum.ts'

const INTERVAL_BYTES = 64 * 1024

/*
 * Index file of a closed segment => magic  segment_bytes  next_offset  first_timestamp  max_timestamp  entry_count  (float64 each, of this machine's byte order)
 *                                   entries: offset  position  max_timestamp_before                                  (float64 each)
 *                                   crc32c of all before (uint32)
 */
const MAGIC = 0x6d696c6c
const HEADER_NUMBERS = 6
const ENTRY_NUMBERS = 3

/** What is known of a segment without reading it: an entry for every 64 KiB or so, the time range, and where it ends. */
export class SegmentIndex {
  /** Offset that follows the last record. */
  nextOffset: number
  /** Highest timestamp of the first batch, from which `segment.ms` counts; -1 while the segment is empty. */
  firstTimestamp = -1
  maxTimestamp = -1
  readonly #offsets: number[] = []
  readonly #positions: number[] = []
  /** Highest timestamp of all batches before the entry's position. Never falls from entry to entry. */
  readonly #maxTimestampsBefore: number[] = []

  constructor(baseOffset: number) {
    this.nextOffset = baseOffset
  }

  /** Takes in a batch that stands at `position`, after all earlier ones. */
  add(batch: RecordBatchView, position: number): void {
    const last = this.#positions.length - 1
    if (last === -1 || position - this.#positions[last]! >= INTERVAL_BYTES) {
      this.#offsets.push(batch.baseOffset)
      this.#positions.push(position)
      this.#maxTimestampsBefore.push(this.maxTimestamp)
    }
    const { maxTimestamp } = batch
    if (this.firstTimestamp === -1) this.firstTimestamp = maxTimestamp
    if (maxTimestamp > this.maxTimestamp) this.maxTimestamp = maxTimestamp
    this.nextOffset = batch.nextOffset
  }

  /** A position at or before the batch that holds the offset. */
  positionBefore(offset: number): number {
    return this.#positions[lastAtMost(this.#offsets, offset)] ?? 0
  }

  /** A position before which all timestamps are lower. */
  positionBeforeTimestamp(timestamp: number): number {
    return this.#positions[lastAtMost(this.#maxTimestampsBefore, timestamp - 1)] ?? 0
  }

  /** Writes the index beside its closed segment. A file that is not written whole is recognised and ignored. */
  save(path: string, segmentBytes: number): void {
    const count = this.#offsets.length
    const numbers = new Float64Array(HEADER_NUMBERS + ENTRY_NUMBERS * count)
    numbers.set([MAGIC, segmentBytes, this.nextOffset, this.firstTimestamp, this.maxTimestamp, count])
    for (let i = 0; i < count; i++) {
      numbers.set([this.#offsets[i]!, this.#positions[i]!, this.#maxTimestampsBefore[i]!], HEADER_NUMBERS + ENTRY_NUMBERS * i)
    }
    const bytes = Buffer.alloc(numbers.byteLength + 4)
    bytes.set(new Uint8Array(numbers.buffer))
    bytes.writeUInt32BE(crc32c(bytes.subarray(0, numbers.byteLength)), numbers.byteLength)
    writeFileSync(path, bytes)
  }

  /** Reads what `save` wrote; undefined if there is nothing, or nothing that fits the segment. */
  static load(path: string, baseOffset: number, segmentBytes: number): SegmentIndex | undefined {
    let bytes: Buffer
    try {
      bytes = readFileSync(path)
    } catch {
      return undefined // The index is made again from the segment.
    }
    const end = bytes.length - 4
    if (end < HEADER_NUMBERS * 8 || end % 8 !== 0 || crc32c(bytes.subarray(0, end)) !== bytes.readUInt32BE(end)) return undefined
    const numbers = new Float64Array(new Uint8Array(bytes.subarray(0, end)).buffer)
    const [magic, bytesIndexed, nextOffset, firstTimestamp, maxTimestamp, count] = numbers
    if (magic !== MAGIC || bytesIndexed !== segmentBytes || numbers.length !== HEADER_NUMBERS + ENTRY_NUMBERS * count!) return undefined
    const index = new SegmentIndex(baseOffset)
    index.nextOffset = nextOffset!
    index.firstTimestamp = firstTimestamp!
    index.maxTimestamp = maxTimestamp!
    for (let at = HEADER_NUMBERS; at < numbers.length; at += ENTRY_NUMBERS) {
      index.#offsets.push(numbers[at]!)
      index.#positions.push(numbers[at + 1]!)
      index.#maxTimestampsBefore.push(numbers[at + 2]!)
    }
    return index
  }
}

/** Index of the last element that is at most `value` in a list that never falls; -1 if there is none. */
function lastAtMost(sorted: readonly number[], value: number): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (sorted[middle]! <= value) low = middle + 1
    else high = middle
  }
  return low - 1
}
