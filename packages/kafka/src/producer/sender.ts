import {
  decodeResponse,
  ErrorCode,
  encodeProduceRequest,
  errorByCode,
  type KafkaError,
  kafkaError,
  type ProduceTopic,
  RecordBatchBuilder,
  type ResponseBody,
} from '@millrace/kafka-protocol'
import { Backoff } from '../backoff.ts'
import type { BrokerNode } from '../broker-node.ts'
import { type Clock, timerMs } from '../clock.ts'
import type { Cluster } from '../cluster.ts'
import { type Compression, compressionOf, crc32c } from '../compression.ts'
import type { ProducerConfig } from '../config/producer-config.ts'
import type { Connection } from '../connection.ts'
import { asKafkaError, timeoutError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import { BatchMemory } from './batch-memory.ts'
import type { FlushWaiter } from './flush-waiter.ts'
import type { PartitionQueue, ProducerIdentity } from './partition-queue.ts'
import type { ProducerBatch } from './producer-batch.ts'
import type { ProducerRecorder } from './producer-metrics.ts'
import type { Transactions } from './transactions.ts'

export interface SenderOptions {
  readonly config: ProducerConfig
  readonly cluster: Cluster
  readonly logger: Logger
  readonly clock: Clock
  readonly metrics: ProducerRecorder
  /** Null for a producer without them. */
  readonly transactions: Transactions | null
  /** Called when bytes of `buffer.memory` have become free. Must not throw. */
  released(): void
}

/** A batch in flight and the queue that it came from. */
interface Flight {
  readonly queue: PartitionQueue
  readonly batch: ProducerBatch
}

type Result = Pick<
  ResponseBody<'Produce'>['responses'][number]['partitionResponses'][number],
  'errorCode' | 'errorMessage' | 'baseOffset' | 'logAppendTimeMs' | 'currentLeader'
>

const LEFT_OUT: Result = {
  errorCode: ErrorCode.UNKNOWN_SERVER_ERROR,
  errorMessage: 'The answer leaves the partition out.',
  baseOffset: -1,
  logAppendTimeMs: -1,
  currentLeader: { leaderId: -1, leaderEpoch: -1 },
}

/** A producer that has had nothing to do for a while keeps the memory of this many batches; a busy one all that `buffer.memory` has room for. */
const MEMORIES_KEPT_IDLE = 8
const IDLE_MS = 10_000
/** Builders want more room for a text than it mostly takes. */
const BUILDER_BYTES_SPARE = 4096
const BUILDER_BYTES_KEPT_MAX = 1 << 20

/**
 * Sends batches to the leaders of their partitions and decides what their answers mean.
 *
 * Events (a full batch, an answer, new metadata, a timer) only ask for a round; one round per turn of the event loop looks at all queues that have
 * something to do and sends each broker what is due, up to `max.in.flight.requests.per.connection` requests with at most one batch per partition.
 */
export class Sender {
  readonly #options: SenderOptions
  readonly #config: ProducerConfig
  readonly #compression: Compression | undefined
  readonly #backoff: Backoff
  readonly #active = new Set<PartitionQueue>()
  readonly #inFlight = new Map<BrokerNode, number>()
  readonly #connecting = new Set<BrokerNode>()
  readonly #memories: BatchMemory[] = []
  #memoryBytes = 0
  #identity: ProducerIdentity | null = null
  #isIdentifying = false
  #isIdempotent: boolean
  #inFlightMax: number
  #fatal: KafkaError | null = null
  #isRoundPlanned = false
  #isClosed = false
  #timer: NodeJS.Timeout | undefined
  #timerAt = Infinity
  #trimTimer: NodeJS.Timeout | undefined

  constructor(options: SenderOptions) {
    this.#options = options
    this.#config = options.config
    this.#isIdempotent = options.config.isIdempotent
    this.#inFlightMax = options.config.inFlightMax
    const { compression, gzipLevel, zstdLevel, retryBackoffMs, retryBackoffMaxMs } = options.config
    this.#compression = compressionOf(compression, { gzip: gzipLevel, zstd: zstdLevel })
    this.#backoff = new Backoff({ initialMs: retryBackoffMs, maxMs: retryBackoffMaxMs })
  }

  /**
   * Memory for a new batch, possibly used before.
   *
   * @param isFull whether the batch is likely to become full: then it gets its memory at once instead of growing into twice as much.
   */
  newMemory(isFull: boolean): BatchMemory {
    const used = this.#memories.pop()
    if (used) {
      this.#memoryBytes -= used.builder.buffer.length
      return used
    }
    if (!isFull) return new BatchMemory(new RecordBatchBuilder(crc32c))
    return new BatchMemory(new RecordBatchBuilder(crc32c, Buffer.allocUnsafeSlow(this.#config.batchBytesMax + BUILDER_BYTES_SPARE)))
  }

  /** The queue has a batch that is open since now. */
  opened(queue: PartitionQueue, now: number): void {
    this.#active.add(queue)
    if (this.#config.lingerMs === 0) this.plan()
    else this.#wakeAt(now + this.#config.lingerMs, now)
  }

  /** Asks for a round in this turn of the event loop, or the next one. */
  plan(): void {
    if (this.#isRoundPlanned || this.#isClosed) return
    this.#isRoundPlanned = true
    setImmediate(this.#round)
  }

  /** Makes all open batches due, without waiting for `linger.ms`. */
  sealAll(): void {
    for (const queue of this.#active) queue.closeOpen()
    this.plan()
  }

  /** Resolves when all batches that there are now have ended. */
  async flush(): Promise<void> {
    this.sealAll()
    const { promise, resolve } = Promise.withResolvers<void>()
    const waiter: FlushWaiter = { batches: 0, done: resolve }
    for (const { retries, sealed, inFlight } of this.#active) {
      for (const batch of [...retries, ...sealed, ...inFlight]) {
        waiter.batches++
        ;(batch.flushWaiters ??= []).push(waiter)
      }
    }
    if (waiter.batches > 0) await promise
  }

  /** Ends at once: all batches fail with the error, and nothing is sent any more. */
  abort(error: KafkaError): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
    clearTimeout(this.#trimTimer)
    this.#failAll(error)
  }

  readonly #round = (): void => {
    this.#isRoundPlanned = false
    if (this.#isClosed || this.#active.size === 0) return
    if (this.#fatal) return this.#failAll(this.#fatal)
    const now = this.#options.clock.now()
    if (this.#options.transactions !== null) this.#follow(this.#options.transactions)
    this.#expire(now)
    if (this.#isIdempotent && (this.#identity === null || this.#needsIdentity())) this.#identify()
    else for (const [node, queues] of this.#dueByLeader(now)) this.#sendDue(node, queues, now)
    this.#planNext(now)
  }

  /** A transaction that has failed or is aborted drops what was never sent; what was is sent to its end, so that no sequence number is left out. */
  #follow(transactions: Transactions): void {
    this.#identity = transactions.identity
    const { refusal, isFatal } = transactions
    if (refusal === null) return
    for (const queue of [...this.#active]) {
      for (const batch of queue.removeWaiting(({ stamp }) => isFatal || stamp === null)) this.#failBatch(queue, batch, refusal)
    }
  }

  #needsIdentity(): boolean {
    for (const queue of this.#active) if (queue.isExhausted) return true
    return false
  }

  #dueByLeader(now: number): Map<BrokerNode, PartitionQueue[]> {
    const { transactions } = this.#options
    const due = new Map<BrokerNode, PartitionQueue[]>()
    for (const queue of this.#active) {
      if (queue.open !== null && now - queue.open.createdAt >= this.#config.lingerMs) queue.closeOpen()
      if (queue.next(now) === null || transactions?.admits(queue) === false) continue
      const leader = this.#options.cluster.leader(queue.topic, queue.partition)
      if (leader === null) {
        this.#options.cluster.requestRefresh()
        continue
      }
      const queues = due.get(leader)
      if (queues) queues.push(queue)
      else due.set(leader, [queue])
    }
    return due
  }

  #sendDue(node: BrokerNode, queues: readonly PartitionQueue[], now: number): void {
    const connection = node.ready('data')
    if (connection === null) return this.#connect(node, now)
    while ((this.#inFlight.get(node) ?? 0) < this.#inFlightMax) {
      const flights = this.#takeDue(queues, now)
      if (flights.length === 0) return
      this.#inFlight.set(node, (this.#inFlight.get(node) ?? 0) + 1)
      this.#send(node, connection, flights)
    }
  }

  #takeDue(queues: readonly PartitionQueue[], now: number): Flight[] {
    const flights: Flight[] = []
    let bytes = 0
    for (const queue of queues) {
      const next = queue.next(now)
      if (next === null) continue
      if (flights.length > 0 && bytes + next.builder.sizeInBytes > this.#config.requestBytesMax) continue
      bytes += next.builder.sizeInBytes
      flights.push({ queue, batch: queue.take(this.#identity, this.#compression) })
      // To the end of the line, so that none is left out for ever where requests are full.
      this.#active.delete(queue)
      this.#active.add(queue)
    }
    return flights
  }

  #connect(node: BrokerNode, now: number): void {
    if (this.#connecting.has(node)) return
    const pauseMs = node.pauseMs('data')
    if (pauseMs > 0) return this.#wakeAt(now + pauseMs, now)
    this.#connecting.add(node)
    const done = (error: unknown) => {
      this.#connecting.delete(node)
      if (error !== null) {
        this.#options.logger.debug(`The leader at ${node.address.host}:${node.address.port} cannot be reached.`, error)
        this.#options.cluster.requestRefresh()
      }
      this.plan()
    }
    node.connection('data').then(() => done(null), done)
  }

  #send(node: BrokerNode, connection: Connection, flights: readonly Flight[]): void {
    const { acks, requestTimeoutMs, clientId, transactionalId } = this.#config
    const { metrics } = this.#options
    const begun = this.#options.clock.now()
    metrics.sending(
      flights.map(({ batch }) => batch),
      begun,
    )
    const ended = () => metrics.ended(this.#options.clock.now() - begun)
    const failed = (error: Error) => {
      ended()
      this.#requestFailed(node, flights, asKafkaError(error))
    }
    const written = () => {
      ended()
      this.#written(node, flights)
    }
    try {
      const version = connection.version('Produce')
      const topics = topicsOf(flights)
      const encode = (correlationId: number) =>
        encodeProduceRequest({ version, correlationId, clientId, transactionalId, acks, timeoutMs: requestTimeoutMs, topics })
      if (acks === 0) return connection.post(encode, (error) => (error ? failed(error) : written()))
      const answered = (frame: Buffer) => {
        let answer: ResponseBody<'Produce'>
        try {
          answer = decodeResponse('Produce', version, frame).body
          connection.throttle(answer.throttleTimeMs)
          metrics.throttleMs.record(answer.throttleTimeMs)
        } catch (error) {
          return failed(asKafkaError(error))
        }
        ended()
        this.#answered(node, flights, answer)
      }
      connection.exchange('Produce', requestTimeoutMs, { answered, failed }, encode)
    } catch (error) {
      failed(asKafkaError(error))
    }
  }

  #written(node: BrokerNode, flights: readonly Flight[]): void {
    if (!this.#landed(node)) return
    for (const flight of flights) this.#acknowledge(flight, -1, -1)
  }

  #answered(node: BrokerNode, flights: readonly Flight[], answer: ResponseBody<'Produce'>): void {
    if (!this.#landed(node)) return
    const results = new Map<string, Result>()
    for (const { name, partitionResponses } of answer.responses) {
      for (const result of partitionResponses) results.set(`${name}-${result.index}`, result)
    }
    for (const flight of flights) {
      const result = results.get(`${flight.queue.topic}-${flight.queue.partition}`) ?? LEFT_OUT
      // Told who leads now (KIP-951), the batch need not wait for metadata.
      const isLeaderKnown = this.#options.cluster.learnLeader(flight.queue, result.currentLeader, answer.nodeEndpoints)
      this.#settle(flight, result, isLeaderKnown)
    }
  }

  /** No answer came: whether the batches were appended is not known. */
  #requestFailed(node: BrokerNode, flights: readonly Flight[], error: KafkaError): void {
    if (!this.#landed(node)) return
    this.#options.metrics.requestsFailed++
    this.#options.cluster.requestRefresh()
    for (const flight of flights) this.#retryOrFail(flight, error)
  }

  /** False after `abort`, which has already ended all batches. */
  #landed(node: BrokerNode): boolean {
    this.#inFlight.set(node, (this.#inFlight.get(node) ?? 1) - 1)
    this.plan()
    return !this.#isClosed
  }

  #settle(flight: Flight, { errorCode, errorMessage, baseOffset, logAppendTimeMs }: Result, isLeaderKnown: boolean): void {
    if (errorCode === ErrorCode.NONE) return this.#acknowledge(flight, baseOffset, logAppendTimeMs)
    // The broker has the batch from an earlier try, but no longer knows where.
    if (errorCode === ErrorCode.DUPLICATE_SEQUENCE_NUMBER) return this.#acknowledge(flight, -1, -1)
    if (errorCode === ErrorCode.MESSAGE_TOO_LARGE && flight.batch.recordCount > 1) return this.#split(flight)

    const { topic, partition } = flight.queue
    const error = kafkaError(errorCode, `Sending to ${topic}-${partition}${errorMessage ? ` (${errorMessage})` : ''}`)
    if (errorByCode(errorCode).refreshMetadata) this.#options.cluster.requestRefresh()
    if (this.#isIdempotent && isSequenceProblem(errorCode)) return this.#retryOutOfSequence(flight, error)
    this.#retryOrFail(flight, error, isLeaderKnown)
  }

  #acknowledge({ queue, batch }: Flight, baseOffset: number, logAppendTimeMs: number): void {
    queue.acknowledge(batch)
    this.#options.metrics.recordsAcknowledged += batch.recordCount
    const count = batch.recordCount
    batch.acknowledge(baseOffset, logAppendTimeMs, this.#options.logger)
    this.#ended(queue, batch)
    if (this.#options.logger.isDebugEnabled)
      this.#options.logger.debug(`${count} records are in ${queue.topic}-${queue.partition} from offset ${baseOffset} on.`)
  }

  #retryOrFail(flight: Flight, error: KafkaError, isLeaderKnown = false): void {
    flight.batch.lastError = error
    const reason = error.retriable ? this.#reasonToGiveUp(flight.batch, error) : error
    if (reason) this.#fail(flight, reason)
    else flight.queue.retry(flight.batch, isLeaderKnown ? 0 : this.#retryAt(flight.batch))
  }

  #retryOutOfSequence(flight: Flight, error: KafkaError): void {
    flight.batch.lastError = error
    // Numbers can begin anew only with another transaction.
    const isFinal = this.#options.transactions !== null && flight.queue.isFirst(flight.batch)
    const reason = isFinal ? error : this.#reasonToGiveUp(flight.batch, error)
    if (reason) this.#fail(flight, reason)
    else flight.queue.retryOutOfSequence(flight.batch, this.#retryAt(flight.batch))
  }

  /** With which error a batch ends that could be sent again; null if it may be. */
  #reasonToGiveUp(batch: ProducerBatch, error: KafkaError): KafkaError | null {
    const now = this.#options.clock.now()
    if (now - batch.createdAt >= this.#config.deliveryTimeoutMs) return expiredError(batch, now)
    return batch.attempts > this.#config.retriesMax ? error : null
  }

  #retryAt({ attempts }: ProducerBatch): number {
    return this.#options.clock.now() + this.#backoff.delayMs(attempts)
  }

  #split({ queue, batch }: Flight): void {
    const { metrics, logger } = this.#options
    logger.warn(`The broker takes no batch as large as the one of ${batch.recordCount} records for ${queue.topic}-${queue.partition}; it is split.`)
    metrics.batchesSplit++
    const parts = queue.split(batch, () => this.newMemory(false))
    metrics.bytesBuffered += parts.reduce((sum, { bytesAccounted }) => sum + bytesAccounted, 0) - batch.bytesAccounted
    this.#keep(batch.memory)
  }

  #fail({ queue, batch }: Flight, error: KafkaError): void {
    queue.land(batch)
    this.#failBatch(queue, batch, error)
  }

  #failBatch(queue: PartitionQueue, batch: ProducerBatch, error: KafkaError): void {
    this.#options.metrics.failed(batch.topic, batch.recordCount)
    this.#options.transactions?.recordFailed(error, batch.attempts > 0)
    batch.fail(error, this.#options.logger)
    this.#ended(queue, batch)
  }

  #ended(queue: PartitionQueue, batch: ProducerBatch): void {
    this.#options.metrics.bytesBuffered -= batch.bytesAccounted
    this.#keep(batch.memory)
    if (queue.isEmpty) this.#active.delete(queue)
    if (this.#active.size === 0 && this.#memories.length > MEMORIES_KEPT_IDLE) this.#planTrim()
    this.#options.released()
  }

  #keep(memory: BatchMemory): void {
    const { length } = memory.builder.buffer
    if (this.#memoryBytes + length > this.#config.bufferBytesMax || length > BUILDER_BYTES_KEPT_MAX) return
    memory.reset()
    this.#memories.push(memory)
    this.#memoryBytes += length
  }

  #planTrim(): void {
    if (this.#isClosed) return
    clearTimeout(this.#trimTimer)
    this.#trimTimer = setTimeout(() => {
      if (this.#active.size > 0) return
      for (const { builder } of this.#memories.splice(MEMORIES_KEPT_IDLE)) this.#memoryBytes -= builder.buffer.length
    }, IDLE_MS)
    this.#trimTimer.unref()
  }

  #failAll(error: KafkaError): void {
    for (const queue of [...this.#active]) {
      const batches = [...queue.inFlight, ...queue.removeWaiting(() => true)]
      queue.inFlight.length = 0
      for (const batch of batches.sort((a, b) => a.order - b.order)) this.#failBatch(queue, batch, error)
    }
  }

  #expire(now: number): void {
    const { deliveryTimeoutMs } = this.#config
    for (const queue of [...this.#active]) {
      const oldest = oldestWaiting(queue)
      if (oldest === null || now - oldest.createdAt < deliveryTimeoutMs) continue
      for (const batch of queue.removeWaiting(({ createdAt }) => now - createdAt >= deliveryTimeoutMs)) {
        this.#failBatch(queue, batch, expiredError(batch, now))
      }
    }
  }

  /** A timer for what becomes due without any other event: lingering batches, retries after their pause, batches that expire. */
  #planNext(now: number): void {
    const { lingerMs, deliveryTimeoutMs } = this.#config
    let next = Infinity
    for (const queue of this.#active) {
      const { open, retries, inFlight, retryAt } = queue
      if (open !== null) next = Math.min(next, open.createdAt + lingerMs)
      if (retries.length > 0 && inFlight.length === 0 && retryAt > now) next = Math.min(next, retryAt)
      const oldest = oldestWaiting(queue)
      if (oldest !== null) next = Math.min(next, oldest.createdAt + deliveryTimeoutMs)
    }
    if (next !== Infinity) this.#wakeAt(next, now)
  }

  #wakeAt(time: number, now: number): void {
    if (time >= this.#timerAt || this.#isClosed) return
    clearTimeout(this.#timer)
    this.#timerAt = time
    this.#timer = setTimeout(this.#timerFired, timerMs(time - now))
  }

  readonly #timerFired = (): void => {
    this.#timerAt = Infinity
    this.plan()
  }

  #identify(): void {
    if (this.#isIdentifying) return
    this.#isIdentifying = true
    this.#fetchIdentity().then(
      (identity) => {
        this.#identity = identity
        this.#isIdentifying = false
        this.plan()
      },
      (error) => {
        this.#isIdentifying = false
        this.#refusedIdentity(asKafkaError(error))
        this.plan()
      },
    )
  }

  /** @throws KafkaError that is not retriable. */
  async #fetchIdentity(): Promise<ProducerIdentity> {
    const { cluster } = this.#options
    for (let failures = 1; ; failures++) {
      try {
        const body = { transactionalId: null, transactionTimeoutMs: 0x7fff_ffff }
        const { errorCode, producerId, producerEpoch } = await cluster.requestAny('InitProducerId', body)
        if (errorCode === ErrorCode.NONE) return { producerId, producerEpoch }
        throw kafkaError(errorCode, 'Asking for a producer id')
      } catch (error) {
        if (!asKafkaError(error).retriable) throw error
        await cluster.pause(failures)
      }
    }
  }

  #refusedIdentity(error: KafkaError): void {
    if (this.#isClosed) return
    const isRefusal = error.errorCode === ErrorCode.CLUSTER_AUTHORIZATION_FAILED || error.errorCode === ErrorCode.UNSUPPORTED_VERSION
    if (!isRefusal || this.#config.isIdempotenceExplicit) {
      this.#fatal = error
      return
    }
    this.#options.logger.warn(`The broker refuses an idempotent producer; continuing with enable.idempotence=false and one request in flight. ${error.message}`)
    this.#isIdempotent = false
    this.#inFlightMax = 1
  }
}

function expiredError({ recordCount, topic, partition, createdAt, lastError }: ProducerBatch, now: number): KafkaError {
  const passedMs = Math.round(now - createdAt)
  return timeoutError(`Expiring ${recordCount} record(s) for ${topic}-${partition}:${passedMs} ms has passed since batch creation`, lastError ?? undefined)
}

function oldestWaiting({ retries, sealed, open }: PartitionQueue): ProducerBatch | null {
  return retries[0] ?? sealed[0] ?? open
}

function isSequenceProblem(errorCode: number): boolean {
  return errorCode === ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER || errorCode === ErrorCode.UNKNOWN_PRODUCER_ID || errorCode === ErrorCode.INVALID_PRODUCER_EPOCH
}

function topicsOf(flights: readonly Flight[]): ProduceTopic[] {
  const topics = new Map<string, { index: number; records: readonly Uint8Array[] }[]>()
  for (const { queue, batch } of flights) {
    const partitions = topics.get(queue.topic) ?? []
    partitions.push({ index: queue.partition, records: [batch.bytes!] })
    topics.set(queue.topic, partitions)
  }
  return [...topics].map(([name, partitions]) => ({ name, partitions }))
}
