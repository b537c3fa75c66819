import type { ErrorBudget } from './error-budget.ts'
import type { ErrorCounters } from './error-counters.ts'
import type { StageError } from './stage-error.ts'
import { TraceBudget } from './trace-budget.ts'

/** Tells somebody of a record that failed (`org.apache.kafka.connect.runtime.errors.ErrorReporter`). */
export interface ErrorReporter<Original> {
  /** Must not throw. A promise is waited for before the next record is looked at. */
  report(error: StageError, original: Original): void | Promise<void>
}

export interface ErrorHandlerOptions<Original> {
  /** `errors.tolerance`. */
  readonly tolerance: 'none' | 'all'
  readonly reporters: readonly ErrorReporter<Original>[]
  readonly counters: ErrorCounters
  /** What may be tolerated; null: anything. */
  readonly budget: ErrorBudget | null
  /** `millrace.errors.traces.per.second`; -1: no limit. Default: none. */
  readonly tracesPerSecondMax?: number
}

/** Decides what becomes of a record that failed: every reporter hears of it, then it is left out or the task fails (`RetryWithToleranceOperator`). */
export class ErrorHandler<Original> {
  readonly #options: ErrorHandlerOptions<Original>
  /** Which of the records that fail before their delivery have stack traces. */
  readonly traces: TraceBudget

  constructor(options: ErrorHandlerOptions<Original>) {
    this.#options = options
    this.traces = new TraceBudget(options.tracesPerSecondMax ?? -1)
  }

  get tolerates(): boolean {
    return this.#options.tolerance === 'all'
  }

  /** Asked once for each record that failed, before anything is done about it (docs/spec/record-delivery.md, D14). @throws ErrorBudgetError where it is one too many. */
  admit(error: StageError): void {
    const { budget, counters } = this.#options
    if (budget === null || !this.tolerates) return
    try {
      budget.spend(error.cause)
    } catch (exceeded) {
      counters.failures++
      counters.errors++
      counters.errorHappened(Date.now())
      throw exceeded
    }
  }

  /** After `admit`. Returns a promise only where a reporter does. @throws the error itself where errors are not tolerated, after it was reported. */
  failed(error: StageError, original: Original): void | Promise<void> {
    const { counters, reporters } = this.#options
    counters.failures++
    counters.errors++
    counters.errorHappened(Date.now())
    this.traces.spend(performance.now())
    for (let index = 0; index < reporters.length; index++) {
      const reported = reporters[index]!.report(error, original)
      if (reported instanceof Promise) return this.#reportedTo(reported, index + 1, error, original)
    }
    this.#end(error)
  }

  async #reportedTo(first: Promise<void>, next: number, error: StageError, original: Original): Promise<void> {
    await first
    for (const reporter of this.#options.reporters.slice(next)) await reporter.report(error, original)
    this.#end(error)
  }

  #end(error: StageError): void {
    if (!this.tolerates) throw error
    this.#options.counters.skipped++
  }
}
