import { ErrorCode, errorByCode } from '@millrace/kafka-protocol'
import { apiHandler, type BrokerServices, type Request } from '../api-handler.ts'

/** ElectLeaders 0 to 2 (KIP-183): there is one candidate for every partition, and it leads already. */
export const electLeaders = apiHandler({
  api: 'ElectLeaders',
  versions: { min: 0, max: 2 },

  respond: (request, services) => answer(request, (topic, partition) => errorOf(topic, partition, services)),
  failed: (request, errorCode) => ({ ...answer(request, () => errorCode), ...(request.version >= 1 && { errorCode }) }),
})

function answer({ body }: Request<'ElectLeaders'>, errorOf: (topic: string, partition: number) => number) {
  return {
    throttleTimeMs: 0,
    replicaElectionResults: (body.topicPartitions ?? []).map(({ topic, partitions }) => ({
      topic,
      partitionResult: partitions.map((partitionId) => {
        const errorCode = errorOf(topic, partitionId)
        return { partitionId, errorCode, errorMessage: errorByCode(errorCode).message }
      }),
    })),
  }
}

function errorOf(name: string, partition: number, { topics }: BrokerServices): number {
  const topic = topics.get(name)
  return topic && partition >= 0 && partition < topic.partitionCount ? ErrorCode.ELECTION_NOT_NEEDED : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
}
