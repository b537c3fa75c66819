import {
  decodeFetchResponse,
  ErrorCode,
  encodeRequest,
  errorByCode,
  type FetchedPartition,
  type FetchedPartitions,
  type KafkaError,
  kafkaError,
  ZERO_UUID,
} from '@millrace/kafka-protocol'
import { Backoff } from '../backoff.ts'
import type { BrokerNode } from '../broker-node.ts'
import type { Clock } from '../clock.ts'
import type { Cluster, NodeEndpoint } from '../cluster.ts'
import type { ConsumerConfig } from '../config/consumer-config.ts'
import { asKafkaError, corruptRecordError, offsetOutOfRangeError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import { partitionName } from '../topic-partition.ts'
import type { AssignedPartition } from './assigned-partition.ts'
import type { ConsumerRecorder } from './consumer-metrics.ts'
import { fetchedByName, fetchRequest, fetchVersion, usesTopicIds } from './fetch-request.ts'
import { FetchSession, type FetchTarget } from './fetch-session.ts'
import { FetchedData } from './fetched-data.ts'
import { type ConsumerRecords, NO_RECORDS, type PartitionRecords } from './partition-records.ts'

export interface FetcherOptions {
  readonly config: ConsumerConfig
  readonly cluster: Cluster
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: ConsumerRecorder
  partitions(): readonly AssignedPartition[]
  /** Called when there is something for a poll to do. Must not throw. */
  notify(): void
}

/** A partition in a fetch, as it was when the fetch was sent. */
interface Wanted {
  readonly partition: AssignedPartition
  readonly version: number
  readonly target: FetchTarget
}

/** An answer, by the names of partitions. */
interface Answer {
  readonly version: number
  /** What is not in an incremental one has nothing new. */
  readonly isIncremental: boolean
  readonly content: FetchedPartitions
}

/** How long the end of a fetch session may hold up the end of a consumer. Milliseconds. */
const SESSION_END_TIMEOUT_MS = 500

/**
 * Fetches ahead and hands out.
 *
 * Each partition holds at most two fetches (`max.partition.fetch.bytes` each): one being handed out, one ahead. A broker gets one fetch at a time, and none while
 * one of its partitions has data ahead: a fetch without that partition would be held back by the broker for `fetch.max.wait.ms`, and the partition with it.
 * For the same reason a fetch that lacks a partition which will be fetched again in a moment, after a failure or when its position is known, is held back no longer.
 */
export class Fetcher {
  readonly #options: FetcherOptions
  readonly #backoff: Backoff
  readonly #busy = new Set<BrokerNode>()
  readonly #sessions = new WeakMap<BrokerNode, FetchSession>()
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
    const absent = new AbsentPartitions(this.#options.config)
    let comeAgainAt = Infinity
    for (const partition of this.#options.partitions()) {
      if (partition.isPaused) continue
      const node = this.#source(partition, now)
      if (partition.position < 0 || partition.isChecking) {
        absent.add(node, now)
        continue
      }
      // The fetch from an earlier leader may not be answered for long, should that be why it leads no more.
      if (partition.fetchedFrom !== null && node !== null && partition.fetchedFrom !== node) partition.abandonFetch()
      if (partition.fetchedFrom !== null) continue
      if (partition.retryAt > now) {
        comeAgainAt = Math.min(comeAgainAt, partition.retryAt)
        absent.add(node, now, partition.retryAt)
        continue
      }
      if (node === null) {
        absent.add(null, now)
        this.#options.cluster.requestRefresh()
        continue
      }
      if (partition.ahead !== null) full.add(node)
      else if (due.has(node)) due.get(node)!.push(partition)
      else due.set(node, [partition])
    }
    for (const [node, partitions] of due) {
      if (this.#busy.has(node) || full.has(node)) continue
      const pauseMs = node.pauseMs('fetch')
      if (pauseMs > 0) comeAgainAt = Math.min(comeAgainAt, now + pauseMs)
      else this.#send(node, rotated(partitions, this.#fetchRotation++), absent.waitMs(node, now))
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
        this.#options.metrics.handedOut(partition, records.count)
      } catch (failure) {
        if (collected.length === 0) throw failure
        // The records of the others come first.
        this.#errors.push(asKafkaError(failure))
        break
      }
    }
    if (count === 0) return NO_RECORDS
    this.#collectRotation++
    return { count, partitions: collected }
  }

  /**
   * Ends the fetch sessions, so that brokers need not keep them until others want their room; for the end of the consumer, when nothing is fetched any more.
   * What cannot be sent at once is left to the brokers. Never rejects.
   */
  async closeSessions(): Promise<void> {
    await Promise.all(this.#options.cluster.nodes.map((node) => this.#closeSession(node)))
  }

  #closeSession(node: BrokerNode): Promise<void> {
    // Behind a fetch that is held back it would wait, too.
    const connection = this.#busy.has(node) ? (node.ready('data') ?? node.ready('coordinator')) : node.ready('fetch')
    const plan = connection === null ? null : this.#sessions.get(node)?.close()
    if (connection === null || !plan) return Promise.resolve()
    const { config } = this.#options
    const version = connection.version('Fetch')
    const { promise, resolve } = Promise.withResolvers<void>()
    connection.exchange(
      'Fetch',
      Math.min(config.requestTimeoutMs, SESSION_END_TIMEOUT_MS),
      { answered: () => resolve(), failed: () => resolve() },
      (correlationId) => [encodeRequest({ api: 'Fetch', version, correlationId, clientId: config.clientId, body: fetchRequest(config, plan, 0) })],
    )
    return promise
  }

  /** From where a partition is read: the replica that its leader has named for the time being, or the leader. */
  #source(partition: AssignedPartition, now: number): BrokerNode | null {
    const { cluster } = this.#options
    const { nearReplica } = partition
    if (nearReplica !== null) {
      const node = cluster.node(nearReplica.brokerId)
      if (node && nearReplica.until > now) return node
      partition.nearReplica = null
    }
    return cluster.leader(partition.topic, partition.partition)
  }

  #send(node: BrokerNode, partitions: readonly AssignedPartition[], waitMs: number): void {
    const wanted = partitions.map((partition) => ({ partition, version: partition.version, target: this.#target(partition) }))
    for (const { partition } of wanted) partition.fetchedFrom = node
    this.#busy.add(node)
    this.#options.metrics.fetches++
    const sentAt = this.#options.clock.now()
    this.#exchange(node, wanted, waitMs).then(
      (answer) => this.#answered(node, wanted, answer, this.#options.clock.now() - sentAt),
      (error) => this.#failed(node, wanted, asKafkaError(error)),
    )
  }

  #target({ topic, partition, fetchOffset, checkedEpoch }: AssignedPartition): FetchTarget {
    return { topic, topicId: this.#options.cluster.topic(topic)?.topicId ?? ZERO_UUID, partition, fetchOffset, leaderEpoch: checkedEpoch }
  }

  #session(node: BrokerNode): FetchSession {
    let session = this.#sessions.get(node)
    if (!session) {
      session = new FetchSession()
      this.#sessions.set(node, session)
    }
    return session
  }

  async #exchange(node: BrokerNode, wanted: readonly Wanted[], waitMs: number): Promise<Answer> {
    const connection = await node.connection('fetch')
    const { config } = this.#options
    const targets = wanted.map(({ target }) => target)
    const version = fetchVersion(connection.version('Fetch'), targets)
    const plan = this.#session(node).plan(targets, usesTopicIds(version))
    const body = fetchRequest(config, plan, waitMs)
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
    connection.exchange('Fetch', config.requestTimeoutMs, { answered, failed: reject }, (correlationId) => [
      encodeRequest({ api: 'Fetch', version, correlationId, clientId: config.clientId, body }),
    ])
    return { version, isIncremental: plan.sessionEpoch > 0, content: await promise }
  }

  #answered(node: BrokerNode, wanted: readonly Wanted[], { version, isIncremental, content }: Answer, latencyMs: number): void {
    this.#busy.delete(node)
    if (this.#session(node).answered(content) === 'refused') {
      for (const item of wanted) if (isCurrent(item)) item.partition.fetchedFrom = null
      this.#options.logger.debug(`The fetch session with broker ${node.id} has ended (${errorByCode(content.errorCode).name}).`)
      return this.#options.notify()
    }
    if (content.errorCode !== ErrorCode.NONE) return this.#failed(node, wanted, kafkaError(content.errorCode, 'Fetching'))
    const fetched = fetchedByName(
      content.partitions,
      wanted.map(({ target }) => target),
      version,
    )
    this.#options.metrics.fetched(latencyMs, content.throttleTimeMs, bytesByTopic(wanted, fetched))
    for (const item of wanted) {
      // Sought, revoked or led elsewhere meanwhile: the answer belongs to an earlier position.
      if (!isCurrent(item)) continue
      const part = fetched.get(partitionName(item.partition))
      if (part) this.#fetched(item, part, content)
      else if (isIncremental) endFetch(item.partition)
      else this.#retryLater(item)
    }
    this.#options.notify()
  }

  #failed(node: BrokerNode, wanted: readonly Wanted[], error: KafkaError): void {
    this.#busy.delete(node)
    this.#session(node).failed()
    if (this.#options.cluster.isClosed) return
    this.#options.metrics.fetchesFailed++
    this.#options.logger.debug('A fetch has failed.', error)
    this.#options.cluster.requestRefresh()
    for (const item of wanted) {
      if (isCurrent(item)) item.partition.nearReplica = null
      this.#retryLater(item)
    }
    if (!error.retriable) this.#errors.push(error)
    this.#options.notify()
  }

  #fetched(item: Wanted, fetched: FetchedPartition, { nodeEndpoints }: FetchedPartitions): void {
    const { partition, target } = item
    if (fetched.errorCode !== ErrorCode.NONE) return this.#refused(item, fetched, nodeEndpoints)
    endFetch(partition)
    partition.startOffset = fetched.logStartOffset
    partition.endOffset = this.#options.config.isReadCommitted ? fetched.lastStableOffset : fetched.highWatermark
    if (fetched.preferredReadReplica >= 0) this.#readFrom(partition, fetched.preferredReadReplica)
    const { records } = fetched
    if (records === null || records.length === 0) return
    try {
      this.#keep(partition, target.fetchOffset, fetched, records)
    } catch (cause) {
      this.#retryLater(item)
      this.#errors.push(corruptRecordError(`The records of ${partitionName(partition)} at offset ${target.fetchOffset} cannot be read`, cause))
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

  #readFrom(partition: AssignedPartition, brokerId: number): void {
    const { clock, config, logger } = this.#options
    partition.nearReplica = { brokerId, until: clock.now() + config.metadataAgeMaxMs }
    logger.debug(`${partitionName(partition)} is read from the replica at broker ${brokerId}.`)
  }

  #refused(item: Wanted, { errorCode, currentLeader }: FetchedPartition, endpoints: readonly NodeEndpoint[]): void {
    const { partition, target } = item
    const name = partitionName(partition)
    const { nearReplica } = partition
    partition.nearReplica = null
    if (errorCode === ErrorCode.OFFSET_OUT_OF_RANGE && nearReplica === null) return this.#outOfRange(item)
    const error = kafkaError(errorCode, `Fetching from ${name} at offset ${target.fetchOffset}`)
    const { retriable, refreshMetadata } = errorByCode(errorCode)
    if (refreshMetadata) this.#options.cluster.requestRefresh()
    this.#retryLater(item)
    // Each leader has a higher epoch than the one before, so that this cannot go on without end.
    if (currentLeader !== null && this.#options.cluster.learnLeader(partition, currentLeader, endpoints)) partition.retryAt = 0
    // A follower may only be behind; the leader will tell.
    if (nearReplica !== null) this.#options.logger.debug(error.message)
    // Java too tries again after an unknown error of the broker.
    else if (errorCode === ErrorCode.UNKNOWN_SERVER_ERROR) this.#options.logger.warn(error.message)
    else if (!retriable || errorCode === ErrorCode.CORRUPT_MESSAGE) this.#errors.push(error)
    else this.#options.logger.debug(error.message)
  }

  #outOfRange({ partition, target: { fetchOffset } }: Wanted): void {
    const name = partitionName(partition)
    partition.fetchedFrom = null
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

  #retryLater(item: Wanted): void {
    if (!isCurrent(item)) return
    const { partition } = item
    partition.fetchedFrom = null
    partition.failures++
    partition.retryAt = this.#options.clock.now() + this.#backoff.delayMs(partition.failures)
  }
}

