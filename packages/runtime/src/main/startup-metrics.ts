import type { ConnectorState } from '@millrace/rest-api'
import type { Metric } from '../metrics/metric.ts'
import { type MetricWindows, type Outcomes, SampledMetrics } from '../metrics/sampled-metrics.ts'

/** What a worker runs, also what has failed. */
export interface RunningCounts {
  readonly connectors: number
  readonly tasks: number
}

/** Starts of one kind of thing. */
class Starts {
  succeeded = 0
  failed = 0
  readonly outcomes: Outcomes
  /** The last state of those that are there, by name. */
  readonly #states = new Map<string, ConnectorState>()

  constructor(outcomes: Outcomes) {
    this.outcomes = outcomes
  }

  forget(name: string): void {
    this.#states.delete(name)
  }

  /** A failure counts as one of the start where the thing had not run before. */
  reported(name: string, state: ConnectorState): void {
    const before = this.#states.get(name)
    if (state === 'UNASSIGNED' || state === 'STOPPED') this.#states.delete(name)
    else this.#states.set(name, state)
    if (before === 'RUNNING' || before === 'PAUSED') return
    if (state === 'RUNNING') this.succeeded++
    else if (state === 'FAILED') this.failed++
    else return
    this.outcomes.record(state === 'RUNNING')
  }
}

/** Counts the starts of connectors and tasks by the states that this worker reports (`WorkerMetricsGroup`). */
export class StartupMetrics {
  readonly #connectors: Starts
  readonly #tasks: Starts
  readonly #now: () => number
  readonly #sampled: SampledMetrics

  constructor(windows: MetricWindows, running: () => RunningCounts, now = () => performance.now()) {
    this.#now = now
    this.#sampled = new SampledMetrics(windows, now())
    this.#connectors = new Starts(this.#sampled.outcomes())
    this.#tasks = new Starts(this.#sampled.outcomes())
    const group = this.#sampled
      .group('connect-worker-metrics', {})
      .gauge('connector-count', () => running().connectors)
      .gauge('task-count', () => running().tasks)
    const kinds = { 'connector-startup': this.#connectors, 'task-startup': this.#tasks }
    for (const [base, starts] of Object.entries(kinds)) {
      group
        .gauge(`${base}-attempts-total`, () => starts.succeeded + starts.failed)
        .gauge(`${base}-success-total`, () => starts.succeeded)
        .gauge(`${base}-failure-total`, () => starts.failed)
      starts.outcomes.describe(group, base)
    }
  }

  connectorReported(name: string, state: ConnectorState): void {
    this.#sampled.advance(this.#now())
    this.#connectors.reported(name, state)
  }

  taskReported(name: string, state: ConnectorState): void {
    this.#sampled.advance(this.#now())
    this.#tasks.reported(name, state)
  }

  connectorDeleted(name: string): void {
    this.#connectors.forget(name)
  }

  taskDeleted(name: string): void {
    this.#tasks.forget(name)
  }

  list(): Metric[] {
    return this.#sampled.list(this.#now())
  }
}
