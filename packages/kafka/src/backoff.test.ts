import assert from 'node:assert/strict'
import test from 'node:test'
import { Backoff } from './backoff.ts'

test('pauses double up to the maximum', () => {
  const backoff = new Backoff({ initialMs: 100, maxMs: 1_000, random: () => 0.5 })
  assert.deepEqual(
    [0, 1, 2, 3, 4, 5, 1_000_000].map((failures) => backoff.delayMs(failures)),
    [0, 100, 200, 400, 800, 1_000, 1_000],
  )
})

test('pauses are spread by a fifth to either side, but never beyond the maximum', () => {
  const options = { initialMs: 100, maxMs: 1_000 }
  assert.equal(new Backoff({ ...options, random: () => 0 }).delayMs(1), 80)
  assert.equal(Math.round(new Backoff({ ...options, random: () => 0.999_999 }).delayMs(1)), 120)
  assert.equal(new Backoff({ ...options, random: () => 0.999_999 }).delayMs(9), 1_000)
})

test('an initial pause above the maximum is cut to it', () => {
  assert.equal(new Backoff({ initialMs: 500, maxMs: 50, random: () => 0.5 }).delayMs(1), 50)
})
