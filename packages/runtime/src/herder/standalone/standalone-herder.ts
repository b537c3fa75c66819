import { access, constants } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import type { Logger, Properties } from '@millrace/api'
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
  RebalanceTimelineInfo,
  TaskId,
  TaskInfo,
  TaskInstanceState,
  WorkerStatus,
} from '@millrace/rest-api'
import type { ConfigTransformer } from '../../config/config-transformer.ts'
import type { WorkerConfig } from '../../config/worker-config.ts'
import { type Failure, failureOf } from '../../errors/failure.ts'
import type { PluginRegistry } from '../../plugins/plugin-registry.ts'
import type { ConfigSnapshot, ConfigStore, StoredConnectorConfig, TargetState } from '../../storage/config-store.ts'
import type { OffsetStore } from '../../storage/offset-store.ts'
import type { StatusStore } from '../../storage/status-store.ts'
import type { RestartSubject } from '../../worker/auto-restart.ts'
import type { ReportedConnectorState, ReportedTaskState, WorkerListener } from '../../worker/worker-listener.ts'
import { ClientOverrides, type ClientOverridesOptions } from '../client-overrides.ts'
import { ConfiguredConnectors } from '../configured-connectors.ts'
import { ConnectorAnswers } from '../connector-answers.ts'
import type { ConsumerGroups } from '../connector-offsets.ts'
import { ConnectorValidation, configErrors } from '../connector-validation.ts'
import { FailureReports } from '../failure-reports.ts'
import { ConflictRestError, NotFoundRestError, RestError } from '../errors.ts'
import type { Herder, PutConnectorOptions, PutConnectorResult, RequestedConfig, RestartRequest } from '../herder.ts'
import type { HerderWorker } from '../herder-worker.ts'
import { HealthChecks } from '../health-checks.ts'
import { healthyStatus } from '../healthy-status.ts'
import { localProgress } from '../local-progress.ts'
import { warnOfMisspeltKeys } from '../misspelt-keys.ts'
import { OffsetRequests } from '../offset-requests.ts'
import { OperationQueue, type ReportStage } from '../operation-queue.ts'
import { pluginInfos } from '../plugin-infos.ts'
import { Reconfiguration } from '../reconfiguration.ts'
import { restartPlan } from '../restart-plan.ts'
import { StatusReports } from '../status-reports.ts'
import { changedTaskConfigs } from '../task-division.ts'
import { checkWorkerConverters } from '../worker-converters.ts'

export interface StandaloneHerderOptions {
  readonly config: WorkerConfig
  readonly registry: PluginRegistry
  readonly transformer: ConfigTransformer
  /** Makes the worker, which reports to the herder. Called once, by the constructor. */
  readonly createWorker: (listener: WorkerListener, resolveTaskConfig: (id: TaskId) => Promise<Properties>) => HerderWorker
  readonly configStore: ConfigStore
  readonly offsetStore: OffsetStore
  readonly statusStore: StatusStore
  /** `host:port` that statuses show. */
  readonly workerId: string
  /** Of the Kafka cluster. */
  readonly clusterId: string
  /** Of sink connectors. */
  readonly consumerGroups: ConsumerGroups
  /** What is known of settings of Kafka clients. Default: nothing. */
  readonly clientKeyOf?: ClientOverridesOptions['definitionOf']
  /** Sets the level of a logger of this worker and of all below it. Default: nothing. */
  readonly setLoggerLevel?: (namespace: string, level: string) => void
  readonly logger: Logger
  /** How long a request waits for its change. Milliseconds; default 90000. */
  readonly requestTimeoutMs?: number
}

/** Of all statuses: there is no group in standalone mode. */
const GENERATION = 0

/**
 * The herder of a worker on its own (`org.apache.kafka.connect.runtime.standalone.StandaloneHerder`). Configuration and states live in memory, so
 * the connectors are those of the command line and of REST requests since. Changes of one connector are carried out one after another.
 */
export class StandaloneHerder implements Herder, WorkerListener {
  readonly clusterId: string
  readonly #registry: PluginRegistry
  readonly #transformer: ConfigTransformer
  readonly #connectors: ConfiguredConnectors
  readonly #answers: ConnectorAnswers
  readonly #reports: StatusReports
  readonly #worker: HerderWorker
  readonly #configStore: ConfigStore
  readonly #offsetStore: OffsetStore
  readonly #statusStore: StatusStore
  readonly #workerId: string
  readonly #offsets: OffsetRequests
  readonly #setLoggerLevel: (namespace: string, level: string) => void
  readonly #logger: Logger
  readonly #operations: OperationQueue
  readonly #validation: ConnectorValidation
  readonly #reconfiguration: Reconfiguration
  readonly #checks: HealthChecks
  #isReady = false

