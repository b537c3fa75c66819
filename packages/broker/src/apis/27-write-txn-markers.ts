import { ErrorCode, KafkaError } from '@millrace/kafka-protocol'
import { apiHandler, type BrokerServices, type Request } from '../api-handler.ts'

type Marker = Request<'WriteTxnMarkers'>['body']['markers'][number]

/**
 * WriteTxnMarkers 1 to 2 (KIP-98, KIP-664): ends the transaction of a producer in chosen partitions, as an administrator does who aborts one that nobody
 * ends. What the transaction coordinator knows of it stays as it is.
 */
export const writeTxnMarkers = apiHandler({
  api: 'WriteTxnMarkers',
  versions: { min: 1, max: 2 },

  respond: ({ body }, services) => ({
    markers: body.markers.map((marker) => answered(marker, (topic, partition) => written(marker, topic, partition, services))),
  }),
  failed: ({ body }, errorCode) => ({ markers: body.markers.map((marker) => answered(marker, () => errorCode)) }),
})

function answered({ producerId, topics }: Marker, errorOf: (topic: string, partition: number) => number) {
  return {
    producerId,
    topics: topics.map(({ name, partitionIndexes }) => ({
      name,
      partitions: partitionIndexes.map((partitionIndex) => ({ partitionIndex, errorCode: errorOf(name, partitionIndex) })),
    })),
  }
}

function written({ producerId, producerEpoch, transactionResult: isCommit }: Marker, name: string, partition: number, services: BrokerServices): number {
  const topic = services.topics.get(name)
  if (!topic) return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
  try {
    const log = services.topics.log(topic, partition)
    log.requireProducerEpoch(producerId, producerEpoch)
    log.appendMarker({ producerId, producerEpoch, isCommit }, services.clock())
    return 0
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error
    return error.errorCode
  }
}
