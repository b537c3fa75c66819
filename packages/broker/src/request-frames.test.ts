import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BufferPool } from './buffer-pool.ts'
import { MemoryBudget } from './memory-budget.ts'
import { RequestFrames } from './request-frames.ts'

const framesOf = (): RequestFrames => new RequestFrames(new BufferPool(), new MemoryBudget(1 << 20), () => {})
const chunkOf = (bytes: number): Buffer => Buffer.allocUnsafeSlow(bytes)

test('a chunk that was copied is given back at once', () => {
  const chunk = chunkOf(65536)
  framesOf().received(chunk, [Buffer.alloc(100)])
  assert.equal(chunk.length, 0)
})

test('a chunk is given back when the only request that is a view of it is released', () => {
  const frames = framesOf()
  const chunk = chunkOf(65536)
  const request = chunk.subarray(4, 60_000)
  frames.received(chunk, [Buffer.alloc(100), request])
  assert.equal(request.length, 59_996)
  frames.release(request)
  assert.equal(chunk.length, 0)
})

test('a chunk with several requests, a small one, and one whose memory belongs to others as well are left alone', () => {
  const frames = framesOf()
  const several = chunkOf(65536)
  const requests = [several.subarray(0, 20_000), several.subarray(20_000)]
  const small = chunkOf(100)
  const part = chunkOf(65536).subarray(0, 40_000)
  frames.received(several, requests)
  frames.received(small, [])
  frames.received(part, [])
  for (const request of requests) frames.release(request)
  assert.deepEqual([several.length, small.length, part.length], [65536, 100, 40_000])
})
