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
