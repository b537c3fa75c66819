import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { type ApiVersionLimits, type Broker, brokerApis, startBroker } from '@millrace/broker'
import { Admin, Consumer, OffsetAt, Producer, silentLogger as logger } from '@millrace/kafka'
import { type ApiName, apis, type VersionRange } from '@millrace/kafka-protocol'
import { temporaryFolder, waitFor } from '@millrace/testing'
import { RequestTap } from './request-tap.ts'

/*
 * The client meets brokers whose newest version of each request is first the newest that it knows, then the one before, and so on. What it does has to come out
 * the same, and each version that it may negotiate has to have gone over the wire.
 */

type Properties = Readonly<Record<string, string>>

interface Bench {
  readonly broker: Broker
  readonly tap: RequestTap
  properties(more?: Properties): Properties
}

async function bench(t: TestContext, apiVersions: ApiVersionLimits): Promise<Bench> {
  const tap = await RequestTap.listen()
  const endings: (() => void | Promise<void>)[] = []
  const broker = await startBroker({
    port: 0,
    dataDir: temporaryFolder({ after: (action) => endings.push(action) }),
    logger,
    properties: { 'advertised.listeners': `SASL_PLAINTEXT://${tap.host}:${tap.port}` },
    security: { sasl: { users: { alice: 'secret' } } },
    apiVersions,
  })
  tap.target = broker
  t.after(async () => {
    tap.close()
    await broker.close()
    for (const end of endings) await end()
  })
  const properties = (more: Properties = {}) => ({
    'bootstrap.servers': `${tap.host}:${tap.port}`,
    'security.protocol': 'SASL_PLAINTEXT',
    'sasl.mechanism': 'PLAIN',
    'sasl.jaas.config': 'org.apache.kafka.common.security.plain.PlainLoginModule required username="alice" password="secret";',
    'metadata.max.age.ms': '500',
    ...more,
  })
  return { broker, tap, properties }
}

/** Uses every request that the client has. */
async function useEverything(made: Bench, seen: (api: ApiName) => boolean): Promise<void> {
  const admin = new Admin(made.properties(), { logger })
  try {
    await topicsAndSettings(admin)
    await recordsAndOffsets(made, admin)
    await group(made, admin, seen)
    await transactions(made, admin)
    for (const call of [() => admin.describeAcls(), () => admin.createAcls([acl]), () => admin.deleteAcls([{ resourceType: 'TOPIC' }])]) {
      // The embedded broker has no authorizer, and says so; for all or for each.
      const said = await call().then(JSON.stringify, (error: { code: string }) => error.code)
      assert.match(String(said), /SECURITY_DISABLED/)
    }
  } finally {
    await admin.close()
  }
}

const TOPIC = 'topic'
const acl = {
  resourceType: 'TOPIC',
  resourceName: TOPIC,
  patternType: 'LITERAL',
  principal: 'User:bob',
  host: '*',
  operation: 'READ',
  permissionType: 'ALLOW',
} as const

async function topicsAndSettings(admin: Admin): Promise<void> {
  await admin.createTopics([
    { name: TOPIC, partitions: 1, replicationFactor: 1, configs: { 'segment.bytes': '1048576' } },
    { name: 'other', partitions: 1, replicationFactor: 1 },
  ])
  await admin.createPartitions([{ name: TOPIC, count: 2 }])
  await admin.incrementalAlterConfigs([{ type: 'topic', name: TOPIC, configs: { 'max.message.bytes': '500000' } }])
  const [described] = await admin.describeConfigs([{ type: 'topic', name: TOPIC }])
  const value = (name: string) => described?.entries.find((entry) => entry.name === name)?.value
  assert.deepEqual([value('segment.bytes'), value('max.message.bytes')], ['1048576', '500000'])
  const [topic] = await admin.describeTopics([TOPIC])
  assert.equal(topic?.partitions.length, 2)
  await admin.deleteTopics(['other'])
  assert.deepEqual(
    (await admin.listTopics()).map(({ name }) => name),
    [TOPIC],
  )
  assert.equal((await admin.describeCluster()).brokers.length, 1)
}

