import assert from 'node:assert/strict'
import { test } from 'node:test'
import { workload } from '../fixtures/fake-group.ts'
import { isEmptyWorkload, workloadChanges, workloadText, workOf } from './workload-changes.ts'

test('only what differs is started and stopped', () => {
  const { start, stop } = workloadChanges(workload('a', 'b', 'a-0', 'a-1'), workload('b', 'c', 'a-1', 'b-0'))
  assert.deepEqual([start, stop], [workload('c', 'b-0'), workload('a', 'a-0')])
  assert.ok(isEmptyWorkload(workloadChanges(workload('a', 'a-0'), workload('a', 'a-0')).start))
})

test('connectors whose names look like tasks are told apart from them', () => {
  const oddly = { connectors: ['a-1'], tasks: [{ connector: 'a-1', task: 0 }] }
  assert.deepEqual(workloadChanges(oddly, { connectors: [], tasks: [{ connector: 'a', task: 1 }] }), {
    start: { connectors: [], tasks: [{ connector: 'a', task: 1 }] },
    stop: oddly,
  })
})

test('the work of some connectors is told apart, and counted in words', () => {
  const all = workload('a', 'b', 'a-0', 'b-0', 'b-1')
  assert.deepEqual(workOf(new Set(['b']), all), workload('b', 'b-0', 'b-1'))
  assert.deepEqual([workloadText(all), workloadText(workload('a'))], ['2 connectors and 3 tasks', '1 connector and 0 tasks'])
})
