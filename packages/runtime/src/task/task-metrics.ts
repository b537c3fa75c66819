import { Spread } from '@millrace/kafka'
import type { TaskId } from '@millrace/rest-api'
import type { ErrorCounters } from '../errors/error-counters.ts'
import type { Metric, MetricTags } from '../metrics/metric.ts'
import { type MetricWindows, Outcomes, SampledMetrics, WindowCount } from '../metrics/sampled-metrics.ts'
import type { TaskStart } from '../thread/messages.ts'
import type { Ledger } from './ledger.ts'
import { RegisteredMetrics } from './registered-metrics.ts'
import type { SinkConsumer } from './sink-consumer.ts'

/** What metrics are read from that others count anyway. */
export interface CountedByTask {
  readonly ledger: Ledger
  readonly errors: ErrorCounters
}

/** A Kafka client of the task. */
export interface MeasuredClient {
  readMetrics(): readonly Metric[]
}

type MeasuredStart = Pick<TaskStart, 'id' | 'kind' | 'plugin' | 'taskConfig' | 'converters' | 'transformations'>
type MeasuredConsumer = Pick<SinkConsumer, 'assignment' | 'lag'>
type LifeState = 'RUNNING' | 'PAUSED'

/**
 * The metrics of one incarnation of a task under the names of the original (`WorkerTask`, `WorkerSinkTask`, `AbstractWorkerSourceTask`). What is recorded here
 * is recorded by batches and commits, never by records; all that the ledger and others count is looked up when somebody reads.
 */
export class TaskMetrics {
  readonly #start: MeasuredStart
  readonly #windows: MetricWindows
  readonly #tags: MetricTags
  readonly #now: () => number
  readonly #startedAt: number
  readonly #count: WindowCount
  /** Made for the first reading: most tasks are never read, and there may be thousands. */
  #described: SampledMetrics | null = null
  readonly #batchMs = new Spread()
  readonly #batchSize = new Spread()
  readonly #active = new Spread()
  readonly #commitMs = new Spread()
  readonly #commits = new Outcomes()
  readonly #plugins: RegisteredMetrics[] = []
  readonly #clients: MeasuredClient[] = []
  #counted: CountedByTask | null = null
  #consumer: MeasuredConsumer | null = null
  #sent = 0
  #commitNumber = 1
  #commitsCompleted = 0
  #commitsSkipped = 0
  #state: LifeState | null = null
  #stateSince = 0
  readonly #stateMs: Record<LifeState, number> = { RUNNING: 0, PAUSED: 0 }

  /** @param now a clock that only moves forwards; default the process's. */
  constructor(start: MeasuredStart, windows: MetricWindows, now = () => performance.now()) {
    this.#start = start
    this.#windows = windows
    this.#tags = tagsOf(start.id)
    this.#now = now
    this.#startedAt = now()
    this.#count = new WindowCount(windows, this.#startedAt)
  }

  /** Where metrics are read from; once, when the task is put together. */
  observe(counted: CountedByTask): void {
    this.#counted = counted
  }

  /** As `observe`, for a sink. */
  observeSink(counted: CountedByTask, consumer: MeasuredConsumer): void {
    this.#counted = counted
    this.#consumer = consumer
  }

  client<Client extends MeasuredClient>(client: Client): Client {
    this.#clients.push(client)
    return client
  }