/** Twenty records in partition 0, of which the first five are deleted. */
async function recordsAndOffsets({ properties }: Bench, admin: Admin): Promise<void> {
  const producer = new Producer(properties({ 'compression.type': 'lz4' }), { logger })
  for (let i = 0; i < 20; i++) producer.send(TOPIC, 0, 1_700_000_000_000 + i, `key ${i}`, `${i}`, [{ key: 'h', value: Buffer.from('x') }], null)
  await producer.close()
  const place = { topic: TOPIC, partition: 0 }
  const [found] = await admin.listOffsets([{ ...place, timestamp: 1_700_000_000_007 }])
  assert.equal(found?.offset, 7)
  const [deleted] = await admin.deleteRecords([{ ...place, beforeOffset: 5 }])
  assert.equal(deleted?.lowWatermark, 5)

  const consumer = new Consumer(properties({ 'auto.offset.reset': 'earliest', 'max.poll.records': '10' }), { logger })
  try {
    consumer.assign([place])
    assert.deepEqual(await read(consumer, 15), numbers(5, 20))
    const [end] = await consumer.endOffsets([place])
    assert.equal(end?.offset, 20)
  } finally {
    await consumer.close()
  }
}

async function group({ properties }: Bench, admin: Admin, seen: (api: ApiName) => boolean): Promise<void> {
  const consumer = new Consumer(
    properties({ 'group.id': 'g', 'auto.offset.reset': 'earliest', 'enable.auto.commit': 'false', 'heartbeat.interval.ms': '50' }),
    { logger },
  )
  try {
    consumer.subscribe({ topics: [TOPIC] }, { revoked() {}, assigned() {} })
    assert.deepEqual(await read(consumer, 15), numbers(5, 20))
    const heartbeat = async () => {
      await consumer.poll(20)
      return seen('Heartbeat')
    }
    await waitFor(heartbeat, { what: 'a heartbeat', intervalMs: 0 })
    await consumer.commit()
    const [committed] = await consumer.committed([{ topic: TOPIC, partition: 0 }])
    assert.equal(committed?.offset, 20)
    const { groups } = await admin.listGroups()
    assert.deepEqual(
      groups.map(({ groupId, protocolType }) => [groupId, protocolType]),
      [['g', 'consumer']],
    )
    const [described] = await admin.describeConsumerGroups(['g'])
    assert.equal(described?.state, 'Stable')
    assert.equal(described.members[0]?.assignment?.length, 2)
  } finally {
    await consumer.close()
  }
  await admin.alterConsumerGroupOffsets('g', [{ topic: TOPIC, partition: 1, offset: 0 }])
  const offsets = async () => (await admin.listConsumerGroupOffsets('g')).map(({ partition, offset }) => [partition, offset])
  assert.deepEqual((await offsets()).sort(), [
    [0, 20],
    [1, 0],
  ])
  await admin.deleteConsumerGroupOffsets('g', [{ topic: TOPIC, partition: 0 }])
  assert.deepEqual(await offsets(), [[1, 0]])
  const [deleted] = await admin.deleteConsumerGroups(['g'])
  assert.equal(deleted?.error, null)
}

