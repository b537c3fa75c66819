import { setTimeout as delay } from 'node:timers/promises'
import {
  type ApiName,
  type CurrentLeader,
  ErrorCode,
  errorByCode,
  type KafkaError,
  kafkaError,
  type RequestInput,
  type ResponseBody,
} from '@millrace/kafka-protocol'
import { Backoff } from './backoff.ts'
import { BrokerNode, type Purpose } from './broker-node.ts'
import { type Clock, timerMs } from './clock.ts'
import type { ConnectionConfig } from './config/connection-config.ts'
import type { Connection } from './connection.ts'
import { asKafkaError, closedError, networkError, timeoutError } from './errors.ts'
import type { Logger } from './logger.ts'
import { isAuthenticationFailure } from './security/security-errors.ts'
import type { TopicPartition } from './topic-partition.ts'

/** A topic as the cluster described it last. */
export interface TopicMetadata {
  readonly name: string
  readonly topicId: string
  readonly isInternal: boolean
  /** By index, without gaps. */
  readonly partitions: readonly PartitionMetadata[]
}

export interface PartitionMetadata {
  readonly index: number
  /** Id of the leading broker; -1 while there is none. */
  readonly leader: number
  readonly leaderEpoch: number
  readonly replicas: readonly number[]
  readonly inSyncReplicas: readonly number[]
}

/** Where a broker listens, as another broker tells it in passing. */
export interface NodeEndpoint {
  readonly nodeId: number
  readonly host: string
  readonly port: number
}

export interface ClusterOptions {
  readonly config: ConnectionConfig
  readonly logger: Logger
  readonly clock: Clock
  /** Which topics to ask for at each refresh; null for all. */
  topics(): readonly string[] | null
  /** Whether the broker may create topics that are asked for. Default false. */
  readonly allowsAutoTopicCreation?: boolean
  /** Called after each refresh. Must not throw. */
  updated?(): void
  /** Called when the brokers cannot be reached with these settings, see `isAuthenticationFailure`; those who wait for metadata fail too. Must not throw. */
  refused?(error: KafkaError): void
}

/** How often a client looks around. Milliseconds. */
const LOOK_MS = 5_000
const WARNING_INTERVAL_MS = 10_000
/** A broker that owes an answer for longer than this is not asked for what others can tell as well. */
const SILENT_MS_MAX = 1_000

/**
 * The brokers and what is known of their topics.
 *
 * Metadata are fetched when they are asked for (`requestRefresh`, `refresh`) and when they are older than `metadata.max.age.ms`.
 * A fetch that fails is repeated with growing pauses until it succeeds or the client is closed. One that fails because the settings of security do not fit
 * is not, before somebody asks again.
 */
export class Cluster {
  readonly config: ConnectionConfig
  readonly clock: Clock
  readonly logger: Logger
  readonly #options: ClusterOptions
  readonly #backoff: Backoff
  readonly #bootstrap: readonly BrokerNode[]
  readonly #closing = new AbortController()
  readonly #endLooks: () => void
  #nodes = new Map<number, BrokerNode>()
  readonly #retiring = new Set<Promise<void>>()
  #topics = new Map<string, TopicMetadata>()
  #topicErrors = new Map<string, number>()
  #clusterId: string | null = null
  #controllerId = -1
  #learnedAt = Number.NaN
  #refreshing: Promise<void> | null = null
  #isRefreshWanted = false
  #nextRefresh = Promise.withResolvers<void>()
  #ageTimer: NodeJS.Timeout | undefined
  #warnedAt = -Infinity

  constructor(options: ClusterOptions) {
    this.config = options.config
    this.clock = options.clock
    this.logger = options.logger
    this.#options = options
    this.#backoff = new Backoff({ initialMs: options.config.retryBackoffMs, maxMs: options.config.retryBackoffMaxMs })
    this.#bootstrap = options.config.bootstrapServers.map((address, i) => new BrokerNode(-1 - i, address, options.config, options.clock))
    this.#nextRefresh.promise.catch(() => undefined)
    this.#endLooks = everyLook(() => this.#lookAround())
  }

