import { type Clock, monotonicClock } from '../clock.ts'
import { Cluster } from '../cluster.ts'
import { adminConfig } from '../config/admin-config.ts'
import type { Properties } from '../config/client-properties.ts'
import { type Logger, silentLogger } from '../logger.ts'
import { Coordinator } from './coordinator.ts'
import { GroupMember, type GroupMemberOptions } from './group-member.ts'

export interface GroupClientOptions extends Omit<GroupMemberOptions, 'cluster' | 'coordinator' | 'clock' | 'logger'> {
  /** Java's admin properties; see `clientKeys`. */
  readonly properties: Properties
  readonly groupId: string
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

  /** @throws KafkaError `INVALID_CONFIGURATION`. */
  constructor({ properties, groupId, clock = monotonicClock, logger = silentLogger, ...options }: GroupClientOptions) {
    this.#cluster = new Cluster({ config: adminConfig(properties, logger), logger, clock, topics: () => [] })
    const coordinator = new Coordinator(this.#cluster, groupId)
    this.member = new GroupMember({ ...options, cluster: this.#cluster, coordinator, clock, logger })
  }

  /** Leaves the group and closes the connections; a `join` that is under way fails with `CLIENT_CLOSED`. Never rejects. */
  async close(reason: string): Promise<void> {
    await this.member.close(reason)
    await this.#cluster.close()
  }
}
