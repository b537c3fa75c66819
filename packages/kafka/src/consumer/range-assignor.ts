import type { TopicPartition } from '../topic-partition.ts'
import { type Assignor, byTopic, compareTexts, type GroupAssignment, inAssignmentOrder, type Subscriber, type TopicsOfGroup } from './assignor.ts'
import { doRacksMatter } from './assignor-racks.ts'

/**
 * Topic by topic, the members in order, each a range of neighbours; the first ones one more if it does not come out even.
 *
 * Where racks matter (KIP-881), partitions go first to members that have a replica near by, as far as the ranges stay equally long. Topics with the same members
 * and as many partitions are shared out alike, near or not.
 */
export const rangeAssignor: Assignor = { isCooperative: false, assign, userData: () => null }

type Assign = (memberId: string, topic: TopicRanges, partitions: readonly number[]) => void

function assign(subscribers: readonly Subscriber[], topics: TopicsOfGroup): GroupAssignment {
  const assignment = new Map(subscribers.map(({ memberId }) => [memberId, [] as TopicPartition[]]))
  const inOrder = inAssignmentOrder(subscribers)
  const ranges = [...topics.keys()].sort(compareTexts).map((topic) => {
    const members = inOrder.filter((subscriber) => subscriber.topics.includes(topic))
    return new TopicRanges(topic, members, topics.get(topic)!)
  })
  const give: Assign = (memberId, topic, partitions) => {
    assignment.get(memberId)!.push(...partitions.map((partition) => ({ topic: topic.name, partition })))
    topic.given(memberId, partitions)
  }
  if (ranges.some(({ doRacksMatter }) => doRacksMatter)) assignNear(ranges, give)
  for (const topic of ranges) assignInOrder(topic, () => true, give)
  return new Map([...assignment].map(([memberId, partitions]) => [memberId, byTopic(partitions)]))
}

function assignInOrder(topic: TopicRanges, isWanted: (memberId: string, partition: number) => boolean, give: Assign): void {
  for (const { memberId } of topic.members) {
    const partitions = [...topic.unassigned].filter((partition) => isWanted(memberId, partition)).slice(0, topic.roomFor(memberId))
    if (partitions.length > 0) give(memberId, topic, partitions)
  }
}

function assignNear(ranges: readonly TopicRanges[], give: Assign): void {
  const alike = new Map<string, TopicRanges[]>()
  for (const topic of ranges) {
    const key = JSON.stringify([topic.racks.length, ...topic.members.map(({ memberId }) => memberId)])
    alike.set(key, [...(alike.get(key) ?? []), topic])
  }
  for (const topics of alike.values()) {
    if (topics.length > 1) assignAlike(topics, give)
    else if (topics[0]!.doRacksMatter) assignInOrder(topics[0]!, (memberId, partition) => topics[0]!.isNear(memberId, partition), give)
  }
}

/** Gives a partition of all these topics to the first member that has replicas of each near by. */
function assignAlike(topics: readonly TopicRanges[], give: Assign): void {
  const remaining = topics[0]!.members.map(({ memberId }) => memberId)
  for (let partition = 0; partition < topics[0]!.racks.length && remaining.length > 0; partition++) {
    const chosen = remaining.findIndex((memberId) => topics.every((topic) => topic.isNear(memberId, partition) && topic.roomFor(memberId) > 0))
    const memberId = remaining[chosen]
    if (memberId === undefined) continue
    for (const topic of topics) give(memberId, topic, [partition])
    if (topics.every((topic) => topic.roomFor(memberId) === 0)) remaining.splice(chosen, 1)
  }
}

/** One topic while it is shared out. */
class TopicRanges {
  readonly name: string
  readonly members: readonly Subscriber[]
  readonly racks: TopicsOfGroup extends ReadonlyMap<string, infer R> ? R : never
  readonly doRacksMatter: boolean
  readonly unassigned: Set<number>
  readonly #counts: Map<string, number>
  readonly #rackOf: ReadonlyMap<string, string | null>
  readonly #lengthMin: number
  /** How many members may still get one more. */
  #larger: number

  constructor(name: string, members: readonly Subscriber[], racks: TopicRanges['racks']) {
    this.name = name
    this.members = members
    this.racks = racks
    this.doRacksMatter = doRacksMatter(
      members.flatMap(({ rackId }) => rackId || []),
      racks,
    )
    this.unassigned = new Set(racks.keys())
    this.#counts = new Map(members.map(({ memberId }) => [memberId, 0]))
    this.#rackOf = new Map(members.map(({ memberId, rackId }) => [memberId, rackId || null]))
    this.#lengthMin = members.length === 0 ? 0 : Math.floor(racks.length / members.length)
    this.#larger = members.length === 0 ? 0 : racks.length % members.length
  }

  /** Whether the member has a replica in its rack, or does not care. */
  isNear(memberId: string, partition: number): boolean {
    const rack = this.#rackOf.get(memberId)!
    return rack === null || this.racks[partition]!.includes(rack)
  }

  roomFor(memberId: string): number {
    return Math.max(0, this.#lengthMin + (this.#larger > 0 ? 1 : 0) - this.#counts.get(memberId)!)
  }

  given(memberId: string, partitions: readonly number[]): void {
    const count = this.#counts.get(memberId)! + partitions.length
    this.#counts.set(memberId, count)
    if (count > this.#lengthMin) this.#larger--
    for (const partition of partitions) this.unassigned.delete(partition)
  }
}
