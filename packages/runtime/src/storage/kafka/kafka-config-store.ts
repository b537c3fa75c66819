import { ConfigError, ConnectError, type Logger } from '@millrace/api'
import type {
  ClusterConfigSnapshot,
  ClusterConfigStore,
  ConfigStoreListener,
  SessionKey,
  StoredConnectorConfig,
  StoredRestartRequest,
  StoredTaskConfig,
  TargetState,
} from '../config-store.ts'
import {
  commitEntry,
  configTopicRecord,
  connectorEntry,
  connectorTombstone,
  loggerLevelEntry,
  restartEntry,
  sessionKeyEntry,
  targetStateEntry,
  targetStateTombstone,
  taskCountEntry,
  taskEntry,
} from './config-topic-records.ts'
import { ConfigRecordError, ConfigTopicState } from './config-topic-state.ts'
import type { InternalTopic } from './internal-topics.ts'
import { KafkaBasedLog, type KafkaBasedLogOptions, type LogEntry, type LogRecord } from './kafka-based-log.ts'
import { within } from './within.ts'

export type KafkaStoreOptions = Omit<KafkaBasedLogOptions, 'read'>

/** How long a write may take, with reading it back. Milliseconds. */
const WRITE_TIMEOUT_MS = 30_000

/**
 * Configurations in a topic that all workers of a cluster share (`org.apache.kafka.connect.storage.KafkaConfigBackingStore`), in its format: Java workers read
 * what this one writes, and the other way round.
 *
 * A write that is not acknowledged in time rejects, and may take effect later: `refresh` and the snapshot tell.
 */
export class KafkaConfigStore implements ClusterConfigStore {
  readonly #topic: InternalTopic
  readonly #log: KafkaBasedLog
  readonly #logger: Logger
  readonly #state = new ConfigTopicState()
  #listener: ConfigStoreListener | null = null
  #isStarted = false

  /** Connects to nothing yet. @throws KafkaError where a setting of a client is wrong. */
  constructor(options: KafkaStoreOptions) {
    this.#topic = options.topic
    this.#logger = options.logger
    this.#log = new KafkaBasedLog({ ...options, read: (record) => this.#read(record) })
  }

  listen(listener: ConfigStoreListener): void {
    this.#listener = listener
  }

  /** @throws ConfigError for a topic that cannot hold configurations, with how to mend it; ConnectError where it cannot be read. */
  async start(): Promise<void> {
    await this.#log.start()
    const { name, property } = this.#topic
    const count = this.#log.partitionCount
    if (count > 1) {
      throw new ConfigError(
        `Topic '${name}' supplied via the '${property}' property is required to have a single partition in order to guarantee consistency of connector configurations, but found ${count} partitions. Partitions cannot be removed: create a topic with one partition and 'cleanup.policy=compact', and name that.`,
        { key: property },
      )
    }
    this.#isStarted = true
  }

  async stop(): Promise<void> {
    this.#isStarted = false
    await this.#log.stop()
  }

  snapshot(): ClusterConfigSnapshot {
    return this.#state.snapshot()
  }

  /** Nothing was ever written to the topic, or all of it is gone. */
  get isEmpty(): boolean {
    return this.#state.snapshot().offset < 0
  }

  async refresh(timeoutMs: number): Promise<void> {
    await within(timeoutMs, this.#log.readToEnd(), `Topic '${this.#topic.name}' could not be read to its end in ${timeoutMs} ms`)
  }

  async putConnectorConfig(connector: string, config: StoredConnectorConfig, targetState: TargetState | null): Promise<void> {
    const entries = [...(targetState === null ? [] : [targetStateEntry(connector, targetState)]), connectorEntry(connector, config)]
    await this.#write('Error writing connector configuration to Kafka', entries)
  }

  async removeConnectorConfig(connector: string): Promise<void> {
    await this.#write('Error removing connector configuration from Kafka', [connectorTombstone(connector), targetStateTombstone(connector)])
  }

  async putTaskConfigs(connector: string, configs: readonly StoredTaskConfig[]): Promise<void> {
    this.#ensureKnown(connector)
    const entries = configs.map((config, task) => taskEntry({ connector, task }, config))
    if (entries.length > 0) await this.#write('Error writing task configurations to Kafka', entries)
    // Readers take the set over as a whole, so the commit must not come before one of its tasks.
    await this.#write('Error writing root configuration to Kafka', [commitEntry(connector, configs.length)])
  }

  async removeTaskConfigs(connector: string): Promise<void> {
    if (this.snapshot().tasks(connector).length > 0) await this.putTaskConfigs(connector, [])
  }

  async putTargetState(connector: string, state: TargetState): Promise<void> {
    this.#ensureKnown(connector)
    await this.#write('Error writing target state to Kafka', [targetStateEntry(connector, state)])
  }

  async putRestartRequest(request: StoredRestartRequest): Promise<void> {
    const { connector, includeTasks, onlyFailed } = request
    const text = `restart request for {connectorName='${connector}', onlyFailed=${onlyFailed}, includeTasks=${includeTasks}}`
    await this.#write(`Error writing ${text} to Kafka`, [restartEntry(request)])
  }

  async putSessionKey(key: SessionKey): Promise<void> {
    await this.#write('Error writing session key to Kafka', [sessionKeyEntry(key)])
  }

  async putTaskCountRecord(connector: string, count: number): Promise<void> {
    await this.#write('Error writing task count record to Kafka', [taskCountEntry(connector, count)])
  }

  async putLoggerLevel(namespace: string, level: string): Promise<void> {
    await this.#write('Error writing logger level to Kafka', [loggerLevelEntry(namespace, level)])
  }

  /** Writes of several leaders do not exclude each other: that needs transactions, which come with exactly-once support. */
  async claimWritePrivileges(): Promise<void> {}

  async #write(failure: string, entries: readonly LogEntry[]): Promise<void> {
    try {
      await within(WRITE_TIMEOUT_MS, this.#log.appendAndRead(entries), `No acknowledgement in ${WRITE_TIMEOUT_MS} ms`)
    } catch (cause) {
      this.#logger.error(failure, cause)
      throw new ConnectError(failure, { cause })
    }
  }

  #ensureKnown(connector: string): void {
    if (!this.snapshot().contains(connector)) throw new ConnectError(`No connector \`${connector}\` configured`)
  }

  #read({ key, value, offset }: LogRecord): void {
    const text = key?.toString() ?? ''
    let parsed: unknown
    try {
      parsed = value === null ? null : JSON.parse(value.toString())
    } catch {
      // As in the original, the offset does not move on.
      this.#logger.error(`Failed to convert config data to Kafka Connect format: the record "${text}" at offset ${offset} is not JSON`)
      return
    }
    const record = configTopicRecord(text, parsed)
    if (record === null) {
      this.#state.skipped(offset + 1)
      this.#logger.error(`Discarding config update record with invalid key: ${text}`)
      return
    }
    try {
      const change = this.#state.apply(record, offset + 1)
      if (this.#isStarted && this.#listener !== null) change?.(this.#listener)
    } catch (error) {
      if (!(error instanceof ConfigRecordError)) throw error
      this.#logger.error(error.message)
    }
  }
}
