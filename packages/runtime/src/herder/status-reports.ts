import type { Logger } from '@millrace/api'
import type { FailurePlace, TaskId } from '@millrace/rest-api'
import type { WorkerConfig } from '../config/worker-config.ts'
import { type Failure, failureOf } from '../errors/failure.ts'
import { headlineOf, reported, statusTraceOf } from '../errors/failure-report.ts'
import { SecretMask, secretsIn } from '../errors/secret-mask.ts'
import type { ConnectorStatus, StatusStore, TaskStatus } from '../storage/status-store.ts'
import type { ReportedConnectorState, ReportedTaskState, WorkerListener } from '../worker/worker-listener.ts'
import type { ConfiguredConnectors } from './configured-connectors.ts'
import type { FailureReports } from './failure-reports.ts'

export interface StatusReportsOptions {
  readonly config: WorkerConfig
  readonly connectors: ConfiguredConnectors
  readonly statusStore: StatusStore
  /** Keeps why something failed, for whoever asks this worker. */
  readonly failures: FailureReports
  /** `host:port` that statuses show. */
  readonly workerId: string
  /** Of the group; 0 in standalone mode. */
  readonly generation: () => number
  /**
   * Whether this worker may still speak for what it runs: out of its group it may not, as others may run it already, of which it has not read yet. The leader
   * speaks for those that are gone. Default: always.
   */
  readonly isEntitled?: () => boolean
  readonly logger: Logger
}

/** Writes what the worker reports into the status store (`AbstractHerder`'s side of the status listeners). What is not configured any more has no status. */
export class StatusReports implements Pick<WorkerListener, 'connectorState' | 'taskState' | 'failedAgain' | 'activeTopic'> {
  readonly #options: StatusReportsOptions

  constructor(options: StatusReportsOptions) {
    this.#options = options
  }

  connectorState(name: string, state: ReportedConnectorState | 'RESTARTING', failure: Failure | null): void {
    const { connectors, statusStore } = this.#options
    if (!connectors.snapshot().contains(name)) return
    const told = this.#told(name, failure, { connector: name }, `connector ${name} has failed`)
    if (!this.#isEntitled()) return
    const status: ConnectorStatus = { state, ...this.#circumstances(name, state, told) }
    if (isSafe(state)) statusStore.putConnectorSafe(name, status)
    else statusStore.putConnector(name, status)
  }

  taskState(id: TaskId, state: ReportedTaskState, failure: Failure | null): void {
    const { connectors, statusStore } = this.#options
    const snapshot = connectors.snapshot()
    if (!snapshot.contains(id.connector) || snapshot.taskConfig(id) === null) return
    const told = this.#told(id, failure, { connector: id.connector, task: id.task }, `task ${id.connector}-${id.task} has failed`)
    if (!this.#isEntitled()) return
    const status: TaskStatus = { state, ...this.#circumstances(id.connector, state, told) }
    if (isSafe(state)) statusStore.putTaskSafe(id, status)
    else statusStore.putTask(id, status)
  }

  /** What failed after the failure that was told. */
  failedAgain(id: TaskId, count: number): void {
    this.#options.failures.failedAgain(id, count)
  }

  activeTopic(id: TaskId, topic: string): void {
    const { config, connectors, statusStore } = this.#options
    if (!config.topicTrackingEnable || !connectors.snapshot().contains(id.connector)) return
    statusStore.putTopic({ topic, connector: id.connector, task: id.task, discoverTimestamp: Date.now() })
  }

  /** A failure before the worker had the connector, such as of a configuration provider, would otherwise leave no trace in its status. */
  connectorNotStarted(name: string, error: unknown): void {
    if (!this.#isOwnFailure(this.#options.statusStore.connector(name))) this.connectorState(name, 'FAILED', failureOf(error))
  }

  /** As `connectorNotStarted`. */
  taskNotStarted(id: TaskId, error: unknown): void {
    if (!this.#isOwnFailure(this.#options.statusStore.task(id))) this.taskState(id, 'FAILED', failureOf(error))
  }

  /** Failures of what the worker never had are reported here; those of others where they happened. */
  #told(of: string | TaskId, failure: Failure | null, place: FailurePlace, what: string): Failure | null {
    const { connectors, failures, logger } = this.#options
    if (failure === null) {
      failures.keep(of, null)
      return null
    }
    const written = Object.entries(connectors.snapshot().connectorConfig(place.connector) ?? {}).filter((entry): entry is [string, string] => entry[1] !== null)
    const told = reported(failure, { ...place, stage: 'start' }, [], { mask: new SecretMask(secretsIn(Object.fromEntries(written))).mask })
    if (told.report !== null) {
      failures.keep(of, told.report)
      logger.error(`${headlineOf(told.report)}: ${what}`)
    }
    return told
  }

  #isEntitled(): boolean {
    return this.#options.isEntitled?.() ?? true
  }

  #isOwnFailure(status: ConnectorStatus | TaskStatus | null): boolean {
    return status?.state === 'FAILED' && status.workerId === this.#options.workerId && status.generation === this.#options.generation()
  }

  #circumstances(name: string, state: string, failure: Failure | null): Omit<ConnectorStatus, 'state'> {
    const { connectors, workerId, generation } = this.#options
    // As in the original: who leaves no longer knows its version.
    const version = state === 'UNASSIGNED' ? null : connectors.version(name)
    return { trace: failure === null ? null : statusTraceOf(failure), workerId, generation: generation(), version }
  }
}

/** Written only where no other worker of a later generation has spoken. */
function isSafe(state: string): boolean {
  return state === 'FAILED' || state === 'UNASSIGNED'
}
