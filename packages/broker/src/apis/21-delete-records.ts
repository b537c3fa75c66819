import { ErrorCode, KafkaError, kafkaError } from '@millrace/kafka-protocol'
import { apiHandler, type BrokerServices, type Request } from '../api-handler.ts'

type WantedPartition = Request<'DeleteRecords'>['body']['topics'][number]['partitions'][number]

/** DeleteRecords 0 to 2 (KIP-107): the log begins at another offset; -1 is its end. Refused where a topic is compacted only, as in Kafka. */
export const deleteRecords = apiHandler({
  api: 'DeleteRecords',
  versions: { min: 0, max: 2 },

  respond: ({ body }, services) => ({
    throttleTimeMs: 0,
    topics: body.topics.map(({ name, partitions }) => ({ name, partitions: partitions.map((partition) => deleted(name, partition, services)) })),
  }),
  failed: ({ body }, errorCode) => ({
    throttleTimeMs: 0,
    topics: body.topics.map(({ name, partitions }) => ({ name, partitions: partitions.map(({ partitionIndex }) => failed(partitionIndex, errorCode)) })),
  }),
})

function deleted(name: string, { partitionIndex, offset }: WantedPartition, { topics }: BrokerServices) {
  try {
    const topic = topics.get(name)
    if (!topic) throw kafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    if (!topic.config.isDeleted) throw kafkaError(ErrorCode.POLICY_VIOLATION)
    return { partitionIndex, lowWatermark: topics.log(topic, partitionIndex).deleteBefore(offset), errorCode: 0 }
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error
    return failed(partitionIndex, error.errorCode)
  }
}

function failed(partitionIndex: number, errorCode: number) {
  return { partitionIndex, lowWatermark: -1, errorCode }
}
