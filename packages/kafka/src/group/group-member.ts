import { ErrorCode, errorByCode, type KafkaError, kafkaError, type ResponseBody } from '@millrace/kafka-protocol'
import { type Clock, timerMs } from '../clock.ts'
import type { Cluster } from '../cluster.ts'
import { asKafkaError, closedError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import type { Coordinator } from './coordinator.ts'
import { MemberMetrics } from './member-metrics.ts'

/** One way of sharing the work that a member can take part in; the group settles on one that all members know. */
export interface GroupProtocol {
  readonly name: string
  /** What the leader gets to see of the member. */
  readonly metadata: Buffer
}

/** A member as the leader sees it. */
export interface MemberMetadata {
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly metadata: Buffer
}

/** Who the member is at present; its partitions and commits are valid for this generation only. */
export interface Membership {
  readonly memberId: string
  /** -1 until the group has formed. */
  readonly generation: number
}

/** What came out of a rebalance. */
export interface JoinResult extends Membership {
  readonly protocol: string
  readonly leaderId: string
  readonly isLeader: boolean
  readonly assignment: Buffer
}

export interface GroupMemberOptions {
  readonly cluster: Cluster
  readonly coordinator: Coordinator
  readonly clock: Clock
  readonly logger: Logger
  /** Where the member counts what it does; default nowhere. */
  readonly metrics?: MemberMetrics
  /** `consumer` for consumers, `connect` for workers. */
  readonly protocolType: string
  readonly groupInstanceId: string | null
  /** Without a heartbeat for so long the coordinator takes the member for dead. Milliseconds. */
  readonly sessionTimeoutMs: number
  /** How long the others wait in a rebalance for this member to join. Milliseconds. */
  readonly rebalanceTimeoutMs: number
  readonly heartbeatIntervalMs: number
  /**
   * For how long after a rebalance another one is expected, as where work is given up in one and shared out in the next: meanwhile the member looks every
   * `SETTLING_INTERVAL_MS`. Milliseconds; default 0.
   */
  readonly settlingMs?: number
  /** When the owner has not called `progressed` for so long, the member leaves. Milliseconds; Infinity for never. */
  readonly progressIntervalMaxMs: number
  /** What to offer, asked for at each attempt to join. */
  protocols(): readonly GroupProtocol[]
  /** Called for the leader: the assignment of each member, by its id. Members that are left out get an empty one. */
  assign(protocol: string, members: readonly MemberMetadata[]): Promise<ReadonlyMap<string, Buffer>> | ReadonlyMap<string, Buffer>
  /** Called instead for a leader that has come back as the static member that it was: all keep what they have (KIP-814). It has to watch over the group again. */
  assignmentKept?(members: readonly MemberMetadata[]): Promise<void>
  /** Called when there is something for the owner to do: the group rebalances, or the membership is lost. Must not throw. */
  rejoinNeeded(): void
  /** Called whenever member id or generation change; null when the member is none any more. Must not throw. */
  membershipChanged?(membership: Membership | null): void
  /**
   * For how long no coordinator may have answered before the member counts itself out of the group: others may have been given what it had. Counted from when
   * the last answered heartbeat was sent. Milliseconds; default: a member that is not answered goes on as if nothing had happened.
   */
  readonly silenceMaxMs?: number
  /** Called when the member was put out of the group, counts itself out, or leaves because its owner hangs. Must not throw. */
  membershipLost?(reason: string): void
  /** What to log when the owner has not called `progressed` for too long. Default: the advice for a consumer. */
  stuckWarning?(): string
}

const JOIN_GRACE_MS = 5_000

/** Between two heartbeats while another rebalance is expected. Milliseconds. */
const SETTLING_INTERVAL_MS = 250

/**
 * A member of a group in the classic protocol, of any protocol type.
 *
 * The owner decides when: it looks at `needsJoin`, gives up what it has to give up, then calls `join`. Between joins the member sends heartbeats.
 * What the coordinator says about the group is only noted and told by `rejoinNeeded`; nothing else happens by itself.
 */
export class GroupMember {
  readonly #options: GroupMemberOptions
  readonly #metrics: MemberMetrics
  #memberId = ''
  #generation = -1
  #needsJoin = true
  #isLost = false
  #isJoining = false
  #isClosed = false
  #fatal: KafkaError | null = null
  #progressedAt: number
  #heartbeatTimer: NodeJS.Timeout | undefined
  #isBeating = false
  #rejoinReason: string | null = null
  /** Whether `join` is under way. */
  get isJoining(): boolean {
    return this.#isJoining
  }

  /** When the last rebalance ended. */
  #settledAt = -Infinity
  /** When the last request was sent that the coordinator has answered. */
  #heardAt: number
  /** Since when requests fail; null while they are answered. */
  #silentSince: number | null = null

  constructor(options: GroupMemberOptions) {
    this.#options = options
    this.#metrics = options.metrics ?? new MemberMetrics()
    this.#progressedAt = options.clock.now()
    this.#heardAt = this.#progressedAt
  }

  /** Whether the group wants this member to join, for the first time or again. */
  get needsJoin(): boolean {
    return this.#needsJoin
  }

  /** Whether what the member had may already belong to others: it was put out of the group. Until the next join. */
  get isLost(): boolean {
    return this.#isLost
  }

  /** Null while the member is not in a generation of the group. */
  get membership(): Membership | null {
    return this.#generation < 0 ? null : { memberId: this.#memberId, generation: this.#generation }
  }

  /** When the last request was sent that the coordinator has answered, by the client's clock. */
  get heardAt(): number {
    return this.#heardAt
  }

  /** What ends the membership for good, such as missing rights; thrown by `join`, too. */
  get fatalError(): KafkaError | null {
    return this.#fatal
  }

  /** To be called by the owner in each round of its loop. */
  progressed(): void {
    this.#progressedAt = this.#options.clock.now()
  }

  /** Makes the member join again, e.g. because its subscription has changed. @param reason is shown in the coordinator's log. */
  requestJoin(reason: string): void {
    this.#rejoinReason = reason
    this.#wantJoin()
  }

  /**
   * Joins and waits for the assignment: until all other members have joined, which may take the longest rebalance time-out among them. Retries whatever can be
   * retried. Not to be called again before it has ended.
   *
   * @throws KafkaError that is not retriable; `CLIENT_CLOSED`; a retriable one where no coordinator has answered for `silenceMaxMs`.
   */
  async join(): Promise<JoinResult> {
    this.#isJoining = true
    this.#stopHeartbeats()
    const begun = this.#options.clock.now()
    try {
      for (let failures = 0; ; ) {
        if (this.#isClosed) throw closedError('The member has left the group.')
        if (this.#fatal) throw this.#fatal
        this.#needsJoin = false
        const attemptedAt = this.#options.clock.now()
        const result = await this.#attempt().catch((error: unknown) => this.#joinFailure(asKafkaError(error), attemptedAt))
        if (result === 'again') failures = 0
        else if (result === 'later') await this.#options.cluster.pause(++failures)
        else return this.#settled(result, begun)
      }
    } catch (error) {
      if (!this.#isClosed) this.#needsJoin = true
      this.#metrics.rebalancesFailed++
      throw error
    } finally {
      this.#isJoining = false
      // A heartbeat before the assignment is there would be refused.
      if (this.#generation >= 0) this.#scheduleHeartbeat()
    }
  }

  #settled(result: JoinResult, begun: number): JoinResult {
    const now = this.#options.clock.now()
    this.#settledAt = now
    this.#metrics.rebalances++
    this.#metrics.lastRebalanceAt = now
    this.#metrics.rebalanceMs.record(now - begun)
    return result
  }

  /** Leaves the group, so that the others need not wait for the session to time out. A static member stays in it (KIP-345). Never rejects. */
  async leave(reason: string): Promise<void> {
    this.#stopHeartbeats()
    const { groupInstanceId, cluster, coordinator, logger } = this.#options
    const memberId = this.#memberId
    this.#reset()
    if (memberId === '' || groupInstanceId !== null) return
    logger.info(`Member ${memberId} leaves group "${coordinator.groupId}": ${reason}`)
    try {
      await leave(cluster, coordinator, memberId, reason)
    } catch (error) {
      logger.debug(`Leaving group "${coordinator.groupId}" has failed.`, error)
    }
  }

  /** Leaves and stays away. */
  async close(reason: string): Promise<void> {
    this.#isClosed = true
    await this.leave(reason)
  }

  async #attempt(): Promise<JoinResult | 'again' | 'later'> {
    const { coordinator, protocolType, groupInstanceId, sessionTimeoutMs, rebalanceTimeoutMs, protocols, logger } = this.#options
    const { groupId } = coordinator
    const sentAt = this.#options.clock.now()
    const joined = await coordinator.request(
      'coordinator',
      'JoinGroup',
      (version) => ({
        groupId,
        sessionTimeoutMs,
        rebalanceTimeoutMs,
        memberId: this.#memberId,
        ...(version >= 5 ? { groupInstanceId } : {}),
        protocolType,
        protocols: protocols(),
        reason: this.#rejoinReason,
      }),
      rebalanceTimeoutMs + JOIN_GRACE_MS,
    )
    this.#heard(sentAt)
    this.#metrics.joinMs.record(this.#options.clock.now() - sentAt)
    if (joined.errorCode === ErrorCode.MEMBER_ID_REQUIRED) {
      this.#become(joined.memberId, -1)
      return 'again'
    }
    if (joined.errorCode !== ErrorCode.NONE) {
      const setting = joined.errorCode === ErrorCode.INVALID_SESSION_TIMEOUT ? ` with session.timeout.ms=${sessionTimeoutMs}` : ''
      return this.#refused(joined.errorCode, `Joining group "${groupId}"${setting}`)
    }
    if (this.#isClosed) {
      this.#memberId = joined.memberId
      await this.leave('the consumer was closed')
      throw closedError('The member has left the group.')
    }
    this.#become(joined.memberId, joined.generationId)
    logger.debug(`Joined group "${groupId}" as ${joined.memberId} in generation ${joined.generationId}.`)
    return await this.#sync(joined)
  }

  async #sync(joined: ResponseBody<'JoinGroup'>): Promise<JoinResult | 'again' | 'later'> {
    const { coordinator, protocolType, groupInstanceId, rebalanceTimeoutMs, assign, assignmentKept } = this.#options
    const { groupId } = coordinator
    const { memberId, generationId, leader, protocolName, members, skipAssignment } = joined
    const isLeader = memberId === leader
    const protocol = protocolName ?? ''
    const assignments = isLeader && !skipAssignment ? await assign(protocol, members) : new Map<string, Buffer>()
    if (isLeader && skipAssignment) await assignmentKept?.(members)
    const sentAt = this.#options.clock.now()
    const synced = await coordinator.request(
      'coordinator',
      'SyncGroup',
      (version) => ({
        groupId,
        generationId,
        memberId,
        ...(version >= 3 ? { groupInstanceId } : {}),
        protocolType,
        protocolName,
        assignments: [...assignments].map(([memberId, assignment]) => ({ memberId, assignment })),
      }),
      rebalanceTimeoutMs + JOIN_GRACE_MS,
    )
    this.#metrics.syncMs.record(this.#options.clock.now() - sentAt)
    if (synced.errorCode !== ErrorCode.NONE) return this.#refused(synced.errorCode, `Synchronizing with group "${groupId}"`)
    this.#isLost = false
    this.#heard(sentAt)
    this.#rejoinReason = null
    this.progressed()
    return { memberId, generation: generationId, protocol, leaderId: leader, isLeader, assignment: synced.assignment }
  }

  /** What a refusal means for joining. @throws KafkaError for what cannot be retried. */
  #refused(errorCode: number, context: string): 'again' | 'later' {
    const { coordinator, logger } = this.#options
    logger.debug(`${context}: ${errorByCode(errorCode).name}`)
    if (coordinator.isLost(errorCode)) return 'later'
    switch (errorCode) {
      case ErrorCode.UNKNOWN_MEMBER_ID:
      case ErrorCode.ILLEGAL_GENERATION:
        this.#lose(errorCode)
        return 'again'
      case ErrorCode.REBALANCE_IN_PROGRESS:
        return 'again'
      case ErrorCode.COORDINATOR_LOAD_IN_PROGRESS:
        return 'later'
    }
    const error = kafkaError(errorCode, context)
    if (error.retriable) return 'later'
    this.#fatal = error
    throw error
  }

  /** A request that was not answered. @throws KafkaError for what cannot be retried. */
  #joinFailure(error: KafkaError, attemptedAt: number): 'later' {
    if (!error.retriable || this.#isClosed) throw error
    const { clock } = this.#options
    // A request that waits for the other members is not answered for long; only one that was never answered, or whose connection broke, says something.
    this.#silentSince ??= error.code === 'REQUEST_TIMED_OUT' ? attemptedAt : clock.now()
    if (this.#isSilent()) {
      this.#countOut()
      throw error
    }
    this.#options.logger.debug(`Joining group "${this.#options.coordinator.groupId}" has failed; trying again.`, error)
    return 'later'
  }

  #become(memberId: string, generation: number): void {
    this.#memberId = memberId
    this.#generation = generation
    this.#options.membershipChanged?.({ memberId, generation })
  }

  /** A member that is only late keeps its id: with a new one, the others would wait for the old one until its session is over. */
  #lose(errorCode: number): void {
    this.#isLost = true
    const wasMember = this.#generation >= 0
    if (errorCode === ErrorCode.ILLEGAL_GENERATION) this.#become(this.#memberId, -1)
    else this.#reset()
    if (wasMember) this.#options.membershipLost?.(`the group no longer knows the member (${errorByCode(errorCode).name})`)
  }

  #heard(sentAt: number): void {
    this.#heardAt = sentAt
    this.#silentSince = null
  }

  #isSilent(): boolean {
    const { silenceMaxMs = Infinity, clock } = this.#options
    return this.#silentSince !== null && clock.now() - this.#silentSince >= silenceMaxMs
  }

  /** The id is kept: the coordinator may still know it. */
  #countOut(): void {
    const wasMember = this.#generation >= 0
    const silentMs = Math.round(this.#options.clock.now() - (this.#silentSince ?? this.#heardAt))
    this.#silentSince = null
    if (!wasMember) return
    this.#isLost = true
    this.#become(this.#memberId, -1)
    this.#options.membershipLost?.(`no coordinator has answered for ${silentMs} ms`)
  }

  #reset(): void {
    this.#memberId = ''
    this.#generation = -1
    this.#options.membershipChanged?.(null)
  }

  #wantJoin(): void {
    if (this.#needsJoin || this.#isClosed) return
    this.#needsJoin = true
    this.#options.rejoinNeeded()
  }

  #scheduleHeartbeat(): void {
    this.#stopHeartbeats()
    if (this.#isClosed) return
    const { heartbeatIntervalMs, settlingMs = 0, clock } = this.#options
    const isSettling = clock.now() - this.#settledAt < settlingMs
    const intervalMs = isSettling ? Math.min(SETTLING_INTERVAL_MS, heartbeatIntervalMs) : heartbeatIntervalMs
    this.#heartbeatTimer = setTimeout(() => void this.#beat(), timerMs(Math.min(intervalMs, this.#silenceLeftMs())))
    // Whoever waits for work has sockets and timers of his own; a heartbeat alone is no reason to live.
    this.#heartbeatTimer.unref()
  }

  #stopHeartbeats(): void {
    clearTimeout(this.#heartbeatTimer)
    this.#heartbeatTimer = undefined
  }

  /** Never rejects. */
  async #beat(): Promise<void> {
    if (this.#isBeating || this.#isJoining || this.#generation < 0) return
    this.#isBeating = true
    try {
      if (this.#options.clock.now() - this.#progressedAt > this.#options.progressIntervalMaxMs) await this.#leaveAsStuck()
      else if (this.#silenceLeftMs() <= 0) this.#loseContact()
      else await this.#sendHeartbeat()
    } catch (error) {
      this.#options.logger.debug(`A heartbeat to group "${this.#options.coordinator.groupId}" has failed.`, error)
      if (this.#generation >= 0 && !this.#isJoining) this.#silentSince ??= this.#heardAt
      if (this.#silenceLeftMs() <= 0 && this.#generation >= 0 && !this.#isJoining) this.#loseContact()
    } finally {
      this.#isBeating = false
      if (!this.#isJoining && this.#generation >= 0) this.#scheduleHeartbeat()
    }
  }

  /** How long the coordinator may still be silent. */
  #silenceLeftMs(): number {
    const { silenceMaxMs = Infinity, clock } = this.#options
    return this.#heardAt + silenceMaxMs - clock.now()
  }

  #loseContact(): void {
    this.#silentSince ??= this.#heardAt
    this.#options.logger.warn(`No coordinator of group "${this.#options.coordinator.groupId}" answers; the member counts itself out.`)
    this.#options.coordinator.forget()
    this.#countOut()
    this.#wantJoin()
  }

  async #leaveAsStuck(): Promise<void> {
    const { logger, coordinator, progressIntervalMaxMs, stuckWarning } = this.#options
    logger.warn(
      stuckWarning?.() ??
        `The time between two polls of group "${coordinator.groupId}" was longer than the configured max.poll.interval.ms of ${progressIntervalMaxMs} ms: handling the records takes too long. ` +
          'Raise max.poll.interval.ms or lower max.poll.records. The member leaves the group until the next poll.',
    )
    this.#isLost = true
    this.#options.membershipLost?.(`the member has not been attended to for ${progressIntervalMaxMs} ms`)
    await this.leave('consumer poll timeout has expired.')
    this.#wantJoin()
  }

  async #sendHeartbeat(): Promise<void> {
    const { coordinator, groupInstanceId, sessionTimeoutMs } = this.#options
    const { groupId } = coordinator
    const generationId = this.#generation
    const body = { groupId, generationId, memberId: this.#memberId }
    const sentAt = this.#options.clock.now()
    const { errorCode } = await coordinator.request(
      'coordinator',
      'Heartbeat',
      (version) => (version >= 3 ? { ...body, groupInstanceId } : body),
      Math.min(sessionTimeoutMs, Math.max(1, this.#silenceLeftMs())),
    )
    this.#metrics.lastHeartbeatAt = this.#options.clock.now()
    this.#metrics.heartbeatMs.record(this.#metrics.lastHeartbeatAt - sentAt)
    // An answer to an earlier generation, or one that a join has overtaken, says nothing about this one.
    if (this.#generation !== generationId || this.#isJoining) return
    if (errorCode === ErrorCode.NONE || errorCode === ErrorCode.REBALANCE_IN_PROGRESS) this.#heard(sentAt)
    if (errorCode === ErrorCode.NONE) return
    this.#heartbeatRefused(errorCode)
  }

  #heartbeatRefused(errorCode: number): void {
    const { coordinator, logger } = this.#options
    if (coordinator.isLost(errorCode)) return
    switch (errorCode) {
      case ErrorCode.REBALANCE_IN_PROGRESS:
        return this.#wantJoin()
      case ErrorCode.UNKNOWN_MEMBER_ID:
      case ErrorCode.ILLEGAL_GENERATION:
        logger.info(`Group "${coordinator.groupId}" no longer knows the member (${errorByCode(errorCode).name}); joining again.`)
        this.#lose(errorCode)
        return this.#wantJoin()
    }
    const error = kafkaError(errorCode, `Heartbeat to group "${coordinator.groupId}"`)
    if (error.retriable) return
    this.#fatal = error
    this.#options.rejoinNeeded()
  }
}

/** Without leaving the others wait until the session is over; but nobody who closes wants to wait for a coordinator that does not come back. */
const LEAVE_ATTEMPTS_MAX = 5

/** Takes a member out of its group; one that is already gone is no error. @throws KafkaError after some attempts. */
export async function leave(cluster: Cluster, coordinator: Coordinator, memberId: string, reason: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await attemptToLeave(coordinator, memberId, reason)
    } catch (error) {
      if (!asKafkaError(error).retriable || attempt >= LEAVE_ATTEMPTS_MAX) throw error
      await cluster.pause(attempt)
    }
  }
}

async function attemptToLeave(coordinator: Coordinator, memberId: string, reason: string): Promise<void> {
  const { groupId } = coordinator
  const answer = await coordinator.request('data', 'LeaveGroup', (version) =>
    version >= 3 ? { groupId, members: [{ memberId, reason }] } : { groupId, memberId },
  )
  const errorCode = answer.errorCode || (answer.members[0]?.errorCode ?? ErrorCode.NONE)
  coordinator.isLost(errorCode)
  // Already gone is what was wanted.
  if (errorCode !== ErrorCode.NONE && errorCode !== ErrorCode.UNKNOWN_MEMBER_ID) throw kafkaError(errorCode, `Leaving group "${groupId}"`)
}
