import { ErrorCode, errorByCode, type KafkaError, kafkaError, type RequestInput } from '@millrace/kafka-protocol'
import type { Clock } from '../clock.ts'
import type { Cluster } from '../cluster.ts'
import { asKafkaError, commitFailedError, timeoutError } from '../errors.ts'
import type { Coordinator } from '../group/coordinator.ts'
import type { Membership } from '../group/group-member.ts'
import { partitionName, type TopicPartition } from '../topic-partition.ts'

/** Up to where a group has read a partition. */
export interface OffsetCommit extends TopicPartition {
  /** Offset of the next record to read. */
  readonly offset: number
  /** A note kept with the offset; default empty. */
  readonly metadata?: string
  /** Of the last record that was read; default -1, not known. */
  readonly leaderEpoch?: number
}

/** A committed offset as the coordinator has it. */
export interface CommittedOffset extends TopicPartition {
  readonly offset: number
  readonly metadata: string
  readonly leaderEpoch: number
}

export interface CommittedOffsetsOptions {
  readonly cluster: Cluster
  readonly coordinator: Coordinator
  readonly clock: Clock
  readonly groupInstanceId: string | null
  /** Milliseconds (`default.api.timeout.ms`). */
  readonly apiTimeoutMs: number
  /** Whether offsets of open transactions are waited for. */
  readonly isReadCommitted: boolean
}

/** Reads and writes the offsets of a group at its coordinator. */
export class CommittedOffsets {
  readonly #options: CommittedOffsetsOptions

  constructor(options: CommittedOffsetsOptions) {
    this.#options = options
  }

