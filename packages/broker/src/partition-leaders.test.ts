import assert from 'node:assert/strict'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { ErrorCode } from '@millrace/kafka-protocol'
import type { RawClient } from './fixtures/raw-client.ts'
import { recordBatch, recordsIn } from './fixtures/record-batches.ts'
import { connected, createTopic, startedBroker } from './fixtures/started-broker.ts'

const batch = (...values: string[]) => recordBatch(values, { timestamp: Date.now() })

async function leaderOf(client: RawClient, name = 'orders') {
  const { topics } = await client.send('Metadata', 12, { topics: [{ name }] })
  const { errorCode, leaderId, leaderEpoch } = topics[0]!.partitions[0]!
  return { errorCode, leaderId, leaderEpoch }
}

async function endOf(client: RawClient, leaderEpoch: number, currentLeaderEpoch = -1) {
  const partitions = [{ partition: 0, currentLeaderEpoch, leaderEpoch }]
  const { topics } = await client.send('OffsetForLeaderEpoch', 4, { replicaId: -2, topics: [{ topic: 'orders', partitions }] })
  const { errorCode, leaderEpoch: epoch, endOffset } = topics[0]!.partitions[0]!
  return errorCode === 0 ? [epoch, endOffset] : errorCode
}

async function fetchFrom(client: RawClient, fetchOffset: number, { currentLeaderEpoch = -1, lastFetchedEpoch = -1 } = {}) {
  const { responses } = await client.send('Fetch', 12, {
    maxWaitMs: 0,
    minBytes: 1,
    topics: [{ topic: 'orders', partitions: [{ partition: 0, fetchOffset, currentLeaderEpoch, lastFetchedEpoch, partitionMaxBytes: 1_000_000 }] }],
    forgottenTopicsData: [],
  })
  return responses[0]!.partitions[0]!
}

test('each start has an epoch of its own, and the history of the epochs stays with the log', async (t) => {
  const first = await startedBroker(t)
  await createTopic(first.client, 'orders')
  assert.deepEqual(await leaderOf(first.client), { errorCode: 0, leaderId: 1, leaderEpoch: 0 })
  assert.equal((await first.client.produce('orders', batch('a', 'b'))).errorCode, 0)
  await first.broker.close()

  const second = await startedBroker(t, { dataDir: first.dataDir })
  assert.equal((await leaderOf(second.client)).leaderEpoch, 1)
  await second.client.produce('orders', batch('c'))
  await second.broker.close()

  const { client } = await startedBroker(t, { dataDir: first.dataDir })
  assert.deepEqual(
    [await endOf(client, 0), await endOf(client, 1), await endOf(client, 2)],
    [
      [0, 2],
      [1, 3],
      [2, 3],
    ],
  )
  assert.deepEqual(
    [await endOf(client, 3), await endOf(client, 0, 1), await endOf(client, 0, 3)],
    [[-1, -1], ErrorCode.FENCED_LEADER_EPOCH, ErrorCode.UNKNOWN_LEADER_EPOCH],
  )
  assert.equal((await fetchFrom(client, 0, { currentLeaderEpoch: 1 })).errorCode, ErrorCode.FENCED_LEADER_EPOCH)
  assert.equal((await fetchFrom(client, 0, { currentLeaderEpoch: 3 })).errorCode, ErrorCode.UNKNOWN_LEADER_EPOCH)
  assert.equal((await fetchFrom(client, 0, { currentLeaderEpoch: 2, lastFetchedEpoch: 1 })).errorCode, 0)
  const partitions = [-1, -2].map((timestamp) => ({ partitionIndex: 0, timestamp }))
  const { topics } = await client.send('ListOffsets', 7, { replicaId: -1, isolationLevel: 0, topics: [{ name: 'orders', partitions }] })
  assert.deepEqual(
    topics[0]!.partitions.map(({ offset, leaderEpoch }) => [offset, leaderEpoch]),
    [
      [3, 2],
      [0, 0],
    ],
  )
})

test('goes on with data from the time when there was one epoch alone', async (t) => {
  const first = await startedBroker(t)
  await createTopic(first.client, 'orders')
  await first.client.produce('orders', batch('a', 'b'))
  await first.broker.close()
  const meta = join(first.dataDir, 'meta.json')
  const { leaderEpoch: _, ...before } = JSON.parse(readFileSync(meta, 'utf8')) as { leaderEpoch: number }
  writeFileSync(meta, JSON.stringify(before))
  rmSync(join(first.dataDir, 'orders-0', 'leader-epoch-checkpoint'))

  const { client } = await startedBroker(t, { dataDir: first.dataDir })
  assert.equal((await leaderOf(client)).leaderEpoch, 1)
  await client.produce('orders', batch('c'))
  assert.deepEqual(
    [await endOf(client, 0), await endOf(client, 1)],
    [
      [0, 2],
      [1, 3],
    ],
  )
})

