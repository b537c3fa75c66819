import { consumerProtocol, ErrorCode } from '@millrace/kafka-protocol'
import type { Clock } from '../clock.ts'
import type { Cluster } from '../cluster.ts'
import type { ConsumerConfig } from '../config/consumer-config.ts'
import { asKafkaError } from '../errors.ts'
import type { Coordinator } from '../group/coordinator.ts'
import { GroupMember, type JoinResult, type MemberMetadata, type Membership } from '../group/group-member.ts'
import type { Logger } from '../logger.ts'
import { partitionName, type TopicPartition } from '../topic-partition.ts'
import { byTopic, type LastAssignment, type ReplicaRacks, type Subscriber, type TopicsOfGroup } from './assignor.ts'
import { type AssignorName, assignors, isCooperative } from './assignors.ts'
import type { ConsumerRecorder } from './consumer-metrics.ts'
import type { RebalanceListener } from './rebalance-listener.ts'

export interface ConsumerMembershipOptions {
  readonly config: ConsumerConfig
  readonly cluster: Cluster
  readonly coordinator: Coordinator
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: ConsumerRecorder
  /** Topics to subscribe to at present; null while they are not known (a pattern before the first metadata). */
  topics(): readonly string[] | null
  /** Whether a topic is subscribed to by name or fits the pattern, known or not. */
  isSubscribed(topic: string): boolean
  listener(): RebalanceListener
  assignment(): readonly TopicPartition[]
  setAssignment(partitions: readonly TopicPartition[]): void
  /** Called before partitions are revoked. Must not reject. */
  beforeRevocation(): Promise<void>
  notify(): void
  membershipChanged(membership: Membership | null): void
}

/** A consumer's part in its group: revokes, joins, takes over what it is assigned, and as the leader shares out. */
export class ConsumerMembership {
  readonly #options: ConsumerMembershipOptions
  readonly #member: GroupMember
  /** Whether only what moves is given up, after a first round, and all else is kept and read meanwhile (KIP-429). */
  readonly #isCooperative: boolean
  readonly #lastAssignments = new Map<AssignorName, LastAssignment>()
  /** What was lost while the member joined, and the listener has not heard of yet. */
  #dropped: readonly TopicPartition[] = []
  #isJoining = false
  #outcome: { readonly result: JoinResult } | { readonly error: unknown } | null = null
  #joinedTopics: readonly string[] = []
  /** The topics of the whole group and their partitions when this member, as the leader, shared them out; null for others. */
  #sharedOut: ReadonlyMap<string, number> | null = null

