import assert from 'node:assert/strict'
import test from 'node:test'
import { ErrorCounters } from '../errors/error-counters.ts'
import { taskMetricsForTests } from './fixtures/task-metrics-for-tests.ts'
import { Ledger } from './ledger.ts'
import type { TaskMetrics } from './task-metrics.ts'

function values(metrics: TaskMetrics, group: string): Record<string, number | string> {
  return Object.fromEntries(
    metrics
      .list()
      .filter((metric) => metric.group === group)
      .map(({ name, value }) => [name, value]),
  )
}

test('a source counts what it polled and wrote, and what is between', () => {
  let now = 0
  const metrics = taskMetricsForTests('source', () => now)
  const ledger = new Ledger()
  metrics.observe({ ledger, errors: new ErrorCounters() })
  ledger.read += 10
  metrics.polled(10, 4)
  ledger.written += 6
  ledger.filtered += 1
  ledger.read += 20
  metrics.polled(20, 8)
  now = 60_000
  const found = values(metrics, 'source-task-metrics')
  assert.deepEqual(
    ['source-record-poll-total', 'source-record-write-total', 'source-record-active-count'].map((name) => found[name]),
    [30, 6, 23],
  )
  assert.equal(found['source-record-poll-rate'], 0.5)
})

test('greatest and average values are of batches', () => {
  const metrics = taskMetricsForTests('source', () => 0)
  metrics.observe({ ledger: new Ledger(), errors: new ErrorCounters() })
  metrics.polled(10, 4)
  metrics.polled(20, 8)
  const source = values(metrics, 'source-task-metrics')
  const task = values(metrics, 'connector-task-metrics')
  assert.deepEqual([source['poll-batch-max-time-ms'], source['poll-batch-avg-time-ms'], task['batch-size-max'], task['batch-size-avg']], [8, 6, 20, 15])
})

test('a sink tells how far its worst partition is behind, which the original declares and never does', () => {
  const metrics = taskMetricsForTests('sink', () => 0)
  const lags: (number | null)[] = [3, null, 17]
  const assignment = () => lags.map((_, partition) => ({ topic: 't', partition }))
  metrics.observeSink({ ledger: new Ledger(), errors: new ErrorCounters() }, { assignment, lag: ({ partition }) => lags[partition] ?? null })
  metrics.put(5, 2)
  const found = values(metrics, 'sink-task-metrics')
  assert.deepEqual([found['sink-record-lag-max'], found['partition-count'], found['sink-record-send-total'], found['put-batch-max-time-ms']], [17, 3, 5, 2])
  lags.fill(null)
  assert.deepEqual(values(metrics, 'sink-task-metrics')['sink-record-lag-max'], Number.NaN)
})

test('commits are counted by how they ended, and only successful ones are measured', () => {
  const metrics = taskMetricsForTests('sink', () => 0)
  metrics.observeSink({ ledger: new Ledger(), errors: new ErrorCounters() }, { assignment: () => [], lag: () => null })
  for (const [isSuccess, tookMs] of [
    [true, 10],
    [true, 30],
    [false, 5_000],
  ] as const) {
    metrics.commitBegins()
    metrics.committed(isSuccess, tookMs)
  }
  metrics.commitSkipped()
  const task = values(metrics, 'connector-task-metrics')
  const sink = values(metrics, 'sink-task-metrics')
  assert.deepEqual([task['offset-commit-max-time-ms'], task['offset-commit-avg-time-ms']], [30, 20])
  assert.equal(Math.round((task['offset-commit-failure-percentage'] as number) * 100), 33)
  assert.deepEqual([sink['offset-commit-seq-no'], sink['offset-commit-completion-total'], sink['offset-commit-skip-total']], [4, 2, 1])
})

test('the ratios of running and pausing are shares of the time since the task first ran', () => {
  let now = 1_000
  const metrics = taskMetricsForTests('sink', () => now)
  const ratios = () => ['running-ratio', 'pause-ratio'].map((name) => values(metrics, 'connector-task-metrics')[name])
  assert.deepEqual(ratios(), [0, 0])
  metrics.changed('RUNNING')
  now += 300
  metrics.changed('PAUSED')
  now += 100
  assert.deepEqual(ratios(), [0.75, 0.25])
  metrics.changed('RUNNING')
  now += 400
  assert.deepEqual(ratios(), [0.875, 0.125])
})

test('metrics of plug-ins carry who they are of, whatever tags they give themselves', () => {
  const metrics = taskMetricsForTests('source', () => 0)
  const own = metrics.plugin()
  const converter = metrics.plugin({ converter: 'key' })
  own.counter('rows', 'Rows.', { table: 'a', task: 'forged' }).add(3)
  converter.gauge('state', 'State.', () => 'warm')
  converter.gauge('broken', 'Throws.', () => {
    throw new Error('no')
  })
  const found = metrics.list().filter(({ group }) => group === 'plugins')
  assert.deepEqual(found, [
    { group: 'plugins', name: 'rows', tags: { table: 'a', task: '0', connector: 'made' }, value: 3 },
    { group: 'plugins', name: 'state', tags: { connector: 'made', task: '0', converter: 'key' }, value: 'warm' },
  ])
  assert.throws(() => own.counter('rows', 'Again.', { table: 'a', task: 'forged' }), /already registered/)
  own.remove('rows', { table: 'a', task: 'forged' })
  assert.equal(metrics.list().filter(({ group }) => group === 'plugins').length, 1)
})

test('classes and versions are told', () => {
  const found = values(
    taskMetricsForTests('sink', () => 0),
    'connector-task-metrics',
  )
  assert.deepEqual(
    ['connector-class', 'connector-type', 'task-class', 'key-converter-class', 'header-converter-version'].map((name) => found[name]),
    ['test.Connector', 'sink', 'test.Task', 'test.KeyConverter', '1.2.3'],
  )
})
