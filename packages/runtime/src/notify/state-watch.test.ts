import assert from 'node:assert/strict'
import test from 'node:test'
import type { TaskActivity } from '@millrace/rest-api'
import type { TaskStatus } from '../storage/status-store.ts'
import { StateWatch } from './state-watch.ts'

const id = { connector: 'c', task: 0 }

function watch() {
  const told: string[] = []
  const made = new StateWatch({
    workerId: 'w:1',
    tell: ({ event, connector, task, worker_id, cause, hint }) =>
      void told.push([event, connector ?? '', task ?? '', worker_id, cause ?? '', hint === null ? '' : `(${hint})`].join(' ').trim()),
  })
  return { told, watch: made }
}

function status(state: TaskStatus['state'], trace: string | null = null): TaskStatus {
  return { state, trace, workerId: 'w:1', generation: 1, version: null }
}

function activity(state: TaskActivity['state']): TaskActivity {
  return { state, since: '2026-01-01T00:00:00.000Z', detail: `it is ${state}` }
}

test('failures are told with their first line, recoveries after them, and nothing else', () => {
  const { told, watch: made } = watch()
  const states = [status('RUNNING'), status('FAILED', 'no disk [MR-1]\n\tat x\n'), status('RESTARTING'), status('RUNNING'), status('PAUSED'), status('RUNNING')]
  for (const [index, next] of states.entries()) made.taskWritten(id, next, states[index - 1] ?? null)
  assert.deepEqual(told, ['failed c 0 w:1 no disk (MR-1)', 'recovered c 0 w:1'])
})

test('a task that failed on another worker and runs here has recovered', () => {
  const { told, watch: made } = watch()
  made.taskWritten(id, status('RESTARTING'), { ...status('FAILED'), workerId: 'other:1' })
  made.taskWritten(id, status('RUNNING'), status('RESTARTING'))
  assert.deepEqual(told, ['recovered c 0 w:1'])
})

test('a failure that ends with a pause or a stop is no recovery', () => {
  const { told, watch: made } = watch()
  made.connectorWritten('c', status('FAILED', 'x'), null)
  made.connectorWritten('c', { ...status('RUNNING'), state: 'STOPPED' }, status('FAILED'))
  made.connectorWritten('c', status('RUNNING'), null)
  assert.deepEqual(told, ['failed c  w:1 x'])
})

test('a stall is told when it begins and when it ends', () => {
  const { told, watch: made } = watch()
  for (const state of ['running', 'stalled', 'stalled', 'running', 'stalled', 'failed'] as const)
    made.looked([{ ...id, activity: activity(state), isGivenUp: false, lastCause: null }])
  assert.deepEqual(told, ['stalled c 0 w:1 it is stalled', 'recovered c 0 w:1', 'stalled c 0 w:1 it is stalled'])
})

test('restarts that are given up are told once, and again after the task was restarted by hand', () => {
  const { told, watch: made } = watch()
  for (const isGivenUp of [false, true, true, false, true]) made.looked([{ ...id, activity: activity('failed'), isGivenUp, lastCause: 'no disk' }])
  assert.deepEqual(told, ['restarts_given_up c 0 w:1 no disk', 'restarts_given_up c 0 w:1 no disk'])
})

test('a task that is gone is forgotten', () => {
  const { told, watch: made } = watch()
  made.looked([{ ...id, activity: activity('stalled'), isGivenUp: false, lastCause: null }])
  made.looked([])
  made.looked([{ ...id, activity: activity('stalled'), isGivenUp: false, lastCause: null }])
  assert.equal(told.length, 2)
})

test('workers that come and go are named as in statuses', () => {
  const { told, watch: made } = watch()
  made.groupChanged({ joined: ['http://b:8083/'], left: ['http://a:8083/'] }, 'left or timed out')
  assert.deepEqual(told, ['worker_left   a:8083 left or timed out', 'worker_joined   b:8083'])
})
