import { ErrorCode, KafkaError, ZERO_UUID } from '@millrace/kafka-protocol'
import { apiHandler, type BrokerServices, NODE_ID, type Request } from '../api-handler.ts'
import { type Topic, topicNameError } from '../topics.ts'

/**
 * Metadata 0 to 13: the one node and the topics asked for, or all. A topic that is asked for by name and does not exist is created with
 * `num.partitions`, if both the request and `auto.create.topics.enable` allow it; other than in a cluster it is ready in the same answer.
 */
export const metadata = apiHandler({
  api: 'Metadata',
  versions: { min: 0, max: 13 },

  respond: (request, services) => ({ ...cluster(request, services), topics: wantedTopics(request, services) }),

  failed: ({ body }, errorCode) => ({
    brokers: [],
    topics: (body.topics ?? []).map(({ name, topicId }) => ({ errorCode, name: name ?? '', topicId, partitions: [] })),
    errorCode,
  }),
})

function cluster({ advertised: { host, port } }: Request<'Metadata'>, { meta }: BrokerServices) {
  return { brokers: [{ nodeId: NODE_ID, host, port }], clusterId: meta.clusterId, controllerId: NODE_ID }
}

function wantedTopics({ version, body }: Request<'Metadata'>, services: BrokerServices) {
  const { topics } = services
  if (body.topics === null || (version === 0 && body.topics.length === 0)) return [...topics.all()].map((topic) => described(topic, services))
  return body.topics.map(({ name, topicId }) => {
    if (topicId !== ZERO_UUID) {
      const topic = topics.getById(topicId)
      return topic ? described(topic, services) : { errorCode: ErrorCode.UNKNOWN_TOPIC_ID, name: version >= 12 ? null : '', topicId, partitions: [] }
    }
    return byName(name ?? '', body.allowAutoTopicCreation, services)
  })
}

function byName(name: string, isCreationAllowed: boolean, services: BrokerServices) {
  const { topics, config, logger } = services
  const known = topics.get(name)
  if (known) return described(known, services)
  const failed = (errorCode: number) => ({ errorCode, name, partitions: [] })
  if (topicNameError(name)) return failed(ErrorCode.INVALID_TOPIC_EXCEPTION)
  if (!isCreationAllowed || !config.autoCreateTopics) return failed(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
  try {
    topics.create({ name, partitionCount: config.numPartitions, overrides: {} })
    return described(topics.get(name)!, services)
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error
    logger.warn(`Topic "${name}" could not be created automatically: ${error.message}`)
    return failed(error.errorCode)
  }
}

function described(topic: Topic, services: BrokerServices) {
  const { name, id, partitionCount } = topic
  const partitions = Array.from({ length: partitionCount }, (_, partitionIndex) => describedPartition(topic, partitionIndex, services))
  return { errorCode: 0, name, topicId: id, isInternal: false, partitions }
}

/** A partition with its leader, or without one while a change of leaders is pretended. */
export function describedPartition({ id }: Topic, partitionIndex: number, { leaders }: BrokerServices) {
  const isAway = leaders.isAway(id, partitionIndex)
  return {
    errorCode: isAway ? ErrorCode.LEADER_NOT_AVAILABLE : 0,
    partitionIndex,
    leaderId: isAway ? -1 : NODE_ID,
    leaderEpoch: leaders.epochOf(id, partitionIndex),
    replicaNodes: [NODE_ID],
    isrNodes: [NODE_ID],
  }
}
