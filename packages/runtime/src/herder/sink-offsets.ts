import type { TopicPartition } from '@millrace/api'
import type { ConnectorOffset } from '@millrace/rest-api'
import { BadRequestRestError } from './errors.ts'

/** A change of what a consumer group has committed; null forgets it. */
export interface SinkOffsetChange extends TopicPartition {
  readonly offset: number | null
}

const INT_MAX = 0x7fff_ffff

/** Reads the offsets of a request; of several for one partition the last counts (`SinkUtils.parseSinkConnectorOffsets`). @throws BadRequestRestError */
export function sinkOffsetChanges(offsets: readonly ConnectorOffset[]): readonly SinkOffsetChange[] {
  const changes = new Map<string, SinkOffsetChange>()
  for (const { partition, offset } of offsets) {
    const place = topicPartition(partition)
    changes.set(`${place.topic}-${place.partition}`, { ...place, offset: kafkaOffset(offset) })
  }
  return [...changes.values()]
}

function topicPartition(partition: ConnectorOffset['partition']): TopicPartition {
  if (partition === null) throw new BadRequestRestError('The partition for a sink connector offset cannot be null or missing')
  if (!Object.hasOwn(partition, 'kafka_topic') || !Object.hasOwn(partition, 'kafka_partition')) {
    throw new BadRequestRestError("The partition for a sink connector offset must contain the keys 'kafka_topic' and 'kafka_partition'")
  }
  const { kafka_topic: topic, kafka_partition: number } = partition
  if (topic === null) throw new BadRequestRestError('Kafka topic names must be valid strings and may not be null')
  if (number === null) throw new BadRequestRestError('Kafka partitions must be valid numbers and may not be null')
  const parsed = integerOf(number)
  if (parsed === null || parsed > INT_MAX || parsed < -INT_MAX - 1) {
    throw new BadRequestRestError(
      `Failed to parse the following Kafka partition value in the provided offsets: '${String(number)}'. Partition values for sink connectors need to be integers.`,
    )
  }
  return { topic: String(topic), partition: parsed }
}

function kafkaOffset(offset: ConnectorOffset['offset']): number | null {
  if (offset === null) return null
  if (!Object.hasOwn(offset, 'kafka_offset')) {
    throw new BadRequestRestError("The offset for a sink connector should either be null or contain the key 'kafka_offset'")
  }
  const parsed = integerOf(offset.kafka_offset)
  if (parsed !== null) return parsed
  throw new BadRequestRestError(
    `Failed to parse the following Kafka offset value in the provided offsets: '${String(offset.kafka_offset)}'. Offset values for sink connectors need to be integers.`,
  )
}

/** Numbers and texts of them alike; null for anything else, and beyond what a number holds exactly. */
function integerOf(value: unknown): number | null {
  const text = String(value)
  return /^[+-]?\d+$/.test(text) && Number.isSafeInteger(Number(text)) ? Number(text) : null
}
