import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ErrorCode } from '@millrace/kafka-protocol'
import { Random } from '@millrace/testing'
import { FetchSessions, type FetchTarget } from './fetch-sessions.ts'
import type { RawClient } from './fixtures/raw-client.ts'
import { recordBatch, recordsIn } from './fixtures/record-batches.ts'
import { createTopic, startedBroker } from './fixtures/started-broker.ts'

const batch = (...values: string[]) => recordBatch(values, { timestamp: Date.now() })

interface Asked {
  readonly session?: readonly [id: number, epoch: number]
  readonly partitions?: readonly (readonly [partition: number, offset: number])[]
  readonly forgotten?: readonly number[]
  readonly version?: number
  readonly topicId?: string
  readonly maxBytes?: number
}

async function ask(client: RawClient, { session = [0, 0], partitions = [], forgotten = [], version = 12, topicId, maxBytes = 1_000_000 }: Asked) {
  const name = topicId === undefined ? { topic: 'orders' } : { topicId }
  const { errorCode, sessionId, responses } = await client.send('Fetch', version, {
    maxWaitMs: 0,
    minBytes: 0,
    maxBytes,
    sessionId: session[0],
    sessionEpoch: session[1],
    topics:
      partitions.length === 0
        ? []
        : [{ ...name, partitions: partitions.map(([partition, fetchOffset]) => ({ partition, fetchOffset, partitionMaxBytes: 1_000_000 })) }],
    forgottenTopicsData: forgotten.length === 0 ? [] : [{ ...name, partitions: [...forgotten] }],
  })
  const answered = responses.flatMap(({ partitions }) =>
    partitions.map(({ partitionIndex, records }) => [partitionIndex, records?.length ? 'records' : 'news']),
  )
  return { errorCode, sessionId, answered }
}

test('a consumer names its partitions once, and is told news alone', async (t) => {
  const { client } = await startedBroker(t)
  await createTopic(client, 'orders', 3)
  const opened = await ask(client, {
    partitions: [
      [0, 0],
      [1, 0],
      [2, 0],
    ],
  })
  const { sessionId: id } = opened
  assert.ok(id > 0)
  assert.deepEqual(opened.answered, [
    [0, 'news'],
    [1, 'news'],
    [2, 'news'],
  ])
  assert.deepEqual(await ask(client, { session: [id, 1] }), { errorCode: 0, sessionId: id, answered: [] })
  await client.produce('orders', batch('a'), { partition: 1 })
  assert.deepEqual((await ask(client, { session: [id, 2] })).answered, [[1, 'records']])
  assert.deepEqual((await ask(client, { session: [id, 3], partitions: [[1, 1]] })).answered, [])
  await client.produce('orders', batch('b'), { partition: 2 })
  assert.deepEqual((await ask(client, { session: [id, 4], forgotten: [2] })).answered, [])
  assert.deepEqual(await ask(client, { session: [id, 5], forgotten: [0, 1] }), { errorCode: 0, sessionId: 0, answered: [] })
  assert.equal((await ask(client, { session: [id, 6] })).errorCode, ErrorCode.FETCH_SESSION_ID_NOT_FOUND)
})

test('refuses sessions and epochs that it does not know, and one that was opened with names for ids', async (t) => {
  const { client } = await startedBroker(t)
  const { topicId } = await createTopic(client, 'orders')
  assert.equal((await ask(client, { session: [5, 1] })).errorCode, ErrorCode.FETCH_SESSION_ID_NOT_FOUND)
  const { sessionId: id } = await ask(client, { partitions: [[0, 0]] })
  assert.equal((await ask(client, { session: [id, 2] })).errorCode, ErrorCode.INVALID_FETCH_SESSION_EPOCH)
  assert.equal((await ask(client, { session: [id, 1], version: 13, topicId })).errorCode, ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR)
  assert.equal((await ask(client, { session: [id, -1], partitions: [[0, 0]] })).sessionId, 0, 'closes it')
  assert.equal((await ask(client, { session: [id, 1] })).errorCode, ErrorCode.FETCH_SESSION_ID_NOT_FOUND)
})

test('an error is told each time, and partitions take turns where answers are small', async (t) => {
  const { client } = await startedBroker(t)
  await createTopic(client, 'orders', 3)
  for (const partition of [0, 1]) await client.produce('orders', batch('x'.repeat(1000)), { partition })
  const { sessionId: id } = await ask(client, {
    partitions: [
      [0, 5],
      [1, 0],
      [2, 0],
    ],
    maxBytes: 1,
  })
  assert.deepEqual(
    (
      await ask(client, {
        session: [id, 1],
        maxBytes: 1,
        partitions: [
          [0, 5],
          [1, 0],
        ],
      })
    ).answered,
    [
      [0, 'news'],
      [1, 'records'],
    ],
  )
  await client.produce('orders', batch('y'), { partition: 2 })
  assert.deepEqual(
    (
      await ask(client, {
        session: [id, 2],
        maxBytes: 1,
        partitions: [
          [0, 0],
          [1, 0],
        ],
      })
    ).answered,
    [
      [0, 'records'],
      [2, 'news'],
    ],
  )
  const { answered } = await ask(client, {
    session: [id, 3],
    maxBytes: 1,
    partitions: [
      [0, 0],
      [1, 0],
    ],
  })
  assert.ok(answered.some(([partition, what]) => partition === 2 && what === 'records'))
})

