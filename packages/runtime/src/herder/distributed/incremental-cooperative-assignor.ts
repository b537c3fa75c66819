import type { TaskId } from '@millrace/rest-api'
import type { ConfiguredConnector } from './eager-assignor.ts'
import type { Workload } from './worker-group.ts'

/*
 * How the leader shares connectors and tasks out without stopping what need not move (KIP-415;
 * `org.apache.kafka.connect.runtime.distributed.IncrementalCooperativeAssignor`). A pure function of what the leader remembers of the last round, what the
 * members report, what is configured and the time. Work that moves is revoked in one round and given out in the next, when nobody has it any longer.
 * Members are taken in the order of their ids, so that equal input gives equal output.
 */

/** What the leader remembers between rounds. Never changes. */
export interface AssignorState {
  /** All that was given out and not taken back. */
  readonly previous: Pieces
  readonly revoked: Pieces
  /** In which generation that was; -1 before the first round. */
  readonly generation: number
  readonly members: ReadonlySet<string>
  /** Members without work that came while lost work waited for its owner: they get it. */
  readonly candidates: ReadonlySet<string>
  /** When work that waits is given out; null while none waits. */
  readonly scheduledAt: number | null
  readonly hasRevokedForBalance: boolean
  /** How often in succession work would have had to be revoked for balance again. */
  readonly revocationsInSuccession: number
}

export interface AssignorInput {
  readonly configured: readonly ConfiguredConnector[]
  /** What each member reports that it has, by its id. */
  readonly members: ReadonlyMap<string, Workload>
  /** Of the group, the last in which this leader got an assignment; -1 for none. */
  readonly generationCompleted: number
  readonly generation: number
  /** Milliseconds, of a clock that does not go back. */
  readonly now: number
  /** `scheduled.rebalance.max.delay.ms`: how long lost work waits for its owner to return. */
  readonly delayMaxMs: number
}

export interface MemberShare {
  /** What the member gets in addition. */
  readonly added: Workload
  /** What it has to give up. */
  readonly revoked: Workload
  /** What it has afterwards. */
  readonly all: Workload
}

export interface AssignorResult {
  readonly state: AssignorState
  /** By member id. */
  readonly shares: ReadonlyMap<string, MemberShare>
  /** After how many milliseconds the members have to join again; 0 for never. */
  readonly delayMs: number
}

/** Connectors by name, tasks by the names that `taskKey` gives them, each in the order in which it came. */
export interface Pieces {
  readonly connectors: ReadonlySet<string>
  readonly tasks: ReadonlySet<string>
}

const kinds = ['connectors', 'tasks'] as const
type Kind = (typeof kinds)[number]

const noPieces: Pieces = { connectors: new Set(), tasks: new Set() }

export const initialAssignorState: AssignorState = {
  previous: noPieces,
  revoked: noPieces,
  generation: -1,
  members: new Set(),
  candidates: new Set(),
  scheduledAt: null,
  hasRevokedForBalance: false,
  revocationsInSuccession: 0,
}

export function assignIncrementally(state: AssignorState, input: AssignorInput): AssignorResult {
  const configured = piecesOf({ connectors: input.configured.map(({ name }) => name), tasks: input.configured.flatMap(({ tasks }) => tasks) })
  const held = new Map([...input.members].sort(([a], [b]) => compareText(a, b)).map(([memberId, workload]) => [memberId, piecesOf(workload)]))
  const active = union(held.values())
  const previous = previousPieces(state, input.generationCompleted, active)

  const deleted = minus(previous, configured)
  const lost = sorted(minus(previous, active, deleted))
  const created = sorted(minus(configured, previous, active))
  const surplus = union([deleted, duplicates(held.values())])

  const loads: Load[] = [...held].map(([memberId, pieces]) => ({ memberId, ...minus(pieces, surplus) }))
  const revoked = new Map([...held].map(([memberId, pieces]) => [memberId, common(pieces, surplus)]))

  const waiting = handleLost(state, input, lost, loads)
  const balance = handleImbalance(waiting, input, configured, loads, revoked)

  const added = union([created, waiting.reassigned])
  for (const kind of kinds) assign(kind, added[kind], loads)

  const allRevoked = union(revoked.values())
  return {
    delayMs: balance.delayMs,
    state: {
      previous: union([minus(union(loads), allRevoked), lost]),
      revoked: allRevoked,
      generation: input.generation,
      members: new Set(held.keys()),
      candidates: waiting.candidates,
      scheduledAt: balance.scheduledAt,
      hasRevokedForBalance: balance.hasRevokedForBalance,
      revocationsInSuccession: balance.revocationsInSuccession,
    },
    shares: new Map(
      loads.map((load) => {
        const gives = revoked.get(load.memberId)!
        const kept = minus(held.get(load.memberId)!, deleted)
        return [load.memberId, { added: workloadOf(minus(load, kept)), revoked: workloadOf(gives), all: workloadOf(minus(load, gives)) }]
      }),
    ),
  }
}

