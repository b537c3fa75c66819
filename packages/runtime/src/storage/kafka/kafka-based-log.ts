import { setTimeout as delay } from 'node:timers/promises'
import { ConnectError, type Logger, type Properties } from '@millrace/api'
import { type Admin, Consumer, isKafkaError, type KafkaError, OffsetAt, Producer, type SendCompletion } from '@millrace/kafka'
import { workerClientProperties } from './client-properties.ts'
import { ensureInternalTopic, type InternalTopic } from './internal-topics.ts'

/** A record of the log. The bytes are views of what was fetched: who keeps them for long copies them. */
export interface LogRecord {
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly partition: number
  readonly offset: number
}

export interface LogEntry {
  readonly key: string | Buffer
  /** Null for a tombstone. */
  readonly value: string | Buffer | null
}

/** Where an entry was written. */
export interface LogPosition {
  readonly partition: number
  /** -1 where the broker did not tell. */
  readonly offset: number
}

/** Settings of the clients, complete but for what the log itself sets. */
export interface LogClients {
  readonly producer: Properties
  readonly consumer: Properties
  /** How long the creation of the topic is tried again, and how often. Milliseconds. */
  readonly apiTimeoutMs: number
  readonly retryBackoffMs: number
}

/** What the worker's own settings, without a prefix, make of the clients. */
export function workerLogClients(properties: Properties, bootstrapServers: string, clientId: string): LogClients {
  const own = { 'bootstrap.servers': bootstrapServers, 'client.id': clientId }
  return {
    producer: workerClientProperties('producer', properties, own),
    consumer: workerClientProperties('consumer', properties, own),
    apiTimeoutMs: Number(properties['default.api.timeout.ms'] ?? 60_000),
    retryBackoffMs: Number(properties['retry.backoff.ms'] ?? 100),
  }
}

export interface KafkaBasedLogOptions {
  readonly topic: InternalTopic
  readonly clients: LogClients
  /** Shared; closed by whoever made it. */
  readonly admin: Admin
  /** Called for each record, in the order of its partition. What it throws is logged. */
  readonly read: (record: LogRecord) => void
  readonly logger: Logger
}

/** How long a fetch waits at the broker for something new, where requests may take that long. Milliseconds. */
const FETCH_WAIT_MS_MAX = 10_000
const FETCH_BYTES_MAX = String(4 * 1024 * 1024)
/** A poll that waits is woken where there is something else to do. Milliseconds. */
const POLL_TIMEOUT_MS = 60_000
/** While the end is not reached, something may lie before it that is no record, such as the end of a transaction. Milliseconds. */
const POLL_TO_END_TIMEOUT_MS = 100
const METADATA_TIMEOUT_MS = 30_000
const START_TIMEOUT_MS = 15 * 60_000
const RETRY_DELAY_MS = 100
const RETRY_DELAY_MS_MAX = 10_000
const CLOSE_TIMEOUT_MS = 5_000

/**
 * A compacted topic that holds the state of a cluster of workers (`org.apache.kafka.connect.util.KafkaBasedLog`): read as a whole at start, then followed,
 * without a consumer group. Writes are acknowledged by all replicas, in order.
 *
 * Everything happens on the main thread; what is read is handed out a poll at a time (`max.poll.records`), with turns of the event loop in between.
 */
export class KafkaBasedLog {
  readonly #topic: InternalTopic
  readonly #options: KafkaBasedLogOptions
  readonly #logger: Logger
  readonly #consumer: Consumer
  readonly #producer: Producer
  readonly #stopped = new AbortController()
  #partitions: readonly { readonly topic: string; readonly partition: number }[] = []
  /** Whoever wants everything that is in the topic now to be read. One for all who ask until the reader comes round to it. */
  #wanted: PromiseWithResolvers<void> | null = null
  /** Entries of our own that have been written and not read back. */
  #unread: { readonly position: LogPosition; readonly resolve: () => void; readonly reject: (error: Error) => void }[] = []
  #running: Promise<void> | null = null

  /** Connects to nothing yet. @throws KafkaError where a setting of a client is wrong. */
  constructor(options: KafkaBasedLogOptions) {
    const { topic, clients, logger } = options
    this.#topic = topic
    this.#options = options
    this.#logger = logger
    const waiting = { 'fetch.max.wait.ms': String(fetchWaitMs(clients.consumer)), 'fetch.max.bytes': FETCH_BYTES_MAX }
    const reading = { ...waiting, ...clients.consumer, 'auto.offset.reset': 'earliest', 'enable.auto.commit': 'false' }
    this.#consumer = new Consumer(reading, { logger })
    // As in the original, so that brokers and their rights ask for nothing more than of a Java worker.
    const inOrder = { acks: 'all', 'max.in.flight.requests.per.connection': '1', 'enable.idempotence': 'false', 'delivery.timeout.ms': '2147483647' }
    this.#producer = new Producer({ 'linger.ms': '0', ...clients.producer, ...inOrder }, { logger })
  }

