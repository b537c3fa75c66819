import type { TopicPartition } from '@millrace/api'

/** As Kafka writes a partition in messages; distinct for distinct partitions. */
export function partitionName({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`
}
