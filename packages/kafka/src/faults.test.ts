import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { type Broker, type RequestFault, startBroker } from '@millrace/broker'
import { ErrorCode, type KafkaError } from '@millrace/kafka-protocol'
import { randomBySeed, temporaryFolder, waitFor } from '@millrace/testing'
import { Admin } from './admin/admin.ts'
import type { Properties } from './config/client-properties.ts'
import { Consumer } from './consumer/consumer.ts'
import { leaveGroupOnBehalf } from './group/leave-group-on-behalf.ts'
import { type Logger, silentLogger } from './logger.ts'
import { Producer } from './producer/producer.ts'

/* How the client bears a broker that fails. What cannot be lost: each record ends exactly once, and order is kept. */

const TOPIC = 'faults'
const FAST: Properties = { 'retry.backoff.ms': '5', 'retry.backoff.max.ms': '20', 'reconnect.backoff.ms': '5', 'reconnect.backoff.max.ms': '20' }

interface Ended {
  readonly index: number
  readonly offset: number
  readonly error: KafkaError | null
}

class Bench {
  readonly broker: Broker
  readonly #context: TestContext

  constructor(broker: Broker, context: TestContext) {
    this.broker = broker
    this.#context = context
  }

  properties(more: Properties = {}): Properties {
    return { 'bootstrap.servers': `${this.broker.host}:${this.broker.port}`, ...FAST, ...more }
  }

  producer(more: Properties = {}, logger: Logger = silentLogger): Producer {
    const producer = new Producer(this.properties(more), { logger })
    this.#context.after(() => producer.close({ timeoutMs: 0 }))
    return producer
  }

  consumer(more: Properties = {}): Consumer {
    const consumer = new Consumer(this.properties({ 'auto.offset.reset': 'earliest', 'enable.auto.commit': 'false', ...more }), { logger: silentLogger })
    this.#context.after(() => consumer.close({ timeoutMs: 0 }))
    return consumer
  }

  fault(api: RequestFault['api'], action: RequestFault['action'], more: Partial<RequestFault> = {}): void {
    this.broker.faults.inject({ kind: 'request', api, action, times: 1, ...more })
  }

  /** Values of the topic, in order. */
  async values(count: number): Promise<string[]> {
    const consumer = this.consumer()
    consumer.assign([{ topic: TOPIC, partition: 0 }])
    return await readValues(consumer, count)
  }

  /** How many records are in the topic. */
  async endOffset(): Promise<number> {
    const consumer = this.consumer()
    const [end] = await consumer.endOffsets([{ topic: TOPIC, partition: 0 }])
    await consumer.close()
    return end!.offset
  }
}

async function bench(t: TestContext): Promise<Bench> {
  const endings: (() => void | Promise<void>)[] = []
  const dataDir = temporaryFolder({ after: (action) => endings.push(action) })
  const broker = await startBroker({ port: 0, dataDir, logger: silentLogger })
  // Clients are closed first: their hooks were registered later, so the broker has to wait for them in its own.
  t.after(async () => {
    await broker.close()
    for (const end of endings) await end()
  })
  const made = new Bench(broker, t)
  const admin = new Admin(made.properties(), { logger: silentLogger })
  await admin.createTopics([{ name: TOPIC, partitions: 1, replicationFactor: 1 }])
  await admin.close()
  return made
}

async function readValues(consumer: Consumer, count: number): Promise<string[]> {
  const values: string[] = []
  const poll = async () => {
    for (const records of (await consumer.poll(100)).partitions) {
      while (records.next()) values.push(records.buffer.toString('utf8', records.valueStart, records.valueEnd))
    }
    return values.length >= count
  }
  await waitFor(poll, { what: `${count} records`, intervalMs: 0, describe: () => values.length })
  return values
}

/** Sends values `0`, `1`, … and gives, once all have ended, their ends in the order in which they came. Sending goes on while faults act. */
async function sendNumbers(producer: Producer, count: number, act: (index: number) => void = () => undefined): Promise<Ended[]> {
  const ended: Ended[] = []
  for (let index = 0; index < count; index++) {
    act(index)
    if (!producer.hasRoom()) await producer.room()
    producer.send(TOPIC, 0, 1_000, null, `${index}`, null, {
      acknowledged: (_topic, _partition, offset) => ended.push({ index, offset, error: null }),
      failed: (error) => ended.push({ index, offset: -1, error }),
    })
    if (index % 50 === 49) await new Promise((resolve) => setImmediate(resolve))
  }
  await producer.flush()
  return ended
}

