/** What the herder's loop waits for. A call that comes before the wait is not lost; several of them wake it once. */
export class WakeUp {
  #isDue = false
  #wake: (() => void) | null = null

  call(): void {
    this.#isDue = true
    this.#wake?.()
  }

  /** Resolves with the next call, at once if there was one since the last wait, or after `timeoutMs`. */
  async wait(timeoutMs: number): Promise<void> {
    if (!this.#isDue && timeoutMs > 0) {
      const { promise, resolve } = Promise.withResolvers<void>()
      const timer = setTimeout(resolve, timeoutMs)
      this.#wake = resolve
      await promise
      clearTimeout(timer)
      this.#wake = null
    }
    this.#isDue = false
  }
}
