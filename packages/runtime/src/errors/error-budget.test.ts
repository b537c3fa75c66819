import assert from 'node:assert/strict'
import test from 'node:test'
import { ErrorBudget, ErrorBudgetError } from './error-budget.ts'

const cause = new Error('unreadable')

test('as many records as the budget allows may fail, and not one more', () => {
  const budget = new ErrorBudget({ recordsMax: 2, perMinuteMax: -1 })
  budget.spend(cause)
  budget.spend(cause)
  const isExceeded = (error: unknown) =>
    error instanceof ErrorBudgetError && error.cause === cause && /^2 records failed .* millrace\.errors\.budget\.records allows/.test(error.message)
  assert.throws(() => budget.spend(cause), isExceeded)
  assert.throws(() => budget.spend(cause), isExceeded)
})

test('a budget of nothing tolerates no failure', () => {
  assert.throws(() => new ErrorBudget({ recordsMax: 0, perMinuteMax: -1 }).spend(cause), ErrorBudgetError)
  assert.throws(() => new ErrorBudget({ recordsMax: -1, perMinuteMax: 0 }).spend(cause), ErrorBudgetError)
})

test('what failed more than a minute ago no longer counts for the rate', () => {
  let nowMs = 30_000
  const budget = new ErrorBudget({ recordsMax: -1, perMinuteMax: 3, now: () => nowMs })
  budget.spend(cause)
  nowMs += 20_000
  budget.spend(cause)
  budget.spend(cause)
  assert.throws(() => budget.spend(cause), /3 records failed within 60 seconds/)
  nowMs += 39_999
  assert.throws(() => budget.spend(cause), ErrorBudgetError)
  nowMs += 1
  budget.spend(cause)
  assert.throws(() => budget.spend(cause), ErrorBudgetError)
  nowMs += 3_600_000
  for (let failures = 0; failures < 3; failures++) budget.spend(cause)
  assert.throws(() => budget.spend(cause), ErrorBudgetError)
})

test('without limits any number may fail', () => {
  const budget = new ErrorBudget({ recordsMax: -1, perMinuteMax: -1 })
  for (let failures = 0; failures < 100_000; failures++) budget.spend(cause)
})