const numbers = (count: number): string[] => Array.from({ length: count }, (_, i) => `${i}`)

type ProduceFault = Partial<RequestFault> & Pick<RequestFault, 'action'>

const RETRIED: readonly ProduceFault[] = [
  { action: 'drop' },
  { action: 'lose-answer' },
  { action: 'error', errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER },
  { action: 'error', errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION },
  { action: 'error', errorCode: ErrorCode.REQUEST_TIMED_OUT },
  { action: 'error', errorCode: ErrorCode.NOT_ENOUGH_REPLICAS },
]

/** Said of a batch that the broker does not have. Of one that it has, with its answer lost, they would be lies that nothing can be built on. */
const OUT_OF_SEQUENCE: readonly ProduceFault[] = [
  { action: 'error', errorCode: ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER },
  { action: 'error', errorCode: ErrorCode.UNKNOWN_PRODUCER_ID },
]

for (const fault of [...RETRIED, ...OUT_OF_SEQUENCE]) {
  const name = fault.errorCode === undefined ? fault.action : Object.entries(ErrorCode).find(([, code]) => code === fault.errorCode)?.[0]
  test(`an idempotent producer loses, doubles and reorders nothing when produce requests meet ${name}`, async (t) => {
    const made = await bench(t)
    const producer = made.producer({ 'batch.size': '500', 'linger.ms': '0' })
    const ended = await sendNumbers(producer, 3_000, (index) => {
      if (index % 700 === 350) made.fault('Produce', fault.action, fault)
    })
    assert.deepEqual(
      ended.map(({ index, error }) => [index, error]),
      numbers(3_000).map((_, index) => [index, null]),
    )
    assert.deepEqual(await made.values(3_000), numbers(3_000))
    assert.equal(await made.endOffset(), 3_000)
  })
}

test('nothing is lost, doubled or reordered under random faults, by seed', async (t) => {
  const seed = Number(process.env.MILLRACE_SEED ?? Math.floor(Math.random() * 2 ** 31))
  t.diagnostic(`MILLRACE_SEED=${seed}`)
  const random = randomBySeed(seed)
  const made = await bench(t)
  const producer = made.producer({ 'batch.size': '400', 'linger.ms': '0' })
  const ended = await sendNumbers(producer, 10_000, () => {
    if (random() > 0.004) return
    const fault = RETRIED[Math.floor(random() * RETRIED.length)]!
    const api = random() < 0.8 ? 'Produce' : 'Metadata'
    made.fault(api, api === 'Metadata' ? 'drop' : fault.action, fault)
  })
  assert.deepEqual(
    ended.map(({ index, error }) => [index, error]),
    numbers(10_000).map((_, index) => [index, null]),
    `MILLRACE_SEED=${seed}`,
  )
  assert.deepEqual(await made.values(10_000), numbers(10_000), `MILLRACE_SEED=${seed}`)
  assert.equal(await made.endOffset(), 10_000)
})

test('without idempotence, one request in flight keeps the order through refusals', async (t) => {
  const made = await bench(t)
  const producer = made.producer({ 'enable.idempotence': 'false', 'max.in.flight.requests.per.connection': '1', 'batch.size': '500', 'linger.ms': '0' })
  const ended = await sendNumbers(producer, 3_000, (index) => {
    if (index % 300 === 150) made.fault('Produce', 'error', { errorCode: ErrorCode.NOT_ENOUGH_REPLICAS })
  })
  assert.ok(ended.every(({ error }) => error === null))
  assert.deepEqual(await made.values(3_000), numbers(3_000))
})

