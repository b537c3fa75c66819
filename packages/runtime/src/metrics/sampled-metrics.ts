import { MetricGroup, Spread, type Windows } from '@millrace/kafka'
import type { Metric, MetricTags } from './metric.ts'

/** Over which time rates, averages and greatest values are taken: `metrics.sample.window.ms` and `metrics.num.samples`. */
export type MetricWindows = Pick<Windows, 'windowMs' | 'samples'>

/** Counts windows of time. */
export class WindowCount {
  readonly #windowMs: number
  #beganAt: number

  /** @param now by the clock of all later calls, in milliseconds. */
  constructor({ windowMs }: MetricWindows, now: number) {
    // A window of no length would forget everything at once.
    this.#windowMs = Math.max(1, windowMs)
    this.#beganAt = now
  }

  /** @returns how many have ended since the last call. */
  ended(now: number): number {
    const ended = Math.floor((now - this.#beganAt) / this.#windowMs)
    if (ended < 1) return 0
    this.#beganAt += ended * this.#windowMs
    return ended
  }
}

/** Groups of metrics whose windows of time begin together. What is recorded costs a few additions; rates and averages come into being when somebody reads. */
export class SampledMetrics {
  readonly #windows: Windows
  readonly #groups: MetricGroup[] = []
  readonly #outcomes: Outcomes[] = []
  readonly #count: WindowCount

  /** @param now by the clock of all later calls, in milliseconds. */
  constructor({ windowMs, samples }: MetricWindows, now: number) {
    this.#windows = { windowMs: Math.max(1, windowMs), samples, startedAt: now }
    this.#count = new WindowCount(this.#windows, now)
  }

  group(name: string, tags: MetricTags): MetricGroup {
    const group = new MetricGroup(name, tags, this.#windows)
    this.#groups.push(group)
    return group
  }

  /** Attempts of which the current windows count. */
  outcomes(): Outcomes {
    const outcomes = new Outcomes()
    this.#outcomes.push(outcomes)
    return outcomes
  }

  /** Begins the next window where the current one is over. To be called before something is recorded, and before reading. */
  advance(now: number): void {
    const ended = this.#count.ended(now)
    if (ended === 0) return
    for (const group of this.#groups) group.rotate(now, ended)
    for (const outcomes of this.#outcomes) outcomes.rotate(this.#windows.samples, ended)
  }

  list(now: number): Metric[] {
    this.advance(now)
    return this.#groups.flatMap((group) => group.list(now))
  }
}

/** Attempts that may fail, as shares of the current windows: numbers from 0 to 1, in spite of their names, as in the original (`Frequencies`). */
export class Outcomes {
  readonly #spread = new Spread()

  record(isSuccess: boolean): void {
    this.#spread.record(isSuccess ? 1 : 0)
  }

  /** Windows have ended. */
  rotate(samples: number, ended: number): void {
    for (let window = 0; window < Math.min(ended, samples); window++) this.#spread.rotate(samples)
  }

  /** @param base such as `task-startup`, for `task-startup-success-percentage` and `task-startup-failure-percentage`. */
  describe(group: MetricGroup, base: string): void {
    const succeeded = (): number => this.#spread.average
    group.gauge(`${base}-success-percentage`, () => orZero(succeeded())).gauge(`${base}-failure-percentage`, () => orZero(1 - succeeded()))
  }
}

function orZero(value: number): number {
  return Number.isNaN(value) ? 0 : value
}
