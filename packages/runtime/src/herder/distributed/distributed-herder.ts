import { ConnectError, type Logger, type Properties } from '@millrace/api'
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
import type { ConfigTransformer } from '../../config/config-transformer.ts'
import type { DistributedConfig } from '../../config/distributed-config.ts'
import type { WorkerConfig } from '../../config/worker-config.ts'
import type { PluginRegistry } from '../../plugins/plugin-registry.ts'
import type {
  ClusterConfigSnapshot,
  ClusterConfigStore,
  SessionKey,
  StoredConnectorConfig,
  StoredRestartRequest,
  TargetState,
} from '../../storage/config-store.ts'
import type { OffsetStore } from '../../storage/offset-store.ts'
import type { ConnectorStatus, StatusStore } from '../../storage/status-store.ts'
import type { RestartSubject } from '../../worker/auto-restart.ts'
import type { WorkerListener } from '../../worker/worker-listener.ts'
import { ClientOverrides, type ClientOverridesOptions } from '../client-overrides.ts'
import { ConfiguredConnectors } from '../configured-connectors.ts'
import { ConnectorAnswers } from '../connector-answers.ts'
import type { ConsumerGroups } from '../connector-offsets.ts'
import { ConnectorValidation, configErrors } from '../connector-validation.ts'
import { FailureReports } from '../failure-reports.ts'
import { BadRequestRestError, ConflictRestError, NotFoundRestError, RequestTargetError, RestError } from '../errors.ts'
import type { Herder, InternalRequest, PutConnectorOptions, PutConnectorResult, RequestedConfig, RestartRequest } from '../herder.ts'
import type { HerderWorker } from '../herder-worker.ts'
import { HealthChecks } from '../health-checks.ts'
import { healthyStatus } from '../healthy-status.ts'
import { type KnownProgress, localProgress } from '../local-progress.ts'
import { warnOfMisspeltKeys } from '../misspelt-keys.ts'
import { OffsetRequests } from '../offset-requests.ts'
import { OperationQueue, type ReportStage } from '../operation-queue.ts'
import { pluginInfos } from '../plugin-infos.ts'
import { Reconfiguration } from '../reconfiguration.ts'
import { type RestartPlan, restartPlan } from '../restart-plan.ts'
import { StatusReports } from '../status-reports.ts'
import { changedTaskConfigs } from '../task-division.ts'
import { checkWorkerConverters } from '../worker-converters.ts'
import { AssignedWork } from './assigned-work.ts'
import { ConfigChanges } from './config-changes.ts'
import { HerderLoop } from './herder-loop.ts'
import { taskKey } from './incremental-cooperative-assignor.ts'
import { checkSignature } from './internal-request-signature.ts'
import { LeaderDuties } from './leader-duties.ts'
import { noSessionKey, PeerWorkers } from './peer-workers.ts'
import type { RebalanceTimeline } from './rebalance-timeline.ts'
import { WakeUp } from './wake-up.ts'
import type { WorkerClient } from './worker-client.ts'
import type { WorkerGroup, WorkerGroupListener } from './worker-group.ts'

/** The stores that the workers of a cluster share. */
export interface ClusterStores {
  readonly config: ClusterConfigStore
  readonly offsets: OffsetStore
  readonly statuses: StatusStore
  /** Starts all of them. @throws where one cannot be read. */
  start(): Promise<void>
  /** What an operator has to look at, shown at `GET /health`; empty where there is nothing. */
  warnings(): readonly string[]
  /** Called once, also after a failed `start`. */
  stop(): Promise<void>
}

export interface DistributedHerderOptions {
  readonly config: WorkerConfig
  readonly distributed: DistributedConfig
  readonly registry: PluginRegistry
  readonly transformer: ConfigTransformer
  /** Makes the worker, which reports to the herder. Called once, by the constructor. */
  readonly createWorker: (listener: WorkerListener, resolveTaskConfig: (id: TaskId) => Promise<Properties>) => HerderWorker
  readonly stores: ClusterStores
  /** Makes this worker's membership. Called once, by the constructor. */
  readonly createGroup: (listener: WorkerGroupListener) => WorkerGroup
  readonly timeline: Pick<RebalanceTimeline, 'events'>
  /** For requests to other workers. */
  readonly client: Pick<WorkerClient, 'request'>
  /** Where other workers reach this one, with a slash at the end. */
  readonly url: string
  /** `host:port` of it, by which statuses name this worker. */
  readonly workerId: string
  /** Of the Kafka cluster. */
  readonly clusterId: string
  readonly consumerGroups: ConsumerGroups
  readonly clientKeyOf?: ClientOverridesOptions['definitionOf']
  readonly setLoggerLevel: (namespace: string, level: string) => void
  readonly logger: Logger
  /** How long a request waits for its change. Milliseconds; default 90000. */
  readonly requestTimeoutMs?: number
}

