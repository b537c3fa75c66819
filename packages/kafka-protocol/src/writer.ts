import { ProtocolError } from './errors.ts'

const TWO_POW_32 = 0x1_0000_0000
const STRING_BYTES_MAX = 0x7fff

/**
 * Writes Kafka's primitive types into one buffer that grows.
 *
 * Write, patch the lengths that were not known before, then take `result()` once: it is a view of the writer's buffer.
 */
export class Writer {
  buffer: Buffer
  /** Where the next write begins; what has been written so far is `buffer[0…pos)`. */
  pos = 0

  /** @param bytesExpected how much room to begin with; a wrong guess only costs a copy. */
  constructor(bytesExpected = 512) {
    this.buffer = Buffer.allocUnsafe(bytesExpected)
  }

  /** What has been written, as a view. */
  result(): Buffer {
    return this.buffer.subarray(0, this.pos)
  }

  /** Makes room for `length` bytes, moves past them, and returns where they begin. The caller fills them. */
  reserve(length: number): number {
    const start = this.pos
    if (start + length > this.buffer.length) this.#grow(start + length)
    this.pos = start + length
    return start
  }

  boolean(value: boolean): void {
    const at = this.reserve(1)
    this.buffer[at] = value ? 1 : 0
  }

  int8(value: number): void {
    const at = this.reserve(1)
    this.buffer.writeInt8(value, at)
  }

  int16(value: number): void {
    const at = this.reserve(2)
    this.buffer.writeInt16BE(value, at)
  }

  uint16(value: number): void {
    const at = this.reserve(2)
    this.buffer.writeUInt16BE(value, at)
  }

  int32(value: number): void {
    const at = this.reserve(4)
    this.buffer.writeInt32BE(value, at)
  }

  uint32(value: number): void {
    const at = this.reserve(4)
    this.buffer.writeUInt32BE(value, at)
  }

  /** A 64-bit integer from a safe integer. @throws ProtocolError for anything else, so that no offset is ever rounded. */
  int64(value: number): void {
    if (!Number.isSafeInteger(value)) throw new ProtocolError(`"${value}" is no integer within ±(2^53 - 1).`)
    const at = this.reserve(8)
    const high = Math.floor(value / TWO_POW_32)
    this.buffer.writeInt32BE(high, at)
    this.buffer.writeUInt32BE(value - high * TWO_POW_32, at + 4)
  }

  bigint64(value: bigint): void {
    const at = this.reserve(8)
    this.buffer.writeBigInt64BE(value, at)
  }

  float64(value: number): void {
    const at = this.reserve(8)
    this.buffer.writeDoubleBE(value, at)
  }

  /** Unsigned varint of at most 32 bits. */
  uvarint(value: number): void {
    let at = this.reserve(5)
    const { buffer } = this
    let rest = value >>> 0
    while (rest >= 0x80) {
      buffer[at++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    buffer[at++] = rest
    this.pos = at
  }

  /** Zigzag varint of a 32-bit integer. */
  varint(value: number): void {
    this.uvarint((value << 1) ^ (value >> 31))
  }

  /** Zigzag varint of a 64-bit integer, from a safe integer. */
  varlong(value: number): void {
    if (!Number.isSafeInteger(value)) throw new ProtocolError(`"${value}" is no integer within ±(2^53 - 1).`)
    let at = this.reserve(10)
    const { buffer } = this
    // Zigzag doubles the value, which may leave the safe range: the lowest bit is kept apart from the rest.
    const half = value < 0 ? -value - 1 : value
    const sign = value < 0 ? 1 : 0
    let byte = ((half % 64) << 1) | sign
    let rest = Math.floor(half / 64)
    while (rest > 0) {
      buffer[at++] = byte | 0x80
      byte = rest % 128
      rest = Math.floor(rest / 128)
    }
    buffer[at++] = byte
    this.pos = at
  }

  /** UUID from Kafka's text form: 22 characters of URL-safe base64. */
  uuid(value: string): void {
    const at = this.reserve(16)
    if (this.buffer.write(value, at, 16, 'base64url') !== 16 || value.length > 24) {
      throw new ProtocolError(`"${value}" is no UUID in base64.`)
    }
  }

  /** Bytes as they are, without a length. */
  raw(value: Uint8Array): void {
    const at = this.reserve(value.length)
    this.buffer.set(value, at)
  }

  /** Text with a 16-bit length; null is −1. */
  string(value: string | null): void {
    if (value === null) return this.int16(-1)
    const at = this.reserve(2 + value.length * 3)
    const length = this.buffer.write(value, at + 2, 'utf8')
    if (length > STRING_BYTES_MAX) {
      throw new ProtocolError(`A text of ${length} bytes is longer than the protocol's ${STRING_BYTES_MAX}.`)
    }
    this.buffer.writeInt16BE(length, at)
    this.pos = at + 2 + length
  }

  /** Text whose length plus one is an unsigned varint; null is 0. */
  compactString(value: string | null): void {
    if (value === null) return this.uvarint(0)
    const length = Buffer.byteLength(value)
    if (length > STRING_BYTES_MAX) {
      throw new ProtocolError(`A text of ${length} bytes is longer than the protocol's ${STRING_BYTES_MAX}.`)
    }
    this.uvarint(length + 1)
    const at = this.reserve(length)
    this.buffer.write(value, at, length, 'utf8')
  }

  /** Bytes with a 32-bit length; null is −1. */
  bytes(value: Uint8Array | null): void {
    if (value === null) return this.int32(-1)
    this.int32(value.length)
    this.raw(value)
  }

  /** Bytes whose length plus one is an unsigned varint; null is 0. */
  compactBytes(value: Uint8Array | null): void {
    if (value === null) return this.uvarint(0)
    this.uvarint(value.length + 1)
    this.raw(value)
  }

  /** The 32-bit count of an array; −1 for null. */
  arrayCount(count: number): void {
    this.int32(count)
  }

  /** The count of an array plus one as an unsigned varint; −1 for null. */
  compactArrayCount(count: number): void {
    this.uvarint(count + 1)
  }

  /** A section of tagged fields with nothing in it. */
  noTaggedFields(): void {
    this.uvarint(0)
  }

  /** Overwrites four bytes written earlier, for a length that is known only now. */
  patchI32(pos: number, value: number): void {
    this.buffer.writeInt32BE(value, pos)
  }

  #grow(lengthMin: number): void {
    const larger = Buffer.allocUnsafe(Math.max(lengthMin, this.buffer.length * 2))
    this.buffer.copy(larger, 0, 0, this.pos)
    this.buffer = larger
  }
}
