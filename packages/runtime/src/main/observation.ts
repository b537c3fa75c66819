import type { RebalanceEvent, TaskProgress } from '@millrace/rest-api'
import type { Metric } from '../metrics/metric.ts'
import type { StateChange } from '../notify/state-change.ts'
import { StateWatch, type Supervised } from '../notify/state-watch.ts'
import { Webhook } from '../notify/webhook.ts'
import type { Observers } from '../rest/resources/observation.ts'
import type { VersionInfo } from '../rest/resources/root.ts'
import { ObservedStatusStore, type StatusObserver } from '../storage/observed-status-store.ts'
import type { StatusStore } from '../storage/status-store.ts'
import { Worker } from '../worker/worker.ts'
import type { WorkerOptions } from '../worker/worker-options.ts'
import { MetricsPage } from './metrics-page.ts'
import { StartupMetrics } from './startup-metrics.ts'
import type { WorkerSettings } from './worker-settings.ts'

/** How often it is looked at what tasks do, where somebody wants to be told. Milliseconds. */
const LOOK_INTERVAL_MS = 5_000
/** How long the last notifications may hold up a stop. Milliseconds. */
const WEBHOOK_GRACE_MS = 1_000

/**
 * What watches a worker from beside: metrics and notifications. It stands between the herder and its status store, and makes the worker, so that neither of them
 * knows of it.
 */
export class Observation implements Observers {
  readonly metrics: MetricsPage
  readonly webhook: Webhook | null
  readonly #startups: StartupMetrics
  readonly #watch: StateWatch
  readonly #sources: (() => readonly Metric[])[] = []
  readonly #statuses: ObservedStatusStore
  #worker: Worker | null = null
  #lookTimer: NodeJS.Timeout | undefined

  constructor({ config, loggers }: WorkerSettings, workerId: string, version: VersionInfo, statuses: StatusStore) {
    this.webhook = config.webhook === null ? null : new Webhook({ config: config.webhook, workerId, logger: loggers.logger('notify/webhook') })
    this.#watch = new StateWatch({ workerId, tell: (change) => this.#tell(change) })
    this.#startups = new StartupMetrics(config.metricWindows, () => this.#worker?.counts ?? { connectors: 0, tasks: 0 })
    this.#statuses = new ObservedStatusStore(statuses, this.#statusObserver())
    this.#sources.push(
      () => this.#startups.list(),
      () => this.webhook?.readMetrics() ?? [],
    )
    this.metrics = new MetricsPage({
      style: config.metricStyle,
      worker: () => this.#worker,
      statusStore: statuses,
      workerId,
      version,
      sources: this.#sources,
    })
  }

  /** For the herder. */
  get statuses(): StatusStore {
    return this.#statuses
  }

  /** For the herder. Called once. */
  createWorker(options: WorkerOptions): Worker {
    this.#worker = new Worker(options)
    if (this.webhook !== null) this.#lookTimer = setInterval(() => this.#look(), LOOK_INTERVAL_MS).unref()
    return this.#worker
  }

  /** Another part that measures something. */
  add(source: () => readonly Metric[]): void {
    this.#sources.push(source)
  }

  /** Only the leader's rebalances tell who came and went. */
  rebalanced({ joined, left, reason }: Pick<RebalanceEvent, 'joined' | 'left' | 'reason'>): void {
    this.#watch.groupChanged({ joined, left }, reason)
  }

  /** After the herder has stopped. */
  async stop(): Promise<void> {
    clearInterval(this.#lookTimer)
    this.metrics.stop()
    await this.webhook?.stop(WEBHOOK_GRACE_MS)
  }

  #tell(change: StateChange): void {
    this.webhook?.note(change)
  }

  #statusObserver(): StatusObserver {
    return {
      connectorWritten: (connector, status, before) => {
        this.#startups.connectorReported(connector, status.state)
        this.#watch.connectorWritten(connector, status, before)
      },
      taskWritten: (id, status, before) => {
        this.#startups.taskReported(`${id.connector}-${id.task}`, status.state)
        this.#watch.taskWritten(id, status, before)
      },
      connectorDeleted: (connector) => {
        this.#startups.connectorDeleted(connector)
        this.#watch.connectorDeleted(connector)
      },
      taskDeleted: (id) => {
        this.#startups.taskDeleted(`${id.connector}-${id.task}`)
        this.#watch.taskDeleted(id)
      },
    }
  }

  #look(): void {
    const worker = this.#worker
    if (worker === null) return
    const connectors = worker.connectors().map(({ name }) => supervised({ connector: name, task: null }, worker.connectorProgress(name)))
    const tasks = worker.tasks().map(({ id, progress }) => supervised(id, progress))
    this.#watch.looked([...connectors, ...tasks].filter((each) => each !== null))
  }
}

function supervised(
  { connector, task }: Pick<Supervised, 'connector' | 'task'>,
  progress: Pick<TaskProgress, 'activity' | 'restarts'> | null,
): Supervised | null {
  if (progress === null) return null
  const { activity, restarts } = progress
  return { connector, task, activity, isGivenUp: restarts?.given_up ?? false, lastCause: restarts?.last_cause ?? null }
}