  /** How long ago the metadata were fetched. Milliseconds; NaN before the first time. */
  get metadataAgeMs(): number {
    return this.clock.now() - this.#learnedAt
  }

  get clusterId(): string | null {
    return this.#clusterId
  }

  /** -1 while it is not known. */
  get controllerId(): number {
    return this.#controllerId
  }

  get nodes(): readonly BrokerNode[] {
    return [...this.#nodes.values()]
  }

  /** All topics of the last refreshes. */
  get topics(): readonly TopicMetadata[] {
    return [...this.#topics.values()]
  }

  get isClosed(): boolean {
    return this.#closing.signal.aborted
  }

  topic(name: string): TopicMetadata | undefined {
    return this.#topics.get(name)
  }

  /** With which error code the last refresh answered for a topic; 0 for none. */
  topicErrorCode(name: string): number {
    return this.#topicErrors.get(name) ?? ErrorCode.NONE
  }

  /** The broker that leads a partition; null while it is not known. */
  leader(topic: string, partition: number): BrokerNode | null {
    const metadata = this.#topics.get(topic)?.partitions[partition]
    return metadata === undefined ? null : (this.#nodes.get(metadata.leader) ?? null)
  }

  /** The epoch of a partition's leader, which each election raises; -1 while it is not known. */
  leaderEpoch(topic: string, partition: number): number {
    return this.#topics.get(topic)?.partitions[partition]?.leaderEpoch ?? -1
  }

  /**
   * Takes over what a broker that is not the leader has said about who is (KIP-951), unless something newer is known.
   *
   * @param endpoints where the brokers are that it names.
   * @returns whether the leader is known now, so that nobody has to wait for metadata.
   */
  learnLeader({ topic, partition }: TopicPartition, { leaderId, leaderEpoch }: CurrentLeader, endpoints: readonly NodeEndpoint[]): boolean {
    if (leaderId < 0) return false
    const metadata = this.#topics.get(topic)
    const known = metadata?.partitions[partition]
    if (!metadata || !known || leaderEpoch <= known.leaderEpoch) return false
    const endpoint = endpoints.find(({ nodeId }) => nodeId === leaderId)
    if (endpoint) this.ensureNode(endpoint.nodeId, endpoint.host, endpoint.port)
    if (!this.#nodes.has(leaderId)) return false
    this.#topics.set(topic, { ...metadata, partitions: metadata.partitions.with(partition, { ...known, leader: leaderId, leaderEpoch }) })
    return true
  }

  node(id: number): BrokerNode | undefined {
    return this.#nodes.get(id)
  }

  /** A node for an address that a broker has named, such as a coordinator's. */
  ensureNode(id: number, host: string, port: number): BrokerNode {
    const known = this.#nodes.get(id)
    if (known && known.address.host === host && known.address.port === port) return known
    if (known) this.#retire(known)
    const node = new BrokerNode(id, { host, port }, this.config, this.clock)
    this.#nodes.set(id, node)
    return node
  }

  /** Notes that the metadata are stale; they are fetched soon. */
  requestRefresh(): void {
    if (this.isClosed) return
    this.#isRefreshWanted = true
    this.#refreshing ??= this.#refreshLoop()
  }

  /**
   * Fetches the metadata; resolves when a fetch that began after this call has succeeded.
   *
   * @throws KafkaError `CLIENT_CLOSED`; `REQUEST_TIMED_OUT` when that takes longer than `timeoutMs`, the retrying goes on; what `isAuthenticationFailure` names.
   */
  async refresh(timeoutMs = Infinity): Promise<void> {
    if (this.isClosed) throw closedError('The client was closed.')
    // Taken first: the request may begin a fetch at once, which answers this promise and not the one after it.
    const { promise } = this.#nextRefresh
    this.requestRefresh()
    if (timeoutMs === Infinity) return promise
    const timer = new AbortController()
    const late = delay(timerMs(timeoutMs), undefined, { signal: timer.signal }).then(
      () => {
        throw timeoutError(`The metadata of the cluster could not be fetched within ${timeoutMs} ms.`)
      },
      () => undefined,
    )
    try {
      await Promise.race([promise, late])
    } finally {
      timer.abort()
    }
  }

  /** Describes topics that are not necessarily followed. Topics that do not exist are left out, as are those with errors. */
  async describeTopics(names: readonly string[] | null): Promise<ResponseBody<'Metadata'>> {
    const topics = names?.map((name) => ({ name })) ?? null
    return await this.requestAny('Metadata', { topics, allowAutoTopicCreation: false })
  }

  /** Sends a request to any broker that can be reached. @throws KafkaError as `Connection.request`. */
  async requestAny<A extends ApiName>(api: A, body: RequestInput<A> | ((version: number) => RequestInput<A>)): Promise<ResponseBody<A>> {
    const connection = await this.#anyConnection()
    return await connection.request(api, body)
  }

  /** Sends a request to one broker. @throws KafkaError as `Connection.request`. */
  async request<A extends ApiName>(
    node: BrokerNode,
    purpose: Purpose,
    api: A,
    body: RequestInput<A> | ((version: number) => RequestInput<A>),
    timeoutMs?: number,
  ): Promise<ResponseBody<A>> {
    const connection = await node.connection(purpose)
    return await connection.request(api, body, timeoutMs)
  }

  /** Waits before an operation is tried again. @throws KafkaError `CLIENT_CLOSED`. */
  pause(failures: number): Promise<void> {
    return this.wait(this.#backoff.delayMs(failures))
  }

  /** Waits so many milliseconds. @throws KafkaError `CLIENT_CLOSED`. */
  async wait(delayMs: number): Promise<void> {
    try {
      await delay(timerMs(delayMs), undefined, { signal: this.#closing.signal })
    } catch {
      throw closedError('The client was closed.')
    }
  }

  /** Closes all connections; what is pending fails with `CLIENT_CLOSED`. Resolves when all sockets are gone. */
  async close(): Promise<void> {
    if (!this.isClosed) {
      this.#closing.abort()
      this.config.security.close()
      this.#endLooks()
      clearTimeout(this.#ageTimer)
      this.#nextRefresh.reject(closedError('The client was closed.'))
    }
    await Promise.all([...this.#nodes.values(), ...this.#bootstrap].map((node) => node.close()))
    await Promise.all([this.#refreshing, ...this.#retiring])
  }

  #retire(node: BrokerNode): void {
    const retired = node.retire().finally(() => this.#retiring.delete(retired))
    this.#retiring.add(retired)
  }

  /** Never rejects. */
  async #refreshLoop(): Promise<void> {
    let failures = 0
    while (this.#isRefreshWanted && !this.isClosed) {
      // Whoever asks in the same turn is answered by the same fetch.
      await Promise.resolve()
      this.#isRefreshWanted = false
      const waiting = this.#nextRefresh
      this.#nextRefresh = Promise.withResolvers()
      // Nobody may be waiting.
      this.#nextRefresh.promise.catch(() => undefined)
      const names = this.#options.topics()
      let isAboutOthers = false
      try {
        await this.#refreshOnce(names)
        isAboutOthers = this.#hasTopicsBeyond(names)
        // A topic without leader, or not there yet, is asked for again with growing pauses too.
        failures = this.#isRefreshWanted && !isAboutOthers ? failures + 1 : 0
        waiting.resolve()
      } catch (error) {
        const failure = asKafkaError(error)
        failures++
        this.#warn(failure)
        if (isAuthenticationFailure(failure)) {
          waiting.reject(failure)
          this.#options.refused?.(failure)
        } else {
          this.#isRefreshWanted = true
          // Those who waited wait for the next attempt.
          this.#nextRefresh.promise.then(waiting.resolve, waiting.reject)
        }
      }
      // The pause also keeps errors that come again and again from asking without end. Topics that nobody has asked about yet do not wait for it.
      if (this.#isRefreshWanted && !this.isClosed && !isAboutOthers) await this.pause(Math.max(1, failures)).catch(() => undefined)
    }
    this.#refreshing = null
    if (this.#isRefreshWanted) this.requestRefresh()
  }

  /** Whether topics are followed by now that a fetch did not ask about. */
  #hasTopicsBeyond(names: readonly string[] | null): boolean {
    const wanted = this.#options.topics()
    const asked = new Set(names)
    return names !== null && (wanted === null || wanted.some((name) => !asked.has(name)))
  }

  async #refreshOnce(names: readonly string[] | null): Promise<void> {
    const { allowsAutoTopicCreation = false } = this.#options
    const topics = names?.map((name) => ({ name })) ?? null
    const answer = await this.#fetchMetadata({ topics, allowAutoTopicCreation: allowsAutoTopicCreation })
    if (answer.brokers.length === 0) throw networkError('The answer to a metadata request names no broker.')
    this.#learn(answer, names)
    clearTimeout(this.#ageTimer)
    this.#learnedAt = this.clock.now()
    this.#ageTimer = setTimeout(() => this.requestRefresh(), timerMs(this.config.metadataAgeMaxMs))
    this.#ageTimer.unref()
    this.#options.updated?.()
  }

  /**
   * Asks one broker, and one more each time that the answer takes long: a frozen broker would hold up all that wait for a new leader until the request times
   * out, and it is the frozen ones that lose their leaderships.
   */
  async #fetchMetadata(body: RequestInput<'Metadata'>): Promise<ResponseBody<'Metadata'>> {
    const asked = new Set<Connection>()
    let asking = 0
    let failure: unknown
    const { promise, resolve, reject } = Promise.withResolvers<ResponseBody<'Metadata'>>()
    const ask = async () => {
      asking++
      try {
        const connection = await this.#anyConnection()
        if (!asked.has(connection)) {
          asked.add(connection)
          resolve(await connection.request('Metadata', body))
        }
      } catch (error) {
        failure = error
      }
      if (--asking === 0) reject(failure)
    }
    void ask()
    const timer = setInterval(() => {
      if (asking < Math.max(this.#nodes.size, this.#bootstrap.length)) void ask()
    }, SILENT_MS_MAX)
    timer.unref()
    try {
      return await promise
    } finally {
      clearInterval(timer)
    }
  }

  #learn({ brokers, clusterId, controllerId, topics }: ResponseBody<'Metadata'>, names: readonly string[] | null): void {
    this.#clusterId = clusterId
    this.#controllerId = controllerId
    const gone = new Set(this.#nodes.keys())
    for (const { nodeId, host, port } of brokers) {
      this.ensureNode(nodeId, host, port)
      gone.delete(nodeId)
    }
    for (const id of gone) {
      this.#retire(this.#nodes.get(id)!)
      this.#nodes.delete(id)
    }
    const before = this.#topics
    this.#topics = new Map()
    this.#topicErrors = new Map()
    for (const topic of topics) {
      const name = topic.name ?? ''
      if (topic.errorCode === ErrorCode.NONE) this.#topics.set(name, topicMetadata(topic, before.get(name)))
      else this.#topicErrors.set(name, topic.errorCode)
      if (topic.partitions.some(({ leaderId }) => leaderId < 0) || errorByCode(topic.errorCode).retriable) this.#isRefreshWanted = true
    }
    for (const name of names ?? []) {
      if (!this.#topics.has(name) && !this.#topicErrors.has(name)) this.#topicErrors.set(name, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    }
  }

  async #anyConnection(): Promise<Connection> {
    const known = shuffled([...this.#nodes.values()])
    const silentMs = (node: BrokerNode) => (node.ready('data') ? node.silentMs('data') : Number.MAX_SAFE_INTEGER)
    const open = known.toSorted((a, b) => silentMs(a) - silentMs(b))[0]
    if (open && silentMs(open) < SILENT_MS_MAX) return await open.connection('data')
    let lastError: unknown
    const bootstrap = known.length > 0 && !this.config.isRebootstrapping ? [] : shuffled(this.#bootstrap)
    // One that leaves others waiting is asked last: it may be frozen, and would take a whole request time-out each time.
    const silent = known.filter((node) => node.ready('data') !== null)
    for (const node of [...known.filter((node) => !silent.includes(node)), ...silent, ...bootstrap]) {
      try {
        return await node.connection('data')
      } catch (error) {
        if (this.isClosed) throw closedError('The client was closed.')
        lastError = error
      }
    }
    throw lastError ?? networkError('No broker is known.')
  }

  #warn(error: KafkaError): void {
    if (this.isClosed) return
    const now = this.clock.now()
    if (now - this.#warnedAt < WARNING_INTERVAL_MS) return
    this.#warnedAt = now
    this.logger.warn(`The metadata of the cluster cannot be fetched${isAuthenticationFailure(error) ? '' : '; trying again'}. ${error.message}`)
  }

  /** Now and then: closes connections that nobody uses, asks again who leads where a broker is silent, and lets metrics begin their next window. */
  #lookAround(): void {
    this.config.metrics.rotate(this.clock.now())
    for (const node of [...this.#nodes.values(), ...this.#bootstrap]) node.closeIdle()
    // The cluster may know that such a broker is gone long before its requests time out; then they are tried elsewhere.
    if ([...this.#nodes.values()].some((node) => node.silentMs() >= LOOK_MS)) this.requestRefresh()
  }
}

const looks = new Set<() => void>()
let lookTimer: NodeJS.Timeout | undefined

/** All clients of a thread look around together: a thread may have many of them at rest, and each time that it wakes costs more than the look. @returns what ends it. */
function everyLook(look: () => void): () => void {
  looks.add(look)
  lookTimer ??= setInterval(() => looks.forEach((each) => each()), LOOK_MS).unref()
  return () => {
    if (!looks.delete(look) || looks.size > 0) return
    clearInterval(lookTimer)
    lookTimer = undefined
  }
}

/** Metadata from a broker that lags behind must not bring back an earlier leader (KIP-320). */
export function topicMetadata(topic: ResponseBody<'Metadata'>['topics'][number], before?: TopicMetadata): TopicMetadata {
  const isSame = before?.topicId === topic.topicId
  const partitions: PartitionMetadata[] = []
  for (const partition of [...topic.partitions].sort((a, b) => a.partitionIndex - b.partitionIndex)) {
    const index = partitions.length
    if (partition.partitionIndex !== index) break
    const known = isSame ? before.partitions[index] : undefined
    if (known && known.leaderEpoch > partition.leaderEpoch && partition.leaderEpoch >= 0) partitions.push(known)
    else {
      const { leaderId, leaderEpoch, replicaNodes, isrNodes } = partition
      partitions.push({ index, leader: leaderId, leaderEpoch, replicas: replicaNodes, inSyncReplicas: isrNodes })
    }
  }
  return { name: topic.name ?? '', topicId: topic.topicId, isInternal: topic.isInternal, partitions }
}

/** The error of a topic, with its name in the message. */
export function topicError(errorCode: number, topic: string): KafkaError {
  return kafkaError(errorCode, `Topic "${topic}"`)
}

function shuffled<T>(items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, order: Math.random() }))
    .sort((a, b) => a.order - b.order)
    .map(({ item }) => item)
}
