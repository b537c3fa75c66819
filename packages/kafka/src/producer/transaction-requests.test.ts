import assert from 'node:assert/strict'
import test from 'node:test'
import { ErrorCode } from '@millrace/kafka-protocol'
import type { Cluster } from '../cluster.ts'
import { networkError } from '../errors.ts'
import { TransactionRequests } from './transaction-requests.ts'

type Answer = Readonly<Record<string, unknown>> | Error

/** Answers each request of one API with the next of the answers given, and notes where it was sent. */
class ScriptedCluster {
  readonly asked: string[] = []
  readonly pauses: number[] = []
  readonly #answers: Answer[]
  #coordinators = 0

  constructor(answers: readonly Answer[]) {
    this.#answers = [...answers]
  }

  async requestAny(): Promise<Answer> {
    return { coordinators: [{ errorCode: 0, nodeId: ++this.#coordinators, host: 'h', port: 1 }] }
  }

  ensureNode(id: number): { id: number } {
    return { id }
  }

  async request(node: { id: number }, _purpose: string, api: string): Promise<Answer> {
    this.asked.push(`${api} at ${node.id}`)
    const answer = this.#answers.shift()
    if (answer === undefined || answer instanceof Error) throw answer ?? new Error('asked too often')
    return answer
  }

  async pause(failures: number): Promise<void> {
    this.pauses.push(failures)
  }

  async wait(delayMs: number): Promise<void> {
    this.pauses.push(-delayMs)
  }
}

function bench(...answers: readonly Answer[]): { cluster: ScriptedCluster; requests: TransactionRequests } {
  const cluster = new ScriptedCluster(answers)
  // Of a cluster, the requests use only these few methods.
  return { cluster, requests: new TransactionRequests({ cluster: cluster as unknown as Cluster, transactionalId: 'id', transactionTimeoutMs: 60_000 }) }
}

const identity = { producerId: 7, producerEpoch: 3, isTransactional: true }
const code = (errorCode: number) => ({ errorCode, producerId: 7, producerEpoch: 3 })
const partitionResults = (...codes: number[]) => ({
  resultsByTopicV3AndBelow: [{ name: 't', resultsByPartition: codes.map((partitionErrorCode, partitionIndex) => ({ partitionIndex, partitionErrorCode })) }],
})
const partitions = [
  { topic: 't', partition: 0 },
  { topic: 't', partition: 1 },
]
const offsetResults = (errorCode: number) => ({ topics: [{ name: 't', partitions: [{ partitionIndex: 0, errorCode }] }] })

for (const name of ['NOT_COORDINATOR', 'COORDINATOR_NOT_AVAILABLE'] as const) {
  test(`after ${name} the coordinator is looked for again`, async () => {
    const { cluster, requests } = bench(code(ErrorCode[name]), code(ErrorCode.NONE))
    await requests.end(identity, true)
    assert.deepEqual(cluster.asked, ['EndTxn at 1', 'EndTxn at 2'])
    assert.deepEqual(cluster.pauses, [1])
  })
}

test('after a connection that broke the coordinator is looked for again', async () => {
  const { cluster, requests } = bench(networkError('broken'), code(ErrorCode.NONE))
  await requests.end(identity, false)
  assert.deepEqual(cluster.asked, ['EndTxn at 1', 'EndTxn at 2'])
})

for (const name of ['COORDINATOR_LOAD_IN_PROGRESS', 'NETWORK_EXCEPTION', 'UNKNOWN_TOPIC_OR_PARTITION'] as const) {
  test(`${name} is tried again at the same coordinator, with growing pauses`, async () => {
    const { cluster, requests } = bench(partitionResults(0, ErrorCode[name]), partitionResults(ErrorCode[name], 0), partitionResults(0, 0))
    await requests.addPartitions(identity, partitions)
    assert.deepEqual(cluster.asked, Array(3).fill('AddPartitionsToTxn at 1'))
    assert.deepEqual(cluster.pauses, [1, 2])
  })
}

test('a transaction whose predecessor is not quite over is tried again after a short pause', async () => {
  const { cluster, requests } = bench(partitionResults(ErrorCode.CONCURRENT_TRANSACTIONS, ErrorCode.CONCURRENT_TRANSACTIONS), partitionResults(0, 0))
  await requests.addPartitions(identity, partitions)
  assert.deepEqual(cluster.pauses, [-20])
})

for (const name of ['INVALID_PRODUCER_EPOCH', 'PRODUCER_FENCED'] as const) {
  test(`${name} is PRODUCER_FENCED for each request`, async () => {
    const fenced = { code: 'PRODUCER_FENCED', javaClass: 'org.apache.kafka.common.errors.ProducerFencedException' }
    await assert.rejects(bench(code(ErrorCode[name])).requests.initProducerId(identity), fenced)
    await assert.rejects(bench(partitionResults(0, ErrorCode[name])).requests.addPartitions(identity, partitions), fenced)
    await assert.rejects(bench(code(ErrorCode[name])).requests.addOffsets(identity, 'g'), fenced)
    await assert.rejects(
      bench(offsetResults(ErrorCode[name])).requests.commitOffsets(identity, [{ topic: 't', partition: 0, offset: 1 }], { groupId: 'g' }),
      fenced,
    )
    await assert.rejects(bench(code(ErrorCode[name])).requests.end(identity, true), fenced)
  })
}

test('of several partitions the most severe error is thrown, not the one of those that were not tried', async () => {
  const { requests } = bench(partitionResults(ErrorCode.OPERATION_NOT_ATTEMPTED, ErrorCode.TOPIC_AUTHORIZATION_FAILED))
  await assert.rejects(requests.addPartitions(identity, partitions), { code: 'TOPIC_AUTHORIZATION_FAILED' })
})

test('a member that is out of its group cannot commit', async () => {
  const { requests } = bench(offsetResults(ErrorCode.ILLEGAL_GENERATION))
  await assert.rejects(requests.commitOffsets(identity, [{ topic: 't', partition: 0, offset: 1 }], { groupId: 'g' }), { code: 'COMMIT_FAILED' })
})

test('an offset commit that timed out is tried again at the coordinator as it is then', async () => {
  const { cluster, requests } = bench(offsetResults(ErrorCode.REQUEST_TIMED_OUT), offsetResults(0))
  await requests.commitOffsets(identity, [{ topic: 't', partition: 0, offset: 1 }], { groupId: 'g' })
  assert.deepEqual(cluster.asked, ['TxnOffsetCommit at 1', 'TxnOffsetCommit at 2'])
})
