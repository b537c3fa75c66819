import type { Logger, Properties } from '@millrace/api'
import { type Clock, GroupClient, type JoinResult, type MemberMetadata, monotonicClock } from '@millrace/kafka'
import type { RebalanceTrigger } from '@millrace/rest-api'
import type { Metric } from '../../metrics/metric.ts'
import type { MetricWindows } from '../../metrics/sampled-metrics.ts'
import type { ClusterConfigSnapshot } from '../../storage/config-store.ts'
import {
  AssignmentError,
  type ConnectProtocolName,
  ConnectProtocolError,
  decodeAssignment,
  decodeWorkerState,
  encodeAssignment,
  encodeWorkerState,
  noWork,
  offeredProtocols,
  protocolVersions,
  type WorkerAssignment,
  type WorkerState,
} from './connect-protocol.ts'
import { assignEagerly, type ConfiguredConnector } from './eager-assignor.ts'
import { type AssignorState, assignIncrementally, initialAssignorState, type MemberShare, taskKey, taskOfKey } from './incremental-cooperative-assignor.ts'
import { type Departure, departureOf, OwnershipHistory, type Owners, type RebalanceTimeline, type ReportedState } from './rebalance-timeline.ts'
import { RebalanceMetrics } from './rebalance-metrics.ts'
import type { Rebalance, WorkerGroup, WorkerGroupListener, Workload } from './worker-group.ts'

export interface KafkaWorkerGroupOptions {
  /** Of an admin client for the group's cluster. */
  readonly properties: Properties
  readonly groupId: string
  /** `connect.protocol`. */
  readonly protocol: 'eager' | 'compatible' | 'sessioned'
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  readonly heartbeatIntervalMs: number
  /** `scheduled.rebalance.max.delay.ms`. */
  readonly rebalanceDelayMaxMs: number
  /** Where other workers reach this one, with a slash at the end. */
  readonly url: string
  /** The configurations as far as they have been read. */
  readonly configs: () => ClusterConfigSnapshot
  /** What the status topic says of a connector, or of a task of it; null where it says nothing. */
  readonly reportedState: (connector: string, task?: number) => ReportedState | null
  readonly listener: WorkerGroupListener
  readonly timeline: RebalanceTimeline
  /** Default: as those of `metrics.sample.window.ms` and `metrics.num.samples`. */
  readonly metricWindows?: MetricWindows
  readonly logger: Logger
  readonly clock?: Clock
}

interface JoinReason {
  readonly trigger: RebalanceTrigger
  readonly text: string
}

/** What a leader found out in the rebalance that is under way. */
interface LeaderView {
  readonly members: ReadonlyMap<string, string>
  readonly owners: Owners
  readonly configured: readonly ConfiguredConnector[]
}

/** A worker's place in the group of workers, in Kafka's classic group protocol. */
export class KafkaWorkerGroup implements WorkerGroup {
  readonly #options: KafkaWorkerGroupOptions
  readonly #clock: Clock
  readonly #client: GroupClient
  readonly #metrics: RebalanceMetrics
  #memberId = ''
  #generation = -1
  #generationCompleted = -1
  #rebalance: Rebalance | null = null
  /** All that this member reports to have, with what it was told along with it. */
  #allocation: WorkerAssignment | null = null
  #assignor: AssignorState = initialAssignorState
  #view: LeaderView | null = null
  #history: OwnershipHistory | null = null
  #members: ReadonlyMap<string, string> | null = null
  #reason: JoinReason | null = { trigger: 'start', text: 'the worker has started' }
  #stage = 'starting'

  constructor(options: KafkaWorkerGroupOptions) {
    this.#options = options
    const { properties, groupId, sessionTimeoutMs, rebalanceTimeoutMs, heartbeatIntervalMs, listener, logger, clock = monotonicClock } = options
    this.#clock = clock
    this.#metrics = new RebalanceMetrics(options.metricWindows ?? { windowMs: 30_000, samples: 2 }, clock)
    this.#client = new GroupClient({
      properties,
      groupId,
      describe: (group) =>
        group
          .gauge('assigned-connectors', () => this.#rebalance?.assigned.connectors.length ?? 0)
          .gauge('assigned-tasks', () => this.#rebalance?.assigned.tasks.length ?? 0),
      clock,
      logger,
      protocolType: 'connect',
      groupInstanceId: null,
      sessionTimeoutMs,
      rebalanceTimeoutMs,
      heartbeatIntervalMs,
      // What was revoked stands still until the next rebalance, of which a worker hears by a heartbeat.
      settlingMs: 2 * heartbeatIntervalMs,
      progressIntervalMaxMs: rebalanceTimeoutMs,
      // Before the coordinator can have ended the session: nobody else starts what this worker has while it still runs here.
      silenceMaxMs: sessionTimeoutMs,
      protocols: () => this.#protocols(),
      assign: (protocol, members) => this.#assign(protocol as ConnectProtocolName, members),
      rejoinNeeded: () => listener.rejoinNeeded(),
      membershipChanged: (membership) => {
        this.#memberId = membership?.memberId ?? ''
        this.#generation = membership?.generation ?? -1
      },
      membershipLost: (reason) => this.#lost(reason),
      stuckWarning: () => this.#stuckWarning(),
    })
  }

