import { isRetriable, type MaybePromise } from '@millrace/api'
import type { ErrorCounters } from './error-counters.ts'

/** The first pause between two tries. Milliseconds. */
const DELAY_MIN_MS = 300

export interface RetriesOptions {
  /** `errors.retry.timeout`: how long an operation is tried, from its first failure on. Milliseconds; 0 for no second try, -1 for ever. */
  readonly timeoutMs: number
  /** `errors.retry.delay.max.ms`. Milliseconds. */
  readonly delayMaxMs: number
  readonly counters: ErrorCounters
  /** Ends a pause: the task shall stop. */
  readonly signal: AbortSignal
  /** Resolves after this many milliseconds, or when the signal is aborted. */
  readonly pause: (delayMs: number, signal: AbortSignal) => Promise<void>
  /** Hears of each pause: which attempt failed, why, and how long it lasts. Default: nobody. */
  readonly retrying?: (attempt: number, error: unknown, delayMs: number) => void
  /** Hears that nothing is tried again any more, whatever came of it. */
  readonly ended?: () => void
  /** Milliseconds that only grow. Default: `performance.now`. */
  readonly now?: () => number
  /** From 0 up to 1. Default: `Math.random`. */
  readonly random?: () => number
}

/** The task was asked to stop while an operation was tried again: its record is left as it is, to be read again after the next start. */
export class StoppedError extends Error {
  override readonly name = 'StoppedError'
}

/**
 * Tries an operation on a record again that failed with a RetriableError (`RetryWithToleranceOperator.execAndRetry`). The pause doubles from 300 ms on; one
 * that would be longer than the maximum is a random one below it, so that many tasks do not come back all at once.
 */
export class Retries {
  readonly #options: RetriesOptions

  constructor(options: RetriesOptions) {
    this.#options = options
  }

  /** Whether an error is one to try again after. */
  handles(error: unknown): boolean {
    return this.#options.timeoutMs !== 0 && isRetriable(error)
  }

  /** @param first what the operation threw. @throws what it threw last; StoppedError. */
  async again<T>(first: unknown, operation: () => MaybePromise<T>): Promise<T> {
    try {
      return await this.#again(first, operation)
    } finally {
      this.#options.ended?.()
    }
  }

  async #again<T>(first: unknown, operation: () => MaybePromise<T>): Promise<T> {
    const { timeoutMs, counters, signal, pause, retrying, now = () => performance.now() } = this.#options
    const deadlineMs = timeoutMs < 0 ? Number.POSITIVE_INFINITY : now() + timeoutMs
    let error = first
    for (let attempt = 1; this.handles(error); attempt++) {
      const nowMs = now()
      if (nowMs >= deadlineMs) break
      counters.failures++
      const delayMs = Math.min(this.#delayMs(attempt), deadlineMs - nowMs)
      retrying?.(attempt, error, delayMs)
      await pause(delayMs, signal)
      if (signal.aborted) throw new StoppedError('The task is being stopped.', { cause: error })
      counters.retries++
      try {
        return await operation()
      } catch (next) {
        error = next
      }
    }
    throw error
  }

  #delayMs(attempt: number): number {
    const { delayMaxMs, random = Math.random } = this.#options
    const delayMs = DELAY_MIN_MS * 2 ** (attempt - 1)
    return delayMs > delayMaxMs ? Math.floor(random() * delayMaxMs) : delayMs
  }
}