  /** Of the topic; known after `start`. */
  get partitionCount(): number {
    return this.#partitions.length
  }

  /** Creates or checks the topic, reads all of it, then follows it. Called once. @throws ConfigError, ConnectError with how to mend it. */
  async start(): Promise<void> {
    const { admin, clients } = this.#options
    const limits = { timeoutMs: clients.apiTimeoutMs, backoffMs: clients.retryBackoffMs, signal: this.#stopped.signal }
    await ensureInternalTopic(admin, this.#topic, limits, this.#logger)
    this.#partitions = await this.#lookUpPartitions()
    this.#consumer.assign(this.#partitions)
    await this.#readAll()
    this.#running = this.#follow()
    this.#logger.info(`Read topic ${this.#topic.name} (${this.#topic.property})`)
  }

  /** Ends the clients; what is being written has a few seconds. Called once, also after a failed `start`. */
  async stop(): Promise<void> {
    this.#stopped.abort()
    this.#consumer.wakeup()
    await this.#running
    const error = new ConnectError(`Topic ${this.#topic.name} is not read any more: the worker stops`)
    this.#wanted?.reject(error)
    for (const { reject } of this.#unread.splice(0)) reject(error)
    await this.#producer.close({ timeoutMs: CLOSE_TIMEOUT_MS })
    await this.#consumer.close()
  }

  /** Resolves when everything that is in the topic at this moment has been handed to `read`. @throws where the brokers refuse it, or the log stops. */
  readToEnd(): Promise<void> {
    if (this.#stopped.signal.aborted) return Promise.reject(new ConnectError(`Topic ${this.#topic.name} is not read any more: the worker stops`))
    if (this.#wanted === null) {
      this.#wanted = Promise.withResolvers()
      // Whoever asked may have stopped waiting.
      this.#wanted.promise.catch(() => undefined)
      this.#consumer.wakeup()
    }
    return this.#wanted.promise
  }

  /**
   * Writes entries, in order; they are acknowledged one way or the other all together.
   *
   * @returns where each was written. @throws KafkaError where one of them was refused, or where the producer's memory is full for `max.block.ms`.
   */
  async append(entries: readonly LogEntry[]): Promise<readonly LogPosition[]> {
    if (!this.#producer.hasRoom()) await this.#producer.room()
    return await Promise.all(entries.map((entry) => this.#send(entry)))
  }

  /** As `append`, and resolves when they have been handed to `read`. */
  async appendAndRead(entries: readonly LogEntry[]): Promise<void> {
    const positions = await this.append(entries)
    if (positions.some(({ offset }) => offset < 0)) return await this.readToEnd()
    await Promise.all(positions.map((position) => this.#untilRead(position)))
  }

  #send({ key, value }: LogEntry): Promise<LogPosition> {
    const { promise, resolve, reject } = Promise.withResolvers<LogPosition>()
    const completion: SendCompletion = {
      acknowledged: (_topic, partition, offset) => resolve({ partition, offset }),
      failed: reject,
    }
    try {
      this.#producer.send(this.#topic.name, null, Date.now(), key, value, null, completion)
    } catch (error) {
      reject(error)
    }
    return promise
  }

  #untilRead(position: LogPosition): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    // Whoever wrote may have stopped waiting.
    promise.catch(() => undefined)
    this.#unread.push({ position, resolve, reject })
    // It may have been read before its acknowledgement came.
    this.#consumer.wakeup()
    return promise
  }

  async #lookUpPartitions(): Promise<readonly { topic: string; partition: number }[]> {
    const { name: topic } = this.#topic
    const deadline = performance.now() + METADATA_TIMEOUT_MS
    for (let delayMs = RETRY_DELAY_MS; ; delayMs = Math.min(2 * delayMs, 1000)) {
      const [description] = await this.#options.admin.describeTopics([topic])
      if (description?.error === null && description.partitions.length > 0) return description.partitions.map(({ index }) => ({ topic, partition: index }))
      if (performance.now() >= deadline || this.#stopped.signal.aborted) {
        throw new ConnectError(
          `Could not look up partition metadata for topic '${topic}' in the allotted period. This could indicate a connectivity issue, unavailable topic partitions, or if this is your first use of the topic it may have taken too long to create.`,
          { cause: description?.error },
        )
      }
      await this.#pause(delayMs)
    }
  }

  /** At start, as long as it can help. */
  async #readAll(): Promise<void> {
    const deadline = performance.now() + START_TIMEOUT_MS
    let isPositioned = false
    for (let delayMs = RETRY_DELAY_MS; ; delayMs = Math.min(2 * delayMs, RETRY_DELAY_MS_MAX)) {
      try {
        const [beginnings, ends] = await Promise.all([this.#offsetsAt(OffsetAt.earliest), this.#offsetsAt(OffsetAt.latest)])
        // Once: what was read before a failure is not read again.
        if (!isPositioned) for (const [partition, offset] of beginnings) this.#consumer.seek({ topic: this.#topic.name, partition, offset })
        isPositioned = true
        return await this.#readUpTo(ends)
      } catch (error) {
        if (!isRetriable(error) || performance.now() >= deadline || this.#stopped.signal.aborted) throw error
        this.#logger.warn(`Topic ${this.#topic.name} could not be read; it is tried again: ${error.message}`)
        await this.#pause(delayMs)
      }
    }
  }

  /** Never rejects. */
  async #follow(): Promise<void> {
    let failures = 0
    while (!this.#stopped.signal.aborted) {
      const wanted = this.#wanted
      this.#wanted = null
      try {
        if (wanted === null) this.#handOut(await this.#consumer.poll(POLL_TIMEOUT_MS))
        else {
          await this.#readUpTo(await this.#offsetsAt(OffsetAt.latest))
          wanted.resolve()
        }
        await this.#settleRead()
        failures = 0
      } catch (error) {
        this.#failed(wanted, error, failures === 0)
        await this.#pause(Math.min(RETRY_DELAY_MS * 2 ** Math.min(failures++, 10), RETRY_DELAY_MS_MAX))
      }
    }
  }

  #failed(wanted: PromiseWithResolvers<void> | null, error: unknown, isFirst: boolean): void {
    if (this.#stopped.signal.aborted) return wanted?.reject(error)
    const message = `Topic ${this.#topic.name} could not be read: ${error instanceof Error ? error.message : String(error)}`
    if (isFirst) this.#logger.warn(`${message}. It is tried again.`)
    else this.#logger.debug(message)
    if (wanted === null) return
    if (!isRetriable(error)) wanted.reject(error)
    else if (this.#wanted === null) this.#wanted = wanted
    else this.#wanted.promise.then(wanted.resolve, wanted.reject)
  }

  /** One end of each partition. */
  async #offsetsAt(timestamp: number): Promise<Map<number, number>> {
    const found = await this.#options.admin.listOffsets(this.#partitions.map((partition) => ({ ...partition, timestamp })))
    return new Map(found.map(({ partition, offset }) => [partition, offset]))
  }

  async #readUpTo(ends: ReadonlyMap<number, number>): Promise<void> {
    for (const [partition, end] of ends) {
      while ((await this.#consumer.position({ topic: this.#topic.name, partition })) < end) {
        this.#stopped.signal.throwIfAborted()
        this.#handOut(await this.#consumer.poll(POLL_TO_END_TIMEOUT_MS))
      }
    }
  }

  #handOut({ partitions }: Awaited<ReturnType<Consumer['poll']>>): void {
    for (const records of partitions) {
      const { partition } = records
      while (records.next()) {
        const { buffer, keyStart, keyEnd, valueStart, valueEnd, offset } = records
        const key = keyStart < 0 ? null : buffer.subarray(keyStart, keyEnd)
        const value = valueStart < 0 ? null : buffer.subarray(valueStart, valueEnd)
        try {
          this.#options.read({ key, value, partition, offset })
        } catch (error) {
          this.#logger.error(`The record at offset ${offset} of ${this.#topic.name}-${partition} could not be taken over`, error)
        }
      }
    }
  }

  async #settleRead(): Promise<void> {
    if (this.#unread.length === 0) return
    const read = new Map<number, number>()
    for (const { position } of this.#unread) {
      const { partition } = position
      if (!read.has(partition)) read.set(partition, await this.#consumer.position({ topic: this.#topic.name, partition }))
    }
    const unread = this.#unread
    this.#unread = []
    for (const entry of unread) {
      const { partition, offset } = entry.position
      if ((read.get(partition) ?? -1) > offset) entry.resolve()
      else this.#unread.push(entry)
    }
  }

  async #pause(delayMs: number): Promise<void> {
    // Ends early where the log stops.
    await delay(delayMs, undefined, { signal: this.#stopped.signal }).catch(() => undefined)
  }
}

function fetchWaitMs({ 'request.timeout.ms': requestTimeoutMs = '30000' }: Properties): number {
  return Math.min(FETCH_WAIT_MS_MAX, Math.floor(Number(requestTimeoutMs) / 3))
}

function isRetriable(error: unknown): error is KafkaError {
  return isKafkaError(error) && error.retriable
}
