import type { TimestampType, TopicPartition, TopicPartitionOffset } from '@millrace/api'

/** What a sink task needs of the Kafka consumer. Its listener is called inside `poll` and `close` only, and awaited. */
export interface SinkConsumer {
  subscribe(subscription: { readonly topics: readonly string[] } | { readonly pattern: RegExp }, listener: AssignmentListener): void
  poll(timeoutMs: number): Promise<FetchedRecords>
  /** Ends a `poll` that waits; it resolves with no records. */
  wakeup(): void
  assignment(): readonly TopicPartition[]
  pause(partitions: readonly TopicPartition[]): void
  resume(partitions: readonly TopicPartition[]): void
  seek(position: { readonly topic: string; readonly partition: number; readonly offset: number }): void
  position(partition: TopicPartition): Promise<number>
  commit(offsets: readonly TopicPartitionOffset[]): Promise<void>
  /** Records behind the end of the partition, as of the last fetch; null where that is not known. */
  lag(partition: TopicPartition): number | null
  /** For how long Kafka owes the consumer's group an answer; null outside of a group. Milliseconds. */
  silentForMs(): number | null
  close(options: { readonly timeoutMs: number }): Promise<void>
}

export interface AssignmentListener {
  revoked(partitions: readonly TopicPartition[]): Promise<void> | void
  lost(partitions: readonly TopicPartition[]): Promise<void> | void
  assigned(partitions: readonly TopicPartition[]): Promise<void> | void
}

export interface FetchedRecords {
  readonly count: number
  readonly partitions: readonly FetchedPartition[]
}

/** A cursor over the fetched records of one partition: `next()`, then the fields are those of the next record. Valid until the next poll. */
export interface FetchedPartition {
  readonly topic: string
  readonly partition: number
  next(): boolean
  readonly offset: number
  /** Milliseconds; -1: none. */
  readonly timestamp: number
  readonly timestampType: TimestampType
  readonly buffer: Buffer
  /** Where key and value lie in `buffer`; a start of -1 stands for null. */
  readonly keyStart: number
  readonly keyEnd: number
  readonly valueStart: number
  readonly valueEnd: number
  headers(): readonly { readonly key: string; readonly value: Buffer | null }[] | null
}
