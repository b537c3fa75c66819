import { apis, type ResponseBody, type ResponseInput } from './apis.ts'
import { ZERO_UUID } from './fields.ts'
import { beginResponse, endFrame, readResponseHeader, requireEnd, requireVersion } from './frames.ts'
import { Reader } from './reader.ts'
import { Scatter } from './scatter.ts'
import { Writer } from './writer.ts'

/*
 * FetchResponse => ResponseHeader
 *                  throttle_time_ms (int32)  [from 7: error_code (int16)  session_id (int32)]
 *                  [topics: topic (string, until 12) | topic_id (uuid, from 13)
 *                           [partitions: partition_index (int32)  error_code (int16)  high_watermark (int64)  last_stable_offset (int64)
 *                                        [from 5: log_start_offset (int64)]
 *                                        [aborted_transactions, nullable: producer_id (int64)  first_offset (int64)]
 *                                        [from 11: preferred_read_replica (int32)]
 *                                        records (nullable bytes: RecordBatch…)
 *                                        [from 12, tagged: 0 diverging_epoch  1 current_leader  2 snapshot_id]]]
 *                  [from 16, tagged: 0 node_endpoints]
 *
 * From version 12 on with compact lengths, and tagged fields at the end of each aborted transaction, partition, topic, and the response.
 */

export interface AbortedTransaction {
  readonly producerId: number
  readonly firstOffset: number
}

/** Leader and its epoch, as a broker that is not the leader knows them; -1 if it does not. */
export interface CurrentLeader {
  readonly leaderId: number
  readonly leaderEpoch: number
}

export interface FetchedPartition {
  /** Empty from version 13 on. */
  readonly topic: string
  /** `ZERO_UUID` until version 12. */
  readonly topicId: string
  readonly partitionIndex: number
  readonly errorCode: number
  readonly highWatermark: number
  readonly lastStableOffset: number
  /** -1 in version 4. */
  readonly logStartOffset: number
  /** Null when uncommitted records were asked for. */
  readonly abortedTransactions: readonly AbortedTransaction[] | null
  /** The replica to fetch from instead (KIP-392); -1 for none. */
  readonly preferredReadReplica: number
  /** Null where the answer does not tell it. */
  readonly currentLeader: CurrentLeader | null
  /** Where the log parted from what the consumer last read, if it did (KIP-595). */
  readonly divergingEpoch: { readonly epoch: number; readonly endOffset: number } | null
  /** Record batches, the last one possibly cut: a view of the frame, for `readBatches`. */
  readonly records: Buffer | null
}

export interface FetchedPartitions {
  readonly correlationId: number
  readonly throttleTimeMs: number
  /** An error of the fetch session or of the request as a whole; 0 in versions before 7. */
  readonly errorCode: number
  readonly sessionId: number
  readonly partitions: readonly FetchedPartition[]
  /** Addresses of the current leaders that partitions name (KIP-951); empty in versions before 16. */
  readonly nodeEndpoints: ResponseBody<'Fetch'>['nodeEndpoints']
}

const TAG_DIVERGING_EPOCH = 0
const TAG_CURRENT_LEADER = 1
const TAG_NODE_ENDPOINTS = 0

/** Smallest size on the wire, for checking array counts: partition until its records, and topic. */
const PARTITION_BYTES_MIN = 4 + 2 + 8 + 8 + 1 + 1
const TOPIC_BYTES_MIN = 2
const NODE_ENDPOINT_BYTES_MIN = 4 + 1 + 4 + 1 + 1

/**
 * Reads a fetch response, for a client: all partitions in one list.
 *
 * @throws ProtocolError for broken bytes.
 */
export function decodeFetchResponse(version: number, frame: Buffer): FetchedPartitions {
  requireVersion('Fetch', version)
  const isFlexible = version >= apis.Fetch.flexibleFrom
  const reader = new Reader(frame)
  const correlationId = readResponseHeader(reader, 'Fetch', version)
  const throttleTimeMs = reader.int32()
  const errorCode = version >= 7 ? reader.int16() : 0
  const sessionId = version >= 7 ? reader.int32() : 0

  const partitions: FetchedPartition[] = []
  for (let topics = arrayCount(reader, isFlexible, TOPIC_BYTES_MIN); topics > 0; topics--) {
    const topicId = version >= 13 ? reader.uuid() : ZERO_UUID
    const topic = version >= 13 ? '' : ((isFlexible ? reader.compactNullableString() : reader.nullableString()) ?? '')
    for (let count = arrayCount(reader, isFlexible, PARTITION_BYTES_MIN); count > 0; count--) {
      partitions.push(readPartition(reader, version, isFlexible, topic, topicId))
    }
    if (isFlexible) reader.skipTaggedFields()
  }
  const nodeEndpoints = isFlexible ? readNodeEndpoints(reader) : []
  requireEnd(reader, 'Fetch')
  return { correlationId, throttleTimeMs, errorCode, sessionId, partitions, nodeEndpoints }
}

