import assert from 'node:assert/strict'
import test from 'node:test'
import { ratios, type Sample, spread } from './measurement.ts'
import { processUsage } from './process-usage.ts'
import { targetsTable } from './report.ts'
import { withSection } from './results.ts'

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

test('a target is reached or missed by the median of what is counted', () => {
  const samples = new Map([
    [
      'Millrace',
      [
        { throughput: 1, cpuPerMillion: 9 },
        { throughput: 300, cpuPerMillion: 1 },
      ],
    ],
    [
      'Java client',
      [
        { throughput: 9, cpuPerMillion: 1 },
        { throughput: 100, cpuPerMillion: 1.5 },
      ],
    ],
  ])
  const table = targetsTable([{ title: 'lane', hasWarmUp: true, samples, wanted: { throughput: 2, cpuPerMillion: 0.5 } }])
  assert.match(table, /\| lane \| throughput \| ≥ 2.00 \| 3.00 \| reached \|/)
  assert.match(table, /\| lane \| CPU per million records \| ≤ 0.50 \| 0.67 \| missed \|/)
  assert.equal(targetsTable([{ title: 'lane', hasWarmUp: true, samples }]), '')
})

test('what is wanted of our side alone is judged without the original, and what needs the original is not', () => {
  const samples = new Map<string, Sample[]>([['Millrace', [{ restartTime: 0.8 }, { restartTime: 1.1 }]]])
  const table = targetsTable([{ title: 'lane', hasWarmUp: false, samples, wanted: { restartTime: 0.5 }, wantedOfUs: { restartTime: 1 } }])
  assert.match(table, /≤ 0.50 \| - \| not measured \|/)
  assert.match(table, /≤ 1.00 s \| 0.95 s \| reached \|/)
})

test('a section of the results takes the place of the older one, and leaves the rest alone', () => {
  const first = withSection('# Results\n', 'a', 'one')
  const second = withSection(`${first}\nby hand\n`, 'b', 'two')
  const third = withSection(second, 'a', 'three')
  assert.match(third, /# Results\n\n<!-- a: .*\n\nthree\n\n<!-- end of a -->\n\nby hand\n\n<!-- b: .*\n\ntwo\n\n<!-- end of b -->\n$/)
  assert.ok(!third.includes('one'))
})
