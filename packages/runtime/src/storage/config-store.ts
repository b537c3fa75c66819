import type { TaskId } from '@millrace/rest-api'

/** A connector's configuration as it was given: references not resolved, values may be null in state that Java workers wrote. */
export type StoredConnectorConfig = Readonly<Record<string, string | null>>
export type StoredTaskConfig = Readonly<Record<string, string>>

/** What a user wants a connector to do (`org.apache.kafka.connect.runtime.TargetState`). */
export type TargetState = 'STARTED' | 'PAUSED' | 'STOPPED'

/** The configurations of all connectors at one moment; never changes (`ClusterConfigState`). */
export interface ConfigSnapshot {
  /** Names in the order of creation. */
  connectors(): readonly string[]
  contains(connector: string): boolean
  /** Null where the connector is unknown. */
  connectorConfig(connector: string): StoredConnectorConfig | null
  /** Null where the connector is unknown. */
  targetState(connector: string): TargetState | null
  /** Ids in ascending order; none where the connector is unknown or has no tasks yet. */
  tasks(connector: string): readonly TaskId[]
  /** Null where the task is unknown. */
  taskConfig(id: TaskId): StoredTaskConfig | null
  /** The connector's configuration when its tasks were last put, or null. It tells whether tasks have to be put again although they are equal. */
  appliedConnectorConfig(connector: string): StoredConnectorConfig | null
}

/** Where configurations live (`org.apache.kafka.connect.storage.ConfigBackingStore`). Writes resolve when they are durable and in the snapshot. */
export interface ConfigStore {
  start(): Promise<void>
  stop(): Promise<void>
  /** The state after all writes that have resolved. */
  snapshot(): ConfigSnapshot
  /** `targetState` null: STARTED for a new connector, otherwise unchanged. Tasks stay as they are. */
  putConnectorConfig(connector: string, config: StoredConnectorConfig, targetState: TargetState | null): Promise<void>
  /** Removes configuration, target state and tasks; unknown connectors are ignored. */
  removeConnectorConfig(connector: string): Promise<void>
  /** Replaces all tasks of a connector and remembers its present configuration as applied. @throws where the connector is unknown. */
  putTaskConfigs(connector: string, configs: readonly StoredTaskConfig[]): Promise<void>
  /** Removes all tasks of a connector; unknown connectors are ignored. */
  removeTaskConfigs(connector: string): Promise<void>
  /** @throws where the connector is unknown. */
  putTargetState(connector: string, state: TargetState): Promise<void>
}

/** Signs requests between workers of one cluster (KIP-507). */
export interface SessionKey {
  readonly key: Buffer
  /** A JCA name such as `HmacSHA256`. */
  readonly algorithm: string
  /** Milliseconds since the epoch, by the clock of the leader that made it. */
  readonly creationTimestamp: number
}

/** A wish to restart a connector that all workers carry out, each for what it runs (KIP-745). */
export interface StoredRestartRequest {
  readonly connector: string
  readonly includeTasks: boolean
  readonly onlyFailed: boolean
}

/** What workers of a cluster additionally agree upon. */
export interface ClusterConfigSnapshot extends ConfigSnapshot {
  /** Offset of the last record that is in the snapshot, plus one; -1 while there is none. Workers compare how far they have read by it. */
  readonly offset: number
  /** Null until a leader has made one. */
  readonly sessionKey: SessionKey | null
  /** Connectors whose last set of tasks is incomplete, by compaction or a writer's end in between. They have no tasks until these are generated anew. */
  inconsistentConnectors(): readonly string[]
  /** Which set of tasks of a connector this is, counted from 0; null where none was seen. */
  taskConfigGeneration(connector: string): number | null
  /** The `tasks-fencing-` record of a connector (KIP-618), or null. */
  taskCountRecord(connector: string): number | null
  /** Whether task producers of an earlier set have to be fenced before tasks start in exactly-once mode. */
  isPendingFencing(connector: string): boolean
}

/**
 * Hears what was read from the config topic after `start`, in the order of the records, also of this worker's own writes. Called on the main
 * thread between two snapshots: the snapshot already holds the change. Must not throw and should only note what happened.
 */
export interface ConfigStoreListener {
  connectorConfigUpdated(connector: string): void
  connectorConfigRemoved(connector: string): void
  /** A set of tasks was committed; their ids, and those of tasks that it replaced. */
  taskConfigsUpdated(ids: readonly TaskId[]): void
  targetStateChanged(connector: string): void
  sessionKeyUpdated(key: SessionKey): void
  restartRequested(request: StoredRestartRequest): void
  /** A cluster-wide level of a logger, by the original's name (KIP-976). */
  loggerLevelUpdated(namespace: string, level: string): void
}

/** Configurations that several workers share (`org.apache.kafka.connect.storage.KafkaConfigBackingStore`). */
export interface ClusterConfigStore extends ConfigStore {
  snapshot(): ClusterConfigSnapshot
  /** Called once, before `start`. */
  listen(listener: ConfigStoreListener): void
  /** Reads everything that is in the topic now. @throws where that takes longer than `timeoutMs` (milliseconds). */
  refresh(timeoutMs: number): Promise<void>
  putRestartRequest(request: StoredRestartRequest): Promise<void>
  putSessionKey(key: SessionKey): Promise<void>
  putTaskCountRecord(connector: string, count: number): Promise<void>
  putLoggerLevel(namespace: string, level: string): Promise<void>
  /** The leader's writes exclude those of earlier leaders from here on, where the store can do so; otherwise nothing happens. */
  claimWritePrivileges(): Promise<void>
}