  constructor(options: ConsumerMembershipOptions) {
    this.#options = options
    const { config, cluster, coordinator, clock, logger, notify, membershipChanged } = options
    this.#isCooperative = isCooperative(config.assignors)
    this.#member = new GroupMember({
      metrics: options.metrics.member,
      cluster,
      coordinator,
      clock,
      logger,
      protocolType: 'consumer',
      groupInstanceId: config.groupInstanceId,
      sessionTimeoutMs: config.sessionTimeoutMs,
      rebalanceTimeoutMs: config.pollIntervalMaxMs,
      heartbeatIntervalMs: config.heartbeatIntervalMs,
      progressIntervalMaxMs: config.pollIntervalMaxMs,
      protocols: () => this.#protocols(),
      assign: (protocol, members) => this.#assign(protocol as AssignorName, members),
      assignmentKept: async (members) => void (await this.#lookAt(members)),
      rejoinNeeded: notify,
      membershipChanged,
    })
  }

  get membership(): Membership | null {
    return this.#member.membership
  }

  /** `GroupMember.heardAt`. */
  get heardAt(): number {
    return this.#member.heardAt
  }

  /** Topics that the leader has to follow for the group. */
  get topicsOfGroup(): readonly string[] {
    return this.#sharedOut ? [...this.#sharedOut.keys()] : []
  }

  /**
   * One step, to be called in each poll: waits for the listener, but not for the group.
   *
   * @throws KafkaError for what ends the membership; whatever the listener throws.
   */
  async advance(): Promise<void> {
    this.#member.progressed()
    if (this.#dropped.length > 0) await this.#tellDropped()
    if (this.#outcome) return await this.#finishJoin()
    if (this.#isJoining) return
    const { fatalError } = this.#member
    if (fatalError) throw fatalError
    if (!this.#member.needsJoin) return
    const topics = this.#options.topics()
    if (topics === null) return this.#options.cluster.requestRefresh()
    try {
      await this.#prepareJoin(topics)
    } finally {
      this.#join(topics)
    }
  }

  /** Looks whether new metadata ask for another assignment. */
  metadataUpdated(): void {
    const topics = this.#options.topics()
    if (this.#isJoining || this.#member.membership === null || topics === null) return
    if (!isSame(topics, this.#joinedTopics)) this.#member.requestJoin('the subscribed topics have changed')
    else if (this.#hasSharedOutChanged()) this.#member.requestJoin('the partitions of the subscribed topics have changed')
  }

  /** Makes the group settle anew, for a changed subscription. */
  subscriptionChanged(): void {
    if (this.#member.membership !== null) this.#member.requestJoin('the subscription has changed')
  }

  /** Gives up the partitions, then leaves. @throws whatever the listener throws. */
  async close(reason: string): Promise<void> {
    try {
      await this.#giveUp()
    } finally {
      await this.#member.close(reason)
    }
  }

  async #prepareJoin(topics: readonly string[]): Promise<void> {
    if (!this.#isCooperative || this.#member.isLost) return await this.#giveUp()
    const unwanted = this.#options.assignment().filter(({ topic }) => !topics.includes(topic))
    if (unwanted.length > 0) await this.#revoke(unwanted)
    else await this.#options.beforeRevocation()
  }

  /** Gives up everything. */
  async #giveUp(): Promise<void> {
    const partitions = this.#options.assignment()
    if (partitions.length === 0) return
    if (!this.#member.isLost) return await this.#revoke(partitions)
    try {
      await this.#tellLost(partitions)
    } finally {
      this.#options.setAssignment([])
    }
  }

  async #revoke(partitions: readonly TopicPartition[]): Promise<void> {
    const { beforeRevocation, logger, listener, assignment, setAssignment } = this.#options
    try {
      await beforeRevocation()
      logger.info(`Revoke previously assigned partitions ${names(partitions)}`)
      await this.#timed('revokedMs', () => listener().revoked(partitions))
    } finally {
      setAssignment(without(assignment(), partitions))
    }
  }

  async #tellLost(partitions: readonly TopicPartition[]): Promise<void> {
    const listener = this.#options.listener()
    this.#options.logger.info(`Lost previously assigned partitions ${names(partitions)}`)
    await this.#timed('lostMs', () => (listener.lost ? listener.lost(partitions) : listener.revoked(partitions)))
  }

  /** Measures a call of the listener. */
  async #timed(what: 'assignedMs' | 'revokedMs' | 'lostMs', call: () => Promise<void> | void): Promise<void> {
    const { clock, metrics } = this.#options
    const begun = clock.now()
    try {
      await call()
    } finally {
      metrics[what].record(clock.now() - begun)
    }
  }

  async #tellDropped(): Promise<void> {
    const partitions = this.#dropped
    this.#dropped = []
    await this.#tellLost(partitions)
  }

  /** The member was put out of the group while it joined: what it still holds may be read by others from now on. */
  #drop(): void {
    this.#dropped = [...this.#dropped, ...this.#options.assignment()]
    this.#options.setAssignment([])
    this.#options.notify()
  }

  #join(topics: readonly string[]): void {
    this.#isJoining = true
    this.#joinedTopics = topics
    this.#member
      .join()
      .then(
        (result) => {
          this.#outcome = { result }
        },
        (error: unknown) => {
          this.#outcome = { error }
        },
      )
      .finally(() => this.#options.notify())
  }

  async #finishJoin(): Promise<void> {
    const outcome = this.#outcome!
    this.#outcome = null
    this.#isJoining = false
    if ('error' in outcome) throw asKafkaError(outcome.error)
    const { assignment, generation, protocol, isLeader } = outcome.result
    if (!isLeader) this.#sharedOut = null
    const partitions = consumerProtocol
      .decodeAssignment(assignment)
      .assignedPartitions.flatMap(({ topic, partitions }) => partitions.map((partition) => ({ topic, partition })))
    if (!partitions.every(({ topic }) => this.#options.isSubscribed(topic))) {
      // The subscription has changed since the member joined; the others can have what it no longer wants.
      this.#member.requestJoin('received assignment does not match the current subscription')
      return this.#options.notify()
    }
    const owned = this.#options.assignment()
    const moving = without(owned, partitions)
    const added = without(partitions, owned)
    this.#lastAssignments.set(protocol as AssignorName, { partitions, generation })
    try {
      // What moves is free for its new owner when this member joins again.
      if (moving.length > 0) await this.#revoke(moving)
    } finally {
      if (moving.length > 0) this.#member.requestJoin('need to revoke partitions and re-join')
      this.#options.setAssignment(partitions)
      this.#options.cluster.requestRefresh()
      this.#options.logger.info(`Adding newly assigned partitions in generation ${generation}: ${names(added) || 'none'}`)
      await this.#timed('assignedMs', () => this.#options.listener().assigned(added))
    }
  }

  #protocols(): readonly { name: string; metadata: Buffer }[] {
    const { config, topics, assignment } = this.#options
    if (this.#member.isLost && assignment().length > 0) this.#drop()
    this.#joinedTopics = topics() ?? this.#joinedTopics
    const subscription = {
      topics: this.#joinedTopics,
      ownedPartitions: byTopic(assignment()),
      generationId: this.#member.membership?.generation ?? -1,
      rackId: config.rackId,
    }
    return config.assignors.map((name) => {
      const userData = assignors[name].userData(this.#lastAssignments.get(name) ?? null)
      return { name, metadata: consumerProtocol.encodeSubscription({ ...subscription, userData }) }
    })
  }

  /** @param protocol one of those that were offered. */
  async #assign(protocol: AssignorName, members: readonly MemberMetadata[]): Promise<ReadonlyMap<string, Buffer>> {
    const { subscribers, topics } = await this.#lookAt(members)
    const shared = assignors[protocol].assign(subscribers, topics)
    return new Map([...shared].map(([memberId, assignedPartitions]) => [memberId, consumerProtocol.encodeAssignment({ assignedPartitions })]))
  }

  /** What the members want and what there is of it; from now on the leader notices when that changes. */
  async #lookAt(members: readonly MemberMetadata[]): Promise<{ readonly subscribers: readonly Subscriber[]; readonly topics: TopicsOfGroup }> {
    const subscribers = members.map(({ memberId, groupInstanceId, metadata }) => ({
      memberId,
      groupInstanceId,
      ...consumerProtocol.decodeSubscription(metadata),
    }))
    const names = [...new Set(subscribers.flatMap(({ topics }) => topics))]
    const described = await this.#options.cluster.describeTopics(names)
    const racks = new Map(described.brokers.map(({ nodeId, rack }) => [nodeId, rack]))
    const counts = new Map(names.map((name) => [name, 0]))
    const existing = new Map<string, readonly ReplicaRacks[]>()
    for (const { name, errorCode, partitions } of described.topics) {
      if (errorCode !== ErrorCode.NONE || name === null || partitions.length === 0) continue
      counts.set(name, partitions.length)
      const inOrder = [...partitions].sort((a, b) => a.partitionIndex - b.partitionIndex)
      existing.set(
        name,
        inOrder.map(({ replicaNodes }) => replicaNodes.flatMap((id) => racks.get(id) ?? [])),
      )
    }
    this.#sharedOut = counts
    this.#options.cluster.requestRefresh()
    const missing = names.filter((name) => !existing.has(name))
    if (missing.length > 0) this.#options.logger.warn(`The following subscribed topics are not assigned to any members: ${missing.join(', ')}`)
    return { subscribers, topics: existing }
  }

  #hasSharedOutChanged(): boolean {
    if (!this.#sharedOut) return false
    for (const [name, count] of this.#sharedOut) {
      const topic = this.#options.cluster.topic(name)
      // A topic that is only missing for the moment keeps its assignment.
      if (topic ? topic.partitions.length !== count : count > 0 && this.#isGone(name)) return true
    }
    return false
  }

  #isGone(name: string): boolean {
    return this.#options.cluster.topicErrorCode(name) === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
  }
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && new Set([...a, ...b]).size === a.length
}

function names(partitions: readonly TopicPartition[]): string {
  return partitions.map(partitionName).join(', ')
}

function without(partitions: readonly TopicPartition[], others: readonly TopicPartition[]): TopicPartition[] {
  const left = new Set(others.map(partitionName))
  return partitions.filter((partition) => !left.has(partitionName(partition)))
}
