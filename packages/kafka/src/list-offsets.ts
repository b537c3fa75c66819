import { ErrorCode, errorByCode, type KafkaError, kafkaError } from '@millrace/kafka-protocol'
import type { BrokerNode } from './broker-node.ts'
import type { Cluster } from './cluster.ts'
import { asKafkaError } from './errors.ts'
import { partitionName, type TopicPartition } from './topic-partition.ts'

/** Special timestamps of ListOffsets. */
export const OffsetAt = { latest: -1, earliest: -2, maxTimestamp: -3 } as const

export interface OffsetQuery extends TopicPartition {
  /** Milliseconds: the first record at or after it; or one of `OffsetAt`. */
  readonly timestamp: number
}

export interface FoundOffset extends TopicPartition {
  /** -1 where no record is at or after the timestamp. */
  readonly offset: number
  /** Of the record found; -1 for the ends of the log. */
  readonly timestamp: number
  readonly leaderEpoch: number
}

export interface OffsetAnswers {
  readonly found: readonly FoundOffset[]
  /** Partitions without an answer; whether it is worth asking again says the error. */
  readonly failed: readonly (TopicPartition & { readonly error: KafkaError })[]
}

/** Asks the leaders once. Leaders have to be known from the metadata, which are refreshed where they prove stale. Never rejects but for `CLIENT_CLOSED`. */
export async function listOffsets(cluster: Cluster, queries: readonly OffsetQuery[], isReadCommitted: boolean): Promise<OffsetAnswers> {
  const found: FoundOffset[] = []
  const failed: (TopicPartition & { error: KafkaError })[] = []
  const byLeader = new Map<BrokerNode, OffsetQuery[]>()
  for (const query of queries) {
    const leader = cluster.leader(query.topic, query.partition)
    if (leader === null) {
      cluster.requestRefresh()
      failed.push({ ...query, error: kafkaError(ErrorCode.LEADER_NOT_AVAILABLE, partitionName(query)) })
    } else if (byLeader.has(leader)) byLeader.get(leader)!.push(query)
    else byLeader.set(leader, [query])
  }
  await Promise.all(
    [...byLeader].map(async ([node, wanted]) => {
      try {
        const answers = await askLeader(cluster, node, wanted, isReadCommitted)
        found.push(...answers.found)
        failed.push(...answers.failed)
      } catch (error) {
        cluster.requestRefresh()
        failed.push(...wanted.map((query) => ({ ...query, error: asKafkaError(error) })))
      }
    }),
  )
  return { found, failed }
}

async function askLeader(cluster: Cluster, node: BrokerNode, queries: readonly OffsetQuery[], isReadCommitted: boolean): Promise<OffsetAnswers> {
  const topics = new Map<string, { partitionIndex: number; currentLeaderEpoch: number; timestamp: number }[]>()
  for (const { topic, partition, timestamp } of queries) {
    const partitions = topics.get(topic) ?? []
    partitions.push({ partitionIndex: partition, currentLeaderEpoch: cluster.leaderEpoch(topic, partition), timestamp })
    topics.set(topic, partitions)
  }
  const { topics: answered } = await cluster.request(node, 'data', 'ListOffsets', (version) => ({
    replicaId: -1,
    ...(version >= 2 ? { isolationLevel: isReadCommitted ? 1 : 0 } : {}),
    topics: [...topics].map(([name, partitions]) => ({ name, partitions })),
  }))
  const found: FoundOffset[] = []
  const failed: (TopicPartition & { error: KafkaError })[] = []
  for (const { name, partitions } of answered) {
    for (const { partitionIndex, errorCode, offset, timestamp, leaderEpoch } of partitions) {
      const place = { topic: name, partition: partitionIndex }
      if (errorCode === ErrorCode.NONE) found.push({ ...place, offset, timestamp, leaderEpoch })
      else failed.push({ ...place, error: kafkaError(errorCode, `Looking for an offset of ${partitionName(place)}`) })
      if (errorByCode(errorCode).refreshMetadata) cluster.requestRefresh()
    }
  }
  return { found, failed }
}
