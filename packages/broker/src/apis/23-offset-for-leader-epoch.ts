import { ErrorCode, KafkaError } from '@millrace/kafka-protocol'
import { apiHandler, type BrokerServices, type Request } from '../api-handler.ts'
import { LEADER_EPOCH } from '../log/partition-log.ts'
import { leaderEpochError } from './01-fetch.ts'

type WantedPartition = Request<'OffsetForLeaderEpoch'>['body']['topics'][number]['partitions'][number]

/** OffsetForLeaderEpoch 2 to 4 (KIP-320): all records are of the only epoch, which ends where the log ends. */
export const offsetForLeaderEpoch = apiHandler({
  api: 'OffsetForLeaderEpoch',
  versions: { min: 2, max: 4 },

  respond: ({ body }, services) => ({
    topics: body.topics.map(({ topic, partitions }) => ({ topic, partitions: partitions.map((partition) => found(services, topic, partition)) })),
  }),
  failed: ({ body }, errorCode) => ({
    topics: body.topics.map(({ topic, partitions }) => ({ topic, partitions: partitions.map(({ partition }) => ({ partition, errorCode })) })),
  }),
})

function found({ topics }: BrokerServices, name: string, { partition, currentLeaderEpoch, leaderEpoch }: WantedPartition) {
  const topic = topics.get(name)
  if (!topic) return { partition, errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION }
  const epochError = leaderEpochError(currentLeaderEpoch)
  if (epochError) return { partition, errorCode: epochError }
  try {
    const { endOffset } = topics.log(topic, partition)
    return leaderEpoch === LEADER_EPOCH ? { partition, errorCode: 0, leaderEpoch, endOffset } : { partition, errorCode: 0 }
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error
    return { partition, errorCode: error.errorCode }
  }
}
