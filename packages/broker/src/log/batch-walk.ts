import { RECORD_BATCH_HEADER_BYTES, RECORD_BATCH_LOG_OVERHEAD_BYTES, RecordBatchOffset, RecordBatchView } from '@millrace/kafka-protocol'
import { readFully } from './file-bytes.ts'

const CHUNK_BYTES = 64 * 1024
/** Reading is synchronous and nothing that is read stays here, so one buffer serves all logs of a thread. */
const chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES)

/** Size of the batch that begins at `pos`; less than a header's if the bytes are no batch. */
export function batchBytesAt(buffer: Buffer, pos: number): number {
  return buffer.readInt32BE(pos + RecordBatchOffset.batchLength) + RECORD_BATCH_LOG_OVERHEAD_BYTES
}

/**
 * Visits the headers of the batches in `[from, to)` of a file, without reading the records where it can be avoided.
 *
 * @param visit gets a batch of which only the header may be read, and all of a transaction marker, during the call, and its position; returns false to stop.
 * @returns where the walk ended: `to`, the position of the batch at which `visit` stopped, or of the first bytes that are no batch.
 */
export function walkHeaders(descriptor: number, from: number, to: number, visit: (batch: RecordBatchView, position: number) => boolean): number {
  let position = from
  while (to - position >= RECORD_BATCH_HEADER_BYTES) {
    const filled = readFully(descriptor, chunk, 0, Math.min(CHUNK_BYTES, to - position), position)
    if (filled < RECORD_BATCH_HEADER_BYTES) return position
    let pos = 0
    while (pos + RECORD_BATCH_HEADER_BYTES <= filled) {
      const bytes = batchBytesAt(chunk, pos)
      if (bytes < RECORD_BATCH_HEADER_BYTES || position + pos + bytes > to) return position + pos
      const batch = new RecordBatchView(chunk, pos, pos + bytes)
      // A marker is small and read whole: the next chunk begins with it.
      if (pos > 0 && pos + bytes > filled && batch.isControl) break
      if (!visit(batch, position + pos)) return position + pos
      pos += bytes
    }
    position += pos
  }
  return position
}

/** Where the last whole batch before `offsetEnd` ends in `buffer[0…end)`, and the offset that follows it; 0 bytes if not even the first is whole. */
export function wholeBatches(buffer: Buffer, end: number, offsetEnd = Infinity): { readonly bytes: number; readonly nextOffset: number } {
  let pos = 0
  let last = -1
  while (pos + RECORD_BATCH_HEADER_BYTES <= end) {
    const bytes = batchBytesAt(buffer, pos)
    if (bytes < RECORD_BATCH_HEADER_BYTES || pos + bytes > end || new RecordBatchView(buffer, pos, pos + bytes).baseOffset >= offsetEnd) break
    last = pos
    pos += bytes
  }
  return { bytes: pos, nextOffset: last === -1 ? -1 : new RecordBatchView(buffer, last, pos).nextOffset }
}
