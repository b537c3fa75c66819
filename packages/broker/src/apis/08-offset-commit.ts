import { ErrorCode } from '@millrace/kafka-protocol'
import { apiHandler, type BrokerServices, type Request } from '../api-handler.ts'
import type { OffsetEntry } from '../groups/group-journal.ts'
import type { Topic } from '../topics.ts'

type Body = Request<'OffsetCommit'>['body']

/**
 * OffsetCommit 2 to 10: stores offsets for members of the present generation, and for clients outside of a group while it is empty.
 * A member that is rebalancing may still commit for its old generation until it has joined. Topic ids from 10 on.
 */
export const offsetCommit = apiHandler({
  api: 'OffsetCommit',
  versions: { min: 2, max: 10 },

  respond(request, services) {
    const { body } = request
    const groupError = commitError(body, services)
    if (groupError) return failed(body, groupError)
    const stored: OffsetEntry[] = []
    const topics = body.topics.map(({ name, topicId, partitions }) => {
      const topic = request.version >= 10 ? services.topics.getById(topicId) : services.topics.get(name)
      const unknown = request.version >= 10 ? ErrorCode.UNKNOWN_TOPIC_ID : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
      return {
        name,
        topicId,
        partitions: partitions.map((partition) => {
          const errorCode = topic ? offsetError(topic, partition, services) : unknown
          if (errorCode === 0) stored.push(offsetEntry(topic!.name, partition))
          return { partitionIndex: partition.partitionIndex, errorCode }
        }),
      }
    })
    if (stored.length > 0) {
      try {
        services.groups.commit(body.groupId, stored)
      } catch (error) {
        services.logger.error(`Offsets of group "${body.groupId}" cannot be stored: ${(error as Error).message}`)
        // Retriable, as what Kafka makes of a disk error here.
        return failed(body, ErrorCode.COORDINATOR_NOT_AVAILABLE)
      }
    }
    return { topics }
  },

  failed: ({ body }, errorCode) => failed(body, errorCode),
})

function commitError({ groupId, memberId, groupInstanceId, generationIdOrMemberEpoch: generationId }: Body, { groups }: BrokerServices): number {
  const group = groups.get(groupId)
  if (group) return group.commitError({ memberId, groupInstanceId, generationId })
  // A group that does not exist is made by a commit without membership; a member of it has been forgotten.
  return generationId < 0 ? 0 : ErrorCode.ILLEGAL_GENERATION
}

interface CommittedPartition {
  readonly partitionIndex: number
  readonly committedOffset: number
  readonly committedLeaderEpoch: number
  readonly committedMetadata: string | null
}

/** Why an offset cannot be committed for a partition; 0 if it can. */
export function offsetError(topic: Topic | undefined, { partitionIndex, committedMetadata }: CommittedPartition, { config }: BrokerServices): number {
  if (!topic || partitionIndex < 0 || partitionIndex >= topic.partitionCount) return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
  const isTooLarge = committedMetadata !== null && Buffer.byteLength(committedMetadata) > config.offsetMetadataMaxBytes
  return isTooLarge ? ErrorCode.OFFSET_METADATA_TOO_LARGE : 0
}

export function offsetEntry(topic: string, { partitionIndex, committedOffset, committedLeaderEpoch, committedMetadata }: CommittedPartition): OffsetEntry {
  return [topic, partitionIndex, committedOffset, committedLeaderEpoch, committedMetadata ?? '']
}

function failed({ topics }: Body, errorCode: number) {
  return {
    topics: topics.map(({ name, topicId, partitions }) => ({
      name,
      topicId,
      partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })),
    })),
  }
}
