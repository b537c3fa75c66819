import { snappyBytes } from './decompressed-bytes.ts'
import { ProtocolError } from './errors.ts'

/*
 * Xerial's Snappy stream, which the Java client writes:
 *
 * Stream => magic (8 bytes: 0x82 "SNAPPY" 0)  version (int32, 1)  compatible_version (int32, 1)  Block…
 * Block  => length (int32)  raw Snappy data
 */
const MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00])
const HEADER = Buffer.concat([MAGIC, Buffer.from([0, 0, 0, 1, 0, 0, 0, 1])])
const BLOCK_BYTES = 32 * 1024

/** Compresses in xerial's form; `compress` makes raw Snappy of one block. */
export function compressXerial(data: Buffer, compress: (block: Buffer) => Buffer): Buffer {
  const parts: Buffer[] = [HEADER]
  for (let start = 0; start < data.length; start += BLOCK_BYTES) {
    const block = compress(data.subarray(start, start + BLOCK_BYTES))
    const length = Buffer.allocUnsafe(4)
    length.writeInt32BE(block.length)
    parts.push(length, block)
  }
  return Buffer.concat(parts)
}

/**
 * Reads xerial's stream, or one raw block as clients of other languages write it; `decompress` reads raw Snappy.
 *
 * @param bytesMax for all blocks together; nothing beyond it is allocated.
 * @throws ProtocolError for blocks that do not fit or are too much, and whatever `decompress` throws.
 */
export function decompressXerial(data: Buffer, decompress: (block: Buffer) => Buffer, bytesMax: number): Buffer {
  let bytesLeft = bytesMax
  const decompressed = (block: Buffer): Buffer => {
    bytesLeft -= snappyBytes(block)
    if (bytesLeft < 0) throw new ProtocolError(`The data grow beyond ${bytesMax} bytes.`)
    return decompress(block)
  }
  if (!data.subarray(0, MAGIC.length).equals(MAGIC)) return decompressed(data)
  const parts: Buffer[] = []
  let pos = HEADER.length
  while (pos < data.length) {
    const length = pos + 4 <= data.length ? data.readInt32BE(pos) : -1
    pos += 4
    if (length < 0 || length > data.length - pos) throw new ProtocolError(`A Snappy block of ${length} bytes does not fit.`)
    parts.push(decompressed(data.subarray(pos, pos + length)))
    pos += length
  }
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts)
}
