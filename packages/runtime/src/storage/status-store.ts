import type { ConnectorState, TaskId, TaskState } from '@millrace/rest-api'

interface Status<State> {
  readonly state: State
  /** The Java-like stack trace of a failure, or null. */
  readonly trace: string | null
  /** `host:port` of the worker that wrote this. */
  readonly workerId: string
  /** Of the worker's group when this was written; 0 in standalone mode. */
  readonly generation: number
  /** Of the plug-in; null where it is not known. */
  readonly version: string | null
}

export type ConnectorStatus = Status<ConnectorState>
export type TaskStatus = Status<TaskState>

/** A topic that a connector's task was seen to use. */
export interface TopicStatus {
  readonly topic: string
  readonly connector: string
  readonly task: number
  /** Milliseconds since the epoch. */
  readonly discoverTimestamp: number
}

/** Where states live (`org.apache.kafka.connect.storage.StatusBackingStore`). Reads answer from memory; writes show at once and are best effort. */
export interface StatusStore {
  start(): Promise<void>
  stop(): Promise<void>
  putConnector(connector: string, status: ConnectorStatus): void
  putTask(id: TaskId, status: TaskStatus): void
  /** As `putConnector`, but ignored where another worker has written in a later generation. For FAILED and UNASSIGNED. */
  putConnectorSafe(connector: string, status: ConnectorStatus): void
  putTaskSafe(id: TaskId, status: TaskStatus): void
  deleteConnector(connector: string): void
  deleteTask(id: TaskId): void
  /** Null where there is none. */
  connector(connector: string): ConnectorStatus | null
  task(id: TaskId): TaskStatus | null
  /** The tasks of a connector that have a status, in ascending order. */
  tasks(connector: string): readonly (TaskStatus & { readonly id: TaskId })[]
  /** Names of all connectors that have a status. */
  connectors(): readonly string[]
  putTopic(status: TopicStatus): void
  topics(connector: string): readonly TopicStatus[]
  deleteTopics(connector: string): void
}
