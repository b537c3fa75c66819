import { ErrorCode, kafkaError } from '@millrace/kafka-protocol'
import { compareTexts } from '../consumer/assignor.ts'
import { CommittedOffsets, type CommittedOffset, type OffsetCommit } from '../consumer/committed-offsets.ts'
import { Coordinator } from '../group/coordinator.ts'
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
  { timeoutMs = requests.config.apiTimeoutMs }: CallOptions,
): Promise<void> {
  const committed = new CommittedOffsets({
    cluster: requests.cluster,
    coordinator: new Coordinator(requests.cluster, groupId),
    clock: requests.clock,
    groupInstanceId: null,
    apiTimeoutMs: timeoutMs,
    isReadCommitted: false,
  })
  await committed.commit(offsets, null)
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
    for (const { partitionIndex, errorCode } of partitions) {
      const partition = partitionName({ topic: name, partition: partitionIndex })
      if (errorCode !== ErrorCode.NONE) throw kafkaError(errorCode, `Offset of ${partition} in group "${groupId}"`)
    }
  }
}
