import type { TopicPartitions } from '@millrace/kafka-protocol'
import { inAssignmentOrder, type Subscriber } from './range-assignor.ts'

/**
 * Shares partitions out like Java's `RoundRobinAssignor`: all partitions of all topics in order, to the members in turn; one that does not subscribe to a topic is
 * passed over, and the turn goes on from there.
 *
 * @param partitionCounts topics that exist; others are left out.
 * @returns the partitions of each member, by its id; every member is in it.
 */
export function roundRobinAssignment(
  subscribers: readonly Subscriber[],
  partitionCounts: ReadonlyMap<string, number>,
): ReadonlyMap<string, readonly TopicPartitions[]> {
  const assignment = new Map(subscribers.map(({ memberId }) => [memberId, new Map<string, number[]>()]))
  const inOrder = inAssignmentOrder(subscribers)
  let turn = 0
  for (const topic of [...new Set(subscribers.flatMap(({ topics }) => topics))].sort()) {
    for (let partition = 0; partition < (partitionCounts.get(topic) ?? 0); partition++) {
      while (!inOrder[turn]!.topics.includes(topic)) turn = (turn + 1) % inOrder.length
      const byTopic = assignment.get(inOrder[turn]!.memberId)!
      if (byTopic.has(topic)) byTopic.get(topic)!.push(partition)
      else byTopic.set(topic, [partition])
      turn = (turn + 1) % inOrder.length
    }
  }
  return new Map([...assignment].map(([memberId, byTopic]) => [memberId, [...byTopic].map(([topic, partitions]) => ({ topic, partitions }))]))
}
