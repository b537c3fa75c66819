import { ErrorCode, KafkaError, kafkaError } from '@millrace/kafka-protocol'
import { apiHandler, type BrokerServices, NODE_ID, type Request } from '../api-handler.ts'

type WantedTopic = Request<'CreatePartitions'>['body']['topics'][number]

/** CreatePartitions 0 to 3 (KIP-195): raises the number of partitions; it never falls. */
export const createPartitions = apiHandler({
  api: 'CreatePartitions',
  versions: { min: 0, max: 3 },

  respond: ({ body }, services) => ({ throttleTimeMs: 0, results: body.topics.map((topic) => raised(topic, body.validateOnly, services)) }),
  failed: ({ body }, errorCode) => ({ throttleTimeMs: 0, results: body.topics.map(({ name }) => ({ name, errorCode, errorMessage: null })) }),
})

function raised({ name, count, assignments }: WantedTopic, isValidatedOnly: boolean, { topics }: BrokerServices) {
  try {
    const added = count - (topics.get(name)?.partitionCount ?? 0)
    if (assignments !== null && (assignments.length !== added || assignments.some(({ brokerIds }) => brokerIds.length !== 1 || brokerIds[0] !== NODE_ID))) {
      const error = kafkaError(ErrorCode.INVALID_REPLICA_ASSIGNMENT)
      error.message = `Each of the ${added} new partitions has to be assigned to broker ${NODE_ID}, the only one.`
      throw error
    }
    topics.addPartitions(name, count, isValidatedOnly)
    return { name, errorCode: 0, errorMessage: null }
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error
    return { name, errorCode: error.errorCode, errorMessage: error.message }
  }
}
