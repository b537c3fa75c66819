import type { BrokerLogger } from '../broker-logger.ts'
import type { BrokerConfig } from '../config/broker-config.ts'
import type { Faults } from '../faults.ts'
import type { Topics } from '../topics.ts'
import { type CommittedOffset, CommittedOffsets } from './committed-offsets.ts'
import { Group, type GroupOptions, type GroupSnapshot } from './group.ts'
import { type GroupJournal, type JournalEntry, type OffsetEntry, openGroupJournal } from './group-journal.ts'

export interface GroupCoordinatorOptions {
  readonly dataDir: string
  readonly config: BrokerConfig
  readonly topics: Topics
  readonly faults: Faults
  readonly logger: BrokerLogger
  readonly clock: () => number
}

interface GroupEntry {
  readonly group: Group
  readonly offsets: CommittedOffsets
  /** As the journal has the group; undefined for one that only has offsets, or is in its first rebalance. */
  stored: GroupSnapshot | undefined
}

/** All groups with their committed offsets, durable in the journal. */
export class GroupCoordinator {
  readonly #options: GroupCoordinatorOptions
  readonly #entries = new Map<string, GroupEntry>()
  readonly #journal: GroupJournal

  private constructor(options: GroupCoordinatorOptions) {
    this.#options = options
    this.#journal = openGroupJournal(options, (entry) => this.#replay(entry))
    for (const [groupId, { offsets, stored }] of this.#entries) {
      if (!stored) continue
      const group = Group.restore(stored, this.#groupOptions(groupId))
      this.#entries.set(groupId, { group, offsets, stored })
      group.beginSessions()
    }
    options.topics.onRemoved((topic) => this.#forgetTopic(topic))
  }

  /** Restores what the journal holds. @throws the system's error. */
  static open(options: GroupCoordinatorOptions): GroupCoordinator {
    return new GroupCoordinator(options)
  }

  get(groupId: string): Group | undefined {
    return this.#entries.get(groupId)?.group
  }

  /** The group, made if it is not there. */
  getOrCreate(groupId: string): Group {
    return this.#entry(groupId).group
  }

  all(): Group[] {
    return [...this.#entries.values()].map(({ group }) => group)
  }

  /** Undefined if the group has none for the partition. */
  committed(groupId: string, topic: string, partition: number): CommittedOffset | undefined {
    return this.#entries.get(groupId)?.offsets.get(topic, partition)
  }

  allCommitted(groupId: string): { readonly topic: string; readonly partition: number; readonly committed: CommittedOffset }[] {
    return [...(this.#entries.get(groupId)?.offsets.all() ?? [])]
  }

  /** Stores offsets; durable on return. The caller has checked who commits. @throws the system's error, and nothing has changed. */
  commit(groupId: string, offsets: readonly OffsetEntry[]): void {
    const committedAt = this.#options.clock()
    this.#journal.append({ kind: 'offsets', groupId, committedAt, offsets })
    const entry = this.#entry(groupId)
    for (const offset of offsets) entry.offsets.put(offset, committedAt)
    this.#rewriteIfDue()
  }

  /** Removes offsets of a group. @throws the system's error, and nothing has changed. */
  removeOffsets(groupId: string, partitions: readonly (readonly [topic: string, partition: number])[]): void {
    const entry = this.#entries.get(groupId)
    if (!entry || partitions.length === 0) return
    this.#journal.append({ kind: 'offsets-removed', groupId, partitions })
    for (const [topic, partition] of partitions) entry.offsets.remove(topic, partition)
    this.#rewriteIfDue()
  }

  /** Removes a group with its offsets. @throws the system's error, and nothing has changed. */
  remove(groupId: string): void {
    const entry = this.#entries.get(groupId)
    if (!entry) return
    this.#journal.append({ kind: 'group-removed', groupId })
    entry.group.close()
    this.#entries.delete(groupId)
  }

  /** Called every few minutes: forgets offsets of groups that nobody has used for `offsets.retention.minutes`, then the groups. */
  expireOffsets(now: number): void {
    const { config, logger } = this.#options
    for (const [groupId, { group, offsets }] of this.#entries) {
      if (!group.isUnused) continue
      const isExpired = ({ committedAt }: CommittedOffset) => now - Math.max(committedAt, group.stateSince) >= config.offsetsRetentionMs
      const expired = [...offsets.all()].filter(({ committed }) => isExpired(committed))
      try {
        this.removeOffsets(
          groupId,
          expired.map(({ topic, partition }) => [topic, partition] as const),
        )
        if (offsets.isEmpty) this.remove(groupId)
      } catch (error) {
        logger.warn(`The expired offsets of group "${groupId}" could not be removed: ${(error as Error).message}`)
      }
    }
  }

  close(): void {
    for (const { group } of this.#entries.values()) group.close()
    try {
      this.#journal.close()
    } catch (error) {
      this.#options.logger.warn(`The committed offsets could not be brought to the disk: ${(error as Error).message}`)
    }
  }

  #entry(groupId: string): GroupEntry {
    let entry = this.#entries.get(groupId)
    if (!entry) {
      entry = { group: new Group(this.#groupOptions(groupId)), offsets: new CommittedOffsets(), stored: undefined }
      this.#entries.set(groupId, entry)
    }
    return entry
  }

  #groupOptions(groupId: string): GroupOptions {
    const { config, clock, logger } = this.#options
    return {
      groupId,
      initialRebalanceDelayMs: config.groupInitialRebalanceDelayMs,
      sizeMax: config.groupMaxSize,
      clock,
      logger,
      persist: (group) => {
        this.#journal.append({ kind: 'group', group })
        this.#entry(groupId).stored = group
        this.#rewriteIfDue()
      },
    }
  }

  #replay(entry: JournalEntry): void {
    switch (entry.kind) {
      case 'offsets': {
        const { offsets } = this.#entry(entry.groupId)
        for (const offset of entry.offsets) offsets.put(offset, entry.committedAt)
        break
      }
      case 'offsets-removed':
        for (const [topic, partition] of entry.partitions) this.#entries.get(entry.groupId)?.offsets.remove(topic, partition)
        break
      case 'topic-removed':
        for (const { offsets } of this.#entries.values()) offsets.removeTopic(entry.topic)
        break
      case 'group':
        this.#entry(entry.group.groupId).stored = entry.group
        break
      case 'group-removed':
        this.#entries.delete(entry.groupId)
        break
    }
  }

  #forgetTopic(topic: string): void {
    try {
      this.#journal.append({ kind: 'topic-removed', topic })
    } catch (error) {
      this.#options.logger.warn(`The offsets of the deleted topic "${topic}" could not be removed for good: ${(error as Error).message}`)
    }
    for (const { offsets } of this.#entries.values()) offsets.removeTopic(topic)
  }

  #rewriteIfDue(): void {
    if (!this.#journal.isRewriteDue) return
    try {
      this.#journal.rewrite(this.#present())
    } catch (error) {
      this.#options.logger.warn(`The journal of the groups could not be written anew, and grows on: ${(error as Error).message}`)
    }
  }

  /** The state as a journal. */
  *#present(): Generator<JournalEntry> {
    for (const [groupId, { stored, offsets }] of this.#entries) {
      // In the middle of a rebalance this is the generation before: members of the next one are then told to join again.
      if (stored) yield { kind: 'group', group: stored }
      for (const { topic, partition, committed } of offsets.all()) {
        const { offset, leaderEpoch, metadata, committedAt } = committed
        yield { kind: 'offsets', groupId, committedAt, offsets: [[topic, partition, offset, leaderEpoch, metadata]] }
      }
    }
  }
}
