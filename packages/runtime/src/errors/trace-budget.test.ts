import assert from 'node:assert/strict'
import test from 'node:test'
import { TraceBudget } from './trace-budget.ts'

test('the first hundred failures of each second have stack traces', () => {
  const traces = new TraceBudget(100)
  for (let failure = 1; failure <= 100; failure++) {
    assert.equal(traces.isSpent, false, `before failure ${failure}`)
    traces.spend(5_000 + failure)
  }
  assert.equal(traces.isSpent, true)
  traces.renew(5_999)
  assert.equal(traces.isSpent, true)
  traces.renew(6_000)
  assert.equal(traces.isSpent, false)
})

test('failures that are few and far between always have them', () => {
  const traces = new TraceBudget(100)
  for (let second = 0; second < 1_000; second++) {
    traces.spend(second * 1_000)
    assert.equal(traces.isSpent, false)
  }
})

test('all have them, or none, where that is wanted', () => {
  const all = new TraceBudget(-1)
  const none = new TraceBudget(0)
  for (let failure = 0; failure < 1_000; failure++) {
    assert.deepEqual([all.isSpent, none.isSpent], [false, true])
    all.spend(failure)
    none.spend(failure * 10)
    none.renew(failure * 10)
  }
})
