import { ConnectError, type Logger, parseType, type Properties } from '@millrace/api'
import { leaveGroupOnBehalf } from '@millrace/kafka'
import type { ConfigKeyInfo, ConnectorProgress, RestartInfo, TaskId, TaskProgress } from '@millrace/rest-api'
import { errorsConfig } from '../config/errors-config.ts'
import { recordFailuresConfig } from '../config/record-failures-config.ts'
import { type SupervisionConfig, supervisionConfig } from '../config/supervision-config.ts'
import { tooManyTasks } from '../config/tasks-max.ts'
import { listsDefaultGroup, topicCreationConfig } from '../config/topic-creation-config.ts'
import { type Failure, FailureError, failureOf } from '../errors/failure.ts'
import { reported } from '../errors/failure-report.ts'
import { SecretMask, secretsIn } from '../errors/secret-mask.ts'
import type { MetricStyle } from '../metrics/metric.ts'
import type { PluginDescriptor } from '../plugins/plugin-registry.ts'
import type { TaskStart, ThreadMetrics, ValidationResult } from '../thread/messages.ts'
import type { ThreadServices } from '../thread/task-thread-handle.ts'
import { plainThreadLog } from '../thread/thread-log.ts'
import type { ThreadEnd, ThreadLimits } from '../thread/worker-thread.ts'
import { AutoRestart, type RestartSubject } from './auto-restart.ts'
import { type ClientSettings, sinkConsumerProperties, deadLetterClients, sourceProducerProperties, topicAdminProperties } from './client-properties.ts'
import { ConfigValidation } from './config-validation.ts'
import type { ConnectorTarget } from './connector-lifecycle.ts'
import { ConnectorRuns } from './connector-runs.ts'
import { converterUses, transformationUses } from './plugin-uses.ts'
import type { StopRung } from './progress-watch.ts'
import { TaskRuns } from './task-runs.ts'
import type { WorkerListener } from './worker-listener.ts'
import type { WorkerOptions } from './worker-options.ts'

/** What runs in a thread, and how the thread is. */
export interface WorkerThreadInfo {
  readonly kind: 'task' | 'connector'
  /** `abandoned`: a native call blocks it for good; only the end of the process removes it. */
  readonly state: 'running' | 'ending' | ThreadEnd
  /** Names of connectors, or `connector-task`. */
  readonly hosts: readonly string[]
  /** Heap and external memory when last sampled, in bytes. */
  readonly usedBytes: number
}

/** What threads measured. */
export interface ThreadReadings {
  /** One of each thread. */
  readonly readings: readonly ThreadMetrics[]
  /** How many threads did not answer. */
  readonly silent: number
}

/** What a task is started with. */
type TaskConfiguration = Pick<TaskStart, 'connectorConfig' | 'taskConfig' | 'secrets'>

/** How long after its termination a thread may take to exit before it is given up. Milliseconds. */
const ABANDON_TIMEOUT_MS = 2_000

/**
 * Runs connectors and tasks in threads (`org.apache.kafka.connect.runtime.Worker`). Used by a herder, on the main thread; plug-ins' code runs
 * in other threads only. Every promise settles within a bounded time, also where a plug-in hangs.
 */
export class Worker {
  readonly #options: WorkerOptions
  readonly #logger: Logger
  readonly #tasks: TaskRuns
  readonly #connectors: ConnectorRuns
  readonly #validation: ConfigValidation
  readonly #restarts: AutoRestart
  /** Configurations that tasks were started with, for `context.configs()`. */
  readonly #taskConfigs = new Map<string, { readonly id: TaskId; readonly config: Properties }>()