/** When partitions that cannot be fetched now will be, by the brokers that they are read from. */
class AbsentPartitions {
  readonly #config: ConsumerConfig
  /** By broker; under null those of which it is not known. */
  readonly #dueAt = new Map<BrokerNode | null, number>()

  constructor(config: ConsumerConfig) {
    this.#config = config
  }

  /** @param dueAt default: in a moment, when something has been answered. */
  add(node: BrokerNode | null, now: number, dueAt = now + this.#config.retryBackoffMs): void {
    this.#dueAt.set(node, Math.min(this.#dueAt.get(node) ?? Infinity, dueAt))
  }

  /** How long a broker may hold a fetch back. Milliseconds. */
  waitMs(node: BrokerNode, now: number): number {
    const dueAt = Math.min(this.#dueAt.get(node) ?? Infinity, this.#dueAt.get(null) ?? Infinity)
    return Math.min(this.#config.fetchWaitMaxMs, Math.max(1, Math.ceil(dueAt - now)))
  }
}

function isCurrent({ partition, version }: Wanted): boolean {
  return partition.version === version
}

function endFetch(partition: AssignedPartition): void {
  partition.fetchedFrom = null
  partition.failures = 0
}

function bytesByTopic(wanted: readonly Wanted[], fetched: ReadonlyMap<string, FetchedPartition>): Map<string, number> {
  const bytes = new Map<string, number>()
  for (const { partition } of wanted) {
    const length = fetched.get(partitionName(partition))?.records?.length ?? 0
    if (length > 0) bytes.set(partition.topic, (bytes.get(partition.topic) ?? 0) + length)
  }
  return bytes
}

function takeFrom(partition: AssignedPartition, recordsMax: number): PartitionRecords | null {
  while (partition.current !== null) {
    const records = partition.current.take(recordsMax)
    partition.position = partition.current.position
    if (partition.current.positionEpoch >= 0) partition.positionEpoch = partition.current.positionEpoch
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
