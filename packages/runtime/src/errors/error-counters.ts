import type { RecordErrors } from '@millrace/rest-api'

/** What failed in one incarnation of a task, counted as the original's `task-error-metrics` (`ErrorHandlingMetrics`). */
export class ErrorCounters {
  /** Attempts that failed. */
  failures = 0
  /** Records that failed for good. */
  errors = 0
  skipped = 0
  retries = 0
  logged = 0
  deadLetterRequests = 0
  deadLetterFailures = 0
  #lastErrorAtMs = 0

  errorHappened(nowMs: number): void {
    this.#lastErrorAtMs = nowMs
  }

  /** When an attempt last failed, in milliseconds since the epoch; 0 for never. */
  get lastErrorAtMs(): number {
    return this.#lastErrorAtMs
  }

  snapshot(): RecordErrors {
    return {
      failures: this.failures,
      errors: this.errors,
      skipped: this.skipped,
      retries: this.retries,
      logged: this.logged,
      dead_letter_requests: this.deadLetterRequests,
      dead_letter_failures: this.deadLetterFailures,
      last_error_at: this.#lastErrorAtMs === 0 ? null : new Date(this.#lastErrorAtMs).toISOString(),
    }
  }
}
