/**
 * Settings of connectors that this release does not carry out yet. Set to its default such a key is accepted; any other value is refused, since a
 * connector that ran without what was asked of it would do harm in silence. A line leaves this table with the feature that brings it.
 */
interface LaterKey {
  readonly key: string
  readonly kinds: readonly ('source' | 'sink')[]
  /** The value that changes nothing, in small letters; null where every value changes something. */
  readonly accepted: string | null
  readonly feature: string
}

const LATER_KEYS: readonly LaterKey[] = [
  { key: 'exactly.once.support', kinds: ['source'], accepted: 'requested', feature: 'Exactly-once delivery' },
  { key: 'transaction.boundary', kinds: ['source'], accepted: 'poll', feature: 'Exactly-once delivery' },
  { key: 'transaction.boundary.interval.ms', kinds: ['source'], accepted: null, feature: 'Exactly-once delivery' },
]

export interface LaterKeyError {
  readonly key: string
  readonly message: string
}

/** One error per key that asks for something that does not exist yet, in the order of `properties`. Values are not repeated: they may be secret. */
export function laterKeyErrors(kind: 'source' | 'sink', properties: Readonly<Record<string, string | null>>): LaterKeyError[] {
  return Object.entries(properties).flatMap(([key, value]) => {
    const later = LATER_KEYS.find((entry) => entry.kinds.includes(kind) && entry.key === key)
    if (later === undefined || value === null || value.trim().toLowerCase() === later.accepted) return []
    return [{ key, message: `Configuration ${key} cannot be used yet: ${later.feature} will come with a later release. ${advice(later)}` }]
  })
}

function advice({ accepted }: LaterKey): string {
  if (accepted === null) return 'Remove it.'
  return accepted === '' ? 'Remove it or leave it empty.' : `Remove it or set it to ${accepted}.`
}
