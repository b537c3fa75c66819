import { apis } from './apis.ts'
import { ProtocolError } from './errors.ts'
import { ZERO_UUID } from './fields.ts'
import { beginRequest, decodeRequest, endFrame, requireVersion } from './frames.ts'
import { Scatter } from './scatter.ts'

/*
 * ProduceRequest => RequestHeader
 *                   transactional_id (nullable string)  acks (int16)  timeout_ms (int32)
 *                   [topics: name (string, until 12) | topic_id (uuid, from 13)
 *                            [partitions: index (int32)  records (bytes: RecordBatch…)]]
 *
 * From version 9 on with compact lengths, and tagged fields at the end of each partition, each topic, and the request.
 */

export interface ProduceRequest {
  readonly version: number
  readonly correlationId: number
  readonly clientId: string | null
  readonly transactionalId?: string | null
  /** 0 (the broker does not answer), 1 (leader) or -1 (all replicas in sync). */
  readonly acks: number
  /** How long the broker may wait for the replicas. */
  readonly timeoutMs: number
  readonly topics: readonly ProduceTopic[]
}

export interface ProduceTopic {
  /** Sent until version 12. */
  readonly name: string
  /** Sent from version 13 on. */
  readonly topicId?: string
  readonly partitions: readonly {
    readonly index: number
    /** Record batches, whole; sent one after the other. */
    readonly records: readonly Uint8Array[]
  }[]
}

/**
 * A produce request as buffers for one `writev`; the size of the frame is in the first. Records are not copied, so they must not change
 * before they are written to the socket.
 *
 * @throws ProtocolError for an unknown version, and from version 13 on for a topic without an id.
 */
export function encodeProduceRequest(request: ProduceRequest): Buffer[] {
  const { version } = request
  requireVersion('Produce', version)
  const isFlexible = version >= apis.Produce.flexibleFrom
  const scatter = new Scatter()
  const { writer } = scatter

  beginRequest(writer, 'Produce', request)
  if (isFlexible) writer.compactString(request.transactionalId ?? null)
  else writer.string(request.transactionalId ?? null)
  writer.int16(request.acks)
  writer.int32(request.timeoutMs)
  scatter.arrayCount(request.topics.length, isFlexible)
  for (const topic of request.topics) {
    if (version >= 13) writer.uuid(requireTopicId(topic))
    else if (isFlexible) writer.compactString(topic.name)
    else writer.string(topic.name)
    scatter.arrayCount(topic.partitions.length, isFlexible)
    for (const { index, records } of topic.partitions) {
      writer.int32(index)
      scatter.bytes(records, isFlexible)
      if (isFlexible) writer.noTaggedFields()
    }
    if (isFlexible) writer.noTaggedFields()
  }
  if (isFlexible) writer.noTaggedFields()
  endFrame(writer, scatter.bytesBeside)
  return scatter.buffers()
}

function requireTopicId({ name, topicId }: ProduceTopic): string {
  if (!topicId || topicId === ZERO_UUID) throw new ProtocolError(`The topic "${name}" has no id, which version 13 of Produce needs.`)
  return topicId
}

export interface DecodedProduceRequest {
  readonly version: number
  readonly correlationId: number
  readonly clientId: string | null
  readonly transactionalId: string | null
  readonly acks: number
  readonly timeoutMs: number
  readonly topics: readonly {
    /** Empty from version 13 on. */
    readonly name: string
    /** `ZERO_UUID` until version 12. */
    readonly topicId: string
    readonly partitions: readonly {
      readonly index: number
      /** Record batches as they came, a view of the frame. */
      readonly records: Buffer | null
    }[]
  }[]
}

/**
 * Reads a produce request, for a broker. It follows the declaration: the cost is per partition, and records are views anyway.
 *
 * @throws ProtocolError for broken bytes and for requests of another kind.
 */
export function decodeProduceRequest(frame: Buffer): DecodedProduceRequest {
  const request = decodeRequest(frame)
  if (request.api !== 'Produce') throw new ProtocolError(`Expected a request of the kind "Produce", not "${request.api}".`)
  const { version, correlationId, clientId, body } = request
  const { transactionalId, acks, timeoutMs } = body
  const topics = body.topicData.map(({ name, topicId, partitionData }) => ({ name, topicId, partitions: partitionData }))
  return { version, correlationId, clientId, transactionalId, acks, timeoutMs, topics }
}
