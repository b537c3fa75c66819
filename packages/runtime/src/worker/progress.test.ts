import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { TaskActivity } from '@millrace/rest-api'
import { Random } from '@millrace/testing'
import type { ActivityFacts, ProgressSnapshot, TaskCall } from '../thread/messages.ts'
import { activityOf, nothingTold, type ProgressMemory, ratesOf, remember } from './progress.ts'

const TIMEOUT_MS = 300_000
const LOOK_MS = 10_000
const HOUR_MS = 3_600_000
const WALL_MS = Date.UTC(2026, 0, 1)

const RUNNING: ActivityFacts = {
  phase: 'running',
  phaseForMs: 60_000,
  calls: [],
  retry: null,
  batch: null,
  readForMs: 100,
  group: null,
  silentForMs: 0,
  delivered: 0,
  hasBacklog: null,
  assigned: null,
  pausedByTask: 0,
}

function snapshot(
  facts: Partial<ActivityFacts>,
  more: { lag?: number | null; read?: number; written?: number; stages?: Record<string, number> } = {},
): ProgressSnapshot {
  const nothing = nothingTold()
  return {
    ...nothing,
    ledger: { ...nothing.ledger, read: more.read ?? 0, written: more.written ?? 0 },
    stage_time_ms: more.stages ?? {},
    lag: more.lag ?? null,
    facts: { ...RUNNING, ...facts },
  }
}

/** Looks at each of these, `LOOK_MS` apart. */
function seen(...snapshots: readonly ProgressSnapshot[]): ProgressMemory {
  let memory: ProgressMemory | null = null
  for (const [index, each] of snapshots.entries()) memory = remember(memory, { nowMs: 1_000_000 + index * LOOK_MS, snapshot: each }, TIMEOUT_MS)
  return memory!
}

function activity(memory: ProgressMemory, circumstances: Partial<Parameters<typeof activityOf>[1]> = {}): TaskActivity {
  return activityOf(memory, { nowMs: memory.look.nowMs, wallMs: WALL_MS, timeoutMs: TIMEOUT_MS, held: null, end: null, ...circumstances })
}

