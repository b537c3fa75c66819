/** Somebody who waits until certain batches have ended, one way or the other. */
export interface FlushWaiter {
  /** How many have not. */
  batches: number
  done(): void
}
