import { ProtocolError } from './errors.ts'

/*
 * How much memory the decompression of some bytes may take, found without doing it: a few bytes can claim gigabytes, and the libraries either believe them or
 * have no limit.
 *
 * LZ4 frame  => magic (uint32 LE)  flags (1 byte: 0 dictionary id, 2 content checksum, 3 content size, 4 block checksums)  block maximum (1 byte: bits 4-6)
 *               [content_size (8 bytes)]  [dictionary_id (4 bytes)]  header checksum (1 byte)
 *               Block…  end mark (uint32, 0)  [content checksum (4 bytes)]
 * LZ4 block  => length (uint32 LE; the highest bit says that it is not compressed)  data  [checksum (4 bytes)]
 *
 * Snappy     => length when decompressed (unsigned varint)  elements
 */

const LZ4_MAGIC = 0x184d2204
const LZ4_DICTIONARY_FLAG = 0x01
const LZ4_CONTENT_SIZE_FLAG = 0x08
const LZ4_BLOCK_CHECKSUM_FLAG = 0x10
/** A length byte of 255 in LZ4 stands for as many bytes. */
const LZ4_EXPANSION_MAX = 255
/** Three bytes of Snappy stand for 64 at most; so does its shortest other element. */
const SNAPPY_EXPANSION_MAX = 64

/**
 * The most that an LZ4 frame can decompress to. What follows the frame is not looked at.
 *
 * @throws ProtocolError for what is no LZ4 frame, or is cut.
 */
export function lz4BytesMax(frame: Buffer): number {
  if (frame.length < 7 || frame.readUInt32LE(0) !== LZ4_MAGIC) throw new ProtocolError('This is no LZ4 frame.')
  const flags = frame[4]!
  // 4 is 64 KiB, 5 is 256 KiB, 6 is 1 MiB, 7 is 4 MiB.
  const blockBytesMax = 1 << (8 + 2 * ((frame[5]! >> 4) & 7))
  const blockExtra = (flags & LZ4_BLOCK_CHECKSUM_FLAG) !== 0 ? 4 : 0
  let pos = 7 + ((flags & LZ4_CONTENT_SIZE_FLAG) !== 0 ? 8 : 0) + ((flags & LZ4_DICTIONARY_FLAG) !== 0 ? 4 : 0)
  let bytes = 0
  while (pos + 4 <= frame.length) {
    const length = frame.readUInt32LE(pos) & 0x7fff_ffff
    if (length === 0) return bytes
    bytes += Math.min(blockBytesMax, length * LZ4_EXPANSION_MAX)
    pos += 4 + length + blockExtra
  }
  throw new ProtocolError('An LZ4 frame is cut.')
}

/**
 * What a raw block of Snappy says to decompress to.
 *
 * @throws ProtocolError for more than its length can hold.
 */
export function snappyBytes(block: Buffer): number {
  let bytes = 0
  for (let i = 0; i < 5 && i < block.length; i++) {
    const byte = block[i]!
    bytes += (byte & 0x7f) * 2 ** (7 * i)
    if (byte >= 0x80) continue
    if (bytes <= block.length * SNAPPY_EXPANSION_MAX) return bytes
    break
  }
  throw new ProtocolError(`A Snappy block of ${block.length} bytes says that it holds more than it can.`)
}