  /** @throws ConfigError where the override policy or one of the worker's converters cannot be used. */
  constructor(options: StandaloneHerderOptions) {
    this.clusterId = options.clusterId
    this.#registry = options.registry
    this.#transformer = options.transformer
    this.#configStore = options.configStore
    this.#offsetStore = options.offsetStore
    this.#statusStore = options.statusStore
    this.#workerId = options.workerId
    this.#setLoggerLevel = options.setLoggerLevel ?? (() => undefined)
    this.#logger = options.logger
    this.#operations = new OperationQueue(options.requestTimeoutMs === undefined ? {} : { timeoutMs: options.requestTimeoutMs })
    checkWorkerConverters(options.config, options.registry)
    const clientOverrides = new ClientOverrides({
      policyName: options.config.clientConfigOverridePolicy,
      registry: options.registry,
      workerProperties: options.config.properties,
      definitionOf: options.clientKeyOf ?? (() => null),
      logger: options.logger,
    })
    const failures = new FailureReports()
    this.#connectors = new ConfiguredConnectors(options)
    this.#reports = new StatusReports({ ...options, connectors: this.#connectors, failures, generation: () => GENERATION })
    this.#worker = options.createWorker(this, (id) => this.#connectors.resolvedTaskConfig(id))
    this.#offsets = new OffsetRequests({ ...options, connectors: this.#connectors, worker: this.#worker, workerProperties: options.config.properties })
    this.#answers = new ConnectorAnswers({
      ...options,
      connectors: this.#connectors,
      readProgress: (query) => localProgress({ worker: this.#worker, failures, workerId: options.workerId }, query),
      forgetTopics: (name) => this.#worker.forgetTopics(name),
    })
    this.#validation = new ConnectorValidation({ ...options, worker: this.#worker, clientOverrides })
    const offsetFile = options.config.offsetStorageFileFilename
    this.#checks = new HealthChecks({
      config: options.config,
      checks: [{ subject: 'The folder of offset.storage.file.filename', check: () => access(dirname(resolve(offsetFile)), constants.W_OK).then(() => null) }],
      logger: options.logger,
    })
    this.#reconfiguration = new Reconfiguration({
      update: (name, begun) =>
        this.#operations.run(name, (stage) => {
          begun()
          return this.#updateTasks(name, stage)
        }),
      logger: options.logger,
    })
  }

  // ─── life ──────────────────────────────────────────────────────────────────────────────────────

  async start(): Promise<void> {
    this.#logger.info('Herder starting')
    await this.#offsetStore.start()
    await this.#configStore.start()
    await this.#statusStore.start()
    this.#checks.start()
    this.#logger.info('Herder started')
  }

  async stop(): Promise<void> {
    this.#logger.info('Herder stopping')
    this.#isReady = false
    this.#checks.stop()
    this.#operations.close()
    this.#reconfiguration.stop()
    try {
      await this.#worker.stop()
    } finally {
      await this.#statusStore.stop()
      await this.#configStore.stop()
      await this.#offsetStore.stop()
      await this.#transformer.close()
    }
    this.#logger.info('Herder stopped')
  }

  ready(): void {
    this.#isReady = true
  }

  get isReady(): boolean {
    return this.#isReady
  }

  async health(): Promise<WorkerStatus> {
    if (!this.#isReady) return { status: 'starting', message: 'Worker is still starting up.' }
    const { failure } = this.#checks
    return failure === null ? healthyStatus(this.#worker) : { status: 'unhealthy', message: failure }
  }

  // ─── reading ───────────────────────────────────────────────────────────────────────────────────

  connectors(): readonly string[] {
    return this.#snapshot().connectors()
  }

  connectorInfo(name: string): ConnectorInfo {
    return this.#answers.info(name)
  }

  connectorConfig(name: string): StoredConnectorConfig {
    return this.#connectors.config(name)
  }

  connectorStatus(name: string): Promise<ConnectorStateInfo> {
    return this.#answers.status(name)
  }

  connectorStatuses(names: readonly string[]): Promise<ReadonlyMap<string, ConnectorStateInfo>> {
    return this.#answers.statuses(names)
  }

  taskStatus(id: TaskId): Promise<TaskInstanceState> {
    return this.#answers.taskStatus(id)
  }

  taskConfigs(name: string): readonly TaskInfo[] {
    return this.#answers.taskConfigs(name)
  }

  connectorTopics(name: string): ActiveTopicsInfo {
    return this.#answers.topics(name)
  }

  resetConnectorTopics(name: string): void {
    this.#answers.resetTopics(name)
  }

  connectorPlugins(connectorsOnly: boolean): readonly PluginInfo[] {
    return pluginInfos(this.#registry, connectorsOnly)
  }

  pluginConfig(plugin: string, versionRange?: string): Promise<readonly ConfigKeyInfo[]> {
    return this.#operations.withTimeout(async (stage) => {
      stage(`reading the configuration definition of plugin ${plugin}`)
      return this.#validation.pluginConfig(plugin, versionRange)
    })
  }

  validateConnectorConfig(config: RequestedConfig): Promise<ConfigInfos> {
    return this.#operations.withTimeout((stage) => this.#validate(config, stage))
  }

  // ─── changing ──────────────────────────────────────────────────────────────────────────────────

  async putConnector(name: string, config: RequestedConfig, options: PutConnectorOptions): Promise<PutConnectorResult> {
    // Outside the connector's queue, as in the original: a validation that takes its time holds up no other request.
    const found = await this.validateConnectorConfig(config)
    const refusal = configErrors(found)
    if (refusal !== null) throw refusal
    warnOfMisspeltKeys(name, config, found, this.#logger)
    return this.#operations.run(name, (stage) => this.#put(name, config, options, stage))
  }

  async patchConnectorConfig(name: string, patch: RequestedConfig): Promise<ConnectorInfo> {
    const patched: Record<string, string | null> = { ...this.#connectors.config(name), ...patch }
    for (const [key, value] of Object.entries(patch)) if (value === null) delete patched[key]
    const { info } = await this.putConnector(name, patched, { allowReplace: true, initialState: null })
    return info
  }

  deleteConnector(name: string): Promise<void> {
    return this.#operations.run(name, async (stage) => {
      this.#connectors.config(name)
      await this.#removeTasks(name, stage)
      stage(`stopping connector ${name}`)
      await this.#worker.stopConnector(name)
      await this.#configStore.removeConnectorConfig(name)
      for (const { id } of this.#statusStore.tasks(name)) this.#statusStore.deleteTask(id)
      this.#statusStore.deleteConnector(name)
      this.#statusStore.deleteTopics(name)
    })
  }

  pauseConnector(name: string): Promise<void> {
    return this.#setTargetState(name, 'PAUSED')
  }

  resumeConnector(name: string): Promise<void> {
    return this.#setTargetState(name, 'STARTED')
  }

  async stopConnector(name: string): Promise<void> {
    this.#connectors.require(name, `Unknown connector ${name}`)
    // Recorded at once, as for pausing and resuming: the last wish wins, whatever is waiting before it.
    await this.#configStore.putTargetState(name, 'STOPPED')
    await this.#operations.run(name, async (stage) => {
      if (this.#snapshot().targetState(name) !== 'STOPPED') return
      await this.#removeTasks(name, stage)
      stage(`stopping connector ${name}`)
      await this.#worker.setTargetState(name, 'STOPPED')
    })
  }

  async restartConnector(name: string, request: RestartRequest): Promise<ConnectorStateInfo | null> {
    this.#connectors.require(name, `Unknown connector: ${name}`)
    if (request.includeTasks || request.onlyFailed) return this.#operations.run(name, (stage) => this.#restartByPlan(name, request, stage))
    await this.#operations.run(name, async (stage) => {
      this.#connectors.require(name, `Unknown connector: ${name}`)
      stage(`stopping connector ${name}`)
      await this.#worker.stopConnector(name)
      await this.#startConnector(name, stage)
      await this.#updateTasks(name, stage)
    })
    return null
  }

  restartTask(id: TaskId): Promise<void> {
    return this.#operations.run(id.connector, async (stage) => {
      this.#connectors.require(id.connector, `Unknown connector: ${id.connector}`)
      if (this.#snapshot().taskConfig(id) === null) throw new NotFoundRestError(`Task ${id.connector}-${id.task} not found`)
      stage(`stopping task ${id.connector}-${id.task}`)
      await this.#worker.stopTasks([id])
      try {
        await this.#startTask(id, stage)
      } catch (error) {
        throw new RestError(500, `Failed to start task: ${id.connector}-${id.task}`, { cause: error })
      }
    })
  }

  async putTaskConfigs(): Promise<void> {
    throw new RestError(500, 'Kafka Connect in standalone mode does not support externally setting task configurations.')
  }

  async fenceZombieSourceTasks(): Promise<void> {
    throw new RestError(500, 'Kafka Connect in standalone mode does not support exactly-once source connectors.')
  }

  async localProgress(): Promise<never> {
    throw new RestError(500, 'There are no other workers in standalone mode.')
  }

  async setClusterLoggerLevel(namespace: string, level: string): Promise<void> {
    this.#setLoggerLevel(namespace, level)
  }

  rebalances(): RebalanceTimelineInfo {
    return { observed_by: this.#workerId, rebalances: [] }
  }

  // ─── offsets ───────────────────────────────────────────────────────────────────────────────────

  connectorOffsets(name: string): Promise<ConnectorOffsets> {
    return this.#operations.withTimeout((stage) => this.#offsets.read(name, stage))
  }

  alterConnectorOffsets(name: string, offsets: readonly ConnectorOffset[]): Promise<Message> {
    return this.#operations.run(name, (stage) => this.#offsets.alter(name, offsets, stage))
  }

  resetConnectorOffsets(name: string): Promise<Message> {
    return this.#operations.run(name, (stage) => this.#offsets.reset(name, stage))
  }

  // ─── what the worker reports ───────────────────────────────────────────────────────────────────

  connectorState(name: string, state: ReportedConnectorState, failure: Failure | null): void {
    this.#reports.connectorState(name, state, failure)
  }

  taskState(id: TaskId, state: ReportedTaskState, failure: Failure | null): void {
    this.#reports.taskState(id, state, failure)
  }

  failedAgain(id: TaskId, count: number): void {
    this.#reports.failedAgain(id, count)
  }

  restartWanted({ connector, task }: RestartSubject, begin: () => boolean): Promise<void> {
    return this.#operations.run(connector, (stage) => this.#restartFailed(connector, task, begin, stage))
  }

  activeTopic(id: TaskId, topic: string): void {
    this.#reports.activeTopic(id, topic)
  }

  taskReconfigurationRequested(connector: string): void {
    this.#reconfiguration.request(connector)
  }

  // ─── steps ─────────────────────────────────────────────────────────────────────────────────────

  #validate(config: RequestedConfig, stage: ReportStage): Promise<ConfigInfos> {
    stage('performing multi-property validation for the connector')
    return this.#validation.validate(config)
  }

  async #put(name: string, config: RequestedConfig, { allowReplace, initialState }: PutConnectorOptions, stage: ReportStage): Promise<PutConnectorResult> {
    const created = !this.#snapshot().contains(name)
    if (!created) {
      if (!allowReplace) throw new ConflictRestError(`Connector ${name} already exists`)
      stage(`stopping connector ${name}`)
      await this.#worker.stopConnector(name)
    }
    await this.#configStore.putConnectorConfig(name, config, initialState)
    await this.#startConnector(name, stage)
    try {
      await this.#updateTasks(name, stage)
    } catch (error) {
      // The connector is there; its tasks follow as soon as it can tell them.
      this.#reconfiguration.retry(name, error)
    }
    return { created, info: this.connectorInfo(name) }
  }

  async #startConnector(name: string, stage: ReportStage): Promise<void> {
    const snapshot = this.#snapshot()
    const targetState = snapshot.targetState(name) ?? 'STARTED'
    stage(`starting connector ${name}`)
    try {
      const config = await this.#connectors.resolvedConfig(name)
      await this.#worker.startConnector(name, config, targetState, this.#connectors.secretsOf(name, config))
    } catch (error) {
      this.#reports.connectorNotStarted(name, error)
      this.#worker.startFailed({ connector: name, task: null }, this.#connectors.knownConfig(name), error)
      throw new RestError(500, `Failed to transition connector ${name} to state ${targetState}: ${failureOf(error).message}`, { cause: error })
    }
  }

  /** Has the connector divide its work anew and restarts its tasks where that, or the connector's own configuration, has changed. */
  async #updateTasks(name: string, stage: ReportStage): Promise<void> {
    const before = this.#snapshot()
    if (!before.contains(name) || before.targetState(name) !== 'STARTED' || !this.#worker.isRunning(name)) {
      this.#logger.debug(`Skipping update of tasks for connector ${name} since it is not running`)
      return
    }
    stage(`generating task configurations of connector ${name}`)
    const taskConfigs = await changedTaskConfigs(name, this.#connectors, this.#worker)
    if (taskConfigs === null) return
    await this.#removeTasks(name, stage)
    await this.#configStore.putTaskConfigs(name, taskConfigs)
    await this.#startTasks(this.#snapshot().tasks(name), stage)
  }

  /** A task that cannot be started is FAILED; the others start all the same. */
  async #startTasks(ids: readonly TaskId[], stage: ReportStage): Promise<void> {
    for (const id of ids) {
      try {
        await this.#startTask(id, stage)
      } catch (error) {
        this.#logger.error(`Failed to start task ${id.connector}-${id.task}`, error)
      }
    }
  }

  async #startTask(id: TaskId, stage: ReportStage): Promise<void> {
    const snapshot = this.#snapshot()
    const targetState = snapshot.targetState(id.connector) ?? 'STARTED'
    stage(`starting task ${id.connector}-${id.task}`)
    try {
      const connectorConfig = await this.#connectors.resolvedConfig(id.connector)
      this.#connectors.checkTasksMax(id.connector, connectorConfig)
      const secrets = this.#connectors.secretsOf(id.connector, connectorConfig)
      await this.#worker.startTask(id, connectorConfig, await this.#connectors.resolvedTaskConfig(id), targetState, secrets)
    } catch (error) {
      this.#reports.taskNotStarted(id, error)
      this.#worker.startFailed(id, this.#connectors.knownConfig(id.connector), error)
      throw error
    }
  }

  async #removeTasks(name: string, stage: ReportStage): Promise<void> {
    const ids = this.#snapshot().tasks(name)
    if (ids.length === 0) return
    stage(`stopping tasks of connector ${name}`)
    await this.#worker.stopTasks(ids)
    await this.#configStore.removeTaskConfigs(name)
    for (const id of ids) this.#statusStore.deleteTask(id)
  }

  /** What failed is restarted without anybody asking. */
  async #restartFailed(name: string, task: number | null, begin: () => boolean, stage: ReportStage): Promise<void> {
    const id = task === null ? null : { connector: name, task }
    if (!this.#snapshot().contains(name) || (id !== null && this.#snapshot().taskConfig(id) === null) || !begin()) return
    if (id !== null) {
      stage(`stopping task ${name}-${id.task}`)
      await this.#worker.stopTasks([id])
      this.#reports.taskState(id, 'RESTARTING', null)
      return this.#startTask(id, stage)
    }
    stage(`stopping connector ${name}`)
    await this.#worker.stopConnector(name)
    this.#reports.connectorState(name, 'RESTARTING', null)
    await this.#startConnector(name, stage)
    await this.#updateTasks(name, stage)
  }

  async #restartByPlan(name: string, request: RestartRequest, stage: ReportStage): Promise<ConnectorStateInfo> {
    this.#connectors.require(name, `Unknown connector: ${name}`)
    const connector = this.#statusStore.connector(name)
    if (connector === null) throw new NotFoundRestError(`Status for connector ${name} not found`)
    const plan = restartPlan(request, { name, type: this.#connectors.type(name), connector, tasks: this.#statusStore.tasks(name) })
    if (plan.restartsConnector) {
      stage(`stopping connector ${name}`)
      await this.#worker.stopConnector(name)
      this.#reports.connectorState(name, 'RESTARTING', null)
    }
    if (plan.tasks.length > 0) {
      stage(`stopping tasks of connector ${name}`)
      await this.#worker.stopTasks(plan.tasks)
      for (const id of plan.tasks) this.#reports.taskState(id, 'RESTARTING', null)
    }
    if (plan.restartsConnector) {
      // The answer tells what was restarted; what became of it is a matter of the status.
      await this.#startConnector(name, stage).catch((error: unknown) => this.#logger.error(`Connector '${name}' restart failed`, error))
    }
    await this.#startTasks(plan.tasks, stage)
    return plan.stateInfo
  }

  /** The wish is recorded at once; what follows from it takes its turn. */
  async #setTargetState(name: string, state: TargetState): Promise<void> {
    this.#connectors.require(name, `Unknown connector ${name}`)
    await this.#configStore.putTargetState(name, state)
    this.#operations
      .run(name, async (stage) => {
        // An operation in between may have removed the connector, or a later wish may have taken over.
        if (this.#snapshot().targetState(name) !== state) return
        stage(`changing connector ${name} to target state ${state}`)
        await this.#worker.setTargetState(name, state)
        if (state === 'STARTED') this.#reconfiguration.request(name)
      })
      .catch((error: unknown) => this.#logger.error(`Failed to transition connector ${name} to target state ${state}`, error))
  }

  #snapshot(): ConfigSnapshot {
    return this.#connectors.snapshot()
  }
}
