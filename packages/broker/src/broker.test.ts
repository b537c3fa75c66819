import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readdirSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { type ApiName, apis, decodeResponse, encodeRequest, ErrorCode, readBatches } from '@millrace/kafka-protocol'
import { Random } from '@millrace/testing'
import { apiHandlers } from './api-handlers.ts'
import { type BrokerOptions, startBroker } from './broker.ts'
import { startBrokerThread } from './broker-thread.ts'
import { RawClient } from './fixtures/raw-client.ts'
import { recordBatch, recordsIn } from './fixtures/record-batches.ts'
import { recordingLogger } from './fixtures/recording-logger.ts'
import { temporaryFolder } from './fixtures/temporary-folder.ts'

type Test = { after(clean: () => void | Promise<void>): void }

const NOW = Date.now()
const batch = (...values: string[]) => recordBatch(values, { timestamp: NOW })

async function start(t: Test, options: Partial<BrokerOptions> = {}) {
  const logger = recordingLogger()
  const dataDir = options.dataDir ?? temporaryFolder(t)
  const broker = await startBroker({ port: 0, dataDir, logger, ...options })
  t.after(() => broker.close())
  const client = await RawClient.connect(broker.port)
  t.after(() => client.close())
  return { broker, client, logger, dataDir }
}

async function createTopic(client: RawClient, name: string, numPartitions = 1, configs: Readonly<Record<string, string>> = {}) {
  const topic = { name, numPartitions, replicationFactor: 1, assignments: [], configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })) }
  const { topics } = await client.send('CreateTopics', 7, { topics: [topic] })
  return topics[0]!
}

async function commit(client: RawClient, groupId: string, committedOffset: number, member = { generationIdOrMemberEpoch: -1, memberId: '' }) {
  const partitions = [{ partitionIndex: 0, committedOffset, committedMetadata: 'm' }]
  const { topics } = await client.send('OffsetCommit', 8, { groupId, ...member, topics: [{ name: 'orders', partitions }] })
  return topics[0]!.partitions[0]!.errorCode
}

async function committed(client: RawClient, groupId: string) {
  const { groups } = await client.send('OffsetFetch', 8, { groups: [{ groupId, topics: [{ name: 'orders', partitionIndexes: [0] }] }] })
  return groups[0]!.topics[0]!.partitions[0]!.committedOffset
}

async function joinAlone(client: RawClient, groupId: string) {
  const request = {
    groupId,
    sessionTimeoutMs: 30_000,
    rebalanceTimeoutMs: 60_000,
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: Buffer.from('m') }],
  }
  const { memberId } = await client.send('JoinGroup', 9, { ...request, memberId: '' })
  const joined = await client.send('JoinGroup', 9, { ...request, memberId })
  const { generationId } = joined
  const synced = await client.send('SyncGroup', 5, { groupId, generationId, memberId, assignments: [{ memberId, assignment: Buffer.from('mine') }] })
  return { memberId, generationId, assignment: String(synced.assignment) }
}

test('offers exactly the versions that it handles, but for those that librdkafka looks for, and tells them to clients of any version', async (t) => {
  const { client } = await start(t)
  const { apiKeys } = await client.send('ApiVersions', 3, { clientSoftwareName: 'test', clientSoftwareVersion: '1' })
  assert.deepEqual(
    apiKeys.find(({ apiKey }) => apiKey === 0),
    { apiKey: 0, minVersion: 0, maxVersion: 13 },
  )
  assert.deepEqual(
    apiKeys.find(({ apiKey }) => apiKey === 1),
    { apiKey: 1, minVersion: 4, maxVersion: 17 },
  )
  const later = encodeRequest({ api: 'ApiVersions', version: 4, correlationId: 9, clientId: null, body: {} })
  later.writeInt16BE(99, 6)
  const { body } = decodeResponse('ApiVersions', 0, await client.exchange([later]))
  assert.equal(body.errorCode, ErrorCode.UNSUPPORTED_VERSION)
})