  /** For the metrics of a plug-in of the task's (KIP-877). @param part which it is, such as `{ converter: 'key' }`; empty for the task itself. */
  plugin(part: MetricTags = {}): RegisteredMetrics {
    const metrics = new RegisteredMetrics({ ...this.#tags, ...part })
    this.#plugins.push(metrics)
    return metrics
  }

  // ─── what happens ───

  changed(state: LifeState): void {
    const now = this.#now()
    if (this.#state !== null) this.#stateMs[this.#state] += now - this.#stateSince
    this.#state = state
    this.#stateSince = now
  }

  /** A source was polled and gave a batch. */
  polled(records: number, tookMs: number): void {
    this.#batch(records, tookMs)
  }

  /** A sink took a batch. */
  put(records: number, tookMs: number): void {
    this.#sent += records
    this.#batch(records, tookMs)
  }

  commitBegins(): void {
    this.#commitNumber++
  }

  committed(isSuccess: boolean, tookMs: number): void {
    this.#advance()
    this.#commits.record(isSuccess)
    if (!isSuccess) return
    this.#commitMs.record(tookMs)
    this.#commitsCompleted++
  }

  /** An answer to a commit came too late to count. */
  commitSkipped(): void {
    this.#commitsSkipped++
  }

  // ─── what is read ───

  list(): Metric[] {
    this.#advance()
    this.#described ??= this.#describe()
    const metrics = [...this.#described.list(this.#now()), ...textMetrics(this.#start, this.#tags)]
    for (const plugin of this.#plugins) metrics.push(...plugin.list())
    for (const client of this.#clients) metrics.push(...client.readMetrics())
    return metrics
  }

  #batch(records: number, tookMs: number): void {
    this.#advance()
    this.#batchSize.record(records)
    this.#batchMs.record(tookMs)
    this.#active.record(this.#activeRecords())
  }

  #advance(): void {
    const ended = this.#count.ended(this.#now())
    if (ended === 0) return
    const { samples } = this.#windows
    this.#commits.rotate(samples, ended)
    for (const spread of [this.#batchMs, this.#batchSize, this.#active, this.#commitMs])
      for (let window = 0; window < Math.min(ended, samples); window++) spread.rotate(samples)
  }

  /** By subtraction: what is in flight is counted one by one only where it has to be proved. */
  #activeRecords(): number {
    const ledger = this.#counted?.ledger
    if (ledger === undefined) return 0
    return Math.max(0, ledger.read - ledger.written - ledger.filtered - ledger.deadLettered - ledger.skipped - ledger.givenBack)
  }

  #ratio(state: LifeState): number {
    const currentMs = this.#state === null ? 0 : this.#now() - this.#stateSince
    const totalMs = currentMs + this.#stateMs.RUNNING + this.#stateMs.PAUSED
    return totalMs === 0 ? 0 : (this.#stateMs[state] + (this.#state === state ? currentMs : 0)) / totalMs
  }

  // ─── names ───

  #describe(): SampledMetrics {
    const sampled = new SampledMetrics(this.#windows, this.#startedAt)
    this.#describeTask(sampled)
    this.#describeErrors(sampled)
    if (this.#start.kind === 'source') this.#describeSource(sampled)
    else this.#describeSink(sampled)
    return sampled
  }

  #describeTask(sampled: SampledMetrics): void {
    const group = sampled
      .group('connector-task-metrics', this.#tags)
      .gauge('running-ratio', () => this.#ratio('RUNNING'))
      .gauge('pause-ratio', () => this.#ratio('PAUSED'))
      .gauge('offset-commit-max-time-ms', () => this.#commitMs.greatest)
      .gauge('offset-commit-avg-time-ms', () => this.#commitMs.average)
      .gauge('batch-size-max', () => this.#batchSize.greatest)
      .gauge('batch-size-avg', () => this.#batchSize.average)
    this.#commits.describe(group, 'offset-commit')
  }

  #describeErrors(sampled: SampledMetrics): void {
    const errors = (): ErrorCounters | undefined => this.#counted?.errors
    sampled
      .group('task-error-metrics', this.#tags)
      .gauge('total-record-failures', () => errors()?.failures ?? 0)
      .gauge('total-record-errors', () => errors()?.errors ?? 0)
      .gauge('total-records-skipped', () => errors()?.skipped ?? 0)
      .gauge('total-retries', () => errors()?.retries ?? 0)
      .gauge('total-errors-logged', () => errors()?.logged ?? 0)
      .gauge('deadletterqueue-produce-requests', () => errors()?.deadLetterRequests ?? 0)
      .gauge('deadletterqueue-produce-failures', () => errors()?.deadLetterFailures ?? 0)
      .gauge('last-error-timestamp', () => errors()?.lastErrorAtMs ?? 0)
  }

  #describeSource(sampled: SampledMetrics): void {
    sampled
      .group('source-task-metrics', this.#tags)
      .meter('source-record-poll', () => this.#counted?.ledger.read ?? 0)
      .meter('source-record-write', () => this.#counted?.ledger.written ?? 0)
      .gauge('poll-batch-max-time-ms', () => this.#batchMs.greatest)
      .gauge('poll-batch-avg-time-ms', () => this.#batchMs.average)
      .gauge('source-record-active-count', () => this.#activeRecords())
      .gauge('source-record-active-count-max', () => this.#active.greatest)
      .gauge('source-record-active-count-avg', () => this.#active.average)
  }

  #describeSink(sampled: SampledMetrics): void {
    sampled
      .group('sink-task-metrics', this.#tags)
      .meter('sink-record-read', () => this.#counted?.ledger.read ?? 0)
      .meter('sink-record-send', () => this.#sent)
      .gauge('sink-record-lag-max', () => lagMax(this.#consumer))
      .gauge('partition-count', () => this.#consumer?.assignment().length ?? 0)
      .gauge('offset-commit-seq-no', () => this.#commitNumber)
      .meter('offset-commit-completion', () => this.#commitsCompleted)
      .meter('offset-commit-skip', () => this.#commitsSkipped)
      .gauge('put-batch-max-time-ms', () => this.#batchMs.greatest)
      .gauge('put-batch-avg-time-ms', () => this.#batchMs.average)
      .gauge('sink-record-active-count', () => this.#activeRecords())
      .gauge('sink-record-active-count-max', () => this.#active.greatest)
      .gauge('sink-record-active-count-avg', () => this.#active.average)
  }
}

/** Records that the partition furthest behind has left; NaN where that is not known of any. */
function lagMax(consumer: MeasuredConsumer | null): number {
  const known = consumer?.assignment().flatMap((partition) => consumer.lag(partition) ?? []) ?? []
  return known.length === 0 ? Number.NaN : Math.max(...known)
}

function tagsOf({ connector, task }: TaskId): MetricTags {
  return { connector, task: String(task) }
}

/** What stands as text in JMX, but the state, which the main thread tells. */
function textMetrics({ kind, plugin, taskConfig, converters, transformations }: MeasuredStart, tags: MetricTags): Metric[] {
  const ofTask = (name: string, value: string): Metric => ({ group: 'connector-task-metrics', name, tags, value })
  const metrics = [
    ofTask('connector-class', plugin.className),
    ofTask('connector-version', plugin.version),
    ofTask('connector-type', kind),
    ofTask('task-class', taskConfig['task.class'] ?? ''),
    ofTask('task-version', plugin.version),
  ]
  for (const role of ['key', 'value', 'header'] as const) {
    const { descriptor } = converters[role]
    metrics.push(ofTask(`${role}-converter-class`, descriptor.className), ofTask(`${role}-converter-version`, descriptor.version))
  }
  for (const { alias, descriptor, predicate } of transformations) {
    metrics.push(...classAndVersion('transform', { ...tags, transform: alias }, descriptor))
    if (predicate !== null) metrics.push(...classAndVersion('predicate', { ...tags, predicate: predicate.alias }, predicate.descriptor))
  }
  return metrics
}

function classAndVersion(what: 'transform' | 'predicate', tags: MetricTags, { className, version }: { className: string; version: string }): Metric[] {
  const group = `connector-${what}-metrics`
  return [
    { group, name: `${what}-class`, tags, value: className },
    { group, name: `${what}-version`, tags, value: version },
  ]
}
