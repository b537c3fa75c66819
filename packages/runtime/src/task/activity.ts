import { diagnosisOf } from '../errors/diagnosis.ts'
import { causesOf } from '../errors/failure.ts'
import type { ActivityFacts, TaskCall } from '../thread/messages.ts'
import type { Occupancy } from './occupancy.ts'

/** Causes followed at most. */
const CHAIN_MAX = 16

interface Retry {
  readonly attempt: number
  readonly error: unknown
  readonly sinceMs: number
  /** Null: at once. */
  readonly nextAtMs: number | null
}

/** What a sink says of the batch that it gathers. */
export interface GatheredBatch {
  readonly records: number
  readonly of: number
  /** Milliseconds since the epoch, or null. */
  readonly untilMs: number | null
}

export interface ActivityOptions {
  /** Milliseconds that only grow. Default: `performance.now`. */
  readonly now?: () => number
  /** Takes secrets out of what is told. Default: there are none. */
  readonly mask?: (text: string) => string
}

/**
 * What a task does just now: noted by its loop in a few assignments per batch, read when somebody asks. Nothing is decided here: that a task is idle, blocked or
 * stalled is concluded by the main thread (`worker/progress.ts`), which also sees a thread that does not answer.
 */
export class Activity {
  readonly #occupancy: Occupancy
  readonly #now: () => number
  readonly #mask: (text: string) => string
  #phase: ActivityFacts['phase'] = 'starting'
  #phaseSinceMs: number
  /** When each call began; 0: it is not under way. Calls of different names may overlap: a source's `commit` runs beside its `poll`. */
  readonly #calls = new Map<TaskCall, number>()
  #retry: Retry | null = null
  #batch: (GatheredBatch & { readonly sinceMs: number }) | null = null
  #group: { readonly isMember: boolean; readonly sinceMs: number } | null = null
  #readAtMs: number | null = null
  #delivered = 0
  #thrown: { readonly call: TaskCall; readonly error: unknown } | null = null

  constructor(occupancy: Occupancy, { now = () => performance.now(), mask = (text) => text }: ActivityOptions = {}) {
    this.#occupancy = occupancy
    this.#now = now
    this.#mask = mask
    this.#phaseSinceMs = now()
  }

  // ─── noted by the loop ───

  enter(phase: ActivityFacts['phase']): void {
    if (phase === this.#phase) return
    this.#phase = phase
    this.#phaseSinceMs = this.#now()
  }

  /** Calls foreign code, marked for as long as it runs synchronously, and noted until what it returned is settled. */
  during<T>(call: TaskCall, code: () => T | Promise<T>): T | Promise<T> {
    this.#calls.set(call, this.#now())
    let result: T | Promise<T>
    try {
      result = this.#occupancy.during(call, code)
    } catch (error) {
      this.#calls.set(call, 0)
      this.#thrown = { call, error }
      throw error
    }
    if (result instanceof Promise) return this.#settled(call, result)
    this.#calls.set(call, 0)
    return result
  }

  /** For code that is marked: waits for what a call returned, with the mark taken off. */
  async awaiting<T>(call: TaskCall, promise: Promise<T>): Promise<T> {
    this.#calls.set(call, this.#now())
    try {
      return await this.#occupancy.whileWaiting(promise)
    } finally {
      this.#calls.set(call, 0)
    }
  }

  /** A batch with records was read. */
  hasRead(): void {
    this.#readAtMs = this.#now()
  }

  /** `put` took records. */
  hasDelivered(count: number): void {
    this.#delivered += count
  }

  /**
   * Something failed and will be tried again.
   * @param attempt how often it has failed in a row. @param delayMs until the next try; null: at once, or nobody knows.
   */
  retries(attempt: number, error: unknown, delayMs: number | null): void {
    const nowMs = this.#now()
    const sinceMs = this.#retry?.sinceMs ?? nowMs
    this.#retry = { attempt, error, sinceMs, nextAtMs: delayMs === null ? null : nowMs + delayMs }
  }

  /** As `retries`, where nobody else counts: what is retried has failed once more in a row. */
  failedAgain(error: unknown, delayMs: number | null): void {
    this.retries((this.#retry?.attempt ?? 0) + 1, error, delayMs)
  }

  recovered(): void {
    this.#retry = null
  }

  /** What the sink says of itself (`SinkTaskContext.waitingForBatch`). */
  gathers(batch: GatheredBatch | null): void {
    this.#batch = batch === null ? null : { ...batch, sinceMs: this.#batch?.sinceMs ?? this.#now() }
  }

  /** Whether the consumer of a sink is in its group. */
  member(isMember: boolean): void {
    this.#group = { isMember, sinceMs: this.#now() }
  }

  // ─── read by whoever asks ───

  /** The call of a plug-in that threw this error, or one that it was caused by; null where that is not known. */
  callThatThrew(error: unknown): TaskCall | null {
    let current = error
    for (let depth = 0; depth < CHAIN_MAX && current != null; depth++) {
      if (this.#thrown !== null && this.#thrown.error === current) return this.#thrown.call
      current = current instanceof Error ? current.cause : null
    }
    return null
  }

  facts(): ActivityFacts {
    const nowMs = this.#now()
    const calls = [...this.#calls].filter(([, sinceMs]) => sinceMs !== 0).map(([call, sinceMs]) => ({ call, forMs: nowMs - sinceMs }))
    const retry = this.#retry
    const batch = this.#batch
    return {
      phase: this.#phase,
      phaseForMs: nowMs - this.#phaseSinceMs,
      calls: calls.sort((a, b) => b.forMs - a.forMs),
      retry: retry && {
        attempt: retry.attempt,
        cause: this.#mask(diagnosisOf(causesOf(retry.error)).rootCause),
        forMs: nowMs - retry.sinceMs,
        nextInMs: retry.nextAtMs && retry.nextAtMs - nowMs,
      },
      batch: batch && { records: batch.records, of: batch.of, untilMs: batch.untilMs, forMs: nowMs - batch.sinceMs },
      readForMs: this.#readAtMs && nowMs - this.#readAtMs,
      group: this.#group && { isMember: this.#group.isMember, forMs: nowMs - this.#group.sinceMs },
      silentForMs: 0,
      delivered: this.#delivered,
      hasBacklog: null,
      assigned: null,
      pausedByTask: 0,
    }
  }

  async #settled<T>(call: TaskCall, promise: Promise<T>): Promise<T> {
    try {
      return await promise
    } catch (error) {
      this.#thrown = { call, error }
      throw error
    } finally {
      this.#calls.set(call, 0)
    }
  }
}
