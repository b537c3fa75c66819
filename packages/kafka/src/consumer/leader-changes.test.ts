import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { ErrorCode, type RequestBody, type ResponseInput } from '@millrace/kafka-protocol'
import { waitFor } from '@millrace/testing'
import type { Properties } from '../config/client-properties.ts'
import { batchOfEpoch, type ScriptedAnswer, ScriptedBrokers, type ScriptedRequest } from '../fixtures/scripted-brokers.ts'
import { silentLogger as logger } from '../logger.ts'
import { Consumer } from './consumer.ts'

/* How the consumer gets from one leader to the next, without waiting for what will not come and without reading what was never there. */

const T0 = { topic: 't', partition: 0 }
type FetchedPartition = ResponseInput<'Fetch'>['responses'][number]['partitions'][number]

/** One log that all brokers have: a batch of one record for each epoch given, by offset. */
class Bench {
  readonly brokers: ScriptedBrokers
  readonly consumer: Consumer
  /** The epoch of each record. */
  log: number[]

  constructor(brokers: ScriptedBrokers, consumer: Consumer, log: number[]) {
    this.brokers = brokers
    this.consumer = consumer
    this.log = log
  }

  /** What the leader of the metadata answers; others say who leads. */
  readonly fetch = ({ broker, body }: ScriptedRequest<'Fetch'>): Promise<ScriptedAnswer<'Fetch'>> => {
    const { leader, leaderEpoch } = this.brokers.topics.t![0]!
    if (broker === leader) return this.answer(body)
    return this.answer(body, { errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER, currentLeader: { leaderId: leader, leaderEpoch } })
  }

  async answer({ topics, maxWaitMs }: RequestBody<'Fetch'>, instead: Partial<FetchedPartition> = {}): Promise<ScriptedAnswer<'Fetch'>> {
    const [topic] = topics
    const offset = topic?.partitions[0]?.fetchOffset ?? 0
    const records = this.log.slice(offset).map((epoch, i) => batchOfEpoch(epoch, offset + i, [`${offset + i}`]))
    if (records.length === 0 && instead.errorCode === undefined) await new Promise((resolve) => setTimeout(resolve, Math.min(maxWaitMs, 10)))
    const whole = { highWatermark: this.log.length, lastStableOffset: this.log.length, logStartOffset: 0, abortedTransactions: null }
    const errorCode = offset > this.log.length ? ErrorCode.OFFSET_OUT_OF_RANGE : 0
    const partition = { partitionIndex: 0, errorCode, ...whole, records: Buffer.concat(records), ...instead }
    if (partition.errorCode !== 0) partition.records = Buffer.alloc(0)
    const nodeEndpoints = instead.currentLeader ? [this.endpoint(instead.currentLeader.leaderId!)] : []
    return { responses: [{ topic: 't', topicId: topic?.topicId ?? '', partitions: [partition] }], nodeEndpoints }
  }

  endpoint(nodeId: number): { nodeId: number; host: string; port: number } {
    return { nodeId, host: '127.0.0.1', port: this.brokers.port(nodeId) }
  }

  /** Where epochs end in the log. */
  readonly epochEnd = ({ body }: ScriptedRequest<'OffsetForLeaderEpoch'>): ScriptedAnswer<'OffsetForLeaderEpoch'> => {
    const asked = body.topics[0]!.partitions[0]!.leaderEpoch
    const leaderEpoch = Math.max(-1, ...this.log.filter((epoch) => epoch <= asked))
    const endOffset = leaderEpoch < 0 ? -1 : this.log.lastIndexOf(leaderEpoch) + 1
    return { topics: [{ topic: 't', partitions: [{ errorCode: 0, partition: 0, leaderEpoch, endOffset }] }] }
  }

  async read(count: number): Promise<string[]> {
    const values: string[] = []
    const poll = async () => {
      for (const records of (await this.consumer.poll(20)).partitions) {
        while (records.next()) values.push(records.buffer.toString('utf8', records.valueStart, records.valueEnd))
      }
      return values.length >= count
    }
    await waitFor(poll, { what: `${count} records`, intervalMs: 0, deadlineMs: 5_000, describe: () => values })
    return values
  }

