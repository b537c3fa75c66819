import { ProtocolError, Reader, Writer } from '@millrace/kafka-protocol'
import type { TopicPartition } from '../topic-partition.ts'
import { type Assignor, byTopic, type Subscriber } from './assignor.ts'
import { mixedAssignment } from './sticky-assignor-mixed.ts'
import { uniformAssignment } from './sticky-assignor-uniform.ts'
import { encodeStickyUserData, readStickyUserData } from './sticky-assignor-user-data.ts'
import { type Claim, hasUniformTopics, NO_GENERATION, type Place, type StickyAssignment, StickyGroup } from './sticky-group.ts'

/**
 * Balanced, and with as few partitions as possible that change their owner (KIP-54). All members give up everything before they join; what they had they tell by
 * their user data (KIP-341).
 */
export const stickyAssignor: Assignor = {
  isCooperative: false,
  assign: (subscribers, topics) => plain(shareOut(new StickyGroup(subscribers, topics, ({ userData }) => readStickyUserData(userData))).partitions),
  userData: (last) => (last === null ? null : encodeStickyUserData(last)),
}

/** The same balance, reached in two rounds in which members keep what stays theirs (KIP-429). */
export const cooperativeStickyAssignor: Assignor = {
  isCooperative: true,
  assign(subscribers, topics) {
    const group = new StickyGroup(subscribers, topics, cooperativeClaim)
    const { partitions, moving } = shareOut(group)
    for (const [place, memberId] of moving ?? movingBetween(group, subscribers, partitions)) partitions.get(memberId)!.delete(place)
    return plain(partitions)
  },
  userData(last) {
    const writer = new Writer(4)
    writer.int32(last?.generation ?? NO_GENERATION)
    return writer.result()
  },
}

function shareOut(group: StickyGroup): StickyAssignment {
  return hasUniformTopics(group.subscribers) ? uniformAssignment(group) : mixedAssignment(group)
}

/** Clients before KIP-792 tell their generation by user data. */
function cooperativeClaim({ generationId, ownedPartitions, userData }: Subscriber): Claim {
  const generation = generationId >= 0 ? generationId : generationOf(userData)
  return { partitions: flat(ownedPartitions), generation }
}

function generationOf(userData: Buffer | null): number | null {
  if (userData === null) return null
  try {
    return new Reader(userData).int32()
  } catch (error) {
    if (error instanceof ProtocolError) return NO_GENERATION
    throw error
  }
}

/** What somebody gets that somebody else still holds and does not keep. */
function movingBetween(
  group: StickyGroup,
  subscribers: readonly Subscriber[],
  partitions: ReadonlyMap<string, ReadonlySet<Place>>,
): ReadonlyMap<Place, string> {
  const held = new Map(subscribers.map(({ memberId, ownedPartitions }) => [memberId, new Set(group.places(flat(ownedPartitions)))]))
  const givenUp = new Set<Place>()
  for (const [memberId, places] of held) for (const place of places) if (!partitions.get(memberId)!.has(place)) givenUp.add(place)
  const moving = new Map<Place, string>()
  for (const [memberId, places] of partitions) {
    for (const place of places) if (givenUp.has(place) && !held.get(memberId)!.has(place)) moving.set(place, memberId)
  }
  return moving
}

function flat(topics: Subscriber['ownedPartitions']): TopicPartition[] {
  return topics.flatMap(({ topic, partitions }) => partitions.map((partition) => ({ topic, partition })))
}

function plain(partitions: ReadonlyMap<string, ReadonlySet<Place>>): ReturnType<Assignor['assign']> {
  return new Map([...partitions].map(([memberId, places]) => [memberId, byTopic(places)]))
}
