import { ErrorCode } from '@millrace/kafka-protocol'
import { apiHandler, type BrokerServices } from '../api-handler.ts'
import { partitionOf } from '../transactions/transaction.ts'

/** DescribeTransactions 0 (KIP-664): what the coordinator knows of transactional ids. */
export const describeTransactions = apiHandler({
  api: 'DescribeTransactions',
  versions: { min: 0, max: 0 },

  respond: ({ body }, services) => ({ throttleTimeMs: 0, transactionStates: body.transactionalIds.map((id) => described(id, services)) }),
  failed: ({ body }, errorCode) => ({ throttleTimeMs: 0, transactionStates: body.transactionalIds.map((id) => failed(id, errorCode)) }),
})

function described(transactionalId: string, { transactions }: BrokerServices) {
  if (transactionalId === '') return failed(transactionalId, ErrorCode.INVALID_REQUEST)
  const transaction = transactions.get(transactionalId)
  if (!transaction) return failed(transactionalId, ErrorCode.TRANSACTIONAL_ID_NOT_FOUND)
  const { state, timeoutMs, startedAt, producerId, producerEpoch, partitions } = transaction
  return {
    errorCode: 0,
    transactionalId,
    transactionState: state,
    transactionTimeoutMs: timeoutMs,
    transactionStartTimeMs: startedAt,
    producerId,
    producerEpoch,
    topics: byTopic(partitions),
  }
}

function byTopic(names: readonly string[]): { topic: string; partitions: number[] }[] {
  const topics = new Map<string, number[]>()
  for (const { topic, partition } of names.map(partitionOf)) {
    const known = topics.get(topic)
    if (known) known.push(partition)
    else topics.set(topic, [partition])
  }
  return Array.from(topics, ([topic, partitions]) => ({ topic, partitions }))
}

function failed(transactionalId: string, errorCode: number) {
  return {
    errorCode,
    transactionalId,
    transactionState: '',
    transactionTimeoutMs: 0,
    transactionStartTimeMs: 0,
    producerId: 0,
    producerEpoch: 0,
    topics: [],
  }
}
