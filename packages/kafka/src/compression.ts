import { createRequire } from 'node:module'
import { constants, gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { type CompressionName, CompressionType, compressXerial, decompressXerial, lz4BytesMax, ProtocolError } from '@millrace/kafka-protocol'
import { crc32c as nativeCrc32c } from '@node-rs/crc32'

const require = createRequire(import.meta.url)
/** Loaded when first used: most clients never need them, and each costs start-up time and memory. */
const lz4 = (): typeof import('lz4-napi') => require('lz4-napi')
const snappy = (): typeof import('snappy') => require('snappy')

/** What the records of one batch may become: a limit for bytes that only claim to be small. */
const DECOMPRESSED_BYTES_MAX = 1 << 30

const ZSTD_BYTES_MIN = 16 * 1024
const ZSTD_BYTES_MAX = 2 * 1024 * 1024
/** A batch is seldom exactly as large as the one before. */
const ZSTD_BYTES_SPARE = 4096

/** CRC-32C (Castagnoli), as record batches carry it. */
export function crc32c(data: Uint8Array): number {
  return nativeCrc32c(data)
}

/** How the records of a batch are compressed: the form that `RecordBatchBuilder.close` takes. */
export interface Compression {
  readonly attribute: number
  compress(records: Buffer): Uint8Array
}

export interface CompressionLevels {
  /** 1 to 9; -1 is zlib's own default (`compression.gzip.level`). */
  readonly gzip: number
  /** -131072 to 22 (`compression.zstd.level`). */
  readonly zstd: number
}

/** The compression of that name and level; undefined for `none`. LZ4 and Snappy have one level only. */
export function compressionOf(name: CompressionName, levels: CompressionLevels): Compression | undefined {
  const attribute = CompressionType[name]
  switch (name) {
    case 'none':
      return undefined
    case 'gzip':
      return { attribute, compress: (records) => gzipSync(records, { level: levels.gzip }) }
    case 'snappy':
      return { attribute, compress: (records) => compressXerial(records, (block) => snappy().compressSync(block)) }
    case 'lz4':
      return { attribute, compress: (records) => lz4().compressFrameSync(records) }
    case 'zstd':
      return { attribute, compress: (records) => zstdCompressSync(records, { params: { [constants.ZSTD_c_compressionLevel]: levels.zstd } }) }
  }
}

/** The records of a compressed batch. @throws ProtocolError for an unknown codec and for bytes that the codec cannot read. */
export function decompress(codec: number, data: Buffer): Buffer {
  try {
    switch (codec) {
      case CompressionType.gzip:
        return gunzipSync(data, { maxOutputLength: DECOMPRESSED_BYTES_MAX })
      case CompressionType.snappy:
        return decompressXerial(data, rawSnappy, DECOMPRESSED_BYTES_MAX)
      case CompressionType.lz4:
        if (lz4BytesMax(data) > DECOMPRESSED_BYTES_MAX) throw new ProtocolError(`The data grow beyond ${DECOMPRESSED_BYTES_MAX} bytes.`)
        return lz4().decompressFrameSync(data)
      case CompressionType.zstd:
        return decompressZstd(data)
    }
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new ProtocolError(`The records, compressed with codec ${codec}, cannot be read: ${reason}`, { cause })
  }
  throw new ProtocolError(`The records are compressed with the unknown codec ${codec}.`)
}

/** Zstd's output comes in pieces of a size that has to be chosen before: one piece, if the batch is like the one before. Putting many together takes as long again. */
let zstdBytesExpected = ZSTD_BYTES_MIN

function decompressZstd(data: Buffer): Buffer {
  const records = zstdDecompressSync(data, { maxOutputLength: DECOMPRESSED_BYTES_MAX, chunkSize: zstdBytesExpected })
  zstdBytesExpected = Math.min(Math.max(records.length + ZSTD_BYTES_SPARE, ZSTD_BYTES_MIN), ZSTD_BYTES_MAX)
  return records
}

function rawSnappy(block: Buffer): Buffer {
  return snappy().uncompressSync(block, { asBuffer: true }) as Buffer
}
