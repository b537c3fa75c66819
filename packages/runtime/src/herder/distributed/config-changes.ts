import type { TaskId } from '@millrace/rest-api'
import type { ConfigStoreListener, SessionKey, StoredRestartRequest } from '../../storage/config-store.ts'
import { strongerRestart } from '../restart-plan.ts'

/** What the config topic told since it was last asked. */
export interface TakenChanges {
  /** Connectors that were created, changed or removed, each once. */
  readonly connectors: readonly string[]
  /** Connectors that have another set of tasks. */
  readonly tasks: ReadonlySet<string>
  /** Connectors whose target state changed. */
  readonly targetStates: readonly string[]
  /** At most one per connector: the strongest. */
  readonly restarts: readonly StoredRestartRequest[]
  readonly loggerLevels: readonly { readonly namespace: string; readonly level: string }[]
}

/** Notes what is read from the config topic until the herder's next tick takes it. What was noted several times is one change. */
export class ConfigChanges implements ConfigStoreListener {
  readonly #wake: () => void
  #connectors = new Set<string>()
  #tasks = new Set<string>()
  #targetStates = new Set<string>()
  #restarts = new Map<string, StoredRestartRequest>()
  #loggerLevels = new Map<string, string>()

  /** @param wake is called with each change. */
  constructor(wake: () => void) {
    this.#wake = wake
  }

  connectorConfigUpdated(connector: string): void {
    this.#connectors.add(connector)
    this.#wake()
  }

  connectorConfigRemoved(connector: string): void {
    this.#connectors.add(connector)
    this.#wake()
  }

  taskConfigsUpdated(ids: readonly TaskId[]): void {
    for (const { connector } of ids) this.#tasks.add(connector)
    this.#wake()
  }

  targetStateChanged(connector: string): void {
    this.#targetStates.add(connector)
    this.#wake()
  }

  /** The leader looks at the key itself, and whoever signs takes it from the snapshot. */
  sessionKeyUpdated(_key: SessionKey): void {
    this.#wake()
  }

  restartRequested(request: StoredRestartRequest): void {
    const noted = this.#restarts.get(request.connector)
    this.#restarts.set(request.connector, noted === undefined ? request : strongerRestart(noted, request))
    this.#wake()
  }

  loggerLevelUpdated(namespace: string, level: string): void {
    this.#loggerLevels.set(namespace, level)
    this.#wake()
  }

  /** What does not have to wait for a rebalance that is under way. */
  takeUrgent(): Pick<TakenChanges, 'targetStates' | 'loggerLevels'> {
    const taken = { targetStates: [...this.#targetStates], loggerLevels: [...this.#loggerLevels].map(([namespace, level]) => ({ namespace, level })) }
    this.#targetStates = new Set()
    this.#loggerLevels = new Map()
    return taken
  }

  take(): TakenChanges {
    const taken = { connectors: [...this.#connectors], tasks: this.#tasks, restarts: [...this.#restarts.values()], ...this.takeUrgent() }
    this.#connectors = new Set()
    this.#tasks = new Set()
    this.#restarts = new Map()
    return taken
  }
}
