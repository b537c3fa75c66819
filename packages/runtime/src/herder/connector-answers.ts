import type {
  ActiveTopicsInfo,
  ConnectorInfo,
  ConnectorInstanceState,
  ConnectorProgress,
  ConnectorStateInfo,
  ProgressQuery,
  StatusObservation,
  TaskId,
  TaskInfo,
  TaskInstanceState,
} from '@millrace/rest-api'
import type { WorkerConfig } from '../config/worker-config.ts'
import type { ConnectorStatus, StatusStore } from '../storage/status-store.ts'
import type { ConfiguredConnectors } from './configured-connectors.ts'
import { isReportOf } from './failure-reports.ts'
import type { KnownProgress } from './local-progress.ts'
import { NotFoundRestError, RestError } from './errors.ts'
import { connectorStateOf, taskStateOf } from './state-info.ts'

/** Live progress, by whoever runs it. Resolves within 500 ms and a little. */
export type ReadProgress = (query: ProgressQuery) => Promise<KnownProgress>

export interface ConnectorAnswersOptions {
  readonly config: WorkerConfig
  readonly connectors: ConfiguredConnectors
  readonly statusStore: StatusStore
  readonly readProgress: ReadProgress
  /** Says who answers, and how well informed; absent where there is only one worker. */
  readonly observe?: () => StatusObservation
  /** Has running tasks tell their topics again. */
  readonly forgetTopics: (connector: string) => void
}

/** Answers questions about connectors from configuration and states, as REST shows them. The methods are those of `Herder`. */
export class ConnectorAnswers {
  readonly #options: ConnectorAnswersOptions

  constructor(options: ConnectorAnswersOptions) {
    this.#options = options
  }

  info(name: string): ConnectorInfo {
    const { connectors } = this.#options
    return { name, config: connectors.config(name), tasks: connectors.snapshot().tasks(name), type: connectors.type(name) }
  }

  async status(name: string): Promise<ConnectorStateInfo> {
    const notFound = new NotFoundRestError(`No status found for connector ${name}`)
    if (this.#options.statusStore.connector(name) === null) throw notFound
    const status = (await this.statuses([name])).get(name)
    if (status === undefined) throw notFound
    return status
  }

  async statuses(names: readonly string[]): Promise<ReadonlyMap<string, ConnectorStateInfo>> {
    const { connectors, statusStore, readProgress } = this.#options
    const progress = await readProgress({ connectors: names, tasks: names.flatMap((name) => statusStore.tasks(name).map(({ id }) => id)) })
    const statuses = new Map<string, ConnectorStateInfo>()
    for (const name of names) {
      // Read after the owners were asked: what was told meanwhile is the newer truth.
      const connector = statusStore.connector(name)
      if (connector === null) continue
      const tasks = statusStore.tasks(name).map((task) => taskStateOf(task.id, task, progress.tasks.get(`${name}-${task.id.task}`) ?? null))
      const state = { ...connectorStateOf(connector), ...this.#additions(connector, progress.connectors.get(name), connectors.snapshot().tasks(name).length) }
      statuses.set(name, { name, connector: state, tasks, type: connectors.type(name) })
    }
    return statuses
  }

  #additions(status: ConnectorStatus, progress: ConnectorProgress | undefined, tasks: number): Pick<ConnectorInstanceState, 'millrace'> {
    const live: Partial<ConnectorProgress> = progress === undefined ? {} : { ...progress, warnings: withMissingTasks(progress, status, tasks) }
    const { failure, ...others } = live
    const shown = failure === undefined || !isReportOf(status, failure) ? {} : { failure }
    const additions = { ...this.#options.observe?.(), ...others, ...shown }
    return Object.keys(additions).length === 0 ? {} : { millrace: additions }
  }

  async taskStatus(id: TaskId): Promise<TaskInstanceState> {
    const { statusStore, readProgress } = this.#options
    const name = `${id.connector}-${id.task}`
    const status = statusStore.task(id)
    if (status === null) throw new NotFoundRestError(`No status found for task ${name}`)
    const progress = await readProgress({ connectors: [], tasks: [id] })
    return taskStateOf(id, statusStore.task(id) ?? status, progress.tasks.get(name) ?? null)
  }

  taskConfigs(name: string): readonly TaskInfo[] {
    const { connectors } = this.#options
    connectors.config(name)
    const snapshot = connectors.snapshot()
    return snapshot.tasks(name).map((id) => ({ id, config: snapshot.taskConfig(id) ?? {} }))
  }

  topics(name: string): ActiveTopicsInfo {
    if (!this.#options.config.topicTrackingEnable) throw new RestError(403, 'Topic tracking is disabled.')
    return { [name]: { topics: this.#options.statusStore.topics(name).map((status) => status.topic) } }
  }

  resetTopics(name: string): void {
    const { config, statusStore, forgetTopics } = this.#options
    if (!config.topicTrackingEnable) throw new RestError(403, 'Topic tracking is disabled.')
    if (!config.topicTrackingAllowReset) throw new RestError(403, 'Topic tracking reset is disabled.')
    statusStore.deleteTopics(name)
    forgetTopics(name)
  }
}

/** A new connector takes a moment until its tasks are stored. Milliseconds. */
const DIVISION_MS = 10_000

/** The instance made tasks, but nobody has stored them: the leader is not reached, or the store does not take them. */
function withMissingTasks({ activity, warnings }: ConnectorProgress, { state, workerId }: ConnectorStatus, tasks: number): readonly string[] {
  const isNew = Date.now() - Date.parse(activity.since) < DIVISION_MS
  if (state !== 'RUNNING' || tasks > 0 || warnings.length > 0 || isNew) return warnings
  return [`It runs with zero tasks, so nothing is copied: the configurations of its tasks are not stored yet. The log of ${workerId} says why.`]
}