  moveTo(leader: number): void {
    const { leaderEpoch } = this.brokers.topics.t![0]!
    this.brokers.topics = { t: [{ leader, leaderEpoch: leaderEpoch + 1 }] }
  }
}

async function bench(t: TestContext, { log = [1, 1, 1], ...properties }: { readonly log?: number[] } & Record<string, unknown> = {}): Promise<Bench> {
  const brokers = await ScriptedBrokers.start(t, 2)
  brokers.topics = { t: [{ leader: 1, leaderEpoch: 1 }] }
  const fast: Properties = { 'retry.backoff.ms': '2', 'retry.backoff.max.ms': '5', 'reconnect.backoff.ms': '2', 'fetch.max.wait.ms': '20' }
  const all = { 'bootstrap.servers': brokers.bootstrapServers, 'enable.auto.commit': 'false', 'auto.offset.reset': 'earliest', ...fast }
  const consumer = new Consumer({ ...all, ...(properties as Properties) }, { logger })
  t.after(() => consumer.close({ timeoutMs: 0 }))
  const made = new Bench(brokers, consumer, log)
  brokers.on('Fetch', made.fetch)
  brokers.on('OffsetForLeaderEpoch', made.epochEnd)
  consumer.assign([T0])
  consumer.seek({ ...T0, offset: 0 })
  return made
}

test('goes to the leader that the former one names, whatever the metadata say', async (t) => {
  const made = await bench(t)
  await made.read(3)
  made.log.push(2, 2)
  // The metadata still name the former leader: they must not bring it back.
  const leader = { leaderId: 2, leaderEpoch: 2 }
  made.brokers.on('Fetch', ({ broker, body }) => {
    return made.answer(body, broker === 2 ? {} : { errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER, currentLeader: leader })
  })
  assert.deepEqual(await made.read(2), ['3', '4'])
})

test('does not wait for a leader that no longer answers once there is another', async (t) => {
  const made = await bench(t, { 'metadata.max.age.ms': '50' })
  await made.read(3)
  made.brokers.on('Fetch', (request) => (request.broker === 1 ? 'silence' : made.fetch(request)))
  await made.read(0)
  made.moveTo(2)
  made.log.push(2)
  assert.deepEqual(await made.read(1), ['3'])
})

test('checks its position with each new leader, in the epoch of that leader, and reads on', async (t) => {
  const made = await bench(t)
  await made.read(3)
  made.moveTo(2)
  made.log.push(2)
  assert.deepEqual(await made.read(1), ['3'])
  const [check] = made.brokers.of('OffsetForLeaderEpoch')
  assert.equal(check?.broker, 2)
  assert.deepEqual(check.body.topics, [{ topic: 't', partitions: [{ partition: 0, currentLeaderEpoch: 2, leaderEpoch: 1 }] }])
  const last = made.brokers.of('Fetch').findLast(({ body }) => body.topics.length > 0)!
  assert.equal(last.body.topics[0]!.partitions[0]!.currentLeaderEpoch, 2)
})

test('goes back to where the log has parted from what it had read', async (t) => {
  const made = await bench(t, { log: [1, 1, 1, 1, 1] })
  assert.equal((await made.read(5)).length, 5)
  // The new leader had only two records of the first epoch.
  made.log = [1, 1, 2, 2, 2, 2, 2]
  made.moveTo(2)
  assert.deepEqual(await made.read(5), ['2', '3', '4', '5', '6'])
})

test('tells of a truncated log with its offsets where there is no reset policy, until somebody seeks', async (t) => {
  const made = await bench(t, { log: [1, 1, 1, 1, 1], 'auto.offset.reset': 'none' })
  await made.read(5)
  made.log = [1, 1, 2, 2, 2, 2, 2]
  made.moveTo(2)
  const polled = async () => {
    for (;;) await made.consumer.poll(50)
  }
  const expected = { code: 'LOG_TRUNCATED', retriable: false, message: /divergent offsets \{t-0=2\}.*t-0 at offset 5 \(leader epoch 1\)/ }
  await assert.rejects(polled(), expected)
  await assert.rejects(polled(), expected)
  made.consumer.seek({ ...T0, offset: 2, leaderEpoch: 1 })
  assert.deepEqual(await made.read(5), ['2', '3', '4', '5', '6'])
})

