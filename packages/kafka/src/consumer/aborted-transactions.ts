import type { AbortedTransaction, RecordBatchView } from '@millrace/kafka-protocol'

/**
 * Tells which batches of a fetch belong to transactions that were aborted.
 *
 * The broker lists with each fetch all aborted transactions that reach into it, also those that began before, so nothing is carried from one fetch
 * to the next. A transaction is open from its first offset on until its producer's abort marker; the same producer may abort several in one fetch.
 */
export class AbortedTransactions {
  /** By first offset, the earliest first. */
  readonly #upcoming: AbortedTransaction[]
  readonly #open = new Set<number>()

  constructor(aborted: readonly AbortedTransaction[]) {
    this.#upcoming = [...aborted].sort((a, b) => a.firstOffset - b.firstOffset)
  }

  /** Whether a batch has to be left out. To be asked for every batch, control batches included, in order. */
  excludes(batch: RecordBatchView): boolean {
    const { producerId } = batch
    if (producerId < 0) return false
    const { lastOffset } = batch
    while (this.#upcoming.length > 0 && this.#upcoming[0]!.firstOffset <= lastOffset) this.#open.add(this.#upcoming.shift()!.producerId)
    if (batch.isControl) {
      // Only the end of an aborted transaction can be here: a producer has one transaction at a time.
      this.#open.delete(producerId)
      return true
    }
    return batch.isTransactional && this.#open.has(producerId)
  }
}
