import type { TopicPartition } from '../topic-partition.ts'
import { type Assignor, byTopic, type GroupAssignment, inAssignmentOrder, type Subscriber, type TopicsOfGroup } from './assignor.ts'

/** All partitions of all topics in order, to the members in turn; one that does not subscribe to a topic is passed over, and the turn goes on from there. */
export const roundRobinAssignor: Assignor = { isCooperative: false, assign, userData: () => null }

function assign(subscribers: readonly Subscriber[], topics: TopicsOfGroup): GroupAssignment {
  const assignment = new Map(subscribers.map(({ memberId }) => [memberId, [] as TopicPartition[]]))
  const inOrder = inAssignmentOrder(subscribers)
  let turn = 0
  for (const topic of [...new Set(subscribers.flatMap(({ topics }) => topics))].sort()) {
    for (let partition = 0; partition < (topics.get(topic)?.length ?? 0); partition++) {
      while (!inOrder[turn]!.topics.includes(topic)) turn = (turn + 1) % inOrder.length
      assignment.get(inOrder[turn]!.memberId)!.push({ topic, partition })
      turn = (turn + 1) % inOrder.length
    }
  }
  return new Map([...assignment].map(([memberId, partitions]) => [memberId, byTopic(partitions)]))
}