  get needsJoin(): boolean {
    return this.#rebalance === null || this.#client.member.needsJoin
  }

  get leaseMs(): number {
    const { sessionTimeoutMs } = this.#options
    const { member } = this.#client
    if (this.#rebalance === null) return 0
    // The coordinator waits for a member that joins as long as it takes, and hears no heartbeats of it.
    return member.isJoining ? sessionTimeoutMs : member.heardAt + sessionTimeoutMs - this.#clock.now()
  }

  get rebalance(): Rebalance | null {
    return this.#rebalance
  }

  async join(): Promise<Rebalance> {
    const startedAt = this.#clock.now()
    const { logger, groupId } = this.#options
    logger.info(`Rebalance of group "${groupId}" started${this.#reason === null ? '' : `: ${this.#reason.text}`}`)
    this.#view = null
    this.#metrics.started()
    const joined = await this.#client.member.join()
    const version = versionOf(joined.protocol)
    const received = this.#receive(joined)
    const isLeader = joined.isLeader
    this.#allocation = version === protocolVersions.default ? received : merged(received, this.#allocation)
    this.#generationCompleted = joined.generation
    this.#rebalance = {
      generation: joined.generation,
      memberId: joined.memberId,
      leaderId: received.leaderId,
      isLeader,
      leaderUrl: received.leaderUrl,
      configOffset: received.configOffset,
      isConfigMismatch: received.error !== AssignmentError.none,
      revoked: received.revoked,
      assigned: this.#allocation.assigned,
      delayMs: received.delayMs,
      protocolVersion: version,
    }
    this.#record(this.#rebalance, received, startedAt)
    this.#metrics.completed(this.#rebalance)
    // Others led: what this worker remembers of its own leadership is out of date.
    if (!isLeader) this.#forgetLeadership()
    this.#reason = null
    if (this.#rebalance.isConfigMismatch) this.requestJoin('the configurations of the workers differ')
    return this.#rebalance
  }

  /** Of the group and its connections, under the names of the original. */
  readMetrics(): readonly Metric[] {
    return [...this.#client.readMetrics(), ...this.#metrics.list()]
  }

  requestJoin(reason: string, trigger: RebalanceTrigger = 'configuration'): void {
    this.#reason = { trigger, text: reason }
    this.#client.member.requestJoin(reason)
  }

  progressed(stage: string): void {
    this.#stage = stage
    this.#client.member.progressed()
  }

  revocationDone(): void {
    if (this.#allocation !== null) this.#allocation = { ...this.#allocation, revoked: noWork }
    this.requestJoin('what was revoked has stopped', 'revocation')
  }

  dropAssignment(): void {
    this.#allocation = null
    this.requestJoin('the worker has given up all that it had')
  }

  ownerUrl(connector: string, task?: number): string | null {
    if (this.needsJoin || this.#rebalance?.isLeader !== true || this.#view === null) return null
    const { connectors, tasks } = this.#view.owners
    return (task === undefined ? connectors.get(connector) : tasks.get(taskKey({ connector, task }))) ?? null
  }

  async leave(reason: string): Promise<void> {
    this.#rebalance = null
    this.#allocation = null
    this.#forgetLeadership()
    this.#reason = { trigger: 'start', text: 'the worker comes back' }
    await this.#client.member.leave(reason)
  }

  async close(): Promise<void> {
    this.#rebalance = null
    await this.#client.close('the worker stops')
  }

  #protocols(): readonly { name: string; metadata: Buffer }[] {
    const state: WorkerState = { url: this.#options.url, configOffset: this.#options.configs().offset, allocation: this.#allocation }
    return offeredProtocols[this.#options.protocol].map((name) => ({ name, metadata: encodeWorkerState(protocolVersions[name], state) }))
  }

  #receive({ assignment, memberId }: JoinResult): WorkerAssignment {
    try {
      if (assignment.length === 0) throw new ConnectProtocolError(`The leader of group "${this.#options.groupId}" has left out member ${memberId}.`)
      return decodeAssignment(assignment)
    } catch (error) {
      this.requestJoin('the assignment cannot be read', 'group')
      throw error
    }
  }

  /** As the leader. Never rejects but for bytes that are no member's state. */
  #assign(protocol: ConnectProtocolName, members: readonly MemberMetadata[]): ReadonlyMap<string, Buffer> {
    const version = versionOf(protocol)
    const states = new Map(members.map(({ memberId, metadata }) => [memberId, decodeWorkerState(metadata)]))
    const snapshot = this.#options.configs()
    const configOffset = Math.max(...[...states.values()].map((state) => state.configOffset))
    const isMismatch = snapshot.offset < configOffset
    if (isMismatch)
      this.#options.logger.info(
        `This worker leads the group, but has read the config topic only up to ${snapshot.offset}, and another up to ${configOffset}: nothing is given out until it has caught up.`,
      )
    const shared = isMismatch ? { shares: new Map<string, MemberShare>(), delayMs: 0 } : this.#share(version, states, snapshot)
    const common = {
      error: isMismatch ? AssignmentError.configMismatch : AssignmentError.none,
      leaderId: this.#memberId,
      leaderUrl: this.#options.url,
      configOffset: isMismatch ? configOffset : snapshot.offset,
      delayMs: shared.delayMs,
    }
    return new Map(
      [...states.keys()].map((memberId) => {
        const { added = noWork, revoked = noWork } = shared.shares.get(memberId) ?? {}
        return [memberId, encodeAssignment(version, { ...common, assigned: added, revoked })]
      }),
    )
  }

  #share(
    version: number,
    states: ReadonlyMap<string, WorkerState>,
    snapshot: ClusterConfigSnapshot,
  ): { shares: ReadonlyMap<string, MemberShare>; delayMs: number } {
    const configured = snapshot.connectors().map((name) => ({ name, tasks: snapshot.tasks(name) }))
    const held = new Map([...states].map(([memberId, { allocation }]) => [memberId, allocation?.assigned ?? noWork]))
    const members = new Map([...states].map(([memberId, { url }]) => [memberId, url]))
    this.#history ??= new OwnershipHistory(ownersOf(held, members))
    if (version === protocolVersions.default) {
      const shares = [...assignEagerly([...states.keys()], configured)].map(([id, all]) => [id, { added: all, revoked: noWork, all }] as const)
      this.#view = { members, configured, owners: ownersOf(new Map(shares.map(([id, { all }]) => [id, all])), members) }
      return { shares: new Map(shares), delayMs: 0 }
    }
    const result = assignIncrementally(this.#assignor, {
      configured,
      members: held,
      generationCompleted: this.#generationCompleted,
      generation: this.#generation,
      now: Math.floor(this.#clock.now()),
      delayMaxMs: this.#options.rebalanceDelayMaxMs,
    })
    this.#assignor = result.state
    this.#view = { members, configured, owners: ownersOf(new Map([...result.shares].map(([id, { all }]) => [id, all])), members) }
    return result
  }

  /**
   * Out of the group: the herder stops everything. What this worker had is claimed at the next join as long as nobody else can have been given it, so that
   * it need not wait for its former owner; beyond that time, or where this worker led, a claim would only stop the work of its new owner.
   */
  #lost(reason: string): void {
    const silentMs = this.#clock.now() - this.#client.member.heardAt
    const mayBeElsewhere = this.#rebalance?.isLeader !== false || silentMs >= this.#options.rebalanceDelayMaxMs
    if (mayBeElsewhere) this.#allocation = null
    this.#rebalance = null
    this.#forgetLeadership()
    this.#reason = { trigger: 'time-out', text: reason }
    this.#options.listener.membershipLost(reason)
  }

  #forgetLeadership(): void {
    this.#assignor = initialAssignorState
    this.#view = null
    this.#history = null
    this.#members = null
  }

  #record(rebalance: Rebalance, received: WorkerAssignment, startedAt: number): void {
    const now = this.#clock.now()
    const { generation, isLeader, leaderUrl, delayMs } = rebalance
    const view = isLeader ? this.#view : null
    const before = this.#members
    const joined = view === null || before === null ? [] : namesOf(view.members, before)
    const left = view === null || before === null ? [] : namesOf(before, view.members)
    const departures = left.map((url) => ({ url, how: this.#departureOf(url) }))
    const moved = view === null ? this.#ownMoves(received) : this.#history!.advance(view.owners, now, isConfigured(view.configured))
    if (view !== null) this.#members = view.members
    const { trigger, text } = this.#reasonOf(joined, departures)
    this.#options.timeline.record({
      at: new Date().toISOString(),
      generation,
      trigger,
      reason: text,
      duration_ms: Math.round(now - startedAt),
      leader_url: leaderUrl,
      is_leader: isLeader,
      members: view === null ? null : [...view.members.values()],
      joined,
      left,
      moved,
      delay_ms: delayMs,
    })
  }

  /** As the leader, before the history goes on. */
  #departureOf(url: string): Departure {
    const { reportedState } = this.#options
    const { connectors, tasks } = this.#history!.owners
    const ofConnectors = piecesOf(connectors, url).map((connector) => reportedState(connector))
    const ofTasks = piecesOf(tasks, url).map((key) => {
      const { connector, task } = taskOfKey(key)
      return reportedState(connector, task)
    })
    return departureOf(
      url,
      [...ofConnectors, ...ofTasks].filter((report) => report !== null),
    )
  }

