import { timerMs } from './clock.ts'

/**
 * Notes that something has happened until somebody looks: what many events set and one loop waits for.
 * An event that comes before the wait is not lost; several of them wake the loop once.
 */
export class Signal {
  #isSet = false
  #wake: (() => void) | null = null

  set(): void {
    this.#isSet = true
    this.#wake?.()
  }

  /** Resolves when the signal is set, at once if it already is, or when the time is over; takes the signal back. */
  async wait(timeoutMs: number): Promise<void> {
    if (!this.#isSet && timeoutMs > 0) {
      const { promise, resolve } = Promise.withResolvers<void>()
      const timer = setTimeout(resolve, timerMs(timeoutMs))
      this.#wake = resolve
      await promise
      clearTimeout(timer)
      this.#wake = null
    }
    this.#isSet = false
  }
}