  /**
   * Commits at the generation given; null for a group without members (assigned by hand).
   *
   * @throws KafkaError `COMMIT_FAILED` if the group has moved on; `REBALANCE_IN_PROGRESS` (retriable, after the rebalance); `REQUEST_TIMED_OUT`;
   *   others as the broker says. Some of the offsets may have been committed nevertheless.
   */
  async commit(offsets: readonly OffsetCommit[], membership: Membership | null): Promise<void> {
    let left = offsets
    await this.#untilDone('Committing offsets', async () => {
      left = await this.#commitOnce(left, membership)
      return left.length === 0 ? { value: undefined } : null
    })
  }

  /** The committed offsets of these partitions; those without one are left out. @throws KafkaError. */
  async committed(partitions: readonly TopicPartition[]): Promise<readonly CommittedOffset[]> {
    if (partitions.length === 0) return []
    return await this.#untilDone('Fetching committed offsets', () => this.#fetchOnce(partitions))
  }

  /** Those that have to be tried again. */
  async #commitOnce(offsets: readonly OffsetCommit[], membership: Membership | null): Promise<readonly OffsetCommit[]> {
    const { coordinator, groupInstanceId } = this.#options
    const byName = new Map(offsets.map((offset) => [partitionName(offset), offset]))
    const answer = await coordinator.request('data', 'OffsetCommit', (version) => ({
      groupId: coordinator.groupId,
      generationIdOrMemberEpoch: membership?.generation ?? -1,
      memberId: membership?.memberId ?? '',
      ...(version >= 7 ? { groupInstanceId: membership ? groupInstanceId : null } : {}),
      topics: commitTopics(offsets),
    }))
    const again: OffsetCommit[] = []
    for (const { name, partitions } of answer.topics) {
      for (const { partitionIndex, errorCode } of partitions) {
        if (errorCode === ErrorCode.NONE) continue
        const offset = byName.get(`${name}-${partitionIndex}`)
        if (offset && this.#isCommitRetried(errorCode, offset)) again.push(offset)
      }
    }
    return again
  }

  /** @throws KafkaError for what cannot be tried again. */
  #isCommitRetried(errorCode: number, offset: OffsetCommit): boolean {
    const { coordinator } = this.#options
    if (coordinator.isLost(errorCode)) return true
    switch (errorCode) {
      case ErrorCode.COORDINATOR_LOAD_IN_PROGRESS:
      case ErrorCode.REQUEST_TIMED_OUT:
      case ErrorCode.UNKNOWN_TOPIC_OR_PARTITION:
        return true
      case ErrorCode.UNKNOWN_MEMBER_ID:
      case ErrorCode.ILLEGAL_GENERATION:
        throw commitFailedError(
          'Offset commit cannot be completed since the consumer is not part of an active group for auto partition assignment; it is likely that the consumer was kicked out of the group.',
        )
    }
    throw kafkaError(errorCode, `Committing offset ${offset.offset} of ${partitionName(offset)} for group "${coordinator.groupId}"`)
  }

  async #fetchOnce(partitions: readonly TopicPartition[]): Promise<{ value: readonly CommittedOffset[] } | null> {
    const { coordinator, isReadCommitted } = this.#options
    const { groupId } = coordinator
    const topics = indexesByTopic(partitions)
    const answer = await coordinator.request('data', 'OffsetFetch', (version) => ({
      ...(version >= 8 ? { groups: [{ groupId, topics }] } : { groupId, topics }),
      ...(version >= 7 ? { requireStable: isReadCommitted } : {}),
    }))
    const group = answer.groups[0] ?? answer
    if (this.#isFetchRetried(group.errorCode)) return null
    const committed: CommittedOffset[] = []
    for (const { name, partitions } of group.topics) {
      for (const { partitionIndex, committedOffset, committedLeaderEpoch, metadata, errorCode } of partitions) {
        if (this.#isFetchRetried(errorCode)) return null
        if (committedOffset < 0) continue
        committed.push({ topic: name, partition: partitionIndex, offset: committedOffset, metadata: metadata ?? '', leaderEpoch: committedLeaderEpoch })
      }
    }
    return { value: committed }
  }

  #isFetchRetried(errorCode: number): boolean {
    if (errorCode === ErrorCode.NONE || errorCode === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION) return false
    const { coordinator } = this.#options
    if (coordinator.isLost(errorCode) || errorByCode(errorCode).retriable || errorCode === ErrorCode.UNSTABLE_OFFSET_COMMIT) return true
    throw kafkaError(errorCode, `Fetching committed offsets of group "${coordinator.groupId}"`)
  }

  /** Repeats an attempt, which gives null for "again", within `default.api.timeout.ms`. */
  async #untilDone<T>(what: string, attempt: () => Promise<{ value: T } | null>): Promise<T> {
    const { clock, cluster, apiTimeoutMs, coordinator } = this.#options
    const deadline = clock.now() + apiTimeoutMs
    let lastError: KafkaError | undefined
    for (let failures = 1; ; failures++) {
      try {
        const result = await attempt()
        if (result) return result.value
      } catch (error) {
        lastError = asKafkaError(error)
        if (!isRepeatable(lastError)) throw error
      }
      if (clock.now() >= deadline) throw timeoutError(`${what} of group "${coordinator.groupId}" has not succeeded within ${apiTimeoutMs} ms.`, lastError)
      await cluster.pause(failures)
    }
  }
}

/** A rebalance has to be finished by the owner's poll, so waiting here would not help. */
function isRepeatable(error: KafkaError): boolean {
  return error.retriable && error.errorCode !== ErrorCode.REBALANCE_IN_PROGRESS
}

function commitTopics(offsets: readonly OffsetCommit[]): RequestInput<'OffsetCommit'>['topics'] {
  const topics = new Map<string, RequestInput<'OffsetCommit'>['topics'][number]['partitions'][number][]>()
  for (const { topic, partition, offset, metadata = '', leaderEpoch = -1 } of offsets) {
    const entry = { partitionIndex: partition, committedOffset: offset, committedLeaderEpoch: leaderEpoch, committedMetadata: metadata }
    const partitions = topics.get(topic)
    if (partitions) partitions.push(entry)
    else topics.set(topic, [entry])
  }
  return [...topics].map(([name, partitions]) => ({ name, partitions }))
}

function indexesByTopic(partitions: readonly TopicPartition[]): { name: string; partitionIndexes: number[] }[] {
  const topics = new Map<string, number[]>()
  for (const { topic, partition } of partitions) {
    const indexes = topics.get(topic)
    if (indexes) indexes.push(partition)
    else topics.set(topic, [partition])
  }
  return [...topics].map(([name, partitionIndexes]) => ({ name, partitionIndexes }))
}
