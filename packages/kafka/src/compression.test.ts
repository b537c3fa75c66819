import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import test from 'node:test'
import { constants, zstdCompressSync } from 'node:zlib'
import { type CompressionName, CompressionType, decodeRecords, ProtocolError, readBatches } from '@millrace/kafka-protocol'
import { compressionOf, crc32c, decompress } from './compression.ts'

const codecs: readonly CompressionName[] = ['gzip', 'snappy', 'lz4', 'zstd']
const levels = { gzip: -1, zstd: 3 }

function compressed(name: CompressionName, data: Buffer): Buffer {
  return Buffer.from(compressionOf(name, levels)!.compress(data))
}

for (const name of codecs) {
  test(`${name} gives back what went in, whatever its size`, () => {
    for (const length of [0, 1, 1_000, 32 * 1024, 100_000]) {
      for (const data of [randomBytes(length), Buffer.alloc(length, 'text ')]) {
        assert.ok(decompress(CompressionType[name], compressed(name, data)).equals(data), `${length} bytes`)
      }
    }
  })

  test(`${name} refuses bytes that it cannot read with an error that says so`, () => {
    assert.throws(() => decompress(CompressionType[name], Buffer.from('this is not compressed at all')), ProtocolError)
    const cut = compressed(name, randomBytes(5_000))
    assert.throws(() => decompress(CompressionType[name], cut.subarray(0, cut.length - 100)), ProtocolError)
  })
}

interface StoredBatch {
  readonly codec: CompressionName
  readonly lastOffset: number
  readonly records: readonly {
    readonly offset: number
    readonly timestamp: number
    readonly key: string | null
    readonly value: string | null
    readonly headers: readonly (readonly [string, string | null])[]
  }[]
  readonly bytes: string
}

const stored = JSON.parse(readFileSync(new URL('../../../tests/vectors/record-batches.json', import.meta.url), 'utf8')) as readonly StoredBatch[]

/** As the vectors tell it: long data by their length. */
function told(data: Uint8Array | null): string | null {
  if (data === null) return null
  return data.length > 400 ? `${data.length} bytes` : Buffer.from(data).toString('base64')
}

for (const name of codecs) {
  test(`batches that the Java client has compressed with ${name} are read as it reads them itself`, () => {
    const batches = stored.filter(({ codec }) => codec === name)
    assert.ok(batches.length > 10)
    for (const { bytes, records } of batches) {
      const [batch] = readBatches(Buffer.from(bytes, 'base64'))
      assert.ok(batch)
      assert.ok(batch.isValid(crc32c))
      assert.equal(batch.compression, CompressionType[name])
      const cursor = decodeRecords(batch, decompress)
      for (const expected of records) {
        assert.ok(cursor.next())
        const { offset, timestamp } = cursor
        const headers = cursor.headers().map(({ key, value }) => [key, told(value)])
        assert.deepEqual({ offset, timestamp, key: told(cursor.key()), value: told(cursor.value()), headers }, expected)
      }
      assert.equal(cursor.next(), false)
    }
  })
}

test('bytes that claim gigabytes are refused without taking them', () => {
  const before = process.memoryUsage().rss
  const frame = Buffer.concat([Buffer.from('04224d186070' + '00', 'hex'), Buffer.alloc(400 * 20_008), Buffer.alloc(4)])
  for (let pos = 7; pos + 20_008 <= frame.length - 4; pos += 20_008) frame.writeUInt32LE(20_004, pos)
  assert.throws(() => decompress(CompressionType.lz4, frame), /grow beyond/)
  assert.throws(() => decompress(CompressionType.snappy, Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f, 8, 0x61])), /more than it can/)
  assert.ok(process.memoryUsage().rss - before < 100 * 1024 * 1024)
})

test('there is no compression for none', () => {
  assert.equal(compressionOf('none', levels), undefined)
})

test('an unknown codec is refused', () => {
  assert.throws(() => decompress(7, Buffer.alloc(10)), /unknown codec 7/)
})

test('snappy is written as a xerial stream of 32 KiB blocks, as the Java client writes it', () => {
  const stream = compressed('snappy', Buffer.alloc(70_000, 'a'))
  assert.equal(stream.subarray(0, 16).toString('hex'), '82534e4150505900' + '00000001' + '00000001')
  let blocks = 0
  for (let pos = 16; pos < stream.length; pos += 4 + stream.readInt32BE(pos)) blocks++
  assert.equal(blocks, 3)
})

test('snappy is read as a raw block too, as other clients write it', () => {
  // Uncompressed length 3, then a literal of three bytes.
  assert.equal(decompress(CompressionType.snappy, Buffer.from([3, 8, 0x61, 0x62, 0x63])).toString(), 'abc')
})

test('the checksum is CRC-32C', () => {
  assert.equal(crc32c(Buffer.from('123456789')), 0xe306_9283)
})

test('zstd reads frames whatever their header says of their size, and one after the other of very different sizes', () => {
  for (const length of [0, 1, 255, 256, 300, 65_535, 65_792, 70_000, 3_000_000, 10]) {
    const data = Buffer.alloc(length, 'records ')
    const streamed = zstdStreamed(data)
    for (const frame of [compressed('zstd', data), streamed]) assert.ok(decompress(CompressionType.zstd, frame).equals(data), `${length} bytes`)
  }
  const lying = compressed('zstd', Buffer.alloc(70_000, 'records '))
  lying.writeUInt32LE(0xffff_ffff, 5)
  assert.throws(() => decompress(CompressionType.zstd, lying), ProtocolError)
})

/** As one who does not know the size beforehand: Java writes so. */
function zstdStreamed(data: Buffer): Buffer {
  const frame = zstdCompressSync(data, { params: { [constants.ZSTD_c_contentSizeFlag]: 0 } })
  assert.equal((frame[4] as number) >> 6, 0)
  return frame
}