test('pretends a change of leaders: a time without one, then a new epoch', async (t) => {
  const { client, broker } = await startedBroker(t)
  await createTopic(client, 'orders')
  await createTopic(client, 'others')
  broker.faults.inject({ kind: 'leader-change', topic: 'orders', awayMs: 600_000 })
  assert.deepEqual(await leaderOf(client), { errorCode: ErrorCode.LEADER_NOT_AVAILABLE, leaderId: -1, leaderEpoch: 1 })
  assert.equal((await client.produce('orders', batch('a'))).errorCode, ErrorCode.NOT_LEADER_OR_FOLLOWER)
  assert.equal((await fetchFrom(client, 0)).errorCode, ErrorCode.NOT_LEADER_OR_FOLLOWER)
  assert.equal(await endOf(client, 0), ErrorCode.NOT_LEADER_OR_FOLLOWER)
  assert.deepEqual(await leaderOf(client, 'others'), { errorCode: 0, leaderId: 1, leaderEpoch: 0 })
  assert.equal((await client.produce('others', batch('a'))).errorCode, 0)
  broker.faults.clear()
  assert.equal((await client.produce('orders', batch('a'))).errorCode, 0)
  assert.deepEqual(await leaderOf(client), { errorCode: 0, leaderId: 1, leaderEpoch: 1 })
})

test('tells clients that take another leader for the present one, which it is and where', async (t) => {
  const { client, broker } = await startedBroker(t)
  const { topicId } = await createTopic(client, 'orders')
  broker.faults.inject({ kind: 'leader-change', topic: 'orders' })
  const partitions = [{ partition: 0, fetchOffset: 0, currentLeaderEpoch: 0, partitionMaxBytes: 1000 }]
  const fetched = await client.send('Fetch', 16, { maxWaitMs: 0, minBytes: 0, topics: [{ topicId, partitions }], forgottenTopicsData: [] })
  const { errorCode, currentLeader } = fetched.responses[0]!.partitions[0]!
  assert.deepEqual([errorCode, currentLeader], [ErrorCode.FENCED_LEADER_EPOCH, { leaderId: 1, leaderEpoch: 1 }])
  assert.deepEqual(fetched.nodeEndpoints, [{ nodeId: 1, host: '127.0.0.1', port: broker.port, rack: null }])

  broker.faults.inject({ kind: 'leader-change', topic: 'orders', awayMs: 600_000 })
  const topicData = [{ name: 'orders', partitionData: [{ index: 0, records: batch('a') }] }]
  const produced = await client.send('Produce', 10, { acks: -1, timeoutMs: 1000, topicData })
  assert.deepEqual(produced.responses[0]!.partitionResponses[0]!.currentLeader, { leaderId: -1, leaderEpoch: 2 })
})

test('tells consumers what an unclean change of leaders has cost, and lets waiting ones look again', async (t) => {
  const { client, broker } = await startedBroker(t)
  await createTopic(client, 'orders')
  for (const value of ['a', 'b', 'c']) await client.produce('orders', batch(value, value))
  const waiting = (await connected(t, broker)).fetch('orders', 6, { maxWaitMs: 60_000 })
  await client.send('Metadata', 12, { topics: [] })
  broker.faults.inject({ kind: 'leader-change', topic: 'orders', partition: 0, truncateTo: 3 })
  assert.equal((await waiting).errorCode, ErrorCode.OFFSET_OUT_OF_RANGE)
  await client.produce('orders', batch('x', 'y', 'z'))
  assert.deepEqual(
    [await endOf(client, 0), await endOf(client, 1)],
    [
      [0, 2],
      [1, 5],
    ],
  )
  assert.deepEqual((await fetchFrom(client, 4, { lastFetchedEpoch: 0 })).divergingEpoch, { epoch: 0, endOffset: 2 })
  const { records, divergingEpoch } = await fetchFrom(client, 0, { lastFetchedEpoch: 0 })
  assert.deepEqual(divergingEpoch, { epoch: -1, endOffset: -1 })
  assert.deepEqual(
    recordsIn([Buffer.from(records!).subarray(0)])
      .map(({ value }) => value)
      .slice(0, 2),
    ['a', 'a'],
  )
})

test('a log that is cut on a leader change keeps what its producers and transactions had before', async (t) => {
  const { client, broker } = await startedBroker(t)
  await createTopic(client, 'orders', 1, { 'segment.bytes': '1048576' })
  const produce = (baseSequence: number, size = 500_000) =>
    client.produce('orders', recordBatch(['x'.repeat(size)], { timestamp: Date.now(), producerId: 7, producerEpoch: 0, baseSequence }))
  for (let sequence = 0; sequence < 6; sequence++) assert.equal((await produce(sequence)).baseOffset, sequence)
  broker.faults.inject({ kind: 'leader-change', topic: 'orders', truncateTo: 3 })
  assert.equal((await produce(2)).baseOffset, 2, 'a duplicate is known')
  assert.equal((await produce(5)).errorCode, ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER)
  assert.equal((await produce(3)).baseOffset, 3)
})
