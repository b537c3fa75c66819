import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type Broker, type RequestFault, startBroker } from '@millrace/broker'
import { ErrorCode } from '@millrace/kafka-protocol'
import { temporaryFolder, waitFor } from '@millrace/testing'
import { Admin } from './admin/admin.ts'
import type { Properties } from './config/client-properties.ts'
import { Consumer } from './consumer/consumer.ts'
import { silentLogger as logger } from './logger.ts'
import { Producer } from './producer/producer.ts'

/*
 * What a coordinator that is not there, moves, loads its state or dies in the middle means to the one it coordinates: nothing but a delay. Each request meets
 * each error that passes, three times in a row, in a whole round of what groups and transactions do.
 */

const TOPIC = 'coordinated'
const PLACE = { topic: TOPIC, partition: 0 }
const FAST: Properties = { 'retry.backoff.ms': '2', 'retry.backoff.max.ms': '5', 'reconnect.backoff.ms': '2', 'reconnect.backoff.max.ms': '5' }

type Case = Pick<RequestFault, 'api' | 'action' | 'errorCode'> & { readonly name: string }

const error = (api: RequestFault['api'], name: keyof typeof ErrorCode): Case => ({ api, action: 'error', errorCode: ErrorCode[name], name: `${api} ${name}` })
const COORDINATOR_ERRORS = ['COORDINATOR_NOT_AVAILABLE', 'NOT_COORDINATOR', 'COORDINATOR_LOAD_IN_PROGRESS'] as const

function cases(apis: readonly RequestFault['api'][]): Case[] {
  return apis.flatMap((api) => [
    ...COORDINATOR_ERRORS.map((name) => error(api, name)),
    { api, action: 'drop', name: `${api} unanswered, not done` } as const,
    { api, action: 'lose-answer', name: `${api} unanswered, but done` } as const,
  ])
}

describe('errors of coordinators that pass', () => {
  const endings: (() => void | Promise<void>)[] = []
  let broker: Broker
  let rounds = 0

  before(async () => {
    broker = await startBroker({ port: 0, dataDir: temporaryFolder({ after: (action) => endings.push(action) }), logger })
    const admin = new Admin(at(), { logger })
    await admin.createTopics([{ name: TOPIC, partitions: 1, replicationFactor: 1 }])
    await admin.close()
  })
  after(async () => {
    await broker.close()
    for (const end of endings) await end()
  })

  const at = (properties: Properties = {}): Properties => ({ 'bootstrap.servers': `${broker.host}:${broker.port}`, ...FAST, ...properties })
  const member = (group: string) => new Consumer(at({ 'group.id': group, 'enable.auto.commit': 'false', 'heartbeat.interval.ms': '10' }), { logger })
  const committed = async (consumer: Consumer) => (await consumer.committed([PLACE]))[0]

  async function joined(consumer: Consumer): Promise<void> {
    consumer.subscribe({ topics: [TOPIC] }, { revoked() {}, assigned() {} })
    await waitFor(async () => (await consumer.poll(5), consumer.assignment().length > 0), { what: 'an assignment', intervalMs: 0 })
  }

  for (const { name, api, action, errorCode } of [
    ...cases(['JoinGroup', 'SyncGroup', 'Heartbeat', 'OffsetFetch', 'OffsetCommit', 'LeaveGroup']),
    error('FindCoordinator', 'COORDINATOR_NOT_AVAILABLE'),
    error('SyncGroup', 'REBALANCE_IN_PROGRESS'),
    error('OffsetFetch', 'UNSTABLE_OFFSET_COMMIT'),
    error('OffsetCommit', 'REQUEST_TIMED_OUT'),
    error('OffsetCommit', 'UNKNOWN_TOPIC_OR_PARTITION'),
  ]) {
    test(`a member joins, commits, goes on there and leaves through ${name}`, async () => {
      const group = `g${++rounds}`
      broker.faults.inject({ kind: 'request', api, action, times: 3, ...(errorCode === undefined ? {} : { errorCode }) })
      const first = member(group)
      try {
        await joined(first)
        await first.commit([{ ...PLACE, offset: 0, metadata: group }])
        assert.equal((await committed(first))?.metadata, group)
        // Long enough for some heartbeats.
        const { memberId } = first.groupMetadata()!
        for (let i = 0; i < 5; i++) await first.poll(10)
        assert.equal(first.groupMetadata()?.memberId, memberId)
      } finally {
        await first.close()
      }
      broker.faults.clear()
      const heir = member(group)
      try {
        await joined(heir)
        assert.equal((await committed(heir))?.metadata, group)
      } finally {
        await heir.close()
      }
    })
  }

  for (const { name, api, action, errorCode } of [
    ...cases(['InitProducerId', 'AddPartitionsToTxn', 'AddOffsetsToTxn', 'TxnOffsetCommit', 'EndTxn']),
    ...(['InitProducerId', 'AddPartitionsToTxn', 'AddOffsetsToTxn', 'EndTxn'] as const).map((api) => error(api, 'CONCURRENT_TRANSACTIONS')),
    error('TxnOffsetCommit', 'REQUEST_TIMED_OUT'),
    error('TxnOffsetCommit', 'UNKNOWN_TOPIC_OR_PARTITION'),
    error('FindCoordinator', 'COORDINATOR_NOT_AVAILABLE'),
  ]) {
    test(`a transaction with offsets is committed, and the next one aborted, through ${name}`, async () => {
      const id = `t${++rounds}`
      const producer = new Producer(at({ 'transactional.id': id, 'linger.ms': '0' }), { logger })
      const reader = member(id)
      const fault = { kind: 'request', api, action, times: 3, ...(errorCode === undefined ? {} : { errorCode }) } as const
      try {
        const before = (await reader.endOffsets([PLACE]))[0]!.offset
        for (const ends of ['commit', 'abort'] as const) {
          broker.faults.inject(fault)
          if (ends === 'commit') await producer.initTransactions()
          producer.beginTransaction()
          producer.send(TOPIC, 0, Date.now(), null, `${id} ${ends}`, null, null)
          await producer.sendOffsetsToTransaction([{ ...PLACE, offset: 5, metadata: `${id} ${ends}` }], { groupId: id })
          if (ends === 'commit') await producer.commitTransaction()
          else await producer.abortTransaction()
          broker.faults.clear()
        }
        assert.deepEqual(await values(before), [`${id} commit`])
        await waitFor(async () => (await committed(reader))?.metadata === `${id} commit`, { what: 'the offset of the first transaction', intervalMs: 5 })
      } finally {
        await producer.close({ timeoutMs: 0 })
        await reader.close()
      }
    })
  }

  /** What is committed from an offset on. */
  async function values(from: number): Promise<string[]> {
    const consumer = new Consumer(at({ 'isolation.level': 'read_committed' }), { logger })
    try {
      consumer.assign([PLACE])
      consumer.seek({ ...PLACE, offset: from })
      const found: string[] = []
      const end = (await consumer.endOffsets([PLACE]))[0]!.offset
      while ((await consumer.position(PLACE)) < end) {
        for (const records of (await consumer.poll(100)).partitions) {
          while (records.next()) found.push(records.buffer.toString('utf8', records.valueStart, records.valueEnd))
        }
      }
      return found
    } finally {
      await consumer.close()
    }
  }
})
