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
const ZSTD_MAGIC = 0xfd2fb528
const ZSTD_DICTIONARY_ID_BYTES = [0, 1, 2, 4] as const
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

/**
 * Zstd's output comes in pieces of a size that has to be chosen before. With room for all of it in one piece, Zstd writes it straight there; otherwise it takes
 * memory for a window, and pieces have to be put together. Frames say how much they hold where their writer knew it; for others, batches are mostly like the one before.
 */
function decompressZstd(data: Buffer): Buffer {
  const expected = zstdBytes(data) ?? zstdBytesExpected
  const chunkSize = Math.min(Math.max(expected + 1, ZSTD_BYTES_MIN), ZSTD_BYTES_MAX)
  const records = zstdDecompressSync(data, { maxOutputLength: DECOMPRESSED_BYTES_MAX, chunkSize })
  zstdBytesExpected = records.length + ZSTD_BYTES_SPARE
  return records
}

let zstdBytesExpected = ZSTD_BYTES_MIN

/** What a frame's header says that it holds; null where it does not, or is none. RFC 8878, 3.1.1.1. */
function zstdBytes(frame: Buffer): number | null {
  if (frame.length < 14 || frame.readUInt32LE(0) !== ZSTD_MAGIC) return null
  const descriptor = frame[4] as number
  const isSingleSegment = (descriptor & 0x20) !== 0
  const at = 5 + (isSingleSegment ? 0 : 1) + (ZSTD_DICTIONARY_ID_BYTES[descriptor & 3] as number)
  switch (descriptor >> 6) {
    case 0:
      return isSingleSegment ? (frame[at] as number) : null
    case 1:
      return frame.readUInt16LE(at) + 256
    case 2:
      return frame.readUInt32LE(at)
    default:
      return null
  }
}

function rawSnappy(block: Buffer): Buffer {
  return snappy().uncompressSync(block, { asBuffer: true }) as Buffer
}