/** The tagged fields at the end of the response. */
function readNodeEndpoints(reader: Reader): ResponseBody<'Fetch'>['nodeEndpoints'] {
  const endpoints: ResponseBody<'Fetch'>['nodeEndpoints'][number][] = []
  for (let tags = reader.uvarint(); tags > 0; tags--) {
    const tag = reader.uvarint()
    const length = reader.uvarint()
    const start = reader.take(length)
    if (tag !== TAG_NODE_ENDPOINTS) continue
    const tagged = new Reader(reader.buffer, start, start + length)
    for (let count = tagged.compactArrayCount(NODE_ENDPOINT_BYTES_MIN); count > 0; count--) {
      endpoints.push({ nodeId: tagged.int32(), host: tagged.compactNullableString() ?? '', port: tagged.int32(), rack: tagged.compactNullableString() })
      tagged.skipTaggedFields()
    }
  }
  return endpoints
}

function readPartition(reader: Reader, version: number, isFlexible: boolean, topic: string, topicId: string): FetchedPartition {
  const partitionIndex = reader.int32()
  const errorCode = reader.int16()
  const highWatermark = reader.int64()
  const lastStableOffset = reader.int64()
  const logStartOffset = version >= 5 ? reader.int64() : -1
  const abortedTransactions = readAbortedTransactions(reader, isFlexible)
  const preferredReadReplica = version >= 11 ? reader.int32() : -1
  const records = isFlexible ? reader.compactNullableBytes() : reader.nullableBytes()

  let currentLeader: CurrentLeader | null = null
  let divergingEpoch: FetchedPartition['divergingEpoch'] = null
  for (let tags = isFlexible ? reader.uvarint() : 0; tags > 0; tags--) {
    const tag = reader.uvarint()
    const length = reader.uvarint()
    const start = reader.take(length)
    const tagged = new Reader(reader.buffer, start, start + length)
    if (tag === TAG_CURRENT_LEADER) currentLeader = { leaderId: tagged.int32(), leaderEpoch: tagged.int32() }
    else if (tag === TAG_DIVERGING_EPOCH) divergingEpoch = { epoch: tagged.int32(), endOffset: tagged.int64() }
  }
  return {
    topic,
    topicId,
    partitionIndex,
    errorCode,
    highWatermark,
    lastStableOffset,
    logStartOffset,
    abortedTransactions,
    preferredReadReplica,
    currentLeader,
    divergingEpoch,
    records,
  }
}

function readAbortedTransactions(reader: Reader, isFlexible: boolean): AbortedTransaction[] | null {
  const count = arrayCount(reader, isFlexible, 16)
  if (count === -1) return null
  const aborted: AbortedTransaction[] = []
  for (let i = 0; i < count; i++) {
    aborted.push({ producerId: reader.int64(), firstOffset: reader.int64() })
    if (isFlexible) reader.skipTaggedFields()
  }
  return aborted
}

function arrayCount(reader: Reader, isFlexible: boolean, elementBytesMin: number): number {
  return isFlexible ? reader.compactArrayCount(elementBytesMin) : reader.arrayCount(elementBytesMin)
}

export interface FetchResponse {
  readonly version: number
  readonly correlationId: number
  readonly throttleTimeMs?: number
  readonly errorCode?: number
  readonly sessionId?: number
  readonly topics: readonly {
    /** Sent until version 12. */
    readonly topic: string
    /** Sent from version 13 on. */
    readonly topicId?: string
    readonly partitions: readonly FetchResponsePartition[]
  }[]
  /** Addresses of the current leaders; sent from version 16 on. */
  readonly nodeEndpoints?: ResponseInput<'Fetch'>['nodeEndpoints']
}

