import type { ErrorCounters } from './error-counters.ts'
import type { StageError } from './stage-error.ts'

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
}

/** Decides what becomes of a record that failed: every reporter hears of it, then it is left out or the task fails (`RetryWithToleranceOperator`). */
export class ErrorHandler<Original> {
  readonly #options: ErrorHandlerOptions<Original>

  constructor(options: ErrorHandlerOptions<Original>) {
    this.#options = options
  }

  get tolerates(): boolean {
    return this.#options.tolerance === 'all'
  }

  /** @throws the error itself where errors are not tolerated, after it was reported. */
  async failed(error: StageError, original: Original): Promise<void> {
    const { counters, reporters } = this.#options
    counters.failures++
    counters.errors++
    counters.errorHappened(Date.now())
    for (const reporter of reporters) await reporter.report(error, original)
    if (!this.tolerates) throw error
    counters.skipped++
  }
}