  constructor(options: WorkerOptions) {
    this.#options = options
    this.#logger = options.logger
    const { config, logger } = options
    this.#restarts = new AutoRestart({ restart: async (subject, begin) => options.listener.restartWanted?.(subject, begin), logger })
    const listener = this.#listener()
    const limits: ThreadLimits = { memoryMaxBytes: config.taskMemoryBytesMax, hangTimeoutMs: config.taskHangTimeoutMs, abandonTimeoutMs: ABANDON_TIMEOUT_MS }
    const log = options.threadLog ?? plainThreadLog(logger)
    const services = this.#threadServices()
    this.#tasks = new TaskRuns({
      limits,
      log,
      services,
      listener,
      logger,
      threadsMax: config.taskThreadsMax,
      gracefulTimeoutMs: config.taskShutdownGracefulTimeoutMs,
      // Settings of a consumer that an admin client does not know would be warned of: this one is silent.
      leaveGroup: (start, member) => leaveGroupOnBehalf(start.consumer, member),
    })
    this.#connectors = new ConnectorRuns({ limits, log, services, listener, logger })
    this.#validation = new ConfigValidation({ limits, log })
  }

  // ─── connectors ───

  /**
   * Makes a connector instance and brings it to the target state. Rejects with the cause where it fails; the listener hears of it, too.
   * @param secrets what configuration providers gave for references in `config`: no error or line of the log shows it.
   */
  async startConnector(name: string, config: Properties, targetState: ConnectorTarget, secrets: readonly string[] = []): Promise<void> {
    this.#logger.info(`Creating connector ${name} of type ${config['connector.class'] ?? ''}`)
    const supervision = supervisionConfig(config, this.#options.config.properties)
    this.#restarts.started({ connector: name, task: null }, supervision)
    this.#restarts.targetState(name, targetState)
    let plugin: PluginDescriptor
    try {
      plugin = this.#connectorPlugin(config)
    } catch (error) {
      this.#listener().connectorState(name, 'FAILED', failureOf(error))
      throw error
    }
    if (this.#options.config.mode === 'standalone' && config['offsets.storage.topic'])
      this.#logger.warn(`Connector ${name} asks for a topic of its own for offsets (offsets.storage.topic), which has no effect in standalone mode`)
    await this.#connectors.start(name, plugin, config, { target: targetState, stall: supervision.stall, secrets })
  }

  /** Ends the instance, within 5 s and a little. Resolves also where it was never there. */
  async stopConnector(name: string): Promise<void> {
    this.#restarts.stopped({ connector: name, task: null })
    await this.#connectors.stop(name)
  }

  /**
   * A connector or task failed before this could have it, as where a reference of a configuration provider cannot be resolved: it may be restarted all the same.
   * @param connectorConfig as far as it is known, references not resolved.
   */
  startFailed(subject: RestartSubject, connectorConfig: Properties, error: unknown): void {
    // What was started here has told its failure itself.
    if (!this.#restarts.has(subject)) this.#restarts.started(subject, this.#knownSupervision(connectorConfig))
    this.#restarts.failed(subject, failureOf(error))
  }

  /** Restarts of a connector or task without anybody asking; null where there are none, and none are wanted. */
  restartInfo(subject: RestartSubject): RestartInfo | null {
    return this.#restarts.info(subject)
  }

  /** What the instance of a connector does, with restarts and warnings; null where it is not here. */
  connectorProgress(name: string): ConnectorProgress | null {
    const progress = this.#connectors.progress(name)
    if (progress === null) return null
    const restarts = this.#restarts.info({ connector: name, task: null })
    return restarts === null ? progress : { ...progress, restarts }
  }

  /** The configurations of all tasks, with `task.class` and the connector's topics. @throws what the connector throws, and where it makes too many. */
  async connectorTaskConfigs(name: string, config: Properties): Promise<Properties[]> {
    const tasksMax = parseType('tasks.max', config['tasks.max'] ?? '1', 'INT') as number
    const { taskClass, configs } = await this.#connectors.generateTaskConfigs(name, tasksMax)
    this.#checkTasksMax(name, config, configs.length)
    const topics = Object.fromEntries(['topics', 'topics.regex'].flatMap((key) => (config[key] === undefined ? [] : [[key, config[key]]])))
    return configs.map((taskConfig) => ({ ...taskConfig, 'task.class': taskClass, ...topics }))
  }

  /** Whether the instance is there and has not failed. */
  isRunning(name: string): boolean {
    return this.#connectors.isRunning(name)
  }

  /** Brings a connector and its tasks to another target state. A STOPPED connector's tasks are stopped by their own call. */
  async setTargetState(name: string, state: ConnectorTarget): Promise<void> {
    this.#restarts.targetState(name, state)
    if (state !== 'STOPPED') this.#tasks.setTargetState(name, state)
    await this.#connectors.setTarget(name, state)
  }

  // ─── tasks ───

  /** Resolves when a thread has taken the task. Rejects where its configuration does not let it start; the listener hears of it, too. @param secrets as for `startConnector`. */
  async startTask(
    id: TaskId,
    connectorConfig: Properties,
    taskConfig: Properties,
    targetState: ConnectorTarget,
    secrets: readonly string[] = [],
  ): Promise<void> {
    const supervision = supervisionConfig(connectorConfig, this.#options.config.properties)
    this.#restarts.started(id, supervision)
    this.#restarts.targetState(id.connector, targetState)
    try {
      const start = this.#taskStart(id, { connectorConfig, taskConfig, secrets }, targetState === 'STARTED' ? 'STARTED' : 'PAUSED')
      this.#taskConfigs.set(nameOf(id), { id, config: taskConfig })
      await this.#tasks.start(start, { isDedicated: connectorConfig['millrace.task.isolation'] === 'dedicated', stall: supervision.stall })
    } catch (error) {
      const { mask } = new SecretMask([...secrets, ...secretsIn(connectorConfig), ...secretsIn(taskConfig)])
      const failure = reported(failureOf(error), { connector: id.connector, task: id.task, stage: 'start' }, [], { mask })
      this.#listener().taskState(id, 'FAILED', failure)
      throw failure.message === failureOf(error).message ? error : new FailureError(failure)
    }
  }

  /**
   * Stops tasks, all within `task.shutdown.graceful.timeout.ms` together: asked, then cancelled, then terminated with their threads, or abandoned.
   * @returns how each of them ended, by `connector-task`.
   */
  stopTasks(ids: readonly TaskId[]): Promise<ReadonlyMap<string, StopRung>> {
    for (const id of ids) {
      this.#taskConfigs.delete(nameOf(id))
      this.#restarts.stopped(id)
    }
    return this.#tasks.stop(ids)
  }

  /** The topics of a connector were reset: its tasks tell the listener of each of them again when they next use it. */
  forgetTopics(name: string): void {
    this.#tasks.forgetTopics(name)
  }

  /** What a task tells of its progress; the last known where it does not answer within 500 ms; null where nothing is known. */
  async taskProgress(id: TaskId): Promise<TaskProgress | null> {
    const progress = this.#withRestarts(id, await this.#tasks.progress(id))
    return progress === null ? null : { ...progress, observed_by: this.#options.workerId }
  }

  #withRestarts<Progress>(id: TaskId, progress: Progress | null): (Progress & Pick<TaskProgress, 'restarts'>) | null {
    if (progress === null) return null
    const restarts = this.#restarts.info(id)
    return { ...progress, ...(restarts === null ? {} : { restarts }) }
  }

  // ─── validation ───

  /** Runs `config()` and `validate()` of a plug-in in a thread of their own. @throws what they throw, and where they take too long. */
  validateConnector(descriptor: PluginDescriptor, properties: Properties): Promise<ValidationResult> {
    return this.#validation.validate(descriptor, properties)
  }

  /** A plug-in's own keys, in the order of their definition. */
  pluginConfigDef(descriptor: PluginDescriptor): Promise<readonly ConfigKeyInfo[]> {
    return this.#validation.configDef(descriptor)
  }

  /**
   * Shows a connector a change of its offsets, on an instance that was not started, in the thread of validations.
   * @param config of the connector, references resolved. @param offsets as `alterOffsets` of its kind takes them.
   * @returns what it says; false where it has no such method. @throws what it throws, and where it takes too long.
   */
  alterOffsets(config: Properties, offsets: readonly object[]): Promise<boolean> {
    return this.#validation.alterOffsets(this.#connectorPlugin(config), config, offsets)
  }

  // ─── metrics ───

  /** What the threads measure; those that do not answer in time are only counted. */
  async readMetrics(style: MetricStyle): Promise<ThreadReadings> {
    const answers = await Promise.all([...this.#connectors.readMetrics(style), ...this.#tasks.readMetrics(style)])
    const readings = answers.filter((answer) => answer !== null)
    return { readings, silent: answers.length - readings.length }
  }

  /** The connectors that are here, also those that failed. */
  connectors(): { readonly name: string; readonly plugin: PluginDescriptor }[] {
    return this.#connectors.plugins()
  }

  /** The tasks that are here, also those that failed, with what was last heard of their progress. */
  tasks(): { readonly id: TaskId; readonly progress: Omit<TaskProgress, 'observed_by'> | null }[] {
    return [...this.#taskConfigs.values()].map(({ id }) => ({ id, progress: this.#withRestarts(id, this.#tasks.lastProgress(id)) }))
  }

  /** How many `connectors` and `tasks` there are. */
  get counts(): { readonly connectors: number; readonly tasks: number } {
    return { connectors: this.#connectors.names().length, tasks: this.#taskConfigs.size }
  }

  // ─── the whole ───

  /** All threads of tasks and connectors, abandoned ones included. While one of those is there, the process cannot exit by itself. */
  threads(): WorkerThreadInfo[] {
    return [
      ...this.#connectors.threads().map(({ state, connectors, usedBytes }) => ({ kind: 'connector' as const, state, hosts: connectors, usedBytes })),
      ...this.#tasks.threads().map(({ state, tasks, usedBytes }) => ({ kind: 'task' as const, state, hosts: tasks, usedBytes })),
    ]
  }

  /** Stops everything: connectors, then all tasks together. Resolves within the graceful time-out of tasks, 5 s for connectors, and a few seconds. */
  async stop(): Promise<void> {
    this.#logger.info('Worker stopping')
    this.#restarts.close()
    await Promise.all(this.#connectors.names().map((name) => this.#connectors.stop(name)))
    await this.#tasks.stop(this.#tasks.ids())
    await Promise.all([this.#connectors.close(), this.#tasks.close(), this.#validation.close()])
    this.#logger.info('Worker stopped')
  }

  // ─── parts ───

  /** Of a configuration that may not be fit to use: then what the worker says counts. */
  #knownSupervision(connectorConfig: Properties): SupervisionConfig {
    const worker = this.#options.config.properties
    try {
      return supervisionConfig(connectorConfig, worker)
    } catch {
      return supervisionConfig({}, worker)
    }
  }

  /** States are told first: who looks at a status sees FAILED before what is done about it. */
  #listener(): WorkerListener {
    const { listener } = this.#options
    return {
      connectorState: (name, state, failure) => {
        listener.connectorState(name, state, failure)
        this.#noteState({ connector: name, task: null }, state, failure)
      },
      taskState: (id, state, failure) => {
        listener.taskState(id, state, failure)
        this.#noteState(id, state, failure)
      },
      failedAgain: (id, count) => listener.failedAgain?.(id, count),
      activeTopic: (id, topic) => listener.activeTopic(id, topic),
      taskReconfigurationRequested: (connector) => listener.taskReconfigurationRequested(connector),
    }
  }

  #noteState(subject: RestartSubject, state: string, failure: Failure | null): void {
    if (failure !== null) this.#restarts.failed(subject, failure)
    else if (state === 'RUNNING' || state === 'PAUSED') this.#restarts.running(subject)
  }

  #connectorPlugin(config: Properties): PluginDescriptor {
    return this.#options.registry.find(['source', 'sink'], config['connector.class'] ?? '', config['connector.plugin.version'] ?? null)
  }

  #taskStart(id: TaskId, { connectorConfig, taskConfig, secrets }: TaskConfiguration, targetState: 'STARTED' | 'PAUSED'): Omit<TaskStart, 'incarnation'> {
    const { config, registry, bootstrapServers } = this.#options
    const plugin = this.#connectorPlugin(connectorConfig)
    const isSource = plugin.kind === 'source'
    const settings: ClientSettings = { bootstrapServers, workerProperties: config.properties, connectorConfig }
    const errors = errorsConfig(connectorConfig, isSource ? 'source' : 'sink')
    const topicCreation = isSource && config.topicCreationEnable ? topicCreationConfig(connectorConfig) : null
    if (topicCreation !== null && listsDefaultGroup(connectorConfig))
      this.#logger.warn("'default' topic creation group always exists and does not need to be listed explicitly")
    return {
      id,
      kind: isSource ? 'source' : 'sink',
      plugin,
      connectorConfig,
      taskConfig,
      secrets,
      targetState,
      converters: converterUses(registry, config, { plugin, config: connectorConfig }),
      transformations: transformationUses(registry, { plugin, config: connectorConfig }),
      producer: isSource ? sourceProducerProperties(settings, id) : {},
      consumer: isSource ? {} : sinkConsumerProperties(settings, id),
      admin: topicCreation === null ? {} : topicAdminProperties(settings, id),
      topicCreation,
      errors,
      recordFailures: recordFailuresConfig(connectorConfig),
      deadLetterClients: errors.deadLetterQueue === null ? null : deadLetterClients(settings, id),
      offsetFlushIntervalMs: config.offsetFlushIntervalMs,
      offsetFlushTimeoutMs: config.offsetFlushTimeoutMs,
      topicTrackingEnable: config.topicTrackingEnable,
      metricWindows: config.metricWindows,
    }
  }

  #checkTasksMax(name: string, config: Properties, count: number): void {
    const tooMany = tooManyTasks(name, count, config)
    if (tooMany === null) return
    if (!tooMany.isEnforced) return this.#logger.warn(tooMany.message)
    const error = new ConnectError(tooMany.message)
    this.#connectors.fail(name, error)
    throw error
  }

  #threadServices(): ThreadServices {
    const { offsetStore, listener, resolveTaskConfig } = this.#options
    const leaseMs = (): number => listener.leaseMs?.() ?? Infinity
    return {
      leaseMs,
      readOffsets: (keys) => offsetStore.get(keys),
      writeOffsets: async (entries) => {
        // Whoever has the task by now may have committed later ones.
        if (leaseMs() <= 0) throw new ConnectError('The worker is out of its group: offsets of its tasks are not committed any more.')
        await offsetStore.set(entries)
      },
      taskConfig: async (id) => resolveTaskConfig?.(id) ?? this.#taskConfigs.get(nameOf(id))?.config ?? {},
    }
  }
}

function nameOf({ connector, task }: TaskId): string {
  return `${connector}-${task}`
}
