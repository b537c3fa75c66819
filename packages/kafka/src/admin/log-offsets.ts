import type { KafkaError, RequestInput } from '@millrace/kafka-protocol'
import { type FoundOffset, listOffsets as askForOffsets, type OffsetQuery } from '../list-offsets.ts'
import { partitionName, type TopicPartition } from '../topic-partition.ts'
import { type AdminRequests, type CallOptions, errorOf, type Outcome } from './admin-requests.ts'

export interface RecordsToDelete extends TopicPartition {
  /** All records before this offset go; -1: all there are, up to the high watermark. */
  readonly beforeOffset: number
}

export interface DeletedRecords extends TopicPartition, Outcome {
  /** The first offset that can be read now; -1 if `error` is set. */
  readonly lowWatermark: number
}

export async function listOffsets(
  requests: AdminRequests,
  queries: readonly OffsetQuery[],
  { isReadCommitted = false, ...options }: CallOptions & { readonly isReadCommitted?: boolean },
): Promise<readonly FoundOffset[]> {
  const found: FoundOffset[] = []
  let left = queries
  const attempt = async () => {
    const { cluster } = requests
    if (left.some(({ topic, partition }) => cluster.leader(topic, partition) === null)) await cluster.refresh(requests.config.apiTimeoutMs)
    const answers = await askForOffsets(cluster, left, isReadCommitted)
    found.push(...answers.found)
    left = left.filter(({ topic, partition }) => answers.failed.some((failed) => failed.topic === topic && failed.partition === partition))
    const failed = answers.failed.find(({ error }) => !error.retriable) ?? answers.failed[0]
    if (failed) throw failed.error
  }
  await requests.following(queries, () => requests.untilDone('listOffsets', attempt, options))
  return found
}

export async function deleteRecords(requests: AdminRequests, partitions: readonly RecordsToDelete[], options: CallOptions): Promise<readonly DeletedRecords[]> {
  const failed = ({ topic, partition }: TopicPartition, error: KafkaError): DeletedRecords => ({ topic, partition, lowWatermark: -1, error })
  return await requests.toLeaders(
    'deleteRecords',
    partitions,
    async (node, some) => {
      const body = { topics: deletions(some), timeoutMs: requests.config.requestTimeoutMs }
      const { topics } = await requests.cluster.request(node, 'data', 'DeleteRecords', body)
      return some.map((place) => {
        const answer = topics.find(({ name }) => name === place.topic)?.partitions.find(({ partitionIndex }) => partitionIndex === place.partition)
        const error = errorOf(`Deleting records of ${partitionName(place)}`, answer?.errorCode)
        if (error || !answer) return failed(place, error!)
        return { topic: place.topic, partition: place.partition, lowWatermark: answer.lowWatermark, error: null }
      })
    },
    failed,
    options,
  )
}

function deletions(partitions: readonly RecordsToDelete[]): RequestInput<'DeleteRecords'>['topics'] {
  const topics = [...new Set(partitions.map(({ topic }) => topic))]
  return topics.map((name) => ({
    name,
    partitions: partitions.filter(({ topic }) => topic === name).map(({ partition, beforeOffset }) => ({ partitionIndex: partition, offset: beforeOffset })),
  }))
}
