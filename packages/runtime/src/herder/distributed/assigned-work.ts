import type { Logger } from '@millrace/api'
import type { TaskId } from '@millrace/rest-api'
import { failureOf } from '../../errors/failure.ts'
import type { TargetState } from '../../storage/config-store.ts'
import type { ConfiguredConnectors } from '../configured-connectors.ts'
import { RestError } from '../errors.ts'
import type { HerderWorker } from '../herder-worker.ts'
import type { StatusReports } from '../status-reports.ts'
import { taskKey } from './incremental-cooperative-assignor.ts'
import type { Workload } from './worker-group.ts'

export interface AssignedWorkOptions {
  readonly worker: HerderWorker
  readonly connectors: ConfiguredConnectors
  readonly reports: StatusReports
  /** A connector runs, so that its tasks may have to be divided anew. */
  readonly connectorStarted: (name: string) => void
  readonly logger: Logger
}

/** A connector or task that shall run here. Another start of the same name has another one. */
interface Piece {
  readonly started: Promise<void>
}

/**
 * What this worker runs of its cluster's work. Starting never waits for a plug-in; stopping does, within the worker's bounds. A piece that is stopped while it
 * starts does not start any more, and one that starts while it stops waits for that.
 */
export class AssignedWork {
  readonly #options: AssignedWorkOptions
  readonly #connectors = new Map<string, Piece>()
  readonly #tasks = new Map<string, Piece & { readonly id: TaskId }>()
  /** By name: when what ran before is gone. */
  readonly #connectorEnds = new Map<string, Promise<void>>()
  readonly #taskEnds = new Map<string, Promise<void>>()
  #isClosed = false

  constructor(options: AssignedWorkOptions) {
    this.#options = options
  }

