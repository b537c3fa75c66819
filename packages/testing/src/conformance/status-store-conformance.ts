import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ConnectorStatus, StatusStore, TaskStatus } from '@millrace/runtime'

const running = { state: 'RUNNING', trace: null, workerId: 'w1:8083', generation: 1, version: '1.0' } as const satisfies ConnectorStatus & TaskStatus

/** What every store of states does. `open` gives a store that has not been started. Registers tests under `name`. */
export function statusStoreConformance(name: string, open: () => StatusStore): void {
  const withStore = (test: (store: StatusStore) => void) => async (): Promise<void> => {
    const store = open()
    await store.start()
    try {
      test(store)
    } finally {
      await store.stop()
    }
  }

  describe(`${name} as a status store`, () => {
    it(
      'shows what was put, and null before',
      withStore((store) => {
        assert.equal(store.connector('c'), null)
        assert.equal(store.task({ connector: 'c', task: 0 }), null)
        assert.deepEqual(store.tasks('c'), [])
        store.putConnector('c', running)
        store.putTask({ connector: 'c', task: 0 }, running)
        assert.deepEqual(store.connector('c'), running)
        assert.deepEqual(store.task({ connector: 'c', task: 0 }), running)
        assert.deepEqual(store.connectors(), ['c'])
      }),
    )

    it(
      'lists tasks in ascending order',
      withStore((store) => {
        for (const task of [10, 2, 1]) store.putTask({ connector: 'c', task }, running)
        assert.deepEqual(
          store.tasks('c').map((status) => status.id.task),
          [1, 2, 10],
        )
      }),
    )

    it(
      'ignores a safe write where another worker has written in a later generation',
      withStore((store) => {
        store.putConnector('c', { ...running, workerId: 'w2:8083', generation: 2 })
        store.putConnectorSafe('c', { ...running, state: 'UNASSIGNED', generation: 1 })
        assert.equal(store.connector('c')?.state, 'RUNNING')
        store.putConnectorSafe('c', { ...running, state: 'FAILED', generation: 2 })
        assert.equal(store.connector('c')?.state, 'FAILED')
        store.putTask({ connector: 'c', task: 0 }, { ...running, workerId: 'w2:8083', generation: 2 })
        store.putTaskSafe({ connector: 'c', task: 0 }, { ...running, state: 'UNASSIGNED', generation: 1 })
        assert.equal(store.task({ connector: 'c', task: 0 })?.state, 'RUNNING')
      }),
    )

    it(
      'takes a safe write of the same worker in any generation',
      withStore((store) => {
        store.putConnector('c', { ...running, generation: 5 })
        store.putConnectorSafe('c', { ...running, state: 'UNASSIGNED', generation: 1 })
        assert.equal(store.connector('c')?.state, 'UNASSIGNED')
      }),
    )

    it(
      'forgets what is deleted',
      withStore((store) => {
        store.putConnector('c', running)
        store.putTask({ connector: 'c', task: 0 }, running)
        store.deleteConnector('c')
        store.deleteTask({ connector: 'c', task: 0 })
        assert.equal(store.connector('c'), null)
        assert.equal(store.task({ connector: 'c', task: 0 }), null)
        assert.deepEqual(store.tasks('c'), [])
      }),
    )

    it(
      'remembers each topic of a connector once, until they are reset',
      withStore((store) => {
        store.putTopic({ topic: 't1', connector: 'c', task: 0, discoverTimestamp: 1 })
        store.putTopic({ topic: 't2', connector: 'c', task: 0, discoverTimestamp: 2 })
        store.putTopic({ topic: 't1', connector: 'c', task: 1, discoverTimestamp: 3 })
        store.putTopic({ topic: 't1', connector: 'd', task: 0, discoverTimestamp: 4 })
        assert.deepEqual(
          store.topics('c').map((status) => status.topic),
          ['t1', 't2'],
        )
        store.deleteTopics('c')
        assert.deepEqual(store.topics('c'), [])
        assert.equal(store.topics('d').length, 1)
      }),
    )
  })
}