describe('what a task does', () => {
  it('is told from its calls, with where the time goes', () => {
    const going = seen(
      snapshot({ readForMs: 10 }, { read: 100, stages: { poll: 0, put: 0 } }),
      snapshot({ readForMs: 10 }, { read: 600, written: 500, stages: { poll: 600, put: 9_400 } }),
    )
    assert.deepEqual({ ...activity(going), since: '' }, { state: 'running', since: '', detail: 'Of its time 94 % in put, 6 % in poll' })
    assert.deepEqual(ratesOf(seen(snapshot({ phase: 'paused' }, { read: 100 }), snapshot({}, { read: 600, written: 500 }))), {
      read_per_second: 50,
      written_per_second: 50,
    })
  })

  it('is idle where nothing is read, with the reason', () => {
    assert.deepEqual(activity(seen(snapshot({ readForMs: 5_000 }))), { state: 'idle', since: '2025-12-31T23:59:55.000Z', detail: 'Nothing to read' })
    assert.match(activity(seen(snapshot({ readForMs: null, assigned: 0, group: { isMember: true, forMs: 1 } }))).detail, /^No partition is assigned/)
  })

  it('is retrying, with cause and next try', () => {
    const retry = { attempt: 3, cause: 'connect ECONNREFUSED', forMs: 7_000, nextInMs: 1_000 }
    assert.deepEqual(activity(seen(snapshot({ retry }, { lag: 5 }))), {
      state: 'retrying',
      since: '2025-12-31T23:59:53.000Z',
      detail: 'Failed 3 times in a row: connect ECONNREFUSED; next try at 2026-01-01T00:00:01.000Z',
      retry: { attempt: 3, cause: 'connect ECONNREFUSED', next_at: '2026-01-01T00:00:01.000Z' },
    })
  })

  it('is blocked where a call or Kafka takes its time, and waits for a batch where the sink says so', () => {
    assert.equal(activity(seen(snapshot({ calls: [{ call: 'put', forMs: 5_000 }] }))).detail, 'In put() for 5 s')
    assert.match(activity(seen(snapshot({ calls: [{ call: 'room', forMs: 400_000 }] }))).detail, /^Kafka takes no more/)
    const batch = { records: 3, of: 500, untilMs: WALL_MS + 5_000, forMs: 1_000 }
    assert.deepEqual(activity(seen(snapshot({ batch, readForMs: 900 }))), {
      state: 'waiting_for_batch',
      since: '2025-12-31T23:59:59.000Z',
      detail: '3 of 500 records, until 2026-01-01T00:00:05.000Z',
      batch: { records: 3, of: 500, until: '2026-01-01T00:00:05.000Z' },
    })
  })

  it('is blocked where Kafka does not answer, which is no lack of records', () => {
    const silent = activity(seen(snapshot({ silentForMs: 4_000, group: { isMember: true, forMs: 9 }, readForMs: 60_000 })))
    assert.equal(silent.state, 'blocked')
    assert.match(silent.detail, /^Kafka owes its group an answer for 4 s/)
    const unanswered = snapshot({ readForMs: 60_000 }, { read: 5 })
    const sent = { ...unanswered, ledger: { ...unanswered.ledger, in_flight: 5 } }
    assert.equal(activity(seen(sent)).state, 'idle')
    assert.deepEqual([activity(seen(sent, sent)).state, activity(seen(sent, sent)).detail], ['blocked', 'Kafka has acknowledged none of 5 records for 10 s'])
    assert.equal(activity(seen(sent, sent, unanswered)).state, 'idle')
  })

  it('is paused, starting, failed and stopped as it is', () => {
    assert.equal(activity(seen(snapshot({ phase: 'paused' }, { lag: 10 }))).state, 'paused')
    assert.match(activity(seen(snapshot({ phase: 'starting', calls: [{ call: 'start', forMs: 4_000 }] }))).detail, /^In start\(\) for 4 s/)
    assert.equal(activity(seen(snapshot({ phase: 'ended' })), { end: 'failed' }).state, 'failed')
    assert.equal(activity(seen(snapshot({ phase: 'ended' })), { end: 'stopped' }).state, 'stopped')
  })

  it('is blocked, then stalled, where a synchronous call holds the thread, which a neighbour of it is not', () => {
    const memory = seen(snapshot({}))
    assert.equal(activity(memory, { held: { call: 'put', forMs: 10_000, isByItself: true } }).state, 'blocked')
    assert.equal(activity(memory, { held: { call: 'put', forMs: TIMEOUT_MS, isByItself: true } }).stall?.call, 'put')
    assert.equal(activity(memory, { held: { call: 'put', forMs: TIMEOUT_MS, isByItself: false } }).state, 'blocked')
  })
})

describe('a stall', () => {
  it('is a call that has not returned, but not a poll of a source that has nothing', () => {
    const calls = [{ call: 'poll' as const, forMs: TIMEOUT_MS }]
    assert.deepEqual(activity(seen(snapshot({ calls }))).stall, { reason: 'call', call: 'poll', for_ms: TIMEOUT_MS })
    assert.equal(activity(seen(snapshot({ calls, hasBacklog: false, readForMs: null }))).state, 'idle')
    assert.equal(activity(seen(snapshot({ calls, readForMs: null, phaseForMs: TIMEOUT_MS })), { timeoutMs: 0 }).detail, 'Nothing to read: in poll() for 5 min')
    assert.equal(activity(seen(snapshot({ calls, hasBacklog: true })), { timeoutMs: 0 }).state, 'blocked')
  })

  it('is a lag without progress for all that time', () => {
    const looks = Array.from({ length: 32 }, () => snapshot({ readForMs: 900_000, assigned: 1, group: { isMember: true, forMs: 900_000 } }, { lag: 7 }))
    assert.equal(activity(seen(...looks.slice(0, 30))).state, 'running')
    assert.deepEqual(activity(seen(...looks.slice(0, 31))).stall, { reason: 'lag', for_ms: TIMEOUT_MS })
    const moved = snapshot({ readForMs: 10, assigned: 1 }, { lag: 7, read: 1 })
    assert.equal(activity(seen(...looks.slice(0, 31), moved)).state, 'running')
  })

  it('is a source that says that it has more and yields nothing for all that time', () => {
    const looks = Array.from({ length: 31 }, () => snapshot({ readForMs: 900_000, hasBacklog: true }))
    assert.equal(activity(seen(...looks)).stall?.reason, 'backlog')
  })

  it('is not concluded from looks with a gap between them', () => {
    const stuck = snapshot({ readForMs: 900_000, assigned: 1 }, { lag: 7 })
    let memory = remember(null, { nowMs: 0, snapshot: stuck }, TIMEOUT_MS)
    memory = remember(memory, { nowMs: TIMEOUT_MS, snapshot: stuck }, TIMEOUT_MS)
    assert.equal(activity(memory).state, 'running')
  })
})

