import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ErrorCode } from '@millrace/kafka-protocol'
import type { RawClient } from './fixtures/raw-client.ts'
import { recordBatch } from './fixtures/record-batches.ts'
import { createTopic, startedBroker } from './fixtures/started-broker.ts'

const batch = (...values: string[]) => recordBatch(values, { timestamp: Date.now() })

/** An open transaction with two records in `orders-0`. */
async function openTransaction(client: RawClient) {
  await createTopic(client, 'orders')
  const identity = await client.send('InitProducerId', 4, { transactionalId: 'tx', transactionTimeoutMs: 60_000, producerId: -1, producerEpoch: -1 })
  const { producerId, producerEpoch } = identity
  await client.send('AddPartitionsToTxn', 3, {
    v3AndBelowTransactionalId: 'tx',
    v3AndBelowProducerId: producerId,
    v3AndBelowProducerEpoch: producerEpoch,
    v3AndBelowTopics: [{ name: 'orders', partitions: [0] }],
  })
  const records = recordBatch(['a', 'b'], { timestamp: 1_000_000, producerId, producerEpoch, baseSequence: 0, isTransactional: true })
  assert.equal((await client.produce('orders', records)).errorCode, 0)
  return { producerId, producerEpoch }
}

test('shows transactions and producers, and lets an administrator abort what nobody ends', async (t) => {
  const { client } = await startedBroker(t)
  const { producerId, producerEpoch } = await openTransaction(client)
  const listed = async (filters: object) => {
    const { transactionStates, unknownStateFilters } = await client.send('ListTransactions', 1, { stateFilters: [], producerIdFilters: [], ...filters })
    return [transactionStates.map(({ transactionalId, transactionState }) => `${transactionalId} ${transactionState}`), unknownStateFilters]
  }
  assert.deepEqual(await listed({}), [['tx Ongoing'], []])
  assert.deepEqual(await listed({ stateFilters: ['Empty', 'Nonsense'] }), [[], ['Nonsense']])
  assert.deepEqual(await listed({ producerIdFilters: [producerId + 1] }), [[], []])
  assert.deepEqual(await listed({ durationFilter: 1_000_000 }), [[], []])

  const { transactionStates } = await client.send('DescribeTransactions', 0, { transactionalIds: ['tx', 'unknown', ''] })
  const [known, ...others] = transactionStates
  assert.deepEqual(
    [known!.transactionState, known!.producerId, known!.transactionTimeoutMs, known!.topics],
    ['Ongoing', producerId, 60_000, [{ topic: 'orders', partitions: [0] }]],
  )
  assert.ok(known!.transactionStartTimeMs > 0)
  assert.deepEqual(
    others.map(({ errorCode }) => errorCode),
    [ErrorCode.TRANSACTIONAL_ID_NOT_FOUND, ErrorCode.INVALID_REQUEST],
  )

  const producers = async () => {
    const { topics } = await client.send('DescribeProducers', 0, { topics: [{ name: 'orders', partitionIndexes: [0, 1] }] })
    assert.equal(topics[0]!.partitions[1]!.errorCode, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    return topics[0]!.partitions[0]!.activeProducers
  }
  const producer = { producerId, producerEpoch, lastSequence: 1, lastTimestamp: 1_000_000, coordinatorEpoch: 0, currentTxnStartOffset: 0 }
  assert.deepEqual(await producers(), [producer])

  const abort = async (epoch: number) => {
    const marker = { producerId, producerEpoch: epoch, transactionResult: false, coordinatorEpoch: 0 }
    const { markers } = await client.send('WriteTxnMarkers', 1, { markers: [{ ...marker, topics: [{ name: 'orders', partitionIndexes: [0, 7] }] }] })
    return markers[0]!.topics[0]!.partitions.map(({ errorCode }) => errorCode)
  }
  assert.deepEqual(await abort(producerEpoch - 1), [ErrorCode.INVALID_PRODUCER_EPOCH, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION])
  assert.deepEqual(await abort(producerEpoch), [0, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION])
  assert.equal((await producers())[0]!.currentTxnStartOffset, -1)
  const { lastStableOffset, abortedTransactions } = await client.fetch('orders', 0, { isolationLevel: 1 })
  assert.deepEqual([lastStableOffset, abortedTransactions], [3, [{ producerId, firstOffset: 0 }]])
})

test('describes topics page by page', async (t) => {
  const { client } = await startedBroker(t)
  for (const [name, count] of [
    ['b', 3],
    ['a', 2],
    ['c', 1],
  ] as const)
    await createTopic(client, name, count)
  const page = async (names: readonly string[], responsePartitionLimit: number, cursor: { topicName: string; partitionIndex: number } | null = null) => {
    const { topics, nextCursor } = await client.send('DescribeTopicPartitions', 0, { topics: names.map((name) => ({ name })), responsePartitionLimit, cursor })
    const described = topics.map(({ name, errorCode, partitions }) =>
      errorCode ? `${name} ${errorCode}` : `${name} ${partitions.map(({ partitionIndex }) => partitionIndex).join('')}`,
    )
    return [described, nextCursor && `${nextCursor.topicName} ${nextCursor.partitionIndex}`]
  }
  assert.deepEqual(await page([], 2000), [['a 01', 'b 012', 'c 0'], null])
  assert.deepEqual(await page([], 2), [['a 01'], 'b 0'])
  assert.deepEqual(await page([], 4), [['a 01', 'b 01'], 'b 2'])
  assert.deepEqual(await page([], 4, { topicName: 'b', partitionIndex: 2 }), [['b 2', 'c 0'], null])
  assert.deepEqual(await page(['c', 'b', 'b', 'x', '!'], 2000), [
    [`! ${ErrorCode.INVALID_TOPIC_EXCEPTION}`, 'b 012', 'c 0', `x ${ErrorCode.UNKNOWN_TOPIC_OR_PARTITION}`],
    null,
  ])
  const { topics } = await client.send('DescribeTopicPartitions', 0, { topics: [{ name: 'a' }], cursor: { topicName: 'z', partitionIndex: 0 } })
  assert.equal(topics[0]!.errorCode, ErrorCode.INVALID_REQUEST)
})

test('replaces all settings of a topic at once', async (t) => {
  const { client } = await startedBroker(t)
  await createTopic(client, 'orders', 1, { 'retention.ms': '1000' })
  const alter = async (configs: { name: string; value: string | null }[], validateOnly = false) => {
    const { responses } = await client.send('AlterConfigs', 2, { resources: [{ resourceType: 2, resourceName: 'orders', configs }], validateOnly })
    return responses[0]!.errorCode
  }
  const own = async () => {
    const { results } = await client.send('DescribeConfigs', 4, { resources: [{ resourceType: 2, resourceName: 'orders', configurationKeys: null }] })
    return results[0]!.configs.filter(({ configSource }) => configSource === 1).map(({ name, value }) => `${name}=${value}`)
  }
  assert.equal(await alter([{ name: 'segment.ms', value: '5' }], true), 0)
  assert.deepEqual(await own(), ['retention.ms=1000'])
  assert.equal(await alter([{ name: 'segment.ms', value: '5' }]), 0)
  assert.deepEqual(await own(), ['segment.ms=5'])
  assert.equal(await alter([{ name: 'segment.ms', value: null }]), ErrorCode.INVALID_REQUEST)
  assert.equal(await alter([{ name: 'segment.ms', value: 'x' }]), ErrorCode.INVALID_CONFIG)
  assert.deepEqual(await own(), ['segment.ms=5'])
})

test('tells the sizes of the logs and the room of their volume', async (t) => {
  const { client, dataDir } = await startedBroker(t)
  await createTopic(client, 'orders', 2)
  const records = batch('a')
  await client.produce('orders', records)
  const { results } = await client.send('DescribeLogDirs', 4, {
    topics: [
      { topic: 'orders', partitions: [0, 1, 2] },
      { topic: 'unknown', partitions: [0] },
    ],
  })
  const { logDir, topics, totalBytes, usableBytes } = results[0]!
  assert.equal(logDir, dataDir)
  assert.deepEqual(
    topics.map(({ partitions }) => partitions.map(({ partitionSize }) => partitionSize)),
    [[records.length, 0]],
  )
  assert.ok(totalBytes >= usableBytes && usableBytes > 0)
})

test('refuses rules of access as a Kafka without an authorizer, and has no quotas, moves or elections', async (t) => {
  const { client } = await startedBroker(t)
  await createTopic(client, 'orders')
  const filter = { resourceTypeFilter: 1, resourceNameFilter: null, principalFilter: null, hostFilter: null, operation: 1, permissionType: 1 }
  const described = await client.send('DescribeAcls', 3, filter)
  assert.deepEqual([described.errorCode, described.errorMessage], [ErrorCode.SECURITY_DISABLED, 'No Authorizer is configured on the broker'])
  const { filterResults } = await client.send('DeleteAcls', 3, { filters: [filter] })
  assert.deepEqual([filterResults[0]!.errorCode, filterResults[0]!.errorMessage], [ErrorCode.SECURITY_DISABLED, 'No Authorizer is configured.'])
  const rule = { resourceType: 2, resourceName: 'orders', principal: 'User:a', host: '*', operation: 3, permissionType: 3 }
  assert.equal((await client.send('CreateAcls', 3, { creations: [rule] })).results[0]!.errorCode, ErrorCode.SECURITY_DISABLED)
  assert.deepEqual((await client.send('DescribeClientQuotas', 1, { components: [], strict: false })).entries, [])
  assert.deepEqual((await client.send('ListPartitionReassignments', 0, { topics: null })).topics, [])
  const { replicaElectionResults } = await client.send('ElectLeaders', 2, { topicPartitions: [{ topic: 'orders', partitions: [0, 1] }], timeoutMs: 1000 })
  assert.deepEqual(
    replicaElectionResults[0]!.partitionResult.map(({ errorCode }) => errorCode),
    [ErrorCode.ELECTION_NOT_NEEDED, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
  )
  const { configResources } = await client.send('ListConfigResources', 1, { resourceTypes: [2] })
  assert.deepEqual(
    configResources.map(({ resourceName }) => resourceName),
    ['orders'],
  )
})

test('names the users that have SCRAM credentials, and none where there are none', async (t) => {
  const { client } = await startedBroker(t)
  assert.deepEqual((await client.send('DescribeUserScramCredentials', 0, { users: null })).results, [])
  const secured = await startedBroker(t, { security: { sasl: { users: { alice: 'secret' }, mechanisms: ['PLAIN', 'SCRAM-SHA-512'] } } })
  await secured.client.send('SaslHandshake', 1, { mechanism: 'PLAIN' })
  await secured.client.send('SaslAuthenticate', 2, { authBytes: Buffer.from('\0alice\0secret') })
  const { results } = await secured.client.send('DescribeUserScramCredentials', 0, { users: [{ name: 'alice' }, { name: 'bob' }] })
  assert.deepEqual(
    results.map(({ user, errorCode, credentialInfos }) => [user, errorCode, credentialInfos]),
    [
      ['alice', 0, [{ mechanism: 2, iterations: 4096 }]],
      ['bob', ErrorCode.RESOURCE_NOT_FOUND, []],
    ],
  )
})
