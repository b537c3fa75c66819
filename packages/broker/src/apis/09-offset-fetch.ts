import { ErrorCode, ZERO_UUID } from '@millrace/kafka-protocol'
import { apiHandler, type BrokerServices, type Request } from '../api-handler.ts'
import { partitionName } from '../transactions/transaction.ts'

/** One group that is asked for; null asks for all its partitions. */
interface WantedGroup {
  readonly groupId: string
  readonly topics: readonly { readonly name: string; readonly topicId: string; readonly partitionIndexes: readonly number[] }[] | null
}

/**
 * OffsetFetch 1 to 10: committed offsets, -1 where there is none, also of groups that do not exist. Several groups from 8 on (KIP-709), topic ids
 * from 10 on. `require_stable` asks again for what a running transaction may change (KIP-447).
 */
export const offsetFetch = apiHandler({
  api: 'OffsetFetch',
  versions: { min: 1, max: 10 },

  respond(request, services) {
    const groups = wanted(request).map((group) => found(group, request, services))
    if (request.version >= 8) return { groups }
    return { topics: groups[0]!.topics.map(({ name, partitions }) => ({ name: name ?? '', partitions })), errorCode: 0 }
  },

  failed(request, errorCode) {
    if (request.version >= 8) return { groups: wanted(request).map(({ groupId }) => ({ groupId, topics: [], errorCode })) }
    const topics = (request.body.topics ?? []).map(({ name, partitionIndexes }) => ({
      name,
      partitions: partitionIndexes.map((partitionIndex) => nothing(partitionIndex, errorCode)),
    }))
    return { topics, errorCode }
  },
})

function wanted({ version, body }: Request<'OffsetFetch'>): readonly WantedGroup[] {
  if (version >= 8) return body.groups
  const topics = body.topics?.map(({ name, partitionIndexes }) => ({ name, topicId: ZERO_UUID, partitionIndexes })) ?? null
  return [{ groupId: body.groupId, topics }]
}

/** Gives the answer for one partition of a group. */
type Lookup = (topic: string, partitionIndex: number) => ReturnType<typeof committed>

function found({ groupId, topics }: WantedGroup, { version, body }: Request<'OffsetFetch'>, services: BrokerServices) {
  const unstable = body.requireStable ? services.transactions.pendingOffsets(groupId) : undefined
  const lookUp: Lookup = (topic, partition) =>
    unstable?.has(partitionName(topic, partition)) ? nothing(partition, ErrorCode.UNSTABLE_OFFSET_COMMIT) : committed(groupId, topic, partition, services)
  if (topics === null) return { groupId, topics: allOf(groupId, lookUp, services) }
  return {
    groupId,
    topics: topics.map(({ name, topicId, partitionIndexes }) => {
      const topicName = version >= 10 ? services.topics.getById(topicId)?.name : name
      return {
        name,
        topicId,
        partitions: partitionIndexes.map((partition) =>
          topicName === undefined ? nothing(partition, ErrorCode.UNKNOWN_TOPIC_ID) : lookUp(topicName, partition),
        ),
      }
    }),
  }
}

function committed(groupId: string, topic: string, partitionIndex: number, { groups }: BrokerServices) {
  const known = groups.committed(groupId, topic, partitionIndex)
  if (!known) return nothing(partitionIndex, 0)
  const { offset: committedOffset, leaderEpoch: committedLeaderEpoch, metadata } = known
  return { partitionIndex, committedOffset, committedLeaderEpoch, metadata, errorCode: 0 }
}

function nothing(partitionIndex: number, errorCode: number) {
  return { partitionIndex, committedOffset: -1, committedLeaderEpoch: -1, metadata: '', errorCode }
}

function allOf(groupId: string, lookUp: Lookup, services: BrokerServices) {
  const byTopic = Map.groupBy(services.groups.allCommitted(groupId), ({ topic }) => topic)
  return [...byTopic].map(([name, partitions]) => ({
    name,
    topicId: services.topics.get(name)?.id ?? ZERO_UUID,
    partitions: partitions.map(({ partition }) => lookUp(name, partition)),
  }))
}
