import type { BrokerMeta } from './broker-meta.ts'

/** Lets a partition change its leader, as seen by clients. Plain data, so that it can cross threads. */
export interface LeaderFault {
  readonly kind: 'leader-change'
  readonly topic: string
  /** Default: all partitions of the topic. */
  readonly partition?: number
  /** Milliseconds for which the partition has no leader before this node leads it again, in a new epoch; default 0. `faults.clear()` ends it. */
  readonly awayMs?: number
  /** As after an unclean election: the log loses what stands behind the batch that holds this offset, which is cut off too. */
  readonly truncateTo?: number
}

/**
 * The epochs of leaders (KIP-101, KIP-320). This node leads all partitions; each of its starts is an election, with an epoch that no start before had.
 * Tests may pretend further ones.
 */
export class PartitionLeaders {
  readonly #meta: BrokerMeta
  readonly #startEpoch: number
  /** By topic id and partition, where it is not that of the start. */
  readonly #epochs = new Map<string, number>()
  /** Until when a partition has no leader, in milliseconds of the monotonic clock. */
  readonly #awayUntil = new Map<string, number>()

  /** @throws the system's error. */
  constructor(meta: BrokerMeta) {
    this.#meta = meta
    this.#startEpoch = meta.nextLeaderEpoch()
  }

  /** The epoch in which this node leads a partition. */
  epochOf(topicId: string, partition: number): number {
    return this.#epochs.size === 0 ? this.#startEpoch : (this.#epochs.get(keyOf(topicId, partition)) ?? this.#startEpoch)
  }

  /** Whether a partition has no leader at the moment. */
  isAway(topicId: string, partition: number): boolean {
    if (this.#awayUntil.size === 0) return false
    const key = keyOf(topicId, partition)
    const until = this.#awayUntil.get(key)
    if (until === undefined) return false
    if (performance.now() < until) return true
    this.#awayUntil.delete(key)
    return false
  }

  /** Partitions without a leader have one again. */
  comeBack(): void {
    this.#awayUntil.clear()
  }

  /** A new epoch for a partition, after a time without a leader. Returns the epoch. @throws the system's error. */
  change(topicId: string, partition: number, awayMs = 0): number {
    const epoch = this.#meta.nextLeaderEpoch()
    this.#epochs.set(keyOf(topicId, partition), epoch)
    if (awayMs > 0) this.#awayUntil.set(keyOf(topicId, partition), performance.now() + awayMs)
    return epoch
  }
}

function keyOf(topicId: string, partition: number): string {
  return `${topicId}-${partition}`
}
