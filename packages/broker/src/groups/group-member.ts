/** An assignment strategy or such that a member knows, with what it tells the leader. */
export interface MemberProtocol {
  readonly name: string
  readonly metadata: Buffer
}

/** What a member is told when the join phase is over. */
export interface JoinResult {
  readonly errorCode: number
  readonly memberId: string
  readonly generationId: number
  readonly protocolType: string | null
  readonly protocolName: string | null
  readonly leader: string
  /** The leader need not assign: the members' assignments stand (KIP-814). */
  readonly skipAssignment: boolean
  /** Of all members, for the leader; empty for the others. */
  readonly members: readonly { readonly memberId: string; readonly groupInstanceId: string | null; readonly metadata: Buffer }[]
}

/** What a member is told when the leader has assigned. */
export interface SyncResult {
  readonly errorCode: number
  readonly protocolType: string | null
  readonly protocolName: string | null
  readonly assignment: Buffer
}

export const NO_ASSIGNMENT = Buffer.alloc(0)

/** What survives a restart. */
export interface MemberSnapshot {
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly clientId: string
  readonly clientHost: string
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  /** Metadata in base64. */
  readonly protocols: readonly (readonly [name: string, metadata: string])[]
  /** In base64. */
  readonly assignment: string
}

/** One member of a group. The group changes it. */
export class GroupMember {
  memberId: string
  readonly groupInstanceId: string | null
  readonly clientId: string
  readonly clientHost: string
  sessionTimeoutMs: number
  rebalanceTimeoutMs: number
  protocols: readonly MemberProtocol[]
  assignment: Buffer = NO_ASSIGNMENT
  /** Until its first generation begins. It has no id to send heartbeats with yet, so it does not expire as others do. */
  isNew = true
  /** Ends the JoinGroup request that waits. */
  answerJoin: ((result: JoinResult) => void) | undefined
  /** Ends the SyncGroup request that waits. */
  answerSync: ((result: SyncResult) => void) | undefined
  /** Runs out when the member does not live on. */
  session: NodeJS.Timeout | undefined

  constructor(member: Pick<GroupMember, 'memberId' | 'groupInstanceId' | 'clientId' | 'clientHost' | 'sessionTimeoutMs' | 'rebalanceTimeoutMs' | 'protocols'>) {
    this.memberId = member.memberId
    this.groupInstanceId = member.groupInstanceId
    this.clientId = member.clientId
    this.clientHost = member.clientHost
    this.sessionTimeoutMs = member.sessionTimeoutMs
    this.rebalanceTimeoutMs = member.rebalanceTimeoutMs
    this.protocols = member.protocols
  }

  static fromSnapshot(snapshot: MemberSnapshot): GroupMember {
    const protocols = snapshot.protocols.map(([name, metadata]) => ({ name, metadata: Buffer.from(metadata, 'base64') }))
    const member = new GroupMember({ ...snapshot, protocols })
    member.assignment = Buffer.from(snapshot.assignment, 'base64')
    member.isNew = false
    return member
  }

  snapshot(): MemberSnapshot {
    const { memberId, groupInstanceId, clientId, clientHost, sessionTimeoutMs, rebalanceTimeoutMs } = this
    return {
      memberId,
      groupInstanceId,
      clientId,
      clientHost,
      sessionTimeoutMs,
      rebalanceTimeoutMs,
      protocols: this.protocols.map(({ name, metadata }) => [name, metadata.toString('base64')] as const),
      assignment: this.assignment.toString('base64'),
    }
  }

  /** Whether it would join with the very same protocols. */
  hasProtocols(protocols: readonly MemberProtocol[]): boolean {
    return (
      protocols.length === this.protocols.length &&
      protocols.every(({ name, metadata }, i) => name === this.protocols[i]!.name && metadata.equals(this.protocols[i]!.metadata))
    )
  }

  supports(protocolName: string): boolean {
    return this.protocols.some(({ name }) => name === protocolName)
  }

  metadata(protocolName: string | null): Buffer {
    return this.protocols.find(({ name }) => name === protocolName)?.metadata ?? NO_ASSIGNMENT
  }
}