/** What had been given out, as far as this leader can know. */
function previousPieces(state: AssignorState, generationCompleted: number, active: Pieces): Pieces {
  // A member that still has what it had to give up did not hear of it.
  if (!isEmpty(common(state.revoked, active))) return active
  // Its last round never reached the members, or others led since then: what it remembers says nothing.
  return state.generation === generationCompleted ? state.previous : noPieces
}

interface Load {
  readonly memberId: string
  readonly connectors: Set<string>
  readonly tasks: Set<string>
}

interface Waiting {
  readonly delayMs: number
  readonly scheduledAt: number | null
  readonly candidates: ReadonlySet<string>
  readonly hasRevokedForBalance: boolean
  readonly revocationsInSuccession: number
  /** Lost work that is given out like new work. */
  readonly reassigned: Pieces
}

/** Work that a member had and nobody reports: it waits for its owner, who may only be restarting; then it is given out. Adds to the loads of candidates. */
function handleLost(state: AssignorState, { now, delayMaxMs }: AssignorInput, lost: Pieces, loads: readonly Load[]): Waiting {
  const { scheduledAt, candidates, hasRevokedForBalance, revocationsInSuccession } = state
  const memory = { hasRevokedForBalance, revocationsInSuccession }
  const settled = { ...memory, delayMs: 0, scheduledAt: null, candidates: new Set<string>(), reassigned: noPieces }
  if (isEmpty(lost) && !hasRevokedForBalance) return settled

  const present = new Set(loads.map(({ memberId }) => memberId))
  const hasNobodyLeft = [...state.members].every((memberId) => present.has(memberId))
  if ((scheduledAt === null && hasNobodyLeft) || delayMaxMs === 0) return { ...memory, delayMs: 0, scheduledAt, candidates, reassigned: lost }

  if (scheduledAt === null || now < scheduledAt) {
    const delayMs = scheduledAt === null ? delayMaxMs : Math.min(scheduledAt - now, delayMaxMs)
    const idle = loads.filter(isEmpty).map(({ memberId }) => memberId)
    return { ...memory, delayMs, scheduledAt: now + delayMs, candidates: new Set([...candidates, ...idle]), reassigned: noPieces }
  }

  const expired = { ...settled, hasRevokedForBalance: false }
  const takers = [...candidates].flatMap((memberId) => loads.find((load) => load.memberId === memberId) ?? [])
  if (takers.length === 0) return { ...expired, reassigned: lost }
  for (const kind of kinds) [...lost[kind]].forEach((piece, i) => takers[i % takers.length]![kind].add(piece))
  return expired
}

interface Balance {
  readonly delayMs: number
  readonly scheduledAt: number | null
  readonly hasRevokedForBalance: boolean
  readonly revocationsInSuccession: number
}

/**
 * Takes work from members that have more than their share, unless work waits for its owner. A round that would have to do so again right after another one
 * waits first, longer each time: members that come and go would otherwise stop work all the time. Takes from `loads`, adds to `revoked`.
 */
function handleImbalance(
  waiting: Waiting,
  { now, delayMaxMs }: AssignorInput,
  configured: Pieces,
  loads: readonly Load[],
  revoked: Map<string, Pieces>,
): Balance {
  const { delayMs, scheduledAt, hasRevokedForBalance, revocationsInSuccession } = waiting
  if (delayMs > 0) return { delayMs, scheduledAt, hasRevokedForBalance: false, revocationsInSuccession }

  const excess = loads.every(isEmpty) || isEmpty(configured) ? new Map<string, Pieces>() : excessOf(configured, loads)
  const revoke = (): void => {
    for (const load of loads) {
      const pieces = excess.get(load.memberId) ?? noPieces
      revoked.set(load.memberId, union([revoked.get(load.memberId)!, pieces]))
      for (const kind of kinds) for (const piece of pieces[kind]) load[kind].delete(piece)
    }
  }
  if (excess.size === 0) {
    const successive = hasRevokedForBalance ? 0 : revocationsInSuccession
    return { delayMs: 0, scheduledAt, hasRevokedForBalance: false, revocationsInSuccession: successive }
  }
  if (!hasRevokedForBalance) {
    revoke()
    return { delayMs: 0, scheduledAt, hasRevokedForBalance: true, revocationsInSuccession }
  }
  const successive = revocationsInSuccession + 1
  const pauseMs = revocationPauseMs(successive, delayMaxMs)
  if (pauseMs > 0) return { delayMs: pauseMs, scheduledAt: now + pauseMs, hasRevokedForBalance: true, revocationsInSuccession: successive }
  revoke()
  return { delayMs: 0, scheduledAt, hasRevokedForBalance: true, revocationsInSuccession: successive }
}

