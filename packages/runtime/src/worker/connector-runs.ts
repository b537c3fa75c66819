import { ConnectError, type Logger, type Properties } from '@millrace/api'
import type { ConnectorProgress, TaskActivity } from '@millrace/rest-api'
import type { SupervisionConfig } from '../config/supervision-config.ts'
import { type Failure, FailureError, failureOf, runtimeFailure } from '../errors/failure.ts'
import { reported } from '../errors/failure-report.ts'
import { SecretMask, secretsIn } from '../errors/secret-mask.ts'
import type { MetricStyle } from '../metrics/metric.ts'
import type { PluginDescriptor } from '../plugins/plugin-registry.ts'
import { ConnectorThreadHandle } from '../thread/connector-thread-handle.ts'
import type { GeneratedTaskConfigs, ThreadMetrics } from '../thread/messages.ts'
import type { TaskThreadOptions } from '../thread/task-thread-handle.ts'
import type { ThreadTrouble } from '../thread/worker-thread.ts'
import { connectorLifecycle, type ConnectorRunState, type ConnectorTarget } from './connector-lifecycle.ts'
import { ConnectorWatch } from './connector-watch.ts'
import type { WorkerListener } from './worker-listener.ts'

export interface ConnectorRunsOptions extends Pick<TaskThreadOptions, 'limits' | 'log' | 'services'> {
  readonly listener: Pick<WorkerListener, 'connectorState' | 'taskReconfigurationRequested'>
  readonly logger: Logger
}

/** How long a thread may take to tell its metrics. Milliseconds. */
const METRICS_TIMEOUT_MS = 2_000

/** How long a connector's `stop` may take before it is given up. Milliseconds; the original's constant. */
const STOP_TIMEOUT_MS = 5_000

interface ConnectorRun {
  readonly name: string
  readonly plugin: PluginDescriptor
  readonly config: Properties
  /** What configuration providers gave for references in it. */
  readonly secrets: readonly string[]
  readonly watch: ConnectorWatch
  /** Tells events of this instance from those of earlier ones. Another start in the same run gets a new one. */
  incarnation: number
  thread: ConnectorThreadHandle | null
  state: ConnectorRunState
  /** Changes of one connector follow one another. */
  turn: Promise<void>
}

/**
 * The connector instances that run here, all in one thread. One that holds the thread's event loop fails; the others begin again in a fresh thread.
 * Where the culprit is not known, each begins again in a thread of its own.
 */
export class ConnectorRuns {
  readonly #options: ConnectorRunsOptions
  readonly #runs = new Map<string, ConnectorRun>()
  readonly #threads = new Set<ConnectorThreadHandle>()
  #lastIncarnation = 0

  constructor(options: ConnectorRunsOptions) {
    this.#options = options
  }

