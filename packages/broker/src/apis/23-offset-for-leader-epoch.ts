import { ErrorCode, KafkaError } from '@millrace/kafka-protocol'
import { apiHandler, type BrokerServices, type Request } from '../api-handler.ts'
import { leadershipError } from './01-fetch.ts'

type WantedPartition = Request<'OffsetForLeaderEpoch'>['body']['topics'][number]['partitions'][number]

/** OffsetForLeaderEpoch 2 to 4 (KIP-320): where an epoch of leaders ended, so that a consumer sees what a log has lost. */
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

function found(services: BrokerServices, name: string, { partition, currentLeaderEpoch, leaderEpoch }: WantedPartition) {
  const topic = services.topics.get(name)
  if (!topic) return { partition, errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION }
  const leadership = leadershipError(topic, partition, currentLeaderEpoch, services)
  if (leadership) return { partition, errorCode: leadership }
  try {
    return { partition, errorCode: 0, ...services.topics.log(topic, partition).endOfEpoch(leaderEpoch) }
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error
    return { partition, errorCode: error.errorCode }
  }
}
