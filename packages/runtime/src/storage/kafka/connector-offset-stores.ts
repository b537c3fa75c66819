import type { Logger, MaybePromise, Properties } from '@millrace/api'
import { Admin } from '@millrace/kafka'
import { decodeOffsetKey } from '../offset-encoding.ts'
import type { OffsetStore, OffsetWrite, StoredOffset } from '../offset-store.ts'
import { workerClientProperties } from './client-properties.ts'
import type { InternalTopic } from './internal-topics.ts'
import { KafkaOffsetStore } from './kafka-offset-store.ts'

/** A topic that a source connector keeps its own offsets in, and how to reach it (`offsets.storage.topic` of the connector). */
export interface ConnectorOffsetsTopic {
  readonly topic: string
  /** Complete settings of its clients, `bootstrap.servers` included: the worker's, with the connector's overrides. */
  readonly producer: Properties
  readonly consumer: Properties
  readonly admin: Properties
}

export interface ConnectorOffsetStoresOptions {
  /** The worker's, which knows the connectors without a topic of their own. Not started and stopped here. */
  readonly worker: OffsetStore
  /** The worker's topic: others are created with its partitions, replicas and settings. */
  readonly workerTopic: InternalTopic
  readonly workerBootstrapServers: string
  /** What a connector says at present; null for none. Asked for each use. */
  readonly topicOf: (connector: string) => MaybePromise<ConnectorOffsetsTopic | null>
  readonly logger: Logger
}

/** After how long without use the topic of a connector is not followed any longer. Milliseconds. */
const IDLE_TIMEOUT_MS = 10 * 60_000

interface OpenStore {
  readonly settings: string
  readonly store: KafkaOffsetStore
  readonly admin: Admin
  readonly started: Promise<void>
  usedAt: number
  uses: number
}

/**
 * Offsets of all connectors, where some have a topic of their own (`org.apache.kafka.connect.storage.ConnectorOffsetBackingStore`). That topic comes first
 * when they are read; what is written to it is copied into the worker's topic, which may fail unseen but for removals: these come first there, so that an
 * offset never comes back.
 *
 * Each key names its connector, so tasks and connectors need not know. A topic is opened at its first use and closed when it is not used any more.
 */
export class ConnectorOffsetStores implements OffsetStore {
  readonly #options: ConnectorOffsetStoresOptions
  readonly #open = new Map<string, OpenStore>()
  #timer: NodeJS.Timeout | undefined

  constructor(options: ConnectorOffsetStoresOptions) {
    this.#options = options
  }

  async start(): Promise<void> {
    this.#timer = setInterval(() => void this.#closeIdle(), IDLE_TIMEOUT_MS)
    this.#timer.unref()
  }

