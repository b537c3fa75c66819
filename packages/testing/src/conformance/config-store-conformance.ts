import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ConfigStore } from '@millrace/runtime'

/** What every store of configurations does. `open` gives a store that has not been started. Registers tests under `name`. */
export function configStoreConformance(name: string, open: () => ConfigStore): void {
  const withStore = (test: (store: ConfigStore) => Promise<void>) => async (): Promise<void> => {
    const store = open()
    await store.start()
    try {
      await test(store)
    } finally {
      await store.stop()
    }
  }

  describe(`${name} as a config store`, () => {
    it(
      'knows nothing of an unknown connector',
      withStore(async (store) => {
        const snapshot = store.snapshot()
        assert.deepEqual(snapshot.connectors(), [])
        assert.equal(snapshot.contains('c'), false)
        assert.equal(snapshot.connectorConfig('c'), null)
        assert.equal(snapshot.targetState('c'), null)
        assert.deepEqual(snapshot.tasks('c'), [])
        assert.equal(snapshot.taskConfig({ connector: 'c', task: 0 }), null)
        assert.equal(snapshot.appliedConnectorConfig('c'), null)
      }),
    )

    it(
      'starts a new connector unless told otherwise, and leaves the target state of a known one',
      withStore(async (store) => {
        await store.putConnectorConfig('a', { x: '1' }, null)
        await store.putConnectorConfig('b', { x: '1' }, 'PAUSED')
        await store.putConnectorConfig('b', { x: '2' }, null)
        const snapshot = store.snapshot()
        assert.deepEqual(snapshot.connectors(), ['a', 'b'])
        assert.equal(snapshot.targetState('a'), 'STARTED')
        assert.equal(snapshot.targetState('b'), 'PAUSED')
        assert.deepEqual(snapshot.connectorConfig('b'), { x: '2' })
      }),
    )

    it(
      'numbers the tasks and remembers the configuration that they were made from',
      withStore(async (store) => {
        await store.putConnectorConfig('a', { x: '1' }, null)
        await store.putTaskConfigs('a', [{ t: '0' }, { t: '1' }])
        await store.putConnectorConfig('a', { x: '2' }, null)
        const snapshot = store.snapshot()
        assert.deepEqual(snapshot.tasks('a'), [
          { connector: 'a', task: 0 },
          { connector: 'a', task: 1 },
        ])
        assert.deepEqual(snapshot.taskConfig({ connector: 'a', task: 1 }), { t: '1' })
        assert.equal(snapshot.taskConfig({ connector: 'a', task: 2 }), null)
        assert.deepEqual(snapshot.appliedConnectorConfig('a'), { x: '1' })
      }),
    )

    it(
      'replaces all tasks by fewer, and by none',
      withStore(async (store) => {
        await store.putConnectorConfig('a', {}, null)
        await store.putTaskConfigs('a', [{ t: '0' }, { t: '1' }])
        await store.putTaskConfigs('a', [{ t: '2' }])
        assert.deepEqual(store.snapshot().tasks('a'), [{ connector: 'a', task: 0 }])
        await store.removeTaskConfigs('a')
        assert.deepEqual(store.snapshot().tasks('a'), [])
      }),
    )

    it(
      'leaves a snapshot as it was',
      withStore(async (store) => {
        await store.putConnectorConfig('a', { x: '1' }, null)
        const before = store.snapshot()
        await store.putConnectorConfig('a', { x: '2' }, null)
        await store.putTargetState('a', 'STOPPED')
        await store.putTaskConfigs('a', [{}])
        assert.deepEqual(before.connectorConfig('a'), { x: '1' })
        assert.equal(before.targetState('a'), 'STARTED')
        assert.deepEqual(before.tasks('a'), [])
      }),
    )

    it(
      'forgets everything of a connector that is removed',
      withStore(async (store) => {
        await store.putConnectorConfig('a', { x: '1' }, 'PAUSED')
        await store.putTaskConfigs('a', [{}])
        await store.removeConnectorConfig('a')
        assert.deepEqual(store.snapshot().connectors(), [])
        await store.putConnectorConfig('a', { x: '1' }, null)
        assert.equal(store.snapshot().targetState('a'), 'STARTED')
        assert.deepEqual(store.snapshot().tasks('a'), [])
      }),
    )

    it(
      'ignores the removal of what it does not know, and refuses tasks and states of it',
      withStore(async (store) => {
        await store.removeConnectorConfig('a')
        await store.removeTaskConfigs('a')
        await assert.rejects(store.putTaskConfigs('a', []), /No connector `a` configured/)
        await assert.rejects(store.putTargetState('a', 'PAUSED'), /No connector `a` configured/)
      }),
    )
  })
}
