/** How fast the estimate follows data that compress better, and at least how fast it follows those that compress worse: as in the Java client. */
const IMPROVING_STEP = 0.005
const DETERIORATING_STEP = 0.05
/** On top of the estimate. */
const SAFETY_FACTOR = 1.05

/**
 * To which part of their size the records of a topic compress, by the batches before: so that `batch.size` holds for what goes over the wire, as in the
 * Java client.
 */
export class CompressionRatio {
  #estimate = 1

  /** About how large so many bytes will be. */
  compressed(bytes: number): number {
    return bytes * this.#estimate * SAFETY_FACTOR
  }

  /** A batch has turned from so many bytes into so many. */
  observe(bytes: number, compressedBytes: number): void {
    const observed = compressedBytes / bytes
    const step = observed > this.#estimate ? DETERIORATING_STEP : -IMPROVING_STEP
    this.#estimate = Math.max(this.#estimate + step, observed)
  }

  /** A batch was larger than the broker takes: begin carefully again. */
  forget(): void {
    this.#estimate = 1
  }
}
