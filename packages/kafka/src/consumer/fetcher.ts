import {
  decodeFetchResponse,
  ErrorCode,
  encodeRequest,
  errorByCode,
  type FetchedPartition,
  type FetchedPartitions,
  type KafkaError,
  kafkaError,
} from '@millrace/kafka-protocol'
import { Backoff } from '../backoff.ts'
import type { BrokerNode } from '../broker-node.ts'
import type { Clock } from '../clock.ts'
import type { Cluster } from '../cluster.ts'
import type { ConsumerConfig } from '../config/consumer-config.ts'
import { asKafkaError, corruptRecordError, offsetOutOfRangeError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import { partitionName } from '../topic-partition.ts'
import type { AssignedPartition } from './assigned-partition.ts'
import type { ConsumerMetrics } from './consumer-metrics.ts'
import { FetchedData } from './fetched-data.ts'
import { type ConsumerRecords, NO_RECORDS, type PartitionRecords } from './partition-records.ts'

export interface FetcherOptions {
  readonly config: ConsumerConfig
  readonly cluster: Cluster
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: ConsumerMetrics
  partitions(): readonly AssignedPartition[]
  /** Called when there is something for a poll to do. Must not throw. */
  notify(): void
}

/** A partition in a fetch, as it was when the fetch was sent. */
interface Wanted {
  readonly partition: AssignedPartition
  readonly version: number
  readonly fetchOffset: number
}

/**
 * Fetches ahead and hands out.
 *
 * Each partition holds at most two fetches (`max.partition.fetch.bytes` each): one being handed out, one ahead. A broker gets one fetch at a time, and none while
 * one of its partitions has data ahead: a fetch without that partition would be held back by the broker for `fetch.max.wait.ms`, and the partition with it.
 */
export class Fetcher {
  readonly #options: FetcherOptions
  readonly #backoff: Backoff
  readonly #busy = new Set<BrokerNode>()
  #fetchRotation = 0
  #collectRotation = 0
  /** Errors for the next poll to throw. */
  readonly #errors: KafkaError[] = []

  constructor(options: FetcherOptions) {
    this.#options = options
    const { retryBackoffMs, retryBackoffMaxMs } = options.config
    this.#backoff = new Backoff({ initialMs: retryBackoffMs, maxMs: retryBackoffMaxMs })
  }

  /** Sends the fetches that are due. @returns when to come again for those that wait after a failure, by the clock; Infinity if there are none. */
  fetch(): number {
    const now = this.#options.clock.now()
    const due = new Map<BrokerNode, AssignedPartition[]>()
    const full = new Set<BrokerNode>()
    let comeAgainAt = Infinity
    for (const partition of this.#options.partitions()) {
      if (partition.isPaused || partition.position < 0 || partition.isFetching) continue
      if (partition.retryAt > now) {
        comeAgainAt = Math.min(comeAgainAt, partition.retryAt)
        continue
      }
      const leader = this.#options.cluster.leader(partition.topic, partition.partition)
      if (leader === null) {
        this.#options.cluster.requestRefresh()
        continue
      }
      if (partition.ahead !== null) full.add(leader)
      else if (due.has(leader)) due.get(leader)!.push(partition)
      else due.set(leader, [partition])
    }
    for (const [node, partitions] of due) {
      if (this.#busy.has(node) || full.has(node)) continue
      const pauseMs = node.pauseMs('fetch')
      if (pauseMs > 0) comeAgainAt = Math.min(comeAgainAt, now + pauseMs)
      else this.#send(node, rotated(partitions, this.#fetchRotation++))
    }
    return comeAgainAt
  }

  /**
   * Hands out what has been fetched, at most so many records.
   *
   * @throws KafkaError what a fetch has failed with for good, or a batch that cannot be read. Records of other partitions are handed out by the next call.
   */
  collect(recordsMax: number): ConsumerRecords {
    const error = this.#errors.shift()
    if (error) throw error
    const partitions = this.#options.partitions()
    const collected: PartitionRecords[] = []
    let count = 0
    for (let i = 0; i < partitions.length && count < recordsMax; i++) {
      const partition = partitions[(this.#collectRotation + i) % partitions.length]!
      if (partition.isPaused || partition.current === null) continue
      try {
        const records = takeFrom(partition, recordsMax - count)
        if (records === null) continue
        collected.push(records)
        count += records.count
      } catch (failure) {
        if (collected.length === 0) throw failure
        // The records of the others come first.
        this.#errors.push(asKafkaError(failure))
        break
      }
    }
    if (count === 0) return NO_RECORDS
    this.#collectRotation++
    this.#options.metrics.recordsConsumed += count
    return { count, partitions: collected }
  }

  #send(node: BrokerNode, partitions: readonly AssignedPartition[]): void {
    const wanted = partitions.map((partition) => ({ partition, version: partition.version, fetchOffset: partition.fetchOffset }))
    for (const { partition } of wanted) partition.isFetching = true
    this.#busy.add(node)
    this.#options.metrics.fetches++
    this.#exchange(node, wanted).then(
      (answer) => this.#answered(node, wanted, answer),
      (error) => this.#failed(node, wanted, asKafkaError(error)),
    )
  }

  async #exchange(node: BrokerNode, wanted: readonly Wanted[]): Promise<FetchedPartitions> {
    const connection = await node.connection('fetch')
    const version = connection.version('Fetch')
    const { promise, resolve, reject } = Promise.withResolvers<FetchedPartitions>()
    const answered = (frame: Buffer) => {
      try {
        const answer = decodeFetchResponse(version, frame)
        connection.throttle(answer.throttleTimeMs)
        resolve(answer)
      } catch (error) {
        connection.close()
        reject(error)
      }
    }
    connection.exchange('Fetch', this.#options.config.requestTimeoutMs, { answered, failed: reject }, (correlationId) => [
      this.#encode(version, correlationId, wanted),
    ])
    return await promise
  }

  #encode(version: number, correlationId: number, wanted: readonly Wanted[]): Buffer {
    const { clientId, fetchWaitMaxMs, fetchBytesMin, fetchBytesMax, isReadCommitted, partitionFetchBytesMax } = this.#options.config
    const topics = new Map<string, { partition: number; fetchOffset: number; partitionMaxBytes: number }[]>()
    for (const { partition: assigned, fetchOffset } of wanted) {
      const { topic, partition } = assigned
      const partitions = topics.get(topic) ?? []
      partitions.push({ partition, fetchOffset, partitionMaxBytes: partitionFetchBytesMax })
      topics.set(topic, partitions)
    }
    const body = {
      maxWaitMs: fetchWaitMaxMs,
      minBytes: fetchBytesMin,
      maxBytes: fetchBytesMax,
      isolationLevel: isReadCommitted ? 1 : 0,
      topics: [...topics].map(([topic, partitions]) => ({ topic, partitions })),
    }
    return encodeRequest({ api: 'Fetch', version, correlationId, clientId, body })
  }

  #answered(node: BrokerNode, wanted: readonly Wanted[], answer: FetchedPartitions): void {
    this.#busy.delete(node)
    if (answer.errorCode !== ErrorCode.NONE) return this.#failed(node, wanted, kafkaError(answer.errorCode, 'Fetching'))
    const byName = new Map(wanted.map((item) => [partitionName(item.partition), item]))
    for (const fetched of answer.partitions) {
      const name = `${fetched.topic}-${fetched.partitionIndex}`
      const item = byName.get(name)
      byName.delete(name)
      if (item) this.#fetched(item, fetched)
    }
    for (const item of byName.values()) this.#retryLater(item)
    this.#options.notify()
  }

  #failed(node: BrokerNode, wanted: readonly Wanted[], error: KafkaError): void {
    this.#busy.delete(node)
    if (this.#options.cluster.isClosed) return
    this.#options.metrics.fetchesFailed++
    this.#options.logger.debug('A fetch has failed.', error)
    this.#options.cluster.requestRefresh()
    for (const item of wanted) this.#retryLater(item)
    if (!error.retriable) this.#errors.push(error)
    this.#options.notify()
  }

  #fetched(item: Wanted, fetched: FetchedPartition): void {
    const { partition, version, fetchOffset } = item
    // Sought, revoked or paused meanwhile: the answer belongs to an earlier position.
    if (partition.version !== version) return
    if (fetched.errorCode !== ErrorCode.NONE) return this.#refused(item, fetched.errorCode)
    partition.isFetching = false
    partition.failures = 0
    partition.endOffset = this.#options.config.isReadCommitted ? fetched.lastStableOffset : fetched.highWatermark
    const { records } = fetched
    if (records === null || records.length === 0) return
    this.#options.metrics.bytesFetched += records.length
    try {
      this.#keep(partition, fetchOffset, fetched, records)
    } catch (cause) {
      this.#retryLater(item)
      this.#errors.push(corruptRecordError(`The records of ${partitionName(partition)} at offset ${fetchOffset} cannot be read`, cause))
    }
  }

  #keep(partition: AssignedPartition, fetchOffset: number, fetched: FetchedPartition, records: Buffer): void {
    const { isReadCommitted, checksCrcs, partitionFetchBytesMax } = this.#options.config
    const { topic, partition: index } = partition
    const data = new FetchedData({
      topic,
      partition: index,
      records,
      fetchOffset,
      highWatermark: fetched.highWatermark,
      abortedTransactions: isReadCommitted ? (fetched.abortedTransactions ?? []) : null,
      checksCrcs,
    })
    if (data.isEmpty) throw corruptRecordError(`No whole record batch fits into ${partitionFetchBytesMax} bytes.`)
    partition.fetchOffset = data.nextOffset
    if (partition.current === null) partition.current = data
    else partition.ahead = data
  }

  #refused(item: Wanted, errorCode: number): void {
    const { partition, fetchOffset } = item
    const name = partitionName(partition)
    if (errorCode === ErrorCode.OFFSET_OUT_OF_RANGE) return this.#outOfRange(item)
    const error = kafkaError(errorCode, `Fetching from ${name} at offset ${fetchOffset}`)
    const { retriable, refreshMetadata } = errorByCode(errorCode)
    if (refreshMetadata) this.#options.cluster.requestRefresh()
    this.#retryLater(item)
    // Java too tries again after an unknown error of the broker.
    if (errorCode === ErrorCode.UNKNOWN_SERVER_ERROR) this.#options.logger.warn(error.message)
    else if (!retriable || errorCode === ErrorCode.CORRUPT_MESSAGE) this.#errors.push(error)
    else this.#options.logger.debug(error.message)
  }

  #outOfRange({ partition, fetchOffset }: Wanted): void {
    const name = partitionName(partition)
    partition.isFetching = false
    // What was fetched before is still handed out; then the position is looked for again.
    if (partition.current !== null) {
      partition.retryAt = this.#options.clock.now() + this.#backoff.delayMs(1)
      return
    }
    if (this.#options.config.offsetReset === 'none') {
      partition.retryAt = this.#options.clock.now() + this.#backoff.delayMs(1)
      this.#errors.push(offsetOutOfRangeError(`Fetch position ${fetchOffset} is out of range for partition ${name}, and no reset policy is defined`))
      return
    }
    this.#options.logger.info(`Fetch position ${fetchOffset} is out of range for partition ${name}, resetting offset`)
    partition.lookUp('reset')
  }

  #retryLater({ partition, version }: Wanted): void {
    if (partition.version !== version) return
    partition.isFetching = false
    partition.failures++
    partition.retryAt = this.#options.clock.now() + this.#backoff.delayMs(partition.failures)
  }
}

function takeFrom(partition: AssignedPartition, recordsMax: number): PartitionRecords | null {
  while (partition.current !== null) {
    const records = partition.current.take(recordsMax)
    partition.position = partition.current.position
    if (records !== null) return records
    partition.current = partition.ahead
    partition.ahead = null
  }
  return null
}

function rotated<T>(items: readonly T[], by: number): T[] {
  const start = by % items.length
  return [...items.slice(start), ...items.slice(0, start)]
}