const PAUSE_FACTOR = 40

/** 40, 1600, 64000 … milliseconds, at most `delayMaxMs`. */
function revocationPauseMs(successive: number, delayMaxMs: number): number {
  if (delayMaxMs <= 1) return delayMaxMs
  const exponent = Math.min(successive, Math.log(delayMaxMs) / Math.log(PAUSE_FACTOR))
  return Math.min(Math.trunc(PAUSE_FACTOR ** exponent), delayMaxMs)
}

/** What members have beyond their share: the quotient for all, and one more for as many as there is a remainder. Connectors and tasks on their own. */
function excessOf(configured: Pieces, loads: readonly Load[]): Map<string, Pieces> {
  const excess = new Map<string, { connectors: Set<string>; tasks: Set<string> }>()
  for (const kind of kinds) {
    const share = Math.floor(configured[kind].size / loads.length)
    let extras = configured[kind].size % loads.length
    if (isBalanced(kind, loads, share, extras)) continue
    for (const { memberId, [kind]: pieces } of loads) {
      if (pieces.size <= share) continue
      const most = extras-- > 0 ? share + 1 : share
      if (pieces.size <= most) continue
      const entry = excess.get(memberId) ?? { connectors: new Set(), tasks: new Set() }
      excess.set(memberId, { ...entry, [kind]: new Set([...pieces].slice(0, pieces.size - most)) })
    }
  }
  return excess
}

function isBalanced(kind: Kind, loads: readonly Load[], share: number, extras: number): boolean {
  const withShare = loads.filter((load) => load[kind].size === share).length
  const withExtra = loads.filter((load) => load[kind].size === share + 1).length
  return withExtra === extras && withShare + withExtra === loads.length
}

/** Gives each piece to one of those that have least at that time, in the order of their ids. */
function assign(kind: Kind, pieces: ReadonlySet<string>, loads: Load[]): void {
  if (pieces.size === 0) return
  loads.sort((a, b) => a[kind].size - b[kind].size || compareText(a.memberId, b.memberId))
  const left = [...pieces].reverse()
  while (left.length > 0) {
    const least = loads[0]![kind].size
    const above = loads.findIndex((load) => load[kind].size > least)
    for (const load of above < 0 ? loads : loads.slice(0, above)) {
      const piece = left.pop()
      if (piece === undefined) return
      load[kind].add(piece)
    }
  }
}

/** A name for a task that no other task and no connector among tasks has: the number stands after the last hyphen. */
export function taskKey({ connector, task }: TaskId): string {
  return `${connector}-${task}`
}

export function taskOfKey(key: string): TaskId {
  const end = key.lastIndexOf('-')
  return { connector: key.slice(0, end), task: Number(key.slice(end + 1)) }
}

function piecesOf({ connectors, tasks }: Workload): Pieces {
  return { connectors: new Set(connectors), tasks: new Set(tasks.map(taskKey)) }
}

function workloadOf({ connectors, tasks }: Pieces): Workload {
  return { connectors: [...connectors], tasks: [...tasks].map(taskOfKey) }
}

function isEmpty({ connectors, tasks }: Pieces): boolean {
  return connectors.size + tasks.size === 0
}

function union(all: Iterable<Pieces>): Pieces {
  const sum = { connectors: new Set<string>(), tasks: new Set<string>() }
  for (const pieces of all) for (const kind of kinds) for (const piece of pieces[kind]) sum[kind].add(piece)
  return sum
}

function minus(base: Pieces, ...others: readonly Pieces[]): { connectors: Set<string>; tasks: Set<string> } {
  const without = (kind: Kind) => new Set([...base[kind]].filter((piece) => !others.some((other) => other[kind].has(piece))))
  return { connectors: without('connectors'), tasks: without('tasks') }
}

function common(a: Pieces, b: Pieces): Pieces {
  const both = (kind: Kind) => new Set([...a[kind]].filter((piece) => b[kind].has(piece)))
  return { connectors: both('connectors'), tasks: both('tasks') }
}

function duplicates(all: Iterable<Pieces>): Pieces {
  const seen = { connectors: new Set<string>(), tasks: new Set<string>() }
  const twice = { connectors: new Set<string>(), tasks: new Set<string>() }
  for (const pieces of all) for (const kind of kinds) for (const piece of pieces[kind]) (seen[kind].has(piece) ? twice : seen)[kind].add(piece)
  return twice
}

function sorted({ connectors, tasks }: Pieces): Pieces {
  const ids = [...tasks].map(taskOfKey).sort((a, b) => compareText(a.connector, b.connector) || a.task - b.task)
  return { connectors: new Set([...connectors].sort(compareText)), tasks: new Set(ids.map(taskKey)) }
}

/** By UTF-16 code units, as Java compares strings. */
function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
