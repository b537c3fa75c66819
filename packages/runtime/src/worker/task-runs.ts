import { ConnectError, type Logger } from '@millrace/api'
import type { TaskActivity, TaskId, TaskProgress } from '@millrace/rest-api'
import type { StallAction, SupervisionConfig } from '../config/supervision-config.ts'
import { type Failure, runtimeFailure } from '../errors/failure.ts'
import { reported } from '../errors/failure-report.ts'
import { membershipEvent, RecentEvents } from '../errors/recent-events.ts'
import type { MetricStyle } from '../metrics/metric.ts'
import type { GroupMember, TaskStart, ThreadMetrics } from '../thread/messages.ts'
import type { TaskEvent, TaskThreadHandle, TaskThreadListener, TaskThreadOptions } from '../thread/task-thread-handle.ts'
import { type ThreadInfo, ThreadPool } from '../thread/thread-pool.ts'
import type { ThreadTrouble } from '../thread/worker-thread.ts'
import { IoPoolWatch } from './io-pool-watch.ts'
import { ProgressWatch, type StopRung, type WatchedRun } from './progress-watch.ts'
import { type TaskRunEvent, type TaskRunState, taskLifecycle } from './task-lifecycle.ts'
import { withinTime } from './within-time.ts'
import type { WorkerListener } from './worker-listener.ts'

export interface TaskRunsOptions extends Pick<TaskThreadOptions, 'limits' | 'log' | 'services'> {
  readonly threadsMax: number
  /** How long tasks that are stopped together may take. Milliseconds. */
  readonly gracefulTimeoutMs: number
  readonly listener: Pick<WorkerListener, 'taskState' | 'failedAgain' | 'activeTopic'>
  /** Leaves a consumer group for a member that cannot do so itself any more. */
  readonly leaveGroup: (start: TaskStart, member: GroupMember) => Promise<void>
  readonly logger: Logger
}

/** A task whose start takes longer is told of. The original shows nothing of a task before it runs, however long its `start` hangs. Milliseconds. */
const LONG_START_MS = 3_000

/** How long a cancelled task may take to end before its thread is ended. Milliseconds. */
const CANCEL_GRACE_MS = 250

/** How long the owner of a task has to tell its progress before the last known one is shown. Milliseconds. */
const PROGRESS_TIMEOUT_MS = 500

/** How long a thread may take to tell its metrics. Prometheus waits 10 s by default. Milliseconds. */
const METRICS_TIMEOUT_MS = 5_000

/** One incarnation of a task. */
interface TaskRun {
  readonly start: TaskStart
  readonly thread: TaskThreadHandle
  readonly isDedicated: boolean
  readonly stallTimeoutMs: number
  readonly stallAction: StallAction
  /** It runs alone because it shared a thread that floods libuv's pool. */
  readonly isSuspect: boolean
  state: TaskRunState
  hasFailed: boolean
  member: GroupMember | null
  /** Runs until it has told a state. */
  longStart: NodeJS.Timeout | undefined
  /** What its thread told of it, for a failure that the thread cannot report itself. */
  readonly events: RecentEvents
  readonly ended: PromiseWithResolvers<void>
}

/** Where an incarnation runs. */
interface Placement {
  /** The connector asked for threads of its own. */
  readonly isDedicated: boolean
  readonly isAlone: boolean
  readonly isSuspect: boolean
  readonly stall: SupervisionConfig['stall']
}

/**
 * The tasks that run here: puts them into threads, sees to it that a thread in trouble harms only the task that caused it, and ends tasks within
 * their time.
 *
 * - A task that holds its thread's event loop, or alone exceeds the memory limit, fails; its neighbours begin again in another thread.
 * - Where the culprit is not known, all of them begin again, each in a thread of its own: the one that does it again is known then.
 */
export class TaskRuns implements TaskThreadListener {
  readonly #options: TaskRunsOptions
  readonly #pool: ThreadPool
  readonly #ioPoolWatch: IoPoolWatch
  readonly #runs = new Map<string, TaskRun>()
  readonly #watch: ProgressWatch
  #lastIncarnation = 0

