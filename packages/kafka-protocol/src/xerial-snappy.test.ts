import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ProtocolError } from './errors.ts'
import { putVarint, varintBytes } from './integers.ts'
import { compressXerial, decompressXerial } from './xerial-snappy.ts'

const NO_LIMIT = 2 ** 30

/** As Snappy does it, but for the elements: the length in front of the data. */
function framed(block: Buffer): Buffer {
  const length = Buffer.alloc(varintBytes(block.length))
  putVarint(length, 0, block.length)
  return Buffer.concat([length, block])
}

const unframed = (block: Buffer): Buffer => block.subarray(block.findIndex((byte) => byte < 0x80) + 1)

test('data of any length comes back, in blocks of 32 KiB behind a header', () => {
  for (const length of [0, 1, 32 * 1024, 32 * 1024 + 1, 100_000]) {
    const data = Buffer.alloc(length, 'records')
    const stream = compressXerial(data, framed)
    assert.equal(stream.readInt32BE(12), 1)
    assert.deepEqual(decompressXerial(stream, unframed, NO_LIMIT), data)
  }
})

test('one raw block without a header is read as well', () => {
  assert.deepEqual(decompressXerial(framed(Buffer.from('raw')), unframed, NO_LIMIT), Buffer.from('raw'))
})

test('blocks that do not fit are refused', () => {
  const stream = compressXerial(Buffer.from('records'), framed)
  for (const length of [17, 18, 19, 20, stream.length - 1]) {
    assert.throws(() => decompressXerial(stream.subarray(0, length), unframed, NO_LIMIT), ProtocolError)
  }
  stream.writeInt32BE(-1, 16)
  assert.throws(() => decompressXerial(stream, unframed, NO_LIMIT), ProtocolError)
})

test('blocks that grow beyond the limit are refused before they are read', () => {
  const stream = compressXerial(Buffer.alloc(100_000), framed)
  assert.throws(() => decompressXerial(stream, unframed, 99_999), /grow beyond 99999 bytes/)
  assert.equal(decompressXerial(stream, unframed, 100_000).length, 100_000)
})
