import type { OffsetEntry } from '../groups/group-journal.ts'

/** The states of a transactional id, under Kafka's names. Markers are written in `PrepareCommit` and `PrepareAbort`. */
export const transactionStates = ['Empty', 'Ongoing', 'PrepareCommit', 'PrepareAbort', 'CompleteCommit', 'CompleteAbort'] as const

export type TransactionState = (typeof transactionStates)[number]

/** Whose decision is stored and whose markers are not all written yet. */
export type PreparedState = 'PrepareCommit' | 'PrepareAbort'

/** A transactional id with its producer and its last transaction; plain data, replaced as a whole by each change. */
export interface Transaction {
  readonly transactionalId: string
  readonly producerId: number
  readonly producerEpoch: number
  /** The epoch before, of the same producer, which may ask once more for the present one; -1 if there is none. */
  readonly lastProducerEpoch: number
  /** With which it goes on once its end is complete, where the epochs of the present one are used up (KIP-890). */
  readonly nextProducerId?: number
  /** Whose last epoch the last transaction had, where it was another one. */
  readonly previousProducerId?: number
  readonly timeoutMs: number
  readonly state: TransactionState
  /** When the transaction began, by the broker's clock; -1 while there is none. */
  readonly startedAt: number
  readonly updatedAt: number
  /** Names in Kafka's form, `orders-0`. */
  readonly partitions: readonly string[]
  /** The groups that it commits offsets of, with these. */
  readonly groups: readonly (readonly [groupId: string, offsets: readonly OffsetEntry[]])[]
}

/** Who acts in a transaction: checked before anything is done. */
export interface ProducerIdentity {
  readonly transactionalId: string
  readonly producerId: number
  readonly producerEpoch: number
}

export function isPrepared(transaction: Transaction): transaction is Transaction & { readonly state: PreparedState } {
  return transaction.state === 'PrepareCommit' || transaction.state === 'PrepareAbort'
}

/** Kafka's text for a partition, and the key of it here. */
export function partitionName(topic: string, partition: number): string {
  return `${topic}-${partition}`
}

export function partitionOf(name: string): { readonly topic: string; readonly partition: number } {
  const dash = name.lastIndexOf('-')
  return { topic: name.slice(0, dash), partition: Number(name.slice(dash + 1)) }
}

/** The transaction with a group that it may commit offsets of; the same if it had it. */
export function withGroup(transaction: Transaction, groupId: string): Transaction {
  if (transaction.groups.some(([known]) => known === groupId)) return transaction
  return { ...transaction, groups: [...transaction.groups, [groupId, []]] }
}

/** The transaction with offsets of a group that it has; a later offset of a partition replaces the earlier one. */
export function withOffsets(transaction: Transaction, groupId: string, offsets: readonly OffsetEntry[]): Transaction {
  const merge = (before: readonly OffsetEntry[]) => {
    const byPartition = new Map(before.map((entry) => [partitionName(entry[0], entry[1]), entry]))
    for (const entry of offsets) byPartition.set(partitionName(entry[0], entry[1]), entry)
    return [...byPartition.values()]
  }
  return { ...transaction, groups: transaction.groups.map(([id, before]) => [id, id === groupId ? merge(before) : before] as const) }
}