  constructor(options: TaskRunsOptions) {
    this.#options = options
    this.#pool = new ThreadPool(options.threadsMax, { limits: options.limits, log: options.log, services: options.services, listener: this })
    this.#watch = new ProgressWatch({
      runs: () => [...this.#runs.values()].filter(isLive),
      run: (id) => {
        const run = this.#runs.get(nameOf(id))
        return run !== undefined && isLive(run) ? run : undefined
      },
      stalled: ({ start }, activity) => this.#stalled(start, activity),
      logger: options.logger,
    })
    this.#ioPoolWatch = new IoPoolWatch({
      timeoutMs: options.limits.hangTimeoutMs,
      logger: options.logger,
      users: () =>
        this.#pool.running().map((thread) => ({
          isSuspect: this.#runsIn(thread).some((run) => run.isSuspect),
          poolRequests: () => withinTime(thread.countPoolRequests(), PROGRESS_TIMEOUT_MS),
          blame: (failure) => thread.blame({ kind: 'pool', slot: 0, failure }),
        })),
    })
  }

  /** Resolves when a thread has taken the task. @throws where this task runs already. */
  async start(start: Omit<TaskStart, 'incarnation'>, { isDedicated, stall }: Pick<Placement, 'isDedicated' | 'stall'>): Promise<void> {
    const name = nameOf(start.id)
    if (this.#runs.has(name)) throw new ConnectError(`Task already exists in this worker: ${name}`)
    await this.#begin(start, { isDedicated, isAlone: isDedicated, isSuspect: false, stall })
  }

  /** Asks tasks to end and sees to it that they do. @returns how each of them ended; unknown tasks are left out. */
  async stop(ids: readonly TaskId[]): Promise<Map<string, StopRung>> {
    const runs = ids.flatMap((id) => this.#runs.get(nameOf(id)) ?? [])
    for (const run of runs) this.#apply(run, 'stop')
    const rungs = await this.#end(runs)
    for (const [run, rung] of rungs) if (!this.#runs.has(nameOf(run.start.id))) this.#watch.stopped(run.start.id, rung)
    return new Map([...rungs].map(([run, rung]) => [nameOf(run.start.id), rung]))
  }

  setTargetState(connector: string, state: 'STARTED' | 'PAUSED'): void {
    for (const [name, run] of this.#runs) {
      if (run.start.id.connector !== connector) continue
      // A later incarnation begins in the new state, too.
      this.#runs.set(name, Object.assign(run, { start: { ...run.start, targetState: state } }))
      run.thread.setTargetState(run.start.id, state)
    }
  }

  forgetTopics(connector: string): void {
    for (const { start, thread } of this.#runs.values()) if (start.id.connector === connector) thread.forgetTopics(start.id)
  }

  idsOf(connector: string): TaskId[] {
    return [...this.#runs.values()].map(({ start }) => start.id).filter((id) => id.connector === connector)
  }

  ids(): TaskId[] {
    return [...this.#runs.values()].map(({ start }) => start.id)
  }

  /** What a task tells of its progress, or told last; null where nothing is known. Answers within `PROGRESS_TIMEOUT_MS`. */
  async progress(id: TaskId): Promise<Omit<TaskProgress, 'observed_by' | 'restarts'> | null> {
    const run = this.#runs.get(nameOf(id))
    if (run && run.state !== 'ended') {
      const snapshot = await withinTime(run.thread.readProgress(id), PROGRESS_TIMEOUT_MS)
      if (snapshot) this.#watch.told(run, snapshot)
    }
    return this.#watch.progress(id)
  }

  /** What was last heard of a task's progress; null where nothing was. */
  lastProgress(id: TaskId): Omit<TaskProgress, 'observed_by' | 'restarts'> | null {
    return this.#watch.progress(id)
  }

  /** Asks each thread once for the metrics of all its tasks; null for one that does not answer in time, which is short where its event loop stands still. */
  readMetrics(style: MetricStyle): Promise<ThreadMetrics | null>[] {
    return this.#pool.running().map((thread) => withinTime(thread.readMetrics(style), thread.isResponsive ? METRICS_TIMEOUT_MS : PROGRESS_TIMEOUT_MS))
  }

  threads(): ThreadInfo[] {
    return this.#pool.threads()
  }

  /** Ends what is left. Call `stop` first. */
  close(): Promise<void> {
    this.#ioPoolWatch.close()
    this.#watch.close()
    return this.#pool.close()
  }

  // ─── beginning ───

  async #begin(start: Omit<TaskStart, 'incarnation'>, { isDedicated, isAlone, isSuspect, stall }: Placement): Promise<void> {
    const thread = this.#pool.threadFor({ isExclusive: isAlone })
    const run: TaskRun = {
      start: { ...start, incarnation: ++this.#lastIncarnation },
      thread,
      isDedicated,
      isSuspect,
      stallTimeoutMs: stall.timeoutMs,
      stallAction: stall.action,
      state: 'running',
      hasFailed: false,
      member: null,
      longStart: undefined,
      events: new RecentEvents(),
      ended: Promise.withResolvers<void>(),
    }
    this.#runs.set(nameOf(start.id), run)
    this.#watch.began(run)
    run.longStart = setTimeout(() => this.#options.listener.taskState(run.start.id, 'RESTARTING', null), LONG_START_MS).unref()
    try {
      await thread.startTask(run.start)
    } catch (error) {
      // The thread ended before it could take the task: whatever ended it decides what becomes of the task.
      this.#options.logger.debug(`Task ${nameOf(start.id)} was not taken by its thread`, error)
    }
  }

  // ─── events of threads ───

  taskEvent(thread: TaskThreadHandle, event: TaskEvent): void {
    const run = this.#runs.get(nameOf(event.id))
    if (!run || run.thread !== thread || run.start.incarnation !== event.incarnation) return
    switch (event.type) {
      case 'task-state':
        clearTimeout(run.longStart)
        run.events.add(event.state)
        return this.#reported(run, event.state, event.failure)
      case 'topic-used':
        return this.#options.listener.activeTopic(run.start.id, event.topic)
      case 'membership':
        run.member = event.member
        run.events.add(membershipEvent(event.member))
        return
      case 'progress':
        run.events.add('committed its offsets')
        return this.#watch.told(run, event.progress)
      case 'task-ended':
        this.#watch.told(run, event.progress)
        if (event.laterFailures > 0) this.#options.listener.failedAgain?.(run.start.id, event.laterFailures)
        this.#apply(run, 'end')
        return this.#pool.release(thread)
    }
  }

  #reported(run: TaskRun, state: 'RUNNING' | 'PAUSED' | 'FAILED' | 'UNASSIGNED', failure: Failure | null): void {
    if (state === 'FAILED') {
      this.#apply(run, 'fail', failure)
      // Its resources are released by the rules of a stop: a failed task may hang in its own `stop`.
      void this.#end([run])
    } else if (state !== 'UNASSIGNED' && run.state === 'running') this.#options.listener.taskState(run.start.id, state, null)
  }

  /** As if it had failed by itself, where that is wanted: what hangs is taken away with its thread. */
  #stalled({ id, incarnation }: WatchedRun['start'], { detail }: TaskActivity): void {
    const run = this.#runs.get(nameOf(id))
    if (run?.start.incarnation !== incarnation || run.state !== 'running' || run.stallAction === 'none') return
    this.#reported(run, 'FAILED', runtimeFailure('TASK_STALLED', `The task has stalled (millrace.stall.action=${run.stallAction}): ${detail}`))
  }

  troubled(thread: TaskThreadHandle, trouble: ThreadTrouble): void {
    void this.#recover(thread, trouble)
  }

  /** Ends a thread in trouble, fails the culprit and starts its neighbours again. */
  async #recover(thread: TaskThreadHandle, trouble: ThreadTrouble): Promise<void> {
    const runs = this.#runsIn(thread)
    const culprit = runs.find((run) => run.start.incarnation === trouble.slot) ?? (runs.length === 1 ? runs[0]! : null)
    const names = runs.map((run) => nameOf(run.start.id)).join(', ')
    this.#options.logger.error(`The thread of ${names || 'no task'} is ended: ${trouble.failure.message}`)
    const end = await this.#pool.end(thread)
    const failure = end === 'abandoned' ? abandonedFailure(trouble.failure) : trouble.failure
    if (culprit !== null) this.#apply(culprit, 'fail', this.#report(culprit, failure, trouble.kind === 'hang' ? trouble.call : null))
    for (const run of runs) this.#lost(run, { isAlone: culprit === null, isSuspect: culprit === null && trouble.kind === 'pool' })
  }

  /** The thread is gone, and the run with it. */
  #lost(run: TaskRun, placement: Pick<Placement, 'isAlone' | 'isSuspect'> = { isAlone: false, isSuspect: false }): void {
    this.#leaveGroup(run)
    run.thread.tasks.delete(run.start.incarnation)
    this.#apply(run, 'lost', null, placement)
  }

  #leaveGroup(run: TaskRun): void {
    if (run.member === null) return
    const { logger, leaveGroup } = this.#options
    leaveGroup(run.start, run.member).catch((error) =>
      logger.warn(`Could not leave the group of ${nameOf(run.start.id)} on its behalf: it leaves at its session time-out`, error),
    )
    run.member = null
  }

  // ─── the life of a run ───

  #apply(run: TaskRun, event: TaskRunEvent, failure: Failure | null = null, { isAlone, isSuspect } = { isAlone: false, isSuspect: false }): void {
    const { next, act } = taskLifecycle[run.state][event]
    run.state = next
    const name = nameOf(run.start.id)
    if (act === 'tell-failed') {
      run.hasFailed = true
      this.#watch.ended(run)
    }
    if (next !== 'running') clearTimeout(run.longStart)
    if (next === 'ended') {
      this.#watch.ended(run)
      if (this.#runs.get(name) === run) this.#runs.delete(name)
      run.ended.resolve()
    }
    if (act === 'tell-failed') this.#options.listener.taskState(run.start.id, 'FAILED', failure && this.#report(run, failure))
    else if (act === 'tell-unassigned') this.#options.listener.taskState(run.start.id, 'UNASSIGNED', null)
    else if (act === 'restart') {
      const stall = { timeoutMs: run.stallTimeoutMs, action: run.stallAction }
      void this.#begin(run.start, { isDedicated: run.isDedicated, isAlone: isAlone || run.isDedicated, isSuspect, stall })
    }
  }

  /** What the thread could not report itself is reported here. @param call of the task that it was about, where that is known. */
  #report({ start: { id }, events }: TaskRun, failure: Failure, call: string | null = null): Failure {
    return reported(failure, { connector: id.connector, task: id.task, ...(call === null ? {} : { stage: call }) }, events.list())
  }

  // ─── the stop ladder ───

  /** Asks, waits, cancels, and in the end takes the threads away. @returns which rung ended each run. */
  async #end(runs: readonly TaskRun[]): Promise<Map<TaskRun, StopRung>> {
    const rungs = new Map<TaskRun, StopRung>()
    for (const run of runs)
      run.thread.stopTask(run.start.id).catch(() => {
        // The thread ended first; `ended` tells.
      })
    await this.#climb(runs, rungs, this.#options.gracefulTimeoutMs, 'stopped')
    for (const run of runs) {
      if (rungs.has(run)) continue
      this.#options.logger.error(`Graceful stop of task ${nameOf(run.start.id)} failed.`)
      run.thread.cancelTask(run.start.id)
    }
    await this.#climb(runs, rungs, CANCEL_GRACE_MS, 'aborted')
    const stuck = runs.filter((run) => !rungs.has(run))
    await Promise.all([...new Set(stuck.map((run) => run.thread))].map((thread) => this.#takeAway(thread, stuck, rungs)))
    return rungs
  }

  /** Waits for runs to end; those that do reached this rung. */
  async #climb(runs: readonly TaskRun[], rungs: Map<TaskRun, StopRung>, timeoutMs: number, rung: StopRung): Promise<void> {
    const pending = runs.filter((run) => !rungs.has(run))
    if (pending.length === 0) return
    const all = Promise.all(pending.map((run) => run.ended.promise.then(() => rungs.set(run, rungs.get(run) ?? rung))))
    await withinTime(all, timeoutMs)
  }

  /** Ends a thread in which tasks do not end. Their neighbours end properly first, where they can, and begin again elsewhere. */
  async #takeAway(thread: TaskThreadHandle, stuck: readonly TaskRun[], rungs: Map<TaskRun, StopRung>): Promise<void> {
    thread.isRetired = true
    const neighbours = this.#runsIn(thread).filter((run) => !stuck.includes(run))
    for (const run of neighbours) this.#apply(run, 'relocate')
    if (thread.isResponsive && neighbours.length > 0) {
      const stopped = neighbours.map((run) => thread.stopTask(run.start.id).catch(() => {}))
      await withinTime(Promise.all(stopped), this.#options.gracefulTimeoutMs)
    }
    const end = await this.#pool.end(thread)
    for (const run of stuck) {
      if (run.thread !== thread) continue
      rungs.set(run, rungs.get(run) ?? end)
      if (end === 'abandoned')
        this.#options.logger.error(`Task ${nameOf(run.start.id)} blocks in a native call that cannot be interrupted: its thread was left behind`)
      this.#lost(run)
    }
    for (const run of neighbours) this.#lost(run)
  }

  #runsIn(thread: TaskThreadHandle): TaskRun[] {
    return [...this.#runs.values()].filter((run) => run.thread === thread)
  }
}

/** A thread that floods the pool cannot exit either; its reason says more. */
function abandonedFailure(cause: Failure): Failure {
  if (cause.code === 'TASK_FLOODS_POOL') return cause
  return runtimeFailure('TASK_ABANDONED', `${cause.message} A native call does not return and cannot be interrupted: the thread was left behind.`)
}

/** Whether it neither failed nor ended. */
function isLive({ state }: TaskRun): boolean {
  return state === 'running' || state === 'stopping' || state === 'relocating'
}

function nameOf({ connector, task }: TaskId): string {
  return `${connector}-${task}`
}
