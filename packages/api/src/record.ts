import type { Headers } from './headers.ts'
import type { Schema } from './schema.ts'

/** A primitive that may stand in a source partition or source offset. int64 beyond the safe range is a `bigint`. */
export type OffsetValue = string | number | bigint | boolean | Uint8Array | null

/**
 * Names a part of the external system (a file, a table), in the connector's own words; or the position within it.
 * The order of fields is kept when it is stored: stored keys are compared by their bytes.
 */
export type SourcePartition = Readonly<Record<string, OffsetValue>>
export type SourceOffset = Readonly<Record<string, OffsetValue>>

/** What source and sink records share (`org.apache.kafka.connect.connector.ConnectRecord`). Transformations make new records of the same kind. */
export interface ConnectRecord {
  readonly topic: string
  /** The Kafka partition; null lets the producer's partitioner choose. Always a number in sink records. */
  readonly kafkaPartition: number | null
  readonly keySchema: Schema | null
  readonly key: unknown
  readonly valueSchema: Schema | null
  readonly value: unknown
  /** Milliseconds since the epoch, or null where there is none. */
  readonly timestamp: number | null
  /** Ordered, names may repeat; null stands for none, so that records without headers cost nothing. */
  readonly headers: Headers | null
}

/** A record on its way to Kafka (`org.apache.kafka.connect.source.SourceRecord`). Give all fields in this order in every record: equal shapes are fast. */
export interface SourceRecord extends ConnectRecord {
  /** Where the record came from; null for sources without positions (stdin). Records of one source partition reuse one object where they can: its identity is used as a shortcut. */
  readonly sourcePartition: SourcePartition | null
  /** Where to go on after this record. Null writes a null offset for the partition. */
  readonly sourceOffset: SourceOffset | null
}

export type TimestampType = 'NoTimestampType' | 'CreateTime' | 'LogAppendTime'

/** A record on its way from Kafka (`org.apache.kafka.connect.sink.SinkRecord`). */
export interface SinkRecord extends ConnectRecord {
  readonly kafkaPartition: number
  readonly kafkaOffset: number
  readonly timestampType: TimestampType
  /** Coordinates before any transformation (KIP-793): use these to report offsets. */
  readonly originalTopic: string
  readonly originalKafkaPartition: number
  readonly originalKafkaOffset: number
}

export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

/** The position after the last record that was handed over: the next record to read. */
export interface TopicPartitionOffset extends TopicPartition {
  readonly offset: number
  /** Stored with the offset; default empty. */
  readonly metadata?: string
}

/** What the broker answered for a record that it has. */
export interface RecordMetadata extends TopicPartition {
  /** -1 where the broker does not tell (`acks=0`). */
  readonly offset: number
  readonly timestamp: number
}
