import { ProtocolError } from './errors.ts'

const TWO_POW_32 = 0x1_0000_0000

/**
 * Reads Kafka's primitive types from one buffer, forwards.
 *
 * Every read is checked against `end` and throws `ProtocolError` beyond it; lengths are checked before anything is allocated,
 * so broken bytes can neither read foreign memory nor allocate more than a small multiple of their own size.
 * `bytes` returns views of the buffer, not copies: they live and change with it.
 */
export class Reader {
  readonly buffer: Buffer
  /** Where the next read begins: an index into `buffer`. */
  pos: number
  readonly end: number
  /** How many more elements all arrays together may have. */
  #elementsLeft: number

  /** @param elementsMax of all arrays together: each becomes an object, many times as large as on the wire. Default: no limit. */
  constructor(buffer: Buffer, start = 0, end = buffer.length, elementsMax = Infinity) {
    this.buffer = buffer
    this.pos = start
    this.end = end
    this.#elementsLeft = elementsMax
  }

  get remaining(): number {
    return this.end - this.pos
  }

  /** Moves past `length` bytes and returns where they began. */
  take(length: number): number {
    const start = this.pos
    if (length < 0 || length > this.end - start) {
      throw new ProtocolError(`Expected ${length} bytes at position ${start}, but only ${this.end - start} are left.`)
    }
    this.pos = start + length
    return start
  }

  boolean(): boolean {
    return this.buffer[this.take(1)] !== 0
  }

  int8(): number {
    return this.buffer.readInt8(this.take(1))
  }

  int16(): number {
    return this.buffer.readInt16BE(this.take(2))
  }

  uint16(): number {
    return this.buffer.readUInt16BE(this.take(2))
  }

  int32(): number {
    return this.buffer.readInt32BE(this.take(4))
  }

  uint32(): number {
    return this.buffer.readUInt32BE(this.take(4))
  }

  /** A 64-bit integer as a number. @throws ProtocolError for one beyond ±(2^53 − 1), which a number cannot hold. */
  int64(): number {
    const start = this.take(8)
    const value = this.buffer.readInt32BE(start) * TWO_POW_32 + this.buffer.readUInt32BE(start + 4)
    if (!Number.isSafeInteger(value)) {
      throw new ProtocolError(`The 64-bit integer at position ${start} is beyond ±(2^53 - 1).`)
    }
    return value
  }

  /** A 64-bit integer with its full range. */
  bigint64(): bigint {
    return this.buffer.readBigInt64BE(this.take(8))
  }

  float64(): number {
    return this.buffer.readDoubleBE(this.take(8))
  }

  /** Unsigned varint of at most 32 bits. */
  uvarint(): number {
    const { buffer, end } = this
    let pos = this.pos
    let value = 0
    for (let shift = 0; shift <= 28; shift += 7) {
      if (pos >= end) throw new ProtocolError(`A varint at position ${this.pos} ends beyond the data.`)
      const byte = buffer[pos++]!
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) {
        this.pos = pos
        return value >>> 0
      }
    }
    throw new ProtocolError(`The varint at position ${this.pos} is longer than 5 bytes.`)
  }

  /** Zigzag varint of at most 32 bits. */
  varint(): number {
    const value = this.uvarint()
    return (value >>> 1) ^ -(value & 1)
  }

  /**
   * Zigzag varint of at most 64 bits, as a number.
   * Rounded beyond ±(2^53 − 1): only timestamp deltas have this type, and a record with an odd time must not stop its consumer.
   */
  varlong(): number {
    const start = this.pos
    let low = 0 // bits 0…27 of the unsigned value
    let high = 0 // the bits above
    for (let i = 0; i < 10; i++) {
      const byte = this.buffer[this.take(1)]!
      if (i < 4) low += (byte & 0x7f) << (7 * i)
      else high += (byte & 0x7f) * 2 ** (7 * (i - 4))
      if (byte < 0x80) {
        // Halved before it is put together, so that all values in the safe range keep every bit.
        const half = high * 0x800_0000 + (low >>> 1)
        return low & 1 ? -half - 1 : half
      }
    }
    throw new ProtocolError(`The varlong at position ${start} is longer than 10 bytes.`)
  }

  /** UUID in Kafka's text form: 22 characters of URL-safe base64. */
  uuid(): string {
    const start = this.take(16)
    return this.buffer.toString('base64url', start, start + 16)
  }

  utf8(length: number): string {
    const start = this.take(length)
    return this.buffer.toString('utf8', start, start + length)
  }

  /** A view of the next `length` bytes. */
  view(length: number): Buffer {
    const start = this.take(length)
    return this.buffer.subarray(start, start + length)
  }

  /** Text with a 16-bit length; −1 is null. */
  nullableString(): string | null {
    const length = this.int16()
    return length === -1 ? null : this.utf8(length)
  }

  /** Text whose length plus one is an unsigned varint; 0 is null. */
  compactNullableString(): string | null {
    const length = this.uvarint()
    return length === 0 ? null : this.utf8(length - 1)
  }

  /** A view of bytes with a 32-bit length; −1 is null. */
  nullableBytes(): Buffer | null {
    const length = this.int32()
    return length === -1 ? null : this.view(length)
  }

  /** A view of bytes whose length plus one is an unsigned varint; 0 is null. */
  compactNullableBytes(): Buffer | null {
    const length = this.uvarint()
    return length === 0 ? null : this.view(length - 1)
  }

  /**
   * The number of elements of an array with a 32-bit count, −1 for null.
   *
   * @param elementBytesMin the least that one element takes; a count that cannot fit is refused before anything is allocated for it.
   */
  arrayCount(elementBytesMin: number): number {
    return this.#checkedCount(this.int32(), elementBytesMin)
  }

  /** The number of elements of an array whose count plus one is an unsigned varint, −1 for null. */
  compactArrayCount(elementBytesMin: number): number {
    return this.#checkedCount(this.uvarint() - 1, elementBytesMin)
  }

  /** Moves past a section of tagged fields without looking at them. */
  skipTaggedFields(): void {
    for (let count = this.uvarint(); count > 0; count--) {
      this.uvarint()
      this.take(this.uvarint())
    }
  }

  #checkedCount(count: number, elementBytesMin: number): number {
    if (count < -1 || count * Math.max(1, elementBytesMin) > this.remaining) {
      throw new ProtocolError(`An array of ${count} elements at position ${this.pos} does not fit into ${this.remaining} bytes.`)
    }
    this.#elementsLeft -= count
    if (this.#elementsLeft < 0) throw new ProtocolError(`The arrays up to position ${this.pos} have too many elements.`)
    return count
  }
}
