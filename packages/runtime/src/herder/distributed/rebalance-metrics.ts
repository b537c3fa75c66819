import { type Clock, Spread } from '@millrace/kafka'
import type { Metric } from '../../metrics/metric.ts'
import { type MetricWindows, SampledMetrics } from '../../metrics/sampled-metrics.ts'
import type { Rebalance } from './worker-group.ts'

/** By the version of the protocol, as the original names them (`ConnectProtocolCompatibility`). */
const PROTOCOL_NAMES = ['EAGER', 'COMPATIBLE', 'SESSIONED']

const GROUP = 'connect-worker-rebalance-metrics'

/** The rebalances of this worker, under the names of the original (`HerderMetrics`). */
export class RebalanceMetrics {
  readonly #clock: Clock
  readonly #sampled: SampledMetrics
  readonly #durationMs = new Spread()
  readonly #tags = {}
  #rebalance: Rebalance | null = null
  #startedAt: number | null = null
  #completedAt = Number.NEGATIVE_INFINITY

  constructor(windows: MetricWindows, clock: Clock) {
    this.#clock = clock
    this.#sampled = new SampledMetrics(windows, clock.now())
    this.#sampled
      .group(GROUP, this.#tags)
      .gauge('epoch', () => this.#rebalance?.generation ?? -1)
      .gauge('completed-rebalances-total', () => this.#durationMs.total)
      .gauge('rebalancing', () => (this.#startedAt === null ? 0 : 1))
      .spread('rebalance-time-ms', this.#durationMs, [])
      .gauge('rebalance-max-time-ms', () => this.#durationMs.greatest)
      .gauge('rebalance-avg-time-ms', () => this.#durationMs.average)
      .gauge('time-since-last-rebalance-ms', (now) => now - this.#completedAt)
  }

  /** The worker joins. May be called again where a join failed: the rebalance goes on. */
  started(): void {
    this.#startedAt ??= this.#clock.now()
  }

  completed(rebalance: Rebalance): void {
    const now = this.#clock.now()
    this.#sampled.advance(now)
    this.#durationMs.record(now - (this.#startedAt ?? now))
    this.#rebalance = rebalance
    this.#startedAt = null
    this.#completedAt = now
  }

  list(): Metric[] {
    const metrics = this.#sampled.list(this.#clock.now())
    if (this.#rebalance === null) return metrics
    const { protocolVersion, leaderUrl } = this.#rebalance
    return [
      ...metrics,
      { group: GROUP, name: 'connect-protocol', tags: this.#tags, value: PROTOCOL_NAMES[protocolVersion] ?? String(protocolVersion) },
      { group: GROUP, name: 'leader-name', tags: this.#tags, value: leaderUrl },
    ]
  }
}
