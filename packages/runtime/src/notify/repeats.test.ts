import assert from 'node:assert/strict'
import test from 'node:test'
import { Repeats } from './repeats.ts'
import type { StateChange } from './state-change.ts'

function change(event: StateChange['event'], cause: string | null = null, task: number | null = 0): StateChange {
  return { event, connector: 'c', task, worker_id: 'w:1', cause, hint: null, at: '2026-01-01T00:00:00.000Z' }
}

test('the same failure for the same reason is told once in a while, with how often it came', () => {
  const repeats = new Repeats(1_000)
  const admitted = [0, 100, 200, 1_100].map((nowMs) => repeats.admit(change('failed', 'no disk'), nowMs))
  assert.deepEqual(admitted, [0, null, null, 2])
})

test('another reason, or another task, is news', () => {
  const repeats = new Repeats(1_000)
  const admitted = [change('failed', 'no disk'), change('failed', 'no network'), change('failed', 'no disk', 1)].map((each) => repeats.admit(each, 0))
  assert.deepEqual(admitted, [0, 0, 0])
})

test('a recovery is told where the failure was, once', () => {
  const repeats = new Repeats(1_000)
  const told = (event: 'failed' | 'recovered') => repeats.admit(change(event, event === 'failed' ? 'no disk' : null), 0) !== null
  assert.deepEqual([told('failed'), told('recovered'), told('failed'), told('recovered'), told('recovered')], [true, true, false, false, false])
})

test('a recovery from a failure that another worker told of is news', () => {
  assert.equal(new Repeats(1_000).admit(change('recovered'), 0), 0)
})

test('what is remembered has a bound', () => {
  const repeats = new Repeats(1_000)
  for (let task = 0; task < 10_001; task++) repeats.admit(change('failed', 'x', task), 0)
  assert.deepEqual([repeats.admit(change('failed', 'x', 0), 1), repeats.admit(change('failed', 'x', 10_000), 1)], [0, null])
})
