import { monotonicClock } from '../clock.ts'
import { Cluster } from '../cluster.ts'
import { adminConfig } from '../config/admin-config.ts'
import type { Properties } from '../config/client-properties.ts'
import { type Logger, silentLogger } from '../logger.ts'
import { Coordinator } from './coordinator.ts'
import { leave } from './group-member.ts'

/**
 * Takes a member out of its group that can no longer do so itself, because its thread was terminated: its partitions come back to the others at
 * once instead of after `session.timeout.ms`.
 *
 * @param properties of an admin client for the member's cluster.
 * @throws KafkaError if the coordinator cannot be reached or refuses. A member that is already gone is no error.
 */
export async function leaveGroupOnBehalf(
  properties: Properties,
  { groupId, memberId, reason = 'the member was terminated' }: { readonly groupId: string; readonly memberId: string; readonly reason?: string },
  { logger = silentLogger }: { readonly logger?: Logger } = {},
): Promise<void> {
  const cluster = new Cluster({ config: adminConfig(properties, logger), logger, clock: monotonicClock, topics: () => [] })
  const coordinator = new Coordinator(cluster, groupId)
  try {
    await leave(cluster, coordinator, memberId, reason)
  } finally {
    await cluster.close()
  }
}
