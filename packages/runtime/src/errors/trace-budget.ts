/**
 * Says when stack traces are left out. To capture and write one costs more than all else that is done for a record that fails, and nobody reads them by the
 * thousand: within a second, only the first records that fail have theirs; of the others the dead letters tell class and message of the error and its causes.
 */
export class TraceBudget {
  readonly #perSecondMax: number
  #isSpent = false
  #second = 0
  #count = 0

  /** @param perSecondMax failures with stack traces within one second (`millrace.errors.traces.per.second`); -1: no limit. */
  constructor(perSecondMax: number) {
    this.#perSecondMax = perSecondMax
    this.#isSpent = perSecondMax === 0
  }

  /** Whether errors are to be made without stack traces. */
  get isSpent(): boolean {
    return this.#isSpent
  }

  /** A record failed. @param nowMs milliseconds that only grow. */
  spend(nowMs: number): void {
    this.#begin(nowMs)
    if (++this.#count === this.#perSecondMax) this.#isSpent = true
  }

  /** To be called every so many records: another second may have begun. */
  renew(nowMs?: number): void {
    if (this.#isSpent) this.#begin(nowMs ?? performance.now())
  }

  #begin(nowMs: number): void {
    const second = Math.floor(nowMs / 1000)
    if (second === this.#second) return
    this.#second = second
    this.#count = 0
    this.#isSpent = this.#perSecondMax === 0
  }
}
