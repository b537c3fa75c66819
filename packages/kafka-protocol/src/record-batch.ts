import { ProtocolError } from './errors.ts'
import { int64At, putInt64, putVarint, putVarlong, varintBytes } from './integers.ts'

/*
 * RecordBatch => base_offset (int64)
 *                batch_length (int32, of all that follows)
 *                partition_leader_epoch (int32)
 *                magic (int8, 2)
 *                crc (uint32, CRC-32C of all that follows)
 *                attributes (int16: 0-2 compression, 3 timestamp type, 4 transactional, 5 control, 6 delete horizon)
 *                last_offset_delta (int32)  base_timestamp (int64)  max_timestamp (int64)
 *                producer_id (int64)  producer_epoch (int16)  base_sequence (int32)
 *                record_count (int32)  Record…                      compressed together, if at all
 *
 * Record      => length (varint, of all that follows)  attributes (int8, 0)  timestamp_delta (varlong)  offset_delta (varint)
 *                key_length (varint, -1 is null)  key  value_length (varint, -1 is null)  value
 *                header_count (varint)  (key_length (varint)  key  value_length (varint, -1 is null)  value)…
 *
 * A varint here is signed, in zigzag form (KIP-98).
 */

/** Where the fields of a record batch begin, in bytes from its start. */
export const RecordBatchOffset = {
  baseOffset: 0,
  batchLength: 8,
  partitionLeaderEpoch: 12,
  magic: 16,
  crc: 17,
  attributes: 21,
  lastOffsetDelta: 23,
  baseTimestamp: 27,
  maxTimestamp: 35,
  producerId: 43,
  producerEpoch: 51,
  baseSequence: 53,
  recordCount: 57,
  records: 61,
} as const

/** The bytes of a batch before its first record. */
export const RECORD_BATCH_HEADER_BYTES = 61
/** Base offset and length, which the length itself does not count. */
export const RECORD_BATCH_LOG_OVERHEAD_BYTES = 12

const MAGIC = 2
const AT = RecordBatchOffset

