import type { TaskId } from '@millrace/rest-api'
import type { ConnectorStatus, StatusStore, TaskStatus, TopicStatus } from '../status-store.ts'

/** States that are forgotten with the process, as in standalone mode (`MemoryStatusBackingStore`). */
export class MemoryStatusStore implements StatusStore {
  readonly #connectors = new Map<string, ConnectorStatus>()
  readonly #tasks = new Map<string, Map<number, TaskStatus>>()
  readonly #topics = new Map<string, Map<string, TopicStatus>>()

  async start(): Promise<void> {}

  async stop(): Promise<void> {}

  putConnector(connector: string, status: ConnectorStatus): void {
    this.#connectors.set(connector, status)
  }

  putTask(id: TaskId, status: TaskStatus): void {
    entry(this.#tasks, id.connector).set(id.task, status)
  }

  putConnectorSafe(connector: string, status: ConnectorStatus): void {
    if (!isSuperseded(status, this.connector(connector))) this.putConnector(connector, status)
  }

  putTaskSafe(id: TaskId, status: TaskStatus): void {
    if (!isSuperseded(status, this.task(id))) this.putTask(id, status)
  }

  deleteConnector(connector: string): void {
    this.#connectors.delete(connector)
  }

  deleteTask(id: TaskId): void {
    remove(this.#tasks, id.connector, id.task)
  }

  connector(connector: string): ConnectorStatus | null {
    return this.#connectors.get(connector) ?? null
  }

  task(id: TaskId): TaskStatus | null {
    return this.#tasks.get(id.connector)?.get(id.task) ?? null
  }

  tasks(connector: string): readonly (TaskStatus & { readonly id: TaskId })[] {
    return [...(this.#tasks.get(connector) ?? [])].sort(([a], [b]) => a - b).map(([task, status]) => ({ ...status, id: { connector, task } }))
  }

  connectors(): readonly string[] {
    return [...this.#connectors.keys()]
  }

  putTopic(status: TopicStatus): void {
    entry(this.#topics, status.connector).set(status.topic, status)
  }

  topics(connector: string): readonly TopicStatus[] {
    return [...(this.#topics.get(connector)?.values() ?? [])]
  }

  deleteTopic(connector: string, topic: string): void {
    remove(this.#topics, connector, topic)
  }

  deleteTopics(connector: string): void {
    this.#topics.delete(connector)
  }
}

/** Whether another worker wrote in a later generation. */
export function isSuperseded(status: ConnectorStatus | TaskStatus, stored: ConnectorStatus | TaskStatus | null): boolean {
  return stored !== null && stored.workerId !== status.workerId && stored.generation > status.generation
}

function entry<Key, Value>(map: Map<string, Map<Key, Value>>, name: string): Map<Key, Value> {
  let inner = map.get(name)
  if (!inner) map.set(name, (inner = new Map()))
  return inner
}

/** Nothing is left of a connector when the last of its entries goes. */
function remove<Key, Value>(map: Map<string, Map<Key, Value>>, name: string, key: Key): void {
  const inner = map.get(name)
  inner?.delete(key)
  if (inner?.size === 0) map.delete(name)
}
