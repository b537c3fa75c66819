import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import test from 'node:test'
import { type CompressionName, CompressionType, ProtocolError } from '@millrace/kafka-protocol'
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
