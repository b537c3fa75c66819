import { Consumer, silentLogger } from '@millrace/kafka'

/** Where topics end. */
export interface TopicEnds {
  /** Of the topic's only partition; 0 while there is no such topic. */
  endOffset(topic: string): Promise<number>
}

export async function withTopicEnds<T>(bootstrapServers: string, use: (ends: TopicEnds) => Promise<T>): Promise<T> {
  const consumer = new Consumer(
    { 'bootstrap.servers': bootstrapServers, 'allow.auto.create.topics': 'false', 'default.api.timeout.ms': '1000' },
    { logger: silentLogger },
  )
  const endOffset = async (topic: string): Promise<number> => {
    try {
      return (await consumer.endOffsets([{ topic, partition: 0 }]))[0]?.offset ?? 0
    } catch {
      // The topic comes with its first record.
      return 0
    }
  }
  try {
    return await use({ endOffset })
  } finally {
    await consumer.close({ timeoutMs: 5000 })
  }
}
