import type { IncomingHttpHeaders } from 'node:http'
import type {
  ActiveTopicsInfo,
  ConfigInfos,
  ConfigKeyInfo,
  ConnectorInfo,
  ConnectorOffset,
  ConnectorOffsets,
  ConnectorStateInfo,
  Message,
  PluginInfo,
  ProgressQuery,
  RebalanceTimelineInfo,
  TaskId,
  TaskInfo,
  TaskInstanceState,
  WorkerProgress,
  WorkerStatus,
} from '@millrace/rest-api'
import type { TargetState } from '../storage/config-store.ts'

/** A connector's configuration as a request gives it: null values are refused at validation, and remove the key in a patch. */
export type RequestedConfig = Readonly<Record<string, string | null>>

export interface PutConnectorOptions {
  /** False: a connector of this name must not exist (409). */
  readonly allowReplace: boolean
  /** Null: STARTED for a new connector, unchanged for one that exists (KIP-980). */
  readonly initialState: TargetState | null
}

export interface PutConnectorResult {
  /** Whether the connector is new. */
  readonly created: boolean
  readonly info: ConnectorInfo
}

export interface RestartRequest {
  readonly includeTasks: boolean
  readonly onlyFailed: boolean
}

/** What a worker of the same cluster asks, as it came in: the signature is over the exact bytes of the body (KIP-507). */
export interface InternalRequest {
  readonly headers: IncomingHttpHeaders
  /** Empty where there was none. */
  readonly body: Buffer
}

/**
 * Decides what connectors and tasks run, and answers for them (`org.apache.kafka.connect.runtime.Herder`). REST calls one method per request; the
 * answers are the bodies as `@millrace/rest-api` declares them.
 *
 * All methods may be called at any time between `start` and `stop`, also concurrently: changes are carried out one after another, reads see the
 * state after the last finished change. Every promise settles: a change that takes longer than 90 s (a plug-in that hangs) rejects with
 * RestError 500 while it goes on. Errors are `RestError`s; anything else is a failure of ours or of a plug-in and means 500.
 *
 * In a cluster, methods that change something, and restarts, may reject with RequestTargetError, which names the worker to ask instead, or with
 * RebalanceNeededError.
 */
export interface Herder {
  /** Starts stores and worker. Called once. @throws where the stores cannot be read. */
  start(): Promise<void>
  /** Stops all connectors and tasks within `task.shutdown.graceful.timeout.ms`, then the stores. Called once, also after a failed `start`. */
  stop(): Promise<void>
  /** Tells that the connectors of the command line were submitted, so that `health` reports so. */
  ready(): void
  readonly isReady: boolean
  /** Of the Kafka cluster that the worker uses; shown at `GET /`. */
  readonly clusterId: string

  /** Names of all connectors, in the order of their creation. */
  connectors(): readonly string[]
  /** @throws NotFoundRestError `Connector X not found`. */
  connectorInfo(name: string): ConnectorInfo
  /** The configuration as it was given, references not resolved. @throws NotFoundRestError `Connector X not found`. */
  connectorConfig(name: string): ConnectorInfo['config']
  /** State from the status store with the live progress of each task in `millrace`. @throws NotFoundRestError `No status found for connector X`. */
  connectorStatus(name: string): Promise<ConnectorStateInfo>
  /** As `connectorStatus`, of several at once; those without a status are left out. */
  connectorStatuses(names: readonly string[]): Promise<ReadonlyMap<string, ConnectorStateInfo>>
  /** @throws NotFoundRestError `No status found for task X-N`. */
  taskStatus(id: TaskId): Promise<TaskInstanceState>
  /** @throws NotFoundRestError `Connector X not found`. */
  taskConfigs(name: string): readonly TaskInfo[]