test('creates a topic that a client asks for, and tells where it is', async (t) => {
  const { client, broker } = await start(t, { properties: { 'num.partitions': '3' } })
  const { brokers, topics, clusterId, controllerId } = await client.send('Metadata', 12, { topics: [{ name: 'orders' }] })
  assert.deepEqual(
    brokers.map(({ nodeId, host, port }) => ({ nodeId, host, port })),
    [{ nodeId: 1, host: '127.0.0.1', port: broker.port }],
  )
  assert.equal(clusterId, broker.clusterId)
  assert.match(broker.clusterId, /^[\w-]{22}$/)
  assert.equal(controllerId, 1)
  assert.equal(topics[0]!.partitions.length, 3)
  const refused = await client.send('Metadata', 12, { topics: [{ name: 'other' }], allowAutoTopicCreation: false })
  assert.equal(refused.topics[0]!.errorCode, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
  assert.equal((await client.send('Metadata', 12, { topics: [{ name: 'no/name' }] })).topics[0]!.errorCode, ErrorCode.INVALID_TOPIC_EXCEPTION)
  assert.deepEqual(
    (await client.send('Metadata', 12, { topics: null })).topics.map(({ name }) => name),
    ['orders'],
  )
})

test('creates, describes and deletes topics, and refuses what Kafka refuses', async (t) => {
  const { client } = await start(t)
  const created = await createTopic(client, 'orders', 2, { 'retention.ms': '1000' })
  assert.equal(created.errorCode, 0)
  assert.equal(created.numPartitions, 2)
  assert.equal(created.configs!.find(({ name }) => name === 'retention.ms')!.value, '1000')
  assert.equal((await createTopic(client, 'orders')).errorCode, ErrorCode.TOPIC_ALREADY_EXISTS)
  assert.equal((await createTopic(client, 'a b')).errorCode, ErrorCode.INVALID_TOPIC_EXCEPTION)
  assert.equal((await createTopic(client, 'none', 0)).errorCode, ErrorCode.INVALID_PARTITIONS)
  assert.equal((await createTopic(client, 'bad', 1, { 'retention.ms': 'x' })).errorCode, ErrorCode.INVALID_CONFIG)
  const unknown = await createTopic(client, 'bad', 1, { 'no.such': '1' })
  assert.equal(unknown.errorMessage, 'Unknown topic config name: no.such')

  const { results } = await client.send('DescribeConfigs', 4, { resources: [{ resourceType: 2, resourceName: 'orders', configurationKeys: null }] })
  const configs = new Map(results[0]!.configs.map(({ name, value, configSource }) => [name, { value, configSource }]))
  assert.deepEqual(configs.get('retention.ms'), { value: '1000', configSource: 1 })
  assert.deepEqual(configs.get('cleanup.policy'), { value: 'delete', configSource: 5 })

  const { responses } = await client.send('DeleteTopics', 6, { topics: [{ name: null, topicId: created.topicId }], timeoutMs: 1000 })
  assert.deepEqual({ name: responses[0]!.name, errorCode: responses[0]!.errorCode }, { name: 'orders', errorCode: 0 })
  assert.equal((await client.fetch('orders', 0)).errorCode, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
})

test('begins an empty log for a topic that is created again under the same name', async (t) => {
  const { client, broker, dataDir } = await start(t)
  await createTopic(client, 'orders')
  await client.produce('orders', batch('old'))
  await commit(client, 'g', 1)
  await client.send('DeleteTopics', 5, { topicNames: ['orders'], timeoutMs: 1000 })
  await createTopic(client, 'orders')
  assert.equal((await client.fetch('orders', 0)).highWatermark, 0)
  assert.equal(await committed(client, 'g'), -1)
  await broker.close()
  const { client: again } = await start(t, { dataDir })
  assert.equal((await again.fetch('orders', 0)).highWatermark, 0)
  assert.equal(await committed(again, 'g'), -1)
})

test('answers requests that come in one piece, in their order', async (t) => {
  const { client } = await start(t)
  await createTopic(client, 'orders')
  const answers = await Promise.all(Array.from({ length: 50 }, (_, i) => client.produce('orders', batch(`value ${i}`))))
  assert.deepEqual(
    answers.map(({ baseOffset }) => baseOffset),
    Array.from({ length: 50 }, (_, i) => i),
  )
  assert.equal(recordsIn([(await client.fetch('orders', 0)).records!]).length, 50)
})

test('lets a fetch wait for data, and answers it as soon as there are enough', async (t) => {
  const { client, broker } = await start(t)
  await createTopic(client, 'orders')
  const producer = await RawClient.connect(broker.port)
  t.after(() => producer.close())
  const waiting = client.fetch('orders', 0, { maxWaitMs: 60_000 })
  await producer.produce('orders', batch('a'))
  assert.deepEqual(recordsIn([(await waiting).records!]), [{ offset: 0, value: 'a' }])

  const size = batch('b').length
  const waitingForMore = client.fetch('orders', 1, { maxWaitMs: 60_000, minBytes: size + 1 })
  await producer.produce('orders', batch('b'))
  await producer.produce('orders', batch('c'))
  assert.equal(recordsIn([(await waitingForMore).records!]).length, 2)
  // Nothing comes: the time is over.
  assert.equal((await client.fetch('orders', 3, { maxWaitMs: 1 })).records!.length, 0)
})

test('ends a waiting fetch when its topic is deleted', async (t) => {
  const { client, broker } = await start(t)
  await createTopic(client, 'orders')
  const admin = await RawClient.connect(broker.port)
  t.after(() => admin.close())
  const waiting = client.fetch('orders', 0, { maxWaitMs: 60_000 })
  // Answered only after the fetch was read, for both come through the same loop in their order.
  await admin.send('Metadata', 12, { topics: null })
  await admin.send('DeleteTopics', 5, { topicNames: ['orders'], timeoutMs: 1000 })
  assert.equal((await waiting).errorCode, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
})

test('keeps a fetch within the sizes that are asked for, but always makes progress', async (t) => {
  const { client } = await start(t)
  await createTopic(client, 'orders')
  const large = batch('x'.repeat(10_000))
  for (let i = 0; i < 10; i++) await client.produce('orders', Buffer.from(large))
  assert.equal((await client.fetch('orders', 0, { maxBytes: 1 })).records!.length, large.length)
  assert.equal((await client.fetch('orders', 0, { maxBytes: 3 * large.length + 100 })).records!.length, 3 * large.length)
})

test('finds offsets by position and by time', async (t) => {
  const { client } = await start(t)
  await createTopic(client, 'orders')
  for (const age of [3000, 2000, 1000]) await client.produce('orders', recordBatch(['a'], { timestamp: NOW - age }))
  const find = async (timestamp: number) => {
    const { topics } = await client.send('ListOffsets', 7, { replicaId: -1, topics: [{ name: 'orders', partitions: [{ partitionIndex: 0, timestamp }] }] })
    return topics[0]!.partitions[0]!.offset
  }
  assert.deepEqual([await find(-1), await find(-2), await find(-3), await find(NOW - 2500), await find(NOW)], [3, 0, 2, 1, -1])
})

test('appends a batch of an idempotent producer once, however often it is sent', async (t) => {
  const { client, broker, dataDir } = await start(t)
  await createTopic(client, 'orders')
  const first = await client.send('InitProducerId', 4, { transactionalId: null, transactionTimeoutMs: 0 })
  const second = await client.send('InitProducerId', 4, { transactionalId: null, transactionTimeoutMs: 0 })
  assert.notEqual(first.producerId, second.producerId)
  const send = (to: RawClient, baseSequence: number) =>
    to.produce('orders', recordBatch(['a', 'b'], { timestamp: NOW, producerId: first.producerId, producerEpoch: 0, baseSequence }))
  assert.equal((await send(client, 0)).baseOffset, 0)
  assert.equal((await send(client, 2)).baseOffset, 2)
  assert.equal((await send(client, 0)).baseOffset, 0)
  assert.equal((await send(client, 8)).errorCode, ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER)
  await broker.close()
  const { client: again } = await start(t, { dataDir })
  assert.equal((await send(again, 2)).baseOffset, 2)
  assert.equal((await send(again, 4)).baseOffset, 4)
  assert.ok((await again.send('InitProducerId', 4, { transactionalId: null, transactionTimeoutMs: 0 })).producerId > second.producerId)
})

test('deletes records before an offset, for good', async (t) => {
  const { client, broker, dataDir } = await start(t)
  await createTopic(client, 'orders')
  for (const time of [1, 2, 3]) await client.produce('orders', recordBatch(['a', 'b'], { timestamp: NOW - 1000 + time }))
  const remove = async (to: RawClient, offset: number) => {
    const { topics } = await to.send('DeleteRecords', 2, { timeoutMs: 1000, topics: [{ name: 'orders', partitions: [{ partitionIndex: 0, offset }] }] })
    const { errorCode, lowWatermark } = topics[0]!.partitions[0]!
    return errorCode === 0 ? lowWatermark : -errorCode
  }
  const find = async (timestamp: number) => {
    const { topics } = await client.send('ListOffsets', 7, { replicaId: -1, topics: [{ name: 'orders', partitions: [{ partitionIndex: 0, timestamp }] }] })
    return topics[0]!.partitions[0]!.offset
  }
  assert.equal(await remove(client, 7), -ErrorCode.OFFSET_OUT_OF_RANGE)
  assert.equal(await remove(client, 3), 3)
  assert.equal(await remove(client, 1), 3)
  assert.deepEqual([await find(-2), await find(NOW - 999), await find(NOW - 997)], [3, 3, 4])
  assert.equal((await client.fetch('orders', 2)).errorCode, ErrorCode.OFFSET_OUT_OF_RANGE)
  await broker.close()
  const { client: again } = await start(t, { dataDir })
  const { errorCode, logStartOffset, records } = await again.fetch('orders', 3)
  assert.deepEqual([errorCode, logStartOffset, recordsIn([records!]).at(-1)!.offset], [0, 3, 5])
  assert.equal(await remove(again, -1), 6)
  assert.equal((await again.fetch('orders', 6)).errorCode, 0)
  await createTopic(again, 'compacted', 1, { 'cleanup.policy': 'compact' })
  const refused = await again.send('DeleteRecords', 2, { timeoutMs: 1, topics: [{ name: 'compacted', partitions: [{ partitionIndex: 0, offset: 0 }] }] })
  assert.equal(refused.topics[0]!.partitions[0]!.errorCode, ErrorCode.POLICY_VIOLATION)
})

test('adds partitions to a topic, and never takes one away', async (t) => {
  const { client, broker, dataDir } = await start(t)
  await createTopic(client, 'orders', 2)
  await client.produce('orders', batch('kept'))
  const raise = async (count: number, validateOnly = false, name = 'orders') =>
    (await client.send('CreatePartitions', 3, { topics: [{ name, count, assignments: null }], timeoutMs: 1000, validateOnly })).results[0]!.errorCode
  const partitions = async (to: RawClient) => (await to.send('Metadata', 12, { topics: [{ name: 'orders' }] })).topics[0]!.partitions.length
  assert.equal(await raise(4, true), 0)
  assert.equal(await partitions(client), 2)
  assert.equal(await raise(4), 0)
  assert.deepEqual([await raise(4), await raise(3), await raise(20_000)], Array(3).fill(ErrorCode.INVALID_PARTITIONS))
  assert.equal(await raise(3, false, 'unknown'), ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
  assert.equal((await client.produce('orders', batch('new'), { partition: 3 })).errorCode, 0)
  await broker.close()
  const { client: again } = await start(t, { dataDir })
  assert.equal(await partitions(again), 4)
  assert.equal(recordsIn([(await again.fetch('orders', 0)).records!]).length, 1)
})

test('changes settings of topics while it runs', async (t) => {
  const { client, broker, dataDir } = await start(t)
  await createTopic(client, 'orders', 1, { 'retention.ms': '1000' })
  await client.produce('orders', batch('small'))
  type Change = readonly [name: string, configOperation: number, value: string | null]
  const alter = async (changes: readonly Change[], resource = { resourceType: 2, resourceName: 'orders' }) => {
    const configs = changes.map(([name, configOperation, value]) => ({ name, configOperation, value }))
    return (await client.send('IncrementalAlterConfigs', 1, { resources: [{ ...resource, configs }], validateOnly: false })).responses[0]!.errorCode
  }
  const values = async (to: RawClient, names: string[]) => {
    const { results } = await to.send('DescribeConfigs', 4, { resources: [{ resourceType: 2, resourceName: 'orders', configurationKeys: names }] })
    return results[0]!.configs.map(({ value }) => value)
  }
  assert.equal(
    await alter([
      ['max.message.bytes', 0, '200'],
      ['cleanup.policy', 2, 'compact'],
      ['retention.ms', 1, null],
    ]),
    0,
  )
  const names = ['cleanup.policy', 'max.message.bytes', 'retention.ms']
  assert.deepEqual(await values(client, names), ['delete,compact', '200', '604800000'])
  assert.equal((await client.produce('orders', batch('x'.repeat(300)))).errorCode, ErrorCode.MESSAGE_TOO_LARGE)
  assert.equal(await alter([['cleanup.policy', 3, 'compact']]), 0)
  for (const wrong of [
    ['retention.ms', 0, 'x'],
    ['unknown', 0, '1'],
    ['retention.ms', 2, '1'],
    ['retention.ms', 0, null],
  ] as const) {
    assert.equal(await alter([wrong]), ErrorCode.INVALID_CONFIG, String(wrong))
  }
  assert.equal(await alter([], { resourceType: 4, resourceName: '1' }), ErrorCode.INVALID_REQUEST)
  assert.equal(await alter([], { resourceType: 2, resourceName: 'unknown' }), ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
  await broker.close()
  const { client: again } = await start(t, { dataDir })
  assert.deepEqual(await values(again, names), ['delete', '200', '604800000'])
})

test('coordinates transactions, and refuses share groups with a reason', async (t) => {
  const { client } = await start(t)
  const find = async (keyType: number) => (await client.send('FindCoordinator', 4, { keyType, coordinatorKeys: ['key'] })).coordinators[0]!
  assert.equal((await find(1)).nodeId, 1)
  assert.match((await find(2)).errorMessage!, /no share groups/)
})

test('keeps groups and committed offsets over a restart', async (t) => {
  const { client, broker, dataDir } = await start(t)
  await createTopic(client, 'orders')
  const member = await joinAlone(client, 'members')
  assert.equal(member.assignment, 'mine')
  const identity = { generationIdOrMemberEpoch: member.generationId, memberId: member.memberId }
  assert.equal(await commit(client, 'members', 5, identity), 0)
  assert.equal(await commit(client, 'simple', 7), 0)
  assert.equal(await commit(client, 'members', 6), ErrorCode.UNKNOWN_MEMBER_ID)
  await broker.close()

  const { client: again } = await start(t, { dataDir })
  assert.deepEqual([await committed(again, 'members'), await committed(again, 'simple'), await committed(again, 'unknown')], [5, 7, -1])
  const { groups } = await again.send('ListGroups', 5, {})
  assert.deepEqual(groups.map(({ groupId, groupState, groupType }) => [groupId, groupState, groupType]).sort(), [
    ['members', 'Stable', 'Classic'],
    ['simple', 'Empty', 'Classic'],
  ])
  assert.equal((await again.send('Heartbeat', 4, { groupId: 'members', ...member })).errorCode, 0)
  assert.equal(await commit(again, 'members', 6, identity), 0)
  assert.deepEqual(
    (await again.send('DeleteGroups', 2, { groupsNames: ['members', 'simple'] })).results.map(({ errorCode }) => errorCode),
    [ErrorCode.NON_EMPTY_GROUP, 0],
  )
})

test('answers KAFKA_STORAGE_ERROR while the disk is full, loses nothing before, and goes on after', async (t) => {
  const { client, broker } = await start(t)
  await createTopic(client, 'orders')
  await client.produce('orders', batch('a'))
  broker.faults.inject({ kind: 'disk', error: 'ENOSPC', bytesWritten: 30 })
  for (let i = 0; i < 3; i++) assert.equal((await client.produce('orders', batch('lost'))).errorCode, ErrorCode.KAFKA_STORAGE_ERROR)
  assert.equal(await commit(client, 'g', 1), ErrorCode.COORDINATOR_NOT_AVAILABLE)
  assert.equal((await client.fetch('orders', 0)).highWatermark, 1)
  broker.faults.clear()
  assert.equal((await client.produce('orders', batch('b'))).baseOffset, 1)
  assert.equal(await commit(client, 'g', 2), 0)
  assert.deepEqual(
    recordsIn([(await client.fetch('orders', 0)).records!]).map(({ value }) => value),
    ['a', 'b'],
  )
})

test('lets chosen requests fail, wait or stay without an answer', async (t) => {
  const { client, broker } = await start(t)
  await createTopic(client, 'orders')
  broker.faults.inject({ kind: 'request', api: 'Produce', action: 'error', errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER, times: 1 })
  assert.equal((await client.produce('orders', batch('a'))).errorCode, ErrorCode.NOT_LEADER_OR_FOLLOWER)
  broker.faults.inject({ kind: 'request', api: 'Produce', action: 'delay', delayMs: 1, times: 1 })
  assert.equal((await client.produce('orders', batch('a'))).baseOffset, 0)
  broker.faults.inject({ kind: 'request', api: 'Produce', action: 'lose-answer', times: 1 })
  await assert.rejects(client.produce('orders', batch('b')))
  const second = await RawClient.connect(broker.port)
  t.after(() => second.close())
  assert.equal((await second.fetch('orders', 0)).highWatermark, 2)
  broker.faults.inject({ kind: 'request', api: 'Produce', action: 'drop', times: 1 })
  await assert.rejects(second.produce('orders', batch('c')))
})

test('answers every kind of request in every version, whether it succeeds or fails', async (t) => {
  const { client, broker, logger } = await start(t)
  await createTopic(client, 'orders')
  await client.produce('orders', batch('a'))
  await commit(client, 'g', 1)
  const { topics } = await client.send('Metadata', 12, { topics: null })
  const { topicId } = topics[0]!
  for (const { api, versions } of apiHandlers.values()) {
    assert.ok(apis[api].versions.min <= versions.min && apis[api].versions.max >= versions.max, api)
    for (let version = versions.min; version <= versions.max; version++) {
      const body = requestOf(api, version, topicId)
      for (const fails of [false, true]) {
        if (fails) broker.faults.inject({ kind: 'request', api, action: 'error', errorCode: ErrorCode.REQUEST_TIMED_OUT, times: 1 })
        const each = await RawClient.connect(broker.port)
        const frame = await each.exchange([encodeRequest({ api, version, correlationId: 1, clientId: 'c', body: body as never })])
        const answer = JSON.stringify(decodeResponse(api, version, frame))
        if (fails && api !== 'LeaveGroup') assert.match(answer, /"(errorCode|partitionErrorCode)":7/, `${api} ${version}: ${answer}`)
        each.close()
      }
    }
  }
  assert.deepEqual(
    logger.lines.filter((line) => line.startsWith('ERROR')),
    [],
  )
})

/** A request with something in every list, as the version has it. */
function requestOf(api: ApiName, version: number, topicId: string): unknown {
  const from = (since: number, fields: object) => (version >= since ? fields : {})
  const until = (last: number, fields: object) => (version <= last ? fields : {})
  const topic = (lastWithName: number, name = 'name') => ({ ...until(lastWithName, { [name]: 'orders' }), ...from(lastWithName + 1, { topicId }) })
  const member = { groupId: 'g', generationId: 1, memberId: 'm' }
  switch (api) {
    case 'Produce':
      return { acks: -1, timeoutMs: 1, topicData: [{ ...topic(12), partitionData: [{ index: 0, records: batch('a') }] }] }
    case 'Fetch':
      return {
        maxWaitMs: 0,
        minBytes: 0,
        topics: [{ ...topic(12, 'topic'), partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }] }],
        forgottenTopicsData: [],
      }
    case 'ListOffsets':
      return { replicaId: -1, topics: [{ name: 'orders', partitions: [{ partitionIndex: 0, timestamp: NOW }] }] }
    case 'Metadata':
      return { topics: [{ name: 'orders' }] }
    case 'OffsetCommit':
      return { groupId: 'g', topics: [{ ...topic(9), partitions: [{ partitionIndex: 0, committedOffset: 1, committedMetadata: null }] }] }
    case 'OffsetFetch':
      return version < 8
        ? { groupId: 'g', topics: [{ name: 'orders', partitionIndexes: [0, 1] }] }
        : {
            groups: [
              { groupId: 'g', topics: [{ ...topic(9), partitionIndexes: [0, 1] }] },
              { groupId: 'g', topics: null },
            ],
          }
    case 'FindCoordinator':
      return version < 4 ? { key: 'g' } : { coordinatorKeys: ['g'] }
    case 'JoinGroup':
      return {
        groupId: `joined-${version}`,
        sessionTimeoutMs: 10_000,
        rebalanceTimeoutMs: 10_000,
        memberId: '',
        protocolType: 'consumer',
        protocols: [{ name: 'range', metadata: Buffer.from('m') }],
      }
    case 'Heartbeat':
      return member
    case 'LeaveGroup':
      return version < 3 ? { groupId: 'joined-3', memberId: 'm' } : { groupId: 'joined-3', members: [{ memberId: 'm' }] }
    case 'SyncGroup':
      return { ...member, assignments: [{ memberId: 'm', assignment: Buffer.from('a') }] }
    case 'DescribeGroups':
      return { groups: ['g', 'joined-3', 'unknown'] }
    case 'CreateTopics':
      return { topics: [{ name: `made-${version}`, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [{ name: 'retention.ms', value: '1' }] }] }
    case 'DeleteTopics':
      return version < 6
        ? { topicNames: [`made-${version}`], timeoutMs: 1 }
        : { topics: [{ name: 'made-6' }, { name: null, topicId: 'AAAAAAAAAAAAAAAAAAAAAQ' }], timeoutMs: 1 }
    case 'InitProducerId':
      return { transactionalId: null, transactionTimeoutMs: 0 }
    case 'OffsetForLeaderEpoch':
      return { topics: [{ topic: 'orders', partitions: [{ partition: 0, leaderEpoch: 0 }] }] }
    case 'DeleteRecords':
      return { topics: [{ name: 'orders', partitions: [{ partitionIndex: 0, offset: 0 }] }], timeoutMs: 1 }
    case 'CreatePartitions':
      return { topics: [{ name: 'orders', count: 2, assignments: null }], timeoutMs: 1, validateOnly: true }
    case 'IncrementalAlterConfigs':
      return {
        resources: [{ resourceType: 2, resourceName: 'orders', configs: [{ name: 'retention.ms', configOperation: 0, value: '1' }] }],
        validateOnly: true,
      }
    case 'AddPartitionsToTxn':
      return {
        v3AndBelowTransactionalId: 'tx',
        v3AndBelowProducerId: 1,
        v3AndBelowProducerEpoch: 0,
        v3AndBelowTopics: [{ name: 'orders', partitions: [0] }],
      }
    case 'AddOffsetsToTxn':
      return { transactionalId: 'tx', producerId: 1, producerEpoch: 0, groupId: 'g' }
    case 'EndTxn':
      return { transactionalId: 'tx', producerId: 1, producerEpoch: 0, committed: true }
    case 'TxnOffsetCommit':
      return {
        transactionalId: 'tx',
        groupId: 'g',
        producerId: 1,
        producerEpoch: 0,
        topics: [{ name: 'orders', partitions: [{ partitionIndex: 0, committedOffset: 1, committedMetadata: null }] }],
      }
    case 'DescribeConfigs':
      return {
        resources: [
          { resourceType: 2, resourceName: 'orders', configurationKeys: null },
          { resourceType: 4, resourceName: '1', configurationKeys: ['num.partitions'] },
        ],
        includeSynonyms: true,
      }
    case 'DeleteGroups':
      return { groupsNames: ['unknown'] }
    case 'OffsetDelete':
      return { groupId: 'g', topics: [{ name: 'orders', partitions: [{ partitionIndex: 0 }] }] }
    case 'SaslHandshake':
      return { mechanism: 'PLAIN' }
    case 'SaslAuthenticate':
      return { authBytes: Buffer.from('\0alice\0secret') }
    case 'WriteTxnMarkers':
      return {
        markers: [{ producerId: 5, producerEpoch: 0, transactionResult: false, topics: [{ name: 'orders', partitionIndexes: [0, 9] }], coordinatorEpoch: 0 }],
      }
    case 'DescribeAcls':
      return { resourceTypeFilter: 1, resourceNameFilter: null, patternTypeFilter: 3, principalFilter: null, hostFilter: null, operation: 1, permissionType: 1 }
    case 'CreateAcls':
      return { creations: [{ resourceType: 2, resourceName: 'orders', principal: 'User:alice', host: '*', operation: 3, permissionType: 3 }] }
    case 'DeleteAcls':
      return { filters: [{ resourceTypeFilter: 1, resourceNameFilter: null, principalFilter: null, hostFilter: null, operation: 1, permissionType: 1 }] }
    case 'AlterConfigs':
      return {
        resources: [
          { resourceType: 2, resourceName: 'orders', configs: [{ name: 'retention.ms', value: '1000' }] },
          { resourceType: 4, resourceName: '1', configs: [] },
        ],
        validateOnly: false,
      }
    case 'DescribeLogDirs':
      return { topics: version % 2 === 0 ? null : [{ topic: 'orders', partitions: [0, 9] }] }
    case 'ElectLeaders':
      return { topicPartitions: [{ topic: 'orders', partitions: [0, 9] }], timeoutMs: 1000 }
    case 'ListPartitionReassignments':
      return { timeoutMs: 1000, topics: null }
    case 'DescribeClientQuotas':
      return { components: [{ entityType: 'user', matchType: 2, match: null }], strict: false }
    case 'DescribeUserScramCredentials':
      return { users: [{ name: 'alice' }] }
    case 'DescribeProducers':
      return { topics: [{ name: 'orders', partitionIndexes: [0, 9] }] }
    case 'DescribeTransactions':
      return { transactionalIds: ['tx', ''] }
    case 'ListTransactions':
      return { stateFilters: ['Ongoing', 'Nonsense'], producerIdFilters: [] }
    case 'ListConfigResources':
      return from(1, { resourceTypes: [] })
    case 'DescribeTopicPartitions':
      return { topics: [{ name: 'orders' }, { name: 'unknown' }] }
    case 'DescribeCluster':
      return { includeClusterAuthorizedOperations: false }
    default:
      return {}
  }
}

test('closes a connection that sends garbage, with a line in the log, and serves all others', async (t) => {
  const random = new Random()
  t.diagnostic(`MILLRACE_SEED=${random.seed}`)
  const { client, broker, logger } = await start(t)
  await createTopic(client, 'orders')
  const request = encodeRequest({ api: 'Metadata', version: 12, correlationId: 1, clientId: 'c', body: { topics: [{ name: 'orders' }] } })
  for (let round = 0; round < 300; round++) {
    const bytes = round % 2 ? random.bytes(random.integer(1, 200)) : Buffer.from(request)
    // Half of them are true requests with some bytes changed.
    if (round % 2 === 0) for (let i = random.integer(1, 4); i > 0; i--) bytes[random.integer(0, bytes.length - 1)] = random.integer(0, 255)
    const socket = connect({ host: '127.0.0.1', port: broker.port })
    socket.on('error', () => {})
    socket.resume()
    socket.end(bytes)
    await once(socket, 'close')
  }
  assert.equal((await client.produce('orders', batch('still here'))).errorCode, 0)
  assert.ok(logger.lines.some((line) => line.startsWith('WARN') && line.includes('is no request')))
  assert.deepEqual(
    logger.lines.filter((line) => line.startsWith('ERROR')),
    [],
  )
})

test('does not read on for a client that does not read its answers', async (t) => {
  const { client, broker } = await start(t)
  await createTopic(client, 'orders')
  const large = recordBatch(['x'.repeat(900_000)], { timestamp: NOW })
  for (let i = 0; i < 8; i++) await client.produce('orders', Buffer.from(large))
  const slow = connect({ host: '127.0.0.1', port: broker.port })
  t.after(() => slow.destroy())
  slow.pause()
  const fetchAll = encodeRequest({
    api: 'Fetch',
    version: 12,
    correlationId: 1,
    clientId: 'slow',
    body: {
      maxWaitMs: 0,
      minBytes: 1,
      topics: [{ topic: 'orders', partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 8_000_000 }] }],
      forgottenTopicsData: [],
    },
  })
  const before = process.memoryUsage().arrayBuffers
  for (let i = 0; i < 100; i++) slow.write(fetchAll)
  for (let i = 0; i < 20; i++) await client.send('Metadata', 12, { topics: null })
  // One answer waits to be sent; a hundred would be 720 MB.
  assert.ok(process.memoryUsage().arrayBuffers - before < 100_000_000)
})

test('refuses to open data that it cannot read, and a second broker on the same folder', async (t) => {
  const { dataDir, broker, logger } = await start(t)
  await assert.rejects(startBroker({ port: 0, dataDir, logger }), { code: 'BROKER_LOCKED' })
  await broker.close()
  const { writeFileSync, readFileSync } = await import('node:fs')
  const { join } = await import('node:path')
  writeFileSync(join(dataDir, 'meta.json'), '{"format": 99}')
  await assert.rejects(startBroker({ port: 0, dataDir, logger }), { code: 'BROKER_DATA_INVALID' })
  assert.equal(readFileSync(join(dataDir, 'meta.json'), 'utf8'), '{"format": 99}')
  await assert.rejects(startBroker({ port: 0, dataDir: temporaryFolder(t), logger, properties: { 'num.partitions': 'many' } }), {
    code: 'BROKER_CONFIG_INVALID',
  })
  await assert.rejects(startBroker({ port: 0, dataDir: join(dataDir, 'meta.json'), logger }), {
    code: 'BROKER_DATA_INVALID',
    message: /meta\.json" cannot be made/,
  })
})

test('takes no more connections than it may, and says so', async (t) => {
  const { broker, client, logger } = await start(t, { properties: { 'max.connections': '2' } })
  const second = await RawClient.connect(broker.port)
  t.after(() => second.close())
  const third = await RawClient.connect(broker.port)
  await assert.rejects(third.send('Metadata', 12, { topics: [] }))
  for (const each of [client, second]) assert.equal((await each.send('Metadata', 12, { topics: [] })).controllerId, 1)
  assert.ok(logger.lines.some((line) => line.includes('max.connections')))
})

test('says at once that a data folder cannot be made', async (t) => {
  const file = join(temporaryFolder(t), 'file')
  writeFileSync(file, '')
  const folders = [file, join(file, 'below'), ...(process.platform === 'linux' ? ['/proc/broker/data'] : [])]
  for (const dataDir of folders) {
    await assert.rejects(startBroker({ port: 0, dataDir, logger: recordingLogger() }), { code: 'BROKER_DATA_INVALID' }, dataDir)
  }
})

test('names properties that have no effect', async (t) => {
  const { logger } = await start(t, { properties: { 'no.such.property': '1', 'min.insync.replicas': '2', 'num.partitions': '2' } })
  assert.deepEqual(logger.lines.filter((line) => line.startsWith('WARN')).length, 2)
})

test('removes folders of a topic that was deleted just before a crash, and no others', async (t) => {
  const { client, broker, dataDir } = await start(t)
  await createTopic(client, 'orders')
  await client.produce('orders', batch('a'))
  await broker.close()
  const { mkdirSync, readFileSync, writeFileSync } = await import('node:fs')
  const { join } = await import('node:path')
  mkdirSync(join(dataDir, 'not-ours'))
  const metaFile = join(dataDir, 'meta.json')
  writeFileSync(metaFile, JSON.stringify({ ...(JSON.parse(readFileSync(metaFile, 'utf8')) as object), topics: [] }))
  await start(t, { dataDir })
  assert.deepEqual(
    readdirSync(dataDir, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : [])),
    ['not-ours'],
  )
})

