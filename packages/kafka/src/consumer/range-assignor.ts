import type { TopicPartitions } from '@millrace/kafka-protocol'

/** A member of the group with what it subscribes to. */
export interface Subscriber {
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly topics: readonly string[]
}

/**
 * Shares partitions out like Java's `RangeAssignor`: topic by topic, members in order, each a range of neighbours, the first ones one more if it does not come out even.
 *
 * @param partitionCounts topics that exist; others are left out.
 * @returns the partitions of each member, by its id; every member is in it.
 */
export function rangeAssignment(
  subscribers: readonly Subscriber[],
  partitionCounts: ReadonlyMap<string, number>,
): ReadonlyMap<string, readonly TopicPartitions[]> {
  const assignment = new Map<string, TopicPartitions[]>(subscribers.map(({ memberId }) => [memberId, []]))
  const topics = [...new Set(subscribers.flatMap(({ topics }) => topics))].sort()
  const inOrder = inAssignmentOrder(subscribers)
  for (const topic of topics) {
    const count = partitionCounts.get(topic)
    if (count === undefined) continue
    const members = inOrder.filter(({ topics }) => topics.includes(topic))
    const each = Math.floor(count / members.length)
    const larger = count % members.length
    let next = 0
    members.forEach(({ memberId }, i) => {
      const length = each + (i < larger ? 1 : 0)
      if (length > 0) assignment.get(memberId)!.push({ topic, partitions: Array.from({ length }, (_, j) => next + j) })
      next += length
    })
  }
  return assignment
}

/** The members in the order in which partitions are given to them. */
export function inAssignmentOrder(subscribers: readonly Subscriber[]): Subscriber[] {
  return [...subscribers].sort(compareSubscribers)
}

/** Static members first, by their instance ids; the others by member id (KIP-345). Java compares by UTF-16 units, as `<` does. */
function compareSubscribers(a: Subscriber, b: Subscriber): number {
  if (a.groupInstanceId !== null && b.groupInstanceId !== null) return compare(a.groupInstanceId, b.groupInstanceId)
  if (a.groupInstanceId !== null) return -1
  if (b.groupInstanceId !== null) return 1
  return compare(a.memberId, b.memberId)
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
