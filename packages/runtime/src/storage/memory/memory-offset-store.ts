import { canonicalOffsetKey, decodeOffsetKey } from '../offset-encoding.ts'
import type { OffsetStore, OffsetWrite, StoredOffset } from '../offset-store.ts'

interface Entry extends StoredOffset {
  /** Whose partition it is; null for keys that are none. Kept, as there may be very many. */
  readonly connector: string | null
}

/** Offsets that are forgotten with the process. Also the table that stores on disk keep in memory. */
export class MemoryOffsetStore implements OffsetStore {
  /** By canonical key. An entry keeps the bytes of the key that it was first written with, as compaction and Java compare bytes. */
  readonly #entries = new Map<string, Entry>()

  async start(): Promise<void> {}

  async stop(): Promise<void> {}

  async get(keys: readonly Buffer[]): Promise<readonly (Buffer | null)[]> {
    return keys.map((key) => this.#entries.get(canonicalOffsetKey(key))?.value ?? null)
  }

  async set(entries: readonly OffsetWrite[]): Promise<void> {
    this.apply(entries)
  }

  async connectorPartitions(connector: string): Promise<readonly StoredOffset[]> {
    return [...this.#entries.values()].filter((entry) => entry.connector === connector)
  }

  apply(entries: readonly OffsetWrite[]): void {
    for (const { key, value } of entries) {
      const canonical = canonicalOffsetKey(key)
      if (value === null) this.#entries.delete(canonical)
      else this.#entries.set(canonical, { ...(this.#entries.get(canonical) ?? { key, connector: connectorOf(key) }), value })
    }
  }

  /** The bytes that a canonical key is stored under; null where nothing is stored. */
  storedKey(canonical: string): Buffer | null {
    return this.#entries.get(canonical)?.key ?? null
  }

  get isEmpty(): boolean {
    return this.#entries.size === 0
  }

  entries(): StoredOffset[] {
    return [...this.#entries.values()]
  }
}

function connectorOf(key: Buffer): string | null {
  const decoded = decodeOffsetKey(key)
  return decoded === null || decoded.partition === null ? null : decoded.connector
}