test('begins anew by the reset policy where the new leader does not know the epoch', async (t) => {
  const made = await bench(t, { log: [3, 3, 3] })
  made.brokers.on('ListOffsets', () => ({
    topics: [{ name: 't', partitions: [{ partitionIndex: 0, errorCode: 0, offset: 0, timestamp: -1, leaderEpoch: 5 }] }],
  }))
  made.brokers.topics.t![0]!.leaderEpoch = 5
  made.consumer.seek({ ...T0, offset: 2, leaderEpoch: 1 })
  assert.deepEqual(await made.read(3), ['0', '1', '2'])
  assert.equal(made.brokers.of('ListOffsets')[0]!.body.topics[0]!.partitions[0]!.currentLeaderEpoch, 5)
})

test('hands out nothing of the former leader that it had fetched but not checked', async (t) => {
  const made = await bench(t, { log: [1, 1, 1, 1, 1], 'max.poll.records': '2', 'metadata.max.age.ms': '20' })
  assert.deepEqual(await made.read(2), ['0', '1'])
  made.log = [1, 1, 1, 2, 2, 2]
  made.moveTo(2)
  const known = made.brokers.of('Metadata').length
  // Both brokers may be asked at once, so the third is asked after the first was answered.
  await waitFor(() => made.brokers.of('Metadata').length >= known + 3, { what: 'new metadata', intervalMs: 1 })
  assert.deepEqual(await made.read(4), ['2', '3', '4', '5'])
})

for (const name of [
  'FENCED_LEADER_EPOCH',
  'UNKNOWN_LEADER_EPOCH',
  'OFFSET_NOT_AVAILABLE',
  'UNKNOWN_TOPIC_ID',
  'KAFKA_STORAGE_ERROR',
  'REPLICA_NOT_AVAILABLE',
] as const) {
  test(`tries again after ${name}, of a fetch and of a check`, async (t) => {
    const made = await bench(t)
    await made.read(2)
    let fetches = 0
    let checks = 0
    made.brokers.on('Fetch', (request) => (++fetches <= 3 ? made.answer(request.body, { errorCode: ErrorCode[name] }) : made.fetch(request)))
    made.brokers.on('OffsetForLeaderEpoch', (request) => {
      if (++checks > 3) return made.epochEnd(request)
      return { topics: [{ topic: 't', partitions: [{ errorCode: ErrorCode[name], partition: 0, leaderEpoch: -1, endOffset: -1 }] }] }
    })
    made.moveTo(2)
    made.log.push(2)
    await made.read(1)
    assert.ok(fetches > 3 || checks > 3)
  })
}

test('reads from the replica that the leader names, and from the leader where the replica cannot help', async (t) => {
  const made = await bench(t, { 'client.rack': 'here' })
  made.brokers.on('Fetch', ({ broker, body }) => made.answer(body, broker === 1 ? { preferredReadReplica: 2, records: null } : {}))
  assert.deepEqual(await made.read(3), ['0', '1', '2'])
  assert.deepEqual([...new Set(made.brokers.of('Fetch').map(({ broker, body }) => `${broker} ${body.rackId}`))], ['1 here', '2 here'])
  made.log.push(1)
  made.brokers.on('Fetch', ({ broker, body }) => made.answer(body, broker === 2 ? { errorCode: ErrorCode.OFFSET_OUT_OF_RANGE } : {}))
  assert.deepEqual(await made.read(1), ['3'])
})

