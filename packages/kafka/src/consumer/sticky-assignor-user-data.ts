import { ProtocolError, Reader, Writer } from '@millrace/kafka-protocol'
import type { TopicPartition } from '../topic-partition.ts'
import type { LastAssignment } from './assignor.ts'
import { hashOrderedByComputing, stringHash } from './java-hash-order.ts'
import { type Claim, NO_GENERATION } from './sticky-group.ts'

/*
 * UserData => [TopicAssignment] generation
 *   TopicAssignment => topic [partition]
 *     topic => string
 *     partition, generation => int32
 *
 * Without the generation before KIP-341.
 */

/** What a member tells about what it was assigned last. */
export function encodeStickyUserData({ partitions, generation }: LastAssignment): Buffer {
  const topics = new Map<string, number[]>()
  for (const { topic, partition } of partitions) topics.set(topic, [...(topics.get(topic) ?? []), partition])
  const writer = new Writer(64)
  writer.arrayCount(topics.size)
  for (const topic of hashOrderedByComputing([...topics.keys()], stringHash)) {
    writer.string(topic)
    const indexes = topics.get(topic)!
    writer.arrayCount(indexes.length)
    for (const index of indexes) writer.int32(index)
  }
  writer.int32(generation)
  return writer.result()
}

/** What a member tells; nothing where the bytes are broken, as in Java: the group has to settle nevertheless. */
export function readStickyUserData(data: Buffer | null): Claim {
  if (data === null || data.length === 0) return { partitions: [], generation: null }
  try {
    const reader = new Reader(data)
    const partitions: TopicPartition[] = []
    for (let topics = reader.arrayCount(6); topics > 0; topics--) {
      const topic = reader.nullableString()
      if (topic === null) throw new ProtocolError('A topic has no name.')
      for (let count = reader.arrayCount(4); count > 0; count--) partitions.push({ topic, partition: reader.int32() })
    }
    return { partitions, generation: reader.remaining >= 4 ? reader.int32() : null }
  } catch (error) {
    if (error instanceof ProtocolError) return { partitions: [], generation: NO_GENERATION }
    throw error
  }
}
