import type { Logger, Properties } from '@millrace/api'
import { Admin } from '@millrace/kafka'
import type { OffsetStore } from '../offset-store.ts'
import { workerClientProperties } from './client-properties.ts'
import { ConnectorOffsetStores, type ConnectorOffsetStoresOptions } from './connector-offset-stores.ts'
import { type InternalTopics, internalTopics } from './internal-topics.ts'
import { workerLogClients } from './kafka-based-log.ts'
import { KafkaConfigStore } from './kafka-config-store.ts'
import { KafkaOffsetStore } from './kafka-offset-store.ts'
import { KafkaStatusStore } from './kafka-status-store.ts'

export interface KafkaStoresOptions {
  /** The worker's, references resolved: its clients' settings, `config.storage.*`, `offset.storage.*` and `status.storage.*`. */
  readonly properties: Properties
  /** With the address of an embedded broker already put in. */
  readonly bootstrapServers: string
  /** What the clients' ids begin with: `group.id`, or `group.id-client.id`. */
  readonly clientIdPrefix: string
  /** Where a connector keeps its own offsets. Default: nowhere. */
  readonly connectorTopicOf?: ConnectorOffsetStoresOptions['topicOf']
  readonly logger: Logger
}

/** The three stores of a worker in distributed mode, with one admin client for all of them. */
export class KafkaStores {
  readonly config: KafkaConfigStore
  /** Of all connectors, also of those with a topic of their own. */
  readonly offsets: OffsetStore
  readonly statuses: KafkaStatusStore
  readonly topics: InternalTopics
  readonly #workerOffsets: KafkaOffsetStore
  readonly #admin: Admin
  readonly #logger: Logger

  /** Connects to nothing yet. @throws ConfigError, KafkaError where a setting is wrong. */
  constructor({ properties, bootstrapServers, clientIdPrefix, connectorTopicOf: topicOf = () => null, logger }: KafkaStoresOptions) {
    this.#logger = logger
    this.topics = internalTopics(properties, logger)
    const own = { 'bootstrap.servers': bootstrapServers, 'client.id': `${clientIdPrefix}-shared-admin` }
    this.#admin = new Admin(workerClientProperties('admin', properties, own), { logger })
    const shared = (name: string) => ({
      clients: workerLogClients(properties, bootstrapServers, `${clientIdPrefix}-${name}`),
      admin: this.#admin,
      logger,
    })
    this.config = new KafkaConfigStore({ ...shared('configs'), topic: this.topics.config })
    this.#workerOffsets = new KafkaOffsetStore({ ...shared('offsets'), topic: this.topics.offsets })
    const worker = { worker: this.#workerOffsets, workerTopic: this.topics.offsets, workerBootstrapServers: bootstrapServers }
    this.offsets = new ConnectorOffsetStores({ ...worker, topicOf, logger })
    this.statuses = new KafkaStatusStore({ ...shared('statuses'), topic: this.topics.statuses })
  }

  /** Starts all three at the same time; all have ended when it rejects. @throws the first failure. */
  async start(): Promise<void> {
    const starts = [this.#workerOffsets.start(), this.offsets.start(), this.statuses.start(), this.config.start()]
    await Promise.allSettled(starts)
    await Promise.all(starts)
    for (const warning of this.warnings()) this.#logger.warn(warning)
  }

  /** What an operator has to look at: an empty config topic is no proof that there are no connectors. */
  warnings(): readonly string[] {
    const { config, offsets, statuses } = this.topics
    if (this.config.snapshot().connectors().length > 0) return []
    const connectors = this.statuses.connectors()
    const found = [
      ...(connectors.length > 0 ? [`"${statuses.name}" (status.storage.topic) knows the states of ${connectors.length} (${someOf(connectors)})`] : []),
      // Offsets stay when connectors are deleted, but then the topic of configurations is not without any record.
      ...(!this.config.isEmpty || this.#workerOffsets.isEmpty ? [] : [`"${offsets.name}" (offset.storage.topic) holds source offsets`]),
    ]
    if (found.length === 0) return []
    return [
      `Topic "${config.name}" (config.storage.topic) knows no connector, so none runs, but ${found.join(' and ')}. If the topic was deleted or the setting names another one than before, stop the workers, restore it, and start again; otherwise create the connectors anew: they go on where their offsets are.`,
    ]
  }

  /** Called once, also after a failed `start`. */
  async stop(): Promise<void> {
    await this.offsets.stop()
    await Promise.allSettled([this.statuses.stop(), this.#workerOffsets.stop(), this.config.stop()])
    await this.#admin.close()
  }
}

function someOf(names: readonly string[]): string {
  const shown = names.slice(0, 3).map((name) => `"${name}"`)
  return names.length > shown.length ? `${shown.join(', ')} …` : shown.join(', ')
}
