import { ErrorCode, errorByCode, type KafkaError } from '@millrace/kafka-protocol'
import { type Clock, monotonicClock, timerMs } from '../clock.ts'
import { Cluster, topicError } from '../cluster.ts'
import type { Properties } from '../config/client-properties.ts'
import { type ConsumerConfig, consumerConfig } from '../config/consumer-config.ts'
import { asKafkaError, closedError, commitFailedError, illegalStateError, noGroupError, timeoutError } from '../errors.ts'
import { Coordinator } from '../group/coordinator.ts'
import type { Membership } from '../group/group-member.ts'
import { type FoundOffset, listOffsets, OffsetAt, type OffsetQuery } from '../list-offsets.ts'
import type { Logger } from '../logger.ts'
import type { ClientMetric } from '../metrics/metric-group.ts'
import { Signal } from '../signal.ts'
import { partitionName, type TopicPartition } from '../topic-partition.ts'
import { AssignedPartition } from './assigned-partition.ts'
import { type CommittedOffset, CommittedOffsets, type OffsetCommit } from './committed-offsets.ts'
import { type ConsumerMetrics, ConsumerRecorder } from './consumer-metrics.ts'
import { ConsumerMembership } from './consumer-membership.ts'
import { Fetcher } from './fetcher.ts'
import { type ConsumerRecords, NO_RECORDS } from './partition-records.ts'
import { PositionCheck } from './position-check.ts'
import { PositionFinder } from './position-finder.ts'
import type { RebalanceListener } from './rebalance-listener.ts'

/** What to read: topics by name, or all whose names match as a whole. */
export type Subscription = { readonly topics: readonly string[] } | { readonly pattern: RegExp }

/** Who a consumer is in its group. */
export interface GroupMetadata extends Membership {
  readonly groupId: string
  /** Of a static member (`group.instance.id`, KIP-345); null for others. */
  readonly groupInstanceId: string | null
}

export interface ConsumerOptions {
  readonly logger: Logger
  /** For tests; default the process's monotonic clock. */
  readonly clock?: Clock
  /** Called whenever member id or generation change, null when the membership ends: so that somebody else can leave the group on its behalf. Must not throw. */
  readonly membershipChanged?: (membership: GroupMetadata | null) => void
}

/** Polls that find records at once must not keep sockets and timers waiting for longer. */
const UNINTERRUPTED_MS_MAX = 10

/**
 * Reads records from Kafka, as a member of a group (`subscribe`) or from partitions of one's own choice (`assign`).
 *
 * All work happens around `poll`, which has to be called at least every `max.poll.interval.ms`. Fetching and heartbeats go on between the polls.
 * Not to be used by two callers at once; `wakeup` may be called at any time.
 *
 * @example
 * const consumer = new Consumer({ 'bootstrap.servers': 'localhost:9092', 'group.id': 'g', 'auto.offset.reset': 'earliest' }, { logger })
 * consumer.subscribe({ topics: ['orders'] }, { revoked() {}, assigned() {} })
 * for (const records of (await consumer.poll(1000)).partitions) while (records.next()) console.log(records.offset)
 * await consumer.close()
 */
export class Consumer {
  /** Counters since the consumer was made; read them at any time. */
  readonly metrics: ConsumerMetrics
  readonly #metrics: ConsumerRecorder
  readonly #config: ConsumerConfig
  readonly #logger: Logger
  readonly #clock: Clock
  readonly #cluster: Cluster
  readonly #coordinator: Coordinator | null
  readonly #offsets: CommittedOffsets | null
  readonly #fetcher: Fetcher
  readonly #finder: PositionFinder
  readonly #check: PositionCheck
  readonly #signal = new Signal()
  readonly #membershipChanged: ConsumerOptions['membershipChanged']
  #partitions: readonly AssignedPartition[] = []
  #byName = new Map<string, AssignedPartition>()
  #subscription: Subscription | null = null
  #listener: RebalanceListener = { revoked() {}, assigned() {} }
  #membership: ConsumerMembership | null = null
  /** Topics whose offsets are being asked for, and by how many calls. */
  readonly #otherTopics = new Map<string, number>()
  #hasMetadata = false
  /** Whether no poll has looked at the last metadata yet. */
  #isUpdateNew = false
  #isWokenUp = false
  #polling: Promise<ConsumerRecords> | null = null
  #refusal: KafkaError | null = null
  #closing: Promise<void> | null = null
  #autoCommitAt = Infinity
  #committing: Promise<void> | null = null
  #yieldedAt = 0

