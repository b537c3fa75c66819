import { type Clock, monotonicClock } from '../clock.ts'
import { Cluster } from '../cluster.ts'
import { adminConfig } from '../config/admin-config.ts'
import type { Properties } from '../config/client-properties.ts'
import { type Logger, silentLogger } from '../logger.ts'
import type { ClientMetric, MetricGroup } from '../metrics/metric-group.ts'
import { Coordinator } from './coordinator.ts'
import { GroupMember, type GroupMemberOptions } from './group-member.ts'
import { MemberMetrics } from './member-metrics.ts'

export interface GroupClientOptions extends Omit<GroupMemberOptions, 'cluster' | 'coordinator' | 'clock' | 'logger' | 'metrics'> {
  /** Java's admin properties; see `clientKeys`. */
  readonly properties: Properties
  readonly groupId: string
  /** Adds metrics of its owner's to those of the member (`connect-coordinator-metrics`). */
  readonly describe?: (coordinatorMetrics: MetricGroup) => void
  readonly clock?: Clock
  readonly logger?: Logger
}

/**
 * A member of a group that shares out something else than partitions, such as the connectors of a group of Connect workers, with connections of its own.
 * Connects to nothing before `member.join`.
 */
export class GroupClient {
  readonly member: GroupMember
  readonly #cluster: Cluster
  readonly #clock: Clock

  /** @throws KafkaError `INVALID_CONFIGURATION`. */
  constructor({ properties, groupId, describe, clock = monotonicClock, logger = silentLogger, ...options }: GroupClientOptions) {
    const config = adminConfig(properties, logger)
    // The only members of this kind are workers, whose groups Java calls so.
    const clientMetrics = config.metrics.as('connect')
    const metrics = new MemberMetrics()
    const group = clientMetrics.group('coordinator-metrics')
    metrics.describe(group)
    describe?.(group)
    this.#clock = clock
    this.#cluster = new Cluster({ config: { ...config, metrics: clientMetrics }, logger, clock, topics: () => [] })
    const coordinator = new Coordinator(this.#cluster, groupId)
    this.member = new GroupMember({ ...options, metrics, cluster: this.#cluster, coordinator, clock, logger })
  }

  /** All metrics by the names that they have in Java (`connect-metrics`, `connect-node-metrics`, `connect-coordinator-metrics`), as they are now. */
  readMetrics(): readonly ClientMetric[] {
    return this.#cluster.config.metrics.list(this.#clock.now())
  }

  /** Leaves the group and closes the connections; a `join` that is under way fails with `CLIENT_CLOSED`. Never rejects. */
  async close(reason: string): Promise<void> {
    await this.member.close(reason)
    await this.#cluster.close()
  }
}
