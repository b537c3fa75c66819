import { ErrorCode, kafkaError, type RecordBatchView } from '@millrace/kafka-protocol'

const BATCHES_REMEMBERED = 5
const SEQUENCE_MAX = 0x7fff_ffff
const PRODUCERS_MAX = 10_000

interface AppendedBatch {
  readonly baseSequence: number
  readonly lastSequence: number
  readonly baseOffset: number
  readonly timestamp: number
}

interface ProducerState {
  epoch: number
  /** When it last appended, by the broker's clock, or by the records' after a restart. */
  seenAt: number
  /** The last five, oldest first. */
  batches: AppendedBatch[]
}

/** What a duplicate is answered with: the offset at which the first copy stands. */
export interface Duplicate {
  readonly baseOffset: number
  readonly timestamp: number
}

/**
 * What one partition knows of its idempotent producers (KIP-98): the last five batches of each, so that a batch that is sent again after a
 * lost answer is recognised, and one that would leave a gap is refused. Made again from the log after a restart.
 */
export class ProducerStates {
  /** In the order of the last append, the latest last. */
  #producers = new Map<number, ProducerState>()

  /**
   * Looks at a batch before it is appended.
   *
   * @returns the earlier copy if the batch is a duplicate; undefined if it shall be appended.
   * @throws KafkaError INVALID_PRODUCER_EPOCH for a producer that a newer one has replaced, OUT_OF_ORDER_SEQUENCE_NUMBER for a gap.
   */
  check(batch: RecordBatchView): Duplicate | undefined {
    const { producerId, producerEpoch: epoch, baseSequence } = batch
    const state = this.#producers.get(producerId)
    // A producer that is not known may begin anywhere: its earlier records may have been removed by retention.
    if (!state) return undefined
    if (epoch < state.epoch) {
      throw kafkaError(ErrorCode.INVALID_PRODUCER_EPOCH, `Producer ${producerId} has epoch ${epoch}, but epoch ${state.epoch} has been seen`)
    }
    if (epoch > state.epoch) {
      if (baseSequence !== 0) {
        throw kafkaError(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER, `Producer ${producerId} begins its epoch ${epoch} with sequence ${baseSequence} instead of 0`)
      }
      return undefined
    }
    const lastSequence = lastSequenceOf(batch)
    const duplicate = state.batches.find((known) => known.baseSequence === baseSequence && known.lastSequence === lastSequence)
    if (duplicate) return duplicate
    const last = state.batches.at(-1)
    if (last && baseSequence !== nextSequence(last.lastSequence)) {
      throw kafkaError(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER, `Producer ${producerId} sent sequence ${baseSequence} after ${last.lastSequence}`)
    }
    return undefined
  }

  /** Notes a batch that has been appended, or that stands in the log. */
  note(batch: RecordBatchView, seenAt: number): void {
    const { producerId, producerEpoch: epoch } = batch
    if (producerId < 0) return
    let state = this.#producers.get(producerId)
    if (state) this.#producers.delete(producerId)
    if (!state || state.epoch !== epoch) state = { epoch, seenAt, batches: [] }
    this.#producers.set(producerId, state)
    state.seenAt = seenAt
    // Markers of transactions carry the producer's epoch, but no sequence.
    if (!batch.isControl) {
      const { baseSequence, baseOffset, maxTimestamp: timestamp } = batch
      state.batches.push({ baseSequence, lastSequence: lastSequenceOf(batch), baseOffset, timestamp })
      if (state.batches.length > BATCHES_REMEMBERED) state.batches.shift()
    }
    if (this.#producers.size > PRODUCERS_MAX) this.#producers.delete(this.#producers.keys().next().value!)
  }

  /** Forgets producers that have not been seen since. */
  expire(seenBefore: number): void {
    for (const [producerId, { seenAt }] of this.#producers) {
      if (seenAt < seenBefore) this.#producers.delete(producerId)
    }
  }

  /** Those that are remembered, the longest unused first. */
  all(): { readonly producerId: number; readonly producerEpoch: number; readonly lastSequence: number; readonly lastTimestamp: number }[] {
    return Array.from(this.#producers, ([producerId, { epoch, batches, seenAt }]) => {
      const last = batches.at(-1)
      return { producerId, producerEpoch: epoch, lastSequence: last?.lastSequence ?? -1, lastTimestamp: last?.timestamp ?? seenAt }
    })
  }

  /** @throws KafkaError INVALID_PRODUCER_EPOCH for an epoch that a newer one has replaced. */
  requireEpoch(producerId: number, epoch: number): void {
    const known = this.#producers.get(producerId)?.epoch ?? -1
    if (epoch < known) throw kafkaError(ErrorCode.INVALID_PRODUCER_EPOCH, `Producer ${producerId} has epoch ${epoch}, but epoch ${known} has been seen`)
  }

  /** For a file beside a segment: the state before the segment's first record. */
  toJSON(): unknown {
    return [...this.#producers]
  }

  /** From what `toJSON` gave. */
  static fromJSON(data: unknown): ProducerStates {
    const states = new ProducerStates()
    states.#producers = new Map(data as [number, ProducerState][])
    return states
  }
}

function nextSequence(sequence: number): number {
  return sequence === SEQUENCE_MAX ? 0 : sequence + 1
}

function lastSequenceOf(batch: RecordBatchView): number {
  const last = batch.baseSequence + (batch.lastOffset - batch.baseOffset)
  return last > SEQUENCE_MAX ? last - SEQUENCE_MAX - 1 : last
}
