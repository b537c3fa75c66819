import assert from 'node:assert/strict'
import test from 'node:test'
import { MemoryStatusStore } from './memory/memory-status-store.ts'
import { ObservedStatusStore } from './observed-status-store.ts'
import type { TaskStatus } from './status-store.ts'

const id = { connector: 'c', task: 0 }

function status(state: TaskStatus['state'], generation = 1, workerId = 'here:1'): TaskStatus {
  return { state, trace: null, workerId, generation, version: null }
}

test('each state that is written is told with what stood there before', () => {
  const heard: string[] = []
  const store = new ObservedStatusStore(new MemoryStatusStore(), {
    connectorWritten: (name, { state }, before) => void heard.push(`${name} ${before?.state ?? 'nothing'} ${state}`),
    taskWritten: ({ connector, task }, { state }, before) => void heard.push(`${connector}-${task} ${before?.state ?? 'nothing'} ${state}`),
    connectorDeleted: (name) => void heard.push(`${name} deleted`),
    taskDeleted: ({ connector, task }) => void heard.push(`${connector}-${task} deleted`),
  })
  store.putConnector('c', status('RUNNING'))
  store.putTask(id, status('RUNNING'))
  store.putTaskSafe(id, status('FAILED'))
  assert.deepEqual(heard, ['c nothing RUNNING', 'c-0 nothing RUNNING', 'c-0 RUNNING FAILED'])
  assert.equal(store.task(id)?.state, 'FAILED')
  store.deleteTask(id)
  store.deleteConnector('c')
  assert.deepEqual(heard.slice(3), ['c-0 deleted', 'c deleted'])
})

test('what a later generation has overtaken is not written, and not told', () => {
  const heard: string[] = []
  const inner = new MemoryStatusStore()
  const store = new ObservedStatusStore(inner, {
    connectorWritten() {},
    taskWritten: (_, { state }) => void heard.push(state),
    connectorDeleted() {},
    taskDeleted() {},
  })
  inner.putTask(id, status('RUNNING', 5, 'there:1'))
  store.putTaskSafe(id, status('UNASSIGNED', 4))
  assert.deepEqual(heard, [])
  assert.equal(store.task(id)?.state, 'RUNNING')
})
