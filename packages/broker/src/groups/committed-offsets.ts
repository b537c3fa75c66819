import type { OffsetEntry } from './group-journal.ts'

/** What a group has committed for a partition. */
export interface CommittedOffset {
  readonly offset: number
  /** -1 if the client did not tell. */
  readonly leaderEpoch: number
  readonly metadata: string
  readonly committedAt: number
}

/** The committed offsets of one group: topic, then partition. */
export class CommittedOffsets {
  readonly #topics = new Map<string, Map<number, CommittedOffset>>()

  get isEmpty(): boolean {
    return this.#topics.size === 0
  }

  get(topic: string, partition: number): CommittedOffset | undefined {
    return this.#topics.get(topic)?.get(partition)
  }

  *all(): Generator<{ readonly topic: string; readonly partition: number; readonly committed: CommittedOffset }> {
    for (const [topic, partitions] of this.#topics) {
      for (const [partition, committed] of partitions) yield { topic, partition, committed }
    }
  }

  put([topic, partition, offset, leaderEpoch, metadata]: OffsetEntry, committedAt: number): void {
    let partitions = this.#topics.get(topic)
    if (!partitions) this.#topics.set(topic, (partitions = new Map()))
    partitions.set(partition, { offset, leaderEpoch, metadata, committedAt })
  }

  remove(topic: string, partition: number): void {
    const partitions = this.#topics.get(topic)
    partitions?.delete(partition)
    if (partitions?.size === 0) this.#topics.delete(topic)
  }

  removeTopic(topic: string): void {
    this.#topics.delete(topic)
  }
}
