import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { RetriableError } from '@millrace/api'
import { ErrorCounters } from './error-counters.ts'
import { Retries, StoppedError } from './retries.ts'

function begin(options: { timeoutMs: number; delayMaxMs?: number }) {
  const counters = new ErrorCounters()
  const stop = new AbortController()
  const pauses: number[] = []
  let nowMs = 0
  const retries = new Retries({
    delayMaxMs: 60_000,
    ...options,
    counters,
    signal: stop.signal,
    pause: async (delayMs) => {
      pauses.push(delayMs)
      nowMs += delayMs
    },
    now: () => nowMs,
    random: () => 0.25,
  })
  return { retries, counters, stop, pauses }
}

const busy = new RetriableError('busy')
const fail = () => {
  throw busy
}

describe('an operation that is tried again', () => {
  it('pauses twice as long each time, and at random below the maximum beyond it', async () => {
    const { retries, pauses, counters } = begin({ timeoutMs: -1, delayMaxMs: 1_000 })
    let left = 5
    assert.equal(await retries.again(busy, () => (left-- > 0 ? fail() : 'done')), 'done')
    assert.deepEqual(pauses, [300, 600, 250, 250, 250, 250])
    assert.deepEqual([counters.failures, counters.retries], [6, 6])
  })

  it('ends with its last error at the time-out, the last pause ending there', async () => {
    const { retries, pauses, counters } = begin({ timeoutMs: 1_000 })
    await assert.rejects(retries.again(busy, fail), busy)
    assert.deepEqual(pauses, [300, 600, 100])
    assert.deepEqual([counters.failures, counters.retries], [3, 3])
  })

  it('ends with an error that is not worth another try', async () => {
    const { retries, pauses } = begin({ timeoutMs: -1 })
    const other = new Error('other')
    await assert.rejects(
      retries.again(busy, () => Promise.reject(other)),
      other,
    )
    assert.deepEqual(pauses, [300])
  })

  it('is not tried again without a time for that, or where the error is of another kind', () => {
    assert.equal(begin({ timeoutMs: 0 }).retries.handles(busy), false)
    assert.equal(begin({ timeoutMs: 1 }).retries.handles(new Error('other')), false)
    assert.equal(begin({ timeoutMs: 1 }).retries.handles(busy), true)
  })

  it('ends when the task is stopped', async () => {
    const { retries, stop } = begin({ timeoutMs: -1 })
    stop.abort()
    await assert.rejects(retries.again(busy, fail), StoppedError)
  })
})
