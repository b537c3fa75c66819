import type { PartitionLog } from './partition-log.ts'

/** A batch that was appended lately. */
export interface TailBatch {
  readonly log: PartitionLog
  readonly baseOffset: number
  readonly nextOffset: number
  readonly bytes: Buffer
}

const BATCH_OVERHEAD_BYTES = 256

/**
 * The last appended batches of all logs, so that a consumer at the end of a log costs no reading.
 * Bounded over all logs together; the oldest go first, which in each log are the first of its tail.
 */
export class TailCache {
  readonly #bytesMax: number
  #bytes = 0
  #batches: TailBatch[] = []
  #head = 0

  /** @param bytesMax default 8 MiB. */
  constructor(bytesMax = 8 * 1024 * 1024) {
    this.#bytesMax = bytesMax
  }

  /** Takes a batch as the last of its log's tail; may drop older ones of any log. */
  add(batch: TailBatch): void {
    this.#batches.push(batch)
    this.#bytes += batch.bytes.length + BATCH_OVERHEAD_BYTES
    while (this.#bytes > this.#bytesMax) this.#dropOldest()
  }

  #dropOldest(): void {
    const batch = this.#batches[this.#head++]!
    this.#bytes -= batch.bytes.length + BATCH_OVERHEAD_BYTES
    batch.log.dropTailBatch(batch)
    if (this.#head > 1024 && this.#head * 2 > this.#batches.length) {
      this.#batches = this.#batches.slice(this.#head)
      this.#head = 0
    }
  }
}