/** No worker's id. */
const NOBODY = ''

/** How long the loop may be busy before the worker counts as unhealthy. Milliseconds. */
const HEALTH_TIMEOUT_MS = 10_000

/**
 * The herder of a worker in a cluster (`org.apache.kafka.connect.runtime.distributed.DistributedHerder`). Requests are answered here: those that change
 * configurations by the leader, those about what runs by its owner. What follows from configurations and assignments is done by `HerderLoop`.
 */
export class DistributedHerder implements Herder {
  readonly clusterId: string
  readonly #options: DistributedHerderOptions
  readonly #configStore: ClusterConfigStore
  readonly #statusStore: StatusStore
  readonly #logger: Logger
  readonly #worker: HerderWorker
  readonly #group: WorkerGroup
  readonly #connectors: ConfiguredConnectors
  readonly #answers: ConnectorAnswers
  readonly #offsets: OffsetRequests
  readonly #validation: ConnectorValidation
  readonly #operations: OperationQueue
  readonly #reconfiguration: Reconfiguration
  readonly #reports: StatusReports
  readonly #failures = new FailureReports()
  readonly #work: AssignedWork
  readonly #duties: LeaderDuties
  readonly #peers: PeerWorkers
  readonly #loop: HerderLoop
  readonly #checks: HealthChecks
  #generation = -1
  #isReady = false