// ─── an hour of all sorts of tasks ───────────────────────────────────────────────────────────────

/** A task whose facts are known at any time of a simulated hour. */
interface SimulatedTask {
  /** What its thread would tell. Called with times that grow. */
  at(nowMs: number): ProgressSnapshot
}

type Segment = { readonly kind: 'poll' | 'put' | 'preCommit' | 'rebalance' | 'paused' | 'retry'; readonly endMs: number; readonly startMs: number }

/** Reads what arrives by chance; each call within its limits; rebalances, pauses and retries in between. */
class SimulatedSink implements SimulatedTask {
  readonly #random: Random
  readonly #arrivalsPerSecond: number
  readonly #slowness: number
  #segment: Segment = { kind: 'poll', startMs: 0, endMs: 0 }
  #arrived = 0
  #arrivedAtMs = 0
  #read = 0
  #delivered = 0
  #written = 0
  #readAtMs: number | null = null
  #assigned = 3
  /** When something last happened. */
  progressAtMs = 0
  /** From then on `put` does not return. */
  hangsFromMs = Infinity
  /** From then on nothing is read, whatever there is. */
  starvesFromMs = Infinity

  constructor(random: Random, { isQuiet }: { readonly isQuiet: boolean }) {
    this.#random = random
    this.#arrivalsPerSecond = isQuiet ? random.next() / 600 : random.next() * 100
    this.#slowness = random.next() * 0.9 * TIMEOUT_MS
  }

