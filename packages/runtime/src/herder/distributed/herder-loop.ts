import type { Logger } from '@millrace/api'
import { type Clock, monotonicClock } from '@millrace/kafka'
import type { DistributedConfig } from '../../config/distributed-config.ts'
import type { ClusterConfigStore, StoredRestartRequest } from '../../storage/config-store.ts'
import { RestError } from '../errors.ts'
import type { AssignedWork } from './assigned-work.ts'
import type { ConfigChanges, TakenChanges } from './config-changes.ts'
import type { WakeUp } from './wake-up.ts'
import type { Rebalance, WorkerGroup, WorkerGroupListener } from './worker-group.ts'
import { isEmptyWorkload, workloadChanges, workloadText, workOf } from './workload-changes.ts'

export interface HerderLoopOptions {
  readonly config: DistributedConfig
  readonly group: WorkerGroup
  readonly configStore: ClusterConfigStore
  readonly changes: ConfigChanges
  readonly work: Pick<AssignedWork, 'running' | 'start' | 'stop' | 'hasConnector' | 'tasksOf' | 'restartConnector' | 'setTargetState'>
  /** What follows from a rebalance beyond this worker's own work. Must not throw. */
  readonly rebalanced: (rebalance: Rebalance) => void
  /** Connectors or tasks were created, changed or removed. Must not throw. */
  readonly followed: () => void
  /** The connector, which runs here, shall divide its work anew. */
  readonly reconfigure: (connector: string) => void
  /** Restarts what this worker runs of it. */
  readonly restart: (request: StoredRestartRequest) => Promise<void>
  readonly setLoggerLevel: (namespace: string, level: string) => void
  /** @returns the milliseconds until it wants to be called again. Must not throw. */
  readonly attendToSessionKey: () => number
  readonly logger: Logger
  /** Default: one that no change of the wall clock disturbs. */
  readonly clock?: Clock
}

/** How often the loop comes round where nothing happens, so that the group sees that it is alive. Milliseconds. */
const IDLE_MS = 5_000
/** After a failure that nobody expected. Milliseconds; doubled with each further one. */
const RETRY_DELAY_MS = 250
const RETRY_DELAY_MS_MAX = 10_000
/** How often a worker that is behind the others tries to catch up before it gives up its work. */
const SYNC_TRIES_MAX = 5

/** What the loop is doing, for whoever waits for it in vain. */
export interface LoopStage {
  readonly description: string
  /** Milliseconds since the epoch. */
  readonly startedAt: number
  /** Null while it goes on. */
  readonly completedAt: number | null
}

/**
 * The herder's loop (`DistributedHerder.tick`): takes what arrived, decides, acts. It joins the group when the group wants it to, runs what the group gave it,
 * and follows the config topic. Nothing else starts or stops work because of the cluster.
 */
export class HerderLoop implements WorkerGroupListener {
  readonly #options: HerderLoopOptions
  readonly #clock: Clock
  readonly #wakeUp: WakeUp
  /** Connectors that the loop has followed: one that comes or goes needs a rebalance. */
  readonly #known = new Set<string>()
  #stage: LoopStage = { description: 'starting', startedAt: Date.now(), completedAt: null }
  /** Resolves when this worker has carried out its latest rebalance, or never. */
  #settled = Promise.withResolvers<void>()
  #isSettled = false
  /** What runs without a right to is being stopped. */
  #surrender: Promise<void> = Promise.resolve()
  #rejoinAt = Infinity
  #syncTries = 0
  #retryDelayMs = RETRY_DELAY_MS
  #end: Promise<void> = Promise.resolve()
  #isStopping = false

  /** @param wakeUp is called with each of `changes`, too. */
  constructor(options: HerderLoopOptions, wakeUp: WakeUp) {
    this.#options = options
    this.#clock = options.clock ?? monotonicClock
    this.#wakeUp = wakeUp
  }

  get stage(): LoopStage {
    return this.#stage
  }