  /** All that was started and not stopped since, failed or not. */
  running(): Workload {
    return { connectors: [...this.#connectors.keys()], tasks: [...this.#tasks.values()].map(({ id }) => id) }
  }

  hasConnector(name: string): boolean {
    return this.#connectors.has(name)
  }

  hasTask(id: TaskId): boolean {
    return this.#tasks.has(taskKey(id))
  }

  tasksOf(connector: string): readonly TaskId[] {
    return [...this.#tasks.values()].map(({ id }) => id).filter((id) => id.connector === connector)
  }

  /** What is not configured any more is left out. Failures show in the statuses. */
  start({ connectors, tasks }: Workload): void {
    const { logger } = this.#options
    const snapshot = this.#options.connectors.snapshot()
    for (const name of connectors) {
      if (snapshot.contains(name)) this.startConnector(name).catch((error: unknown) => logger.error(`Failed to start connector ${name}`, error))
    }
    for (const id of tasks) {
      if (snapshot.taskConfig(id) !== null) this.startTask(id).catch((error: unknown) => logger.error(`Failed to start task ${taskKey(id)}`, error))
    }
  }

  /** Resolves when all of it is gone; at once for what does not run. */
  async stop({ connectors, tasks }: Workload): Promise<void> {
    await Promise.all([...connectors.map((name) => this.#stopConnector(name)), this.#stopTasks(tasks)])
  }

  /**
   * Stops what of this runs here, and starts it again; what the group takes away in between stays stopped.
   * @param stopped is called for each connector or task when it has stopped and is about to start.
   */
  restart({ connectors, tasks }: Workload, stopped: { connector(name: string): void; task(id: TaskId): void }): void {
    const { logger } = this.#options
    const names = connectors.filter((name) => this.hasConnector(name))
    const ids = tasks.filter((id) => this.hasTask(id))
    this.stop({ connectors: names, tasks: ids }).catch((error: unknown) => logger.error('Not everything could be stopped', error))
    // In the same turn: the group never sees them as not running.
    for (const name of names)
      this.startConnector(name, () => stopped.connector(name)).catch((error: unknown) => logger.error(`Connector '${name}' restart failed`, error))
    for (const id of ids) this.startTask(id, () => stopped.task(id)).catch((error: unknown) => logger.error(`Task '${taskKey(id)}' restart failed`, error))
  }

  /** As `restart`; resolves when the instance runs. @throws RestError 500 where it does not start. */
  async restartConnector(name: string, stopped?: () => void): Promise<void> {
    const end = this.#stopConnector(name)
    await Promise.all([end, this.startConnector(name, stopped)])
  }

  /** As `restart`; resolves when the task was taken by its thread. @throws where it does not start. */
  async restartTask(id: TaskId, stopped?: () => void): Promise<void> {
    const end = this.#stopTasks([id])
    await Promise.all([end, this.startTask(id, stopped)])
  }

  /** Does nothing where it runs already. @param stopped is called when what ran before is gone. @throws RestError 500 with the cause. */
  startConnector(name: string, stopped?: () => void): Promise<void> {
    const running = this.#connectors.get(name)
    if (running !== undefined || this.#isClosed) return running?.started ?? Promise.resolve()
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const piece: Piece = { started: promise }
    this.#connectors.set(name, piece)
    this.#startConnector(name, piece, stopped).then(resolve, reject)
    return promise
  }

  /** As `startConnector`. */
  startTask(id: TaskId, stopped?: () => void): Promise<void> {
    const running = this.#tasks.get(taskKey(id))
    if (running !== undefined || this.#isClosed) return running?.started ?? Promise.resolve()
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const piece = { id, started: promise }
    this.#tasks.set(taskKey(id), piece)
    this.#startTask(piece, stopped).then(resolve, reject)
    return promise
  }

  /** @throws where the instance cannot go there. */
  async setTargetState(name: string, state: TargetState): Promise<void> {
    await this.#options.worker.setTargetState(name, state)
  }

  /** Nothing is started any more. What runs is the worker's to stop. */
  close(): void {
    this.#isClosed = true
  }

  async #startConnector(name: string, piece: Piece, stopped?: () => void): Promise<void> {
    const { worker, connectors, reports, connectorStarted } = this.#options
    const isCurrent = (): boolean => this.#connectors.get(name) === piece && !this.#isClosed
    let targetState: TargetState = 'STARTED'
    try {
      await this.#connectorEnds.get(name)
      if (isCurrent()) stopped?.()
      const config = await connectors.resolvedConfig(name)
      if (!isCurrent()) return
      // Read in the same turn in which the worker takes it: a later change finds the instance there.
      targetState = connectors.snapshot().targetState(name) ?? 'STARTED'
      await worker.startConnector(name, config, targetState, connectors.secretsOf(name, config))
    } catch (error) {
      if (isCurrent()) {
        reports.connectorNotStarted(name, error)
        worker.startFailed({ connector: name, task: null }, connectors.knownConfig(name), error)
      }
      throw new RestError(500, `Failed to transition connector ${name} to state ${targetState}: ${failureOf(error).message}`, { cause: error })
    }
    if (isCurrent()) connectorStarted(name)
  }

  async #startTask(piece: Piece & { readonly id: TaskId }, stopped?: () => void): Promise<void> {
    const { worker, connectors, reports } = this.#options
    const { id } = piece
    const isCurrent = (): boolean => this.#tasks.get(taskKey(id)) === piece && !this.#isClosed
    try {
      await this.#taskEnds.get(taskKey(id))
      if (isCurrent()) stopped?.()
      const connectorConfig = await connectors.resolvedConfig(id.connector)
      const taskConfig = await connectors.resolvedTaskConfig(id)
      if (!isCurrent()) return
      connectors.checkTasksMax(id.connector, connectorConfig)
      const targetState = connectors.snapshot().targetState(id.connector) ?? 'STARTED'
      await worker.startTask(id, connectorConfig, taskConfig, targetState, connectors.secretsOf(id.connector, connectorConfig))
    } catch (error) {
      if (isCurrent()) {
        reports.taskNotStarted(id, error)
        worker.startFailed(id, connectors.knownConfig(id.connector), error)
      }
      throw error
    }
  }

  async #stopConnector(name: string): Promise<void> {
    const before = this.#connectorEnds.get(name)
    if (!this.#connectors.delete(name)) return before
    await ending(this.#connectorEnds, [name], together([before], this.#options.worker.stopConnector(name)))
  }

  /** All together: they share the time that they have to stop. */
  async #stopTasks(ids: readonly TaskId[]): Promise<void> {
    const before = ids.map((id) => this.#taskEnds.get(taskKey(id)))
    const running = ids.filter((id) => this.#tasks.delete(taskKey(id)))
    if (running.length === 0) await together(before, Promise.resolve())
    else await ending(this.#taskEnds, running.map(taskKey), together(before, this.#options.worker.stopTasks(running)))
  }
}

async function together(before: readonly (Promise<void> | undefined)[], last: Promise<unknown>): Promise<void> {
  await Promise.all([...before, last])
}

/** Remembers an end by the names of what ends, until it has come. */
async function ending(ends: Map<string, Promise<void>>, names: readonly string[], end: Promise<void>): Promise<void> {
  for (const name of names) ends.set(name, end)
  try {
    await end
  } finally {
    for (const name of names) if (ends.get(name) === end) ends.delete(name)
  }
}
