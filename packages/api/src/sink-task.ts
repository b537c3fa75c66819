import type { Logger } from './logger.ts'
import type { MaybePromise } from './maybe-promise.ts'
import type { Properties } from './plugin.ts'
import type { PluginMetrics } from './plugin-metrics.ts'
import type { SinkRecord, TopicPartition, TopicPartitionOffset } from './record.ts'

/** Reports records that a sink cannot write (`org.apache.kafka.connect.sink.ErrantRecordReporter`, KIP-610). */
export interface ErrantRecordReporter {
  /** @returns resolved when the report is durable; offsets of the record's partition are not committed before. @throws where errors are not tolerated: rethrow it. */
  report(record: SinkRecord, error: unknown): Promise<void>
}

export interface SinkTaskContext {
  readonly logger: Logger
  readonly metrics: PluginMetrics
  /** Aborted when the task is asked to stop. Pass it to whatever may block. */
  readonly signal: AbortSignal
  /** Null unless errors are logged or dead-lettered. */
  readonly errantRecordReporter: ErrantRecordReporter | null
  /** The task's configuration, with configuration providers applied again. */
  configs(): Promise<Properties>
  /** Rewinds or forwards: before the next `poll` the consumer goes to these offsets. */
  offset(offsets: readonly TopicPartitionOffset[]): void
  /** After a RetriableError: milliseconds until the same batch is put again. */
  timeout(timeoutMs: number): void
  /** The partitions that this task has now. */
  assignment(): readonly TopicPartition[]
  /** Stops delivery of these partitions until `resume`; kept over rebalances for those that stay. @throws where one is not assigned. */
  pause(partitions: readonly TopicPartition[]): void
  resume(partitions: readonly TopicPartition[]): void
  /** Asks for a commit of offsets before the next delivery. */
  requestCommit(): void
  /**
   * Tells that the task gathers records before it writes them: how many it has, how many it waits for, and until when at the latest (milliseconds since the epoch;
   * null: until they are there). Null when it has written them. Shown in its status as `waiting_for_batch`. Absent in runtimes that do not show it:
   * `context.waitingForBatch?.({ records: 3, of: 500, untilMs })`.
   */
  waitingForBatch?(state: { readonly records: number; readonly of: number; readonly untilMs: number | null } | null): void
  /**
   * Counts a field that was written otherwise than it was read because the destination cannot hold it: cut off, rounded, left out for want of a column. Not for what
   * the configuration asks for. Shown in the ledger of the task, by name, up to 100 names. Null where nobody counts: `context.fieldCoerced?.('user.note')`.
   *
   * @param path names of fields, outermost first, with dots between; the same text for all records.
   */
  fieldCoerced?(path: string): void
}

/**
 * Copies records to an external system (`org.apache.kafka.connect.sink.SinkTask`). Order of calls: `start`, `open`, `put` again and again with
 * `preCommit` at each `offset.flush.interval.ms`, on a rebalance `preCommit`, `close` and `open`, at the end `preCommit`, `close`, `stop`.
 * All on the task's thread, never two at the same time.
 */
export interface SinkTask {
  /**
   * What is known of a `put` that threw an error. Read after `start`. Default: nothing, so that such a batch can only be put again as a whole or fail the task.
   *
   * `idempotent`: records may have been written, and to write them again in the same order does no harm. `transactional`: none was written, so that it never throws `PartialPutError`.
   * Either says as well that the error is about records of this batch, not of earlier ones that were only buffered: the runtime may then put parts of the batch to
   * find those that cannot be written (`millrace.errors.put.tolerance=all`).
   */
  readonly delivery?: 'idempotent' | 'transactional'
  /** Opens what the task needs. @throws any error: the task is FAILED. */
  start(properties: Properties, context: SinkTaskContext): MaybePromise<void>
  /** These partitions were newly assigned. Never called with none. @throws any error: the task is FAILED. */
  open?(partitions: readonly TopicPartition[]): MaybePromise<void>
  /**
   * Delivers records in the order of each partition. Also called with an empty array whenever a poll brought nothing, so that time-based flushing works.
   * The array belongs to the task until it returns.
   * @throws RetriableError: partitions are paused and the same batch is delivered again after `context.timeout`; `PartialPutError`: only the records that it names
   *   were not written; any other error fails the task, unless `millrace.errors.put.tolerance=all` and `delivery` allow to look for the records at fault.
   */
  put(records: readonly SinkRecord[]): MaybePromise<void>
  /**
   * Makes what was put durable and says up to where. Called with the positions after the last delivered records.
   * Default: `flush(offsets)`, then all of `offsets`.
   * @returns offsets that may be committed: fewer, lower or none; higher and foreign ones are ignored with a warning.
   * @throws any error: the consumer goes back to the last committed offsets and the task goes on.
   */
  preCommit?(offsets: readonly TopicPartitionOffset[]): MaybePromise<readonly TopicPartitionOffset[]>
  /** For tasks without `preCommit`: makes everything put so far durable. */
  flush?(offsets: readonly TopicPartitionOffset[]): MaybePromise<void>
  /** These partitions are no longer the task's; buffered records of them must be dropped. */
  close?(partitions: readonly TopicPartition[]): MaybePromise<void>
  /** Releases everything. Called once, also where `start` failed. Must return within `task.shutdown.graceful.timeout.ms` (all tasks together). */
  stop(): MaybePromise<void>
}
