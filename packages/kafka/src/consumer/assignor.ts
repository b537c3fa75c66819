import type { TopicPartitions } from '@millrace/kafka-protocol'
import type { TopicPartition } from '../topic-partition.ts'

/** A member of the group as its leader sees it. */
export interface Subscriber {
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly topics: readonly string[]
  /** Where it runs; null if it does not say. */
  readonly rackId: string | null
  /** What it still holds while it joins. */
  readonly ownedPartitions: readonly TopicPartitions[]
  /** In which generation it was assigned what it holds; -1 for none, and for clients that do not say. */
  readonly generationId: number
  /** Private to the assignor. */
  readonly userData: Buffer | null
}

/** The racks of a partition's replicas; those of brokers without a rack are left out. */
export type ReplicaRacks = readonly string[]

/** The topics that exist, each with its partitions by index. */
export type TopicsOfGroup = ReadonlyMap<string, readonly ReplicaRacks[]>

/** The partitions of each member, by its id; every member is in it. */
export type GroupAssignment = ReadonlyMap<string, readonly TopicPartitions[]>

/** What a member was last assigned by an assignor. */
export interface LastAssignment {
  readonly partitions: readonly TopicPartition[]
  readonly generation: number
}

/** Shares the partitions of a group out to its members. Equal to the Java class of the same name: members may come from either side. */
export interface Assignor {
  /**
   * Whether members keep what stays theirs while the group settles (KIP-429): what is to move is given up after a first round, and goes to its new owner in a second.
   * Where it is false, all give up everything before they join.
   */
  readonly isCooperative: boolean
  assign(subscribers: readonly Subscriber[], topics: TopicsOfGroup): GroupAssignment
  /** What a member tells the leader beside its topics; null for nothing. @param last null before the first assignment. */
  userData(last: LastAssignment | null): Buffer | null
}

/** The members in the order in which partitions are given to them: static members first, by their instance ids; the others by member id (KIP-345). */
export function inAssignmentOrder<T extends Pick<Subscriber, 'memberId' | 'groupInstanceId'>>(subscribers: readonly T[]): T[] {
  return [...subscribers].sort((a, b) => {
    if (a.groupInstanceId !== null && b.groupInstanceId !== null) return compareTexts(a.groupInstanceId, b.groupInstanceId)
    if (a.groupInstanceId !== null) return -1
    if (b.groupInstanceId !== null) return 1
    return compareTexts(a.memberId, b.memberId)
  })
}

/** By UTF-16 units, as Java compares. */
export function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** Partitions put together by topic, in order. */
export function byTopic(partitions: Iterable<TopicPartition>): TopicPartitions[] {
  const topics = new Map<string, number[]>()
  for (const { topic, partition } of partitions) {
    const found = topics.get(topic)
    if (found) found.push(partition)
    else topics.set(topic, [partition])
  }
  return [...topics].sort(([a], [b]) => compareTexts(a, b)).map(([topic, partitions]) => ({ topic, partitions: partitions.sort((a, b) => a - b) }))
}