  /** @throws the cause where the instance fails to start; the listener hears of it, too. */
  async start(
    name: string,
    plugin: PluginDescriptor,
    config: Properties,
    { target, stall, secrets }: { readonly target: ConnectorTarget; readonly stall: SupervisionConfig['stall']; readonly secrets: readonly string[] },
  ): Promise<void> {
    if (this.#runs.has(name)) throw new ConnectError(`Connector with name ${name} already exists`)
    const watch = new ConnectorWatch({
      stall,
      stalled: (activity) => this.#stalled(name, watch, activity),
      mask: new SecretMask(secretsIn(config)).mask,
    })
    this.#runs.set(name, { name, plugin, config, secrets, watch, incarnation: 0, thread: null, state: 'init', turn: Promise.resolve() })
    await this.setTarget(name, target)
  }

  /** Brings a connector to a target state. @throws where that is not possible, or the instance fails on the way. */
  setTarget(name: string, target: ConnectorTarget): Promise<void> {
    const run = this.#runs.get(name)
    if (!run) return Promise.reject(new ConnectError(`Connector ${name} is not running`))
    const change = run.turn.then(() => this.#change(run, target))
    run.turn = change.catch(() => {})
    return change
  }

  /** Ends the instance for good, within `STOP_TIMEOUT_MS`. Unknown ones are ignored. */
  async stop(name: string): Promise<void> {
    const run = this.#runs.get(name)
    if (!run) return
    this.#runs.delete(name)
    run.watch.close()
    await withinTime(run.turn, STOP_TIMEOUT_MS)
    if (run.state === 'started' || run.state === 'failed') await this.#stopInstance(run)
    this.#options.listener.connectorState(name, 'UNASSIGNED', null)
  }

  /** Whether the instance is there and has not failed. */
  isRunning(name: string): boolean {
    const state = this.#runs.get(name)?.state
    return state !== undefined && state !== 'failed'
  }

  names(): string[] {
    return [...this.#runs.keys()]
  }

  generateTaskConfigs(name: string, tasksMax: number): Promise<GeneratedTaskConfigs> {
    const run = this.#runs.get(name)
    if (!run?.thread || run.state !== 'started') return Promise.reject(new ConnectError(`Connector ${name} is not running`))
    const generated = run.thread.generateTaskConfigs(name, tasksMax)
    return run.watch.during('taskConfigs', generated).then(
      (answer) => {
        run.watch.generated(answer.configs.length)
        return answer
      },
      (error: unknown) => {
        run.watch.refused(error)
        throw error
      },
    )
  }

  /** Marks a connector FAILED because of something that the runtime found. */
  fail(name: string, error: unknown): void {
    const run = this.#runs.get(name)
    if (run) this.#fail(run, failureOf(error))
  }

  /** What the instance does, as far as this knows; null where it is not here. */
  progress(name: string): ConnectorProgress | null {
    const run = this.#runs.get(name)
    return run?.watch.progress() ?? null
  }

  /** The connectors that are here, also those that failed. */
  plugins(): { readonly name: string; readonly plugin: PluginDescriptor }[] {
    return [...this.#runs.values()].map(({ name, plugin }) => ({ name, plugin }))
  }

  /** Asks each thread once for the metrics of all its connectors; null for one that does not answer in time. */
  readMetrics(style: MetricStyle): Promise<ThreadMetrics | null>[] {
    return [...this.#threads]
      .filter((thread) => thread.state === 'running')
      .map((thread) =>
        withinTime(
          thread.readMetrics(style).catch(() => null),
          METRICS_TIMEOUT_MS,
        ),
      )
  }

  /** States of the threads that connectors run in. */
  threads(): { readonly state: ConnectorThreadHandle['state']; readonly connectors: readonly string[]; readonly usedBytes: number }[] {
    return [...this.#threads].map((thread) => ({
      state: thread.state,
      connectors: [...this.#runs.values()].filter((run) => run.thread === thread).map(({ name }) => name),
      usedBytes: thread.usedBytes,
    }))
  }

  async close(): Promise<void> {
    for (const { watch } of this.#runs.values()) watch.close()
    await Promise.all([...this.#threads].map((thread) => this.#endThread(thread)))
  }

  // ─── changes of state ───

  async #change(run: ConnectorRun, target: ConnectorTarget): Promise<void> {
    const transition = connectorLifecycle[run.state][target]
    if (transition === null) throw new ConnectError(`Cannot transition connector ${run.name} to ${target} since it has failed`)
    if (transition.act === 'start') await this.#startInstance(run, { isAlone: false })
    if (transition.act === 'stop') await this.#stopForTarget(run, target)
    // It may have failed, or have been removed, in the meantime.
    if ((transition.act === 'start' && run.state === 'failed') || this.#runs.get(run.name) !== run) return
    run.state = transition.next
    run.watch.entered(run.state)
    if (transition.report !== null) this.#options.listener.connectorState(run.name, transition.report, null)
  }

  async #startInstance(run: ConnectorRun, { isAlone }: { readonly isAlone: boolean }): Promise<void> {
    run.thread = this.#threadFor({ isAlone })
    run.incarnation = ++this.#lastIncarnation
    run.thread.connectors.add(run.incarnation)
    const { name, incarnation, plugin, config, secrets } = run
    try {
      // That a thread takes its time to begin is no fault of the connector.
      await run.thread.ready
      await run.watch.during('start', run.thread.startConnector({ name, incarnation, plugin, config, secrets }))
    } catch (error) {
      if (incarnation === run.incarnation) this.#fail(run, failureOf(error))
      throw error
    }
  }

  /** A failure while pausing fails the connector; one while stopping is only logged, as the user wants it gone. */
  async #stopForTarget(run: ConnectorRun, target: ConnectorTarget): Promise<void> {
    const failure = await this.#stopInstance(run)
    if (failure === null || target !== 'PAUSED') return
    this.#fail(run, failure)
    throw new FailureError(failure)
  }

  /** @returns what failed, if anything did; the instance is gone in any case. */
  async #stopInstance(run: ConnectorRun): Promise<Failure | null> {
    const { thread, name, incarnation } = run
    if (!thread) return null
    run.thread = null
    const stopped = thread.state === 'running' ? thread.stopConnector(name) : Promise.resolve()
    const failure = await withinTime(
      stopped.then(() => null, failureOf),
      STOP_TIMEOUT_MS,
      runtimeFailure('TASK_HANG', `Connector ${name} did not stop within ${STOP_TIMEOUT_MS} ms`),
    )
    if (failure !== null) this.#options.logger.error(`Error while stopping connector ${name}: ${failure.trace}`)
    thread.connectors.delete(incarnation)
    if (thread.connectors.size === 0) await this.#endThread(thread)
    return failure
  }

  /** As if the call that hangs had failed, where that is wanted. The instance is given up when the connector is stopped or restarted. */
  #stalled(name: string, watch: ConnectorWatch, { detail }: TaskActivity): void {
    const run = this.#runs.get(name)
    if (run?.watch !== watch) return
    this.#options.logger.warn(`Connector ${name} is stalled: ${detail}`)
    if (watch.stallAction === 'none') return
    const failure = runtimeFailure('TASK_STALLED', `The connector has stalled (millrace.stall.action=${watch.stallAction}): ${detail}`)
    this.#fail(run, failure)
    watch.giveUp(new FailureError(failure))
  }

  #fail(run: ConnectorRun, failure: Failure): void {
    if (run.state === 'failed' || this.#runs.get(run.name) !== run) return
    run.state = 'failed'
    run.watch.entered(run.state)
    this.#options.listener.connectorState(run.name, 'FAILED', reported(failure, { connector: run.name }, []))
  }

  // ─── threads ───

  #threadFor({ isAlone }: { readonly isAlone: boolean }): ConnectorThreadHandle {
    const shared = isAlone ? undefined : [...this.#threads].find((thread) => !thread.isExclusive && thread.state === 'running')
    return shared ?? this.#newThread(isAlone)
  }

  #newThread(isExclusive: boolean): ConnectorThreadHandle {
    const { limits, log, services } = this.#options
    const thread: ConnectorThreadHandle = new ConnectorThreadHandle({
      isExclusive,
      limits,
      log,
      services,
      listener: {
        connectorFailed: ({ name, incarnation, failure }) => {
          const run = this.#runs.get(name)
          if (run?.incarnation === incarnation) this.#fail(run, failure)
        },
        taskReconfigurationRequested: ({ name, incarnation }) => {
          if (this.#runs.get(name)?.incarnation === incarnation) this.#options.listener.taskReconfigurationRequested(name)
        },
        troubled: (trouble) => void this.#recover(thread, trouble),
      },
    })
    this.#threads.add(thread)
    return thread
  }

  async #recover(thread: ConnectorThreadHandle, trouble: ThreadTrouble): Promise<void> {
    const runs = [...this.#runs.values()].filter((run) => run.thread === thread)
    const culprit = runs.find((run) => run.incarnation === trouble.slot) ?? (runs.length === 1 ? runs[0]! : null)
    this.#options.logger.error(`The thread of connectors ${runs.map(({ name }) => name).join(', ')} is ended: ${trouble.failure.message}`)
    if (culprit) {
      culprit.thread = null
      const place = { connector: culprit.name, ...(trouble.kind === 'hang' ? { stage: trouble.call } : {}) }
      this.#fail(culprit, reported(trouble.failure, place, []))
    }
    await this.#endThread(thread)
    for (const run of runs) if (run !== culprit && run.state === 'started') this.#restart(run, { isAlone: culprit === null })
  }

  /** The instance's thread was ended although it did nothing wrong: its failure to start again is told to the listener. */
  #restart(run: ConnectorRun, options: { readonly isAlone: boolean }): void {
    run.turn = run.turn.then(() => (this.#runs.get(run.name) === run ? this.#startInstance(run, options) : undefined)).catch(() => {})
  }

  async #endThread(thread: ConnectorThreadHandle): Promise<void> {
    if ((await thread.terminate()) === 'terminated') this.#threads.delete(thread)
  }
}

function withinTime<T>(promise: Promise<T>, timeoutMs: number): Promise<T | null>
function withinTime<T>(promise: Promise<T>, timeoutMs: number, late: T): Promise<T>
async function withinTime<T>(promise: Promise<T>, timeoutMs: number, late: T | null = null): Promise<T | null> {
  const limit = Promise.withResolvers<T | null>()
  const timer = setTimeout(() => limit.resolve(late), timeoutMs)
  try {
    return await Promise.race([promise, limit.promise])
  } finally {
    clearTimeout(timer)
  }
}
