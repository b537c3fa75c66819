import { fdatasyncSync, ftruncateSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { RECORD_BATCH_HEADER_BYTES, RecordBatchView } from '@millrace/kafka-protocol'
import { AbortedIndex } from './aborted-index.ts'
import { batchBytesAt, walkHeaders, wholeBatches } from './batch-walk.ts'
import { crc32c } from './checksum.ts'
import { readFully, writeFully } from './file-bytes.ts'
import type { BufferPool } from '../buffer-pool.ts'
import type { OpenFiles } from './open-files.ts'
import { SegmentIndex } from './segment-index.ts'

const MAGIC = 2
const RECOVERY_BUFFER_BYTES = 1024 * 1024

/** What segments share. */
interface Shared {
  readonly files: OpenFiles
  readonly buffers: BufferPool
}

/** Batches read from a segment. */
export interface SegmentSlice {
  /** From the pool. */
  readonly buffer: Buffer
  /** Where in the segment the slice ends. */
  readonly end: number
  /** Offset that follows the last batch of the slice. */
  readonly nextOffset: number
}

/** The files of a segment are named by its first offset, in 20 digits, as in Kafka. */
export function segmentFile(directory: string, baseOffset: number, suffix: 'log' | 'index' | 'producers' | 'aborted'): string {
  return join(directory, `${String(baseOffset).padStart(20, '0')}.${suffix}`)
}

/** One file of a partition's log: record batches one after the other, exactly as they are sent to consumers. */
export class Segment {
  readonly baseOffset: number
  readonly path: string
  /** Bytes that hold whole, valid batches. What may stand behind them after a failed write is not part of the segment. */
  size: number
  isRemoved = false
  readonly #directory: string
  readonly #files: OpenFiles
  readonly #buffers: BufferPool
  #index: SegmentIndex | undefined
  #aborted: AbortedIndex | undefined

  private constructor(directory: string, baseOffset: number, { files, buffers }: Shared, size: number) {
    this.#directory = directory
    this.#files = files
    this.#buffers = buffers
    this.baseOffset = baseOffset
    this.path = segmentFile(directory, baseOffset, 'log')
    this.size = size
  }

  /** Makes an empty segment. A file of that name that is left over is emptied. */
  static create(directory: string, baseOffset: number, shared: Shared): Segment {
    const segment = new Segment(directory, baseOffset, shared, 0)
    shared.files.close(segment.path)
    writeFileSync(segment.path, '')
    segment.#index = new SegmentIndex(baseOffset)
    segment.#aborted = new AbortedIndex()
    return segment
  }

  /** Opens a segment that is there, without reading it. */
  static open(directory: string, baseOffset: number, shared: Shared): Segment {
    return new Segment(directory, baseOffset, shared, statSync(segmentFile(directory, baseOffset, 'log')).size)
  }

  /** The index; of a closed segment it is loaded, or made by a walk over the headers, when it is first asked for. */
  get index(): SegmentIndex {
    this.#index ??= SegmentIndex.load(this.#indexPath, this.baseOffset, this.size) ?? this.#indexByWalk()
    return this.#index
  }

  /** The transactions that were aborted by a marker in this segment; loaded when first asked for. @throws the system's error. */
  get aborted(): AbortedIndex {
    this.#aborted ??= AbortedIndex.load(this.#abortedPath)
    return this.#aborted
  }

  get nextOffset(): number {
    return this.index.nextOffset
  }

  /**
   * Makes the index of the last segment of a log and drops what a crash left behind its last valid batch.
   *
   * @param isTrusted after a clean shutdown; otherwise the checksum of every batch is verified.
   * @param visit gets every batch that stays, in order; only the header may be read, and all of a transaction marker. It fills `aborted`, which
   *   is empty before.
   * @returns how many bytes were cut off.
   */
  recover(isTrusted: boolean, visit: (batch: RecordBatchView) => void): number {
    const descriptor = this.#files.descriptor(this.path)
    const index = new SegmentIndex(this.baseOffset)
    this.#aborted = new AbortedIndex()
    const take = (batch: RecordBatchView, position: number) => {
      if (batch.magic !== MAGIC || batch.baseOffset < index.nextOffset || batch.lastOffset < batch.baseOffset) return false
      index.add(batch, position)
      visit(batch)
      return true
    }
    const end = isTrusted ? walkHeaders(descriptor, 0, this.size, take) : walkVerified(descriptor, this.size, take)
    const cut = this.size - end
    if (cut > 0) ftruncateSync(descriptor, end)
    this.size = end
    this.#index = index
    return cut
  }

  /**
   * Appends one batch, already numbered.
   *
   * @param fault for tests: writes only the first bytes, then fails.
   * @throws the system's error (ENOSPC, EIO …). The segment then is as before, on disk too if the system lets it be truncated.
   */
  append(batch: RecordBatchView, fault?: { readonly code: string; readonly bytesWritten: number }): void {
    const descriptor = this.#files.descriptor(this.path)
    try {
      if (fault) {
        writeFully(descriptor, batch.bytes.subarray(0, fault.bytesWritten), this.size)
        throw Object.assign(new Error(`${fault.code}: injected, write`), { code: fault.code })
      }
      writeFully(descriptor, batch.bytes, this.size)
    } catch (error) {
      this.#dropUnfinished(descriptor)
      throw error
    }
    this.index.add(batch, this.size)
    this.size += batch.sizeInBytes
  }

  /** Best effort: the next append writes to the same place, and recovery cuts at the first batch that is not whole. */
  #dropUnfinished(descriptor: number): void {
    try {
      ftruncateSync(descriptor, this.size)
    } catch {
      // The disk refuses this too; nothing behind `size` is ever read.
    }
  }

  /** Position of the batch that holds the offset, or of the first one behind it where compaction has removed it; `size` if there is none. */
  positionOf(offset: number): number {
    const descriptor = this.#files.descriptor(this.path)
    return walkHeaders(descriptor, this.index.positionBefore(offset), this.size, (batch) => batch.lastOffset < offset)
  }

  /** Position of the first batch with a timestamp that is at least the given one; `size` if there is none. */
  positionOfTimestamp(timestamp: number): number {
    const descriptor = this.#files.descriptor(this.path)
    return walkHeaders(descriptor, this.index.positionBeforeTimestamp(timestamp), this.size, (batch) => batch.maxTimestamp < timestamp)
  }

  /**
   * Reads whole batches from a position where one begins.
   *
   * @param bytesMax of the slice.
   * @param isOneRequired gives the first batch even if it alone is larger.
   * @returns undefined if not even the first batch fits.
   */
  read(position: number, bytesMax: number, isOneRequired: boolean): SegmentSlice | undefined {
    const bytesLeft = this.size - position
    const length = Math.min(bytesLeft, isOneRequired ? Math.max(bytesMax, RECORD_BATCH_HEADER_BYTES) : bytesMax)
    if (length < RECORD_BATCH_HEADER_BYTES) return undefined
    const descriptor = this.#files.descriptor(this.path)
    let buffer = this.#buffers.take(length)
    let filled = readFully(descriptor, buffer, 0, length, position)
    let whole = wholeBatches(buffer, filled)
    if (whole.bytes === 0) {
      const bytes = batchBytesAt(buffer, 0)
      if (bytes < RECORD_BATCH_HEADER_BYTES || bytes > bytesLeft) {
        throw new Error(`The segment "${this.path}" holds no valid batch at position ${position}.`)
      }
      this.#buffers.release(buffer)
      if (!isOneRequired) return undefined
      buffer = this.#buffers.take(bytes)
      filled = readFully(descriptor, buffer, 0, bytes, position)
      whole = wholeBatches(buffer, filled)
      if (whole.bytes === 0) throw new Error(`The segment "${this.path}" is shorter than its ${this.size} bytes.`)
    }
    return { buffer: buffer.subarray(0, whole.bytes), end: position + whole.bytes, nextOffset: whole.nextOffset }
  }

  /** Brings what was written to the disk itself. */
  flush(): void {
    fdatasyncSync(this.#files.descriptor(this.path))
  }

  /** To be called before the segment that follows is made: no crash must come between. @throws the system's error. */
  saveAborted(): void {
    this.aborted.save(this.#abortedPath)
  }

  /**
   * Saves the index of a segment that gets no more batches, and brings the segment to the disk in the background.
   * After a power cut, only the last segment then has to be looked at.
   */
  async close(): Promise<void> {
    this.index.save(this.#indexPath, this.size)
    const file = await open(this.path, 'r+')
    try {
      // What a failed write left behind must not be taken for a part of the segment after a restart.
      await file.truncate(this.size)
      await file.datasync()
    } finally {
      await file.close()
    }
  }

  /** Puts another file, with some of the same batches, in the place of this closed one. @throws the system's error. */
  replace(path: string, size: number): void {
    rmSync(this.#indexPath, { force: true })
    this.#files.close(this.path)
    renameSync(path, this.path)
    this.size = size
    this.#index = undefined
  }

  /** Deletes the files. */
  remove(): void {
    this.isRemoved = true
    this.#files.close(this.path)
    rmSync(this.path, { force: true })
    rmSync(this.#indexPath, { force: true })
    rmSync(segmentFile(this.#directory, this.baseOffset, 'producers'), { force: true })
    rmSync(this.#abortedPath, { force: true })
  }

  get #abortedPath(): string {
    return segmentFile(this.#directory, this.baseOffset, 'aborted')
  }

  get #indexPath(): string {
    return segmentFile(this.#directory, this.baseOffset, 'index')
  }

  #indexByWalk(): SegmentIndex {
    const index = new SegmentIndex(this.baseOffset)
    walkHeaders(this.#files.descriptor(this.path), 0, this.size, (batch, position) => {
      index.add(batch, position)
      return true
    })
    return index
  }
}

/** Like `walkHeaders` over a whole file, but reads every batch and stops at the first whose checksum is wrong. */
function walkVerified(descriptor: number, size: number, visit: (batch: RecordBatchView, position: number) => boolean): number {
  let buffer = Buffer.allocUnsafeSlow(Math.min(RECOVERY_BUFFER_BYTES, Math.max(size, 1)))
  let position = 0
  while (size - position >= RECORD_BATCH_HEADER_BYTES) {
    const filled = readFully(descriptor, buffer, 0, Math.min(buffer.length, size - position), position)
    if (filled < RECORD_BATCH_HEADER_BYTES) return position
    let pos = 0
    while (pos + RECORD_BATCH_HEADER_BYTES <= filled) {
      const bytes = batchBytesAt(buffer, pos)
      if (bytes < RECORD_BATCH_HEADER_BYTES || position + pos + bytes > size) return position + pos
      if (pos + bytes > filled) break
      const batch = new RecordBatchView(buffer, pos, pos + bytes)
      if (!batch.isValid(crc32c) || !visit(batch, position + pos)) return position + pos
      pos += bytes
    }
    // A batch larger than the buffer; its length was checked against the file.
    if (pos === 0) buffer = Buffer.allocUnsafeSlow(batchBytesAt(buffer, 0))
    position += pos
  }
  return position
}
