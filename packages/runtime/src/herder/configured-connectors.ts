import { ConnectError, type Properties } from '@millrace/api'
import type { ConnectorType, TaskId } from '@millrace/rest-api'
import type { ConfigTransformer } from '../config/config-transformer.ts'
import { tooManyTasks } from '../config/tasks-max.ts'
import { resolvedSecrets } from '../errors/secret-mask.ts'
import type { PluginDescriptor, PluginRegistry } from '../plugins/plugin-registry.ts'
import type { ConfigSnapshot, ConfigStore, StoredConnectorConfig } from '../storage/config-store.ts'
import { NotFoundRestError } from './errors.ts'

export interface ConfiguredConnectorsOptions {
  readonly configStore: ConfigStore
  readonly registry: PluginRegistry
  readonly transformer: ConfigTransformer
}

/** What is configured, read together with the plug-ins that it names. */
export class ConfiguredConnectors {
  readonly #configStore: ConfigStore
  readonly #registry: PluginRegistry
  readonly #transformer: ConfigTransformer

  constructor({ configStore, registry, transformer }: ConfiguredConnectorsOptions) {
    this.#configStore = configStore
    this.#registry = registry
    this.#transformer = transformer
  }

  snapshot(): ConfigSnapshot {
    return this.#configStore.snapshot()
  }

  /** @throws NotFoundRestError `Connector X not found`. */
  config(name: string): StoredConnectorConfig {
    const config = this.snapshot().connectorConfig(name)
    if (config === null) throw new NotFoundRestError(`Connector ${name} not found`)
    return config
  }

  /** @throws NotFoundRestError with this message where the connector is unknown. */
  require(name: string, message: string): void {
    if (!this.snapshot().contains(name)) throw new NotFoundRestError(message)
  }

  type(name: string): ConnectorType {
    const config = this.snapshot().connectorConfig(name)
    const kind = config === null ? undefined : this.#descriptor(config)?.kind
    return kind === 'source' || kind === 'sink' ? kind : 'unknown'
  }

  /** Of the connector's plug-in; null where that is not there. */
  version(name: string): string | null {
    const config = this.snapshot().connectorConfig(name)
    return config === null ? null : (this.#descriptor(config)?.version ?? null)
  }

  /** The configuration with references resolved; keys that have no value are left out. */
  async resolve(config: StoredConnectorConfig): Promise<Properties> {
    const resolved = await this.#transformer.transform(config)
    return Object.fromEntries(Object.entries(resolved).filter((entry): entry is [string, string] => entry[1] !== null))
  }

  /** The configuration as it was written; empty where the connector is unknown. Keys that have no value are left out. */
  knownConfig(name: string): Properties {
    const config = this.snapshot().connectorConfig(name) ?? {}
    return Object.fromEntries(Object.entries(config).filter((entry): entry is [string, string] => entry[1] !== null))
  }

  /** As `resolve`; empty where the connector is unknown. */
  resolvedConfig(name: string): Promise<Properties> {
    return this.resolve(this.snapshot().connectorConfig(name) ?? {})
  }

  /** What references in a connector's configuration were resolved to. */
  secretsOf(name: string, resolved: Properties): string[] {
    return resolvedSecrets(this.snapshot().connectorConfig(name) ?? {}, resolved)
  }

  /**
   * Looks whether there are more tasks than the connector may have: its configuration, or that of the worker, may have been another when they were made.
   * @throws ConnectError
   */
  checkTasksMax(name: string, resolved: Properties): void {
    const tooMany = tooManyTasks(name, this.snapshot().tasks(name).length, resolved)
    if (tooMany?.isEnforced) throw new ConnectError(tooMany.message)
  }

  /** Empty where the task is unknown. */
  resolvedTaskConfig(id: TaskId): Promise<Properties> {
    return this.#transformer.transform(this.snapshot().taskConfig(id) ?? {})
  }

  #descriptor(config: StoredConnectorConfig): PluginDescriptor | null {
    const className = config['connector.class']
    return className == null ? null : this.#registry.lookup(['sink', 'source'], className, config['connector.plugin.version'])
  }
}
