import assert from 'node:assert/strict'
import { test } from 'node:test'
import { offsetKey, offsetValue } from './offset-encoding.ts'
import { ownBytes } from './own-bytes.ts'

test('a copy holds no more memory than its content', () => {
  for (const content of ['', 'ü☃', 'x'.repeat(100_000), Buffer.from('abc'), new Uint8Array([1, 2, 3, 4]).subarray(1, 3)]) {
    const bytes = ownBytes(content)
    assert.ok(bytes.equals(Buffer.from(content as string)))
    assert.equal(bytes.buffer.byteLength, bytes.length)
  }
})

test('offsets, which go to another thread and are kept there, hold no more memory than they need', () => {
  for (const bytes of [offsetKey('connector', { filename: '/x' }), offsetValue({ position: 7 })]) assert.equal(bytes.buffer.byteLength, bytes.length)
})
