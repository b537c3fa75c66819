import { randomUUID } from 'node:crypto'
import { ErrorCode } from '@millrace/kafka-protocol'
import type { BrokerLogger } from '../broker-logger.ts'
import { GroupMember, type JoinResult, type MemberProtocol, type MemberSnapshot, NO_ASSIGNMENT, type SyncResult } from './group-member.ts'
import { type GroupEvent, type GroupState, groupStates } from './group-states.ts'
import { ownBytes } from '../own-bytes.ts'

/** A new member that never gets to a generation is removed after so long: its connection is parked, and its death cannot be seen. */
const NEW_MEMBER_TIMEOUT_MS = 5 * 60_000
/** Members that were given an id and have not come back with it. */
const PENDING_MEMBERS_MAX = 1000

export interface JoinRequest {
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly clientId: string
  readonly clientHost: string
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  readonly protocolType: string
  readonly protocols: readonly MemberProtocol[]
  readonly reason: string | null
  /** A member without an id is sent away with one first (KIP-394, version 4 and later). */
  readonly isMemberIdRequired: boolean
  /** The client understands `skipAssignment` (KIP-814, version 9 and later). */
  readonly canSkipAssignment: boolean
}

export interface SyncRequest {
  readonly generationId: number
  readonly memberId: string
  readonly groupInstanceId: string | null
  /** Null where the version does not carry it. */
  readonly protocolType: string | null
  readonly protocolName: string | null
  readonly assignments: readonly { readonly memberId: string; readonly assignment: Buffer }[]
}

/** Who acts: checked before anything is done for a member. */
export interface MemberIdentity {
  readonly memberId: string
  readonly groupInstanceId: string | null
}

/** What survives a restart. */
export interface GroupSnapshot {
  readonly groupId: string
  readonly generationId: number
  readonly protocolType: string | null
  readonly protocolName: string | null
  readonly leaderId: string | null
  /** When it became Empty or Stable. */
  readonly stateSince: number
  readonly members: readonly MemberSnapshot[]
}

export interface GroupOptions {
  readonly groupId: string
  readonly initialRebalanceDelayMs: number
  readonly sizeMax: number
  readonly clock: () => number
  readonly logger: BrokerLogger
  /** Stores the group; called when it becomes Stable or Empty, and when a static member gets a new id. @throws if that fails. */
  persist(snapshot: GroupSnapshot): void
}

/**
 * One group of the classic protocol, of any protocol type (`consumer`, `connect`): who is in it, and the rebalances that give each member its
 * assignment. A state machine by the table in `group-states.ts`:
 *
 *   JoinGroup of all members → the leader gets all of them → SyncGroup of all members; the leader's carries the assignments → Heartbeat …
 */
export class Group {
  readonly groupId: string
  readonly #options: GroupOptions
  #state: GroupState = 'Empty'
  #stateSince: number
  #generationId = 0
  #protocolType: string | null = null
  #protocolName: string | null = null
  #leaderId: string | null = null
  readonly #members = new Map<string, GroupMember>()
  /** Ids given out with MEMBER_ID_REQUIRED, with the timer after which they are forgotten. */
  readonly #pendingMembers = new Map<string, NodeJS.Timeout>()
  /** Members of the current generation that have not sent SyncGroup yet. */
  readonly #pendingSyncs = new Set<string>()
  /** The end of the join phase. */
  #joinTimer: NodeJS.Timeout | undefined
  /** The end of the wait for SyncGroup. */
  #syncTimer: NodeJS.Timeout | undefined
  /** The join phase began from Empty and waits for further members, whoever has joined. */
  #isInitialRebalance = false
  #hasNewMember = false

  constructor(options: GroupOptions) {
    this.#options = options
    this.groupId = options.groupId
    this.#stateSince = options.clock()
  }

  /** A group as it was stored. Its members have a whole session time-out to be heard of. */
  static restore(snapshot: GroupSnapshot, options: GroupOptions): Group {
    const group = new Group(options)
    group.#generationId = snapshot.generationId
    group.#protocolType = snapshot.protocolType
    group.#protocolName = snapshot.protocolName
    group.#leaderId = snapshot.leaderId
    group.#stateSince = snapshot.stateSince
    for (const memberSnapshot of snapshot.members) {
      const member = GroupMember.fromSnapshot(memberSnapshot)
      group.#members.set(member.memberId, member)
    }
    group.#state = group.#members.size > 0 ? 'Stable' : 'Empty'
    return group
  }

