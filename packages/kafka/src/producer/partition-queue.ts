import type { Compression } from '../compression.ts'
import type { BatchMemory } from './batch-memory.ts'
import { CompressionRatio } from './compression-ratio.ts'
import { type BatchStamp, NO_STAMP, type ProducerBatch } from './producer-batch.ts'

/** The id that a broker gave to an idempotent producer. */
export interface ProducerIdentity {
  readonly producerId: number
  readonly producerEpoch: number
  /** Whether its batches belong to transactions. Then the epoch is the broker's alone to raise. */
  readonly isTransactional?: boolean
}

const SEQUENCES = 0x8000_0000
const EPOCH_MAX = 0x7fff

/**
 * The batches of one partition on their way: which is next, what is in flight, what has to be sent again.
 *
 * Order is kept like this (numbers of batches in the order of sending):
 * - New batches are pipelined: 1, 2, 3 in flight.
 * - When one fails for now, it and all others that fail after it gather in `retries`, and nothing more is sent until none is in flight.
 * - Then `retries` are sent one by one, in order; new batches follow when none is left.
 *
 * A broker that does not know the producer yet takes any sequence number for its first, so the first batch of an identity travels alone: it must
 * not be overtaken.
 *
 * With idempotence the broker refuses a batch whose sequence number is not the next: 2 and 3 fail with it while 1 is missing, and succeed after
 * 1 was sent again. If the first of all is refused nevertheless, an earlier batch has failed for good or the broker has forgotten the
 * producer: then all sequence numbers begin anew, under a higher epoch (KIP-360). The epoch belongs to the partition, as brokers keep it for each.
 */
export class PartitionQueue {
  readonly topic: string
  readonly partition: number
  /** Records are still appended to it. */
  open: ProducerBatch | null = null
  /** Full, never sent. */
  readonly sealed: ProducerBatch[] = []
  /** Sent and failed, to be sent again; before everything else. */
  readonly retries: ProducerBatch[] = []
  readonly inFlight: ProducerBatch[] = []
  /** Nothing is sent before, by the client's clock. */
  retryAt = 0
  readonly #ratio: CompressionRatio
  #identity: ProducerIdentity | null = null
  #nextSequence = 0
  /** Whether the broker has taken a batch of this identity. */
  #isKnown = false
  #mustRenumber = false

  /** @param ratio is told how well batches compress; shared by the partitions of a topic. */
  constructor(topic: string, partition: number, ratio = new CompressionRatio()) {
    this.topic = topic
    this.partition = partition
    this.#ratio = ratio
  }

  get isEmpty(): boolean {
    return this.open === null && this.sealed.length === 0 && this.retries.length === 0 && this.inFlight.length === 0
  }

  /** Batches that wait, for choosing a partition with little to do. */
  get length(): number {
    return this.sealed.length + this.retries.length + (this.open === null ? 0 : 1)
  }

  /** How long the oldest batch that could be sent has not been sent. Milliseconds; 0 for none. */
  waitedMs(now: number, lingerMs: number): number {
    const oldest = this.retries[0] ?? this.sealed[0]
    return oldest === undefined ? 0 : Math.max(0, now - oldest.createdAt - lingerMs)
  }

  closeOpen(): void {
    if (this.open === null) return
    this.sealed.push(this.open)
    this.open = null
  }