  /**
   * Connects to nothing yet.
   *
   * @param properties Java's consumer properties; see `clientKeys` for what each does.
   * @throws KafkaError `INVALID_CONFIGURATION`.
   */
  constructor(properties: Properties, { logger, clock = monotonicClock, membershipChanged }: ConsumerOptions) {
    const config = consumerConfig(properties, logger)
    this.#config = config
    this.#logger = logger
    this.#clock = clock
    this.#membershipChanged = membershipChanged
    const metrics = new ConsumerRecorder(config.metrics, { partitions: () => this.#partitions })
    this.metrics = this.#metrics = metrics
    const cluster = new Cluster({
      config,
      logger,
      clock,
      allowsAutoTopicCreation: config.allowsAutoTopicCreation,
      topics: () => this.#topicsFollowed(),
      updated: () => this.#metadataUpdated(),
      refused: (error) => {
        this.#refusal = error
        this.#signal.set()
      },
    })
    this.#cluster = cluster
    this.#coordinator = config.groupId === null ? null : new Coordinator(cluster, config.groupId)
    const { groupInstanceId, apiTimeoutMs, isReadCommitted } = config
    this.#offsets =
      this.#coordinator && new CommittedOffsets({ cluster, coordinator: this.#coordinator, clock, groupInstanceId, apiTimeoutMs, isReadCommitted })
    const partitions = () => this.#partitions
    const notify = () => this.#signal.set()
    this.#fetcher = new Fetcher({ config, cluster, clock, logger, metrics, partitions, notify })
    this.#check = new PositionCheck({ config, cluster, clock, logger, partitions, notify })
    this.#finder = new PositionFinder({ config, cluster, clock, logger, committed: this.#offsets, partitions, notify })
    if (config.isAutoCommit) this.#autoCommitAt = clock.now() + config.autoCommitIntervalMs
  }

  /**
   * Joins the group and reads what it is assigned there; both begin with the next `poll`. Replaces an earlier subscription.
   *
   * @throws KafkaError `INVALID_GROUP_ID` without `group.id`; `ILLEGAL_STATE` after `assign`.
   */
  subscribe(subscription: Subscription, listener: RebalanceListener): void {
    this.#ensureOpen()
    const coordinator = this.#coordinator
    if (!coordinator) throw noGroupError()
    if (this.#subscription === null && this.#partitions.length > 0)
      throw illegalStateError('Subscription to topics, partitions and pattern are mutually exclusive')
    this.#subscription = subscription
    this.#listener = listener
    this.#hasMetadata = false
    if (this.#membership) this.#membership.subscriptionChanged()
    else this.#membership = this.#newMembership(coordinator)
    this.#cluster.requestRefresh()
  }

  /**
   * Reads these partitions, and no others, without taking part in a group. Partitions that were assigned before keep their positions.
   *
   * @throws KafkaError `ILLEGAL_STATE` after `subscribe`.
   */
  assign(partitions: readonly TopicPartition[]): void {
    this.#ensureOpen()
    if (this.#subscription !== null) throw illegalStateError('Subscription to topics, partitions and pattern are mutually exclusive')
    this.#setAssignment(partitions)
    this.#cluster.requestRefresh()
  }

  /**
   * The next records, at most `max.poll.records`; waits for the first of them. Also the place where rebalances happen and the listener is called.
   *
   * @param timeoutMs how long to wait. 0 takes what is there.
   * @returns possibly none: after the time, after `wakeup`, or when the consumer is closed meanwhile.
   * @throws KafkaError for what does not go away by itself (missing rights, no position and no rule for it, records that cannot be read); whatever the listener throws.
   *   Polling again goes on where it stopped.
   */
  async poll(timeoutMs: number): Promise<ConsumerRecords> {
    this.#ensureOpen()
    if (this.#polling !== null) throw illegalStateError('Consumer is not safe for concurrent access: a poll is already running.')
    this.#polling = this.#metrics.polled(
      () => this.#clock.now(),
      () => this.#poll(timeoutMs),
    )
    try {
      return await this.#polling
    } finally {
      this.#polling = null
    }
  }

  /** Makes the running `poll`, or the next one, return at once with no records. */
  wakeup(): void {
    this.#isWokenUp = true
    this.#signal.set()
  }

  /** Stops handing out records of these partitions; nothing is lost. @throws KafkaError `ILLEGAL_STATE` for one that is not assigned. */
  pause(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) this.#assigned(partition).isPaused = true
  }

  /** @throws KafkaError `ILLEGAL_STATE` for a partition that is not assigned. */
  resume(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) this.#assigned(partition).isPaused = false
    this.#signal.set()
  }

  paused(): readonly TopicPartition[] {
    return this.#partitions.filter(({ isPaused }) => isPaused).map(plain)
  }

  /**
   * Continues at another offset with the next `poll`.
   *
   * @param place `leaderEpoch`: of the record before it, as committed or read; with it a truncated log is recognised. Default -1, not known.
   * @throws KafkaError `ILLEGAL_STATE` for a partition that is not assigned.
   */
  seek({ topic, partition, offset, leaderEpoch = -1 }: TopicPartition & { readonly offset: number; readonly leaderEpoch?: number }): void {
    if (offset < 0) throw illegalStateError('seek offset must not be a negative number')
    this.#assigned({ topic, partition }).seek(offset, leaderEpoch)
    this.#signal.set()
  }

  /** Continues at the beginning of the log. @throws KafkaError `ILLEGAL_STATE` for a partition that is not assigned. */
  seekToBeginning(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) this.#assigned(partition).lookUp('earliest')
    this.#signal.set()
  }

  /** Continues at the end of the log, as it is when the next `poll` asks for it. @throws KafkaError `ILLEGAL_STATE` for a partition that is not assigned. */
  seekToEnd(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) this.#assigned(partition).lookUp('latest')
    this.#signal.set()
  }

  /**
   * The offset of the next record that `poll` hands out.
   *
   * @throws KafkaError `ILLEGAL_STATE` for a partition that is not assigned; `REQUEST_TIMED_OUT` after `default.api.timeout.ms`; as `poll` for positions.
   */
  async position(partition: TopicPartition): Promise<number> {
    const assigned = this.#assigned(partition)
    const { apiTimeoutMs } = this.#config
    const deadline = this.#clock.now() + apiTimeoutMs
    while (assigned.position < 0) {
      this.#finder.search()
      await this.#finder.settled()
      if (assigned.position >= 0) break
      if (this.#clock.now() >= deadline)
        throw timeoutError(`Timeout of ${apiTimeoutMs}ms expired before the position for partition ${partitionName(partition)} could be determined`)
      await this.#cluster.pause(1)
    }
    return assigned.position
  }

  /** How many records are behind the position, by the last fetch; null while that is not known. Without waiting. */
  lag(partition: TopicPartition): number | null {
    const assigned = this.#byName.get(partitionName(partition))
    if (!assigned || assigned.endOffset < 0 || assigned.position < 0) return null
    return Math.max(0, assigned.endOffset - assigned.position)
  }

  /** What the group has committed for these partitions; those without are left out. @throws KafkaError. */
  async committed(partitions: readonly TopicPartition[]): Promise<readonly CommittedOffset[]> {
    const offsets = this.#offsets
    if (!offsets) throw noGroupError()
    return await this.#metrics.committed(
      () => this.#clock.now(),
      () => offsets.committed(partitions),
    )
  }

  /**
   * Commits offsets for the group; by default the positions of all partitions. An offset that is a position gets its leader epoch, unless another is given. Tries again within `default.api.timeout.ms`.
   *
   * @throws KafkaError `COMMIT_FAILED` if the partitions may belong to others by now; `REBALANCE_IN_PROGRESS` if the next `poll` has to come first; others as the broker says.
   */
  async commit(offsets: readonly OffsetCommit[] = this.#positions()): Promise<void> {
    if (!this.#offsets) throw noGroupError()
    if (offsets.length === 0) return
    const membership = this.#membership?.membership ?? null
    if (this.#membership && membership === null) {
      throw commitFailedError(
        'Offset commit cannot be completed since the consumer is not part of an active group for auto partition assignment; it is likely that the consumer was kicked out of the group.',
      )
    }
    this.#metrics.commits++
    const begun = this.#clock.now()
    try {
      await this.#offsets.commit(
        offsets.map((offset) => this.#withEpoch(offset)),
        membership,
      )
      this.#metrics.commitMs.record(this.#clock.now() - begun)
    } catch (error) {
      this.#metrics.commitsFailed++
      throw error
    }
  }

  /** All metrics by the names that they have in Java, as they are now. */
  readMetrics(): readonly ClientMetric[] {
    return this.#config.metrics.list(this.#clock.now())
  }

  /** The partitions that are read at present. */
  assignment(): readonly TopicPartition[] {
    return this.#partitions.map(plain)
  }

  /** Null outside a group, or while the group has not formed. */
  groupMetadata(): GroupMetadata | null {
    const membership = this.#membership?.membership
    return membership && this.#coordinator ? this.#groupMetadata(this.#coordinator, membership) : null
  }

  /**
   * For how long an answer of the group's coordinator is overdue, heartbeats being due every `heartbeat.interval.ms`: while it does not answer, or a rebalance waits
   * for other members. Milliseconds; null outside of a group, and while the group has not formed.
   */
  silentForMs(): number | null {
    if (this.#membership?.membership == null) return null
    return Math.max(0, this.#clock.now() - this.#membership.heardAt - this.#config.heartbeatIntervalMs)
  }

  /** The offset after the last record of each partition that can be read, by `isolation.level`; in the order asked for. @throws KafkaError `REQUEST_TIMED_OUT`, or as the broker says. */
  async endOffsets(partitions: readonly TopicPartition[]): Promise<readonly (TopicPartition & { readonly offset: number })[]> {
    return await this.#ends(partitions, OffsetAt.latest)
  }

  /** The first offset of each partition, in the order asked for. @throws KafkaError as `endOffsets`. */
  async beginningOffsets(partitions: readonly TopicPartition[]): Promise<readonly (TopicPartition & { readonly offset: number })[]> {
    return await this.#ends(partitions, OffsetAt.earliest)
  }

  /**
   * Gives up the partitions (the listener is told), leaves the group and ends all connections. A running `poll` returns first. A second call waits for the first.
   *
   * @param options how long giving up may take, milliseconds; default 30,000. Then the connections are ended nevertheless.
   * @throws whatever the listener throws, after everything is closed.
   */
  close({ timeoutMs = 30_000 }: { readonly timeoutMs?: number } = {}): Promise<void> {
    this.#closing ??= this.#close(timeoutMs)
    return this.#closing
  }

  /**
   * The first record of each partition at or after a time.
   *
   * @param times milliseconds since 1970.
   * @returns a partition without such a record is left out.
   * @throws KafkaError as `endOffsets`.
   */
  async offsetsForTimes(times: readonly (TopicPartition & { readonly timestamp: number })[]): Promise<readonly FoundOffset[]> {
    if (times.some(({ timestamp }) => timestamp < 0)) throw illegalStateError('The target time cannot be negative.')
    return (await this.#lookUpOffsets(times)).filter(({ offset }) => offset >= 0)
  }

  async #close(timeoutMs: number): Promise<void> {
    this.#signal.set()
    const { promise: late, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, timerMs(timeoutMs))
    try {
      await Promise.race([this.#leave(), late])
    } finally {
      clearTimeout(timer)
      await this.#cluster.close()
    }
  }

  async #leave(): Promise<void> {
    await this.#polling?.catch(() => undefined)
    await this.#committing
    const left = this.#membership ? this.#membership.close('the consumer is being closed') : this.#commitPositions()
    // Both have ended when this does, also where leaving fails.
    await Promise.allSettled([left, this.#fetcher.closeSessions()])
    await left
  }

  async #poll(timeoutMs: number): Promise<ConsumerRecords> {
    const deadline = this.#clock.now() + timeoutMs
    for (;;) {
      if (this.#isWokenUp || this.#closing !== null) {
        this.#isWokenUp = false
        return NO_RECORDS
      }
      this.#throwRefusal()
      this.#throwUpdateError()
      await this.#membership?.advance()
      this.#commitNowAndThen()
      const comeAgainAt = Math.min(this.#finder.search(), this.#check.check(), this.#fetcher.fetch())
      const records = this.#fetcher.collect(this.#config.pollRecordsMax)
      if (records.count > 0) {
        // What was just handed out makes room for the next fetch, which is under way while the records are worked on.
        this.#fetcher.fetch()
        await this.#letOthersRun(UNINTERRUPTED_MS_MAX)
        return records
      }
      const now = this.#clock.now()
      if (now >= deadline) {
        await this.#letOthersRun(0)
        return NO_RECORDS
      }
      await this.#signal.wait(Math.min(deadline, comeAgainAt, this.#autoCommitAt) - now)
      this.#yieldedAt = this.#clock.now()
    }
  }

  /** Why no broker can be reached with these settings; the next poll tries again. */
  #throwRefusal(): void {
    const refusal = this.#refusal
    if (refusal === null) return
    this.#refusal = null
    this.#cluster.requestRefresh()
    throw refusal
  }

  /** Told once for each time that the brokers say it: the next poll goes on with the other topics. */
  #throwUpdateError(): void {
    if (!this.#isUpdateNew) return
    this.#isUpdateNew = false
    const topics = new Set(this.#partitions.map(({ topic }) => topic))
    if (this.#subscription !== null && 'topics' in this.#subscription) for (const topic of this.#subscription.topics) topics.add(topic)
    this.#throwTopicError(topics)
  }

  async #letOthersRun(afterMs: number): Promise<void> {
    if (this.#clock.now() - this.#yieldedAt < afterMs) return
    await new Promise((resolve) => setImmediate(resolve))
    this.#yieldedAt = this.#clock.now()
  }

  #newMembership(coordinator: Coordinator): ConsumerMembership {
    return new ConsumerMembership({
      config: this.#config,
      cluster: this.#cluster,
      coordinator,
      clock: this.#clock,
      logger: this.#logger,
      topics: () => this.#subscribedTopics(),
      isSubscribed: (topic) => this.#isSubscribed(topic),
      listener: () => this.#listener,
      assignment: () => this.assignment(),
      setAssignment: (partitions) => this.#setAssignment(partitions),
      metrics: this.#metrics,
      beforeRevocation: () => this.#commitPositions(),
      notify: () => this.#signal.set(),
      membershipChanged: (membership) => this.#membershipChanged?.(membership && this.#groupMetadata(coordinator, membership)),
    })
  }

  #groupMetadata({ groupId }: Coordinator, membership: Membership): GroupMetadata {
    return { groupId, groupInstanceId: this.#config.groupInstanceId, ...membership }
  }

  #subscribedTopics(): readonly string[] | null {
    const subscription = this.#subscription
    if (subscription === null) return []
    if ('topics' in subscription) return subscription.topics
    if (!this.#hasMetadata) return null
    const { excludesInternalTopics } = this.#config
    return this.#cluster.topics
      .filter(({ name, isInternal }) => !(isInternal && excludesInternalTopics) && matchesWhole(subscription.pattern, name))
      .map(({ name }) => name)
  }

  #isSubscribed(topic: string): boolean {
    const subscription = this.#subscription
    if (subscription === null) return false
    return 'topics' in subscription ? subscription.topics.includes(topic) : matchesWhole(subscription.pattern, topic)
  }

  #topicsFollowed(): readonly string[] | null {
    const subscription = this.#subscription
    if (subscription !== null && 'pattern' in subscription) return null
    const topics = new Set(this.#otherTopics.keys())
    for (const { topic } of this.#partitions) topics.add(topic)
    for (const topic of subscription?.topics ?? []) topics.add(topic)
    for (const topic of this.#membership?.topicsOfGroup ?? []) topics.add(topic)
    return [...topics]
  }

  #metadataUpdated(): void {
    this.#hasMetadata = true
    this.#isUpdateNew = true
    this.#membership?.metadataUpdated()
    this.#signal.set()
  }

  #setAssignment(partitions: readonly TopicPartition[]): void {
    const before = this.#byName
    this.#byName = new Map()
    for (const place of partitions) {
      const name = partitionName(place)
      const assigned = before.get(name) ?? new AssignedPartition(place)
      if (!before.has(name) && !this.#offsets) assigned.source = 'reset'
      this.#byName.set(name, assigned)
      before.delete(name)
    }
    // An answer for one that is gone must not be taken for one that comes back.
    for (const gone of before.values()) {
      gone.lookUp('committed')
      this.#metrics.forget(gone)
    }
    this.#partitions = [...this.#byName.values()]
  }

  #assigned(partition: TopicPartition): AssignedPartition {
    const assigned = this.#byName.get(partitionName(partition))
    if (assigned) return assigned
    throw illegalStateError(`No current assignment for partition ${partitionName(partition)}`)
  }

  #positions(): OffsetCommit[] {
    return this.#partitions
      .filter(({ position }) => position >= 0)
      .map(({ topic, partition, position, positionEpoch }) => ({ topic, partition, offset: position, leaderEpoch: positionEpoch }))
  }

  /** Whoever goes on at the position can then check that it is still in the log. */
  #withEpoch(offset: OffsetCommit): OffsetCommit {
    if (offset.leaderEpoch !== undefined) return offset
    const assigned = this.#byName.get(partitionName(offset))
    return assigned?.position === offset.offset ? { ...offset, leaderEpoch: assigned.positionEpoch } : offset
  }

  /** `enable.auto.commit`: what the polls before this one have handed out. */
  #commitNowAndThen(): void {
    const now = this.#clock.now()
    if (now < this.#autoCommitAt) return
    this.#autoCommitAt = now + this.#config.autoCommitIntervalMs
    if (this.#committing !== null) return
    this.#committing = this.#commitPositions().finally(() => {
      this.#committing = null
    })
  }

  /** Never rejects. */
  async #commitPositions(): Promise<void> {
    if (!this.#config.isAutoCommit) return
    try {
      await this.commit()
    } catch (error) {
      this.#logger.warn(`Auto-commit of offsets has failed: ${asKafkaError(error).message}`)
    }
  }

  async #ends(partitions: readonly TopicPartition[], timestamp: number): Promise<readonly (TopicPartition & { readonly offset: number })[]> {
    const found = await this.#lookUpOffsets(partitions.map(({ topic, partition }) => ({ topic, partition, timestamp })))
    return found.map(({ topic, partition, offset }) => ({ topic, partition, offset }))
  }

  async #lookUpOffsets(wanted: readonly OffsetQuery[]): Promise<readonly FoundOffset[]> {
    this.#ensureOpen()
    const topics = new Set(wanted.map(({ topic }) => topic))
    for (const topic of topics) this.#otherTopics.set(topic, (this.#otherTopics.get(topic) ?? 0) + 1)
    try {
      return await this.#untilFound(wanted)
    } finally {
      for (const topic of topics) {
        const others = this.#otherTopics.get(topic)! - 1
        if (others > 0) this.#otherTopics.set(topic, others)
        else this.#otherTopics.delete(topic)
      }
    }
  }

  async #untilFound(wanted: readonly OffsetQuery[]): Promise<readonly FoundOffset[]> {
    const { apiTimeoutMs, isReadCommitted } = this.#config
    const deadline = this.#clock.now() + apiTimeoutMs
    const found = new Map<string, FoundOffset>()
    let queries = wanted
    for (let failures = 1; queries.length > 0; failures++) {
      if (queries.some(({ topic, partition }) => this.#cluster.leader(topic, partition) === null)) await this.#cluster.refresh(deadline - this.#clock.now())
      this.#throwTopicError(new Set(queries.map(({ topic }) => topic)))
      const answers = await listOffsets(this.#cluster, queries, isReadCommitted)
      for (const offset of answers.found) found.set(partitionName(offset), offset)
      const fatal = answers.failed.find(({ error }) => !error.retriable)
      if (fatal) throw fatal.error
      if (answers.failed.length === 0) break
      if (this.#clock.now() >= deadline) throw timeoutError(`Failed to get offsets by times in ${apiTimeoutMs}ms`, answers.failed[0]?.error)
      const failed = new Set(answers.failed.map(partitionName))
      queries = queries.filter((query) => failed.has(partitionName(query)))
      await this.#cluster.pause(failures)
    }
    // Brokers answer in an order of their own.
    return wanted.flatMap((query) => found.get(partitionName(query)) ?? [])
  }

  /** What is wrong with a topic that waiting will not mend, such as missing rights. */
  #throwTopicError(topics: Iterable<string>): void {
    for (const topic of topics) {
      const code = this.#cluster.topicErrorCode(topic)
      if (code !== ErrorCode.NONE && !errorByCode(code).retriable) throw topicError(code, topic)
    }
  }

  #ensureOpen(): void {
    if (this.#closing !== null) throw closedError('This consumer has already been closed.')
  }
}

function plain({ topic, partition }: AssignedPartition): TopicPartition {
  return { topic, partition }
}

/** Java patterns have to match a name as a whole. */
function matchesWhole(pattern: RegExp, name: string): boolean {
  return new RegExp(`^(?:${pattern.source})$`, pattern.flags.replace(/[gy]/g, '')).test(name)
}
