const TWO_POW_32 = 0x1_0000_0000

/*
 * Integers at fixed places of a buffer, for the codecs that are written by hand. Nothing here checks bounds: the callers have.
 */

/** A 64-bit integer as a number; beyond ±(2^53 − 1) it is rounded, which no offset, time or producer id reaches. */
export function int64At(buffer: Buffer, pos: number): number {
  return buffer.readInt32BE(pos) * TWO_POW_32 + buffer.readUInt32BE(pos + 4)
}

export function putInt64(buffer: Buffer, pos: number, value: number): void {
  const high = Math.floor(value / TWO_POW_32)
  buffer.writeInt32BE(high, pos)
  buffer.writeUInt32BE(value - high * TWO_POW_32, pos + 4)
}

/** How many bytes an unsigned 32-bit integer takes as a varint. */
export function varintBytes(value: number): number {
  const unsigned = value >>> 0
  if (unsigned < 0x80) return 1
  if (unsigned < 0x4000) return 2
  if (unsigned < 0x20_0000) return 3
  return unsigned < 0x1000_0000 ? 4 : 5
}

/** Writes an unsigned 32-bit integer as a varint and returns where it ends. A signed value has to be in zigzag form: twice a positive one. */
export function putVarint(buffer: Buffer, pos: number, value: number): number {
  let rest = value >>> 0
  while (rest >= 0x80) {
    buffer[pos++] = (rest & 0x7f) | 0x80
    rest >>>= 7
  }
  buffer[pos] = rest
  return pos + 1
}

/** Writes a signed safe integer as a varint in zigzag form and returns where it ends. */
export function putVarlong(buffer: Buffer, pos: number, value: number): number {
  if (value >= -0x4000_0000 && value < 0x4000_0000) return putVarint(buffer, pos, (value << 1) ^ (value >> 31))
  // Zigzag doubles the value, which may leave the safe range: the lowest bit is kept apart from the rest.
  const half = value < 0 ? -value - 1 : value
  buffer[pos++] = ((half % 64) << 1) | (value < 0 ? 1 : 0) | 0x80
  let rest = Math.floor(half / 64)
  while (rest >= 0x80) {
    buffer[pos++] = (rest % 128) | 0x80
    rest = Math.floor(rest / 128)
  }
  buffer[pos] = rest
  return pos + 1
}
