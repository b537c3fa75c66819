import assert from 'node:assert/strict'
import test from 'node:test'
import { ratios, spread } from './measurement.ts'
import { processUsage } from './process-usage.ts'

test('the median of an even number of values lies between the two in the middle', () => {
  assert.deepEqual(spread([4, 1, 3, 2]), { min: 1, median: 2.5, max: 4 })
  assert.deepEqual(spread([7]), { min: 7, median: 7, max: 7 })
})

test('ratios compare the repetitions that ran one after the other', () => {
  const ours = [{ throughput: 300 }, { throughput: 400 }, { throughput: 500 }]
  const theirs = [{ throughput: 100 }, { throughput: 200 }]
  assert.deepEqual(ratios(ours, theirs, 'throughput'), { min: 2, median: 2.5, max: 3 })
  assert.equal(ratios(ours, theirs, 'rssPeak'), null)
})

test('a process has used time and memory', { skip: process.platform === 'linux' ? false : 'needs /proc' }, () => {
  const usage = processUsage(process.pid)
  assert.ok(usage.cpuSeconds > 0 && usage.rssBytes > 10e6 && usage.rssPeakBytes >= usage.rssBytes, JSON.stringify(usage))
})
