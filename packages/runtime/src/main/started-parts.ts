/** What runs so far, so that it can be stopped at any moment of a start. */
export class StartedParts {
  readonly #stops: { readonly stop: () => Promise<unknown>; readonly isBase: boolean }[] = []
  #stopped: Promise<void> | null = null

  /** Whether `stop` was called. */
  get isStopping(): boolean {
    return this.#stopped !== null
  }

  /**
   * Notes that a part has started. Parts are stopped in the order in which they were added, a base, on which the others stand, after all of them.
   * A part that is added when all are being stopped is stopped too.
   */
  add(stop: () => Promise<unknown>, { isBase = false } = {}): void {
    this.#stops.push({ stop, isBase })
    if (this.#stopped !== null) this.#stopped = this.#stopped.then(() => this.#stopAll())
    // Whoever waits for `stop` hears of a failure.
    this.#stopped?.catch(() => {})
  }

  /** Resolves when all are stopped. A part that fails to stop does not keep the others from it. @throws the first failure, at the end. */
  async stop(): Promise<void> {
    this.#stopped ??= this.#stopAll()
    // A part that is added meanwhile makes it last longer.
    for (let waited: Promise<void> | null = null; waited !== this.#stopped; await waited) waited = this.#stopped
  }

  async #stopAll(): Promise<void> {
    const failures: unknown[] = []
    for (let part = this.#next(); part !== undefined; part = this.#next()) {
      await part.stop().catch((error: unknown) => failures.push(error))
    }
    if (failures.length > 0) throw failures[0]
  }

  #next() {
    const index = this.#stops.findIndex(({ isBase }) => !isBase)
    return this.#stops.splice(Math.max(index, 0), 1)[0]
  }
}
