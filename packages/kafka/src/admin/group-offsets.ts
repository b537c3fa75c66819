import { ErrorCode, kafkaError } from '@millrace/kafka-protocol'
import { compareTexts } from '../consumer/assignor.ts'
import type { CommittedOffset, OffsetCommit } from '../consumer/committed-offsets.ts'
import { partitionName, type TopicPartition } from '../topic-partition.ts'
import type { AdminRequests, CallOptions } from './admin-requests.ts'

export async function listConsumerGroupOffsets(
  requests: AdminRequests,
  groupId: string,
  { isStable = false, ...options }: CallOptions & { readonly isStable?: boolean },
): Promise<readonly CommittedOffset[]> {
  const group = await requests.fromCoordinator(
    'listConsumerGroupOffsets',
    { id: groupId },
    async (coordinator) => {
      const answer = await coordinator.request('data', 'OffsetFetch', (version) => ({
        ...(version >= 8 ? { groups: [{ groupId, topics: null }] } : { groupId, topics: null }),
        ...(version >= 7 ? { requireStable: isStable } : {}),
      }))
      const group = answer.groups[0] ?? answer
      for (const { name, partitions } of group.topics) {
        const failed = partitions.find(({ errorCode }) => errorCode !== ErrorCode.NONE)
        if (failed) throw kafkaError(failed.errorCode, `Offset of ${name}-${failed.partitionIndex} in group "${groupId}"`)
      }
      return group
    },
    options,
  )
  if (group.errorCode !== ErrorCode.NONE) throw kafkaError(group.errorCode, `Group "${groupId}"`)
  const offsets = group.topics.flatMap(({ name, partitions }) =>
    partitions
      .filter(({ committedOffset }) => committedOffset >= 0)
      .map(({ partitionIndex, committedOffset, metadata, committedLeaderEpoch }) => ({
        topic: name,
        partition: partitionIndex,
        offset: committedOffset,
        metadata: metadata ?? '',
        leaderEpoch: committedLeaderEpoch,
      })),
  )
  return offsets.sort((a, b) => compareTexts(a.topic, b.topic) || a.partition - b.partition)
}

export async function alterConsumerGroupOffsets(
  requests: AdminRequests,
  groupId: string,
  offsets: readonly OffsetCommit[],
  options: CallOptions,
): Promise<void> {
  if (offsets.length === 0) return
  const topics = [...new Set(offsets.map(({ topic }) => topic))].map((name) => ({
    name,
    partitions: offsets
      .filter(({ topic }) => topic === name)
      .map(({ partition, offset, metadata = '', leaderEpoch = -1 }) => ({
        partitionIndex: partition,
        committedOffset: offset,
        committedLeaderEpoch: leaderEpoch,
        committedMetadata: metadata,
      })),
  }))
  const answers = await requests.fromCoordinator(
    'alterConsumerGroupOffsets',
    { id: groupId },
    async (coordinator) => {
      // As somebody who is no member; the coordinator takes that for groups without members only.
      const answer = await coordinator.request('data', 'OffsetCommit', { groupId, generationIdOrMemberEpoch: -1, memberId: '', topics })
      return answer.topics.flatMap(({ name, partitions }) => partitions.map((partition) => ({ ...partition, name })))
    },
    options,
  )
  for (const { name, partitionIndex, errorCode } of answers) throwOffsetError(groupId, { topic: name, partition: partitionIndex }, errorCode)
}

export async function deleteConsumerGroupOffsets(
  requests: AdminRequests,
  groupId: string,
  partitions: readonly TopicPartition[],
  options: CallOptions,
): Promise<void> {
  const topics = [...new Set(partitions.map(({ topic }) => topic))].map((name) => ({
    name,
    partitions: partitions.filter(({ topic }) => topic === name).map(({ partition }) => ({ partitionIndex: partition })),
  }))
  const answer = await requests.fromCoordinator(
    'deleteConsumerGroupOffsets',
    { id: groupId },
    (coordinator) => coordinator.request('data', 'OffsetDelete', { groupId, topics }),
    options,
  )
  if (answer.errorCode !== ErrorCode.NONE) throw kafkaError(answer.errorCode, `Group "${groupId}"`)
  for (const { name, partitions } of answer.topics) {
    for (const { partitionIndex, errorCode } of partitions) throwOffsetError(groupId, { topic: name, partition: partitionIndex }, errorCode)
  }
}

function throwOffsetError(groupId: string, partition: TopicPartition, errorCode: number): void {
  if (errorCode !== ErrorCode.NONE) throw kafkaError(errorCode, `Offset of ${partitionName(partition)} in group "${groupId}"`)
}
