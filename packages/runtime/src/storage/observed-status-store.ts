import type { TaskId } from '@millrace/rest-api'
import type { ConnectorStatus, StatusStore, TaskStatus, TopicStatus } from './status-store.ts'

/** Hears of each state that this worker writes, never of what others write: so that each change in a cluster is heard of once. Must not throw. */
export interface StatusObserver {
  /** @param before what stood there, whoever wrote it. */
  connectorWritten(connector: string, status: ConnectorStatus, before: ConnectorStatus | null): void
  taskWritten(id: TaskId, status: TaskStatus, before: TaskStatus | null): void
  /** Its status, or that of one of its tasks, is forgotten. */
  connectorDeleted(connector: string): void
  taskDeleted(id: TaskId): void
}

/** A status store, with somebody who watches. */
export class ObservedStatusStore implements StatusStore {
  readonly #store: StatusStore
  readonly #observer: StatusObserver

  constructor(store: StatusStore, observer: StatusObserver) {
    this.#store = store
    this.#observer = observer
  }

  putConnector(connector: string, status: ConnectorStatus): void {
    const before = this.#store.connector(connector)
    this.#store.putConnector(connector, status)
    this.#observer.connectorWritten(connector, status, before)
  }

  putTask(id: TaskId, status: TaskStatus): void {
    const before = this.#store.task(id)
    this.#store.putTask(id, status)
    this.#observer.taskWritten(id, status, before)
  }

  putConnectorSafe(connector: string, status: ConnectorStatus): void {
    const before = this.#store.connector(connector)
    this.#store.putConnectorSafe(connector, status)
    if (isWritten(status, this.#store.connector(connector))) this.#observer.connectorWritten(connector, status, before)
  }

  putTaskSafe(id: TaskId, status: TaskStatus): void {
    const before = this.#store.task(id)
    this.#store.putTaskSafe(id, status)
    if (isWritten(status, this.#store.task(id))) this.#observer.taskWritten(id, status, before)
  }

  start(): Promise<void> {
    return this.#store.start()
  }

  stop(): Promise<void> {
    return this.#store.stop()
  }

  deleteConnector(connector: string): void {
    this.#store.deleteConnector(connector)
    this.#observer.connectorDeleted(connector)
  }

  deleteTask(id: TaskId): void {
    this.#store.deleteTask(id)
    this.#observer.taskDeleted(id)
  }

  connector(connector: string): ConnectorStatus | null {
    return this.#store.connector(connector)
  }

  task(id: TaskId): TaskStatus | null {
    return this.#store.task(id)
  }

  tasks(connector: string): readonly (TaskStatus & { readonly id: TaskId })[] {
    return this.#store.tasks(connector)
  }

  connectors(): readonly string[] {
    return this.#store.connectors()
  }

  putTopic(status: TopicStatus): void {
    this.#store.putTopic(status)
  }

  topics(connector: string): readonly TopicStatus[] {
    return this.#store.topics(connector)
  }

  deleteTopics(connector: string): void {
    this.#store.deleteTopics(connector)
  }
}

function isWritten(status: ConnectorStatus | TaskStatus, stored: ConnectorStatus | TaskStatus | null): boolean {
  return stored !== null && stored.state === status.state && stored.workerId === status.workerId && stored.generation === status.generation
}
