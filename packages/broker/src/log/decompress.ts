import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { CompressionType, type Decompress, ProtocolError } from '@millrace/kafka-protocol'
import { decompressFrameSync } from 'lz4-napi'
import { uncompressSync } from 'snappy'

/** The records of a batch must not grow beyond this, whatever their codec says. */
const BYTES_MAX = 256 * 1024 * 1024

/*
 * Snappy as the Java client writes it (xerial) => magic "\x82SNAPPY\0"  version (int32)  compatible_version (int32)  (length (int32)  snappy block)…
 */
const XERIAL_MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00])
const XERIAL_HEADER_BYTES = 16

/** Decompresses the records of a batch: needed only to find a record by its timestamp, and to look for keys where a topic is compacted. */
export const decompress: Decompress = (codec, data) => {
  try {
    switch (codec) {
      case CompressionType.gzip:
        return gunzipSync(data, { maxOutputLength: BYTES_MAX })
      case CompressionType.snappy:
        return decompressSnappy(data)
      case CompressionType.lz4:
        return decompressFrameSync(data)
      case CompressionType.zstd:
        return zstdDecompressSync(data, { maxOutputLength: BYTES_MAX })
    }
  } catch (error) {
    throw new ProtocolError(`The records of a batch cannot be decompressed (codec ${codec}): ${(error as Error).message}`)
  }
  throw new ProtocolError(`The records of a batch are compressed with the unknown codec ${codec}.`)
}

function decompressSnappy(data: Buffer): Buffer {
  if (!data.subarray(0, XERIAL_MAGIC.length).equals(XERIAL_MAGIC)) return uncompressSync(data) as Buffer
  const blocks: Buffer[] = []
  let pos = XERIAL_HEADER_BYTES
  while (pos + 4 <= data.length) {
    const length = data.readInt32BE(pos)
    pos += 4
    if (length < 0 || pos + length > data.length) throw new RangeError(`A block of ${length} bytes does not fit.`)
    blocks.push(uncompressSync(data.subarray(pos, pos + length)) as Buffer)
    pos += length
  }
  return Buffer.concat(blocks)
}
