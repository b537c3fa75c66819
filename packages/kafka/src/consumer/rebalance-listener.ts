import type { TopicPartition } from '../topic-partition.ts'

/**
 * Is told which partitions a subscribed consumer gets and gives up. Called inside `poll` and `close` only, one call at a time, and awaited:
 * nothing else happens with the group until it has returned. What it throws is thrown by `poll`, after the rebalance has gone on.
 */
export interface RebalanceListener {
  /** Before the partitions go to others: the last moment to commit their offsets. Never called with none. */
  revoked(partitions: readonly TopicPartition[]): Promise<void> | void
  /** The partitions may already belong to others; committing is of no use. Default: `revoked` is called instead, as in Java. */
  lost?(partitions: readonly TopicPartition[]): Promise<void> | void
  /** The partitions that have come, possibly none; those that were kept through a cooperative rebalance are not among them. Positions are not known yet; seeking and pausing are possible. */
  assigned(partitions: readonly TopicPartition[]): Promise<void> | void
}
