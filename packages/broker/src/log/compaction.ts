import { createHash } from 'node:crypto'
import {
  decodeRecords,
  RECORD_BATCH_HEADER_BYTES,
  RECORD_BATCH_LOG_OVERHEAD_BYTES,
  type RecordBatchView,
  RecordBatchOffset,
  type RecordCursor,
  Writer,
} from '@millrace/kafka-protocol'
import { crc32c } from './checksum.ts'
import { decompress } from './decompress.ts'

/** How many keys one pass remembers; what lies behind the last of them waits for the next pass. About 100 bytes each. */
export const COMPACTION_KEYS_MAX = 500_000
/** Longer keys are remembered by their hash. */
const KEY_BYTES_MAX = 64
/** So that the distance of any time to it is a safe integer. */
const HORIZON_MAX = 2 ** 52
const COMPRESSION_MASK = 0x07
const DELETE_HORIZON_FLAG = 0x40

/** Where the last record of each key stands, within the part of the log that a pass looks at. */
export class LatestOffsets {
  readonly #offsets = new Map<string, number>()
  readonly #keysMax: number

  constructor(keysMax: number) {
    this.#keysMax = keysMax
  }

  /** Takes in a batch that is neither a marker nor aborted; false if there is no room for it. */
  add(batch: RecordBatchView): boolean {
    if (this.#offsets.size + batch.recordCount > this.#keysMax) return false
    const cursor = decodeRecords(batch, decompress)
    while (cursor.next()) {
      const key = cursor.key()
      if (key !== null) this.#offsets.set(keyText(key), cursor.offset)
    }
    return true
  }

  /** Whether a record is the last one of its key, as far as is known. */
  isLatest(key: Buffer, offset: number): boolean {
    const latest = this.#offsets.get(keyText(key))
    return latest === undefined || latest <= offset
  }
}

export interface Compaction {
  readonly latest: LatestOffsets
  /** What stands from this offset on is not in `latest`, and is left alone. */
  readonly end: number
  /** Whether the records of the batch belong to an aborted transaction. */
  isAborted(batch: RecordBatchView): boolean
  readonly now: number
  readonly deleteRetentionMs: number
}

/**
 * What stays of a batch: itself, a smaller one with the same offsets, or nothing. Tombstones get the time after which they go (KIP-534) when they
 * are met first.
 *
 * A batch that changes is no longer compressed. Markers stay, since records of their transactions may.
 */
export function compacted(batch: RecordBatchView, compaction: Compaction): Buffer | null {
  if (batch.isControl || batch.baseOffset >= compaction.end) return batch.bytes
  if (compaction.isAborted(batch)) return null
  const { latest, now, deleteRetentionMs } = compaction
  const cursor = decodeRecords(batch, decompress)
  const isHorizonOver = batch.hasDeleteHorizon && batch.baseTimestamp <= now
  const kept: KeptRecord[] = []
  let count = 0
  let hasTombstones = false
  while (cursor.next()) {
    count++
    const key = cursor.key()
    if (key === null || !latest.isLatest(key, cursor.offset)) continue
    const isTombstone = cursor.valueEnd < 0
    if (isTombstone && isHorizonOver) continue
    hasTombstones ||= isTombstone
    kept.push(keptRecord(cursor, key))
  }
  if (kept.length === 0) return null
  const needsHorizon = hasTombstones && !batch.hasDeleteHorizon
  if (kept.length === count && !needsHorizon) return batch.bytes
  const horizon = needsHorizon ? Math.min(now + deleteRetentionMs, HORIZON_MAX) : batch.hasDeleteHorizon && hasTombstones ? batch.baseTimestamp : null
  return rebuilt(batch, kept, horizon)
}

interface KeptRecord {
  readonly offset: number
  readonly timestamp: number
  readonly key: Buffer
  readonly value: Buffer | null
  readonly headers: ReturnType<RecordCursor['headers']>
}

function keptRecord(cursor: RecordCursor, key: Buffer): KeptRecord {
  return { offset: cursor.offset, timestamp: cursor.timestamp, key, value: cursor.value(), headers: cursor.headers() }
}

function rebuilt(batch: RecordBatchView, kept: readonly KeptRecord[], horizon: number | null): Buffer {
  const baseTimestamp = horizon ?? kept[0]!.timestamp
  const records = new Writer()
  for (const record of kept) writeRecord(records, record, batch.baseOffset, baseTimestamp)
  const bytes = Buffer.concat([batch.bytes.subarray(0, RECORD_BATCH_HEADER_BYTES), records.result()])
  const at = RecordBatchOffset
  bytes.writeInt32BE(bytes.length - RECORD_BATCH_LOG_OVERHEAD_BYTES, at.batchLength)
  bytes.writeInt16BE((batch.attributes & ~COMPRESSION_MASK & ~DELETE_HORIZON_FLAG) | (horizon === null ? 0 : DELETE_HORIZON_FLAG), at.attributes)
  bytes.writeBigInt64BE(BigInt(baseTimestamp), at.baseTimestamp)
  if (batch.timestampType === 'CreateTime') bytes.writeBigInt64BE(BigInt(Math.max(...kept.map(({ timestamp }) => timestamp))), at.maxTimestamp)
  bytes.writeInt32BE(kept.length, at.recordCount)
  bytes.writeUInt32BE(crc32c(bytes.subarray(at.attributes)) >>> 0, at.crc)
  return bytes
}

/* As in `RecordBatchBuilder`, but with offsets that have gaps. */
function writeRecord(writer: Writer, { offset, timestamp, key, value, headers }: KeptRecord, baseOffset: number, baseTimestamp: number): void {
  const body = new Writer()
  body.raw(Buffer.of(0))
  body.varlong(timestamp - baseTimestamp)
  body.varint(offset - baseOffset)
  writeData(body, key)
  writeData(body, value)
  body.varint(headers.length)
  for (const header of headers) {
    writeData(body, Buffer.from(header.key))
    writeData(body, header.value)
  }
  writeData(writer, body.result())
}

function writeData(writer: Writer, data: Uint8Array | null): void {
  writer.varint(data === null ? -1 : data.length)
  if (data !== null) writer.raw(data)
}

function keyText(key: Buffer): string {
  return key.length <= KEY_BYTES_MAX ? `k${key.toString('latin1')}` : createHash('sha256').update(key).digest().toString('latin1')
}
