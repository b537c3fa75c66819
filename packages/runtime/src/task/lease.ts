import { delay } from './event-loop.ts'

/** How often a lease that is over is asked for again. Milliseconds. */
const RETRY_DELAY_MS = 100

/**
 * Until when nobody else can have been given the task. A process that was frozen, or a thread that was held up, goes on in the middle of its work without
 * knowing how much later it is; Kafka cannot fence a producer without transactions. So the task looks at the clock before it sends, and where the lease is
 * over asks the main thread, which knows when the worker's group has last heard of it.
 */
export class Lease {
  readonly #remainingMs: () => Promise<number>
  #validUntil = -Infinity

  /** @param remainingMs asks the main thread: milliseconds, 0 or less for not at all, Infinity outside of a cluster. */
  constructor(remainingMs: () => Promise<number>) {
    this.#remainingMs = remainingMs
  }

  get isValid(): boolean {
    return performance.now() < this.#validUntil
  }

  /** Waits until the lease is valid. @returns false where the signal was aborted before that. */
  async renewed(signal: AbortSignal): Promise<boolean> {
    while (!signal.aborted) {
      // Counted from the question, not from the answer, which may have been held up.
      const askedAt = performance.now()
      this.#validUntil = askedAt + (await this.#remainingMs())
      if (this.isValid) return true
      await delay(RETRY_DELAY_MS, signal)
    }
    return false
  }
}