  /** Called once, when the stores have been read. */
  start(): void {
    for (const name of this.#options.configStore.snapshot().connectors()) this.#known.add(name)
    this.#end = this.#run()
  }

  /** No further tick begins, and nobody waits for one any more. */
  halt(): void {
    this.#isStopping = true
    this.#settled.promise.catch(() => {})
    this.#settled.reject(new RestError(503, 'Worker is shutting down'))
    this.#wakeUp.call()
  }

  /** Resolves when the loop has ended, after `halt`. A join under way ends when the group is closed. */
  async ended(): Promise<void> {
    await this.#end
    await this.#surrender
  }

  /** Whether this worker is a member of the group, runs what it was given, and expects no rebalance. */
  get isSettled(): boolean {
    return this.#isSettled && this.#options.group.rebalance !== null && !this.#options.group.needsJoin
  }

  /** Resolves as soon as `isSettled`. @throws RestError 503 once the worker stops. */
  async settled(): Promise<void> {
    while (!this.isSettled) {
      if (!this.#isStopping) this.#unsettle()
      this.#wakeUp.call()
      await this.#settled.promise
    }
  }

  // ─── what the group tells ──────────────────────────────────────────────────────────────────────

  rejoinNeeded(): void {
    this.#unsettle()
    this.#wakeUp.call()
  }

  membershipLost(reason: string): void {
    const { work, logger } = this.#options
    this.#unsettle()
    const running = work.running()
    if (!isEmptyWorkload(running)) {
      // At once, whatever the loop is waiting for: others may be given it already.
      logger.warn(`This worker is out of its group (${reason}): it stops ${workloadText(running)}, which other workers may have been given already.`)
      this.#surrender = this.#surrender.then(() => work.stop(running)).catch((error: unknown) => logger.error('Not everything could be stopped', error))
    }
    this.#wakeUp.call()
  }

  // ─── the loop ──────────────────────────────────────────────────────────────────────────────────

  async #run(): Promise<void> {
    while (!this.#isStopping) {
      let waitMs: number
      try {
        waitMs = await this.#tick()
        this.#retryDelayMs = RETRY_DELAY_MS
      } catch (error) {
        if (this.#isStopping) return
        waitMs = this.#retryDelayMs
        this.#retryDelayMs = Math.min(waitMs * 2, RETRY_DELAY_MS_MAX)
        this.#options.logger.error(`Failed while ${this.#stage.description}; tried again in ${waitMs} ms`, error)
        await this.#pause(waitMs)
        continue
      }
      if (waitMs > 0 && !this.#isStopping) await this.#wakeUp.wait(waitMs)
    }
  }

  /** @returns how long to wait for what comes next. Milliseconds. */
  async #tick(): Promise<number> {
    const { group, changes } = this.#options
    await this.#surrender
    if (this.#clock.now() >= this.#rejoinAt) group.requestJoin('the delay is over after which work of absent workers is shared out', 'delay')
    if (group.needsJoin) {
      await this.#rebalance()
      return 0
    }
    await this.#follow(changes.take())
    if (group.needsJoin) return 0
    this.#settle()
    const keyDueMs = this.#options.attendToSessionKey()
    group.progressed(this.#stage.description)
    return Math.max(0, Math.min(IDLE_MS, keyDueMs, this.#rejoinAt - this.#clock.now()))
  }

  // ─── rebalances ────────────────────────────────────────────────────────────────────────────────

  async #rebalance(): Promise<void> {
    const { group, work, configStore, reconfigure, logger } = this.#options
    this.#unsettle()
    this.#rejoinAt = Infinity
    // In the eager protocol everything is shared out anew, so nobody may run anything meanwhile.
    if (group.rebalance?.protocolVersion === 0) await this.#during('stopping everything before a rebalance', () => work.stop(work.running()))
    const rebalance = await this.#during('ensuring membership in the cluster', () => this.#join())
    if (this.#isStopping || !(await this.#catchUp(rebalance)) || group.rebalance !== rebalance) return
    if (!isEmptyWorkload(rebalance.revoked)) {
      await this.#during('revoking connectors and tasks', () => work.stop(rebalance.revoked))
      group.revocationDone()
    }
    await this.#apply(rebalance)
    if (rebalance.delayMs > 0) this.#rejoinAt = this.#clock.now() + rebalance.delayMs
    logger.debug(`Generation ${rebalance.generation}: ${workloadText(rebalance.assigned)} run here`)
    const inconsistent = configStore.snapshot().inconsistentConnectors()
    for (const name of inconsistent) if (work.hasConnector(name)) reconfigure(name)
    this.#options.rebalanced(rebalance)
  }

  /** Joins, which lasts until the slowest worker has joined, too; what users wish of what runs here does not wait for that. */
  async #join(): Promise<Rebalance> {
    const { group, changes } = this.#options
    let isJoining = true
    const ended = (): void => {
      isJoining = false
      this.#wakeUp.call()
    }
    const joined = group.join()
    joined.then(ended, ended)
    while (isJoining) {
      await this.#wakeUp.wait(IDLE_MS)
      if (isJoining) this.#followWishes(changes.takeUrgent())
    }
    return joined
  }

  /** Runs what is assigned, and nothing else. */
  async #apply(rebalance: Rebalance): Promise<void> {
    const { group, work } = this.#options
    const { assigned } = rebalance
    const { start, stop } = workloadChanges(work.running(), assigned)
    if (!isEmptyWorkload(stop)) await this.#during('stopping what this worker no longer has', () => work.stop(stop))
    // Lost meanwhile: it is stopped already, and must not start again.
    if (group.rebalance === rebalance && !this.#isStopping) work.start(start)
  }

  /**
   * Reads the config topic as far as the leader had.
   * @returns false where that failed, or where nothing was given out because workers differ: the group wants this worker to join again.
   */
  async #catchUp({ isConfigMismatch, configOffset, protocolVersion }: Rebalance): Promise<boolean> {
    const { configStore, config, group, work, logger } = this.#options
    try {
      if (isConfigMismatch || configStore.snapshot().offset < configOffset) {
        await this.#during('reading to the end of the config topic', () => configStore.refresh(config.workerSyncTimeoutMs))
        if (configStore.snapshot().offset < configOffset) throw new Error(`offset ${configOffset} is not there yet`)
      }
      this.#syncTries = 0
      return !isConfigMismatch
    } catch (error) {
      logger.warn("Didn't reach end of config log quickly enough", error)
    }
    if (protocolVersion === 0) {
      await group.leave('taking too long to read the log')
      await this.#pause(config.workerUnsyncBackoffMs)
    } else if (this.#syncTries < SYNC_TRIES_MAX) {
      await this.#pause(config.scheduledRebalanceMaxDelayMs / 10 / (SYNC_TRIES_MAX - this.#syncTries))
      this.#syncTries += 1
      group.requestJoin('the worker tries again to catch up with the config topic')
    } else {
      logger.warn(`Revoking everything that runs here since after ${SYNC_TRIES_MAX} tries this worker has not caught up with the config topic`)
      await work.stop(work.running())
      group.dropAssignment()
      this.#syncTries = 0
    }
    return false
  }

  // ─── following the config topic ────────────────────────────────────────────────────────────────

  async #follow({ connectors, tasks, restarts, ...wishes }: TakenChanges): Promise<void> {
    const changed = await this.#followConnectors(connectors)
    await this.#followTasks(tasks)
    this.#followWishes(wishes)
    // A connector that was changed starts anew anyway.
    for (const request of restarts) if (!changed.has(request.connector) || request.includeTasks) this.#followRestart(request)
    if (connectors.length + tasks.size > 0) this.#options.followed()
  }

  #followWishes({ targetStates, loggerLevels }: Pick<TakenChanges, 'targetStates' | 'loggerLevels'>): void {
    for (const { namespace, level } of loggerLevels) this.#options.setLoggerLevel(namespace, level)
    for (const name of targetStates) this.#followTargetState(name)
  }

  /** @returns the connectors of this worker that start anew. */
  async #followConnectors(names: readonly string[]): Promise<ReadonlySet<string>> {
    const { group, work, configStore, logger } = this.#options
    const snapshot = configStore.snapshot()
    const removed = names.filter((name) => this.#known.has(name) && !snapshot.contains(name))
    const created = names.filter((name) => !this.#known.has(name) && snapshot.contains(name))
    const changed = names.filter((name) => this.#known.has(name) && snapshot.contains(name) && work.hasConnector(name))
    for (const name of removed) this.#known.delete(name)
    for (const name of created) this.#known.add(name)
    const running = work.running()
    const ofRemoved = workOf(new Set(removed), running)
    // Removed and created again between two looks: the tasks are those of the former one.
    const stale = workOf(new Set(changed), running).tasks.filter((id) => snapshot.taskConfig(id) === null)
    const gone = { connectors: ofRemoved.connectors, tasks: [...ofRemoved.tasks, ...stale] }
    if (!isEmptyWorkload(gone)) await this.#during(`stopping ${workloadText(gone)} that were removed`, () => work.stop(gone))
    for (const name of changed) {
      logger.info(`Connector ${name} config updated`)
      work.restartConnector(name).catch((error: unknown) => logger.error(`Failed to restart connector ${name}`, error))
    }
    if (removed.length + created.length > 0) {
      const texts = [...created.map((name) => `${name} was created`), ...removed.map((name) => `${name} was removed`)]
      group.requestJoin(`connector ${someOf(texts)}`)
    }
    return new Set(changed)
  }

  /**
   * Stops the tasks that have another configuration. They start again after a rebalance, for which every worker has stopped its own: none of a connector's new
   * tasks runs beside one of its old ones.
   */
  async #followTasks(updates: ReadonlySet<string>): Promise<void> {
    const { group, work, configStore, reconfigure } = this.#options
    const names = [...updates]
    const running = work.running().tasks.filter(({ connector }) => updates.has(connector))
    if (running.length > 0)
      await this.#during(`stopping tasks of ${someOf(names)} that have been reconfigured`, () => work.stop({ connectors: [], tasks: running }))
    for (const name of configStore.snapshot().inconsistentConnectors()) if (updates.has(name) && work.hasConnector(name)) reconfigure(name)
    if (names.length > 0) group.requestJoin(`tasks of ${someOf(names)} were reconfigured`)
  }

  #followTargetState(name: string): void {
    const { work, configStore, reconfigure, logger } = this.#options
    const state = configStore.snapshot().targetState(name)
    if (state === null) return
    const isHere = work.hasConnector(name)
    if (!isHere && work.tasksOf(name).length === 0) return
    work.setTargetState(name, state).then(
      () => {
        if (isHere && state === 'STARTED') reconfigure(name)
      },
      (error: unknown) => logger.error(`Failed to transition connector ${name} to target state ${state}`, error),
    )
  }

  #followRestart(request: StoredRestartRequest): void {
    const { restart, logger } = this.#options
    restart(request).catch((error: unknown) => logger.error(`Failed to process restart of connector ${request.connector}`, error))
  }

  // ─── stages ────────────────────────────────────────────────────────────────────────────────────

  async #during<T>(description: string, act: () => Promise<T>): Promise<T> {
    this.#stage = { description, startedAt: Date.now(), completedAt: null }
    this.#options.group.progressed(description)
    const result = await act()
    this.#stage = { ...this.#stage, completedAt: Date.now() }
    return result
  }

  /** Waits without letting the group think that the worker hangs. */
  async #pause(durationMs: number): Promise<void> {
    const until = this.#clock.now() + durationMs
    while (this.#clock.now() < until && !this.#isStopping) {
      this.#options.group.progressed(this.#stage.description)
      await new Promise<void>((resolve) => setTimeout(resolve, Math.min(IDLE_MS / 10, until - this.#clock.now())))
    }
  }

  #settle(): void {
    if (this.#isSettled) return
    this.#isSettled = true
    this.#settled.resolve()
  }

  #unsettle(): void {
    if (!this.#isSettled) return
    this.#isSettled = false
    this.#settled = Promise.withResolvers<void>()
  }
}

const SHOWN_MAX = 5

/** The first few, for messages. */
function someOf(names: readonly string[]): string {
  const shown = names.slice(0, SHOWN_MAX).join(', ')
  return names.length > SHOWN_MAX ? `${shown} and ${names.length - SHOWN_MAX} more` : shown
}
