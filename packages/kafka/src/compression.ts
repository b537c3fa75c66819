import { createRequire } from 'node:module'
import { constants, gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { type CompressionName, CompressionType, ProtocolError } from '@millrace/kafka-protocol'
import { crc32c as nativeCrc32c } from '@node-rs/crc32'

const require = createRequire(import.meta.url)
/** Loaded when first used: most clients never need them, and each costs start-up time and memory. */
const lz4 = (): typeof import('lz4-napi') => require('lz4-napi')
const snappy = (): typeof import('snappy') => require('snappy')

/** What the records of one batch may become: a limit for bytes that only claim to be small. */
const DECOMPRESSED_BYTES_MAX = 1 << 30

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
      return { attribute, compress: xerialSnappy }
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
        return snappyBytes(data)
      case CompressionType.lz4:
        return lz4().decompressFrameSync(data)
      case CompressionType.zstd:
        return zstdDecompressSync(data, { maxOutputLength: DECOMPRESSED_BYTES_MAX })
    }
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new ProtocolError(`The records, compressed with codec ${codec}, cannot be read: ${reason}`, { cause })
  }
  throw new ProtocolError(`The records are compressed with the unknown codec ${codec}.`)
}

/*
 * Xerial's Snappy stream, which the Java client writes:
 *
 * Stream => magic (8 bytes: 0x82 "SNAPPY" 0)  version (int32, 1)  compatible_version (int32, 1)  Block…
 * Block  => length (int32)  raw Snappy data
 */
const XERIAL_MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00])
const XERIAL_HEADER = Buffer.concat([XERIAL_MAGIC, Buffer.from([0, 0, 0, 1, 0, 0, 0, 1])])
const XERIAL_BLOCK_BYTES = 32 * 1024

function xerialSnappy(records: Buffer): Buffer {
  const parts: Buffer[] = [XERIAL_HEADER]
  for (let start = 0; start < records.length; start += XERIAL_BLOCK_BYTES) {
    const block = snappy().compressSync(records.subarray(start, start + XERIAL_BLOCK_BYTES))
    const length = Buffer.allocUnsafe(4)
    length.writeInt32BE(block.length)
    parts.push(length, block)
  }
  return Buffer.concat(parts)
}

/** Xerial's stream, or one raw block as clients of other languages write it. */
function snappyBytes(data: Buffer): Buffer {
  if (!data.subarray(0, XERIAL_MAGIC.length).equals(XERIAL_MAGIC)) return rawSnappy(data)
  const parts: Buffer[] = []
  let pos = XERIAL_HEADER.length
  while (pos < data.length) {
    const length = data.readInt32BE(pos)
    pos += 4
    if (length < 0 || length > data.length - pos) throw new ProtocolError(`A Snappy block of ${length} bytes does not fit.`)
    parts.push(rawSnappy(data.subarray(pos, pos + length)))
    pos += length
  }
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts)
}

function rawSnappy(block: Buffer): Buffer {
  return snappy().uncompressSync(block, { asBuffer: true }) as Buffer
}
