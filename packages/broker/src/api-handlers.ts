import { ApiKey, type ApiName, type VersionRange } from '@millrace/kafka-protocol'
import type { ApiHandler } from './api-handler.ts'
import { produce } from './apis/00-produce.ts'
import { fetch } from './apis/01-fetch.ts'
import { listOffsets } from './apis/02-list-offsets.ts'
import { metadata } from './apis/03-metadata.ts'
import { offsetCommit } from './apis/08-offset-commit.ts'
import { offsetFetch } from './apis/09-offset-fetch.ts'
import { findCoordinator } from './apis/10-find-coordinator.ts'
import { joinGroup } from './apis/11-join-group.ts'
import { heartbeat } from './apis/12-heartbeat.ts'
import { leaveGroup } from './apis/13-leave-group.ts'
import { syncGroup } from './apis/14-sync-group.ts'
import { describeGroups } from './apis/15-describe-groups.ts'
import { listGroups } from './apis/16-list-groups.ts'
import { saslHandshake } from './apis/17-sasl-handshake.ts'
import { apiVersions } from './apis/18-api-versions.ts'
import { createTopics } from './apis/19-create-topics.ts'
import { deleteTopics } from './apis/20-delete-topics.ts'
import { deleteRecords } from './apis/21-delete-records.ts'
import { initProducerId } from './apis/22-init-producer-id.ts'
import { offsetForLeaderEpoch } from './apis/23-offset-for-leader-epoch.ts'
import { addPartitionsToTxn } from './apis/24-add-partitions-to-txn.ts'
import { addOffsetsToTxn } from './apis/25-add-offsets-to-txn.ts'
import { endTxn } from './apis/26-end-txn.ts'
import { writeTxnMarkers } from './apis/27-write-txn-markers.ts'
import { txnOffsetCommit } from './apis/28-txn-offset-commit.ts'
import { describeAcls } from './apis/29-describe-acls.ts'
import { createAcls } from './apis/30-create-acls.ts'
import { deleteAcls } from './apis/31-delete-acls.ts'
import { describeConfigs } from './apis/32-describe-configs.ts'
import { alterConfigs } from './apis/33-alter-configs.ts'
import { describeLogDirs } from './apis/35-describe-log-dirs.ts'
import { saslAuthenticate } from './apis/36-sasl-authenticate.ts'
import { createPartitions } from './apis/37-create-partitions.ts'
import { deleteGroups } from './apis/42-delete-groups.ts'
import { electLeaders } from './apis/43-elect-leaders.ts'
import { incrementalAlterConfigs } from './apis/44-incremental-alter-configs.ts'
import { listPartitionReassignments } from './apis/46-list-partition-reassignments.ts'
import { offsetDelete } from './apis/47-offset-delete.ts'
import { describeClientQuotas } from './apis/48-describe-client-quotas.ts'
import { describeUserScramCredentials } from './apis/50-describe-user-scram-credentials.ts'
import { describeCluster } from './apis/60-describe-cluster.ts'
import { describeProducers } from './apis/61-describe-producers.ts'
import { describeTransactions } from './apis/65-describe-transactions.ts'
import { listTransactions } from './apis/66-list-transactions.ts'
import { listConfigResources } from './apis/74-list-config-resources.ts'
import { describeTopicPartitions } from './apis/75-describe-topic-partitions.ts'

/** Every API that the broker can handle, by its number. What is not offered closes the connection, as in Kafka. */
export const apiHandlers: ReadonlyMap<number, ApiHandler> = new Map(
  (
    [
      produce,
      fetch,
      listOffsets,
      metadata,
      offsetCommit,
      offsetFetch,
      findCoordinator,
      joinGroup,
      heartbeat,
      leaveGroup,
      syncGroup,
      describeGroups,
      listGroups,
      saslHandshake,
      apiVersions,
      createTopics,
      deleteTopics,
      deleteRecords,
      initProducerId,
      offsetForLeaderEpoch,
      addPartitionsToTxn,
      addOffsetsToTxn,
      endTxn,
      writeTxnMarkers,
      txnOffsetCommit,
      describeAcls,
      createAcls,
      deleteAcls,
      describeConfigs,
      alterConfigs,
      describeLogDirs,
      saslAuthenticate,
      createPartitions,
      deleteGroups,
      electLeaders,
      incrementalAlterConfigs,
      listPartitionReassignments,
      offsetDelete,
      describeClientQuotas,
      describeUserScramCredentials,
      describeCluster,
      describeProducers,
      describeTransactions,
      listTransactions,
      listConfigResources,
      describeTopicPartitions,
    ] as const
  ).map((handler) => [ApiKey[handler.api], handler as unknown as ApiHandler]),
)

/** Each request that the broker answers, with Kafka's name and number and the versions that are offered, both included; in the order of the numbers. */
export const brokerApis: readonly { readonly name: ApiName; readonly key: number; readonly versions: VersionRange }[] = [...apiHandlers]
  .map(([key, { api, versions }]) => ({ name: api, key, versions }))
  .sort((a, b) => a.key - b.key)
