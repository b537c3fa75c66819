/**
 * Growing pauses between attempts, as in the Java clients since 3.7 (KIP-580): `initialMs`, doubled with each failure up to `maxMs`,
 * each pause spread by up to a fifth to either side, so that many clients do not come back at the same moment.
 */
export class Backoff {
  readonly #initialMs: number
  readonly #maxMs: number
  readonly #random: () => number

  /**
   * @param options pauses in milliseconds (`retry.backoff.ms` and `.max.ms`, `reconnect.backoff.ms` and `.max.ms`); an initial pause
   *   above the maximum is cut to it. `random` gives numbers in [0, 1); default `Math.random`.
   */
  constructor({ initialMs, maxMs, random = Math.random }: { initialMs: number; maxMs: number; random?: () => number }) {
    this.#initialMs = Math.min(initialMs, maxMs)
    this.#maxMs = maxMs
    this.#random = random
  }

  /** The pause after so many failures in a row, beginning with 1. Milliseconds; 0 for no failure. */
  delayMs(failures: number): number {
    if (failures <= 0) return 0
    // Beyond 2^30 the pause is at its maximum anyway, and Infinity must not come in.
    const grown = Math.min(this.#initialMs * 2 ** Math.min(failures - 1, 30), this.#maxMs)
    return Math.min(grown * (0.8 + 0.4 * this.#random()), this.#maxMs)
  }
}