  /** Begins the sessions of restored members, once the broker can hear them. */
  beginSessions(): void {
    for (const member of this.#members.values()) this.#extendSession(member)
  }

  get state(): GroupState {
    return this.#state
  }
  get stateSince(): number {
    return this.#stateSince
  }
  get generationId(): number {
    return this.#generationId
  }
  /** Null before the first member. */
  get protocolType(): string | null {
    return this.#protocolType
  }
  get protocolName(): string | null {
    return this.#protocolName
  }
  get members(): Iterable<GroupMember> {
    return this.#members.values()
  }
  /** Nobody is in it or about to be. */
  get isUnused(): boolean {
    return this.#state === 'Empty' && this.#pendingMembers.size === 0
  }

  /** JoinGroup. The promise ends when the join phase does. */
  join(request: JoinRequest): JoinResult | Promise<JoinResult> {
    const { memberId, groupInstanceId } = request
    if (!this.#hasRoomFor(memberId)) {
      const member = this.#members.get(memberId)
      if (member) this.#forget(member)
      return this.#refused('', ErrorCode.GROUP_MAX_SIZE_REACHED)
    }
    if (!this.#supports(request)) return this.#refused(memberId, ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
    if (memberId === '') return this.#joinNew(request)
    if (this.#pendingMembers.has(memberId)) {
      if (groupInstanceId !== null) return this.#refused(memberId, ErrorCode.INVALID_REQUEST)
      return this.#addMember(request, memberId)
    }
    const identityError = this.identityError(request)
    if (identityError) return this.#refused(memberId, identityError)
    return this.#rejoin(request, this.#members.get(memberId)!)
  }

  /** SyncGroup. The promise ends when the leader has assigned, or the group rebalances again. */
  sync(request: SyncRequest): SyncResult | Promise<SyncResult> {
    const error = this.#syncError(request)
    if (error) return { errorCode: error, protocolType: null, protocolName: null, assignment: NO_ASSIGNMENT }
    const member = this.#members.get(request.memberId)!
    this.#pendingSyncs.delete(member.memberId)
    if (this.#pendingSyncs.size === 0) clearTimeout(this.#syncTimer)
    if (groupStates[this.#state].sync === 'answer') return this.#assignmentOf(member)
    const answered = new Promise<SyncResult>((resolve) => {
      // A request that is sent again replaces the one before.
      member.answerSync?.({ errorCode: ErrorCode.REBALANCE_IN_PROGRESS, protocolType: null, protocolName: null, assignment: NO_ASSIGNMENT })
      member.answerSync = resolve
    })
    if (member.memberId === this.#leaderId) this.#assign(request.assignments)
    return answered
  }

  /** Heartbeat: 0, or the error code that the member is told. */
  heartbeat(identity: MemberIdentity & { readonly generationId: number }): number {
    const error = this.identityError(identity) || this.#generationError(identity.generationId)
    if (error) return error
    if (this.#state !== 'Empty') this.#extendSession(this.#members.get(identity.memberId)!)
    return groupStates[this.#state].heartbeat
  }

  /** LeaveGroup of one member, by its id or, for static members, by their instance id: 0 or an error code. */
  leave({ memberId, groupInstanceId, reason }: MemberIdentity & { readonly reason: string | null }): number {
    if (this.#pendingMembers.has(memberId)) {
      this.#forgetPending(memberId)
      this.#completeJoinIfAllJoined()
      return 0
    }
    const member = groupInstanceId !== null && memberId === '' ? this.#staticMember(groupInstanceId) : this.#members.get(memberId)
    if (!member) return ErrorCode.UNKNOWN_MEMBER_ID
    if (groupInstanceId !== null && this.#staticMember(groupInstanceId) !== member) return ErrorCode.FENCED_INSTANCE_ID
    this.#removeMember(member, `the member left (${reason ?? 'not provided'})`)
    return 0
  }

  /** Whether a commit is accepted: 0 or an error code. A generation below 0 comes from clients that do not use the group's membership. */
  commitError(identity: MemberIdentity & { readonly generationId: number }): number {
    const { memberId, groupInstanceId, generationId } = identity
    if (generationId < 0 && this.#state === 'Empty') return 0
    const claimsMembership = generationId >= 0 || memberId !== '' || groupInstanceId !== null
    if (!claimsMembership) return ErrorCode.UNKNOWN_MEMBER_ID
    const error = this.identityError(identity) || this.#generationError(generationId)
    if (error) return error
    this.#extendSession(this.#members.get(memberId)!)
    return groupStates[this.#state].offsetCommit
  }

  /** As `commitError`, for offsets within a transaction: they may still come while the next generation waits for its assignment (KIP-447). */
  transactionalCommitError(identity: MemberIdentity & { readonly generationId: number }): number {
    return this.identityError(identity) || this.#generationError(identity.generationId)
  }

  /** 0 if there is such a member; static members are fenced by a newer one of the same instance id (KIP-345). */
  identityError({ memberId, groupInstanceId }: MemberIdentity): number {
    if (groupInstanceId !== null) {
      const member = this.#staticMember(groupInstanceId)
      if (!member) return ErrorCode.UNKNOWN_MEMBER_ID
      return member.memberId === memberId ? 0 : ErrorCode.FENCED_INSTANCE_ID
    }
    return this.#members.has(memberId) ? 0 : ErrorCode.UNKNOWN_MEMBER_ID
  }

  snapshot(): GroupSnapshot {
    return {
      groupId: this.groupId,
      generationId: this.#generationId,
      protocolType: this.#protocolType,
      protocolName: this.#protocolName,
      leaderId: this.#leaderId,
      stateSince: this.#stateSince,
      members: [...this.#members.values()].map((member) => member.snapshot()),
    }
  }

  /** Stops all timers. Requests that wait are not answered: their connections are closed. */
  close(): void {
    clearTimeout(this.#joinTimer)
    clearTimeout(this.#syncTimer)
    for (const member of this.#members.values()) clearTimeout(member.session)
    for (const timer of this.#pendingMembers.values()) clearTimeout(timer)
  }

  // ---- joining

  #joinNew(request: JoinRequest): JoinResult | Promise<JoinResult> {
    const { groupInstanceId, clientId } = request
    const memberId = `${groupInstanceId ?? clientId}-${randomUUID()}`
    if (groupInstanceId !== null) {
      const known = this.#staticMember(groupInstanceId)
      return known ? this.#replaceStatic(request, known, memberId) : this.#addMember(request, memberId)
    }
    if (!request.isMemberIdRequired) return this.#addMember(request, memberId)
    if (this.#pendingMembers.size >= PENDING_MEMBERS_MAX) return this.#refused('', ErrorCode.GROUP_MAX_SIZE_REACHED)
    const forget = () => {
      this.#forgetPending(memberId)
      this.#completeJoinIfAllJoined()
    }
    this.#pendingMembers.set(memberId, setTimeout(forget, request.sessionTimeoutMs).unref())
    return this.#refused(memberId, ErrorCode.MEMBER_ID_REQUIRED)
  }

  #addMember(request: JoinRequest, memberId: string): Promise<JoinResult> {
    this.#forgetPending(memberId)
    const member = new GroupMember({ ...request, memberId })
    if (this.#members.size === 0) this.#protocolType = request.protocolType
    this.#members.set(memberId, member)
    this.#leaderId ??= memberId
    this.#hasNewMember = true
    this.#extendSession(member, NEW_MEMBER_TIMEOUT_MS)
    const answered = this.#waitForJoin(member)
    this.#rebalance(`member "${memberId}" is new (${request.reason ?? 'not provided'})`)
    return answered
  }

  #rejoin(request: JoinRequest, member: GroupMember): JoinResult | Promise<JoinResult> {
    const isUnchanged = member.hasProtocols(request.protocols)
    const isLeader = member.memberId === this.#leaderId
    switch (this.#state) {
      case 'Empty':
        return this.#refused(member.memberId, ErrorCode.UNKNOWN_MEMBER_ID)
      case 'CompletingRebalance':
        // It has not got the answer of this generation.
        if (isUnchanged) return this.#joined(member, false)
        break
      case 'Stable':
        // A leader joins again to have partitions assigned anew; a follower that has not changed only missed the answer.
        if (isUnchanged && !isLeader) return this.#joined(member, false)
        break
      case 'PreparingRebalance':
        break
    }
    this.#update(member, request)
    const answered = this.#waitForJoin(member)
    this.#rebalance(`member "${member.memberId}" joins again (${request.reason ?? 'not provided'})`)
    return answered
  }

  /** A static member comes back without its id: it gets a new one and keeps its assignment (KIP-345). */
  #replaceStatic(request: JoinRequest, member: GroupMember, memberId: string): JoinResult | Promise<JoinResult> {
    const leaderBefore = this.#leaderId ?? ''
    const idBefore = member.memberId
    const fenced = ErrorCode.FENCED_INSTANCE_ID
    member.answerJoin?.(this.#refused(idBefore, fenced))
    member.answerSync?.({ errorCode: fenced, protocolType: null, protocolName: null, assignment: NO_ASSIGNMENT })
    member.answerJoin = member.answerSync = undefined
    this.#members.delete(idBefore)
    this.#pendingSyncs.delete(idBefore)
    member.memberId = memberId
    this.#members.set(memberId, member)
    if (leaderBefore === idBefore) this.#leaderId = memberId
    this.#extendSession(member)
    this.#update(member, request)

    if (this.#state === 'Stable' && this.#selectedProtocol() === this.#protocolName) {
      try {
        this.#options.persist(this.snapshot())
      } catch {
        return this.#refused('', ErrorCode.NOT_COORDINATOR)
      }
      // Clients that cannot skip the assignment must not take themselves for the leader, or they would assign.
      return request.canSkipAssignment
        ? this.#joined(member, memberId === this.#leaderId)
        : { ...this.#joined(member, false), leader: leaderBefore, members: [] }
    }
    const answered = this.#waitForJoin(member)
    this.#rebalance(`static member "${request.groupInstanceId}" came back as "${memberId}"`)
    return answered
  }

  #update(member: GroupMember, { protocols, sessionTimeoutMs, rebalanceTimeoutMs }: JoinRequest): void {
    member.protocols = protocols
    member.sessionTimeoutMs = sessionTimeoutMs
    member.rebalanceTimeoutMs = rebalanceTimeoutMs
  }

  #waitForJoin(member: GroupMember): Promise<JoinResult> {
    return new Promise((resolve) => {
      // A request that is sent again replaces the one before.
      member.answerJoin?.(this.#refused(member.memberId, ErrorCode.REBALANCE_IN_PROGRESS))
      member.answerJoin = resolve
    })
  }

  // ---- rebalancing

  /** Begins a join phase, or goes on with the one that runs. */
  #rebalance(reason: string): void {
    if (this.#state === 'PreparingRebalance') return this.#completeJoinIfAllJoined()
    this.#options.logger.debug(`Group "${this.groupId}" rebalances after generation ${this.#generationId}: ${reason}.`)
    for (const member of this.#members.values()) {
      if (this.#state === 'CompletingRebalance') member.assignment = NO_ASSIGNMENT
      this.#answerSync(member, ErrorCode.REBALANCE_IN_PROGRESS)
    }
    this.#pendingSyncs.clear()
    clearTimeout(this.#syncTimer)
    this.#isInitialRebalance = this.#state === 'Empty'
    this.#enter('membership-changed')
    if (this.#isInitialRebalance) this.#waitForFirstMembers()
    else if (this.#haveAllJoined()) this.#completeJoin()
    else this.#joinTimer = setTimeout(() => this.#completeJoin(), this.#rebalanceTimeoutMs()).unref()
  }

  /** The first members of a group mostly come shortly after each other: each one that comes extends the wait, up to the rebalance time-out. */
  #waitForFirstMembers(): void {
    const { initialRebalanceDelayMs: delayMs } = this.#options
    let leftMs = Math.max(this.#rebalanceTimeoutMs() - delayMs, 0)
    const wait = (waitMs: number) => {
      this.#hasNewMember = false
      this.#joinTimer = setTimeout(() => {
        if (!this.#hasNewMember || leftMs === 0) return this.#completeJoin()
        const nextMs = Math.min(delayMs, leftMs)
        leftMs = Math.max(leftMs - nextMs, 0)
        wait(nextMs)
      }, waitMs).unref()
    }
    // Without a delay the first member does not wait even for a turn of the event loop.
    if (delayMs === 0) this.#completeJoin()
    else wait(delayMs)
  }

  #completeJoinIfAllJoined(): void {
    if (this.#state === 'PreparingRebalance' && !this.#isInitialRebalance && this.#haveAllJoined()) this.#completeJoin()
  }

  #haveAllJoined(): boolean {
    return this.#pendingMembers.size === 0 && [...this.#members.values()].every((member) => member.answerJoin)
  }

  #completeJoin(): void {
    clearTimeout(this.#joinTimer)
    this.#isInitialRebalance = false
    for (const member of [...this.#members.values()]) {
      // Static members may be away until their session ends.
      if (!member.answerJoin && member.groupInstanceId === null) this.#forget(member)
    }
    if (this.#members.size > 0 && !this.#hasJoinedLeader()) {
      this.#joinTimer = setTimeout(() => this.#completeJoin(), this.#rebalanceTimeoutMs()).unref()
      return
    }
    this.#generationId++
    if (this.#members.size === 0) this.#becomeEmpty()
    else this.#beginGeneration()
  }

  #becomeEmpty(): void {
    this.#protocolName = null
    this.#leaderId = null
    this.#enter('abandoned')
    try {
      this.#options.persist(this.snapshot())
    } catch (error) {
      // After a crash the members of the stored generation would only have to time out.
      this.#options.logger.warn(`Group "${this.groupId}" became empty, which could not be stored: ${(error as Error).message}`)
    }
  }

  #beginGeneration(): void {
    this.#protocolName = this.#selectedProtocol()
    this.#enter('joined')
    this.#options.logger.debug(`Group "${this.groupId}" has ${this.#members.size} members in generation ${this.#generationId}.`)
    this.#pendingSyncs.clear()
    for (const member of this.#members.values()) this.#pendingSyncs.add(member.memberId)
    this.#syncTimer = setTimeout(() => this.#expireSyncs(), this.#rebalanceTimeoutMs()).unref()
    for (const member of this.#members.values()) {
      const { answerJoin } = member
      member.answerJoin = undefined
      member.isNew = false
      this.#extendSession(member)
      answerJoin?.(this.#joined(member, false))
    }
  }

  #assign(assignments: SyncRequest['assignments']): void {
    const byMember = new Map(assignments.map(({ memberId, assignment }) => [memberId, assignment]))
    for (const member of this.#members.values()) {
      // The request's buffer would stay in memory as long as the assignment.
      member.assignment = ownBytes(byMember.get(member.memberId) ?? NO_ASSIGNMENT)
    }
    this.#stateSince = this.#options.clock()
    try {
      this.#options.persist(this.snapshot())
    } catch (error) {
      this.#options.logger.warn(`The assignments of group "${this.groupId}" could not be stored: ${(error as Error).message}`)
      for (const member of this.#members.values()) this.#answerSync(member, ErrorCode.NOT_COORDINATOR)
      return this.#rebalance('the assignments could not be stored')
    }
    this.#enter('assigned')
    for (const member of this.#members.values()) this.#answerSync(member, ErrorCode.NONE)
  }

  /** Members that joined, but did not ask for their assignment in time, are taken for dead. */
  #expireSyncs(): void {
    for (const memberId of this.#pendingSyncs) {
      const member = this.#members.get(memberId)
      if (member) this.#forget(member)
    }
    this.#pendingSyncs.clear()
    this.#rebalance('members did not ask for their assignments')
  }

  #enter(event: GroupEvent): void {
    const next = groupStates[this.#state].on[event]
    if (next === null) throw new Error(`A group in the state "${this.#state}" cannot have the event "${event}".`)
    this.#state = next
    this.#stateSince = this.#options.clock()
  }

  // ---- members

  #removeMember(member: GroupMember, reason: string): void {
    this.#forget(member)
    if (this.#state === 'PreparingRebalance') this.#completeJoinIfAllJoined()
    else this.#rebalance(reason)
  }

  #forget(member: GroupMember): void {
    clearTimeout(member.session)
    this.#members.delete(member.memberId)
    this.#pendingSyncs.delete(member.memberId)
    member.answerJoin?.(this.#refused('', ErrorCode.UNKNOWN_MEMBER_ID))
    member.answerSync?.({ errorCode: ErrorCode.UNKNOWN_MEMBER_ID, protocolType: null, protocolName: null, assignment: NO_ASSIGNMENT })
    member.answerJoin = member.answerSync = undefined
    if (this.#leaderId === member.memberId) this.#leaderId = this.#members.keys().next().value ?? null
  }

  #forgetPending(memberId: string): void {
    clearTimeout(this.#pendingMembers.get(memberId))
    this.#pendingMembers.delete(memberId)
  }

  #extendSession(member: GroupMember, timeoutMs = member.sessionTimeoutMs): void {
    clearTimeout(member.session)
    member.session = setTimeout(() => this.#expireSession(member), timeoutMs).unref()
  }

  #expireSession(member: GroupMember): void {
    // It cannot send heartbeats while a request of it waits. A new one has had its time.
    if (!member.isNew && (member.answerJoin || member.answerSync)) return
    this.#options.logger.info(`Member "${member.memberId}" of group "${this.groupId}" was not heard of for ${member.sessionTimeoutMs} ms and is removed.`)
    this.#removeMember(member, `member "${member.memberId}" was not heard of`)
  }

  #staticMember(groupInstanceId: string): GroupMember | undefined {
    for (const member of this.#members.values()) if (member.groupInstanceId === groupInstanceId) return member
    return undefined
  }

  /** Whether the leader, or another member that then leads, takes part in the join phase. */
  #hasJoinedLeader(): boolean {
    if (this.#members.get(this.#leaderId ?? '')?.answerJoin) return true
    const joined = [...this.#members.values()].find((member) => member.answerJoin)
    if (joined) this.#leaderId = joined.memberId
    return joined !== undefined
  }

  // ---- rules

  #hasRoomFor(memberId: string): boolean {
    const { sizeMax } = this.#options
    const members = [...this.#members.values()]
    switch (this.#state) {
      case 'Empty':
        return true
      case 'PreparingRebalance':
        return Boolean(this.#members.get(memberId)?.answerJoin) || members.filter((member) => member.answerJoin).length < sizeMax
      case 'CompletingRebalance':
      case 'Stable':
        return this.#members.has(memberId) || members.length < sizeMax
    }
  }

  #supports({ protocolType, protocols }: JoinRequest): boolean {
    if (protocolType === '' || protocols.length === 0) return false
    if (this.#members.size === 0) return true
    const members = [...this.#members.values()]
    return protocolType === this.#protocolType && protocols.some(({ name }) => members.every((member) => member.supports(name)))
  }

  /** Of the protocols that all members know, the one that most members like best. */
  #selectedProtocol(): string | null {
    const members = [...this.#members.values()]
    const votes = new Map<string, number>()
    for (const { protocols } of members) {
      const favourite = protocols.find(({ name }) => members.every((member) => member.supports(name)))
      if (favourite) votes.set(favourite.name, (votes.get(favourite.name) ?? 0) + 1)
    }
    let selected: string | null = null
    for (const [name, count] of votes) if (selected === null || count > votes.get(selected)!) selected = name
    return selected
  }

  #rebalanceTimeoutMs(): number {
    return Math.max(0, ...[...this.#members.values()].map((member) => member.rebalanceTimeoutMs))
  }

  #generationError(generationId: number): number {
    return generationId === this.#generationId ? 0 : ErrorCode.ILLEGAL_GENERATION
  }

  #syncError({ memberId, groupInstanceId, generationId, protocolType, protocolName }: SyncRequest): number {
    const error = this.identityError({ memberId, groupInstanceId }) || this.#generationError(generationId)
    if (error) return error
    const isOther = (claimed: string | null, actual: string | null) => claimed !== null && actual !== null && claimed !== actual
    if (isOther(protocolType, this.#protocolType) || isOther(protocolName, this.#protocolName)) return ErrorCode.INCONSISTENT_GROUP_PROTOCOL
    const { sync, syncError } = groupStates[this.#state]
    return sync === 'refuse' ? syncError : 0
  }

  // ---- answers

  #joined(member: GroupMember, skipAssignment: boolean): JoinResult {
    const isLeader = member.memberId === this.#leaderId
    const members = [...this.#members.values()].map((other) => ({
      memberId: other.memberId,
      groupInstanceId: other.groupInstanceId,
      metadata: other.metadata(this.#protocolName),
    }))
    return {
      errorCode: 0,
      memberId: member.memberId,
      generationId: this.#generationId,
      protocolType: this.#protocolType,
      protocolName: this.#protocolName,
      leader: this.#leaderId ?? '',
      skipAssignment,
      members: isLeader ? members : [],
    }
  }

  #refused(memberId: string, errorCode: number): JoinResult {
    return { errorCode, memberId, generationId: -1, protocolType: null, protocolName: null, leader: '', skipAssignment: false, members: [] }
  }

  #answerSync(member: GroupMember, errorCode: number): void {
    const { answerSync } = member
    if (!answerSync) return
    member.answerSync = undefined
    this.#extendSession(member)
    answerSync(errorCode === 0 ? this.#assignmentOf(member) : { errorCode, protocolType: null, protocolName: null, assignment: NO_ASSIGNMENT })
  }

  #assignmentOf({ assignment }: GroupMember): SyncResult {
    return { errorCode: 0, protocolType: this.#protocolType, protocolName: this.#protocolName, assignment }
  }
}
