import type { RecordBatchBuilder } from '@millrace/kafka-protocol'
import type { SendCompletion } from './send-completion.ts'

const RECORDS_INITIAL = 16

/** What a batch is made in, used again for another one when it has ended: allocating it anew each time would be the larger part of the work. */
export class BatchMemory {
  readonly builder: RecordBatchBuilder
  /** By index of the record; what lies beyond the batch's records has no meaning. */
  readonly completions: (SendCompletion | null)[] = []
  /** By index of the record, milliseconds. */
  timestamps = new Float64Array(RECORDS_INITIAL)

  constructor(builder: RecordBatchBuilder) {
    this.builder = builder
  }

  note(index: number, completion: SendCompletion | null, timestamp: number): void {
    this.completions[index] = completion
    if (index === this.timestamps.length) {
      const larger = new Float64Array(index * 2)
      larger.set(this.timestamps)
      this.timestamps = larger
    }
    this.timestamps[index] = timestamp
  }

  /** Forgets all records. Nothing that was handed out of it may be in use any more. */
  reset(): void {
    // Whatever the completions hold on to must not live as long as the memory.
    this.completions.fill(null)
    this.builder.reset()
  }
}