  /** @throws ConfigError where the override policy, one of the worker's converters or a setting of a Kafka client cannot be used. */
  constructor(options: DistributedHerderOptions) {
    const { config, distributed, registry, stores, logger } = options
    this.clusterId = options.clusterId
    this.#options = options
    this.#configStore = stores.config
    this.#statusStore = stores.statuses
    this.#logger = logger
    checkWorkerConverters(config, registry)
    this.#operations = new OperationQueue(options.requestTimeoutMs === undefined ? {} : { timeoutMs: options.requestTimeoutMs })
    this.#connectors = new ConfiguredConnectors({ ...options, configStore: stores.config })
    const shared = { ...options, connectors: this.#connectors, statusStore: stores.statuses, failures: this.#failures }
    this.#reports = new StatusReports({ ...shared, generation: () => this.#currentGeneration(), isEntitled: () => this.#group.rebalance !== null })
    this.#worker = options.createWorker(this.#workerListener(), (id) => this.#connectors.resolvedTaskConfig(id))
    this.#offsets = new OffsetRequests({
      connectors: this.#connectors,
      offsetStore: options.stores.offsets,
      worker: this.#worker,
      consumerGroups: options.consumerGroups,
      workerProperties: options.config.properties,
      logger: options.logger,
    })
    this.#answers = new ConnectorAnswers({
      ...shared,
      readProgress: (query) => this.#readProgress(query),
      observe: () => ({ observed_by: options.workerId, observed_at: new Date().toISOString(), in_group: this.#group.rebalance !== null }),
      forgetTopics: (name) => this.#worker.forgetTopics(name),
    })
    const clientOverrides = new ClientOverrides({
      policyName: config.clientConfigOverridePolicy,
      registry,
      workerProperties: config.properties,
      definitionOf: options.clientKeyOf ?? (() => null),
      logger,
    })
    this.#validation = new ConnectorValidation({ ...options, worker: this.#worker, clientOverrides })
    this.#reconfiguration = new Reconfiguration({ update: (name, begun) => this.#reconfigure(name, begun), isPassing, logger })
    this.#work = new AssignedWork({
      worker: this.#worker,
      connectors: this.#connectors,
      reports: this.#reports,
      connectorStarted: (name) => this.#reconfiguration.request(name),
      logger,
    })
    const wakeUp = new WakeUp()
    const changes = new ConfigChanges(() => wakeUp.call())
    this.#group = options.createGroup({ rejoinNeeded: () => this.#loop.rejoinNeeded(), membershipLost: (reason) => this.#loop.membershipLost(reason) })
    this.#duties = new LeaderDuties({
      group: this.#group,
      configStore: stores.config,
      statusStore: stores.statuses,
      sessionKeys: {
        algorithm: distributed.interWorkerKeyGenerationAlgorithm,
        keyBits: distributed.interWorkerKeySize,
        ttlMs: distributed.interWorkerKeyTtlMs,
      },
      logger,
    })
    this.#peers = new PeerWorkers({ client: options.client, signingKey: () => this.#signingKey(), algorithm: distributed.interWorkerSignatureAlgorithm })
    this.#loop = new HerderLoop(
      {
        config: distributed,
        group: this.#group,
        configStore: stores.config,
        changes,
        work: this.#work,
        rebalanced: (rebalance) => {
          this.#isReady = true
          this.#duties.rebalanced(rebalance)
        },
        followed: () => this.#duties.forgetDeleted(),
        reconfigure: (name) => this.#reconfiguration.request(name),
        restart: (request) => this.#restartHere(request),
        setLoggerLevel: options.setLoggerLevel,
        attendToSessionKey: () => this.#duties.attendToSessionKey(),
        logger,
      },
      wakeUp,
    )
    stores.config.listen(changes)
    this.#checks = new HealthChecks({
      config,
      checks: [
        { subject: 'The config topic', check: () => stores.config.refresh(distributed.workerSyncTimeoutMs).then(() => null) },
        { subject: 'This worker', check: () => (this.#group.rebalance === null ? 'is out of its group' : null) },
      ],
      logger,
    })
  }

  // ─── life ──────────────────────────────────────────────────────────────────────────────────────

  async start(): Promise<void> {
    this.#logger.info('Herder starting')
    await this.#options.stores.start()
    this.#loop.start()
    this.#checks.start()
    this.#logger.info('Herder started')
  }

  async stop(): Promise<void> {
    this.#logger.info('Herder stopping')
    this.#isReady = false
    this.#checks.stop()
    this.#operations.close()
    this.#reconfiguration.stop()
    this.#loop.halt()
    this.#work.close()
    try {
      await this.#worker.stop()
    } finally {
      // Only now, when nothing runs any more: others may start it at once.
      await this.#group.close()
      await this.#loop.ended()
      await this.#options.stores.stop()
      await this.#options.transformer.close()
    }
    this.#logger.info('Herder stopped')
  }

  /** A worker of a cluster is ready with its first assignment. */
  ready(): void {}

  get isReady(): boolean {
    return this.#isReady
  }

  async health(): Promise<WorkerStatus> {
    if (!this.#isReady) return { status: 'starting', message: `Worker is still starting up. ${this.#stageText()}` }
    if (!(await isDoneWithin(HEALTH_TIMEOUT_MS, this.#loop.settled())))
      return {
        status: 'unhealthy',
        message: `Worker was unable to handle this request and may be unable to handle other requests. ${this.#stageText()}`,
      }
    const { failure } = this.#checks
    if (failure !== null) return { status: 'unhealthy', message: failure }
    return healthyStatus(this.#worker, this.#options.stores.warnings())
  }

  rebalances(): RebalanceTimelineInfo {
    return { observed_by: this.#options.workerId, rebalances: this.#options.timeline.events }
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
    return pluginInfos(this.#options.registry, connectorsOnly)
  }

  pluginConfig(plugin: string, versionRange?: string): Promise<readonly ConfigKeyInfo[]> {
    return this.#operations.withTimeout(async (stage) => {
      stage(`reading the configuration definition of plugin ${plugin}`)
      return this.#validation.pluginConfig(plugin, versionRange)
    })
  }

  validateConnectorConfig(config: RequestedConfig): Promise<ConfigInfos> {
    return this.#operations.withTimeout((stage) => {
      stage('performing multi-property validation for the connector')
      return this.#validation.validate(config)
    })
  }

  // ─── changing: the leader's business ───────────────────────────────────────────────────────────

  async putConnector(name: string, config: RequestedConfig, options: PutConnectorOptions): Promise<PutConnectorResult> {
    const found = await this.validateConnectorConfig(config)
    const refusal = configErrors(found)
    if (refusal !== null) throw refusal
    return this.#asLeader(name, async (stage) => {
      const created = !this.#snapshot().contains(name)
      if (!created && !options.allowReplace) throw new ConflictRestError(`Connector ${name} already exists`)
      warnOfMisspeltKeys(name, config, found, this.#logger)
      stage(`writing a config for connector ${name} to the config topic`)
      await this.#write(
        () => this.#configStore.putConnectorConfig(name, config, options.initialState),
        (snapshot) => isSameConfig(snapshot.connectorConfig(name), config),
      )
      return { created, info: { name, config, tasks: this.#snapshot().tasks(name), type: this.#connectors.type(name) } }
    })
  }

  async patchConnectorConfig(name: string, patch: RequestedConfig): Promise<ConnectorInfo> {
    const patched = await this.#asLeader(name, async () => {
      const merged: Record<string, string | null> = { ...this.#connectors.config(name), ...patch }
      for (const [key, value] of Object.entries(patch)) if (value === null) delete merged[key]
      return merged
    })
    const { info } = await this.putConnector(name, patched, { allowReplace: true, initialState: null })
    return info
  }

  deleteConnector(name: string): Promise<void> {
    return this.#asLeader(name, async (stage) => {
      this.#connectors.config(name)
      stage(`removing the config for connector ${name} from the config topic`)
      await this.#write(
        () => this.#configStore.removeConnectorConfig(name),
        (snapshot) => !snapshot.contains(name),
      )
    })
  }

  pauseConnector(name: string): Promise<void> {
    return this.#putTargetState(name, 'PAUSED')
  }

  resumeConnector(name: string): Promise<void> {
    return this.#putTargetState(name, 'STARTED')
  }

  stopConnector(name: string): Promise<void> {
    return this.#asLeader(
      name,
      async (stage) => {
        this.#connectors.require(name, `Unknown connector ${name}`)
        // Tasks first: a running connector without tasks is acceptable should this end in between, a stopped one with tasks is not.
        stage(`writing task configs for connector ${name} to the config topic`)
        await this.#write(
          () => this.#configStore.putTaskConfigs(name, []),
          (snapshot) => snapshot.tasks(name).length === 0,
        )
        stage(`writing the STOPPED target stage for connector ${name} to the config topic`)
        await this.#write(
          () => this.#configStore.putTargetState(name, 'STOPPED'),
          (snapshot) => snapshot.targetState(name) === 'STOPPED',
        )
      },
      () => this.#connectors.require(name, `Unknown connector ${name}`),
    )
  }

  async setClusterLoggerLevel(namespace: string, level: string): Promise<void> {
    await this.#configStore.putLoggerLevel(namespace, level)
  }

  // ─── restarting: the business of who runs it ───────────────────────────────────────────────────

  async restartConnector(name: string, request: RestartRequest): Promise<ConnectorStateInfo | null> {
    if (request.includeTasks || request.onlyFailed) return this.#requestRestart({ connector: name, ...request })
    await this.#operations.run(name, async (stage) => {
      await this.#settled(stage)
      this.#connectors.require(name, `Unknown connector: ${name}`)
      if (!this.#work.hasConnector(name)) throw this.#elsewhere(name)
      stage(`restarting connector ${name}`)
      await this.#work.restartConnector(name)
    })
    return null
  }

  restartTask(id: TaskId): Promise<void> {
    return this.#operations.run(id.connector, async (stage) => {
      await this.#settled(stage)
      this.#connectors.require(id.connector, `Unknown connector: ${id.connector}`)
      if (this.#snapshot().taskConfig(id) === null) throw new NotFoundRestError(`Unknown task: ${taskKey(id)}`)
      if (!this.#work.hasTask(id)) throw this.#elsewhere(id.connector, id.task)
      stage(`restarting task ${taskKey(id)}`)
      try {
        await this.#work.restartTask(id)
      } catch (error) {
        throw new RestError(500, `Failed to start task: ${taskKey(id)}`, { cause: error })
      }
    })
  }

  /** The leader writes the wish down; every worker carries out its part (KIP-745). */
  #requestRestart(request: StoredRestartRequest): Promise<ConnectorStateInfo> {
    const name = request.connector
    return this.#asLeader(name, async (stage) => {
      this.#connectors.require(name, `Unknown connector: ${name}`)
      const plan = this.#restartPlan(request)
      if (plan === null) throw new NotFoundRestError(`Status for connector ${name} not found`)
      stage(`writing restart request for connector ${name} to the config topic`)
      await this.#configStore.putRestartRequest(request)
      return plan.stateInfo
    })
  }

  async #restartHere(request: StoredRestartRequest): Promise<void> {
    const name = request.connector
    const plan = this.#restartPlan(request)
    if (plan === null) return
    const connectors = plan.restartsConnector ? [name] : []
    await this.#operations.run(name, async (stage) => {
      stage(`restarting connector ${name} and its tasks`)
      this.#work.restart(
        { connectors, tasks: plan.tasks },
        { connector: () => this.#reports.connectorState(name, 'RESTARTING', null), task: (id) => this.#reports.taskState(id, 'RESTARTING', null) },
      )
    })
  }

  /** What failed here is restarted without anybody asking, where it is still this worker's. */
  #restartFailed({ connector, task }: RestartSubject, begin: () => boolean): Promise<void> {
    return this.#operations.run(connector, async (stage) => {
      if (task === null) {
        if (!this.#work.hasConnector(connector) || !begin()) return
        stage(`restarting connector ${connector}`)
        return this.#work.restartConnector(connector, () => this.#reports.connectorState(connector, 'RESTARTING', null))
      }
      const id = { connector, task }
      if (!this.#work.hasTask(id) || !begin()) return
      stage(`restarting task ${taskKey(id)}`)
      await this.#work.restartTask(id, () => this.#reports.taskState(id, 'RESTARTING', null))
    })
  }

  #restartPlan(request: StoredRestartRequest): RestartPlan | null {
    const name = request.connector
    const connector = this.#statusStore.connector(name)
    if (connector === null) return null
    return restartPlan(request, { name, type: this.#connectors.type(name), connector, tasks: this.#statusStore.tasks(name) })
  }

  // ─── what other workers ask ────────────────────────────────────────────────────────────────────

  async putTaskConfigs(name: string, configs: readonly Readonly<Record<string, string>>[], request: InternalRequest): Promise<void> {
    this.#checkSignature(request)
    await this.#asLeader(name, (stage) => {
      this.#connectors.config(name)
      return this.#writeTaskConfigs(name, configs, stage)
    })
  }

  async fenceZombieSourceTasks(_name: string, request: InternalRequest): Promise<void> {
    this.#checkSignature(request)
    throw new RestError(500, 'This worker does not have exactly-once source support enabled.')
  }

  async localProgress(query: ProgressQuery, request: InternalRequest): Promise<WorkerProgress> {
    this.#checkSignature(request)
    const { connectors, tasks } = await this.#localProgress(query)
    return { connectors: Object.fromEntries(connectors), tasks: Object.fromEntries(tasks) }
  }

  #checkSignature({ headers, body }: InternalRequest): void {
    // While this worker is in no group it cannot know whether requests are signed in it.
    if ((this.#group.rebalance?.protocolVersion ?? 2) < 2) return
    checkSignature({ headers, body, key: this.#snapshot().sessionKey, algorithms: this.#options.distributed.interWorkerVerificationAlgorithms })
  }

  #signingKey(): SessionKey | null {
    if ((this.#group.rebalance?.protocolVersion ?? 2) < 2) return null
    const key = this.#snapshot().sessionKey
    if (key === null) throw noSessionKey()
    return key
  }

  // ─── offsets ───────────────────────────────────────────────────────────────────────────────────

  connectorOffsets(name: string): Promise<ConnectorOffsets> {
    return this.#operations.withTimeout((stage) => this.#offsets.read(name, stage))
  }

  alterConnectorOffsets(name: string, offsets: readonly ConnectorOffset[]): Promise<Message> {
    return this.#asLeader(name, async (stage) => {
      await this.#readConfigs(stage)
      return this.#offsets.alter(name, offsets, stage)
    })
  }

  resetConnectorOffsets(name: string): Promise<Message> {
    return this.#asLeader(name, async (stage) => {
      await this.#readConfigs(stage)
      return this.#offsets.reset(name, stage)
    })
  }

  async #readConfigs(stage: ReportStage): Promise<void> {
    stage('reading to the end of the config topic')
    try {
      await this.#configStore.refresh(this.#options.distributed.workerSyncTimeoutMs)
    } catch (error) {
      throw new ConnectError('Failed to read to end of config topic before modifying connector offsets', { cause: error })
    }
  }

  // ─── tasks ─────────────────────────────────────────────────────────────────────────────────────

  /** Has a connector that runs here divide its work anew, and publishes that where it has changed. */
  #reconfigure(name: string, begun: () => void): Promise<void> {
    return this.#operations.run(name, async (stage) => {
      begun()
      if (!this.#work.hasConnector(name) || !this.#worker.isRunning(name) || this.#snapshot().targetState(name) !== 'STARTED') {
        this.#logger.debug(`Skipping reconfiguration of connector ${name} since it is not running`)
        return
      }
      stage(`generating task configs for connector ${name}`)
      const configs = await changedTaskConfigs(name, this.#connectors, this.#worker)
      if (configs !== null) await this.#publish(name, configs, stage)
    })
  }

  async #publish(name: string, configs: readonly Properties[], stage: ReportStage): Promise<void> {
    if (!this.#isLeader()) {
      await this.#settled(stage)
      const { rebalance } = this.#group
      if (rebalance !== null && !rebalance.isLeader) {
        if (rebalance.leaderUrl === '')
          throw new ConnectError("Request to leader to reconfigure connector tasks failed because the URL of the leader's REST interface is empty!")
        stage(`Forwarding task configurations to the leader at ${rebalance.leaderUrl}`)
        return this.#peers.putTaskConfigs(rebalance.leaderUrl, name, configs)
      }
    }
    await this.#writeTaskConfigs(name, configs, stage)
  }

  async #writeTaskConfigs(name: string, configs: readonly Properties[], stage: ReportStage): Promise<void> {
    if (this.#snapshot().targetState(name) === 'STOPPED' && configs.length > 0)
      throw new BadRequestRestError(`Cannot submit non-empty set of task configs for stopped connector ${name}`)
    stage(`writing task configs for connector ${name} to the config topic`)
    await this.#configStore.putTaskConfigs(name, configs)
  }

  // ─── progress ──────────────────────────────────────────────────────────────────────────────────

  /** One request per worker that runs some of it, all at the same time. */
  async #readProgress(query: ProgressQuery): Promise<KnownProgress> {
    const byOwner = new Map<string, { connectors: string[]; tasks: TaskId[] }>()
    // Who gave it up has nothing new to tell, and may be gone.
    const ownerOf = ({ state, workerId }: ConnectorStatus): string => (state === 'UNASSIGNED' && workerId !== this.#options.workerId ? NOBODY : workerId)
    const ofOwner = (workerId: string) => {
      let theirs = byOwner.get(workerId)
      if (theirs === undefined) byOwner.set(workerId, (theirs = { connectors: [], tasks: [] }))
      return theirs
    }
    for (const name of query.connectors) {
      const status = this.#statusStore.connector(name)
      if (status !== null) ofOwner(ownerOf(status)).connectors.push(name)
    }
    for (const id of query.tasks) {
      const status = this.#statusStore.task(id)
      if (status !== null) ofOwner(ownerOf(status)).tasks.push(id)
    }
    const answers = await Promise.all(
      [...byOwner].map(([workerId, theirs]) => {
        if (workerId === this.#options.workerId) return this.#localProgress(theirs)
        return workerId === NOBODY ? this.#peers.lastProgress(theirs) : this.#peers.progress(this.#urlOf(workerId), theirs)
      }),
    )
    return {
      connectors: new Map(answers.flatMap((answer) => [...answer.connectors])),
      tasks: new Map(answers.flatMap((answer) => [...answer.tasks])),
    }
  }

  #localProgress(query: ProgressQuery): Promise<KnownProgress> {
    return localProgress({ worker: this.#worker, failures: this.#failures, workerId: this.#options.workerId }, query)
  }

  /** Workers of a cluster are reached alike. */
  #urlOf(workerId: string): string {
    return `${new URL(this.#options.url).protocol}//${workerId}/`
  }

  // ─── parts ─────────────────────────────────────────────────────────────────────────────────────

  #workerListener(): WorkerListener {
    return {
      connectorState: (name, state, failure) => this.#reports.connectorState(name, state, failure),
      taskState: (id, state, failure) => this.#reports.taskState(id, state, failure),
      failedAgain: (id, count) => this.#reports.failedAgain(id, count),
      activeTopic: (id, topic) => this.#reports.activeTopic(id, topic),
      restartWanted: (subject, begin) => this.#restartFailed(subject, begin),
      leaseMs: () => this.#group.leaseMs,
      taskReconfigurationRequested: (name) => this.#reconfiguration.request(name),
    }
  }

  /**
   * Runs what only the leader may do, after all earlier requests for this connector. A leader goes on while its group shares out work anew: what it writes is
   * part of the next assignment.
   * @throws RequestTargetError with the leader's URL where this worker does not lead.
   */
  #asLeader<T>(name: string, act: (stage: ReportStage) => Promise<T>, checkFirst: () => void = () => {}): Promise<T> {
    return this.#operations.run(name, async (stage) => {
      if (!this.#isLeader()) await this.#settled(stage)
      checkFirst()
      if (!this.#isLeader()) throw new RequestTargetError(this.#leaderUrl())
      return act(stage)
    })
  }

  async #settled(stage: ReportStage): Promise<void> {
    if (this.#loop.isSettled) return
    stage('waiting for the rebalance of the group to end')
    await this.#loop.settled()
  }

  /** Any worker may write it: the wish is recorded, and who runs the connector or its tasks fulfils it. */
  async #putTargetState(name: string, state: TargetState): Promise<void> {
    this.#connectors.require(name, `Unknown connector ${name}`)
    await this.#write(
      () => this.#configStore.putTargetState(name, state),
      (snapshot) => snapshot.targetState(name) === state,
    )
  }

  /** A write of which nobody knows whether it took effect is looked up: a request is not answered with an error although it was carried out. */
  async #write(write: () => Promise<void>, hasTakenEffect: (snapshot: ClusterConfigSnapshot) => boolean): Promise<void> {
    try {
      await write()
    } catch (error) {
      const isThere = await this.#configStore.refresh(this.#options.distributed.workerSyncTimeoutMs).then(
        () => hasTakenEffect(this.#snapshot()),
        () => false,
      )
      if (!isThere) throw error
      this.#logger.warn('A write to the config topic failed, but has taken effect', error)
    }
  }

  /** The owner answers, whom only the leader knows. */
  #elsewhere(connector: string, task?: number): RequestTargetError {
    return new RequestTargetError(this.#isLeader() ? this.#group.ownerUrl(connector, task) : this.#leaderUrl())
  }

  #isLeader(): boolean {
    return this.#group.rebalance?.isLeader === true
  }

  #leaderUrl(): string | null {
    return this.#group.rebalance?.leaderUrl || null
  }

  /** The last one that this worker knew, also when it is out of the group: what it then reports is old. */
  #currentGeneration(): number {
    this.#generation = this.#group.rebalance?.generation ?? this.#generation
    return this.#generation
  }

  #snapshot(): ClusterConfigSnapshot {
    return this.#configStore.snapshot()
  }

  #stageText(): string {
    const { description, startedAt, completedAt } = this.#loop.stage
    const begun = new Date(startedAt).toISOString()
    if (completedAt === null) return `The worker is currently ${description}, which began at ${begun}.`
    return `The last operation the worker completed was ${description}, which began at ${begun} and completed at ${new Date(completedAt).toISOString()}.`
  }
}

/** The leader or the key has just changed; a moment later both workers know. */
function isPassing(error: unknown): boolean {
  return error instanceof RestError && (error.status === 403 || error.status === 409 || error.status === 503)
}

function isSameConfig(stored: StoredConnectorConfig | null, requested: RequestedConfig): boolean {
  if (stored === null) return false
  const keys = Object.keys(requested)
  return keys.length === Object.keys(stored).length && keys.every((key) => stored[key] === requested[key])
}

/** @returns false after `timeoutMs`. A failure means that the worker stops, which is no matter of its health. */
async function isDoneWithin(timeoutMs: number, done: Promise<void>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), timeoutMs)
  })
  try {
    return await Promise.race([
      done.then(
        () => true,
        () => true,
      ),
      timeout,
    ])
  } finally {
    clearTimeout(timer)
  }
}
