import type { Logger } from './logger.ts'
import type { MaybePromise } from './maybe-promise.ts'
import type { Properties } from './plugin.ts'
import type { PluginMetrics } from './plugin-metrics.ts'
import type { RecordMetadata, SourceOffset, SourcePartition, SourceRecord } from './record.ts'

/** Reads committed source offsets (`org.apache.kafka.connect.storage.OffsetStorageReader`). Integers come back as int64, decimals as float64. */
export interface OffsetStorageReader {
  /** @returns null where nothing is stored. */
  offset(partition: SourcePartition): Promise<SourceOffset | null>
  /** One answer per partition asked for, in the same order. */
  offsets(partitions: readonly SourcePartition[]): Promise<readonly (SourceOffset | null)[]>
}

/** Transaction boundaries set by the task (`transaction.boundary=connector`). */
export interface TransactionContext {
  /** Commits after the current batch, or after `record` of it. */
  commitTransaction(record?: SourceRecord): void
  /** Drops what the transaction holds after the current batch, or after `record` of it; the offsets of its records are committed all the same. */
  abortTransaction(record?: SourceRecord): void
}

export interface SourceTaskContext {
  readonly logger: Logger
  readonly metrics: PluginMetrics
  /** Aborted when the task is asked to stop. Pass it to whatever may block. */
  readonly signal: AbortSignal
  readonly offsetStorageReader: OffsetStorageReader
  /** Null unless `transaction.boundary=connector`. */
  readonly transactionContext: TransactionContext | null
  /** The task's configuration, with configuration providers applied again. */
  configs(): Promise<Properties>
  /** As `SinkTaskContext.fieldCoerced`, for fields that Kafka Connect's types cannot hold as they were read. */
  fieldCoerced?(path: string): void
}

/**
 * Copies records from an external system (`org.apache.kafka.connect.source.SourceTask`). Order of calls: `start`, `poll` again and again with
 * `commitRecord` and `commit` in between, `stop` once at the end, also after a failure. All on the task's thread; only `commit` may run
 * while a `poll` is awaited.
 */
export interface SourceTask {
  /** Opens what the task needs. @throws any error: the task is FAILED. */
  start(properties: Properties, context: SourceTaskContext): MaybePromise<void>
  /**
   * Returns the next records of the external system, in the order in which they shall reach Kafka.
   *
   * Called again as soon as the previous batch has been handed to the producer; never concurrently with itself.
   * Should return within a second or so, with null or an empty array when there is nothing, so that the task can be paused; and at once when `context.signal` is aborted.
   * The array belongs to the runtime until the next call.
   *
   * @returns records, each with source partition and source offset. An offset is committed only after Kafka has acknowledged its record
   *   and all earlier ones of the same source partition.
   * @throws RetriableError to be polled again (the task paces itself); any other error fails the task.
   */
  poll(): MaybePromise<readonly SourceRecord[] | null>
  /**
   * Whether the external system has more records, as far as is known without asking it. Called now and then, also while a `poll` is awaited; must return at once.
   * Where it says so and `poll` yields nothing for `millrace.stall.timeout.ms`, the task counts as stalled; where it says that there is none, `poll` may take its time.
   * Leave it out where that is not known. Errors count as not known.
   */
  hasBacklog?(): boolean
  /**
   * Tells that Kafka has `record`; or, with null, that it was filtered or dropped and will never be there. In the order of acknowledgement per Kafka partition.
   * Called once per record, so leave it out where it is not needed. Errors are logged and ignored.
   */
  commitRecord?(record: SourceRecord, metadata: RecordMetadata | null): MaybePromise<void>
  /** Called after each successful commit of offsets (`offset.flush.interval.ms`), also where there was nothing to commit. Errors are logged and ignored. */
  commit?(): MaybePromise<void>
  /** Releases everything. Called once, after the last `poll` returned, also where `start` failed. Must return within `task.shutdown.graceful.timeout.ms` (all tasks together). */
  stop(): MaybePromise<void>
}