  /** Validates, stores and starts a connector. @throws BadRequestRestError with all errors of validation; ConflictRestError. */
  putConnector(name: string, config: RequestedConfig, options: PutConnectorOptions): Promise<PutConnectorResult>
  /** Merges `patch` over the stored configuration, then as `putConnector` (KIP-477). @throws NotFoundRestError `Connector X not found`. */
  patchConnectorConfig(name: string, patch: RequestedConfig): Promise<ConnectorInfo>
  /** Stops a connector and forgets it; its offsets stay. @throws NotFoundRestError `Connector X not found`. */
  deleteConnector(name: string): Promise<void>
  /** Resolves when the wish is recorded, not when it is fulfilled. @throws NotFoundRestError `Unknown connector X`. */
  pauseConnector(name: string): Promise<void>
  /** As `pauseConnector`; also starts a stopped connector. */
  resumeConnector(name: string): Promise<void>
  /** Ends the connector and removes its tasks, keeping the configuration (KIP-875). @throws NotFoundRestError `Unknown connector X`. */
  stopConnector(name: string): Promise<void>
  /**
   * Restarts the instance alone (both options false; resolves with null when it runs), or what the options select (KIP-745; resolves with the
   * state in which everything selected shows RESTARTING). @throws NotFoundRestError `Unknown connector: X`.
   */
  restartConnector(name: string, request: RestartRequest): Promise<ConnectorStateInfo | null>
  /** @throws NotFoundRestError `Unknown connector: X`, `Unknown task: X-N`. */
  restartTask(id: TaskId): Promise<void>

  /** The topics that a connector has used since they were last reset; none for an unknown connector. @throws RestError 403 where tracking is disabled. */
  connectorTopics(name: string): ActiveTopicsInfo
  /** @throws RestError 403 where tracking or its reset is disabled. */
  resetConnectorTopics(name: string): void

  /** Committed offsets: of the offset store for a source, of the consumer group for a sink. @throws NotFoundRestError `Connector X not found`. */
  connectorOffsets(name: string): Promise<ConnectorOffsets>
  /**
   * Changes offsets of a connector that is STOPPED and has no tasks; a null offset removes its partition's. The connector is asked first.
   * @throws NotFoundRestError; BadRequestRestError for a connector that is not stopped, and offsets that are none; RestError 500 where it refuses.
   */
  alterConnectorOffsets(name: string, offsets: readonly ConnectorOffset[]): Promise<Message>
  /** Forgets all offsets of a stopped connector. @throws as `alterConnectorOffsets`. */
  resetConnectorOffsets(name: string): Promise<Message>

  /** Sinks, sources and, with `connectorsOnly` false, transformations, predicates, converters, header converters; each by name, then version. */
  connectorPlugins(connectorsOnly: boolean): readonly PluginInfo[]
  /** A plug-in's own keys, then the framework's for connectors. @throws NotFoundRestError `Unknown plugin X.`; BadRequestRestError for the version. */
  pluginConfig(plugin: string, versionRange?: string): Promise<readonly ConfigKeyInfo[]>
  /** Checks a configuration without storing it. @throws BadRequestRestError where not even `connector.class` can be used. */
  validateConnectorConfig(config: RequestedConfig): Promise<ConfigInfos>

  /**
   * Internal endpoint `POST /connectors/{c}/tasks`: a worker that runs a connector hands its task configurations to the leader. Standalone: always
   * rejects, as it does in the original. @throws RestError 400 and 403 for a signature that is missing or wrong, 503 while there is no key to check it with.
   */
  putTaskConfigs(name: string, configs: readonly Readonly<Record<string, string>>[], request: InternalRequest): Promise<void>
  /** Internal endpoint `PUT /connectors/{c}/fence`. Standalone: always rejects, as it does in the original. @throws as `putTaskConfigs`. */
  fenceZombieSourceTasks(name: string, request: InternalRequest): Promise<void>
  /**
   * Internal endpoint of ours: live progress of what of this runs on this worker, for the worker that answers a request for its status. @throws as `putTaskConfigs`.
   */
  localProgress(query: ProgressQuery, request: InternalRequest): Promise<WorkerProgress>

  /** Sets the level of a logger and of all below it on all workers of the cluster (KIP-976); on this one alone in standalone mode. */
  setClusterLoggerLevel(namespace: string, level: string): Promise<void>

  /** Why the group of workers shared out its work anew, lately; nothing in standalone mode. An addition of ours. */
  rebalances(): RebalanceTimelineInfo

  /** Whether the herder still answers (KIP-1017). Resolves within 10 s. */
  health(): Promise<WorkerStatus>
}