test('brings records to the disk before it acknowledges them where flush.messages asks for it', async (t) => {
  const { client } = await start(t)
  await createTopic(client, 'orders', 1, { 'flush.messages': '1' })
  const answers = await Promise.all([1, 2, 3].map(() => client.produce('orders', batch('a'))))
  assert.deepEqual(
    answers.map(({ baseOffset }) => baseOffset),
    [0, 1, 2],
  )
})

test('runs in a thread of its own, with faults and errors like any other', async (t) => {
  const logger = recordingLogger()
  const dataDir = temporaryFolder(t)
  const broker = await startBrokerThread({ port: 0, dataDir, logger })
  t.after(() => broker.close())
  await assert.rejects(startBrokerThread({ port: 0, dataDir, logger }), { code: 'BROKER_LOCKED' })
  const client = await RawClient.connect(broker.port)
  t.after(() => client.close())
  await createTopic(client, 'orders')
  broker.faults.inject({ kind: 'disk', error: 'EIO', times: 1 })
  // The fault travels by another way than the request, so it may come a little later.
  let codes = 0
  for (let i = 0; i < 1000 && codes === 0; i++) codes += (await client.produce('orders', batch('a'))).errorCode
  assert.equal(codes, ErrorCode.KAFKA_STORAGE_ERROR)
  const { records } = await client.fetch('orders', 0)
  assert.ok([...readBatches(records!)].length > 0 || records!.length === 0)
  await broker.close()
  await broker.ended
  assert.ok(logger.lines.some((line) => line.includes('has stopped')))
})
