import assert from 'node:assert/strict'
import test from 'node:test'
import { WaitTimeoutError, waitFor } from './wait-for.ts'

test('resolves with the first thing found', async () => {
  let looks = 0
  assert.equal(await waitFor(() => (++looks < 3 ? null : `found after ${looks}`), { what: 'three looks', intervalMs: 1 }), 'found after 3')
})

test('zero and the empty string are found, false is not', async () => {
  assert.equal(await waitFor(() => 0, { what: 'a number' }), 0)
  assert.equal(await waitFor(() => '', { what: 'a text' }), '')
  await assert.rejects(
    waitFor(() => false, { what: 'the truth', deadlineMs: 5, intervalMs: 1 }),
    WaitTimeoutError,
  )
})

test('says at the deadline what was missing, the last error and what is there instead', async () => {
  const condition = (): never => {
    throw new Error('connection refused')
  }
  await assert.rejects(waitFor(condition, { what: 'the worker', deadlineMs: 5, intervalMs: 1, describe: () => 'an empty log' }), (error: Error) => {
    assert.match(error.message, /^After 5 ms still waiting for the worker\.\nLast error: connection refused\nSeen: an empty log$/)
    return true
  })
})

test('a look that hangs does not hold up the deadline', async () => {
  await assert.rejects(
    waitFor(() => new Promise<never>(() => {}), { what: 'an answer', deadlineMs: 10 }),
    /still waiting for an answer[^]*did not return/,
  )
})