test('a batch that is refused for good fails alone; the others stay in order and are there once', async (t) => {
  const made = await bench(t)
  const producer = made.producer({ 'batch.size': '500', 'linger.ms': '0' })
  const ended = await sendNumbers(producer, 2_000, (index) => {
    if (index === 1_000) made.fault('Produce', 'error', { errorCode: ErrorCode.INVALID_TIMESTAMP })
  })
  assert.equal(ended.length, 2_000)
  const failed = ended.filter(({ error }) => error)
  assert.ok(failed.length > 0 && failed.length < 200, `${failed.length} records have failed`)
  assert.ok(failed.every(({ error }) => error?.code === 'INVALID_TIMESTAMP'))
  const expected = ended.filter(({ error }) => !error).map(({ index }) => `${index}`)
  assert.deepEqual(await made.values(expected.length), expected)
  assert.equal(await made.endOffset(), expected.length)
  assert.deepEqual(
    expected,
    [...expected].sort((a, b) => Number(a) - Number(b)),
  )
})

test('records that cannot be delivered fail after delivery.timeout.ms, each once, and their memory is free again', async (t) => {
  const made = await bench(t)
  const producer = made.producer({ 'delivery.timeout.ms': '300', 'request.timeout.ms': '100', 'linger.ms': '0' })
  await producer.partitionsFor(TOPIC)
  made.fault('Produce', 'drop', { times: 1_000_000 })
  const ended = await sendNumbers(producer, 500)
  assert.deepEqual(
    ended.map(({ index, error }) => [index, error?.code]),
    numbers(500).map((_, index) => [index, 'REQUEST_TIMED_OUT']),
  )
  assert.match(ended[0]!.error!.message, /^Expiring \d+ record\(s\) for faults-0:\d+ ms has passed since batch creation$/)
  assert.equal(producer.metrics.bytesBuffered, 0)
  made.broker.faults.clear()
  assert.deepEqual(
    (await sendNumbers(producer, 3)).map(({ error }) => error),
    [null, null, null],
  )
})

test('an answer that does not come in time is asked for again', async (t) => {
  const made = await bench(t)
  const producer = made.producer({ 'request.timeout.ms': '100', 'linger.ms': '0' })
  await producer.partitionsFor(TOPIC)
  made.fault('Produce', 'delay', { delayMs: 2_000 })
  const ended = await sendNumbers(producer, 10)
  assert.deepEqual(
    ended.map(({ error }) => error),
    Array(10).fill(null),
  )
  assert.equal(await made.endOffset(), 10)
})

test('without retries an unanswered batch fails at once', async (t) => {
  const made = await bench(t)
  const producer = made.producer({ retries: '0', 'linger.ms': '0' })
  await producer.partitionsFor(TOPIC)
  made.fault('Produce', 'drop')
  const [ended] = await sendNumbers(producer, 1)
  assert.equal(ended?.error?.code, 'NETWORK_EXCEPTION')
})

test('a producer whose idempotence is refused goes on without, after one warning', async (t) => {
  const made = await bench(t)
  const warnings: string[] = []
  const logger = { ...silentLogger, warn: (line: string) => warnings.push(line) }
  made.fault('InitProducerId', 'error', { errorCode: ErrorCode.CLUSTER_AUTHORIZATION_FAILED })
  const ended = await sendNumbers(made.producer({ 'linger.ms': '0' }, logger), 100)
  assert.ok(ended.every(({ error }) => error === null))
  assert.equal(warnings.length, 1)
  assert.match(warnings[0]!, /refuses an idempotent producer/)
  assert.deepEqual(await made.values(100), numbers(100))
})

test('a producer that insists on idempotence fails its records when that is refused', async (t) => {
  const made = await bench(t)
  made.fault('InitProducerId', 'error', { errorCode: ErrorCode.CLUSTER_AUTHORIZATION_FAILED })
  const ended = await sendNumbers(made.producer({ 'enable.idempotence': 'true' }), 10)
  assert.ok(ended.every(({ error }) => error?.code === 'CLUSTER_AUTHORIZATION_FAILED'))
})

test('a topic that does not become known fails its records after max.block.ms', async (t) => {
  const made = await bench(t)
  const producer = made.producer({ 'max.block.ms': '100' })
  made.fault('Metadata', 'drop', { times: 1_000_000 })
  const ended = await sendNumbers(producer, 3)
  assert.deepEqual(
    ended.map(({ error }) => error?.message),
    Array(3).fill('Topic faults not present in metadata after 100 ms.'),
  )
  await assert.rejects(producer.partitionsFor(TOPIC), { code: 'REQUEST_TIMED_OUT' })
})

