import { type FetchedPartition, type RequestInput, ZERO_UUID } from '@millrace/kafka-protocol'
import type { ConsumerConfig } from '../config/consumer-config.ts'
import { partitionName } from '../topic-partition.ts'
import type { FetchPlan, FetchTarget } from './fetch-session.ts'

/** Topics are named until here, and go by their ids from the next version on (KIP-516). */
const VERSION_BY_NAME_MAX = 12

/** The version to fetch these partitions in: without topic ids where one is not known. */
export function fetchVersion(offered: number, wanted: readonly FetchTarget[]): number {
  return wanted.some(({ topicId }) => topicId === ZERO_UUID) ? Math.min(offered, VERSION_BY_NAME_MAX) : offered
}

export function usesTopicIds(version: number): boolean {
  return version > VERSION_BY_NAME_MAX
}

/** @param maxWaitMs how long the broker may hold the answer back for more records. */
export function fetchRequest(config: ConsumerConfig, { sessionId, sessionEpoch, named, forgotten }: FetchPlan, maxWaitMs: number): RequestInput<'Fetch'> {
  return {
    maxWaitMs,
    minBytes: config.fetchBytesMin,
    maxBytes: config.fetchBytesMax,
    isolationLevel: config.isReadCommitted ? 1 : 0,
    sessionId,
    sessionEpoch,
    topics: byTopic(named).map(([first, targets]) => ({
      topic: first.topic,
      topicId: first.topicId,
      partitions: targets.map(({ partition, fetchOffset, leaderEpoch }) => {
        return { partition, fetchOffset, currentLeaderEpoch: leaderEpoch, partitionMaxBytes: config.partitionFetchBytesMax }
      }),
    })),
    forgottenTopicsData: byTopic(forgotten).map(([{ topic, topicId }, targets]) => ({ topic, topicId, partitions: targets.map(({ partition }) => partition) })),
    rackId: config.rackId ?? '',
  }
}

/** The partitions of an answer by their names, which answers with topic ids leave out. */
export function fetchedByName(fetched: readonly FetchedPartition[], wanted: readonly FetchTarget[], version: number): Map<string, FetchedPartition> {
  const names = new Map(wanted.map(({ topic, topicId }) => [topicId, topic]))
  const topicOf = ({ topic, topicId }: FetchedPartition) => (usesTopicIds(version) ? names.get(topicId) : topic)
  return new Map(fetched.map((each) => [partitionName({ topic: topicOf(each) ?? '', partition: each.partitionIndex }), each]))
}

function byTopic(targets: readonly FetchTarget[]): [FetchTarget, FetchTarget[]][] {
  // By id, too: both of a topic that was made anew may be among the forgotten.
  const topics = Map.groupBy(targets, ({ topic, topicId }) => `${topicId} ${topic}`)
  return [...topics.values()].map((of) => [of[0]!, of])
}
