import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentLogger } from '@millrace/kafka'
import { MemoryStatusStore } from '../storage/memory/memory-status-store.ts'
import { FailureReports } from './failure-reports.ts'
import { StatusReports, type StatusReportsOptions } from './status-reports.ts'

test('a worker that is out of its group leaves the states alone, which others may have written by then', () => {
  const statusStore = new MemoryStatusStore()
  let isEntitled = true
  const snapshot = { contains: () => true, taskConfig: () => ({}) }
  const connectors = { snapshot: () => snapshot, version: () => '1' } as unknown as StatusReportsOptions['connectors']
  const options = {
    connectors,
    statusStore,
    failures: new FailureReports(),
    workerId: 'one:8083',
    generation: () => 7,
    isEntitled: () => isEntitled,
    logger: { ...silentLogger, isDebugEnabled: false },
  }
  const reports = new StatusReports(options as unknown as StatusReportsOptions)
  const states = () => [statusStore.connector('a')?.state, statusStore.task({ connector: 'a', task: 0 })?.state]

  reports.connectorState('a', 'RUNNING', null)
  reports.taskState({ connector: 'a', task: 0 }, 'RUNNING', null)
  isEntitled = false
  reports.connectorState('a', 'UNASSIGNED', null)
  reports.taskState({ connector: 'a', task: 0 }, 'UNASSIGNED', null)
  assert.deepEqual(states(), ['RUNNING', 'RUNNING'])
  isEntitled = true
  reports.connectorState('a', 'UNASSIGNED', null)
  reports.taskState({ connector: 'a', task: 0 }, 'UNASSIGNED', null)
  assert.deepEqual(states(), ['UNASSIGNED', 'UNASSIGNED'])
})