async function transactions({ properties }: Bench, admin: Admin): Promise<void> {
  const place = { topic: TOPIC, partition: 1 }
  const producer = new Producer(properties({ 'transactional.id': 'tx' }), { logger })
  try {
    await producer.initTransactions()
    for (const ends of ['committed', 'aborted'] as const) {
      producer.beginTransaction()
      producer.send(TOPIC, 1, 1, null, ends, null, null)
      await producer.flush()
      await producer.sendOffsetsToTransaction([{ ...place, offset: 1 }], { groupId: 'tx-group' })
      if (ends === 'committed') await producer.commitTransaction()
      else await producer.abortTransaction()
    }
    producer.beginTransaction()
    producer.send(TOPIC, 1, 1, null, 'hanging', null, null)
    await producer.flush()
    const [described] = await admin.describeTransactions(['tx'])
    assert.equal(described?.state, 'Ongoing')
    const { transactions } = await admin.listTransactions()
    assert.deepEqual(
      transactions.map(({ transactionalId }) => transactionalId),
      ['tx'],
    )
    const [producers] = await admin.describeProducers([place])
    const hanging = producers?.producers.find(({ transactionStartOffset }) => transactionStartOffset >= 0)
    assert.ok(hanging)
    await admin.abortTransaction({ ...place, ...hanging, coordinatorEpoch: Math.max(0, hanging.coordinatorEpoch) })
    const [fenced] = await admin.fenceProducers(['tx'])
    assert.equal(fenced?.error, null)
  } finally {
    await producer.close({ timeoutMs: 0 })
  }
  const reader = new Consumer(properties({ 'auto.offset.reset': 'earliest', 'isolation.level': 'read_committed' }), { logger })
  try {
    reader.assign([place])
    assert.deepEqual(await read(reader, 1), ['committed'])
    const [end] = await admin.listOffsets([{ ...place, timestamp: OffsetAt.latest }], { isReadCommitted: true })
    await waitFor(
      async () => {
        assert.equal((await reader.poll(50)).count, 0)
        return (await reader.position(place)) === end?.offset
      },
      { what: 'the end of the partition', intervalMs: 0 },
    )
  } finally {
    await reader.close()
  }
}

async function read(consumer: Consumer, count: number): Promise<string[]> {
  const values: string[] = []
  const poll = async () => {
    for (const records of (await consumer.poll(50)).partitions) {
      while (records.next()) values.push(records.buffer.toString('utf8', records.valueStart, records.valueEnd))
    }
    return values.length >= count
  }
  await waitFor(poll, { what: `${count} records`, intervalMs: 0, describe: () => values })
  return values
}

const numbers = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, i) => `${from + i}`)

/** A consumer whose partition has a new leader, which it asks where the epoch ends that it has read (KIP-320). */
async function leaderChange({ broker, tap, properties }: Bench): Promise<void> {
  const producer = new Producer(properties(), { logger })
  const consumer = new Consumer(properties({ 'auto.offset.reset': 'earliest' }), { logger })
  try {
    producer.send('led', 0, 1, null, 'before', null, null)
    await producer.flush()
    consumer.assign([{ topic: 'led', partition: 0 }])
    assert.deepEqual(await read(consumer, 1), ['before'])
    broker.faults.inject({ kind: 'leader-change', topic: 'led' })
    const isAsked = async () => {
      await consumer.poll(20)
      return tap.seen.has('OffsetForLeaderEpoch')
    }
    await waitFor(isAsked, { what: 'the new leader to be asked', intervalMs: 0 })
    producer.send('led', 0, 1, null, 'after', null, null)
    assert.deepEqual(await read(consumer, 1), ['after'])
  } finally {
    await consumer.close()
    await producer.close()
  }
}

/**
 * The newest version of each request that brokers of Kafka 2.1 have, the oldest that the client is for: no version before it is ever agreed on. What is missing
 * came later.
 */
const versionsOfOldestBroker: { readonly [A in ApiName]?: number } = {
  Produce: 7,
  Fetch: 10,
  ListOffsets: 4,
  Metadata: 7,
  OffsetCommit: 6,
  OffsetFetch: 5,
  FindCoordinator: 2,
  JoinGroup: 3,
  Heartbeat: 2,
  LeaveGroup: 2,
  SyncGroup: 2,
  DescribeGroups: 2,
  ListGroups: 2,
  SaslHandshake: 1,
  ApiVersions: 2,
  CreateTopics: 3,
  DeleteTopics: 3,
  DeleteRecords: 1,
  InitProducerId: 1,
  AddPartitionsToTxn: 1,
  AddOffsetsToTxn: 1,
  EndTxn: 1,
  TxnOffsetCommit: 2,
  DescribeAcls: 1,
  CreateAcls: 1,
  DeleteAcls: 1,
  DescribeConfigs: 2,
  SaslAuthenticate: 0,
  CreatePartitions: 1,
  DeleteGroups: 1,
}

