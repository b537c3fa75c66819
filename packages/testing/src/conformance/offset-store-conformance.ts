import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { OffsetStore } from '@millrace/runtime'

export interface OffsetStoreConformanceOptions {
  /** Opens a store that has not been started, over the same content each time within a test. Called anew with a fresh place for each test. */
  readonly place: () => Promise<OffsetStorePlace>
}

/** Where a store keeps its content during one test. */
export interface OffsetStorePlace {
  open(): OffsetStore
  /** False for stores that forget. */
  readonly isDurable: boolean
  remove(): Promise<void>
}

const key = (text: string): Buffer => Buffer.from(text)

/** What every store of source offsets does. Registers tests under `name`. */
export function offsetStoreConformance(name: string, { place: openPlace }: OffsetStoreConformanceOptions): void {
  const withStore = (test: (store: OffsetStore, place: OffsetStorePlace) => Promise<void>) => async (): Promise<void> => {
    const place = await openPlace()
    try {
      const store = place.open()
      await store.start()
      try {
        await test(store, place)
      } finally {
        await store.stop()
      }
    } finally {
      await place.remove()
    }
  }
  const read = async (store: OffsetStore, ...keys: string[]): Promise<(string | null)[]> =>
    (await store.get(keys.map(key))).map((value) => value?.toString() ?? null)

  describe(`${name} as an offset store`, () => {
    it(
      'knows nothing at first',
      withStore(async (store) => {
        assert.deepEqual(await read(store, '["c",{"p":1}]'), [null])
        assert.deepEqual(await store.connectorPartitions('c'), [])
        assert.deepEqual(await store.get([]), [])
      }),
    )

    it(
      'answers each key that is asked for, in order',
      withStore(async (store) => {
        await store.set([
          { key: key('["c",{"p":1}]'), value: key('{"o":1}') },
          { key: key('["c",{"p":2}]'), value: key('{"o":2}') },
        ])
        assert.deepEqual(await read(store, '["c",{"p":2}]', '["c",{"p":3}]', '["c",{"p":1}]'), ['{"o":2}', null, '{"o":1}'])
      }),
    )

    it(
      'takes the later of two writes, also within one call',
      withStore(async (store) => {
        await store.set([
          { key: key('["c",{"p":1}]'), value: key('{"o":1}') },
          { key: key('["c",{"p":1}]'), value: key('{"o":2}') },
        ])
        assert.deepEqual(await read(store, '["c",{"p":1}]'), ['{"o":2}'])
        await Promise.all([
          store.set([{ key: key('["c",{"p":1}]'), value: key('{"o":3}') }]),
          store.set([{ key: key('["c",{"p":1}]'), value: key('{"o":4}') }]),
        ])
        assert.deepEqual(await read(store, '["c",{"p":1}]'), ['{"o":4}'])
      }),
    )

    it(
      'finds a partition whatever the order of its fields, and keeps the bytes of the key that was first',
      withStore(async (store) => {
        await store.set([{ key: key('["c",{"a":1,"b":2}]'), value: key('{"o":1}') }])
        await store.set([{ key: key('["c",{"b":2,"a":1}]'), value: key('{"o":2}') }])
        assert.deepEqual(await read(store, '["c",{"b":2,"a":1}]', '["c",{"a":1,"b":2}]'), ['{"o":2}', '{"o":2}'])
        const stored = await store.connectorPartitions('c')
        assert.deepEqual(
          stored.map((offset) => [offset.key.toString(), offset.value.toString()]),
          [['["c",{"a":1,"b":2}]', '{"o":2}']],
        )
      }),
    )

    it(
      'removes what is set to null',
      withStore(async (store) => {
        await store.set([{ key: key('["c",{"p":1}]'), value: key('{"o":1}') }])
        await store.set([{ key: key('["c",{"p":1}]'), value: null }])
        assert.deepEqual(await read(store, '["c",{"p":1}]'), [null])
        assert.deepEqual(await store.connectorPartitions('c'), [])
      }),
    )

    it(
      'tells the partitions of one connector from those of others',
      withStore(async (store) => {
        await store.set([
          { key: key('["c",{"p":1}]'), value: key('{"o":1}') },
          { key: key('["cc",{"p":1}]'), value: key('{"o":2}') },
          { key: key('["c",{"p":2}]'), value: key('{"o":3}') },
          { key: key('not json'), value: key('{"o":4}') },
        ])
        const stored = await store.connectorPartitions('c')
        assert.deepEqual(
          stored.map((offset) => offset.key.toString()),
          ['["c",{"p":1}]', '["c",{"p":2}]'],
        )
      }),
    )

    it(
      'has everything again after a restart, where it is durable',
      withStore(async (store, place) => {
        if (!place.isDurable) return
        await store.set([
          { key: key('["c",{"p":1}]'), value: key('{"o":1}') },
          { key: key('["c",{"p":2}]'), value: key('{"o":2}') },
          { key: key('not json'), value: key('kept') },
        ])
        await store.set([{ key: key('["c",{"p":2}]'), value: null }])
        const again = place.open()
        await again.start()
        try {
          assert.deepEqual(await read(again, '["c",{"p":1}]', '["c",{"p":2}]', 'not json'), ['{"o":1}', null, 'kept'])
        } finally {
          await again.stop()
        }
      }),
    )
  })
}
