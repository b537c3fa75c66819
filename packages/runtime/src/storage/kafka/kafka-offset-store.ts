import { MemoryOffsetStore } from '../memory/memory-offset-store.ts'
import { OffsetStoreError } from '../errors.ts'
import { canonicalOffsetKey, decodeOffsetKey } from '../offset-encoding.ts'
import type { OffsetStore, OffsetWrite, StoredOffset } from '../offset-store.ts'
import { ownBytes } from '../own-bytes.ts'
import { KafkaBasedLog, type LogRecord } from './kafka-based-log.ts'
import type { KafkaStoreOptions } from './kafka-config-store.ts'
import type { Logger } from '@millrace/api'

/** Source offsets in a topic that all workers of a cluster share (`org.apache.kafka.connect.storage.KafkaOffsetBackingStore`), in its format. */
export class KafkaOffsetStore implements OffsetStore {
  readonly #log: KafkaBasedLog
  readonly #logger: Logger
  readonly #topic: string
  readonly #table = new MemoryOffsetStore()

  /** Connects to nothing yet. @throws KafkaError where a setting of a client is wrong. */
  constructor(options: KafkaStoreOptions) {
    this.#topic = options.topic.name
    this.#logger = options.logger
    this.#log = new KafkaBasedLog({ ...options, read: (record) => this.#read(record) })
  }

  start(): Promise<void> {
    return this.#log.start()
  }

  stop(): Promise<void> {
    return this.#log.stop()
  }

  /** No offset is stored. */
  get isEmpty(): boolean {
    return this.#table.isEmpty
  }

  async get(keys: readonly Buffer[]): Promise<readonly (Buffer | null)[]> {
    await this.#refresh()
    return await this.#table.get(keys)
  }

  async set(entries: readonly OffsetWrite[]): Promise<void> {
    if (entries.length === 0) return
    try {
      // Under the bytes that the partition has already: compaction and Java workers tell keys apart by their bytes.
      await this.#log.append(entries.map(({ key, value }) => ({ key: this.#table.storedKey(canonicalOffsetKey(key)) ?? key, value })))
    } catch (cause) {
      throw new OffsetStoreError(`Offsets could not be written to topic "${this.#topic}": ${(cause as Error).message}`, { cause })
    }
  }

  async connectorPartitions(connector: string): Promise<readonly StoredOffset[]> {
    await this.#refresh()
    return await this.#table.connectorPartitions(connector)
  }

  async #refresh(): Promise<void> {
    try {
      await this.#log.readToEnd()
    } catch (cause) {
      throw new OffsetStoreError(`Offsets could not be read from topic "${this.#topic}": ${(cause as Error).message}`, { cause })
    }
  }

  #read({ key, value, partition, offset }: LogRecord): void {
    if (key === null) return
    if (decodeOffsetKey(key) === null) this.#logger.warn(`The key of the record at offset ${offset} of ${this.#topic}-${partition} is no source partition`)
    // A fetch is much larger than what is kept of it.
    this.#table.apply([{ key: ownBytes(key), value: value && ownBytes(value) }])
  }
}