export interface FetchResponsePartition {
  readonly partitionIndex: number
  readonly errorCode: number
  readonly highWatermark: number
  /** Default -1. */
  readonly lastStableOffset?: number
  /** Default -1. */
  readonly logStartOffset?: number
  /** Default null, as when uncommitted records are asked for. */
  readonly abortedTransactions?: readonly AbortedTransaction[] | null
  /** Default -1. */
  readonly preferredReadReplica?: number
  /** Sent from version 12 on. */
  readonly currentLeader?: CurrentLeader | null
  /** Sent from version 12 on. */
  readonly divergingEpoch?: { readonly epoch: number; readonly endOffset: number } | null
  /** Parts of the log, sent one after the other. */
  readonly records: readonly Uint8Array[] | null
}

/**
 * A fetch response as buffers for one `writev`; the size of the frame is in the first. Records are not copied, so they must not change
 * before they are written to the socket.
 */
export function encodeFetchResponse(response: FetchResponse): Buffer[] {
  const { version } = response
  requireVersion('Fetch', version)
  const isFlexible = version >= apis.Fetch.flexibleFrom
  const scatter = new Scatter()
  const { writer } = scatter

  beginResponse(writer, 'Fetch', version, response.correlationId)
  writer.int32(response.throttleTimeMs ?? 0)
  if (version >= 7) {
    writer.int16(response.errorCode ?? 0)
    writer.int32(response.sessionId ?? 0)
  }
  scatter.arrayCount(response.topics.length, isFlexible)
  for (const { topic, topicId, partitions } of response.topics) {
    if (version >= 13) writer.uuid(topicId ?? ZERO_UUID)
    else if (isFlexible) writer.compactString(topic)
    else writer.string(topic)
    scatter.arrayCount(partitions.length, isFlexible)
    for (const partition of partitions) writePartition(scatter, version, isFlexible, partition)
    if (isFlexible) writer.noTaggedFields()
  }
  if (isFlexible) writeNodeEndpoints(writer, version, response.nodeEndpoints ?? [])
  endFrame(writer, scatter.bytesBeside)
  return scatter.buffers()
}

function writePartition(scatter: Scatter, version: number, isFlexible: boolean, partition: FetchResponsePartition): void {
  const { writer } = scatter
  writer.int32(partition.partitionIndex)
  writer.int16(partition.errorCode)
  writer.int64(partition.highWatermark)
  writer.int64(partition.lastStableOffset ?? -1)
  if (version >= 5) writer.int64(partition.logStartOffset ?? -1)
  const aborted = partition.abortedTransactions ?? null
  scatter.arrayCount(aborted?.length ?? -1, isFlexible)
  for (const { producerId, firstOffset } of aborted ?? []) {
    writer.int64(producerId)
    writer.int64(firstOffset)
    if (isFlexible) writer.noTaggedFields()
  }
  if (version >= 11) writer.int32(partition.preferredReadReplica ?? -1)
  scatter.bytes(partition.records, isFlexible)
  if (isFlexible) writePartitionTags(writer, partition)
}

function writePartitionTags(writer: Writer, { divergingEpoch, currentLeader }: FetchResponsePartition): void {
  writer.uvarint((divergingEpoch ? 1 : 0) + (currentLeader ? 1 : 0))
  if (divergingEpoch) {
    writer.uvarint(TAG_DIVERGING_EPOCH)
    writer.uvarint(4 + 8 + 1)
    writer.int32(divergingEpoch.epoch)
    writer.int64(divergingEpoch.endOffset)
    writer.noTaggedFields()
  }
  if (currentLeader) {
    writer.uvarint(TAG_CURRENT_LEADER)
    writer.uvarint(4 + 4 + 1)
    writer.int32(currentLeader.leaderId)
    writer.int32(currentLeader.leaderEpoch)
    writer.noTaggedFields()
  }
}

function writeNodeEndpoints(writer: Writer, version: number, endpoints: NonNullable<FetchResponse['nodeEndpoints']>): void {
  if (version < 16 || endpoints.length === 0) return writer.noTaggedFields()
  const value = new Writer(64)
  value.compactArrayCount(endpoints.length)
  for (const { nodeId, host, port, rack } of endpoints) {
    value.int32(nodeId)
    value.compactString(host)
    value.int32(port)
    value.compactString(rack ?? null)
    value.noTaggedFields()
  }
  writer.uvarint(1)
  writer.uvarint(0)
  writer.uvarint(value.pos)
  writer.raw(value.result())
}
