import type { TopicPartition, TopicPartitionOffset } from '@millrace/api'
import { partitionName } from './topic-partitions.ts'

/** Offsets by partition. */
export type OffsetsByPartition = ReadonlyMap<string, TopicPartitionOffset>

export interface CommitDecision {
  /** What to commit: for each partition what the task returned, or else what was committed last. Empty: there is nothing to commit. */
  readonly committable: readonly TopicPartitionOffset[]
  /** The offsets that the task returned and that count. */
  readonly accepted: readonly TopicPartitionOffset[]
  /** What was wrong with others that it returned, to be logged. */
  readonly warnings: readonly string[]
}

/**
 * Which of the offsets that `preCommit` returned are committed (docs/spec/record-delivery.md, D7), by the original's rules: those above what was delivered, and those of foreign
 * partitions, are ignored with a warning; partitions that the task left out keep their last committed offset; no change, no commit.
 */
export function commitDecision({
  current,
  committed,
  returned,
}: {
  readonly current: OffsetsByPartition
  readonly committed: OffsetsByPartition
  readonly returned: readonly TopicPartitionOffset[]
}): CommitDecision {
  if (returned.length === 0) return { committable: [], accepted: [], warnings: [] }
  const warnings: string[] = []
  const accepted: TopicPartitionOffset[] = []
  const committable = new Map(committed)
  for (const offset of returned) {
    const name = partitionName(offset)
    const delivered = current.get(name)
    if (delivered === undefined) warnings.push(`Ignoring invalid task provided offset ${name}/${offset.offset} -- partition not assigned`)
    else if (offset.offset > delivered.offset)
      warnings.push(
        `Ignoring invalid task provided offset ${name}/${offset.offset} -- not yet consumed, taskOffset=${offset.offset} currentOffset=${delivered.offset}`,
      )
    else {
      accepted.push(offset)
      committable.set(name, offset)
    }
  }
  const isChanged = [...committable].some(([name, offset]) => !isSame(offset, committed.get(name)))
  return { committable: isChanged ? [...committable.values()] : [], accepted, warnings }
}

function isSame(a: TopicPartitionOffset, b: TopicPartitionOffset | undefined): boolean {
  return b !== undefined && a.offset === b.offset && (a.metadata ?? '') === (b.metadata ?? '')
}

/** The offsets of these partitions, those that are known. */
export function offsetsOf(offsets: OffsetsByPartition, partitions: readonly TopicPartition[]): Map<string, TopicPartitionOffset> {
  const chosen = new Map<string, TopicPartitionOffset>()
  for (const partition of partitions) {
    const name = partitionName(partition)
    const offset = offsets.get(name)
    if (offset) chosen.set(name, offset)
  }
  return chosen
}