/** Numbers of the codecs, in the attributes of a batch. */
export const CompressionType = { none: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const
export type CompressionName = keyof typeof CompressionType

export type TimestampType = 'CreateTime' | 'LogAppendTime'

const COMPRESSION_MASK = 0x07
const LOG_APPEND_TIME_FLAG = 0x08
const TRANSACTIONAL_FLAG = 0x10
const CONTROL_FLAG = 0x20
const DELETE_HORIZON_FLAG = 0x40

/** CRC-32C (Castagnoli) of the data, as an unsigned number. */
export type Checksum = (data: Uint8Array) => number

export interface RecordHeader {
  readonly key: string
  readonly value: Uint8Array | null
}

export type RecordData = Uint8Array | string | null

export interface BatchDetails {
  /** Default 0: producers number from 0, the broker assigns the offsets. */
  readonly baseOffset?: number
  /** Default -1, none. */
  readonly producerId?: number
  readonly producerEpoch?: number
  readonly baseSequence?: number
  readonly isTransactional?: boolean
  /** A transaction marker, written by brokers only. */
  readonly isControl?: boolean
  /** Default -1; brokers set it. */
  readonly partitionLeaderEpoch?: number
  /** Default `'CreateTime'`. */
  readonly timestampType?: TimestampType
  readonly compression?: {
    /** A number of `CompressionType`. */
    readonly attribute: number
    /** Compresses all records together; the argument is a view that lives until the call returns. */
    compress(records: Buffer): Uint8Array
  }
}

const NO_HEADERS: readonly RecordHeader[] = []
/** Longer texts are measured before they are written, so that the buffer need not have room for the three bytes that each unit may take. */
const GUESSED_STRING_LENGTH_MAX = 4096
const BYTES_INITIAL = 4096

/**
 * Builds one record batch in one buffer: room for the header first, then each record straight into place.
 *
 * Not bounded by itself: the caller looks at `sizeInBytes` and `estimateSize` before it appends.
 *
 * @example
 * const builder = new RecordBatchBuilder(crc32c)
 * builder.append(Date.now(), 'key', 'value')
 * const batch = builder.close()
 */
export class RecordBatchBuilder {
  readonly #crc32c: Checksum
  #buffer: Buffer
  #pos = RECORD_BATCH_HEADER_BYTES
  #recordCount = 0
  #baseTimestamp = -1
  #maxTimestamp = -1

  /**
   * @param buffer where to write, for a pool; replaced by a larger one when it gets too small. Default: a small new one.
   */
  constructor(crc32c: Checksum, buffer: Buffer = Buffer.allocUnsafeSlow(BYTES_INITIAL)) {
    this.#crc32c = crc32c
    this.#buffer = buffer.length >= RECORD_BATCH_HEADER_BYTES ? buffer : Buffer.allocUnsafeSlow(BYTES_INITIAL)
  }

  /** Bytes of the batch so far, header included, before compression. */
  get sizeInBytes(): number {
    return this.#pos
  }

  get recordCount(): number {
    return this.#recordCount
  }

  /** Timestamp of the first record, milliseconds; -1 while there is none. */
  get baseTimestamp(): number {
    return this.#baseTimestamp
  }

  get maxTimestamp(): number {
    return this.#maxTimestamp
  }

  /** The buffer in use, for giving it back to a pool once the batch is no longer needed. */
  get buffer(): Buffer {
    return this.#buffer
  }

  /** The most that a record can add to the batch. Texts are taken as three bytes for each unit, so it may be three times too much. */
  estimateSize(key: RecordData, value: RecordData, headers: readonly RecordHeader[] = NO_HEADERS): number {
    return recordBytesMax(key, value, headers)
  }

  /**
   * Appends a record; texts as UTF-8.
   *
   * @param timestamp milliseconds since 1970; the first one becomes the base of the batch.
   * @returns by how many bytes the batch has grown.
   */
  append(timestamp: number, key: RecordData, value: RecordData, headers: readonly RecordHeader[] = NO_HEADERS): number {
    const start = this.#pos
    const bytesMax = recordBytesMax(key, value, headers)
    if (start + bytesMax > this.#buffer.length) this.#grow(start + bytesMax)
    const buffer = this.#buffer

    if (this.#recordCount === 0) {
      this.#baseTimestamp = timestamp
      this.#maxTimestamp = timestamp
    } else if (timestamp > this.#maxTimestamp) {
      this.#maxTimestamp = timestamp
    }

    // The length stands first and is known last: room is left for the width that it has if all texts are ASCII.
    const lengthBytes = varintBytes(2 * (plainLength(key) + plainLength(value) + 8))
    const body = start + lengthBytes
    buffer[body] = 0
    let pos = putVarlong(buffer, body + 1, timestamp - this.#baseTimestamp)
    pos = putVarint(buffer, pos, this.#recordCount << 1)
    pos = putData(buffer, pos, key)
    pos = putData(buffer, pos, value)
    pos = putVarint(buffer, pos, headers.length << 1)
    for (const header of headers) {
      pos = putData(buffer, pos, header.key)
      pos = putData(buffer, pos, header.value)
    }

    const length = (pos - body) << 1
    const widthError = varintBytes(length) - lengthBytes
    if (widthError !== 0) {
      buffer.copyWithin(body + widthError, body, pos)
      pos += widthError
    }
    putVarint(buffer, start, length)

    this.#pos = pos
    this.#recordCount++
    return pos - start
  }

  /**
   * Writes the header and returns the batch. Without compression it is a view of the builder's buffer: valid until `reset` is followed by `append`.
   * May be called again, with other details, for the same records (a retry with a new producer id).
   *
   * @throws RangeError for a batch without records.
   */
  close(details: BatchDetails = {}): Buffer {
    if (this.#recordCount === 0) throw new RangeError('A record batch needs at least one record.')
    const { compression } = details
    let batch = this.#buffer.subarray(0, this.#pos)
    if (compression && compression.attribute !== CompressionType.none) {
      const compressed = compression.compress(batch.subarray(RECORD_BATCH_HEADER_BYTES))
      batch = Buffer.allocUnsafe(RECORD_BATCH_HEADER_BYTES + compressed.length)
      batch.set(compressed, RECORD_BATCH_HEADER_BYTES)
    }
    this.#writeHeader(batch, details)
    return batch
  }

  /** Forgets all records and keeps the buffer: only when nobody needs what `close` returned any more. */
  reset(): void {
    this.#pos = RECORD_BATCH_HEADER_BYTES
    this.#recordCount = 0
    this.#baseTimestamp = -1
    this.#maxTimestamp = -1
  }

  #writeHeader(batch: Buffer, details: BatchDetails): void {
    putInt64(batch, AT.baseOffset, details.baseOffset ?? 0)
    batch.writeInt32BE(batch.length - RECORD_BATCH_LOG_OVERHEAD_BYTES, AT.batchLength)
    batch.writeInt32BE(details.partitionLeaderEpoch ?? -1, AT.partitionLeaderEpoch)
    batch[AT.magic] = MAGIC
    batch.writeInt16BE(attributesOf(details), AT.attributes)
    batch.writeInt32BE(this.#recordCount - 1, AT.lastOffsetDelta)
    putInt64(batch, AT.baseTimestamp, this.#baseTimestamp)
    putInt64(batch, AT.maxTimestamp, this.#maxTimestamp)
    putInt64(batch, AT.producerId, details.producerId ?? -1)
    batch.writeInt16BE(details.producerEpoch ?? -1, AT.producerEpoch)
    batch.writeInt32BE(details.baseSequence ?? -1, AT.baseSequence)
    batch.writeInt32BE(this.#recordCount, AT.recordCount)
    batch.writeUInt32BE(this.#crc32c(batch.subarray(AT.attributes)) >>> 0, AT.crc)
  }

  #grow(bytesMin: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(bytesMin, this.#buffer.length * 2))
    this.#buffer.copy(larger, 0, 0, this.#pos)
    this.#buffer = larger
  }
}

function attributesOf({ compression, timestampType, isTransactional, isControl }: BatchDetails): number {
  return (
    (compression?.attribute ?? 0) |
    (timestampType === 'LogAppendTime' ? LOG_APPEND_TIME_FLAG : 0) |
    (isTransactional ? TRANSACTIONAL_FLAG : 0) |
    (isControl ? CONTROL_FLAG : 0)
  )
}

/** Bytes of everything in a record but key, value and headers, at most: length, attributes, deltas, lengths and count. */
const RECORD_OVERHEAD_BYTES_MAX = 5 + 1 + 10 + 5 + 5 + 5 + 5

function recordBytesMax(key: RecordData, value: RecordData, headers: readonly RecordHeader[]): number {
  let bytes = RECORD_OVERHEAD_BYTES_MAX + dataBytesMax(key) + dataBytesMax(value)
  for (const header of headers) bytes += 10 + dataBytesMax(header.key) + dataBytesMax(header.value)
  return bytes
}

function dataBytesMax(data: RecordData): number {
  if (data === null) return 0
  if (typeof data !== 'string') return data.length
  return data.length > GUESSED_STRING_LENGTH_MAX ? Buffer.byteLength(data) : data.length * 3
}

function plainLength(data: RecordData): number {
  return data === null ? 0 : data.length
}

/** Length and bytes; returns where they end. The caller has made room. */
function putData(buffer: Buffer, pos: number, data: RecordData): number {
  if (data === null) {
    buffer[pos] = 1 // -1 in zigzag form
    return pos + 1
  }
  if (typeof data === 'string') return putString(buffer, pos, data)
  const start = putVarint(buffer, pos, data.length << 1)
  buffer.set(data, start)
  return start + data.length
}

function putString(buffer: Buffer, pos: number, text: string): number {
  // Written first behind a length of the width that ASCII would need, and moved in the rare case that more is needed.
  const guessed = varintBytes(text.length << 1)
  const written = buffer.write(text, pos + guessed)
  const needed = varintBytes(written << 1)
  if (needed !== guessed) buffer.copyWithin(pos + needed, pos + guessed, pos + guessed + written)
  return putVarint(buffer, pos, written << 1) + written
}

/** One record batch in a buffer; every getter reads the buffer. */
export class RecordBatchView {
  readonly buffer: Buffer
  /** Where the batch begins in `buffer`. */
  readonly start: number
  /** Where it ends; the next batch begins here. */
  readonly end: number

  /** For `readBatches`, which checks that the batch is whole and of format 2. */
  constructor(buffer: Buffer, start: number, end: number) {
    this.buffer = buffer
    this.start = start
    this.end = end
  }

  get sizeInBytes(): number {
    return this.end - this.start
  }
  get baseOffset(): number {
    return int64At(this.buffer, this.start)
  }
  /** Offset of the last record that was in the batch; compaction may have removed the record, but not the offset. */
  get lastOffset(): number {
    return this.baseOffset + this.buffer.readInt32BE(this.start + AT.lastOffsetDelta)
  }
  get nextOffset(): number {
    return this.lastOffset + 1
  }
  get partitionLeaderEpoch(): number {
    return this.buffer.readInt32BE(this.start + AT.partitionLeaderEpoch)
  }
  get magic(): number {
    return this.buffer.readInt8(this.start + AT.magic)
  }
  get crc(): number {
    return this.buffer.readUInt32BE(this.start + AT.crc)
  }
  get attributes(): number {
    return this.buffer.readInt16BE(this.start + AT.attributes)
  }
  /** A number of `CompressionType`. */
  get compression(): number {
    return this.attributes & COMPRESSION_MASK
  }
  get isTransactional(): boolean {
    return (this.attributes & TRANSACTIONAL_FLAG) !== 0
  }
  /** Whether this is a transaction marker, which consumers never see. */
  get isControl(): boolean {
    return (this.attributes & CONTROL_FLAG) !== 0
  }
  /** Whether `baseTimestamp` is instead the time after which compaction may remove tombstones (KIP-534). */
  get hasDeleteHorizon(): boolean {
    return (this.attributes & DELETE_HORIZON_FLAG) !== 0
  }
  get timestampType(): TimestampType {
    return (this.attributes & LOG_APPEND_TIME_FLAG) !== 0 ? 'LogAppendTime' : 'CreateTime'
  }
  get baseTimestamp(): number {
    return int64At(this.buffer, this.start + AT.baseTimestamp)
  }
  get maxTimestamp(): number {
    return int64At(this.buffer, this.start + AT.maxTimestamp)
  }
  get producerId(): number {
    return int64At(this.buffer, this.start + AT.producerId)
  }
  get producerEpoch(): number {
    return this.buffer.readInt16BE(this.start + AT.producerEpoch)
  }
  get baseSequence(): number {
    return this.buffer.readInt32BE(this.start + AT.baseSequence)
  }
  /** How many records the batch says to hold; checked only by reading them. */
  get recordCount(): number {
    return this.buffer.readInt32BE(this.start + AT.recordCount)
  }
  /** The records, as they are on the wire: compressed if `compression` says so. */
  get records(): Buffer {
    return this.buffer.subarray(this.start + AT.records, this.end)
  }
  /** The whole batch. */
  get bytes(): Buffer {
    return this.buffer.subarray(this.start, this.end)
  }

  /** Whether the checksum is right. */
  isValid(crc32c: Checksum): boolean {
    return crc32c(this.buffer.subarray(this.start + AT.attributes, this.end)) >>> 0 === this.crc
  }

  /** Overwrites what a broker assigns when it appends the batch; neither is under the checksum. */
  assign({ baseOffset, partitionLeaderEpoch }: { readonly baseOffset: number; readonly partitionLeaderEpoch: number }): void {
    putInt64(this.buffer, this.start, baseOffset)
    this.buffer.writeInt32BE(partitionLeaderEpoch, this.start + AT.partitionLeaderEpoch)
  }

  /** Turns all timestamps into the time of appending, as `message.timestamp.type=LogAppendTime` asks of a broker; renews the checksum. */
  assignLogAppendTime(timestamp: number, crc32c: Checksum): void {
    const { buffer, start } = this
    buffer.writeInt16BE(this.attributes | LOG_APPEND_TIME_FLAG, start + AT.attributes)
    putInt64(buffer, start + AT.maxTimestamp, timestamp)
    buffer.writeUInt32BE(crc32c(buffer.subarray(start + AT.attributes, this.end)) >>> 0, start + AT.crc)
  }
}

/**
 * The record batches in a buffer, in order, as fetched, produced or read from a log.
 * Ends without an error before a last batch that is not whole: brokers cut fetched data anywhere.
 *
 * @throws ProtocolError for a batch of the formats before Kafka 0.11, and for a length that no batch can have.
 */
export function* readBatches(buffer: Buffer, start = 0, end = buffer.length): Generator<RecordBatchView, void, undefined> {
  let pos = start
  while (end - pos > AT.magic) {
    const batchEnd = pos + RECORD_BATCH_LOG_OVERHEAD_BYTES + buffer.readInt32BE(pos + AT.batchLength)
    const magic = buffer[pos + AT.magic]!
    if (magic !== MAGIC) {
      throw new ProtocolError(`The record batch at position ${pos} has the format ${magic}; only format 2 (Kafka 0.11 and later) is supported.`)
    }
    if (batchEnd - pos < RECORD_BATCH_HEADER_BYTES) {
      throw new ProtocolError(`The record batch at position ${pos} says to be ${batchEnd - pos} bytes long, less than its header.`)
    }
    if (batchEnd > end) return
    yield new RecordBatchView(buffer, pos, batchEnd)
    pos = batchEnd
  }
}
