import { ErrorCode, KafkaError } from '@millrace/kafka-protocol'
import { apiHandler, type BrokerServices, type Request } from '../api-handler.ts'
import type { FoundRecord, PartitionLog } from '../log/partition-log.ts'
import { leadershipError } from './01-fetch.ts'

const LATEST = -1
const EARLIEST = -2
/** The record with the highest timestamp (KIP-734). */
const MAX_TIMESTAMP = -3
/** As EARLIEST where there is no tiered storage (KIP-405). */
const EARLIEST_LOCAL = -4
/** The end of what is in tiered storage (KIP-1005), and the start of what waits for it: nothing. */
const LATEST_TIERED = -5
const EARLIEST_PENDING_UPLOAD = -6

type WantedPartition = Request<'ListOffsets'>['body']['topics'][number]['partitions'][number]

/** ListOffsets 1 to 11: start and end of a log, or the first record from a timestamp on. For committed records the end is the last stable offset. */
export const listOffsets = apiHandler({
  api: 'ListOffsets',
  versions: { min: 1, max: 11 },

  respond: ({ version, body }, services) => ({
    topics: body.topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map((partition) => found(services, { version, isCommittedOnly: body.isolationLevel === 1 }, name, partition)),
    })),
  }),

  failed: ({ body }, errorCode) => ({
    topics: body.topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })),
    })),
  }),
})

function found(
  services: BrokerServices,
  { version, isCommittedOnly }: { readonly version: number; readonly isCommittedOnly: boolean },
  name: string,
  { partitionIndex, timestamp, currentLeaderEpoch }: WantedPartition,
) {
  const topic = services.topics.get(name)
  if (!topic) return { partitionIndex, errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION }
  const leadership = leadershipError(topic, partitionIndex, currentLeaderEpoch, services)
  if (leadership) return { partitionIndex, errorCode: leadership }
  try {
    const place = placeOf(services.topics.log(topic, partitionIndex), timestamp, isCommittedOnly)
    if (!place) return { partitionIndex, errorCode: 0 }
    const { offset, timestamp: found, leaderEpoch } = place
    return { partitionIndex, errorCode: 0, offset, timestamp: found, ...(version >= 4 && { leaderEpoch }) }
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error
    return { partitionIndex, errorCode: error.errorCode }
  }
}

/** Undefined if there is no such record. */
function placeOf(log: PartitionLog, timestamp: number, isCommittedOnly: boolean): FoundRecord | undefined {
  switch (timestamp) {
    case LATEST:
      return { offset: isCommittedOnly ? log.lastStableOffset : log.endOffset, timestamp: -1, leaderEpoch: log.leaderEpoch }
    case EARLIEST:
    case EARLIEST_LOCAL:
      return { offset: log.startOffset, timestamp: -1, leaderEpoch: log.startEpoch }
    case MAX_TIMESTAMP:
      return log.latestByTimestamp()
    case LATEST_TIERED:
    case EARLIEST_PENDING_UPLOAD:
      return undefined
    default:
      return log.firstSince(timestamp)
  }
}