/** Asked only where all others of its time are there, so it has a test of its own. */
const LEADER_EPOCH_VERSIONS = { min: 3, max: 4 } as const

/** Requests that the sources of the client name. */
function requestsOfClient(): ApiName[] {
  const folder = join(import.meta.dirname, '..', '..', 'packages', 'kafka', 'src')
  const files = globSync('**/*.ts', { cwd: folder, exclude: (file) => file.endsWith('.test.ts') })
  const sources = files.map((file) => readFileSync(join(folder, file), 'utf8')).join('\n')
  return (Object.keys(apis) as ApiName[]).filter((api) => sources.includes(`'${api}'`) && api !== 'OffsetForLeaderEpoch')
}

function offeredVersions(api: ApiName): VersionRange {
  return brokerApis.find(({ name }) => name === api)!.versions
}

/** What goes over the wire: for ApiVersions, also the newest, which is refused. */
function withRefused(api: ApiName, version: number, newest: number): number[] {
  return api === 'ApiVersions' && version < newest ? [version, newest] : [version]
}

/** Fetch names topics by their ids from 13 on, which it has to know from Metadata 10 or later: no broker has the one without the other. */
const stepsLater: { readonly [A in ApiName]?: number } = { Metadata: 5 }

/** From the newest version that both sides have down to the oldest, one step for each; those with fewer versions stay at their oldest. */
function versionAt(step: number, api: ApiName, { min, max }: VersionRange): number {
  return Math.max(min, Math.min(max, max - step + (stepsLater[api] ?? 0)))
}

describe('the client does the same in every version that it may negotiate', () => {
  /** What client and broker have in common, by what they agree on when nothing is limited. */
  const common = new Map<ApiName, VersionRange>()

  test('with a broker that offers all that it has; every request of the client is used', async (t) => {
    const made = await bench(t, {})
    await useEverything(made, (api) => made.tap.seen.has(api))
    for (const [api, versions] of made.tap.seen) {
      const offered = offeredVersions(api)
      common.set(api, { min: Math.max(offered.min, versionsOfOldestBroker[api] ?? apis[api].versions.min), max: Math.max(...versions) })
    }
    const unused = requestsOfClient().filter((api) => !common.has(api))
    assert.deepEqual(unused, [], 'requests that the client has and this test does not use')
  })

  for (let version: number = LEADER_EPOCH_VERSIONS.min; version <= LEADER_EPOCH_VERSIONS.max; version++) {
    test(`OffsetForLeaderEpoch in version ${version}`, async (t) => {
      const made = await bench(t, { OffsetForLeaderEpoch: { min: version, max: version } })
      await leaderChange(made)
      assert.deepEqual(made.tap.seen.get('OffsetForLeaderEpoch'), new Set([version]))
    })
  }

  // Of some requests that is more than the client uses.
  const stepsMax = Math.max(...brokerApis.map(({ versions: { min, max } }) => max - min))
  for (let step = 0; step <= stepsMax; step++) {
    test(`in the version ${step} before the newest, or the oldest`, async (t) => {
      const versions = [...common].map(([api, range]) => [api, versionAt(step, api, range)] as const)
      // Nothing is left to do where all are at their oldest for the second time.
      if (versions.every(([api, version]) => step > 0 && version === versionAt(step - 1, api, common.get(api)!))) return
      const limits = versions.map(([api, max]) => [api, { min: offeredVersions(api).min, max }] as const)
      const made = await bench(t, Object.fromEntries(limits))
      await useEverything(made, (api) => made.tap.seen.has(api))
      for (const [api, version] of versions) assert.deepEqual([...made.tap.seen.get(api)!].toSorted(), withRefused(api, version, common.get(api)!.max), api)
    })
  }
})
