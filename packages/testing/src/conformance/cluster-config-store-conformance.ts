import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ClusterConfigStore, ConfigStoreListener } from '@millrace/runtime'

/** What every store of configurations does that several workers share, beside `configStoreConformance`. `open` gives one that has not been started. */
export function clusterConfigStoreConformance(name: string, open: () => ClusterConfigStore): void {
  const withStore = (test: (store: ClusterConfigStore, heard: string[]) => Promise<void>) => async (): Promise<void> => {
    const store = open()
    const heard: string[] = []
    store.listen(noting(heard))
    await store.start()
    try {
      await test(store, heard)
    } finally {
      await store.stop()
    }
  }

  describe(`${name} as a config store of a cluster`, () => {
    it(
      'tells each change once it is in the snapshot, in order',
      withStore(async (store, heard) => {
        await store.putConnectorConfig('c', { x: '1' }, null)
        await store.putTaskConfigs('c', [{}, {}])
        await store.putTaskConfigs('c', [{}])
        await store.putTargetState('c', 'PAUSED')
        await store.putSessionKey({ key: Buffer.from('k'), algorithm: 'HmacSHA256', creationTimestamp: 5 })
        await store.putRestartRequest({ connector: 'c', includeTasks: true, onlyFailed: false })
        await store.putLoggerLevel('root', 'DEBUG')
        await store.removeConnectorConfig('c')
        const expected = ['updated c', 'tasks 0,1', 'tasks 0,1', 'state c', 'key 5', 'restart c true false', 'level root DEBUG', 'removed c']
        assert.deepEqual(heard, expected)
      }),
    )

    it(
      'tells nothing of a target state that is the same as before',
      withStore(async (store, heard) => {
        await store.putConnectorConfig('c', {}, 'PAUSED')
        await store.putTargetState('c', 'PAUSED')
        assert.deepEqual(heard, ['updated c'])
      }),
    )

    it('has a change in its snapshot when it tells of it', async () => {
      const store = open()
      const seen: (string | null)[] = []
      store.listen({ ...noting([]), targetStateChanged: (connector) => void seen.push(store.snapshot().targetState(connector)) })
      await store.start()
      try {
        await store.putConnectorConfig('c', {}, null)
        await store.putTargetState('c', 'STOPPED')
      } finally {
        await store.stop()
      }
      assert.deepEqual(seen, ['STOPPED'])
    })

    it(
      'counts up with what is written, so that workers can tell who has read further',
      withStore(async (store) => {
        const offsets = [store.snapshot().offset]
        await store.putConnectorConfig('c', {}, null)
        offsets.push(store.snapshot().offset)
        await store.putTaskConfigs('c', [{}])
        offsets.push(store.snapshot().offset)
        assert.equal(offsets[0], -1)
        assert.ok(offsets[0] < offsets[1]! && offsets[1]! < offsets[2]!, offsets.join())
        await store.refresh(10_000)
        assert.equal(store.snapshot().offset, offsets[2])
      }),
    )

    it(
      'keeps the session key in the snapshots that follow, and no connector inconsistent whose tasks are whole',
      withStore(async (store) => {
        const before = store.snapshot()
        const key = { key: Buffer.from('k'), algorithm: 'HmacSHA256', creationTimestamp: 5 }
        await store.putSessionKey(key)
        assert.equal(before.sessionKey, null)
        assert.deepEqual(store.snapshot().sessionKey, key)
        await store.putConnectorConfig('c', {}, null)
        await store.putTaskConfigs('c', [{}])
        assert.deepEqual(store.snapshot().inconsistentConnectors(), [])
      }),
    )
  })
}

function noting(heard: string[]): ConfigStoreListener {
  return {
    connectorConfigUpdated: (connector) => void heard.push(`updated ${connector}`),
    connectorConfigRemoved: (connector) => void heard.push(`removed ${connector}`),
    taskConfigsUpdated: (ids) => void heard.push(`tasks ${[...new Set(ids.map(({ task }) => task))].sort().join()}`),
    targetStateChanged: (connector) => void heard.push(`state ${connector}`),
    sessionKeyUpdated: ({ creationTimestamp }) => void heard.push(`key ${creationTimestamp}`),
    restartRequested: ({ connector, includeTasks, onlyFailed }) => void heard.push(`restart ${connector} ${includeTasks} ${onlyFailed}`),
    loggerLevelUpdated: (namespace, level) => void heard.push(`level ${namespace} ${level}`),
  }
}
