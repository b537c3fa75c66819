import assert from 'node:assert/strict'
import test from 'node:test'
import { ClientMetrics } from './client-metrics.ts'
import { type ClientMetric, MetricGroup, Spread } from './metric-group.ts'

const WINDOW_MS = 1000

function values(metrics: readonly ClientMetric[]): Record<string, number> {
  return Object.fromEntries(metrics.map(({ name, value }) => [name, value]))
}

test('rates are over the windows that count, totals since the beginning', () => {
  let count = 0
  const group = new MetricGroup('g', {}, { windowMs: WINDOW_MS, samples: 2, startedAt: 0 }).meter('thing', () => count)
  count = 10
  // What has just begun counts as if it had lasted for a window.
  assert.deepEqual(values(group.list(100)), { 'thing-total': 10, 'thing-rate': 10 })
  group.rotate(1000)
  count = 40
  assert.deepEqual(values(group.list(2000)), { 'thing-total': 40, 'thing-rate': 20 })
  group.rotate(2000)
  // Only the last two windows count: 30 since one second ago.
  assert.deepEqual(values(group.list(2000)), { 'thing-total': 40, 'thing-rate': 30 })
  group.rotate(3000)
  assert.deepEqual(values(group.list(3000)), { 'thing-total': 40, 'thing-rate': 0 })
})

test('averages and extremes are those of the windows that count, and NaN where nothing was measured', () => {
  const spread = new Spread()
  const group = new MetricGroup('g', {}, { windowMs: WINDOW_MS, samples: 2, startedAt: 0 }).spread('time', spread, ['avg', 'max', 'min'])
  assert.deepEqual(values(group.list(0)), { 'time-avg': Number.NaN, 'time-max': Number.NaN, 'time-min': Number.NaN })
  for (const value of [1, 9, Number.NaN]) spread.record(value)
  group.rotate(1000)
  spread.record(2)
  assert.deepEqual(values(group.list(1500)), { 'time-avg': 4, 'time-max': 9, 'time-min': 1 })
  group.rotate(2000)
  assert.deepEqual(values(group.list(2000)), { 'time-avg': 2, 'time-max': 2, 'time-min': 2 })
  assert.deepEqual([spread.total, spread.totalSum], [3, 12])
})

test('an hourly rate is one for each hour', () => {
  const group = new MetricGroup('g', {}, { windowMs: 1_800_000, samples: 2, startedAt: 0 }).meter('rebalance', () => 3, { perHour: true })
  assert.deepEqual(values(group.list(3_600_000)), { 'rebalance-total': 3, 'rebalance-rate-per-hour': 3 })
})

test('what stands still for an hour is left out, and comes back with what happens next', () => {
  const metrics = new ClientMetrics({ prefix: 'producer', clientId: 'c', windowMs: WINDOW_MS, samples: 2 })
  const nodes = (now: number) => metrics.list(now).filter(({ group, name }) => group === 'producer-node-metrics' && name === 'request-total')
  const start = performance.now() + WINDOW_MS
  metrics.node(1).sent(100)
  assert.deepEqual(nodes(start), [{ group: 'producer-node-metrics', name: 'request-total', tags: { 'client-id': 'c', 'node-id': 'node-1' }, value: 1 }])
  assert.equal(nodes(start + 3_500_000).length, 1)
  assert.equal(nodes(start + 3_700_000).length, 0)
  metrics.node(1).sent(100)
  assert.equal(nodes(start + 3_700_000)[0]?.value, 1)
})
