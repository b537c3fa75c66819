import { type MetricGroup, Spread } from '../metrics/metric-group.ts'

/** What a member of a group has done; under the names of Java's `AbstractCoordinator`. */
export class MemberMetrics {
  rebalances = 0
  rebalancesFailed = 0
  /** By the client's clock; NaN before the first one. */
  lastRebalanceAt = Number.NaN
  lastHeartbeatAt = Number.NaN
  readonly joinMs = new Spread()
  readonly syncMs = new Spread()
  readonly heartbeatMs = new Spread()
  readonly rebalanceMs = new Spread()

  /** @param group such as `consumer-coordinator-metrics`. */
  describe(group: MetricGroup): void {
    group
      .meter('join', () => this.joinMs.total)
      .spread('join-time', this.joinMs)
      .meter('sync', () => this.syncMs.total)
      .spread('sync-time', this.syncMs)
      .meter('heartbeat', () => this.heartbeatMs.total)
      .spread('heartbeat-response-time', this.heartbeatMs, ['max'])
      .meter('rebalance', () => this.rebalances, { perHour: true })
      .meter('failed-rebalance', () => this.rebalancesFailed, { perHour: true })
      .spread('rebalance-latency', this.rebalanceMs)
      .gauge('rebalance-latency-total', () => this.rebalanceMs.totalSum)
      .gauge('last-heartbeat-seconds-ago', (now) => secondsSince(this.lastHeartbeatAt, now))
      .gauge('last-rebalance-seconds-ago', (now) => secondsSince(this.lastRebalanceAt, now))
  }
}

/** -1 before the first time, as in Java. */
export function secondsSince(at: number, now: number): number {
  return Number.isNaN(at) ? -1 : Math.floor((now - at) / 1000)
}