test('a fetch that lacks a partition which has failed is not held back for longer than until that is fetched again', async (t) => {
  const made = await bench(t, { 'fetch.max.wait.ms': '60000', 'retry.backoff.ms': '50', 'retry.backoff.max.ms': '50' })
  made.brokers.topics = { t: [0, 1].map(() => ({ leader: 1, leaderEpoch: 1 })) }
  const partitions = [T0, { topic: 't', partition: 1 }]
  made.consumer.assign(partitions)
  for (const partition of partitions) made.consumer.seek({ ...partition, offset: 0 })
  const whole = { highWatermark: 0, lastStableOffset: 0, logStartOffset: 0, abortedTransactions: null, records: Buffer.alloc(0) }
  const fetches: { readonly of: readonly number[]; readonly isShort: boolean }[] = []
  let failedAt = -1
  made.brokers.on('Fetch', async ({ body: { topics, maxWaitMs } }) => {
    const of = topics[0]!.partitions.map(({ partition }) => partition)
    fetches.push({ of: of.toSorted(), isShort: maxWaitMs <= 60 })
    // Partition 1 fails once; what comes then is held back as long as it allows.
    const isFailing = of.includes(1) && failedAt < 0
    if (isFailing) failedAt = fetches.length
    else await new Promise((resolve) => setTimeout(resolve, maxWaitMs).unref())
    const answers = of.map((index) => ({ ...whole, partitionIndex: index, errorCode: isFailing && index === 1 ? ErrorCode.UNKNOWN_LEADER_EPOCH : 0 }))
    return { responses: [{ topic: 't', topicId: topics[0]!.topicId ?? '', partitions: answers }] }
  })
  await waitFor(
    async () => {
      await made.consumer.poll(5)
      return failedAt > 0 && fetches.slice(failedAt).some(({ of }) => of.includes(1))
    },
    { what: 'partition 1 to be fetched again', intervalMs: 0, describe: () => fetches },
  )
  const after = fetches.slice(failedAt)
  assert.deepEqual(after.at(-1), { of: [0, 1], isShort: false })
  assert.ok(
    after.slice(0, -1).every(({ isShort }) => isShort),
    JSON.stringify(after),
  )
})

test('a consumer that is closed ends its fetch session, not behind a fetch that is held back', async (t) => {
  const made = await bench(t)
  const held = Promise.withResolvers<ScriptedAnswer<'Fetch'>>()
  made.brokers.on('Fetch', async ({ body }) => {
    if (body.sessionEpoch > 0) return held.promise
    if (body.sessionEpoch < 0) return { sessionId: 0, responses: [] }
    return { ...((await made.answer(body)) as ResponseInput<'Fetch'>), sessionId: 5 }
  })
  await made.read(3)
  await waitFor(
    async () => {
      await made.consumer.poll(5)
      return made.brokers.of('Fetch').some(({ body }) => body.sessionEpoch === 1)
    },
    { what: 'the fetch that is held back', intervalMs: 0 },
  )
  // So that there is another connection to this broker.
  const end = { partitionIndex: 0, errorCode: 0, timestamp: -1, offset: 3, leaderEpoch: 1 }
  made.brokers.on('ListOffsets', () => ({ topics: [{ name: 't', partitions: [end] }] }))
  await made.consumer.endOffsets([T0])
  await made.consumer.close()
  held.resolve({ sessionId: 5, responses: [] })
  const { sessionId, sessionEpoch, topics } = made.brokers.of('Fetch').at(-1)!.body
  assert.deepEqual({ sessionId, sessionEpoch, topics }, { sessionId: 5, sessionEpoch: -1, topics: [] })
})

test('goes on at once where the broker has forgotten the fetch session', async (t) => {
  const made = await bench(t, { 'retry.backoff.ms': '60000', 'retry.backoff.max.ms': '60000' })
  const sessions: number[] = []
  made.brokers.on('Fetch', async ({ body }) => {
    sessions.push(body.sessionEpoch)
    if (body.sessionEpoch > 1) return { errorCode: ErrorCode.FETCH_SESSION_ID_NOT_FOUND, sessionId: 0, responses: [] }
    // An incremental fetch names only what has changed, and so does its answer.
    if (body.topics.length === 0) return { sessionId: 5, responses: [] }
    return { ...((await made.answer(body)) as ResponseInput<'Fetch'>), sessionId: 5 }
  })
  await made.read(3)
  await waitFor(
    async () => {
      await made.consumer.poll(5)
      return sessions.filter((epoch) => epoch === 0).length >= 3
    },
    { what: 'the session to be opened three times', intervalMs: 0, describe: () => sessions },
  )
  assert.deepEqual(sessions.slice(0, 6), [0, 1, 2, 0, 1, 2])
})
