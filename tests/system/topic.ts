import { Consumer, type FetchedHeader, type PartitionRecords, silentLogger, type TopicPartition } from '@millrace/kafka'

/** The values of one of a topic's partitions, as text, in order. `properties` are further ones of the consumer. */
export async function topicValues(bootstrapServers: string, topic: string, properties: Readonly<Record<string, string>> = {}, index = 0): Promise<string[]> {
  const all = { 'bootstrap.servers': bootstrapServers, 'auto.offset.reset': 'earliest', 'enable.auto.commit': 'false', ...properties }
  return readPartition(all, { topic, partition: index }, (record) => record.buffer.toString('utf8', record.valueStart, record.valueEnd))
}

/** The headers of the records of a topic's first partition, in order. */
export async function topicHeaders(bootstrapServers: string, topic: string): Promise<readonly FetchedHeader[][]> {
  const all = { 'bootstrap.servers': bootstrapServers, 'auto.offset.reset': 'earliest', 'enable.auto.commit': 'false' }
  return readPartition(all, { topic, partition: 0 }, (record) => [...(record.headers() ?? [])])
}

async function readPartition<T>(properties: Readonly<Record<string, string>>, partition: TopicPartition, read: (record: PartitionRecords) => T): Promise<T[]> {
  return withConsumer(properties, async (consumer) => {
    consumer.assign([partition])
    const end = (await consumer.endOffsets([partition]))[0]?.offset ?? 0
    const values: T[] = []
    while ((await consumer.position(partition)) < end) {
      for (const records of (await consumer.poll(1000)).partitions) while (records.next()) values.push(read(records))
    }
    return values
  })
}

/** Where a group goes on in a topic's only partition; 0 where it has committed nothing. */
export async function committedOffset(bootstrapServers: string, group: string, topic: string): Promise<number> {
  const properties = { 'bootstrap.servers': bootstrapServers, 'group.id': group, 'enable.auto.commit': 'false' }
  return withConsumer(properties, async (consumer) => (await consumer.committed([{ topic, partition: 0 }]))[0]?.offset ?? 0)
}

async function withConsumer<T>(properties: Readonly<Record<string, string>>, use: (consumer: Consumer) => Promise<T>): Promise<T> {
  const consumer = new Consumer(properties, { logger: silentLogger })
  try {
    return await use(consumer)
  } finally {
    await consumer.close({ timeoutMs: 5000 })
  }
}
