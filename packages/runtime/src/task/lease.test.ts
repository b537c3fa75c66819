import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Lease } from './lease.ts'

test('a lease holds as long as it was said, and is asked for again afterwards', async () => {
  const answers = [Infinity]
  const lease = new Lease(async () => answers.shift()!)
  assert.equal(lease.isValid, false)
  assert.equal(await lease.renewed(new AbortController().signal), true)
  assert.equal(lease.isValid, true)
})

test('whoever has no lease waits until there is one again', async () => {
  const answers = [0, -5000, 60_000]
  const lease = new Lease(async () => answers.shift()!)
  assert.equal(await lease.renewed(new AbortController().signal), true)
  assert.deepEqual(answers, [])
})

test('a task that is to end waits no longer', async () => {
  const stop = new AbortController()
  const lease = new Lease(async () => {
    stop.abort()
    return 0
  })
  assert.equal(await lease.renewed(stop.signal), false)
  assert.equal(lease.isValid, false)
})
