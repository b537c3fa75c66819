import { ApiKey } from '@millrace/kafka-protocol'
import type { ApiHandler } from './api-handler.ts'
import { produce } from './apis/00-produce.ts'
import { fetch } from './apis/01-fetch.ts'
import { listOffsets } from './apis/02-list-offsets.ts'
import { metadata } from './apis/03-metadata.ts'
import { apiVersions } from './apis/18-api-versions.ts'
import { createTopics } from './apis/19-create-topics.ts'
import { deleteTopics } from './apis/20-delete-topics.ts'
import { initProducerId } from './apis/22-init-producer-id.ts'
import { offsetForLeaderEpoch } from './apis/23-offset-for-leader-epoch.ts'
import { describeConfigs } from './apis/32-describe-configs.ts'
import { describeCluster } from './apis/60-describe-cluster.ts'

/** Every API that the broker handles, by its number. What is not here is not offered, and closes the connection, as in Kafka. */
export const apiHandlers: ReadonlyMap<number, ApiHandler> = new Map(
  (
    [
      produce,
      fetch,
      listOffsets,
      metadata,
      apiVersions,
      createTopics,
      deleteTopics,
      initProducerId,
      offsetForLeaderEpoch,
      describeConfigs,
      describeCluster,
    ] as const
  ).map((handler) => [ApiKey[handler.api], handler as unknown as ApiHandler]),
)
