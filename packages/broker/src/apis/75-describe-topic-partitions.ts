import { ErrorCode, kafkaError } from '@millrace/kafka-protocol'
import { apiHandler, type BrokerServices, NODE_ID, type Request } from '../api-handler.ts'
import { topicNameError } from '../topics.ts'
import { describedPartition } from './03-metadata.ts'

const PARTITIONS_MAX = 2000

type Body = Request<'DescribeTopicPartitions'>['body']

/** DescribeTopicPartitions 0 (KIP-966): topics in the order of their names, page by page of at most 2000 partitions. */
export const describeTopicPartitions = apiHandler({
  api: 'DescribeTopicPartitions',
  versions: { min: 0, max: 0 },

  respond({ body }, services) {
    const { cursor, responsePartitionLimit } = body
    let left = Math.max(1, Math.min(PARTITIONS_MAX, responsePartitionLimit))
    const topics = []
    for (const name of namesOf(body, services)) {
      const first = name === cursor?.topicName ? cursor.partitionIndex : 0
      if (left === 0) return { throttleTimeMs: 0, topics, nextCursor: { topicName: name, partitionIndex: first } }
      const topic = page(name, { first, count: left }, services)
      topics.push(topic.described)
      left -= topic.described.partitions.length
      if (topic.next !== undefined) return { throttleTimeMs: 0, topics, nextCursor: { topicName: name, partitionIndex: topic.next } }
    }
    return { throttleTimeMs: 0, topics, nextCursor: null }
  },
  failed: ({ body }, errorCode) => ({ throttleTimeMs: 0, topics: body.topics.map(({ name }) => ({ errorCode, name, partitions: [] })), nextCursor: null }),
})

/** The topics from the cursor on. */
function namesOf({ topics: wanted, cursor }: Body, { topics }: BrokerServices): string[] {
  if (cursor && cursor.partitionIndex < 0) throw kafkaError(ErrorCode.INVALID_REQUEST, `A cursor at partition ${cursor.partitionIndex}`)
  const names = wanted.length === 0 ? Array.from(topics.all(), ({ name }) => name) : wanted.map(({ name }) => name)
  const from = names.filter((name) => name >= (cursor?.topicName ?? ''))
  if (wanted.length > 0 && cursor && !from.includes(cursor.topicName)) {
    throw kafkaError(ErrorCode.INVALID_REQUEST, `The cursor's topic "${cursor.topicName}" is not among those asked for`)
  }
  return [...new Set(from)].sort()
}

function page(name: string, { first, count }: { readonly first: number; readonly count: number }, services: BrokerServices) {
  const topic = services.topics.get(name)
  if (!topic) {
    const errorCode = topicNameError(name) ? ErrorCode.INVALID_TOPIC_EXCEPTION : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    return { described: { errorCode, name, partitions: [] }, next: undefined }
  }
  const end = Math.min(topic.partitionCount, first + count)
  const partitions = Array.from({ length: Math.max(0, end - first) }, (_, index) => ({
    ...describedPartition(topic, first + index, services),
    eligibleLeaderReplicas: [],
    lastKnownElr: [],
    isrNodes: [NODE_ID],
  }))
  return { described: { errorCode: 0, name, topicId: topic.id, partitions }, next: end < topic.partitionCount ? end : undefined }
}
