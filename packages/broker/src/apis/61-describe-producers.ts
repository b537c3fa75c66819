import { ErrorCode, KafkaError } from '@millrace/kafka-protocol'
import { apiHandler, type BrokerServices } from '../api-handler.ts'

/** DescribeProducers 0 (KIP-664): the idempotent and transactional producers that a partition remembers, with where their open transactions began. */
export const describeProducers = apiHandler({
  api: 'DescribeProducers',
  versions: { min: 0, max: 0 },

  respond: ({ body }, services) => ({
    throttleTimeMs: 0,
    topics: body.topics.map(({ name, partitionIndexes }) => ({ name, partitions: partitionIndexes.map((partition) => described(name, partition, services)) })),
  }),
  failed: ({ body }, errorCode) => ({
    throttleTimeMs: 0,
    topics: body.topics.map(({ name, partitionIndexes }) => ({ name, partitions: partitionIndexes.map((partition) => failed(partition, errorCode)) })),
  }),
})

function described(name: string, partitionIndex: number, { topics }: BrokerServices) {
  const topic = topics.get(name)
  if (!topic) return failed(partitionIndex, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
  try {
    const activeProducers = topics.log(topic, partitionIndex).activeProducers()
    return { partitionIndex, errorCode: 0, activeProducers: activeProducers.map((producer) => ({ ...producer, coordinatorEpoch: 0 })) }
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error
    return failed(partitionIndex, error.errorCode)
  }
}

function failed(partitionIndex: number, errorCode: number) {
  return { partitionIndex, errorCode, activeProducers: [] }
}
