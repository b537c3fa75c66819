import { MetricGroup, Spread, type Windows } from '@millrace/kafka'
import type { Metric, MetricTags } from './metric.ts'

/** Over which time rates, averages and greatest values are taken: `metrics.sample.window.ms` and `metrics.num.samples`. */
export type MetricWindows = Pick<Windows, 'windowMs' | 'samples'>

/** Groups of metrics whose windows of time begin together. What is recorded costs a few additions; rates and averages come into being when somebody reads. */
export class SampledMetrics {
  readonly #windows: Windows
  readonly #groups: MetricGroup[] = []
  #beganAt: number

  /** @param now by the clock of all later calls, in milliseconds. */
  constructor({ windowMs, samples }: MetricWindows, now: number) {
    // A window of no length would forget everything at once.
    this.#windows = { windowMs: Math.max(1, windowMs), samples, startedAt: now }
    this.#beganAt = now
  }

  group(name: string, tags: MetricTags): MetricGroup {
    const group = new MetricGroup(name, tags, this.#windows)
    this.#groups.push(group)
    return group
  }

  /** Begins the next window where the current one is over. To be called before something is recorded, and before reading. */
  advance(now: number): void {
    const { windowMs } = this.#windows
    const passed = Math.floor((now - this.#beganAt) / windowMs)
    if (passed < 1) return
    this.#beganAt += passed * windowMs
    for (const group of this.#groups) group.rotate(now, passed)
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

  /** @param base such as `task-startup`, for `task-startup-success-percentage` and `task-startup-failure-percentage`. */
  describe(group: MetricGroup, base: string): void {
    const succeeded = (): number => this.#spread.average
    group
      .spread(base, this.#spread, [])
      .gauge(`${base}-success-percentage`, () => orZero(succeeded()))
      .gauge(`${base}-failure-percentage`, () => orZero(1 - succeeded()))
  }
}

function orZero(value: number): number {
  return Number.isNaN(value) ? 0 : value
}
