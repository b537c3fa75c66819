import { type StateChange, subjectOf } from './state-change.ts'

interface Told {
  readonly cause: string | null
  readonly atMs: number
  readonly repeats: number
}

/** Subjects beyond this many are forgotten, the longest unheard of first: they may then be told of once too often. */
const SUBJECTS_MAX = 10_000

/**
 * Decides what is news. The same change of the same thing for the same reason is told once in a while, however often it happens: a task that is restarted every
 * few seconds and fails again does not ring for each of them. Its recovery in between is news only where the failure before was.
 */
export class Repeats {
  readonly #intervalMs: number
  readonly #told = new Map<string, Told>()
  /** Subjects whose last failure was told, and no recovery since. */
  readonly #open = new Set<string>()

  /** @param intervalMs for how long the same is not told again. */
  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs
  }

  /** @returns how often the same was left untold since the last time; null where this is left untold, too. */
  admit(change: StateChange, nowMs: number): number | null {
    const subject = subjectOf(change)
    // What another worker told of is news here.
    const isElsewhere = !this.#told.has(`failed ${subject}`) && !this.#told.has(`stalled ${subject}`)
    if (change.event === 'recovered') return this.#open.delete(subject) || isElsewhere ? 0 : null
    const key = `${change.event} ${subject}`
    const told = this.#told.get(key)
    const isSame = told !== undefined && told.cause === change.cause && nowMs - told.atMs < this.#intervalMs
    this.#told.delete(key)
    this.#told.set(key, isSame ? { ...told, repeats: told.repeats + 1 } : { cause: change.cause, atMs: nowMs, repeats: 0 })
    this.#forgetOldest()
    if (isSame) return null
    if (change.connector !== null) this.#open.add(subject)
    return told?.cause === change.cause ? told.repeats : 0
  }

  #forgetOldest(): void {
    const [oldest] = this.#told.size > SUBJECTS_MAX ? this.#told.keys() : []
    if (oldest !== undefined) this.#told.delete(oldest)
    const [open] = this.#open.size > SUBJECTS_MAX ? this.#open : []
    if (open !== undefined) this.#open.delete(open)
  }
}