test('a partition that does not exist holds up its topic until max.block.ms, then fails alone', async (t) => {
  const made = await bench(t)
  const producer = made.producer({ 'max.block.ms': '100' })
  const { promise, resolve } = Promise.withResolvers<KafkaError>()
  producer.send(TOPIC, 5, 0, null, 'x', null, { acknowledged: () => undefined, failed: resolve })
  assert.equal((await promise).message, 'Partition 5 of topic faults with partition count 1 is not present in metadata after 100 ms.')
})

test('a consumer bears lost fetches and errors that pass, without losing or doubling a record', async (t) => {
  const made = await bench(t)
  await sendNumbers(made.producer(), 5_000)
  const consumer = made.consumer({ 'max.partition.fetch.bytes': '5000', 'max.poll.records': '100' })
  consumer.assign([{ topic: TOPIC, partition: 0 }])
  const seen: string[] = []
  const faults = [
    () => made.fault('Fetch', 'drop'),
    () => made.fault('Fetch', 'lose-answer'),
    () => made.fault('Fetch', 'error', { errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER }),
    () => made.fault('Fetch', 'error', { errorCode: ErrorCode.UNKNOWN_SERVER_ERROR }),
    () => made.fault('ListOffsets', 'error', { errorCode: ErrorCode.LEADER_NOT_AVAILABLE }),
  ]
  faults.at(-1)!()
  const poll = async () => {
    const records = await consumer.poll(50)
    for (const partition of records.partitions) while (partition.next()) seen.push(partition.buffer.toString('utf8', partition.valueStart, partition.valueEnd))
    if (seen.length % 700 < 100) faults.shift()?.()
    return seen.length >= 5_000
  }
  await waitFor(poll, { what: '5000 records', intervalMs: 0 })
  assert.deepEqual(seen, numbers(5_000))
})

test('a consumer reads again from where a log was truncated, and nothing twice where it was not', async (t) => {
  const made = await bench(t)
  const producer = made.producer({ 'batch.size': '0', 'linger.ms': '0' })
  await sendNumbers(producer, 6)
  const consumer = made.consumer()
  consumer.assign([{ topic: TOPIC, partition: 0 }])
  assert.deepEqual(await readValues(consumer, 6), numbers(6))
  made.broker.faults.inject({ kind: 'leader-change', topic: TOPIC, awayMs: 20 })
  await sendNumbers(producer, 2)
  assert.deepEqual(await readValues(consumer, 2), numbers(2))
  made.broker.faults.inject({ kind: 'leader-change', topic: TOPIC, truncateTo: 5 })
  await sendNumbers(made.producer(), 5)
  assert.deepEqual(await readValues(consumer, 5), numbers(5))
  assert.equal(await consumer.position({ topic: TOPIC, partition: 0 }), 10)
})

test('a group goes on where its log was truncated, by the leader epoch that it had committed', async (t) => {
  const made = await bench(t)
  await sendNumbers(made.producer({ 'batch.size': '0' }), 6)
  const member = () => {
    const consumer = made.consumer({ 'group.id': 'g' })
    consumer.subscribe({ topics: [TOPIC] }, { revoked: () => undefined, assigned: () => undefined })
    return consumer
  }
  const first = member()
  await readValues(first, 6)
  await first.commit([{ topic: TOPIC, partition: 0, offset: 6 }])
  const [committed] = await first.committed([{ topic: TOPIC, partition: 0 }])
  assert.ok(committed!.leaderEpoch >= 0)
  await first.close()
  made.broker.faults.inject({ kind: 'leader-change', topic: TOPIC, truncateTo: 3 })
  await sendNumbers(made.producer({ 'batch.size': '0' }), 5)
  const second = member()
  // Three of the first epoch are left; without the epoch, it would have begun in the middle of the five.
  assert.deepEqual(await readValues(second, 5), numbers(5))
})

test('offsets are found by time, and left out where no record is that young', async (t) => {
  const made = await bench(t)
  const producer = made.producer({ 'batch.size': '0' })
  for (const timestamp of [1_000, 2_000, 3_000]) producer.send(TOPIC, 0, timestamp, null, 'x', null, null)
  await producer.flush()
  const consumer = made.consumer()
  const found = async (timestamp: number) =>
    (await consumer.offsetsForTimes([{ topic: TOPIC, partition: 0, timestamp }])).map(({ offset, timestamp }) => [offset, timestamp])
  assert.deepEqual(await found(0), [[0, 1_000]])
  assert.deepEqual(await found(1_001), [[1, 2_000]])
  assert.deepEqual(await found(3_001), [])
  await assert.rejects(found(-1), { code: 'ILLEGAL_STATE' })
})

