import { exposition, type MetricFormat } from '../metrics/exposition.ts'
import type { MetricLines } from '../metrics/metric-lines.ts'
import type { Metric, MetricStyle } from '../metrics/metric.ts'
import type { ConnectorStatus, StatusStore, TaskStatus } from '../storage/status-store.ts'
import type { VersionInfo } from '../rest/resources/root.ts'
import type { Worker } from '../worker/worker.ts'
import { connectorProgressMetrics, taskProgressMetrics } from './task-progress-metrics.ts'

export type MeasuredWorker = Pick<Worker, 'readMetrics' | 'connectors' | 'connectorProgress' | 'tasks' | 'threads'>

export interface MetricsPageOptions {
  readonly style: MetricStyle
  /** Null while there is none yet. */
  readonly worker: () => MeasuredWorker | null
  readonly statusStore: Pick<StatusStore, 'connector' | 'task'>
  /** `host:port` of this worker. */
  readonly workerId: string
  readonly version: VersionInfo
  /** Other parts that measure something. */
  readonly sources: readonly (() => readonly Metric[])[]
}

/** States as numbers. Their order is that of the original's enumeration where it has them, with what is worst last. */
const STATE_NUMBERS: Readonly<Record<string, number>> = { UNASSIGNED: 0, RUNNING: 1, PAUSED: 2, STOPPED: 3, RESTARTING: 4, FAILED: 5 }

/** Tasks after which others have their turn. */
const TASKS_PER_SLICE = 100

/** How often the event loop is looked at, once somebody reads. Milliseconds. */
const LOOP_INTERVAL_MS = 1_000

/** Everything at `/metrics`: what the threads measure, and what the main thread knows. Readings at the same time are one. */
export class MetricsPage {
  readonly #options: MetricsPageOptions
  readonly #startedAt = Date.now() - Math.round(process.uptime() * 1000)
  readonly #underWay = new Map<MetricFormat, Promise<Buffer>>()
  #utilization = performance.eventLoopUtilization()
  #loopTimer: NodeJS.Timeout | undefined
  /** Greatest delay of the event loop since the last reading. */
  #lateMs = 0

  constructor(options: MetricsPageOptions) {
    this.#options = options
  }

