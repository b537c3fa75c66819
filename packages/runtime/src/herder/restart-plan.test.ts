import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type RestartSubject, restartPlan } from './restart-plan.ts'

const status = { trace: null, workerId: 'w:8083', generation: 0, version: '1.0' } as const

function subject(connector: 'RUNNING' | 'FAILED', ...tasks: ('RUNNING' | 'FAILED')[]): RestartSubject {
  return {
    name: 'c',
    type: 'source',
    connector: { ...status, state: connector },
    tasks: tasks.map((state, task) => ({ ...status, state, id: { connector: 'c', task } })),
  }
}

function outcome(request: { includeTasks: boolean; onlyFailed: boolean }, of: RestartSubject): unknown[] {
  const plan = restartPlan(request, of)
  return [plan.restartsConnector, plan.tasks.map((id) => id.task), plan.stateInfo.connector.state, plan.stateInfo.tasks.map((task) => task.state)]
}

describe('a restart plan', () => {
  it('has the instance alone unless tasks are included', () => {
    assert.deepEqual(outcome({ includeTasks: false, onlyFailed: false }, subject('RUNNING', 'FAILED')), [true, [], 'RESTARTING', ['FAILED']])
  })

  it('has everything where tasks are included', () => {
    assert.deepEqual(outcome({ includeTasks: true, onlyFailed: false }, subject('RUNNING', 'RUNNING', 'FAILED')), [
      true,
      [0, 1],
      'RESTARTING',
      ['RESTARTING', 'RESTARTING'],
    ])
  })

  it('has what has failed where only that is asked for', () => {
    assert.deepEqual(outcome({ includeTasks: true, onlyFailed: true }, subject('RUNNING', 'RUNNING', 'FAILED')), [
      false,
      [1],
      'RUNNING',
      ['RUNNING', 'RESTARTING'],
    ])
    assert.deepEqual(outcome({ includeTasks: false, onlyFailed: true }, subject('FAILED', 'FAILED')), [true, [], 'RESTARTING', ['FAILED']])
    assert.deepEqual(outcome({ includeTasks: true, onlyFailed: true }, subject('RUNNING', 'RUNNING')), [false, [], 'RUNNING', ['RUNNING']])
  })
})
