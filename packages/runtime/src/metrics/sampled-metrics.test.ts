import assert from 'node:assert/strict'
import test from 'node:test'
import { Spread } from '@millrace/kafka'
import { SampledMetrics } from './sampled-metrics.ts'

test('averages and greatest values are those of the windows that still count', () => {
  const sampled = new SampledMetrics({ windowMs: 1_000, samples: 2 }, 0)
  const spread = new Spread()
  sampled.group('g', {}).spread('x', spread)
  const at = (now: number) => Object.fromEntries(sampled.list(now).map(({ name, value }) => [name, value]))
  spread.record(10)
  assert.deepEqual(at(500), { 'x-avg': 10, 'x-max': 10 })
  sampled.advance(1_100)
  spread.record(2)
  assert.deepEqual(at(1_900), { 'x-avg': 6, 'x-max': 10 })
  assert.deepEqual(at(2_100), { 'x-avg': 2, 'x-max': 2 })
})

test('after a long rest nothing old counts any more', () => {
  const sampled = new SampledMetrics({ windowMs: 1_000, samples: 2 }, 0)
  const spread = new Spread()
  let total = 0
  sampled
    .group('g', {})
    .spread('x', spread)
    .meter('m', () => total)
  spread.record(10)
  total = 5
  const at = (now: number) => Object.fromEntries(sampled.list(now).map(({ name, value }) => [name, value]))
  assert.deepEqual(at(3_600_000), { 'x-avg': Number.NaN, 'x-max': Number.NaN, 'm-total': 5, 'm-rate': 5 / 3_600 })
  assert.equal(at(3_602_000)['m-rate'], 0)
})

test('what happened since the last reading is in the rate, however seldom somebody reads', () => {
  const sampled = new SampledMetrics({ windowMs: 1_000, samples: 2 }, 0)
  let total = 0
  sampled.group('g', {}).rate('m', () => total)
  const rates = [1, 2, 3].map((minute) => {
    total += 600
    return sampled.list(minute * 60_000)[0]!.value
  })
  assert.deepEqual(rates, [10, 10, 10])
})

test('shares of outcomes are numbers from 0 to 1, both 0 where there was none', () => {
  const sampled = new SampledMetrics({ windowMs: 1_000, samples: 2 }, 0)
  const outcomes = sampled.outcomes()
  outcomes.describe(sampled.group('g', {}), 'start')
  const shares = () => sampled.list(0).map(({ value }) => value)
  assert.deepEqual(shares(), [0, 0])
  for (const isSuccess of [true, true, true, false]) outcomes.record(isSuccess)
  assert.deepEqual(shares(), [0.75, 0.25])
  sampled.advance(5_000)
  assert.deepEqual(shares(), [0, 0])
})
