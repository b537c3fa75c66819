import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { configTopicRecord } from './config-topic-records.ts'
import { ConfigRecordError, ConfigTopicState } from './config-topic-state.ts'

/** The state after some records, of which compaction may have left out others. */
function stateOf(...records: readonly (readonly [string, unknown])[]): ConfigTopicState {
  const state = new ConfigTopicState()
  for (const [i, [key, value]] of records.entries()) state.apply(configTopicRecord(key, value)!, i + 1)
  return state
}

const connector = ['connector-c', { properties: { a: '1' } }] as const
const task = (n: number, t = String(n)) => [`task-c-${n}`, { properties: { t } }] as const
const commit = (tasks: number) => ['commit-c', { tasks }] as const

describe('the state of the config topic', () => {
  it('takes a set of tasks over only when it is committed', () => {
    assert.deepEqual(stateOf(connector, task(0), task(1)).snapshot().tasks('c'), [])
    const snapshot = stateOf(connector, task(0), task(1), commit(2)).snapshot()
    assert.deepEqual(snapshot.tasks('c'), [
      { connector: 'c', task: 0 },
      { connector: 'c', task: 1 },
    ])
    assert.deepEqual(snapshot.appliedConnectorConfig('c'), { a: '1' })
    assert.equal(snapshot.taskConfigGeneration('c'), 0)
    assert.equal(snapshot.isPendingFencing('c'), true)
  })

  it('calls a connector inconsistent whose tasks were partly compacted away, and forgets what is left of them', () => {
    const snapshot = stateOf(connector, task(1), commit(2)).snapshot()
    assert.deepEqual(snapshot.inconsistentConnectors(), ['c'])
    assert.deepEqual(snapshot.tasks('c'), [])
    assert.equal(snapshot.taskConfig({ connector: 'c', task: 1 }), null)
    const still = stateOf(connector, task(1), commit(2), task(0), commit(2)).snapshot()
    assert.deepEqual(still.inconsistentConnectors(), ['c'])
    const mended = stateOf(connector, task(1), commit(2), task(0), task(1), commit(2)).snapshot()
    assert.deepEqual(mended.inconsistentConnectors(), [])
    assert.equal(mended.tasks('c').length, 2)
  })

  it('bears more tasks than were committed, as compaction leaves them', () => {
    const snapshot = stateOf(connector, task(2), task(0), commit(1)).snapshot()
    assert.deepEqual(snapshot.tasks('c'), [{ connector: 'c', task: 0 }])
    assert.equal(snapshot.taskConfig({ connector: 'c', task: 2 }), null)
  })

  it('counts sets of tasks, but not commits of nothing', () => {
    assert.equal(stateOf(connector, task(0), commit(1), task(0), commit(1)).snapshot().taskConfigGeneration('c'), 1)
    assert.equal(stateOf(connector, commit(0)).snapshot().taskConfigGeneration('c'), null)
  })

  it('drops tasks of a connector that is gone', () => {
    const state = stateOf(task(0), commit(1), connector)
    assert.deepEqual(state.snapshot().tasks('c'), [])
    assert.deepEqual(state.snapshot().inconsistentConnectors(), [])
  })

  it('keeps target state and tasks apart from the configuration, whichever comes first', () => {
    const state = stateOf(['target-state-c', { state: 'PAUSED', 'state.v2': 'STOPPED' }], connector)
    assert.equal(state.snapshot().targetState('c'), 'STOPPED')
    assert.equal(
      stateOf(['target-state-c', { state: 'PAUSED' }])
        .snapshot()
        .targetState('c'),
      null,
    )
    assert.equal(
      stateOf(connector, ['target-state-c', { state: 'PAUSED' }], ['target-state-c', null])
        .snapshot()
        .targetState('c'),
      'STARTED',
    )
    assert.equal(
      stateOf(connector, ['target-state-c', { state: 'PAUSED' }], ['connector-c', null], connector)
        .snapshot()
        .targetState('c'),
      'PAUSED',
    )
    assert.equal(stateOf(connector, ['connector-c', null], ['target-state-c', null], connector).snapshot().targetState('c'), 'STARTED')
    assert.equal(
      stateOf(connector, ['target-state-c', { state: 'PAUSED', 'state.v2': 5 }])
        .snapshot()
        .targetState('c'),
      'PAUSED',
    )
  })

  it('asks for no fencing once the tasks are counted', () => {
    const snapshot = stateOf(connector, task(0), commit(1), ['tasks-fencing-c', { 'task-count': 1 }]).snapshot()
    assert.equal(snapshot.isPendingFencing('c'), false)
    assert.equal(snapshot.taskCountRecord('c'), 1)
  })

  it('reads names with dashes and names that look like other keys', () => {
    assert.deepEqual(configTopicRecord('task-a-1-2', null), { kind: 'task', id: { connector: 'a-1', task: 2 }, value: null })
    assert.deepEqual(configTopicRecord('connector-task-a-1', null), { kind: 'connector', connector: 'task-a-1', value: null })
    assert.deepEqual(configTopicRecord('restart-connector-x', null), { kind: 'restart', connector: 'x', value: null })
    assert.deepEqual(configTopicRecord('connector-', null), { kind: 'connector', connector: '', value: null })
    assert.equal(configTopicRecord('task-1', null), null)
    assert.equal(configTopicRecord('session-keys', null), null)
  })

  it('refuses records in the wrong format, and keeps what it knew', () => {
    const state = stateOf(connector, task(0), commit(1))
    const wrong: readonly (readonly [string, unknown])[] = [
      ['connector-c', 5],
      ['connector-c', { properties: [] }],
      ['task-c-0', null],
      ['commit-c', { tasks: '1' }],
      ['commit-c', { tasks: -1 }],
      ['target-state-c', { state: 'RUNNING' }],
      ['tasks-fencing-c', null],
      ['session-key', null],
      ['session-key', { key: 'AA==', algorithm: 'HmacSHA256' }],
      ['restart-connector-c', null],
      ['logger-cluster-x', {}],
    ]
    for (const [key, value] of wrong) assert.throws(() => state.apply(configTopicRecord(key, value)!, 9), ConfigRecordError, key)
    assert.equal(state.snapshot().tasks('c').length, 1)
    assert.equal(state.snapshot().offset, 9)
  })

  it('gives the same snapshot until something is read', () => {
    const state = stateOf(connector)
    assert.equal(state.snapshot(), state.snapshot())
  })
})