  at(nowMs: number): ProgressSnapshot {
    while (this.#segment.endMs <= nowMs) this.#next()
    this.#arrive(nowMs)
    const { kind, startMs } = this.#segment
    const call: TaskCall | null = kind === 'put' || kind === 'preCommit' ? kind : null
    return snapshot(
      {
        phase: kind === 'paused' ? 'paused' : 'running',
        phaseForMs: nowMs,
        calls: call === null ? [] : [{ call, forMs: nowMs - startMs }],
        retry: kind === 'retry' ? { attempt: 1, cause: 'no', forMs: nowMs - startMs, nextInMs: 1_000 } : null,
        readForMs: this.#readAtMs === null ? null : nowMs - this.#readAtMs,
        group: { isMember: kind !== 'rebalance', forMs: nowMs - startMs },
        delivered: this.#delivered,
        assigned: this.#assigned,
      },
      { read: this.#read, written: this.#written, lag: this.#assigned === 0 ? null : this.#arrived - this.#read },
    )
  }

  #next(): void {
    const { kind, endMs } = this.#segment
    this.#arrive(endMs)
    if (kind === 'poll') this.#poll(endMs)
    if (kind === 'put') this.#delivered = this.#read
    if (kind === 'preCommit' && this.#written !== this.#delivered) {
      this.#written = this.#delivered
      this.progressAtMs = endMs
    }
    if (kind === 'put') this.progressAtMs = endMs
    if (kind === 'rebalance') this.#assigned = this.#random.integer(0, 3)
    this.#segment = { startMs: endMs, ...this.#following(kind, endMs) }
  }

  #poll(nowMs: number): void {
    if (nowMs >= this.starvesFromMs || this.#assigned === 0) return
    const count = Math.min(500, this.#arrived - this.#read)
    if (count > 0) this.#readAtMs = this.progressAtMs = nowMs
    this.#read += count
  }

  #following(kind: Segment['kind'], nowMs: number): Pick<Segment, 'kind' | 'endMs'> {
    const random = this.#random
    if (nowMs >= this.hangsFromMs && kind === 'poll') return { kind: 'put', endMs: Infinity }
    if (kind === 'poll' && this.#read > this.#delivered) return { kind: 'put', endMs: nowMs + 1 + random.next() * this.#slowness }
    if (Math.min(this.hangsFromMs, this.starvesFromMs) === Infinity) {
      const chance = random.next()
      if (chance < 0.01) return { kind: 'paused', endMs: nowMs + random.next() * 4 * TIMEOUT_MS }
      if (chance < 0.02) return { kind: 'retry', endMs: nowMs + random.next() * 4 * TIMEOUT_MS }
      if (chance < 0.04) return { kind: 'rebalance', endMs: nowMs + random.next() * 60_000 }
    }
    if (kind !== 'preCommit' && random.next() < 0.1) return { kind: 'preCommit', endMs: nowMs + 1 + random.next() * this.#slowness }
    return { kind: 'poll', endMs: nowMs + 100 + random.next() * 4_900 }
  }

  #arrive(nowMs: number): void {
    const expected = ((nowMs - this.#arrivedAtMs) / 1000) * this.#arrivalsPerSecond
    this.#arrivedAtMs = nowMs
    this.#arrived += Math.floor(expected) + (this.#random.next() < expected % 1 ? 1 : 0)
  }
}

/** Quiet for long, in short polls or, where it says that there is nothing, in long ones. */
class SimulatedSource implements SimulatedTask {
  readonly #random: Random
  readonly #tells: boolean
  #pollSinceMs = 0
  #pollEndMs = 0
  #read = 0
  #readAtMs: number | null = null
  #hasBacklog = false
  progressAtMs = 0
  isStuckFromMs = Infinity

  constructor(random: Random, { tells }: { readonly tells: boolean }) {
    this.#random = random
    this.#tells = tells
  }

  at(nowMs: number): ProgressSnapshot {
    while (this.#pollEndMs <= nowMs) this.#poll()
    const isStuck = nowMs >= this.isStuckFromMs
    return snapshot(
      {
        phaseForMs: nowMs,
        calls: [{ call: 'poll', forMs: nowMs - this.#pollSinceMs }],
        readForMs: this.#readAtMs === null ? null : nowMs - this.#readAtMs,
        hasBacklog: this.#tells ? isStuck || this.#hasBacklog : null,
      },
      { read: this.#read },
    )
  }

  #poll(): void {
    const random = this.#random
    const endMs = this.#pollEndMs
    if (random.next() < 0.05 && endMs < this.isStuckFromMs) {
      this.#read += random.integer(1, 500)
      this.#readAtMs = this.progressAtMs = endMs
    }
    this.#pollSinceMs = endMs
    this.#hasBacklog = random.next() < 0.1
    // Where there is more it comes within the time-out; where there is none and it says so, it may take any time.
    const longMs = this.#tells && !this.#hasBacklog && endMs < this.isStuckFromMs ? 4 * TIMEOUT_MS : 1_000
    this.#pollEndMs = endMs + 10 + random.next() * longMs
  }
}

/** Looks at a task for an hour. @returns when it was first called stalled, or null. */
function firstStall(task: SimulatedTask, random: Random): { atMs: number; detail: string } | null {
  let memory: ProgressMemory | null = null
  for (let nowMs = 0; nowMs < HOUR_MS; nowMs += LOOK_MS * (0.5 + random.next())) {
    memory = remember(memory, { nowMs, snapshot: task.at(nowMs) }, TIMEOUT_MS)
    const { state, detail } = activityOf(memory, { nowMs, wallMs: WALL_MS + nowMs, timeoutMs: TIMEOUT_MS, held: null, end: null })
    if (state === 'stalled') return { atMs: nowMs, detail }
  }
  return null
}

describe('in an hour of looks', () => {
  const random = new Random()
  const seed = `MILLRACE_SEED=${random.seed}`

  it('no quiet source, no slow sink within its limits, no rebalance, pause or retry is called a stall', () => {
    for (let count = 0; count < 150; count++) {
      const tasks = [
        new SimulatedSink(random, { isQuiet: true }),
        new SimulatedSink(random, { isQuiet: false }),
        new SimulatedSource(random, { tells: true }),
        new SimulatedSource(random, { tells: false }),
      ]
      for (const task of tasks) assert.equal(firstStall(task, random), null, seed)
    }
  })

  it('no real stall is missed, and none is told before its time', () => {
    for (let count = 0; count < 100; count++) {
      const fromMs = random.next() * (HOUR_MS / 3)
      const hanging = new SimulatedSink(random, { isQuiet: false })
      hanging.hangsFromMs = fromMs
      const starving = new SimulatedSink(random, { isQuiet: false })
      starving.starvesFromMs = fromMs
      const silent = new SimulatedSource(random, { tells: true })
      silent.isStuckFromMs = fromMs
      for (const task of [hanging, starving, silent]) {
        const stall = firstStall(task, random)
        assert.ok(stall !== null, `${task.constructor.name}, ${seed}`)
        assert.ok(stall.atMs >= task.progressAtMs + TIMEOUT_MS * 0.99, `${task.constructor.name} at ${stall.atMs}: ${stall.detail}, ${seed}`)
      }
    }
  })
})
