import type { BrokerConfig } from '../config/broker-config.ts'
import type { BrokerLogger } from '../broker-logger.ts'
import type { Faults } from '../faults.ts'
import { Journal } from '../journal.ts'
import type { GroupSnapshot } from './group.ts'

export type OffsetEntry = readonly [topic: string, partition: number, offset: number, leaderEpoch: number, metadata: string]

/** One line of the journal of groups and committed offsets. */
export type JournalEntry =
  | { readonly kind: 'offsets'; readonly groupId: string; readonly committedAt: number; readonly offsets: readonly OffsetEntry[] }
  | { readonly kind: 'offsets-removed'; readonly groupId: string; readonly partitions: readonly (readonly [topic: string, partition: number])[] }
  | { readonly kind: 'topic-removed'; readonly topic: string }
  | { readonly kind: 'group'; readonly group: GroupSnapshot }
  | { readonly kind: 'group-removed'; readonly groupId: string }

export type GroupJournal = Journal<JournalEntry>

/** Opens `groups.journal`; see `Journal.open`. */
export function openGroupJournal(
  options: { readonly dataDir: string; readonly config: BrokerConfig; readonly faults: Faults; readonly logger: BrokerLogger },
  replay: (entry: JournalEntry) => void,
): GroupJournal {
  const { dataDir, config, faults, logger } = options
  return Journal.open({ dataDir, file: 'groups.journal', faultTopic: '__consumer_offsets', flushEntries: config.flushMessages, faults, logger }, replay)
}
