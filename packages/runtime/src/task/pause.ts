/** Whether a task shall rest. Asked between batches; the wish may change at any time. */
export class Pause {
  #isWanted: boolean
  #changed = Promise.withResolvers<void>()

  constructor(isWanted: boolean) {
    this.#isWanted = isWanted
  }

  get isWanted(): boolean {
    return this.#isWanted
  }

  set(isWanted: boolean): void {
    if (isWanted === this.#isWanted) return
    this.#isWanted = isWanted
    this.#changed.resolve()
    this.#changed = Promise.withResolvers<void>()
  }

  /** Resolves when the task is resumed, or the signal is aborted. */
  async ended(signal: AbortSignal): Promise<void> {
    const aborted = Promise.withResolvers<void>()
    const abort = () => aborted.resolve()
    signal.addEventListener('abort', abort)
    try {
      while (this.#isWanted && !signal.aborted) await Promise.race([this.#changed.promise, aborted.promise])
    } finally {
      signal.removeEventListener('abort', abort)
    }
  }
}
