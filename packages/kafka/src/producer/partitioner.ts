import { murmur2, type RecordData, toPositive } from '@millrace/kafka-protocol'
import type { PartitionQueue } from './partition-queue.ts'

export interface PartitionerOptions {
  readonly kind: 'sticky' | 'round-robin'
  /** Keyed records are spread like those without a key (`partitioner.ignore.keys`). */
  readonly isKeyIgnored: boolean
  /** Partitions with little to do are preferred (`partitioner.adaptive.partitioning.enable`). */
  readonly isAdaptive: boolean
  /** After so many bytes a sticky partition is left for another (`batch.size`). */
  readonly batchBytesMax: number
  /** Whether a partition has a leader at the moment. */
  isAvailable(queue: PartitionQueue): boolean
  /** Numbers in [0, 1); default `Math.random`. */
  random?(): number
}

/**
 * Chooses partitions for one topic, as the Java producer does: records with a key by murmur2 of the key, so that a key stays in its partition;
 * records without a key fill one partition until it got a batch's worth of bytes, then another one (KIP-794).
 */
export class Partitioner {
  readonly #options: PartitionerOptions
  readonly #random: () => number
  #current = -1
  #bytes = 0
  #counter = 0

  constructor(options: PartitionerOptions) {
    this.#options = options
    this.#random = options.random ?? Math.random
  }

  /** The partition of a record with this key. @param bytes about how large the record is. */
  choose(key: RecordData, bytes: number, queues: readonly PartitionQueue[]): number {
    if (this.#options.kind === 'round-robin') return this.#roundRobin(queues)
    if (key !== null && !this.#options.isKeyIgnored) return partitionForKey(key, queues.length)
    if (queues.length === 1) return 0
    if (this.#current < 0 || this.#bytes + bytes > this.#options.batchBytesMax) this.#move(queues)
    this.#bytes += bytes
    return this.#current
  }

  #roundRobin(queues: readonly PartitionQueue[]): number {
    const among = this.#candidates(queues)
    return among[this.#counter++ % among.length]!.partition
  }

  #move(queues: readonly PartitionQueue[]): void {
    const among = this.#candidates(queues)
    const first = this.#pick(among)
    const second = this.#options.isAdaptive ? this.#pick(among) : first
    this.#current = (second.length < first.length ? second : first).partition
    this.#bytes = 0
  }

  #pick(among: readonly PartitionQueue[]): PartitionQueue {
    return among[Math.floor(this.#random() * among.length)]!
  }

  /** Those with a leader, or all if none has one. */
  #candidates(queues: readonly PartitionQueue[]): readonly PartitionQueue[] {
    const available = queues.filter((queue) => this.#options.isAvailable(queue))
    return available.length > 0 ? available : queues
  }
}

/** The partition in which the Java clients look for a key. */
export function partitionForKey(key: Uint8Array | string, partitions: number): number {
  if (partitions === 1) return 0
  return toPositive(murmur2(typeof key === 'string' ? Buffer.from(key) : key)) % partitions
}