  /** What is to be sent next; null if nothing is or may be. */
  next(now: number): ProducerBatch | null {
    const isRecovering = this.retries.length > 0 || this.#mustRenumber
    if (isRecovering && (this.inFlight.length > 0 || now < this.retryAt)) return null
    if (this.#identity !== null && !this.#isKnown && this.inFlight.length > 0) return null
    return this.retries[0] ?? this.sealed[0] ?? null
  }

  /** Moves the next batch into flight, with its final bytes. */
  take(identity: ProducerIdentity | null, compression: Compression | undefined): ProducerBatch {
    if (this.#mustRenumber) this.#renumber(identity)
    const batch = (this.retries.length > 0 ? this.retries : this.sealed).shift()!
    if (batch.stamp === null || batch.bytes === null) {
      const bytes = batch.seal(batch.stamp ?? this.#stamp(identity, batch.recordCount), compression)
      if (compression !== undefined) this.#ratio.observe(batch.builder.sizeInBytes, bytes.length)
    }
    batch.attempts++
    this.inFlight.push(batch)
    return batch
  }

  /** The broker has the batch. */
  acknowledge(batch: ProducerBatch): void {
    if (batch.stamp?.producerEpoch === this.#identity?.producerEpoch && batch.stamp?.producerId === this.#identity?.producerId) this.#isKnown = true
    this.land(batch)
  }

  /** The batch has ended, one way or the other. */
  land(batch: ProducerBatch): void {
    const index = this.inFlight.indexOf(batch)
    if (index >= 0) this.inFlight.splice(index, 1)
  }

  /** The batch is sent again, not before `retryAt`. */
  retry(batch: ProducerBatch, retryAt: number): void {
    this.land(batch)
    this.retryAt = Math.max(this.retryAt, retryAt)
    insertInOrder(this.retries, batch)
  }

  /** The broker has refused the sequence number of a batch, which is sent again. */
  retryOutOfSequence(batch: ProducerBatch, retryAt: number): void {
    // Earlier batches that are still under way explain the gap. Otherwise it will not close by itself.
    if (this.isFirst(batch)) this.#mustRenumber = true
    this.retry(batch, retryAt)
  }

  /** Whether no earlier batch has been sent that has not ended. */
  isFirst(batch: ProducerBatch): boolean {
    return ![...this.inFlight, ...this.retries].some(({ order }) => order < batch.order)
  }

  /** Puts the parts of a batch that was too large in its place. Together they have its sequence numbers. */
  split(batch: ProducerBatch, newMemory: () => BatchMemory): ProducerBatch[] {
    const parts = batch.split(newMemory)
    this.land(batch)
    this.#ratio.forget()
    const stamp = batch.stamp ?? NO_STAMP
    let { baseSequence } = stamp
    for (const part of parts) {
      part.stamp = { ...stamp, baseSequence }
      if (baseSequence >= 0) baseSequence = sequenceAfter(baseSequence, part.recordCount)
    }
    for (const part of parts) insertInOrder(this.retries, part)
    return parts
  }

  /** Takes out the batches that nobody sends at the moment and for which the condition holds. */
  removeWaiting(condition: (batch: ProducerBatch) => boolean): ProducerBatch[] {
    const removed = [...removeFrom(this.retries, condition), ...removeFrom(this.sealed, condition)]
    if (this.open !== null && condition(this.open)) {
      removed.push(this.open)
      this.open = null
    }
    return removed
  }

  #stamp(identity: ProducerIdentity | null, recordCount: number): BatchStamp {
    if (identity === null) return NO_STAMP
    const isRaised = identity.isTransactional === true && this.#identity?.producerEpoch !== identity.producerEpoch
    if (this.#identity?.producerId !== identity.producerId || isRaised) this.#begin(identity)
    const { producerId, producerEpoch } = this.#identity!
    const baseSequence = this.#nextSequence
    this.#nextSequence = sequenceAfter(baseSequence, recordCount)
    const stamp = { producerId, producerEpoch, baseSequence }
    return identity.isTransactional ? { ...stamp, isTransactional: true } : stamp
  }

  #begin(identity: ProducerIdentity): void {
    this.#identity = identity
    this.#nextSequence = 0
    this.#isKnown = false
  }

  /** Nothing is in flight: the batches to be sent again get new numbers, from 0 on, under the next epoch. */
  #renumber(identity: ProducerIdentity | null): void {
    this.#mustRenumber = false
    if (identity === null || this.#identity === null) return
    const { producerId, producerEpoch } = this.#identity
    // Java asks for a new producer id when the epochs are used up; so does the sender, by `isExhausted`.
    const renewed = producerId === identity.producerId ? { producerId, producerEpoch: Math.min(EPOCH_MAX, producerEpoch + 1) } : identity
    this.#begin(renewed)
    for (const batch of this.retries) {
      batch.stamp = this.#stamp(identity, batch.recordCount)
      batch.bytes = null
    }
  }

  /** Whether the next renumbering needs a new producer id. */
  get isExhausted(): boolean {
    return this.#mustRenumber && this.#identity !== null && this.#identity.producerEpoch >= EPOCH_MAX
  }
}

/** The sequence number after so many records; beyond 2^31 - 1 it begins at 0 again. */
export function sequenceAfter(sequence: number, records: number): number {
  return (sequence + records) % SEQUENCES
}

function insertInOrder(batches: ProducerBatch[], added: ProducerBatch): void {
  const index = batches.findIndex(({ order }) => order > added.order)
  batches.splice(index < 0 ? batches.length : index, 0, added)
}

function removeFrom(batches: ProducerBatch[], condition: (batch: ProducerBatch) => boolean): ProducerBatch[] {
  const removed: ProducerBatch[] = []
  for (let i = 0; i < batches.length; ) {
    if (condition(batches[i]!)) removed.push(...batches.splice(i, 1))
    else i++
  }
  return removed
}
