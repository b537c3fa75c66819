import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Broker, type RequestFault, startBroker } from '@millrace/broker'
import { ErrorCode } from '@millrace/kafka-protocol'
import { temporaryFolder } from '@millrace/testing'
import { silentLogger as logger } from '../logger.ts'
import { Admin } from './admin.ts'

/* Brokers that answer with errors that pass: the call goes on until it is done. Those that do not pass are told at once, with the name of what they are about. */

const TOPIC = 'administered'
const PARTITION = { topic: TOPIC, partition: 0 }
const GROUP = 'group'

let broker: Broker
let admin: Admin
const endings: (() => void | Promise<void>)[] = []

before(async () => {
  broker = await startBroker({ port: 0, dataDir: temporaryFolder({ after: (action) => endings.push(action) }), logger })
  const properties = { 'bootstrap.servers': `${broker.host}:${broker.port}`, 'retry.backoff.ms': '2', 'retry.backoff.max.ms': '10' }
  admin = new Admin(properties, { logger })
  await admin.createTopics([{ name: TOPIC, partitions: 1, replicationFactor: 1 }])
  await admin.alterConsumerGroupOffsets(GROUP, [{ ...PARTITION, offset: 0 }])
})
after(async () => {
  await admin?.close()
  await broker?.close()
  for (const end of endings) await end()
})

function refuse(api: RequestFault['api'], errorCode: number, times = 2): void {
  broker.faults.clear()
  broker.faults.inject({ kind: 'request', api, action: 'error', errorCode, times })
}

/** A single result that has an error is thrown, so that all calls are alike. */
async function alone(call: Promise<unknown>): Promise<void> {
  const results = await call
  if (Array.isArray(results)) for (const { error } of results as { error?: Error | null }[]) if (error) throw error
}

const passing: readonly { readonly api: RequestFault['api']; readonly codes: readonly number[]; readonly call: (run: number) => Promise<unknown> }[] = [
  {
    api: 'CreateTopics',
    codes: [ErrorCode.NOT_CONTROLLER, ErrorCode.THROTTLING_QUOTA_EXCEEDED],
    call: (run) => admin.createTopics([{ name: `new-${run}`, partitions: 1, replicationFactor: 1 }]),
  },
  { api: 'DeleteTopics', codes: [ErrorCode.NOT_CONTROLLER, ErrorCode.THROTTLING_QUOTA_EXCEEDED], call: (run) => admin.deleteTopics([`new-${run}`]) },
  {
    api: 'CreatePartitions',
    codes: [ErrorCode.NOT_CONTROLLER, ErrorCode.THROTTLING_QUOTA_EXCEEDED],
    call: (run) => admin.createPartitions([{ name: TOPIC, count: run + 2 }]),
  },
  {
    api: 'DeleteRecords',
    codes: [ErrorCode.NOT_LEADER_OR_FOLLOWER, ErrorCode.LEADER_NOT_AVAILABLE],
    call: () => admin.deleteRecords([{ ...PARTITION, beforeOffset: 0 }]),
  },
  {
    api: 'ListOffsets',
    codes: [ErrorCode.NOT_LEADER_OR_FOLLOWER, ErrorCode.LEADER_NOT_AVAILABLE],
    call: () => admin.listOffsets([{ ...PARTITION, timestamp: -1 }]),
  },
  { api: 'DescribeProducers', codes: [ErrorCode.NOT_LEADER_OR_FOLLOWER], call: () => admin.describeProducers([PARTITION]) },
  {
    api: 'DescribeGroups',
    codes: [ErrorCode.NOT_COORDINATOR, ErrorCode.COORDINATOR_LOAD_IN_PROGRESS, ErrorCode.COORDINATOR_NOT_AVAILABLE],
    call: () => admin.describeConsumerGroups([GROUP]),
  },
  { api: 'ListGroups', codes: [ErrorCode.COORDINATOR_LOAD_IN_PROGRESS, ErrorCode.COORDINATOR_NOT_AVAILABLE], call: () => admin.listGroups() },
  {
    api: 'OffsetFetch',
    codes: [ErrorCode.NOT_COORDINATOR, ErrorCode.COORDINATOR_LOAD_IN_PROGRESS, ErrorCode.UNSTABLE_OFFSET_COMMIT],
    call: () => admin.listConsumerGroupOffsets(GROUP),
  },
  {
    api: 'OffsetCommit',
    codes: [ErrorCode.NOT_COORDINATOR, ErrorCode.COORDINATOR_LOAD_IN_PROGRESS, ErrorCode.REBALANCE_IN_PROGRESS],
    call: () => admin.alterConsumerGroupOffsets(GROUP, [{ ...PARTITION, offset: 0 }]),
  },
  {
    api: 'OffsetDelete',
    codes: [ErrorCode.NOT_COORDINATOR, ErrorCode.COORDINATOR_LOAD_IN_PROGRESS],
    call: () => admin.deleteConsumerGroupOffsets(GROUP, [{ topic: 'other', partition: 0 }]),
  },
  {
    api: 'FindCoordinator',
    codes: [ErrorCode.COORDINATOR_NOT_AVAILABLE],
    call: () => admin.listConsumerGroupOffsets(GROUP),
  },
  {
    api: 'InitProducerId',
    codes: [ErrorCode.NOT_COORDINATOR, ErrorCode.COORDINATOR_LOAD_IN_PROGRESS, ErrorCode.CONCURRENT_TRANSACTIONS],
    call: () => admin.fenceProducers(['fenced']),
  },
  {
    api: 'DescribeTransactions',
    codes: [ErrorCode.NOT_COORDINATOR, ErrorCode.COORDINATOR_LOAD_IN_PROGRESS],
    call: () => admin.describeTransactions(['fenced']),
  },
  { api: 'ListTransactions', codes: [ErrorCode.COORDINATOR_LOAD_IN_PROGRESS], call: () => admin.listTransactions() },
  {
    api: 'DeleteGroups',
    codes: [ErrorCode.NOT_COORDINATOR, ErrorCode.COORDINATOR_LOAD_IN_PROGRESS, ErrorCode.COORDINATOR_NOT_AVAILABLE],
    call: async (run) => {
      await admin.alterConsumerGroupOffsets(`${GROUP}-${run}`, [{ ...PARTITION, offset: 0 }])
      return await admin.deleteConsumerGroups([`${GROUP}-${run}`])
    },
  },
]

