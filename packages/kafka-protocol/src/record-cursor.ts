import { ProtocolError } from './errors.ts'
import { CompressionType, type RecordBatchView, type RecordHeader } from './record-batch.ts'
import { Reader } from './reader.ts'

/** Keys of headers that are remembered. */
const HEADER_KEYS_MAX = 32

/** Gives the records of a compressed batch. `codec` is a number of `CompressionType`, never 0. */
export type Decompress = (codec: number, data: Buffer) => Buffer

/**
 * Reads the records of a batch, one after the other, without making an object for each.
 *
 * After `next()` has returned true, the fields tell the record's place in `buffer`, which is the batch's own or the decompressed one.
 * Keys and values live as long as that buffer.
 *
 * @example
 * const cursor = decodeRecords(batch)
 * while (cursor.next()) console.log(cursor.offset, cursor.value()?.toString())
 */
export class RecordCursor {
  /** What the positions refer to. */
  readonly buffer: Buffer
  offset = -1
  /** Milliseconds since 1970, as `timestampType` of the batch says; -1 if there is none; rounded beyond ±(2^53 − 1). */
  timestamp = -1
  /** -1 for a null key, as is `keyEnd`. */
  keyStart = -1
  keyEnd = -1
  /** -1 for a null value, as is `valueEnd`. */
  valueStart = -1
  valueEnd = -1
  headerCount = 0

  readonly #baseOffset: number
  readonly #baseTimestamp: number
  readonly #appendTimestamp: number
  readonly #hasAppendTime: boolean
  readonly #end: number
  #pos: number
  #recordsLeft: number
  #headersStart = 0
  #recordEnd = 0
  /** The last key of each place, as it was read, and where it stands. */
  readonly #headerKeys: { readonly start: number; readonly length: number; readonly text: string }[] = []

  /** For `decodeRecords`. */
  constructor(batch: RecordBatchView, buffer: Buffer, start: number, end: number) {
    this.buffer = buffer
    this.#baseOffset = batch.baseOffset
    this.#baseTimestamp = batch.baseTimestamp
    this.#appendTimestamp = batch.maxTimestamp
    this.#hasAppendTime = batch.timestampType === 'LogAppendTime'
    this.#pos = start
    this.#end = end
    this.#recordsLeft = batch.recordCount
  }

