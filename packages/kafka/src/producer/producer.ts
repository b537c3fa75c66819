import { ErrorCode, errorByCode, type KafkaError, type RecordData, type RecordHeader } from '@millrace/kafka-protocol'
import { type Clock, monotonicClock, timerMs } from '../clock.ts'
import { Cluster, type PartitionMetadata, topicError } from '../cluster.ts'
import type { Properties } from '../config/client-properties.ts'
import { type ProducerConfig, producerConfig } from '../config/producer-config.ts'
import type { OffsetCommit } from '../consumer/committed-offsets.ts'
import { bufferExhaustedError, closedError, illegalStateError, recordTooLargeError, timeoutError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import type { ClientMetric } from '../metrics/metric-group.ts'
import { CompressionRatio } from './compression-ratio.ts'
import { PartitionQueue } from './partition-queue.ts'
import { Partitioner } from './partitioner.ts'
import { ProducerBatch } from './producer-batch.ts'
import { type ProducerMetrics, ProducerRecorder, type TimedProducerCall } from './producer-metrics.ts'
import type { SendCompletion } from './send-completion.ts'
import { Sender } from './sender.ts'
import { type TransactionGroup, TransactionRequests } from './transaction-requests.ts'
import { Transactions } from './transactions.ts'

/** A key or value as it goes into a record: bytes as they are, text as UTF-8, or nothing. */
export type SerializedData = RecordData

export interface ClientOptions {
  readonly logger: Logger
  /** For tests; default the process's monotonic clock. */
  readonly clock?: Clock
}

/** A record that waits for its topic to become known. */
interface WaitingRecord {
  readonly partition: number | null
  readonly timestamp: number
  readonly key: SerializedData
  readonly value: SerializedData
  readonly headers: readonly RecordHeader[] | null
  readonly completion: SendCompletion | null
  readonly bytes: number
}

interface TopicState {
  readonly name: string
  readonly partitioner: Partitioner
  readonly ratio: CompressionRatio
  /** By index; empty while the topic is not known. */
  readonly queues: PartitionQueue[]
  /** In order; while there are any, all records of the topic queue up behind them. */
  waiting: WaitingRecord[]
  /** Ends the waiting after `max.block.ms`. */
  timer: NodeJS.Timeout | undefined
  /** Resolved when nothing waits any more. */
  settled: PromiseWithResolvers<void> | null
  lastUsedAt: number
}

const BATCH_HEADER_BYTES = 61
/** Length, attributes, deltas and counts of a record, each in its shortest form. */
const RECORD_OVERHEAD_BYTES = 7

/**
 * Sends records to Kafka: in order for each partition through every retry, each once where idempotence is on (the default), in batches.
 *
 * `send` only appends to a batch in memory, so it costs little and never waits; what bounds the memory is that its caller asks `hasRoom()` first.
 * One object for one thread; any number of records may be under way at the same time.
 *
 * @example
 * const producer = new Producer({ 'bootstrap.servers': 'localhost:9092' }, { logger })
 * if (!producer.hasRoom()) await producer.room()
 * producer.send('orders', null, Date.now(), 'key', 'value', null, null)
 * await producer.close()
 */
export class Producer {
  /** Counters since the producer was made; read them at any time. */
  readonly metrics: ProducerMetrics
  readonly #metrics: ProducerRecorder
  readonly #config: ProducerConfig
  readonly #logger: Logger
  readonly #clock: Clock
  readonly #cluster: Cluster
  readonly #sender: Sender
  readonly #transactions: Transactions | null
  readonly #topics = new Map<string, TopicState>()
  #lastTopic: TopicState | null = null
  #batchOrder = 0
  #roomWaiters: { resolve(): void; reject(error: Error): void; timer: NodeJS.Timeout | undefined }[] = []
  #closing: Promise<void> | null = null

  /**
   * Connects to nothing yet.
   *
   * @param properties Java's producer properties; see `clientKeys` for what each does.
   * @throws KafkaError `INVALID_CONFIGURATION`.
   */
  constructor(properties: Properties, { logger, clock = monotonicClock }: ClientOptions) {
    this.#config = producerConfig(properties, logger)
    this.#logger = logger
    this.#clock = clock
    this.#cluster = new Cluster({
      config: this.#config,
      logger,
      clock,
      allowsAutoTopicCreation: true,
      topics: () => this.#topicsInUse(),
      updated: () => this.#metadataUpdated(),
      refused: (error) => {
        for (const state of this.#topics.values()) if (state.waiting.length > 0) this.#failWaiting(state, error)
      },
    })
    const { metrics, bufferBytesMax } = this.#config
    this.metrics = this.#metrics = new ProducerRecorder(metrics, {
      bufferBytesMax,
      metadataAgeMs: () => this.#cluster.metadataAgeMs,
      waiting: () => this.#roomWaiters.length,
    })
    this.#transactions = this.#config.transactionalId === null ? null : this.#newTransactions(this.#config.transactionalId)
    this.#sender = new Sender({
      config: this.#config,
      cluster: this.#cluster,
      logger,
      clock,
      metrics: this.#metrics,
      transactions: this.#transactions,
      released: () => this.#released(),
    })
  }

  /**
   * Takes a record over. It is sent when its batch is full, after `linger.ms`, or with the next `flush`.
   * Key, value and headers are copied, unless the topic is not known yet: then bytes must not change before the record has ended.
   *
   * @param partition null lets the partitioner choose.
   * @param timestamp milliseconds since 1970.
   * @param headers null for none.
   * @param completion is told how the record has ended; null if nobody wants to know.
   * @throws KafkaError `CLIENT_CLOSED`; `BUFFER_EXHAUSTED` if `hasRoom()` is false; with `transactional.id` also `ILLEGAL_STATE` outside of a transaction, and
   *   `TRANSACTION_FAILED` or `PRODUCER_FENCED` in one that has failed. Then the record was not taken over.
   *   All other failures go to the completion.
   */
  send(
    topic: string,
    partition: number | null,
    timestamp: number,
    key: SerializedData,
    value: SerializedData,
    headers: readonly RecordHeader[] | null,
    completion: SendCompletion | null,
  ): void {
    if (this.#closing !== null) throw closedError('Cannot perform operation after producer has been closed')
    if (this.#metrics.bytesBuffered >= this.#config.bufferBytesMax) {
      this.#metrics.timesExhausted++
      throw bufferExhaustedError(this.#exhausted())
    }
    if (this.#transactions !== null) this.#transactions.checkSend(topic)
    let state = this.#lastTopic
    if (state === null || state.name !== topic) state = this.#topicState(topic)

    const bytes = recordBytes(key, value, headers)
    if (bytes > this.#config.requestBytesMax) return this.#refuse(this.#tooLarge(bytes), completion)
    if (state.waiting.length > 0 || state.queues.length <= (partition ?? 0)) {
      return this.#wait(state, { partition, timestamp, key, value, headers, completion, bytes })
    }
    this.#append(state, partition, timestamp, key, value, headers, completion, bytes)
  }

  /** Whether `send` may be called: whether less than `buffer.memory` is taken. A record may go beyond the limit by its own size. */
  hasRoom(): boolean {
    return this.#metrics.bytesBuffered < this.#config.bufferBytesMax
  }

  /**
   * Resolves when `hasRoom()` is true.
   *
   * @throws KafkaError `REQUEST_TIMED_OUT` after `max.block.ms`; `CLIENT_CLOSED`.
   */
  async room(): Promise<void> {
    if (this.#closing !== null) throw closedError('Cannot perform operation after producer has been closed')
    if (this.hasRoom()) return
    // Nothing is gained by lingering when the memory is full.
    this.#sender.sealAll()
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const { maxBlockMs } = this.#config
    const timer = maxBlockMs > 0x7fff_ffff ? undefined : setTimeout(() => reject(timeoutError(this.#exhausted())), timerMs(maxBlockMs))
    this.#roomWaiters.push({ resolve, reject, timer })
    await this.#timed('room', () => promise)
  }

  /** Sends all batches now and resolves when every record sent before has ended, well or badly: completions tell which. Never rejects. */
  async flush(): Promise<void> {
    await this.#timed('flush', async () => {
      await Promise.all([...this.#topics.values()].map(({ settled }) => settled?.promise))
      await this.#sender.flush()
    })
  }

  /** The partitions of a topic. @throws KafkaError `REQUEST_TIMED_OUT` after `max.block.ms`, `CLIENT_CLOSED`, or what the broker says. */
  async partitionsFor(topic: string): Promise<readonly PartitionMetadata[]> {
    if (this.#closing !== null) throw closedError('Cannot perform operation after producer has been closed')
    const { maxBlockMs } = this.#config
    const deadline = this.#clock.now() + maxBlockMs
    this.#topicState(topic).lastUsedAt = this.#clock.now()
    for (;;) {
      const known = this.#cluster.topic(topic)
      if (known) return known.partitions
      const code = this.#cluster.topicErrorCode(topic)
      if (code !== ErrorCode.NONE && !errorByCode(code).retriable) throw topicError(code, topic)
      const leftMs = deadline - this.#clock.now()
      if (leftMs <= 0) throw timeoutError(notPresent(topic, maxBlockMs))
      await this.#timed('metadata', () => this.#cluster.refresh(leftMs))
    }
  }

  /**
   * Takes over the transactional id: earlier producers with it are fenced, and the transaction that they may have left open is aborted. To be called once,
   * before anything is sent, where `transactional.id` is set.
   *
   * @throws KafkaError `ILLEGAL_STATE`; `REQUEST_TIMED_OUT` after `max.block.ms`, then to be called again, as are the others; or what the broker says.
   */
  async initTransactions(): Promise<void> {
    await this.#timed('init', () => this.#transactional().init())
  }

  /**
   * What is sent from now on belongs to one transaction: those who read with `isolation.level=read_committed` see all of it, after `commitTransaction`, or nothing.
   *
   * @throws KafkaError `ILLEGAL_STATE`; `PRODUCER_FENCED`.
   */
  beginTransaction(): void {
    this.#transactional().begin()
  }

  /**
   * Makes the progress of a consumer group part of the transaction.
   *
   * @param offsets of the next records to read.
   * @param group of the consumer, from `Consumer.groupMetadata`; with only a `groupId`, late members are not recognised.
   * @throws KafkaError `COMMIT_FAILED` if the group has moved on; `PRODUCER_FENCED`; `REQUEST_TIMED_OUT` after `max.block.ms`; others as the broker says. Then the
   *   transaction has to be aborted.
   */
  async sendOffsetsToTransaction(offsets: readonly OffsetCommit[], group: TransactionGroup): Promise<void> {
    await this.#timed('sendOffsets', () => this.#transactional().sendOffsets(offsets, group))
  }

  /**
   * Sends what is left and commits.
   *
   * @throws KafkaError the error of the first record that has failed, then `abortTransaction` has to be called; `PRODUCER_FENCED`, then `close`;
   *   `REQUEST_TIMED_OUT` after `max.block.ms`, then the same call again: the transaction may have been committed.
   */
  async commitTransaction(): Promise<void> {
    await this.#timed('commit', () => this.#transactional().commit())
  }

  /** Drops what is not sent yet, which fails with `TRANSACTION_ABORTED`, and aborts. @throws KafkaError as `commitTransaction`. */
  async abortTransaction(): Promise<void> {
    const transactions = this.#transactional()
    const aborted = transactions.abort()
    if (transactions.refusal !== null) for (const state of this.#topics.values()) this.#failWaiting(state, transactions.refusal)
    await this.#timed('abort', () => aborted)
  }

  /** All metrics by the names that they have in Java, as they are now. */
  readMetrics(): readonly ClientMetric[] {
    return this.#config.metrics.list(this.#clock.now())
  }

  /**
   * Sends what is left, aborts a transaction that is open, then ends all connections. A second call waits for the first.
   *
   * @param options how long sending may take, milliseconds; default until everything has ended, which `delivery.timeout.ms` bounds, and `max.block.ms` the end
   *   of a transaction. What is not acknowledged by then fails with `CLIENT_CLOSED`; 0 is at once.
   */
  close({ timeoutMs = Infinity }: { readonly timeoutMs?: number } = {}): Promise<void> {
    this.#closing ??= this.#close(timeoutMs)
    return this.#closing
  }

  #timed<T>(call: TimedProducerCall, action: () => Promise<T>): Promise<T> {
    return this.#metrics.timed(call, () => this.#clock.now(), action)
  }

  async #close(timeoutMs: number): Promise<void> {
    if (timeoutMs > 0) {
      const { promise: late, resolve } = Promise.withResolvers<void>()
      const timer = timeoutMs === Infinity ? undefined : setTimeout(resolve, timerMs(timeoutMs))
      await Promise.race([this.#finish(), late])
      clearTimeout(timer)
    }
    const error = closedError('Producer is closed forcefully.')
    for (const state of this.#topics.values()) this.#failWaiting(state, error)
    this.#sender.abort(error)
    for (const { reject, timer } of this.#roomWaiters.splice(0)) {
      clearTimeout(timer)
      reject(error)
    }
    await this.#cluster.close()
  }

  /** Never rejects. */
  async #finish(): Promise<void> {
    await this.flush()
    await this.#transactions?.settled()
    if (!this.#transactions?.isOpen) return
    await this.abortTransaction().catch((error) => this.#logger.warn('The transaction that was open could not be aborted; the broker does it in time.', error))
  }

  #newTransactions(transactionalId: string): Transactions {
    const { transactionTimeoutMs, maxBlockMs } = this.#config
    return new Transactions({
      transactionalId,
      maxBlockMs,
      requests: new TransactionRequests({ cluster: this.#cluster, transactionalId, transactionTimeoutMs }),
      flush: () => this.flush(),
      changed: () => this.#sender.plan(),
    })
  }

  #transactional(): Transactions {
    if (this.#transactions === null) {
      throw illegalStateError('Cannot use transactional methods without enabling transactions by setting the transactional.id configuration property')
    }
    return this.#transactions
  }

  #append(
    state: TopicState,
    partition: number | null,
    timestamp: number,
    key: SerializedData,
    value: SerializedData,
    headers: readonly RecordHeader[] | null,
    completion: SendCompletion | null,
    bytes: number,
  ): void {
    const queue = state.queues[partition ?? state.partitioner.choose(key, this.#sentBytes(state, bytes), state.queues)]!
    let batch = queue.open
    let isBusy = false
    if (batch !== null && this.#isFull(state, batch.builder.sizeInBytes + bytes)) {
      queue.closeOpen()
      this.#sender.plan()
      batch = null
      isBusy = true
    }
    batch ??= this.#open(state, queue, isBusy)
    this.#metrics.bytesBuffered += batch.append(timestamp, key, value, headers, completion)
  }

  #isFull(state: TopicState, bytes: number): boolean {
    const { batchBytesMax, requestBytesMax } = this.#config
    // In memory, a batch that compresses very well stays as small as a request.
    return bytes > batchBytesMax && (bytes > requestBytesMax || this.#sentBytes(state, bytes) > batchBytesMax)
  }

  /** What so many bytes take on the wire, by estimate. */
  #sentBytes({ ratio }: TopicState, bytes: number): number {
    return this.#config.compression === 'none' ? bytes : ratio.compressed(bytes)
  }

  #open(state: TopicState, queue: PartitionQueue, isBusy: boolean): ProducerBatch {
    const now = this.#clock.now()
    state.lastUsedAt = now
    const { topic, partition } = queue
    const batch = new ProducerBatch({ topic, partition, order: this.#batchOrder++, createdAt: now }, this.#sender.newMemory(isBusy))
    queue.open = batch
    this.#sender.opened(queue, now)
    return batch
  }

  /** Whether records may be sent to the partition: it has a leader, and its batches do not wait for too long (`partitioner.availability.timeout.ms`). */
  #isAvailable(queue: PartitionQueue): boolean {
    const { isAdaptive, availabilityTimeoutMs, lingerMs } = this.#config
    if (this.#cluster.leader(queue.topic, queue.partition) === null) return false
    return !isAdaptive || availabilityTimeoutMs === 0 || queue.waitedMs(this.#clock.now(), lingerMs) <= availabilityTimeoutMs
  }

  #topicState(name: string): TopicState {
    let state = this.#topics.get(name)
    if (!state) {
      const { partitioner: kind, isKeyIgnored, isAdaptive, batchBytesMax } = this.#config
      const partitioner = new Partitioner({ kind, isKeyIgnored, isAdaptive, batchBytesMax, isAvailable: (queue) => this.#isAvailable(queue) })
      state = { name, partitioner, ratio: new CompressionRatio(), queues: [], waiting: [], timer: undefined, settled: null, lastUsedAt: this.#clock.now() }
      this.#topics.set(name, state)
    }
    this.#lastTopic = state
    return state
  }

  #wait(state: TopicState, record: WaitingRecord): void {
    if (state.waiting.length === 0) {
      const { maxBlockMs } = this.#config
      state.settled = Promise.withResolvers()
      state.timer = setTimeout(() => this.#failWaiting(state, timeoutError(this.#unknown(state))), timerMs(maxBlockMs))
      state.lastUsedAt = this.#clock.now()
      this.#cluster.requestRefresh()
    }
    state.waiting.push(record)
    this.#metrics.bytesBuffered += record.bytes
  }

  #unknown({ name, queues, waiting }: TopicState): string {
    const { maxBlockMs } = this.#config
    if (queues.length === 0) return notPresent(name, maxBlockMs)
    return `Partition ${waiting[0]?.partition} of topic ${name} with partition count ${queues.length} is not present in metadata after ${maxBlockMs} ms.`
  }

  #metadataUpdated(): void {
    for (const state of this.#topics.values()) {
      const count = this.#cluster.topic(state.name)?.partitions.length ?? 0
      for (let partition = state.queues.length; partition < count; partition++) state.queues.push(new PartitionQueue(state.name, partition, state.ratio))
      if (state.waiting.length > 0) this.#retryWaiting(state)
    }
    this.#sender.plan()
  }

  #retryWaiting(state: TopicState): void {
    const code = this.#cluster.topicErrorCode(state.name)
    if (state.queues.length === 0) {
      if (code !== ErrorCode.NONE && !errorByCode(code).retriable) this.#failWaiting(state, topicError(code, state.name))
      else this.#cluster.requestRefresh()
      return
    }
    const blocked = state.waiting.findIndex(({ partition }) => (partition ?? 0) >= state.queues.length)
    const ready = blocked < 0 ? state.waiting : state.waiting.slice(0, blocked)
    state.waiting = blocked < 0 ? [] : state.waiting.slice(blocked)
    for (const { partition, timestamp, key, value, headers, completion, bytes } of ready) {
      this.#metrics.bytesBuffered -= bytes
      this.#append(state, partition, timestamp, key, value, headers, completion, bytes)
    }
    if (blocked < 0) this.#settleWaiting(state)
    else this.#cluster.requestRefresh()
  }

  #failWaiting(state: TopicState, error: KafkaError): void {
    const { waiting } = state
    state.waiting = []
    for (const { bytes, completion } of waiting) {
      this.#metrics.bytesBuffered -= bytes
      this.#failed(error, completion)
    }
    this.#settleWaiting(state)
    this.#released()
  }

  #settleWaiting(state: TopicState): void {
    clearTimeout(state.timer)
    state.settled?.resolve()
    state.settled = null
  }

  /** Completions are never called inside `send`: its caller may not have noted the record yet. */
  #refuse(error: KafkaError, completion: SendCompletion | null): void {
    this.#transactions?.recordFailed(error, false)
    queueMicrotask(() => this.#failed(error, completion))
  }

  #failed(error: KafkaError, completion: SendCompletion | null): void {
    this.#transactions?.recordFailed(error, false)
    this.#metrics.recordsFailed++
    try {
      completion?.failed(error)
    } catch (failure) {
      this.#logger.error('The completion of a record failed.', failure)
    }
  }

  #released(): void {
    if (this.#roomWaiters.length === 0 || !this.hasRoom()) return
    for (const { resolve, timer } of this.#roomWaiters.splice(0)) {
      clearTimeout(timer)
      resolve()
    }
  }

  #topicsInUse(): readonly string[] {
    const now = this.#clock.now()
    for (const [name, { lastUsedAt, waiting, queues }] of this.#topics) {
      // Sequence numbers of a transactional producer go on for as long as its epoch lasts.
      if (this.#transactions !== null) continue
      const isIdle = waiting.length === 0 && now - lastUsedAt > this.#config.metadataIdleMaxMs && queues.every((queue) => queue.isEmpty)
      if (!isIdle) continue
      this.#topics.delete(name)
      if (this.#lastTopic?.name === name) this.#lastTopic = null
    }
    return [...this.#topics.keys()]
  }

  #tooLarge(bytes: number): KafkaError {
    return recordTooLargeError(
      `The message is ${bytes} bytes when serialized which is larger than ${this.#config.requestBytesMax}, which is the value of the max.request.size configuration.`,
    )
  }

  #exhausted(): string {
    const { bufferBytesMax, maxBlockMs } = this.#config
    return `Failed to allocate memory within the configured max blocking time ${maxBlockMs} ms. Total memory: ${bufferBytesMax} bytes, taken: ${this.#metrics.bytesBuffered} bytes.`
  }
}

/** The size of a batch with only this record; a text that is not long is taken as ASCII. */
function recordBytes(key: SerializedData, value: SerializedData, headers: readonly RecordHeader[] | null): number {
  let bytes = BATCH_HEADER_BYTES + RECORD_OVERHEAD_BYTES + dataBytes(key) + dataBytes(value)
  if (headers !== null) for (const header of headers) bytes += 2 + dataBytes(header.key) + dataBytes(header.value)
  return bytes
}

/** Texts up to this length are not measured: they cannot fill a request even if each unit takes three bytes. */
const TEXT_LENGTH_UNMEASURED_MAX = 16 * 1024

function dataBytes(data: SerializedData): number {
  if (data === null) return 0
  if (typeof data === 'string' && data.length > TEXT_LENGTH_UNMEASURED_MAX) return Buffer.byteLength(data)
  return data.length
}

function notPresent(topic: string, maxBlockMs: number): string {
  return `Topic ${topic} not present in metadata after ${maxBlockMs} ms.`
}