test('errors that pass are waited out, for every call', async () => {
  for (const { api, codes, call } of passing) {
    for (const [run, code] of codes.entries()) {
      refuse(api, code)
      await assert.doesNotReject(alone(call(run)), `${api} ${code}`)
      // Two refusals have been used up, so the call was tried three times.
      broker.faults.clear()
    }
  }
})

test('a connection that breaks is no answer, and the call goes on', async () => {
  for (const { api, call } of passing) {
    broker.faults.clear()
    broker.faults.inject({ kind: 'request', api, action: 'drop', times: 2 })
    await assert.doesNotReject(alone(call(20)), api)
  }
})

test('errors that do not pass are told at once, and name what they are about', async () => {
  const calls: readonly [RequestFault['api'], number, () => Promise<unknown>, RegExp][] = [
    ['CreateTopics', ErrorCode.POLICY_VIOLATION, () => admin.createTopics([{ name: 'policed' }]), /"policed"/],
    ['DeleteTopics', ErrorCode.TOPIC_AUTHORIZATION_FAILED, () => admin.deleteTopics([TOPIC]), /"administered"/],
    ['DeleteRecords', ErrorCode.POLICY_VIOLATION, () => admin.deleteRecords([{ ...PARTITION, beforeOffset: 0 }]), /administered-0/],
    ['ListOffsets', ErrorCode.TOPIC_AUTHORIZATION_FAILED, () => admin.listOffsets([{ ...PARTITION, timestamp: -1 }]), /administered-0/],
    ['DescribeGroups', ErrorCode.GROUP_AUTHORIZATION_FAILED, () => admin.describeConsumerGroups([GROUP]), /Group "group"/],
    ['OffsetFetch', ErrorCode.GROUP_AUTHORIZATION_FAILED, () => admin.listConsumerGroupOffsets(GROUP), /"group"/],
    ['OffsetDelete', ErrorCode.GROUP_AUTHORIZATION_FAILED, () => admin.deleteConsumerGroupOffsets(GROUP, [PARTITION]), /"group"/],
    ['DeleteGroups', ErrorCode.GROUP_AUTHORIZATION_FAILED, () => admin.deleteConsumerGroups([GROUP]), /"group"/],
    ['InitProducerId', ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED, () => admin.fenceProducers(['fenced']), /"fenced"/],
    ['DescribeTransactions', ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED, () => admin.describeTransactions(['fenced']), /"fenced"/],
    ['DescribeConfigs', ErrorCode.TOPIC_AUTHORIZATION_FAILED, () => admin.describeConfigs([{ type: 'topic', name: TOPIC }]), /topic "administered"/],
  ]
  for (const [api, code, call, message] of calls) {
    refuse(api, code, 1)
    await assert.rejects(alone(call()), { errorCode: code, message }, api)
  }
})

test('one broker that cannot list its groups does not hide the groups of others', async () => {
  refuse('ListGroups', ErrorCode.CLUSTER_AUTHORIZATION_FAILED, 1)
  const { groups, errors } = await admin.listGroups()
  assert.deepEqual(groups, [])
  assert.deepEqual(
    errors.map(({ code }) => code),
    ['CLUSTER_AUTHORIZATION_FAILED'],
  )
})

test('a call ends after its time, with what was answered last', async () => {
  refuse('CreateTopics', ErrorCode.NOT_CONTROLLER, 10_000)
  await assert.rejects(admin.createTopics([{ name: 'never' }], { timeoutMs: 60 }), {
    code: 'REQUEST_TIMED_OUT',
    message: /Timed out waiting for createTopics after \d+ attempts: .*controller/,
  })
  refuse('DeleteRecords', ErrorCode.NOT_LEADER_OR_FOLLOWER, 10_000)
  const [deleted] = await admin.deleteRecords([{ ...PARTITION, beforeOffset: 0 }], { timeoutMs: 60 })
  assert.equal(deleted?.error?.code, 'REQUEST_TIMED_OUT')
  assert.match(deleted!.error!.message, /administered-0/)
})
