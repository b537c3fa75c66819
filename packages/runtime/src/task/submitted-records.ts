import type { SourceOffset, SourcePartition, SourceRecord } from '@millrace/api'

/** What became of a record: one of several messages that is a dead letter makes it one, too. */
export type RecordEnd = 'written' | 'left-out' | 'dead-lettered'

/** What the producer tells about a record that was handed to it (`SendCompletion` of the client). */
export interface SendListener {
  /** Kafka has one message of this record. Called before the record counts as acknowledged. */
  acknowledged(record: SubmittedRecord, topic: string, partition: number, offset: number, timestamp: number): void
  /** @returns whether this message of the record is left out; otherwise the record never ends. */
  failed(record: SubmittedRecord, error: Error): boolean
  /** The record's last message was acknowledged, or left out. */
  ended(record: SubmittedRecord, end: RecordEnd): void
}

/**
 * Which source offsets may be committed (`org.apache.kafka.connect.runtime.SubmittedRecords`).
 *
 * Records are submitted in the order in which the source gave them, one queue per source partition. An offset may be committed when its record
 * and all earlier ones of the same source partition are acknowledged. An unacknowledged record holds back its own partition only.
 */
export class SubmittedRecords {
  readonly #listener: SendListener
  /** Whether `commitRecord` will want the record; otherwise only its offset is kept until the acknowledgement. */
  readonly #keepsRecords: boolean
  readonly #queues = new Map<string, PartitionQueue>()
  /** Sources that reuse their partition objects, as they should, are found by identity. */
  readonly #queuesByIdentity = new WeakMap<SourcePartition, PartitionQueue>()
  #lastPartition: SourcePartition | null | undefined = undefined
  #lastQueue: PartitionQueue | undefined = undefined

  constructor(listener: SendListener, options: { readonly keepsRecords: boolean }) {
    this.#listener = listener
    this.#keepsRecords = options.keepsRecords
  }

  /** @param messages how many messages the record became: it is acknowledged with the last of them. At least 1. */
  submit(record: SourceRecord, messages: number): SubmittedRecord {
    const partition = record.sourcePartition
    const queue = partition === this.#lastPartition && this.#lastQueue?.isKnown ? this.#lastQueue : this.#queueOf(partition)
    const submitted = new SubmittedRecord(queue, record.sourceOffset, this.#keepsRecords ? record : null, messages, this.#listener)
    queue.push(submitted)
    return submitted
  }

  /** Records that have no end yet, counted one by one. */
  get inFlight(): number {
    let count = 0
    for (const queue of this.#queues.values()) count += queue.inFlight
    return count
  }

  /** Takes the offsets that may be committed and were not taken before. */
  takeCommittable(): CommittableOffset[] {
    const taken: CommittableOffset[] = []
    for (const [name, queue] of this.#queues) {
      const offset = queue.takeCommittable()
      if (offset !== undefined) taken.push({ partition: queue.partition, offset })
      else if (queue.isEmpty) this.#forget(name, queue)
    }
    return taken
  }

  /** Gives back offsets whose commit failed, so that the next one has them again, unless newer ones have come up in the meantime. */
  restoreCommittable(offsets: readonly CommittableOffset[]): void {
    for (const { partition, offset } of offsets) this.#queueOf(partition).restoreCommittable(offset)
  }

  #queueOf(partition: SourcePartition | null): PartitionQueue {
    let queue = partition === null ? undefined : this.#queuesByIdentity.get(partition)
    if (!queue?.isKnown) {
      const name = partitionName(partition)
      queue = this.#queues.get(name) ?? new PartitionQueue(partition)
      this.#queues.set(name, queue)
      if (partition !== null) this.#queuesByIdentity.set(partition, queue)
    }
    this.#lastPartition = partition
    this.#lastQueue = queue
    return queue
  }

  /** A source may have a partition per file: those that are through must not be kept. */
  #forget(name: string, queue: PartitionQueue): void {
    queue.isKnown = false
    this.#queues.delete(name)
  }
}

/** An offset, null for "remove it", of a source partition. */
export interface CommittableOffset {
  readonly partition: SourcePartition | null
  readonly offset: SourceOffset | null
}

/** A record on its way through the producer. One small object per record: it is also what the producer calls when it has an answer. */
export class SubmittedRecord {
  readonly offset: SourceOffset | null
  /** Null where nobody will ask for it. */
  readonly record: SourceRecord | null
  readonly #queue: PartitionQueue
  readonly #listener: SendListener
  #messagesPending: number
  #isDeadLettered = false

