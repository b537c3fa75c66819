/** A key of the store with what is stored under it. */
export interface StoredOffset {
  readonly key: Buffer
  readonly value: Buffer
}

/** A write; the value null removes the offset (a tombstone). */
export interface OffsetWrite {
  readonly key: Buffer
  readonly value: Buffer | null
}

/**
 * Where source offsets live (`org.apache.kafka.connect.storage.OffsetBackingStore`). Keys and values are JSON bytes as `offset-encoding.ts` makes
 * them. On the main thread; tasks and connectors reach it by messages. Calls may overlap: writes take effect in the order of the calls.
 */
export interface OffsetStore {
  /** Reads what is stored. Called once, before everything else. @throws where what is stored cannot be read; it is left untouched then. */
  start(): Promise<void>
  /** One answer per key, in order; null where nothing is stored. Keys that mean the same partition in another order of fields are found too. */
  get(keys: readonly Buffer[]): Promise<readonly (Buffer | null)[]>
  /** Resolves when all entries are durable; rejects when none of them can be relied upon. Later entries win over earlier ones of the same key. */
  set(entries: readonly OffsetWrite[]): Promise<void>
  /** What is stored for the partitions of a connector, in the order in which they were first written. */
  connectorPartitions(connector: string): Promise<readonly StoredOffset[]>
  /** Waits for writes under way and releases everything. Called once, also after a failed `start`. */
  stop(): Promise<void>
}
