import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ProtocolError } from './errors.ts'
import { compressXerial, decompressXerial } from './xerial-snappy.ts'

const same = (block: Buffer): Buffer => block

test('data of any length comes back, in blocks of 32 KiB behind a header', () => {
  for (const length of [0, 1, 32 * 1024, 32 * 1024 + 1, 100_000]) {
    const data = Buffer.alloc(length, 'records')
    const stream = compressXerial(data, same)
    assert.equal(stream.length, 16 + length + 4 * Math.ceil(length / (32 * 1024)))
    assert.deepEqual(decompressXerial(stream, same), data)
  }
})

test('one raw block without a header is read as well', () => {
  assert.deepEqual(
    decompressXerial(Buffer.from('raw'), (block) => Buffer.from(`${block} read`)),
    Buffer.from('raw read'),
  )
})

test('blocks that do not fit are refused', () => {
  const stream = compressXerial(Buffer.from('records'), same)
  assert.throws(() => decompressXerial(stream.subarray(0, -1), same), ProtocolError)
  assert.throws(() => decompressXerial(stream.subarray(0, 18), same), RangeError)
  stream.writeInt32BE(-1, 16)
  assert.throws(() => decompressXerial(stream, same), ProtocolError)
})
