import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConfigChanges } from './config-changes.ts'

test('what was noted several times is one change, and is taken once', () => {
  let wakes = 0
  const changes = new ConfigChanges(() => wakes++)
  changes.connectorConfigUpdated('a')
  changes.connectorConfigRemoved('a')
  changes.taskConfigsUpdated([
    { connector: 'a', task: 0 },
    { connector: 'a', task: 0 },
    { connector: 'b', task: 1 },
  ])
  changes.targetStateChanged('a')
  changes.loggerLevelUpdated('x', 'INFO')
  changes.loggerLevelUpdated('x', 'DEBUG')
  assert.equal(wakes, 6)
  const taken = changes.take()
  assert.deepEqual([taken.connectors, [...taken.tasks]], [['a'], ['a', 'b']])
  assert.deepEqual([taken.targetStates, taken.loggerLevels], [['a'], [{ namespace: 'x', level: 'DEBUG' }]])
  assert.deepEqual(changes.take(), { connectors: [], tasks: new Set(), targetStates: [], restarts: [], loggerLevels: [] })
})

test('of several wishes to restart a connector the strongest is carried out', () => {
  const changes = new ConfigChanges(() => {})
  const ranked = [
    { includeTasks: false, onlyFailed: true },
    { includeTasks: true, onlyFailed: true },
    { includeTasks: false, onlyFailed: false },
    { includeTasks: true, onlyFailed: false },
  ]
  for (const weak of ranked) {
    for (const strong of ranked.slice(ranked.indexOf(weak))) {
      for (const request of [weak, strong, weak]) changes.restartRequested({ connector: 'a', ...request })
      assert.deepEqual(changes.take().restarts, [{ connector: 'a', ...strong }])
    }
  }
})

test('wishes of users can be taken before the rest', () => {
  const changes = new ConfigChanges(() => {})
  changes.connectorConfigUpdated('a')
  changes.targetStateChanged('a')
  assert.deepEqual(changes.takeUrgent(), { targetStates: ['a'], loggerLevels: [] })
  assert.deepEqual([changes.take().connectors, changes.take().targetStates], [['a'], []])
})
