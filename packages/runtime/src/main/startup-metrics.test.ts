import assert from 'node:assert/strict'
import test from 'node:test'
import { StartupMetrics } from './startup-metrics.ts'

function made() {
  const metrics = new StartupMetrics(
    { windowMs: 30_000, samples: 2 },
    () => ({ connectors: 1, tasks: 2 }),
    () => 0,
  )
  const values = () => Object.fromEntries(metrics.list().map(({ name, value }) => [name, value]))
  return { metrics, values }
}

test('a start is counted by whether the task ran, and only once', () => {
  const { metrics, values } = made()
  for (const state of ['RUNNING', 'PAUSED', 'RUNNING', 'FAILED', 'RESTARTING', 'RUNNING', 'UNASSIGNED', 'FAILED'] as const) metrics.taskReported('a-0', state)
  const found = values()
  assert.deepEqual(
    ['task-startup-attempts-total', 'task-startup-success-total', 'task-startup-failure-total'].map((name) => found[name]),
    [3, 2, 1],
  )
  assert.deepEqual([found['task-count'], found['connector-count'], found['connector-startup-attempts-total']], [2, 1, 0])
  assert.equal(Math.round((found['task-startup-success-percentage'] as number) * 100), 67)
})

test('a task that is deleted is forgotten', () => {
  const { metrics, values } = made()
  metrics.taskReported('a-0', 'RUNNING')
  metrics.taskDeleted('a-0')
  metrics.taskReported('a-0', 'RUNNING')
  assert.equal(values()['task-startup-success-total'], 2)
})
