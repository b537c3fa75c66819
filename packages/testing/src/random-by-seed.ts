/** Numbers in [0, 1) that a seed reproduces (mulberry32). */
export function randomBySeed(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Random numbers of several kinds, with the seed that a test prints. */
export class Random {
  readonly seed: number
  readonly #next: () => number

  /** @param seed default: the environment's `MILLRACE_SEED`, else by chance. */
  constructor(seed = Number(process.env['MILLRACE_SEED'] ?? Math.floor(Math.random() * 2 ** 31))) {
    this.seed = seed
    this.#next = randomBySeed(seed)
  }

  /** At least 0, below 1. */
  next(): number {
    return this.#next()
  }

  /** From `min` to `max`, both included. */
  integer(min: number, max: number): number {
    return min + Math.floor(this.next() * (max - min + 1))
  }

  bytes(length: number): Buffer {
    return Buffer.from(Array.from({ length }, () => this.integer(0, 255)))
  }
}