test('a member that the coordinator forgets loses its partitions, joins again and goes on where it had committed', async (t) => {
  const made = await bench(t)
  await sendNumbers(made.producer(), 100)
  const consumer = made.consumer({ 'group.id': 'g', 'heartbeat.interval.ms': '20', 'max.poll.records': '50' })
  const events: string[] = []
  consumer.subscribe(
    { topics: [TOPIC] },
    {
      revoked: () => void events.push('revoked'),
      lost: (partitions) => void events.push(`lost ${partitions.length}`),
      assigned: (partitions) => void events.push(`assigned ${partitions.length}`),
    },
  )
  await readValues(consumer, 50)
  await consumer.commit()
  const { memberId } = consumer.groupMetadata()!
  await leaveGroupOnBehalf(made.properties(), { groupId: 'g', memberId })
  const values: string[] = []
  const poll = async () => {
    for (const records of (await consumer.poll(0)).partitions) {
      if (events.length >= 3) while (records.next()) values.push(records.buffer.toString('utf8', records.valueStart, records.valueEnd))
    }
    return values.length > 0
  }
  await waitFor(poll, { what: 'the partitions to come back', intervalMs: 5 })
  assert.deepEqual(events, ['assigned 1', 'lost 1', 'assigned 1'])
  assert.equal(values[0], '50')
  assert.notEqual(consumer.groupMetadata()?.memberId, memberId)

  const late = consumer.groupMetadata()!
  made.fault('Heartbeat', 'error', { errorCode: ErrorCode.ILLEGAL_GENERATION })
  await waitFor(async () => (await consumer.poll(0), events.length >= 5), { what: 'the partitions to come back again', intervalMs: 5 })
  assert.deepEqual(events.slice(3), ['lost 1', 'assigned 1'])
  assert.equal(consumer.groupMetadata()?.memberId, late.memberId)
})

test('joining goes on through every coordinator error that passes', async (t) => {
  const made = await bench(t)
  const consumer = made.consumer({ 'group.id': 'g', 'heartbeat.interval.ms': '20' })
  made.fault('FindCoordinator', 'error', { errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE })
  for (const errorCode of [ErrorCode.COORDINATOR_LOAD_IN_PROGRESS, ErrorCode.NOT_COORDINATOR, ErrorCode.COORDINATOR_NOT_AVAILABLE]) {
    made.fault('JoinGroup', 'error', { errorCode })
  }
  made.fault('JoinGroup', 'drop')
  for (const errorCode of [ErrorCode.NOT_COORDINATOR, ErrorCode.REBALANCE_IN_PROGRESS, ErrorCode.ILLEGAL_GENERATION])
    made.fault('SyncGroup', 'error', { errorCode })
  consumer.subscribe({ topics: [TOPIC] }, { revoked: () => undefined, assigned: () => undefined })
  await waitFor(async () => (await consumer.poll(10), consumer.assignment().length === 1), { what: 'an assignment', intervalMs: 0 })
  for (const errorCode of [ErrorCode.COORDINATOR_LOAD_IN_PROGRESS, ErrorCode.NOT_COORDINATOR]) made.fault('OffsetCommit', 'error', { errorCode })
  made.fault('OffsetCommit', 'lose-answer')
  await consumer.commit([{ topic: TOPIC, partition: 0, offset: 7 }])
  assert.equal((await consumer.committed([{ topic: TOPIC, partition: 0 }]))[0]?.offset, 7)
})

