import { createRequire } from 'node:module'
import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { CompressionType, type Decompress, decompressXerial, lz4BytesMax, ProtocolError } from '@millrace/kafka-protocol'

const require = createRequire(import.meta.url)
/** Loaded when first used: most brokers never need them, and each costs start-up time and memory. */
const lz4 = (): typeof import('lz4-napi') => require('lz4-napi')
const snappy = (): typeof import('snappy') => require('snappy')

/** The records of a batch must not grow beyond this, whatever their codec says. */
const BYTES_MAX = 256 * 1024 * 1024

/** Decompresses the records of a batch: needed only to find a record by its timestamp, and to look for keys where a topic is compacted. */
export const decompress: Decompress = (codec, data) => {
  try {
    switch (codec) {
      case CompressionType.gzip:
        return gunzipSync(data, { maxOutputLength: BYTES_MAX })
      case CompressionType.snappy:
        return decompressXerial(data, (block) => snappy().uncompressSync(block) as Buffer, BYTES_MAX)
      case CompressionType.lz4:
        if (lz4BytesMax(data) > BYTES_MAX) throw new ProtocolError(`The data grow beyond ${BYTES_MAX} bytes.`)
        return lz4().decompressFrameSync(data)
      case CompressionType.zstd:
        return zstdDecompressSync(data, { maxOutputLength: BYTES_MAX })
    }
  } catch (error) {
    throw new ProtocolError(`The records of a batch cannot be decompressed (codec ${codec}): ${(error as Error).message}`)
  }
  throw new ProtocolError(`The records of a batch are compressed with the unknown codec ${codec}.`)
}
