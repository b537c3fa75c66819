import type { TopicPartition } from '../topic-partition.ts'
import type { Subscriber, TopicsOfGroup } from './assignor.ts'
import { hashOrdered, stringHash } from './java-hash-order.ts'
import { StickyRacks } from './sticky-assignor-racks.ts'

/** An existing partition; one object for each while a group is shared out, so that partitions are compared by identity. */
export interface Place extends TopicPartition {
  readonly racks: ReadonlySet<string>
}

/** What a member says it held, and since which generation; null where it does not say. */
export interface Claim {
  readonly partitions: readonly TopicPartition[]
  readonly generation: number | null
}

export interface StickyAssignment {
  /** By member id. */
  readonly partitions: ReadonlyMap<string, Set<Place>>
  /** The partitions that their owner has to give up first, and who is to get them; null where that has to be found by comparison. */
  readonly moving: ReadonlyMap<Place, string> | null
}

export const NO_GENERATION = -1

/** A group to be shared out by one of the sticky assignors, with what its members held. */
export class StickyGroup {
  /** In the order in which Java's maps hand them out. */
  readonly subscribers: readonly Subscriber[]
  /** The topics that exist. */
  readonly topics: ReadonlyMap<string, readonly Place[]>
  readonly racks: StickyRacks
  readonly claims: ReadonlyMap<string, Claim>
  /** What each member held and nobody else claims with more right, by member id. Partitions that do not exist any more are left out. */
  readonly owned = new Map<string, Set<Place>>()
  /** What several members claim for the same generation: nobody keeps it. */
  readonly disputed = new Set<Place>()

  constructor(subscribers: readonly Subscriber[], topics: TopicsOfGroup, claimOf: (subscriber: Subscriber) => Claim) {
    this.subscribers = hashOrdered(subscribers, ({ memberId }) => stringHash(memberId))
    this.topics = new Map([...topics].map(([topic, racks]) => [topic, racks.map((racks, partition) => ({ topic, partition, racks: new Set(racks) }))]))
    this.racks = new StickyRacks(this.subscribers, [...this.topics.values()].flat())
    this.claims = new Map(this.subscribers.map((subscriber) => [subscriber.memberId, claimOf(subscriber)]))
    this.#settleClaims()
  }

  /** Those of the partitions that exist. */
  places(partitions: readonly TopicPartition[]): Place[] {
    return partitions.flatMap(({ topic, partition }) => this.topics.get(topic)?.[partition] ?? [])
  }

  /** The latest generation wins (KIP-341). */
  #settleClaims(): void {
    const owners = new Map<Place, Subscriber>()
    for (const subscriber of this.subscribers) {
      const { partitions, generation } = this.claims.get(subscriber.memberId)!
      const own = new Set<Place>()
      this.owned.set(subscriber.memberId, own)
      for (const place of this.places(partitions)) {
        const other = owners.get(place)
        const since = generation ?? NO_GENERATION
        // Java compares with what the other's subscription says, also where the claim itself comes from user data.
        const sinceOfOther = other?.generationId ?? Number.NEGATIVE_INFINITY
        if (since < sinceOfOther) continue
        if (other) this.owned.get(other.memberId)!.delete(place)
        if (since > sinceOfOther) own.add(place)
        else this.disputed.add(place)
        owners.set(place, subscriber)
      }
    }
  }
}

/** Whether all subscribe to the same topics, existing or not. */
export function hasUniformTopics(subscribers: readonly Subscriber[]): boolean {
  const first = new Set(subscribers[0]?.topics)
  return subscribers.every(({ topics }) => topics.length === first.size && topics.every((topic) => first.has(topic)))
}