  /**
   * Moves to the next record; false when there is none.
   *
   * @throws ProtocolError for lengths that do not fit together.
   */
  next(): boolean {
    if (this.#recordsLeft <= 0) return this.#finish()
    this.#recordsLeft--

    const length = this.#varint()
    const bodyStart = this.#pos
    const recordEnd = bodyStart + length
    if (length < 0 || recordEnd > this.#end) this.#fail()

    this.#pos = bodyStart + 1 // The attributes of a record have no meaning yet.
    const timestampDelta = this.#varlong()
    this.timestamp = this.#hasAppendTime ? this.#appendTimestamp : this.#baseTimestamp + timestampDelta
    this.offset = this.#baseOffset + this.#varint()

    const keyLength = this.#varint()
    if (keyLength >= 0) {
      this.keyStart = this.#pos
      this.#pos = this.keyEnd = this.#pos + keyLength
    } else {
      this.keyStart = this.keyEnd = -1
    }
    // A key beyond the record must not send the next read out of bounds.
    if (this.#pos >= recordEnd) this.#fail()

    const valueLength = this.#varint()
    if (valueLength >= 0) {
      this.valueStart = this.#pos
      this.#pos = this.valueEnd = this.#pos + valueLength
    } else {
      this.valueStart = this.valueEnd = -1
    }
    if (this.#pos >= recordEnd) this.#fail()

    const headerCount = this.#varint()
    this.headerCount = headerCount
    this.#headersStart = this.#pos
    if (headerCount < 0 || (headerCount === 0 ? this.#pos !== recordEnd : this.#pos + 2 * headerCount > recordEnd)) this.#fail()
    this.#recordEnd = recordEnd
    this.#pos = recordEnd
    return true
  }

  /** A view of the key of the current record. */
  key(): Buffer | null {
    return this.keyEnd < 0 ? null : this.buffer.subarray(this.keyStart, this.keyEnd)
  }

  /** A view of the value of the current record. */
  value(): Buffer | null {
    return this.valueEnd < 0 ? null : this.buffer.subarray(this.valueStart, this.valueEnd)
  }

  /** Decodes the headers of the current record; values are views. @throws ProtocolError for lengths that do not fit together. */
  headers(): RecordHeader[] {
    const headers: RecordHeader[] = []
    if (this.headerCount === 0) return headers
    const reader = new Reader(this.buffer, this.#headersStart, this.#recordEnd)
    for (let i = 0; i < this.headerCount; i++) {
      const keyLength = reader.varint()
      const key = this.#headerKey(i, reader.take(keyLength), keyLength)
      const valueLength = reader.varint()
      headers.push({ key, value: valueLength < 0 ? null : reader.view(valueLength) })
    }
    if (reader.remaining > 0) this.#fail()
    return headers
  }

  /** Mostly the key that the header at the same place of an earlier record has: comparing a few bytes is quicker than making a text of them. */
  #headerKey(index: number, start: number, length: number): string {
    const { buffer } = this
    const known = this.#headerKeys[index]
    if (known !== undefined && known.length === length && isSame(buffer, known.start, start, length)) return known.text
    const text = buffer.utf8Slice(start, start + length)
    if (index < HEADER_KEYS_MAX) this.#headerKeys[index] = { start, length, text }
    return text
  }

  #finish(): false {
    if (this.#recordsLeft < 0 || this.#pos !== this.#end) {
      throw new ProtocolError('A record batch holds another number of records than its header says.')
    }
    return false
  }

  #fail(): never {
    throw new ProtocolError(`A record near position ${this.#pos} of a batch that ends at ${this.#end} has lengths that do not fit together.`)
  }

  // Lengths and deltas mostly take one or two bytes.
  #varint(): number {
    const { buffer } = this
    const pos = this.#pos
    const first = buffer[pos]!
    if (first < 0x80) {
      this.#pos = pos + 1
      return (first >>> 1) ^ -(first & 1)
    }
    const second = buffer[pos + 1]!
    if (second < 0x80) {
      this.#pos = pos + 2
      const value = (first & 0x7f) | (second << 7)
      return (value >>> 1) ^ -(value & 1)
    }
    return this.#long((reader) => reader.varint())
  }

  #varlong(): number {
    const pos = this.#pos
    const first = this.buffer[pos]!
    if (first < 0x80) {
      this.#pos = pos + 1
      return (first >>> 1) ^ -(first & 1)
    }
    return this.#long((reader) => reader.varlong())
  }

  #long(read: (reader: Reader) => number): number {
    const reader = new Reader(this.buffer, this.#pos, this.#end)
    const value = read(reader)
    this.#pos = reader.pos
    return value
  }
}

/**
 * A cursor before the first record of a batch.
 *
 * @param decompress needed for compressed batches. Its result is checked like anything from the network.
 * @throws ProtocolError if the batch is compressed and there is no `decompress`; whatever `decompress` throws.
 */
export function decodeRecords(batch: RecordBatchView, decompress?: Decompress): RecordCursor {
  const { records, compression } = batch
  if (compression === CompressionType.none) return new RecordCursor(batch, batch.buffer, batch.end - records.length, batch.end)
  if (!decompress) throw new ProtocolError(`The record batch is compressed with codec ${compression}, and no decompression was given.`)
  const decompressed = decompress(compression, records)
  return new RecordCursor(batch, decompressed, 0, decompressed.length)
}

function isSame(buffer: Buffer, start: number, otherStart: number, length: number): boolean {
  for (let index = 0; index < length; index++) if (buffer[start + index] !== buffer[otherStart + index]) return false
  return true
}