  constructor(queue: PartitionQueue, offset: SourceOffset | null, record: SourceRecord | null, messages: number, listener: SendListener) {
    this.#queue = queue
    this.offset = offset
    this.record = record
    this.#messagesPending = messages
    this.#listener = listener
  }

  get isAcknowledged(): boolean {
    return this.#messagesPending === 0
  }

  /** Called by the producer. */
  acknowledged(topic: string, partition: number, offset: number, timestamp: number): void {
    this.#listener.acknowledged(this, topic, partition, offset, timestamp)
    this.#messageEnded('written')
  }

  /** Called by the producer. Unless it is tolerated, the record has no end: it stays before all later ones of its partition, so that none is committed. */
  failed(error: Error): void {
    if (this.#listener.failed(this, error)) this.leaveOut()
  }

  /** One of its messages will never be sent. */
  leaveOut(): void {
    this.#messageEnded('left-out')
  }

  /** In place of one of its messages there is a dead letter, which Kafka has. */
  deadLettered(): void {
    this.#isDeadLettered = true
    this.#messageEnded('dead-lettered')
  }

  #messageEnded(end: RecordEnd): void {
    if (--this.#messagesPending > 0) return
    this.#listener.ended(this, this.#isDeadLettered ? 'dead-lettered' : end)
    this.#queue.advance(this)
  }
}

const RING_CAPACITY_FIRST = 64

/** The unacknowledged records of one source partition, oldest first, in a ring that grows. The producer's memory limit bounds it. */
class PartitionQueue {
  readonly partition: SourcePartition | null
  /** False once it was forgotten: an identity that still leads here is out of date. */
  isKnown = true
  #ring: (SubmittedRecord | undefined)[] = new Array(RING_CAPACITY_FIRST)
  #head = 0
  #length = 0
  #committable: SourceOffset | null | undefined = undefined

  constructor(partition: SourcePartition | null) {
    this.partition = partition
  }

  get isEmpty(): boolean {
    return this.#length === 0
  }

  push(submitted: SubmittedRecord): void {
    if (this.#length === this.#ring.length) this.#grow()
    this.#ring[(this.#head + this.#length) & (this.#ring.length - 1)] = submitted
    this.#length++
  }

  /** A record was acknowledged: where it is the oldest, all acknowledged ones from the front may be committed (docs/spec/record-delivery.md, D1). */
  advance(acknowledged: SubmittedRecord): void {
    if (this.#ring[this.#head] !== acknowledged) return
    const mask = this.#ring.length - 1
    let last = acknowledged
    do {
      this.#ring[this.#head] = undefined
      this.#head = (this.#head + 1) & mask
      this.#length--
      const next = this.#ring[this.#head]
      if (this.#length === 0 || next === undefined || !next.isAcknowledged) break
      last = next
    } while (true)
    this.#committable = last.offset
  }

  get inFlight(): number {
    let count = 0
    const mask = this.#ring.length - 1
    for (let index = 0; index < this.#length; index++) if (!this.#ring[(this.#head + index) & mask]?.isAcknowledged) count++
    return count
  }

  takeCommittable(): SourceOffset | null | undefined {
    const offset = this.#committable
    this.#committable = undefined
    return offset
  }

  restoreCommittable(offset: SourceOffset | null): void {
    // Never over a newer one (docs/spec/record-delivery.md, D4).
    if (this.#committable === undefined) this.#committable = offset
  }

  #grow(): void {
    const grown: (SubmittedRecord | undefined)[] = new Array(this.#ring.length * 2)
    for (let index = 0; index < this.#length; index++) grown[index] = this.#ring[(this.#head + index) & (this.#ring.length - 1)]
    this.#ring = grown
    this.#head = 0
  }
}

/** Equal for partitions with equal fields in any order, as maps are equal in Java. */
function partitionName(partition: SourcePartition | null): string {
  if (partition === null) return ''
  return Object.keys(partition)
    .sort()
    .map((field) => `${JSON.stringify(field)}:${valueName(partition[field] ?? null)}`)
    .join()
}

function valueName(value: SourcePartition[string]): string {
  if (typeof value === 'bigint') return `${value}`
  if (value instanceof Uint8Array) return `bytes ${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64')}`
  return JSON.stringify(value)
}
