import assert from 'node:assert/strict'
import test from 'node:test'
import { inTime } from './in-time.ts'

const late = () => new Error('late')

test('an operation that ends in time settles as it does by itself', async () => {
  assert.equal(await inTime(Promise.resolve('done'), 60_000, late), 'done')
  await assert.rejects(inTime(Promise.reject(new Error('failed')), 60_000, late), /failed/)
})

test('one that takes longer is late, and its own failure is nobody’s', async () => {
  const { promise, reject } = Promise.withResolvers<void>()
  await assert.rejects(inTime(promise, 1, late), /late/)
  reject(new Error('failed'))
  await new Promise((resolve) => setImmediate(resolve))
})