test('who follows a session sees every record once and every end, whatever is produced, forgotten and asked for again', async (t) => {
  const random = new Random()
  t.diagnostic(`MILLRACE_SEED=${random.seed}`)
  const { client } = await startedBroker(t)
  const partitionCount = 6
  await createTopic(client, 'orders', partitionCount)
  const ends = new Map(Array.from({ length: partitionCount }, (_, partition) => [partition, 0]))
  const positions = new Map<number, number>()
  const told = new Map<number, number>()
  // What the session has not been told of: a new position, or a partition that is new to it.
  const changed = new Set<number>()
  const forgotten = new Set<number>()
  let session = { id: 0, epoch: 0 }
  for (let step = 0; step < 400; step++) {
    const isLast = step >= 380
    const partition = random.integer(0, partitionCount - 1)
    if (!isLast && random.integer(0, 1)) {
      const values = Array.from({ length: random.integer(1, 5) }, () => 'v')
      await client.produce('orders', batch(...values), { partition })
      ends.set(partition, ends.get(partition)! + values.length)
    }
    if (!positions.has(partition)) {
      positions.set(partition, ends.get(partition)! - random.integer(0, Math.min(2, ends.get(partition)!)))
      changed.add(partition)
      forgotten.delete(partition)
    } else if (!isLast && random.integer(0, 9) === 0) {
      positions.delete(partition)
      told.delete(partition)
      if (!changed.delete(partition) || session.epoch > 0) forgotten.add(partition)
    }
    const asked = session.epoch === 0 ? [...positions.keys()] : [...changed]
    const { errorCode, sessionId, responses } = await client.send('Fetch', 12, {
      maxWaitMs: 0,
      minBytes: 0,
      maxBytes: random.integer(1, 400),
      sessionId: session.id,
      sessionEpoch: session.epoch,
      topics: [{ topic: 'orders', partitions: asked.map((index) => ({ partition: index, fetchOffset: positions.get(index)!, partitionMaxBytes: 1000 })) }],
      forgottenTopicsData: session.epoch > 0 && forgotten.size > 0 ? [{ topic: 'orders', partitions: [...forgotten] }] : [],
    })
    assert.equal(errorCode, 0)
    changed.clear()
    forgotten.clear()
    for (const { partitionIndex, highWatermark, records } of responses.flatMap(({ partitions }) => partitions)) {
      const position = positions.get(partitionIndex)
      assert.notEqual(position, undefined, 'a partition that was forgotten')
      told.set(partitionIndex, highWatermark)
      for (const { offset } of recordsIn([records!])) {
        if (offset < positions.get(partitionIndex)!) continue
        assert.equal(offset, positions.get(partitionIndex))
        positions.set(partitionIndex, offset + 1)
        changed.add(partitionIndex)
      }
    }
    // Now and then the connection is thought to be lost, and a new session is begun.
    session = sessionId === 0 || (!isLast && random.integer(0, 29) === 0) ? { id: sessionId, epoch: 0 } : { id: sessionId, epoch: session.epoch + 1 }
  }
  for (const [partition, position] of positions)
    assert.deepEqual([position, told.get(partition)], [ends.get(partition), ends.get(partition)], `partition ${partition}`)
})

test('sessions are kept in bounded memory: the longest unused makes room, a used one does not', () => {
  const target = (partition: number): FetchTarget => ({ topic: 't', topicId: '', partition: { partition } as FetchTarget['partition'] })
  const targets = (count: number) => Array.from({ length: count }, (_, index) => target(index))
  const sessions = new FetchSessions({ sessionsMax: 2, partitionsMax: 10, evictionMs: 1000 })
  const first = sessions.open(targets(2), false, 0)!
  const second = sessions.open(targets(2), false, 500)!
  assert.equal(sessions.open(targets(2), false, 900), undefined)
  assert.ok(sessions.open(targets(2), false, 1000))
  assert.equal(sessions.get(first.id), undefined)
  assert.ok(sessions.get(second.id))
  assert.equal(sessions.open(targets(11), false, 9999), undefined, 'more partitions than there may be')
  assert.equal(sessions.size, 0)

  const grown = sessions.open(targets(2), false, 0)!
  for (let index = 2; index < 12; index++) grown.put(target(index))
  sessions.used(grown, 1)
  assert.equal(sessions.get(grown.id), undefined, 'it has outgrown what there is')
  assert.ok(sessions.open(targets(10), false, 1))
})
