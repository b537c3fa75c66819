import { ErrorCode, KafkaError, kafkaError } from '@millrace/kafka-protocol'
import { apiHandler, type BrokerServices, NODE_ID, type Request } from '../api-handler.ts'
import { describedTopicConfigs } from '../config/described-configs.ts'

type WantedTopic = Request<'CreateTopics'>['body']['topics'][number]

/** CreateTopics 2 to 7. There is one node, so more than one replica is refused, as a cluster of one node does. */
export const createTopics = apiHandler({
  api: 'CreateTopics',
  versions: { min: 2, max: 7 },

  respond({ body }, services) {
    const counts = new Map<string, number>()
    for (const { name } of body.topics) counts.set(name, (counts.get(name) ?? 0) + 1)
    const isRepeated = (name: string) => counts.get(name)! > 1
    return { topics: body.topics.map((topic) => created(topic, isRepeated(topic.name), body.validateOnly, services)) }
  },

  failed: ({ body }, errorCode) => ({ topics: body.topics.map(({ name }) => ({ name, errorCode, errorMessage: null, configs: null })) }),
})

function created(topic: WantedTopic, isRepeated: boolean, isValidatedOnly: boolean, { topics, config }: BrokerServices) {
  const { name } = topic
  try {
    if (isRepeated) throw refused(ErrorCode.INVALID_REQUEST, 'Duplicate topic name.')
    const partitionCount = partitionCountOf(topic, config.numPartitions)
    const overrides = Object.fromEntries(topic.configs.flatMap(({ name, value }) => (value === null ? [] : [[name, value]])))
    const { id } = topics.create({ name, partitionCount, overrides }, isValidatedOnly)
    return {
      name,
      topicId: isValidatedOnly ? undefined : id,
      errorCode: 0,
      errorMessage: null,
      numPartitions: partitionCount,
      replicationFactor: 1,
      configs: describedTopicConfigs(overrides, config),
    }
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error
    return { name, errorCode: error.errorCode, errorMessage: error.message, configs: null }
  }
}

function partitionCountOf({ numPartitions, replicationFactor, assignments }: WantedTopic, partitionsByDefault: number): number {
  if (assignments.length > 0) {
    if (numPartitions !== -1 || replicationFactor !== -1) {
      throw refused(
        ErrorCode.INVALID_REQUEST,
        'Both numPartitions or replicationFactor and replicasAssignments were set. Both cannot be used at the same time.',
      )
    }
    const indexes = assignments.map(({ partitionIndex }) => partitionIndex).sort((a, b) => a - b)
    const isComplete = indexes.every((index, position) => index === position)
    const isOnUs = assignments.every(({ brokerIds }) => brokerIds.length === 1 && brokerIds[0] === NODE_ID)
    if (!isComplete || !isOnUs) {
      throw refused(ErrorCode.INVALID_REPLICA_ASSIGNMENT, `Partitions have to be numbered from 0 and assigned to broker ${NODE_ID}, the only one.`)
    }
    return assignments.length
  }
  if (replicationFactor !== -1 && replicationFactor !== 1) {
    throw refused(
      ErrorCode.INVALID_REPLICATION_FACTOR,
      replicationFactor < 1
        ? 'Replication factor must be larger than 0, or -1 to use the default value.'
        : `Unable to replicate the partition ${replicationFactor} time(s): The target replication factor of ${replicationFactor} cannot be reached because only 1 broker(s) are registered.`,
    )
  }
  return numPartitions === -1 ? partitionsByDefault : numPartitions
}

function refused(code: number, message: string): KafkaError {
  const error = kafkaError(code)
  error.message = message
  return error
}
