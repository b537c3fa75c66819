import type { TaskId } from '@millrace/rest-api'
import type { ConfigSnapshot, ConfigStore, StoredConnectorConfig, StoredTaskConfig, TargetState } from '../config-store.ts'

interface ConnectorEntry {
  readonly config: StoredConnectorConfig
  readonly targetState: TargetState
  readonly tasks: readonly StoredTaskConfig[]
  readonly appliedConfig: StoredConnectorConfig | null
}

/** Configurations that are forgotten with the process, as in standalone mode (`MemoryConfigBackingStore`). */
export class MemoryConfigStore implements ConfigStore {
  readonly #connectors = new Map<string, ConnectorEntry>()

  async start(): Promise<void> {}

  async stop(): Promise<void> {}

  snapshot(): ConfigSnapshot {
    return new MapSnapshot(new Map(this.#connectors))
  }

  async putConnectorConfig(connector: string, config: StoredConnectorConfig, targetState: TargetState | null): Promise<void> {
    const before = this.#connectors.get(connector)
    this.#connectors.set(connector, {
      config: { ...config },
      targetState: targetState ?? before?.targetState ?? 'STARTED',
      tasks: before?.tasks ?? [],
      appliedConfig: before?.appliedConfig ?? null,
    })
  }

  async removeConnectorConfig(connector: string): Promise<void> {
    this.#connectors.delete(connector)
  }

  async putTaskConfigs(connector: string, configs: readonly StoredTaskConfig[]): Promise<void> {
    this.#update(connector, (entry) => ({ ...entry, tasks: configs.map((config) => ({ ...config })), appliedConfig: entry.config }))
  }

  async removeTaskConfigs(connector: string): Promise<void> {
    if (this.#connectors.has(connector)) this.#update(connector, (entry) => ({ ...entry, tasks: [] }))
  }

  async putTargetState(connector: string, targetState: TargetState): Promise<void> {
    this.#update(connector, (entry) => ({ ...entry, targetState }))
  }

  #update(connector: string, change: (entry: ConnectorEntry) => ConnectorEntry): void {
    const entry = this.#connectors.get(connector)
    if (!entry) throw new Error(`No connector \`${connector}\` configured`)
    this.#connectors.set(connector, change(entry))
  }
}

class MapSnapshot implements ConfigSnapshot {
  readonly #connectors: ReadonlyMap<string, ConnectorEntry>

  constructor(connectors: ReadonlyMap<string, ConnectorEntry>) {
    this.#connectors = connectors
  }

  connectors(): readonly string[] {
    return [...this.#connectors.keys()]
  }

  contains(connector: string): boolean {
    return this.#connectors.has(connector)
  }

  connectorConfig(connector: string): StoredConnectorConfig | null {
    return this.#connectors.get(connector)?.config ?? null
  }

  targetState(connector: string): TargetState | null {
    return this.#connectors.get(connector)?.targetState ?? null
  }

  tasks(connector: string): readonly TaskId[] {
    return (this.#connectors.get(connector)?.tasks ?? []).map((_, task) => ({ connector, task }))
  }

  taskConfig(id: TaskId): StoredTaskConfig | null {
    return this.#connectors.get(id.connector)?.tasks[id.task] ?? null
  }

  appliedConnectorConfig(connector: string): StoredConnectorConfig | null {
    return this.#connectors.get(connector)?.appliedConfig ?? null
  }
}