test('a commit of a generation that has passed is refused, and missing rights are thrown by poll', async (t) => {
  const made = await bench(t)
  const consumer = made.consumer({ 'group.id': 'g' })
  consumer.subscribe({ topics: [TOPIC] }, { revoked: () => undefined, assigned: () => undefined })
  await waitFor(async () => (await consumer.poll(10), consumer.assignment().length === 1), { what: 'an assignment', intervalMs: 0 })
  const offsets = [{ topic: TOPIC, partition: 0, offset: 7 }]
  made.fault('OffsetCommit', 'error', { errorCode: ErrorCode.ILLEGAL_GENERATION })
  await assert.rejects(consumer.commit(offsets), { code: 'COMMIT_FAILED' })
  made.fault('OffsetCommit', 'error', { errorCode: ErrorCode.REBALANCE_IN_PROGRESS })
  await assert.rejects(consumer.commit(offsets), { code: 'REBALANCE_IN_PROGRESS' })

  const other = made.consumer({ 'group.id': 'other' })
  made.fault('JoinGroup', 'error', { errorCode: ErrorCode.GROUP_AUTHORIZATION_FAILED })
  other.subscribe({ topics: [TOPIC] }, { revoked: () => undefined, assigned: () => undefined })
  const polls = async () => {
    for (;;) await other.poll(10)
  }
  await assert.rejects(polls(), { code: 'GROUP_AUTHORIZATION_FAILED' })
})

test('a member that does not poll for too long leaves, and has lost its partitions when it comes back', async (t) => {
  const made = await bench(t)
  const consumer = made.consumer({ 'group.id': 'g', 'heartbeat.interval.ms': '10', 'max.poll.interval.ms': '200' })
  const events: string[] = []
  consumer.subscribe(
    { topics: [TOPIC] },
    { revoked: () => void events.push('revoked'), lost: () => void events.push('lost'), assigned: () => void events.push('assigned') },
  )
  await waitFor(async () => (await consumer.poll(10), events.length === 1), { what: 'an assignment', intervalMs: 0 })
  await waitFor(() => consumer.groupMetadata() === null, { what: 'the member to leave', intervalMs: 5 })
  await waitFor(async () => (await consumer.poll(10), events.length === 3), { what: 'the next assignment', intervalMs: 0 })
  assert.deepEqual(events, ['assigned', 'lost', 'assigned'])
})

test('a group that is left on behalf of a member gives its partitions to the others', async (t) => {
  const made = await bench(t)
  const memberships: (string | null)[] = []
  const dead = new Consumer(made.properties({ 'group.id': 'g', 'heartbeat.interval.ms': '10000' }), {
    logger: silentLogger,
    membershipChanged: (membership) => memberships.push(membership && `${membership.groupId} ${membership.memberId} ${membership.generation}`),
  })
  t.after(() => dead.close({ timeoutMs: 0 }))
  dead.subscribe({ topics: [TOPIC] }, { revoked: () => undefined, assigned: () => undefined })
  await waitFor(async () => (await dead.poll(10), dead.assignment().length === 1), { what: 'an assignment', intervalMs: 0 })
  const { groupId, memberId, generation } = dead.groupMetadata()!
  assert.equal(memberships.at(-1), `g ${memberId} ${generation}`)

  await leaveGroupOnBehalf(made.properties(), { groupId, memberId })
  const heir = made.consumer({ 'group.id': 'g' })
  heir.subscribe({ topics: [TOPIC] }, { revoked: () => undefined, assigned: () => undefined })
  await waitFor(async () => (await heir.poll(10), heir.assignment().length === 1), { what: 'the partition to come over', intervalMs: 0 })
  // Gone already is what was wanted.
  await leaveGroupOnBehalf(made.properties(), { groupId, memberId })
})

test('clients wait for a broker that is not there yet, and survive one that comes back', async (t) => {
  const endings: (() => void | Promise<void>)[] = []
  const dataDir = temporaryFolder({ after: (action) => endings.push(action) })
  const first = await startBroker({ port: 0, dataDir, logger: silentLogger })
  const { port } = first
  const made = new Bench(first, t)
  const producer = made.producer({ 'linger.ms': '0' })
  await sendNumbers(producer, 10)
  await first.close()
  const sending = sendNumbers(producer, 20)
  const consumer = made.consumer()
  consumer.assign([{ topic: TOPIC, partition: 0 }])
  assert.equal((await consumer.poll(50)).count, 0)

  const second = await startBroker({ port, dataDir, logger: silentLogger })
  t.after(async () => {
    await second.close()
    for (const end of endings) await end()
  })
  assert.ok((await sending).every(({ error }) => error === null))
  assert.equal((await readValues(consumer, 30)).length, 30)
})
