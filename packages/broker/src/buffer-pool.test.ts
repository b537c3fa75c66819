import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BufferPool } from './buffer-pool.ts'

test('gives released memory out again, once', () => {
  const pool = new BufferPool()
  const first = pool.take(20_000)
  assert.equal(first.length, 20_000)
  pool.release(first.subarray(5, 10))
  pool.release(first)
  const second = pool.take(30_000)
  assert.equal(second.buffer, first.buffer)
  assert.equal(second.length, 30_000)
  assert.notEqual(pool.take(30_000).buffer, first.buffer)
})

test('takes back only what it gave out', () => {
  const pool = new BufferPool()
  const foreign = Buffer.allocUnsafeSlow(16 * 1024)
  pool.release(foreign)
  assert.notEqual(pool.take(16 * 1024).buffer, foreign.buffer)
})

test('keeps no more than a few megabytes for later', () => {
  const pool = new BufferPool()
  const buffers = Array.from({ length: 10 }, () => pool.take(8 * 1024 * 1024))
  for (const buffer of buffers) pool.release(buffer)
  const again = new Set(Array.from({ length: 10 }, () => pool.take(8 * 1024 * 1024).buffer))
  assert.equal(buffers.filter(({ buffer }) => again.has(buffer)).length, 2)
  assert.equal(pool.take(9_000_000).length, 9_000_000)
})
