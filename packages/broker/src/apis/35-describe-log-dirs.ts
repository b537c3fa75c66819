import { statfsSync } from 'node:fs'
import { KafkaError } from '@millrace/kafka-protocol'
import { apiHandler, type BrokerServices, type Request } from '../api-handler.ts'
import type { Topic } from '../topics.ts'

/** DescribeLogDirs 1 to 5 (KIP-113): the one data folder, with the sizes of the logs in it and the room of its volume. */
export const describeLogDirs = apiHandler({
  api: 'DescribeLogDirs',
  versions: { min: 1, max: 5 },

  respond({ body }, services) {
    const { topics } = services
    const asked =
      body.topics === null
        ? Array.from(topics.all(), (topic) => ({ topic, partitions: Array.from({ length: topic.partitionCount }, (_, index) => index) }))
        : wanted(body.topics, services)
    const described = asked.map(({ topic, partitions }) => ({ name: topic.name, partitions: sizesOf(topic, partitions, services) }))
    return { throttleTimeMs: 0, results: [{ errorCode: 0, logDir: topics.dataDir, topics: described, ...roomOf(topics.dataDir) }] }
  },
  // Before version 3 only a folder can have an error.
  failed: ({ version }, errorCode) => ({ throttleTimeMs: 0, errorCode, results: version >= 3 ? [] : [{ errorCode, logDir: '', topics: [] }] }),
})

function wanted(names: NonNullable<Request<'DescribeLogDirs'>['body']['topics']>, { topics }: BrokerServices) {
  return names.flatMap(({ topic: name, partitions }) => {
    const topic = topics.get(name)
    return topic ? [{ topic, partitions: partitions.filter((index) => index >= 0 && index < topic.partitionCount) }] : []
  })
}

function sizesOf(topic: Topic, partitions: readonly number[], { topics }: BrokerServices) {
  return partitions.flatMap((partitionIndex) => {
    try {
      return [{ partitionIndex, partitionSize: topics.log(topic, partitionIndex).sizeInBytes, offsetLag: 0, isFutureKey: false }]
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error
      return [] // One that cannot be opened has been logged.
    }
  })
}

function roomOf(path: string) {
  const { blocks, bavail, bsize } = statfsSync(path)
  return { totalBytes: blocks * bsize, usableBytes: bavail * bsize }
}
