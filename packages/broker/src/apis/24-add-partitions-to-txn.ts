import { ErrorCode } from '@millrace/kafka-protocol'
import { apiHandler, type Request } from '../api-handler.ts'
import { partitionName } from '../transactions/transaction.ts'
import { fencedErrorCode } from './22-init-producer-id.ts'

type Body = Request<'AddPartitionsToTxn'>['body']

/** AddPartitionsToTxn 0 to 3 (KIP-98): all partitions, or none if one of them does not exist. Later versions are for brokers alone. */
export const addPartitionsToTxn = apiHandler({
  api: 'AddPartitionsToTxn',
  versions: { min: 0, max: 3 },

  respond({ body }, { topics, transactions }) {
    const exists = (name: string, partition: number) => partition >= 0 && partition < (topics.get(name)?.partitionCount ?? 0)
    if (body.v3AndBelowTopics.some(({ name, partitions }) => partitions.some((partition) => !exists(name, partition)))) {
      return answer(body, (name, partition) => (exists(name, partition) ? ErrorCode.OPERATION_NOT_ATTEMPTED : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION))
    }
    const { v3AndBelowTransactionalId: transactionalId, v3AndBelowProducerId: producerId, v3AndBelowProducerEpoch: producerEpoch } = body
    const names = body.v3AndBelowTopics.flatMap(({ name, partitions }) => partitions.map((partition) => partitionName(name, partition)))
    transactions.addPartitions({ transactionalId, producerId, producerEpoch }, names)
    return answer(body, () => 0)
  },

  failed: ({ version, body }, errorCode) => answer(body, () => fencedErrorCode(errorCode, version >= 2)),
})

function answer({ v3AndBelowTopics }: Body, errorOf: (topic: string, partition: number) => number) {
  return {
    throttleTimeMs: 0,
    resultsByTopicV3AndBelow: v3AndBelowTopics.map(({ name, partitions }) => ({
      name,
      resultsByPartition: partitions.map((partitionIndex) => ({ partitionIndex, partitionErrorCode: errorOf(name, partitionIndex) })),
    })),
  }
}