  /** The answer to a scrape. */
  read(format: MetricFormat): Promise<Buffer> {
    if (this.#loopTimer === undefined) this.#watchLoop()
    let reading = this.#underWay.get(format)
    if (!reading) {
      reading = this.#read(format).finally(() => this.#underWay.delete(format))
      this.#underWay.set(format, reading)
    }
    return reading
  }

  stop(): void {
    clearInterval(this.#loopTimer)
  }

  #watchLoop(): void {
    let dueAtMs = performance.now() + LOOP_INTERVAL_MS
    const look = () => {
      const now = performance.now()
      this.#lateMs = Math.max(this.#lateMs, now - dueAtMs)
      dueAtMs = now + LOOP_INTERVAL_MS
    }
    this.#loopTimer = setInterval(look, LOOP_INTERVAL_MS).unref()
  }

  /** How busy the event loop of the main thread was, and how late, since the last reading. */
  #loop(): { readonly utilization: number; readonly delaySeconds: number } {
    const now = performance.eventLoopUtilization()
    const { utilization } = performance.eventLoopUtilization(now, this.#utilization)
    const delaySeconds = this.#lateMs / 1000
    this.#utilization = now
    this.#lateMs = 0
    return { utilization, delaySeconds }
  }

  async #read(format: MetricFormat): Promise<Buffer> {
    const { style, sources } = this.#options
    const startedAtMs = performance.now()
    const worker = this.#options.worker()
    const { readings, silent } = (await worker?.readMetrics(style)) ?? { readings: [], silent: 0 }
    // Loaded by the first reading, as in the threads.
    const { MetricLines, unpacked } = await import('../metrics/metric-lines.ts')
    const lines = new MetricLines(style)
    for (const source of sources) lines.addAll(source())
    if (worker !== null) {
      lines.addAll(this.#connectors(worker))
      await this.#addTasks(worker, lines)
    }
    lines.addAll(this.#process(silent, worker?.threads() ?? []))
    lines.add({ group: 'millrace_worker', name: 'reading-seconds', tags: {}, value: (performance.now() - startedAtMs) / 1000 })
    return exposition(format, [lines.families(), ...readings.map(unpacked)], nextTurn)
  }

  #connectors(worker: MeasuredWorker): Metric[] {
    const { statusStore } = this.#options
    const nowMs = Date.now()
    return worker.connectors().flatMap(({ name, plugin }) => {
      const tags = { connector: name }
      const progress = worker.connectorProgress(name)
      const ofConnector = (attribute: string, value: string): Metric => ({ group: 'connector-metrics', name: attribute, tags, value })
      return [
        ...stateMetrics({ group: 'connector-metrics', name: 'status', tags }, 'millrace_connector', statusStore.connector(name)),
        ofConnector('connector-type', plugin.kind),
        ofConnector('connector-class', plugin.className),
        ofConnector('connector-version', plugin.version),
        ...(progress === null ? [] : connectorProgressMetrics(tags, progress, nowMs)),
      ]
    })
  }

  async #addTasks(worker: MeasuredWorker, lines: MetricLines): Promise<void> {
    const { statusStore } = this.#options
    const nowMs = Date.now()
    const counts = new Map<string, TaskCounts>()
    for (const [index, { id, progress }] of worker.tasks().entries()) {
      if (index % TASKS_PER_SLICE === TASKS_PER_SLICE - 1) await nextTurn()
      const tags = { connector: id.connector, task: String(id.task) }
      const status = statusStore.task(id)
      lines.addAll(stateMetrics({ group: 'connector-task-metrics', name: 'status', tags }, 'millrace_task', status))
      if (progress !== null) lines.addAll(taskProgressMetrics(tags, progress, nowMs))
      let count = counts.get(id.connector)
      if (!count) counts.set(id.connector, (count = new TaskCounts(id.connector)))
      count.add(status)
    }
    for (const count of counts.values()) lines.addAll(count.list())
  }

  #process(silent: number, threads: ReturnType<Worker['threads']>): Metric[] {
    const { workerId, version } = this.#options
    const { user, system } = process.cpuUsage()
    const { utilization, delaySeconds } = this.#loop()
    const own = (name: string, value: number): Metric => ({ group: 'millrace_worker', name, tags: {}, value })
    const info = (name: string, value: number | string): Metric => ({ group: 'app-info', name, tags: { 'client-id': workerId }, value })
    return [
      info('version', version.version),
      info('commit-id', version.commit),
      info('start-time-ms', this.#startedAt),
      own('memory-resident-bytes', process.memoryUsage.rss()),
      own('cpu-seconds-total', (user + system) / 1e6),
      own('event-loop-utilization', utilization),
      own('event-loop-delay-seconds', delaySeconds),
      own('threads-silent', silent),
      own('threads-abandoned', threads.filter(({ state }) => state === 'abandoned').length),
    ]
  }
}

/** How many tasks of a connector are in which state, on this worker. */
class TaskCounts {
  readonly #tags: { readonly connector: string }
  #total = 0
  readonly #states: Record<string, number> = { RUNNING: 0, PAUSED: 0, FAILED: 0, UNASSIGNED: 0, DESTROYED: 0, RESTARTING: 0 }

  constructor(connector: string) {
    this.#tags = { connector }
  }

  add(status: TaskStatus | null): void {
    this.#total++
    if (status !== null && status.state in this.#states) this.#states[status.state]!++
  }

  list(): Metric[] {
    const count = (name: string, value: number): Metric => ({ group: 'connect-worker-metrics', name: `connector-${name}-task-count`, tags: this.#tags, value })
    return [count('total', this.#total), ...Object.entries(this.#states).map(([state, value]) => count(state.toLowerCase(), value))]
  }
}

function stateMetrics(named: Omit<Metric, 'value'>, ownGroup: string, status: ConnectorStatus | TaskStatus | null): Metric[] {
  if (status === null) return []
  return [
    { ...named, value: status.state.toLowerCase() },
    { group: ownGroup, name: 'state', tags: named.tags, value: STATE_NUMBERS[status.state] ?? -1 },
  ]
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
