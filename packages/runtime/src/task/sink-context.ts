import {
  type ErrantRecordReporter,
  IllegalWorkerStateError,
  type Logger,
  type PluginMetrics,
  type Properties,
  type SinkTaskContext,
  type TopicPartition,
  type TopicPartitionOffset,
} from '@millrace/api'
import type { GatheredBatch } from './activity.ts'
import type { SinkConsumer } from './sink-consumer.ts'
import { partitionName } from './topic-partitions.ts'

export interface SinkContextParts {
  readonly logger: Logger
  readonly metrics: PluginMetrics
  readonly signal: AbortSignal
  readonly configs: () => Promise<Properties>
  readonly consumer: SinkConsumer
  readonly errantRecordReporter: ErrantRecordReporter | null
  /** Hears what the task says of the batch that it gathers. */
  readonly gathers: (batch: GatheredBatch | null) => void
  /** Counts a field that the task could not write as it was. */
  readonly fieldCoerced: (path: string) => void
}

/** What a sink task asks of the runtime (`WorkerSinkTaskContext`). Wishes are noted here and fulfilled by the loop at its next turn. */
export class SinkContext implements SinkTaskContext {
  readonly logger: Logger
  readonly metrics: PluginMetrics
  readonly signal: AbortSignal
  readonly configs: () => Promise<Properties>
  readonly errantRecordReporter: ErrantRecordReporter | null
  readonly fieldCoerced: (path: string) => void
  readonly #consumer: SinkConsumer
  readonly #gathers: SinkContextParts['gathers']
  readonly #paused = new Map<string, TopicPartition>()
  #rewinds = new Map<string, TopicPartitionOffset>()
  #timeoutMs = -1
  #isCommitRequested = false
  /** While the runtime itself has paused everything, a resumed partition stays paused until that ends. */
  isRuntimePaused: () => boolean = () => false

  constructor({ logger, metrics, signal, configs, consumer, errantRecordReporter, gathers, fieldCoerced }: SinkContextParts) {
    this.logger = logger
    this.metrics = metrics
    this.signal = signal
    this.configs = configs
    this.errantRecordReporter = errantRecordReporter
    this.#consumer = consumer
    this.#gathers = gathers
    this.fieldCoerced = fieldCoerced
  }

  offset(offsets: readonly TopicPartitionOffset[]): void {
    for (const offset of offsets) this.#rewinds.set(partitionName(offset), offset)
  }

  timeout(timeoutMs: number): void {
    this.#timeoutMs = timeoutMs
  }

  assignment(): readonly TopicPartition[] {
    return this.#consumer.assignment()
  }

  pause(partitions: readonly TopicPartition[]): void {
    this.#checkAssigned(partitions, 'pause')
    for (const partition of partitions) this.#paused.set(partitionName(partition), partition)
    this.#consumer.pause(partitions)
  }

  resume(partitions: readonly TopicPartition[]): void {
    this.#checkAssigned(partitions, 'resume')
    for (const partition of partitions) this.#paused.delete(partitionName(partition))
    if (!this.isRuntimePaused()) this.#consumer.resume(partitions)
  }

  requestCommit(): void {
    this.#isCommitRequested = true
  }

  waitingForBatch(state: GatheredBatch | null): void {
    this.#gathers(state)
  }

  // ─── the loop's side ───

  get isCommitRequested(): boolean {
    return this.#isCommitRequested
  }

  commitRequestFulfilled(): void {
    this.#isCommitRequested = false
  }

  /** The wishes of `offset` since the last call. */
  takeRewinds(): TopicPartitionOffset[] {
    const rewinds = [...this.#rewinds.values()]
    if (rewinds.length > 0) this.#rewinds = new Map()
    return rewinds
  }

  /** The wish of `timeout` that was not taken yet, or null. Milliseconds. */
  get timeoutMs(): number | null {
    return this.#timeoutMs > 0 ? this.#timeoutMs : null
  }

  /** The wish of `timeout` since the last call, or null. Milliseconds. */
  takeTimeoutMs(): number | null {
    const timeoutMs = this.#timeoutMs
    this.#timeoutMs = -1
    return timeoutMs > 0 ? timeoutMs : null
  }

  /** Partitions that the task paused and still has. */
  get paused(): TopicPartition[] {
    return [...this.#paused.values()]
  }

  isPaused(partition: TopicPartition): boolean {
    return this.#paused.has(partitionName(partition))
  }

  /** Wishes for partitions that the task gave up are void. */
  forget(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) this.#rewinds.delete(partitionName(partition))
  }

  /** After a rebalance: what the task paused stays paused where it still has it, although everything may have been revoked in between. */
  retainPaused(): void {
    const assigned = new Set(this.assignment().map(partitionName))
    for (const name of this.#paused.keys()) if (!assigned.has(name)) this.#paused.delete(name)
  }

  #checkAssigned(partitions: readonly TopicPartition[], act: string): void {
    const assigned = new Set(this.assignment().map(partitionName))
    const foreign = partitions.find((partition) => !assigned.has(partitionName(partition)))
    if (foreign) throw new IllegalWorkerStateError(`SinkTasks may not ${act} partitions that are not currently assigned to them: ${partitionName(foreign)}.`)
  }
}