  /** Closes the topics of connectors. */
  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await Promise.all([...this.#open.keys()].map((connector) => this.#close(connector)))
  }

  async get(keys: readonly Buffer[]): Promise<readonly (Buffer | null)[]> {
    const fallback = this.#options.worker.get(keys)
    const own = this.#byConnector(keys, (key) => key).then((parts) => Promise.all(parts.map(([connector, some]) => this.#getOwn(connector, some))))
    const [values, found] = await Promise.all([fallback, own])
    const best = new Map(found.flat())
    return keys.map((key, i) => best.get(key) ?? values[i] ?? null)
  }

  async set(entries: readonly OffsetWrite[]): Promise<void> {
    const parts = await this.#byConnector(entries, ({ key }) => key)
    const left = new Set(entries)
    const own = parts.map(async ([connector, some]) => {
      for (const entry of some) left.delete(entry)
      await this.#setOwn(connector, some)
    })
    await Promise.all([...own, this.#options.worker.set([...left])])
  }

  async connectorPartitions(connector: string): Promise<readonly StoredOffset[]> {
    const fallback = await this.#options.worker.connectorPartitions(connector)
    if ((await this.#ownTopic(connector)) === null) return fallback
    const own = await this.#use(connector, (store) => store.connectorPartitions(connector))
    const keys = [...fallback, ...own].map(({ key }) => key)
    const values = await this.get(keys)
    const byKey = new Map(keys.map((key, i) => [key.toString(), { key, value: values[i] }]))
    return [...byKey.values()].filter((offset): offset is StoredOffset => offset.value !== null && offset.value !== undefined)
  }

  async #getOwn(connector: string, keys: readonly Buffer[]): Promise<readonly (readonly [Buffer, Buffer | null])[]> {
    const values = await this.#use(connector, (store) => store.get(keys))
    return keys.map((key, i) => [key, values[i] ?? null])
  }

  async #setOwn(connector: string, entries: readonly OffsetWrite[]): Promise<void> {
    const { worker, logger } = this.#options
    const removed = entries.filter(({ value }) => value === null)
    if (removed.length > 0) await worker.set(removed)
    await this.#use(connector, (store) => store.set(entries))
    const written = entries.filter(({ value }) => value !== null)
    worker.set(written).catch((error: unknown) => logger.warn(`Offsets of connector ${connector} were not copied to the worker's topic`, error))
  }

  /** What belongs to connectors with a topic of their own. */
  async #byConnector<T>(items: readonly T[], keyOf: (item: T) => Buffer): Promise<(readonly [string, readonly T[]])[]> {
    const groups = new Map<string, T[]>()
    for (const item of items) {
      const connector = decodeOffsetKey(keyOf(item))?.connector
      if (connector === undefined) continue
      const group = groups.get(connector)
      if (group) group.push(item)
      else groups.set(connector, [item])
    }
    const own = await Promise.all([...groups.keys()].map((connector) => this.#ownTopic(connector)))
    return [...groups].filter((_, i) => own[i] !== null)
  }

  async #use<T>(connector: string, work: (store: OffsetStore) => Promise<T>): Promise<T> {
    const settings = await this.#ownTopic(connector)
    if (settings === null) return await work(this.#options.worker)
    const open = await this.#opened(connector, settings)
    open.uses++
    try {
      await open.started
      return await work(open.store)
    } catch (error) {
      // A topic that could not be read is opened anew the next time.
      if (this.#open.get(connector) === open && open.uses === 1) await this.#close(connector)
      throw error
    } finally {
      open.uses--
      open.usedAt = performance.now()
    }
  }

  async #opened(connector: string, settings: ConnectorOffsetsTopic): Promise<OpenStore> {
    const text = JSON.stringify(settings)
    const before = this.#open.get(connector)
    if (before?.settings === text) return before
    const open = this.#newStore(settings, text)
    this.#open.set(connector, open)
    if (before) await closeStore(before)
    return open
  }

  #newStore(settings: ConnectorOffsetsTopic, text: string): OpenStore {
    const { workerTopic, logger } = this.#options
    const topic = { ...workerTopic, name: settings.topic, property: 'offsets.storage.topic' }
    const admin = new Admin(workerClientProperties('admin', settings.admin, { 'bootstrap.servers': settings.admin['bootstrap.servers'] ?? '' }), { logger })
    const { 'default.api.timeout.ms': apiTimeoutMs = '60000', 'retry.backoff.ms': retryBackoffMs = '100' } = settings.admin
    // An exactly-once task may be writing in a transaction.
    const consumer = { 'isolation.level': 'read_committed', ...settings.consumer }
    const clients = { producer: settings.producer, consumer, apiTimeoutMs: Number(apiTimeoutMs), retryBackoffMs: Number(retryBackoffMs) }
    const store = new KafkaOffsetStore({ topic, clients, admin, logger })
    const started = store.start()
    // Whoever uses it hears of its failure.
    started.catch(() => undefined)
    return { settings: text, store, admin, started, usedAt: performance.now(), uses: 0 }
  }

  /** Null also where it is the worker's topic. */
  async #ownTopic(connector: string): Promise<ConnectorOffsetsTopic | null> {
    const { topicOf, workerTopic, workerBootstrapServers } = this.#options
    const settings = await topicOf(connector)
    return settings?.topic === workerTopic.name && settings.producer['bootstrap.servers'] === workerBootstrapServers ? null : settings
  }

  async #closeIdle(): Promise<void> {
    const now = performance.now()
    const idle = [...this.#open].filter(([, { uses, usedAt }]) => uses === 0 && now - usedAt >= IDLE_TIMEOUT_MS)
    await Promise.all(idle.map(([connector]) => this.#close(connector)))
  }

  async #close(connector: string): Promise<void> {
    const open = this.#open.get(connector)
    this.#open.delete(connector)
    if (open) await closeStore(open)
  }
}

/** Never rejects. */
async function closeStore({ store, admin }: OpenStore): Promise<void> {
  await Promise.allSettled([store.stop()])
  await Promise.allSettled([admin.close()])
}
