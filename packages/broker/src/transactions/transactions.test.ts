import assert from 'node:assert/strict'
import { cpSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { ErrorCode } from '@millrace/kafka-protocol'
import { startBroker } from '../broker.ts'
import type { Fault } from '../faults.ts'
import { RawClient } from '../fixtures/raw-client.ts'
import { recordBatch, recordsIn } from '../fixtures/record-batches.ts'
import { recordingLogger } from '../fixtures/recording-logger.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'

type Test = { after(clean: () => void | Promise<void>): void }

async function start(t: Test, dataDir = temporaryFolder(t), properties: Readonly<Record<string, string>> = {}) {
  const broker = await startBroker({ port: 0, dataDir, logger: recordingLogger(), properties })
  t.after(() => broker.close())
  const client = await RawClient.connect(broker.port)
  t.after(() => client.close())
  await client.send('Metadata', 12, { topics: [{ name: 'orders' }] })
  return { broker, client, dataDir, inject: (fault: Fault) => broker.faults.inject(fault) }
}

/** A broker on what would be left of another one's data if that were killed now. */
function startAfterKill(t: Test, dataDir: string) {
  const copy = join(temporaryFolder(t), 'copy')
  cpSync(dataDir, copy, { recursive: true, filter: (path) => !path.endsWith('.lock') })
  return start(t, copy)
}

/** A transactional producer, step by step. */
class TransactionalProducer {
  readonly client: RawClient
  readonly transactionalId: string
  producerId = -1
  producerEpoch = -1
  #sequence = 0

  constructor(client: RawClient, transactionalId = 'tx') {
    this.client = client
    this.transactionalId = transactionalId
  }

  get identity() {
    const { transactionalId, producerId, producerEpoch } = this
    return { transactionalId, producerId, producerEpoch }
  }

  async init(transactionTimeoutMs = 60_000, present = { producerId: -1, producerEpoch: -1 }): Promise<number> {
    const { transactionalId } = this
    const { errorCode, producerId, producerEpoch } = await this.client.send('InitProducerId', 5, { transactionalId, transactionTimeoutMs, ...present })
    if (errorCode === 0) Object.assign(this, { producerId, producerEpoch })
    this.#sequence = 0
    return errorCode
  }

  async add(topic = 'orders', version = 3): Promise<number> {
    const { transactionalId, producerId, producerEpoch } = this
    const { resultsByTopicV3AndBelow } = await this.client.send('AddPartitionsToTxn', version, {
      v3AndBelowTransactionalId: transactionalId,
      v3AndBelowProducerId: producerId,
      v3AndBelowProducerEpoch: producerEpoch,
      v3AndBelowTopics: [{ name: topic, partitions: [0] }],
    })
    return resultsByTopicV3AndBelow[0]!.resultsByPartition[0]!.partitionErrorCode
  }

  async produce(...values: string[]): Promise<number> {
    const { producerId, producerEpoch } = this
    const records = recordBatch(values, { timestamp: Date.now(), producerId, producerEpoch, baseSequence: this.#sequence, isTransactional: true })
    const { errorCode } = await this.client.produce('orders', records)
    if (errorCode === 0) this.#sequence += values.length
    return errorCode
  }

  async end(committed: boolean, version = 4): Promise<number> {
    return (await this.client.send('EndTxn', version, { ...this.identity, committed })).errorCode
  }

  async commitOffset(groupId: string, committedOffset: number): Promise<number> {
    const partitions = [{ partitionIndex: 0, committedOffset, committedMetadata: '' }]
    const { topics } = await this.client.send('TxnOffsetCommit', 3, { ...this.identity, groupId, topics: [{ name: 'orders', partitions }] })
    return topics[0]!.partitions[0]!.errorCode
  }

  async addGroup(groupId: string): Promise<number> {
    return (await this.client.send('AddOffsetsToTxn', 3, { ...this.identity, groupId })).errorCode
  }
}

async function producer(client: RawClient, transactionalId?: string) {
  const made = new TransactionalProducer(client, transactionalId)
  assert.equal(await made.init(), 0)
  return made
}

const committedOnly = { isolationLevel: 1 }

async function committedOffset(client: RawClient, requireStable: boolean) {
  const { groups } = await client.send('OffsetFetch', 8, { requireStable, groups: [{ groupId: 'g', topics: [{ name: 'orders', partitionIndexes: [0] }] }] })
  const { committedOffset: offset, errorCode } = groups[0]!.topics[0]!.partitions[0]!
  return errorCode === 0 ? offset : errorCode
}

async function endOffset(client: RawClient, isolationLevel: number) {
  const partitions = [{ partitionIndex: 0, timestamp: -1 }]
  return (await client.send('ListOffsets', 7, { replicaId: -1, isolationLevel, topics: [{ name: 'orders', partitions }] })).topics[0]!.partitions[0]!.offset
}

test('shows records of a transaction to readers of committed records once it is committed', async (t) => {
  const { client } = await start(t)
  const tx = await producer(client)
  assert.equal(await tx.produce('too early'), ErrorCode.INVALID_TXN_STATE)
  assert.equal(await tx.add(), 0)
  assert.equal(await tx.produce('a', 'b'), 0)
  const before = await client.fetch('orders', 0, committedOnly)
  assert.deepEqual([before.records!.length, before.lastStableOffset, before.highWatermark], [0, 0, 2])
  assert.equal(recordsIn([(await client.fetch('orders', 0)).records!]).length, 2)
  assert.deepEqual([await endOffset(client, 0), await endOffset(client, 1)], [2, 0])

  const reader = await RawClient.connect(client.socket.remotePort!)
  t.after(() => reader.close())
  const waiting = reader.fetch('orders', 0, { ...committedOnly, maxWaitMs: 30_000 })
  assert.equal(await tx.end(true), 0)
  const after = await waiting
  assert.deepEqual([after.lastStableOffset, after.abortedTransactions], [3, []])
  assert.deepEqual(
    recordsIn([after.records!])
      .map(({ value }) => value)
      .slice(0, 2),
    ['a', 'b'],
  )
  assert.equal(await tx.end(true), 0, 'a lost answer may be asked for again')
  assert.equal(await tx.end(false), ErrorCode.INVALID_TXN_STATE)
  assert.equal(await tx.produce('too late'), ErrorCode.INVALID_TXN_STATE)
})

test('tells readers of committed records which transactions were aborted', async (t) => {
  const { client } = await start(t)
  const [first, second] = [await producer(client, 'first'), await producer(client, 'second')]
  for (const tx of [first, second]) assert.equal(await tx.add(), 0)
  assert.equal(await first.produce('aborted'), 0)
  assert.equal(await second.produce('kept'), 0)
  assert.equal(await first.end(false), 0)
  assert.equal((await client.fetch('orders', 0, committedOnly)).lastStableOffset, 1)
  assert.equal(await second.end(true), 0)
  const { abortedTransactions, lastStableOffset } = await client.fetch('orders', 0, committedOnly)
  assert.deepEqual(abortedTransactions, [{ producerId: first.producerId, firstOffset: 0 }])
  assert.equal(lastStableOffset, 4)
  assert.deepEqual((await client.fetch('orders', 3, committedOnly)).abortedTransactions, [], 'nothing of it is behind its marker')
  assert.equal((await client.fetch('orders', 0)).abortedTransactions, null)
})

test('a newer producer of the same transactional id aborts what was left open and fences the older one', async (t) => {
  const { client } = await start(t)
  const old = await producer(client)
  assert.equal(await old.add(), 0)
  assert.equal(await old.produce('left open'), 0)
  const newer = await producer(client)
  assert.equal(newer.producerId, old.producerId)
  assert.ok(newer.producerEpoch > old.producerEpoch)
  assert.equal(await old.produce('zombie'), ErrorCode.INVALID_PRODUCER_EPOCH)
  assert.equal(await old.add(), ErrorCode.PRODUCER_FENCED)
  assert.equal(await old.add('orders', 1), ErrorCode.INVALID_PRODUCER_EPOCH)
  assert.equal(await old.end(true), ErrorCode.PRODUCER_FENCED)
  assert.equal(await old.end(true, 1), ErrorCode.INVALID_PRODUCER_EPOCH)
  assert.equal(await old.init(60_000, old.identity), ErrorCode.PRODUCER_FENCED)
  const { abortedTransactions } = await client.fetch('orders', 0, committedOnly)
  assert.deepEqual(abortedTransactions, [{ producerId: old.producerId, firstOffset: 0 }])
  assert.equal(await newer.add(), 0)
  assert.equal(await newer.produce('new'), 0)
  assert.equal(await newer.end(true), 0)
})

test('a producer that goes on gets the next epoch, and the same one when it asks again', async (t) => {
  const { client } = await start(t)
  const tx = await producer(client)
  const before = { ...tx.identity }
  assert.equal(await tx.init(60_000, before), 0)
  assert.equal(tx.producerEpoch, before.producerEpoch + 1)
  assert.equal(await tx.init(60_000, before), 0)
  assert.equal(tx.producerEpoch, before.producerEpoch + 1)
})

test('aborts a transaction whose time is over, and fences its producer', async (t) => {
  const { client } = await start(t, undefined, { 'transaction.abort.timed.out.transaction.cleanup.interval.ms': '10' })
  const tx = new TransactionalProducer(client)
  assert.equal(await tx.init(500), 0)
  assert.equal(await tx.add(), 0)
  const produced = await tx.produce('forgotten')
  // On a machine that is slow enough the time is over already.
  assert.ok(produced === 0 || produced === ErrorCode.INVALID_PRODUCER_EPOCH)
  const { abortedTransactions } = await client.fetch('orders', 0, { ...committedOnly, maxWaitMs: 30_000 })
  assert.deepEqual(abortedTransactions, produced === 0 ? [{ producerId: tx.producerId, firstOffset: 0 }] : [])
  assert.equal(await tx.end(true), ErrorCode.PRODUCER_FENCED)
})

test('refuses a time-out beyond the limit, an empty transactional id and partitions that do not exist', async (t) => {
  const { client } = await start(t, undefined, { 'transaction.max.timeout.ms': '1000' })
  assert.equal(await new TransactionalProducer(client).init(1001), ErrorCode.INVALID_TRANSACTION_TIMEOUT)
  assert.equal(await new TransactionalProducer(client, '').init(1000), ErrorCode.INVALID_REQUEST)
  const tx = new TransactionalProducer(client)
  assert.equal(await tx.add(), ErrorCode.INVALID_PRODUCER_ID_MAPPING)
  assert.equal(await tx.init(1000), 0)
  assert.equal(await tx.add('unknown'), ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
  assert.equal(await tx.end(true), ErrorCode.INVALID_TXN_STATE)
})

test('offsets of a group count once their transaction is committed', async (t) => {
  const { client } = await start(t)
  const tx = await producer(client)
  assert.equal(await tx.commitOffset('g', 5), ErrorCode.INVALID_TXN_STATE)
  assert.equal(await tx.addGroup('g'), 0)
  assert.equal(await tx.commitOffset('g', 5), 0)
  assert.equal(await committedOffset(client, true), ErrorCode.UNSTABLE_OFFSET_COMMIT)
  assert.equal(await committedOffset(client, false), -1)
  assert.equal(await tx.end(false), 0)
  assert.equal(await committedOffset(client, true), -1)

  assert.equal(await tx.addGroup('g'), 0)
  assert.equal(await tx.commitOffset('g', 7), 0)
  assert.equal(await tx.commitOffset('g', 9), 0)
  assert.equal(await tx.end(true), 0)
  assert.equal(await committedOffset(client, true), 9)
})

test('an open transaction survives the death of the broker, with its offsets', async (t) => {
  const { client, dataDir } = await start(t)
  const tx = await producer(client)
  assert.equal(await tx.add(), 0)
  assert.equal(await tx.produce('a'), 0)
  assert.equal(await tx.addGroup('g'), 0)
  assert.equal(await tx.commitOffset('g', 5), 0)

  const { client: again } = await startAfterKill(t, dataDir)
  assert.equal((await again.fetch('orders', 0, committedOnly)).lastStableOffset, 0)
  assert.equal(await committedOffset(again, true), ErrorCode.UNSTABLE_OFFSET_COMMIT)
  const goingOn = Object.assign(new TransactionalProducer(again), tx.identity)
  assert.equal(await goingOn.end(true), 0)
  assert.deepEqual([(await again.fetch('orders', 0, committedOnly)).lastStableOffset, await committedOffset(again, true)], [2, 5])

  const { client: other } = await startAfterKill(t, dataDir)
  await producer(other)
  assert.equal((await other.fetch('orders', 0, committedOnly)).abortedTransactions!.length, 1, 'a takeover after the kill aborts it')
  assert.equal(await committedOffset(other, true), -1)
})

test('finishes a transaction whose markers could not be written, at the next request or after the death of the broker', async (t) => {
  const { client, dataDir, inject } = await start(t)
  const tx = await producer(client)
  assert.equal(await tx.add(), 0)
  assert.equal(await tx.produce('a'), 0)
  inject({ kind: 'disk', topic: 'orders', error: 'ENOSPC', bytesWritten: 10, times: 1 })
  assert.equal(await tx.end(true), ErrorCode.CONCURRENT_TRANSACTIONS)
  assert.equal((await client.fetch('orders', 0, committedOnly)).lastStableOffset, 0)

  const { client: again } = await startAfterKill(t, dataDir)
  assert.equal((await again.fetch('orders', 0, committedOnly)).lastStableOffset, 2)
  assert.equal(await tx.end(true), 0)
  assert.equal((await client.fetch('orders', 0, committedOnly)).lastStableOffset, 2)
})

test('acknowledges nothing that could not be stored', async (t) => {
  const { client, inject } = await start(t)
  const tx = await producer(client)
  inject({ kind: 'disk', topic: '__transaction_state', error: 'ENOSPC', bytesWritten: 10, times: 1 })
  assert.equal(await tx.add(), ErrorCode.COORDINATOR_NOT_AVAILABLE)
  assert.equal(await tx.produce('a'), ErrorCode.INVALID_TXN_STATE)
  assert.equal(await tx.add(), 0)
  assert.equal(await tx.produce('a'), 0)
})

/** A transactional producer of KIP-890: it adds nothing, and has another epoch after each transaction. */
class EpochProducer {
  readonly client: RawClient
  producerId = -1
  producerEpoch = -1
  #sequence = 0

  constructor(client: RawClient) {
    this.client = client
  }

  static async init(client: RawClient): Promise<EpochProducer> {
    const made = new EpochProducer(client)
    const request = { transactionalId: 'tx', transactionTimeoutMs: 60_000, producerId: -1, producerEpoch: -1 }
    const { producerId, producerEpoch } = await client.send('InitProducerId', 5, request)
    return Object.assign(made, { producerId, producerEpoch })
  }

  get identity() {
    return { transactionalId: 'tx', producerId: this.producerId, producerEpoch: this.producerEpoch }
  }

  async produce(...values: string[]): Promise<number> {
    const { producerId, producerEpoch } = this
    const records = recordBatch(values, { timestamp: Date.now(), producerId, producerEpoch, baseSequence: this.#sequence, isTransactional: true })
    const { errorCode } = await this.client.produce('orders', records, { version: 12 })
    if (errorCode === 0) this.#sequence += values.length
    return errorCode
  }

  async commitOffset(committedOffset: number): Promise<number> {
    const partitions = [{ partitionIndex: 0, committedOffset, committedMetadata: '' }]
    const { topics } = await this.client.send('TxnOffsetCommit', 5, { ...this.identity, groupId: 'g', topics: [{ name: 'orders', partitions }] })
    return topics[0]!.partitions[0]!.errorCode
  }

  async end(committed: boolean, identity = this.identity): Promise<number> {
    const { errorCode, producerId, producerEpoch } = await this.client.send('EndTxn', 5, { ...identity, committed })
    if (errorCode === 0) Object.assign(this, { producerId, producerEpoch })
    this.#sequence = 0
    return errorCode
  }
}

test('tells clients that they need not add partitions, unless it is restricted to what older ones know', async (t) => {
  const ask = async (client: RawClient, version: number) => {
    const { finalizedFeatures, supportedFeatures } = await client.send('ApiVersions', version, { clientSoftwareName: 'test', clientSoftwareVersion: '1' })
    return [finalizedFeatures.map(({ name, maxVersionLevel }) => `${name} ${maxVersionLevel}`), supportedFeatures.length]
  }
  const { client } = await start(t)
  assert.deepEqual(
    [await ask(client, 4), await ask(client, 3)],
    [
      [['transaction.version 2'], 1],
      [['transaction.version 2'], 0],
    ],
  )
  const old = await startBroker({ port: 0, dataDir: temporaryFolder(t), logger: recordingLogger(), apiVersions: '3.9' })
  t.after(() => old.close())
  const oldClient = await RawClient.connect(old.port)
  t.after(() => oldClient.close())
  assert.deepEqual(await ask(oldClient, 4), [[], 0])
})

test('a partition and a group belong to a transaction with their first records and offsets, and each transaction has its epoch', async (t) => {
  const { client } = await start(t)
  const tx = await EpochProducer.init(client)
  const before = { ...tx.identity }
  assert.equal(await tx.produce('a', 'b'), 0)
  assert.equal(await tx.produce('c'), 0)
  assert.equal(await tx.commitOffset(7), 0)
  assert.equal((await client.fetch('orders', 0, committedOnly)).lastStableOffset, 0)
  assert.equal(await tx.end(true), 0)
  assert.deepEqual(tx.identity, { ...before, producerEpoch: before.producerEpoch + 1 })
  assert.deepEqual([(await client.fetch('orders', 0, committedOnly)).lastStableOffset, await committedOffset(client, true)], [4, 7])

  assert.equal(await tx.end(true, before), 0, 'a lost answer may be asked for again')
  assert.equal(tx.producerEpoch, before.producerEpoch + 1)
  assert.equal(await tx.end(false, before), ErrorCode.INVALID_TXN_STATE)
  const late = Object.assign(new EpochProducer(client), before)
  assert.equal(await late.produce('late'), ErrorCode.INVALID_PRODUCER_EPOCH, 'what comes late is of no transaction')

  assert.equal(await tx.produce('d'), 0)
  assert.equal(await tx.end(false), 0)
  assert.deepEqual((await client.fetch('orders', 4, committedOnly)).abortedTransactions, [{ producerId: tx.producerId, firstOffset: 4 }])
  assert.equal(await late.end(true), ErrorCode.PRODUCER_FENCED)
})

test('all partitions of a request join the transaction at once, and one that is not there is refused alone', async (t) => {
  const { client, dataDir } = await start(t)
  await client.send('CreatePartitions', 3, { topics: [{ name: 'orders', count: 50, assignments: null }], timeoutMs: 1000, validateOnly: false })
  const { producerId, producerEpoch } = await EpochProducer.init(client)
  const lines = () => readFileSync(join(dataDir, 'transactions.journal'), 'utf8').split('\n').length
  const before = lines()
  const partitionData = Array.from({ length: 51 }, (_, index) => ({
    index,
    records: recordBatch(['a'], { timestamp: Date.now(), producerId, producerEpoch, baseSequence: 0, isTransactional: true }),
  }))
  const request = { transactionalId: 'tx', acks: -1, timeoutMs: 1000, topicData: [{ name: 'orders', partitionData }] }
  const { responses } = await client.send('Produce', 12, request)
  assert.deepEqual(
    responses[0]!.partitionResponses.map(({ errorCode }) => errorCode),
    [...Array.from({ length: 50 }, () => 0), ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
  )
  assert.equal(lines() - before, 1)
})

test('what has not begun can be aborted, but not committed', async (t) => {
  const { client } = await start(t)
  const tx = await EpochProducer.init(client)
  const first = tx.producerEpoch
  assert.equal(await tx.end(true), ErrorCode.INVALID_TXN_STATE)
  assert.equal(await tx.end(false), 0)
  assert.equal(await tx.end(false), 0)
  assert.equal(tx.producerEpoch, first + 2)
  assert.equal(await tx.produce('a'), 0)
  assert.equal(await tx.end(true), 0)
  assert.equal((await client.fetch('orders', 0, committedOnly)).lastStableOffset, 2)
})

test('where the epochs are used up, a producer goes on with another producer id', async (t) => {
  const { client } = await start(t)
  const tx = await EpochProducer.init(client)
  const first = tx.producerId
  while (tx.producerId === first && tx.producerEpoch < 0x7ffe) assert.equal(await tx.end(false), 0)
  const last = { ...tx.identity }
  assert.equal(await tx.produce('a'), 0)
  assert.equal(await tx.end(true), 0)
  assert.notEqual(tx.producerId, first)
  assert.equal(tx.producerEpoch, 0)
  const next = { ...tx.identity }
  assert.equal(await tx.end(true, last), 0, 'asked again')
  assert.deepEqual(tx.identity, next)
  assert.equal(await tx.produce('b'), 0)
  assert.equal(await tx.end(true), 0)
  assert.equal((await client.fetch('orders', 0, committedOnly)).lastStableOffset, 4)
})

test('an end whose markers could not be written is finished when it is asked for again, also after the death of the broker', async (t) => {
  const { client, dataDir, inject } = await start(t)
  const tx = await EpochProducer.init(client)
  assert.equal(await tx.produce('a'), 0)
  const before = { ...tx.identity }
  inject({ kind: 'disk', topic: 'orders', error: 'ENOSPC', bytesWritten: 10, times: 1 })
  assert.equal(await tx.end(true), ErrorCode.CONCURRENT_TRANSACTIONS)
  const { client: again } = await startAfterKill(t, dataDir)
  const same = Object.assign(new EpochProducer(again), before)
  assert.equal(await same.end(true), 0)
  assert.equal(same.producerEpoch, before.producerEpoch + 1)
  assert.equal((await again.fetch('orders', 0, committedOnly)).lastStableOffset, 2)
  assert.equal(await tx.end(true, before), 0)
  assert.equal((await client.fetch('orders', 0, committedOnly)).lastStableOffset, 2)
})
