import { DataError } from '@millrace/api'

/** More records failed than are tolerated. The one that was too many is neither reported nor left out: it is read again after the next start. */
export class ErrorBudgetError extends DataError {
  override get code(): string {
    return 'ERROR_BUDGET'
  }
}

export interface ErrorBudgetOptions {
  /** `millrace.errors.budget.records`; -1: no limit. */
  readonly recordsMax: number
  /** `millrace.errors.budget.per.minute`; -1: no limit. */
  readonly perMinuteMax: number
  /** Milliseconds that only grow. Default: `performance.now`. */
  readonly now?: () => number
}

const WINDOW_SECONDS = 60

/** How many records of one incarnation of a task may fail, in all and within any minute: a bad deployment must not end as a full dead-letter topic. */
export class ErrorBudget {
  readonly #options: ErrorBudgetOptions
  #spent = 0
  /** Failures of each second of the last minute, and which second each place stands for. */
  readonly #counts = new Array<number>(WINDOW_SECONDS).fill(0)
  readonly #seconds = new Array<number>(WINDOW_SECONDS).fill(-1)

  constructor(options: ErrorBudgetOptions) {
    this.#options = options
  }

  /** One more record failed. @throws ErrorBudgetError where that is one too many; it does not count then. */
  spend(cause: unknown): void {
    const { recordsMax, perMinuteMax, now = () => performance.now() } = this.#options
    if (recordsMax >= 0 && this.#spent >= recordsMax)
      throw exceeded(`${recordsMax} records failed since the task started`, 'millrace.errors.budget.records', cause)
    if (perMinuteMax >= 0) this.#spendOfMinute(Math.floor(now() / 1000), perMinuteMax, cause)
    this.#spent++
  }

  #spendOfMinute(second: number, perMinuteMax: number, cause: unknown): void {
    let recent = 0
    for (let place = 0; place < WINDOW_SECONDS; place++) if (this.#seconds[place]! > second - WINDOW_SECONDS) recent += this.#counts[place]!
    if (recent >= perMinuteMax) throw exceeded(`${perMinuteMax} records failed within 60 seconds`, 'millrace.errors.budget.per.minute', cause)
    const place = second % WINDOW_SECONDS
    if (this.#seconds[place] !== second) this.#counts[place] = 0
    this.#seconds[place] = second
    this.#counts[place]!++
  }
}

function exceeded(what: string, key: string, cause: unknown): ErrorBudgetError {
  return new ErrorBudgetError(`${what}, as many as ${key} allows, and one more did: the task stops instead of going on without them`, { cause })
}
