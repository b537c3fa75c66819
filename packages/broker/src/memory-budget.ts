interface Waiter {
  readonly bytes: number
  readonly ready: () => void
}

/**
 * Memory that all connections share. Who needs much of it waits in line until others have given theirs back; nobody is refused, and who wants
 * more than there is at all gets it alone.
 */
export class MemoryBudget {
  readonly bytesMax: number
  #used = 0
  #waiters: Waiter[] = []

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax
  }

  get usedBytes(): number {
    return this.#used
  }

  get freeBytes(): number {
    return Math.max(0, this.bytesMax - this.#used)
  }

  get hasWaiters(): boolean {
    return this.#waiters.length > 0
  }

  /**
   * Calls back once so many bytes are free, at once if they are and nobody waits. Takes nothing: who is called back does, before it returns.
   *
   * @returns leaves the line.
   */
  whenFree(bytes: number, ready: () => void): () => void {
    const waiter = { bytes, ready }
    this.#waiters.push(waiter)
    this.#serve()
    return () => {
      this.#waiters = this.#waiters.filter((other) => other !== waiter)
      this.#serve()
    }
  }

  take(bytes: number): void {
    this.#used += bytes
  }

  give(bytes: number): void {
    this.#used -= bytes
    this.#serve()
  }

  #serve(): void {
    for (let first = this.#waiters[0]; first && (this.#used === 0 || this.#used + first.bytes <= this.bytesMax); first = this.#waiters[0]) {
      this.#waiters.shift()
      first.ready()
    }
  }
}
