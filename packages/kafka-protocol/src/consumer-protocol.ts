import { ProtocolError } from './errors.ts'
import { array, bytes, type Fields, int32, type Message, type MessageValue, message, string, struct } from './fields.ts'
import { Reader } from './reader.ts'
import { Writer } from './writer.ts'

/*
 * What consumers put into the `metadata` of JoinGroup and the `assignment` of SyncGroup, for groups of the protocol type "consumer".
 *
 * Subscription => version (int16)  ConsumerProtocolSubscription
 * Assignment   => version (int16)  ConsumerProtocolAssignment
 *
 * A version newer than ours is read as ours, and what is left over is ignored: later versions only append (as in the Java client).
 */

const VERSIONS = { min: 0, max: 3 } as const

const topicPartitions = struct({ topic: string(), partitions: array(int32()) })

/** 1: owned partitions (KIP-429). 2: generation. 3: rack (KIP-881). */
const subscription = message(
  'ConsumerProtocolSubscription',
  { versions: VERSIONS, flexibleFrom: Infinity },
  {
    topics: array(string()),
    userData: bytes({ nullable: true, default: null }),
    ownedPartitions: array(topicPartitions, { since: 1, ignorable: true }),
    generationId: int32({ since: 2, default: -1, ignorable: true }),
    rackId: string({ since: 3, nullable: true, default: null, ignorable: true }),
  },
)

const assignment = message(
  'ConsumerProtocolAssignment',
  { versions: VERSIONS, flexibleFrom: Infinity },
  { assignedPartitions: array(topicPartitions), userData: bytes({ nullable: true, default: null }) },
)

export interface TopicPartitions {
  readonly topic: string
  readonly partitions: readonly number[]
}

export interface ConsumerSubscription {
  readonly topics: readonly string[]
  /** Private to the assignor; default null. */
  readonly userData?: Uint8Array | null
  /** What the member still holds, for cooperative assignment; default none. */
  readonly ownedPartitions?: readonly TopicPartitions[]
  /** Generation in which it was assigned what it holds; default -1. */
  readonly generationId?: number
  readonly rackId?: string | null
}

export interface ConsumerAssignment {
  readonly assignedPartitions: readonly TopicPartitions[]
  /** Private to the assignor; default null. */
  readonly userData?: Uint8Array | null
}

/** Encoder and decoder of the payloads of consumer groups. */
export const consumerProtocol = {
  /** The newest version of both payloads. */
  version: VERSIONS.max,

  /** Topics and owned partitions are sorted, as in the Java client, so that equal subscriptions are equal bytes. */
  encodeSubscription({ topics, ownedPartitions = [], ...rest }: ConsumerSubscription, version: number = VERSIONS.max): Buffer {
    const value = { ...rest, topics: [...topics].sort(), ownedPartitions: sorted(ownedPartitions) }
    const writer = new Writer()
    writer.int16(version)
    subscription.encode(writer, version, value)
    return writer.result()
  },

  /** @throws ProtocolError for broken bytes. */
  decodeSubscription(data: Buffer): { readonly version: number } & MessageValue<typeof subscription> {
    return decode(subscription, data)
  },

  encodeAssignment({ assignedPartitions, userData }: ConsumerAssignment, version: number = VERSIONS.max): Buffer {
    const writer = new Writer()
    writer.int16(version)
    assignment.encode(writer, version, { assignedPartitions: [...assignedPartitions], userData })
    return writer.result()
  },

  /** An empty payload is an empty assignment: what a member gets that the leader has left out. @throws ProtocolError for broken bytes. */
  decodeAssignment(data: Buffer): { readonly version: number } & MessageValue<typeof assignment> {
    if (data.length === 0) return { version: VERSIONS.max, assignedPartitions: [], userData: null }
    return decode(assignment, data)
  },
} as const

function decode<F extends Fields>(message: Message<F>, data: Buffer): { readonly version: number } & MessageValue<Message<F>> {
  const reader = new Reader(data)
  const version = reader.int16()
  if (version < VERSIONS.min) throw new ProtocolError(`${message.name} has the version ${version}, which does not exist.`)
  return { version, ...message.decode(reader, Math.min(version, VERSIONS.max)) } as { readonly version: number } & MessageValue<Message<F>>
}

function sorted(partitions: readonly TopicPartitions[]): TopicPartitions[] {
  return partitions
    .map(({ topic, partitions }) => ({ topic, partitions: [...partitions].sort((a, b) => a - b) }))
    .sort((a, b) => (a.topic < b.topic ? -1 : a.topic > b.topic ? 1 : 0))
}
