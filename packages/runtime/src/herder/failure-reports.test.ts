import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FailureReport, TaskProgress } from '@millrace/rest-api'
import { failureOf } from '../errors/failure.ts'
import { reported, statusTraceOf } from '../errors/failure-report.ts'
import { FailureReports } from './failure-reports.ts'
import { localProgress } from './local-progress.ts'
import { taskStateOf } from './state-info.ts'

const id = { connector: 'c', task: 0 }

function failing(message: string): { readonly report: FailureReport; readonly trace: string } {
  const failure = reported(failureOf(new Error(message)), { ...id, stage: 'poll' }, [])
  assert.ok(failure.report !== null)
  return { report: failure.report, trace: statusTraceOf(failure) }
}

/** What a worker tells that has only the failures. */
async function told(failures: FailureReports): Promise<TaskProgress | null> {
  const worker = { taskProgress: async () => null, connectorProgress: () => null, restartInfo: () => null }
  const { tasks } = await localProgress({ worker, failures, workerId: 'w:1' }, { connectors: [], tasks: [id] })
  return tasks.get('c-0') ?? null
}

const statusOf = (state: 'FAILED' | 'RUNNING', trace: string | null) => ({ state, trace, workerId: 'w:1', generation: 0, version: '1' })

test('a task that never ran has its failure, and nothing else to tell', async () => {
  const failures = new FailureReports()
  const { report, trace } = failing('no plugin')
  failures.keep(id, report)
  const shown = taskStateOf(id, statusOf('FAILED', trace), await told(failures)).millrace
  assert.deepEqual([shown?.failure, shown?.ledger.read, shown?.activity.state, shown?.observed_by], [report, 0, 'failed', 'w:1'])
})

test('a report is shown with the failure that it belongs to, not with another one or a later state', async () => {
  const failures = new FailureReports()
  const [first, second] = [failing('first'), failing('second')]
  failures.keep(id, first.report)
  const known = await told(failures)
  assert.equal(taskStateOf(id, statusOf('FAILED', second.trace), known).millrace?.failure, undefined)
  assert.equal(taskStateOf(id, statusOf('RUNNING', null), known).millrace?.failure, undefined)
  assert.equal(taskStateOf(id, statusOf('FAILED', first.trace), known).millrace?.failure, first.report)
})

test('failures after the first are counted and do not replace it', () => {
  const failures = new FailureReports()
  failures.failedAgain(id, 3)
  assert.equal(failures.of(id), null)
  const { report } = failing('first')
  failures.keep(id, report)
  failures.failedAgain(id, 2)
  failures.failedAgain(id, 1)
  assert.deepEqual(failures.of(id), { ...report, later_failures: 3 })
  failures.keep(id, null)
  assert.equal(failures.of(id), null)
})

test('connectors and tasks are told apart, and only so many are kept', () => {
  const failures = new FailureReports()
  const { report } = failing('x')
  failures.keep('c', report)
  assert.deepEqual([failures.of('c'), failures.of(id)], [report, null])
  for (let task = 0; task < 2_000; task++) failures.keep({ connector: 'many', task }, report)
  assert.deepEqual([failures.of('c'), failures.of({ connector: 'many', task: 0 })], [null, report])
})