  #reasonOf(joined: readonly string[], departures: readonly { readonly url: string; readonly how: Departure }[]): JoinReason {
    if (departures.length > 0) {
      const trigger = departures.some(({ how }) => how === 'timed out') ? 'time-out' : 'leave'
      return { trigger, text: departures.map(({ url, how }) => `${how}: ${url}`).join(', ') }
    }
    if (joined.length > 0) return { trigger: 'join', text: `joined: ${joined.join(', ')}` }
    return this.#reason ?? { trigger: 'group', text: 'the group asked for it' }
  }

  #ownMoves({ assigned, revoked }: WorkerAssignment) {
    const { url } = this.#options
    const moves = ({ connectors, tasks }: Workload, from: string | null, to: string | null) =>
      [...connectors.map((connector) => ({ connector })), ...tasks].map((piece) => ({ ...piece, from, to, paused_ms: null }))
    return [...moves(revoked, url, null), ...moves(assigned, null, url)]
  }

  #stuckWarning(): string {
    const { groupId, rebalanceTimeoutMs } = this.#options
    return (
      `The worker has not attended to group "${groupId}" for ${rebalanceTimeoutMs} ms (rebalance.timeout.ms) and leaves it until it does. ` +
      `What it was last seen to do: ${this.#stage}.`
    )
  }
}

