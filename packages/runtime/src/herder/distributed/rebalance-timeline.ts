import type { Logger } from '@millrace/api'
import type { RebalanceEvent, RebalanceMove } from '@millrace/rest-api'
import { taskOfKey } from './incremental-cooperative-assignor.ts'

const EVENTS_MAX = 100
const MOVES_MAX = 200
const MOVES_LOGGED_MAX = 5

/** Why did it rebalance? The last 100 rebalances, and a line of the log for each. */
export class RebalanceTimeline {
  readonly #logger: Logger
  readonly #listener: (event: RebalanceEvent) => void
  #events: readonly RebalanceEvent[] = []

  /** @param listener hears of each of them; must not throw. */
  constructor(logger: Logger, listener: (event: RebalanceEvent) => void = () => {}) {
    this.#logger = logger
    this.#listener = listener
  }

  /** The newest last. */
  get events(): readonly RebalanceEvent[] {
    return this.#events
  }

  record(event: Omit<RebalanceEvent, 'moved_count'>): void {
    const kept = { ...event, moved: event.moved.slice(0, MOVES_MAX), moved_count: event.moved.length }
    this.#events = [...this.#events, kept].slice(-EVENTS_MAX)
    this.#logger.info(lineOf(kept))
    this.#listener(kept)
  }
}

function lineOf({ generation, trigger, reason, duration_ms, leader_url, members, joined, left, moved, moved_count, delay_ms }: RebalanceEvent): string {
  const facts = [
    `Rebalance of generation ${generation} after ${duration_ms} ms; trigger: ${trigger} (${reason}); leader: ${leader_url}`,
    members === null ? '' : `workers: ${members.length}`,
    joined.length > 0 ? `joined: ${joined.join(', ')}` : '',
    left.length > 0 ? `left: ${left.join(', ')}` : '',
    moved_count > 0 ? `moved: ${movesText(moved, moved_count)}` : 'nothing moved',
    delay_ms > 0 ? `work of absent workers waits ${delay_ms} ms` : '',
  ]
  return facts.filter((fact) => fact !== '').join('; ')
}

function movesText(moved: readonly RebalanceMove[], count: number): string {
  const shown = moved.slice(0, MOVES_LOGGED_MAX).map(({ connector, task, from, to, paused_ms }) => {
    const name = task === undefined ? connector : `${connector}-${task}`
    return `${name} from ${from ?? 'nobody'} to ${to ?? 'nobody'}${paused_ms === null ? '' : ` after ${paused_ms} ms`}`
  })
  return count > shown.length ? `${shown.join(', ')} and ${count - shown.length} more` : shown.join(', ')
}

/** Who has what: connectors by name, tasks by `taskKey`, each with the REST URL of its worker. */
export interface Owners {
  readonly connectors: ReadonlyMap<string, string>
  readonly tasks: ReadonlyMap<string, string>
}

const kinds = ['connectors', 'tasks'] as const

/** What the leader knows of the work of its group from one rebalance to the next; tells how long work stood still in between. */
export class OwnershipHistory {
  #owners: Owners
  /** Since when nobody has what somebody had. */
  readonly #unownedSince = { connectors: new Map<string, number>(), tasks: new Map<string, number>() }

  /** @param owners at the beginning of a leadership, as the members report. */
  constructor(owners: Owners) {
    this.#owners = owners
  }

  get owners(): Owners {
    return this.#owners
  }

  /** @param isConfigured whether a connector or task (by its key) still exists: what was deleted no longer waits for anybody. */
  advance(owners: Owners, now: number, isConfigured: (kind: 'connectors' | 'tasks', piece: string) => boolean): readonly RebalanceMove[] {
    const moves: RebalanceMove[] = []
    for (const kind of kinds) {
      const before = this.#owners[kind]
      const after = owners[kind]
      const unownedSince = this.#unownedSince[kind]
      for (const piece of new Set([...before.keys(), ...after.keys()])) {
        const from = before.get(piece) ?? null
        const to = after.get(piece) ?? null
        if (from === to) continue
        const since = unownedSince.get(piece)
        moves.push({ ...nameOf(kind, piece), from, to, paused_ms: to !== null && since !== undefined ? Math.round(now - since) : null })
        if (to === null && isConfigured(kind, piece)) unownedSince.set(piece, now)
      }
      for (const piece of unownedSince.keys()) if (after.has(piece) || !isConfigured(kind, piece)) unownedSince.delete(piece)
    }
    this.#owners = owners
    return moves
  }
}

/** What the status topic says of a connector or task, and by which worker (`host:port`). */
export interface ReportedState {
  readonly state: string
  readonly workerId: string
}

/** How a worker went away, as far as the others can tell. */
export type Departure = 'left' | 'timed out' | 'left or timed out'

/**
 * Kafka does not tell why a member is gone. A worker that stops in order reports what it had as UNASSIGNED before it leaves; of one that was killed, frozen or cut
 * off, the last states stay. What had failed stays so in both cases.
 *
 * @param reported states of all that the worker had.
 */
export function departureOf(workerUrl: string, reported: readonly ReportedState[]): Departure {
  const workerId = workerIdOf(workerUrl)
  const states = reported.filter((report) => report.workerId === workerId && report.state !== 'FAILED').map(({ state }) => state)
  if (states.length === 0) return 'left or timed out'
  return states.every((state) => state === 'UNASSIGNED') ? 'left' : 'timed out'
}

function workerIdOf(url: string): string {
  const { protocol, hostname, port } = new URL(url)
  return `${hostname}:${port || (protocol === 'https:' ? 443 : 80)}`
}

function nameOf(kind: 'connectors' | 'tasks', piece: string): { connector: string; task?: number } {
  return kind === 'connectors' ? { connector: piece } : taskOfKey(piece)
}