function versionOf(protocol: string): number {
  return protocolVersions[protocol as ConnectProtocolName]
}

/** What the member has from now on: what is new, then what it keeps. */
function merged(received: WorkerAssignment, kept: WorkerAssignment | null): WorkerAssignment {
  if (kept === null) return received
  const revokedConnectors = new Set(received.revoked.connectors)
  const revokedTasks = new Set(received.revoked.tasks.map(taskKey))
  const connectors = [...received.assigned.connectors, ...kept.assigned.connectors.filter((connector) => !revokedConnectors.has(connector))]
  const tasks = [...received.assigned.tasks, ...kept.assigned.tasks.filter((id) => !revokedTasks.has(taskKey(id)))]
  const uniqueTasks = new Map(tasks.map((id) => [taskKey(id), id]))
  return { ...received, assigned: { connectors: [...new Set(connectors)], tasks: [...uniqueTasks.values()] } }
}

function ownersOf(work: ReadonlyMap<string, Workload>, urls: ReadonlyMap<string, string>): Owners {
  const connectors = new Map<string, string>()
  const tasks = new Map<string, string>()
  for (const [memberId, workload] of work) {
    const url = urls.get(memberId) ?? ''
    for (const connector of workload.connectors) connectors.set(connector, url)
    for (const id of workload.tasks) tasks.set(taskKey(id), url)
  }
  return { connectors, tasks }
}

/** The URLs of those that are in `some` and not in `others`, by member id: a worker that was restarted has left and joined. */
function namesOf(some: ReadonlyMap<string, string>, others: ReadonlyMap<string, string>): readonly string[] {
  return [...some].filter(([memberId]) => !others.has(memberId)).map(([, url]) => url)
}

function piecesOf(owners: ReadonlyMap<string, string>, url: string): readonly string[] {
  return [...owners].filter(([, owner]) => owner === url).map(([piece]) => piece)
}

function isConfigured(configured: readonly ConfiguredConnector[]): (kind: 'connectors' | 'tasks', piece: string) => boolean {
  const connectors = new Set(configured.map(({ name }) => name))
  const tasks = new Set(configured.flatMap(({ tasks }) => tasks.map(taskKey)))
  return (kind, piece) => (kind === 'connectors' ? connectors : tasks).has(piece)
}
