import { type Clock, monotonicClock } from '../clock.ts'
import { adminConfig } from '../config/admin-config.ts'
import type { Properties } from '../config/client-properties.ts'
import type { CommittedOffset, OffsetCommit } from '../consumer/committed-offsets.ts'
import type { FoundOffset, OffsetQuery } from '../list-offsets.ts'
import type { Logger } from '../logger.ts'
import type { ClientMetric } from '../metrics/metric-group.ts'
import type { TopicPartition } from '../topic-partition.ts'
import { type AclBinding, type AclFilter, type AclResult, createAcls, type DeletedAcls, deleteAcls, describeAcls } from './acls.ts'
import { AdminRequests, type CallOptions } from './admin-requests.ts'
import { type ClusterDescription, describeCluster } from './cluster-description.ts'
import { type ConfigChanges, type ConfigDescription, type ConfigResource, type ConfigResult, describeConfigs, incrementalAlterConfigs } from './configs.ts'
import { alterConsumerGroupOffsets, deleteConsumerGroupOffsets, listConsumerGroupOffsets } from './group-offsets.ts'
import {
  deleteConsumerGroups,
  describeConsumerGroups,
  type GroupDescription,
  type GroupFilter,
  type GroupListings,
  listGroups,
  type MemberToRemove,
  type RemovedMember,
  removeMembersFromConsumerGroup,
} from './groups.ts'
import { type DeletedRecords, deleteRecords, listOffsets, type RecordsToDelete } from './log-offsets.ts'
import {
  type ControllerCallOptions,
  createPartitions,
  createTopics,
  deleteTopics,
  describeTopics,
  listTopics,
  type NewPartitions,
  type NewTopic,
  type Result,
  type TopicDescription,
  type TopicListing,
} from './topics.ts'
import {
  abortTransaction,
  describeProducers,
  describeTransactions,
  type FencedProducer,
  fenceProducers,
  listTransactions,
  type PartitionProducers,
  type TransactionDescription,
  type TransactionFilter,
  type TransactionListings,
  type TransactionToAbort,
} from './transactions.ts'

/**
 * Administers a cluster; methods are named as in Java's `Admin`. Any number of calls may be under way. Each is tried again as long as that can help, within
 * `default.api.timeout.ms` or the `timeoutMs` of the call.
 *
 * Where several things are asked for, each has its own result in their order, and one that fails does not keep the others from being done. A call throws when nobody
 * could be asked at all: `REQUEST_TIMED_OUT` with the last error as `cause`, `CLUSTER_AUTHORIZATION_FAILED` and such.
 */
export class Admin {
  readonly #requests: AdminRequests

  /**
   * Connects to nothing yet.
   *
   * @param properties Java's admin properties; see `clientKeys` for what each does.
   * @throws KafkaError `INVALID_CONFIGURATION`.
   */
  constructor(properties: Properties, { logger, clock = monotonicClock }: { readonly logger: Logger; readonly clock?: Clock }) {
    this.#requests = new AdminRequests(adminConfig(properties, logger), clock, logger)
  }

  // ─── topics ───

  /** Creates topics. `TOPIC_ALREADY_EXISTS` is an error like others. @throws KafkaError. */
  createTopics(topics: readonly NewTopic[], options: ControllerCallOptions = {}): Promise<readonly Result[]> {
    return createTopics(this.#requests, topics, options)
  }

  /** Deletes topics; `UNKNOWN_TOPIC_OR_PARTITION` for one that does not exist. @throws KafkaError. */
  deleteTopics(names: readonly string[], options: CallOptions = {}): Promise<readonly Result[]> {
    return deleteTopics(this.#requests, names, options)
  }

  /** Adds partitions; `INVALID_PARTITIONS` where there are already as many. @throws KafkaError. */
  createPartitions(topics: readonly NewPartitions[], options: ControllerCallOptions = {}): Promise<readonly Result[]> {
    return createPartitions(this.#requests, topics, options)
  }

  /** All topics; internal ones are left out by default, as in Java. @throws KafkaError. */
  listTopics(options: CallOptions & { readonly listInternal?: boolean } = {}): Promise<readonly TopicListing[]> {
    return listTopics(this.#requests, options)
  }

  /** Partitions, leaders and replicas of topics. @throws KafkaError. */
  describeTopics(names: readonly string[], options: CallOptions = {}): Promise<readonly TopicDescription[]> {
    return describeTopics(this.#requests, names, options)
  }

  // ─── settings ───

  /** Settings of topics, brokers and others. @throws KafkaError if a broker cannot be reached. */
  describeConfigs(resources: readonly ConfigResource[], options: CallOptions = {}): Promise<readonly ConfigDescription[]> {
    return describeConfigs(this.#requests, resources, options)
  }

  /** Changes single settings; others stay as they are (KIP-339). @throws KafkaError if a broker cannot be reached. */
  incrementalAlterConfigs(
    changes: readonly ConfigChanges[],
    options: CallOptions & { readonly validateOnly?: boolean } = {},
  ): Promise<readonly ConfigResult[]> {
    return incrementalAlterConfigs(this.#requests, changes, options)
  }

  // ─── the cluster ───

  /** Cluster id, controller and brokers. @throws KafkaError. */
  describeCluster(options: CallOptions = {}): Promise<ClusterDescription> {
    return describeCluster(this.#requests, options)
  }

  // ─── groups ───

  /** The groups of all brokers. @throws KafkaError if no broker can be reached. */
  listGroups(options: GroupFilter = {}): Promise<GroupListings> {
    return listGroups(this.#requests, options)
  }

  /**
   * State and members of groups of the classic protocol, consumers or others; `GROUP_ID_NOT_FOUND` for one that does not exist, or that uses another protocol (KIP-848).
   */
  describeConsumerGroups(groupIds: readonly string[], options: CallOptions = {}): Promise<readonly GroupDescription[]> {
    return describeConsumerGroups(this.#requests, groupIds, options)
  }

  /** Deletes groups with their offsets; `NON_EMPTY_GROUP` for one that has members. */
  deleteConsumerGroups(groupIds: readonly string[], options: CallOptions = {}): Promise<readonly Result[]> {
    return deleteConsumerGroups(this.#requests, groupIds, options)
  }

  /**
   * Takes members out of a group of the classic protocol, static ones included. They join again unless they have stopped.
   *
   * @param options the members, default all that there are at the moment; the reason for the coordinator's log.
   * @returns a result for each, also where all were asked for.
   * @throws KafkaError if the coordinator cannot be asked; `GROUP_ID_NOT_FOUND` where all were asked for and there is no such group.
   */
  removeMembersFromConsumerGroup(
    groupId: string,
    options: CallOptions & { readonly members?: readonly MemberToRemove[]; readonly reason?: string } = {},
  ): Promise<readonly RemovedMember[]> {
    return removeMembersFromConsumerGroup(this.#requests, groupId, options)
  }

  /**
   * All committed offsets of a group, by topic and partition; none for a group that does not exist.
   *
   * @param options whether to wait until open transactions have decided about theirs (`requireStable` in Java); default false.
   * @throws KafkaError.
   */
  listConsumerGroupOffsets(groupId: string, options: CallOptions & { readonly isStable?: boolean } = {}): Promise<readonly CommittedOffset[]> {
    return listConsumerGroupOffsets(this.#requests, groupId, options)
  }

  /** Sets committed offsets of a group that has no members. @throws KafkaError for the first partition that failed, and names it; `UNKNOWN_MEMBER_ID` if the group has members. */
  alterConsumerGroupOffsets(groupId: string, offsets: readonly OffsetCommit[], options: CallOptions = {}): Promise<void> {
    return alterConsumerGroupOffsets(this.#requests, groupId, offsets, options)
  }

  /** Removes committed offsets of a group. @throws KafkaError for the first partition that failed, and names it; `GROUP_SUBSCRIBED_TO_TOPIC` for a topic that is being read. */
  deleteConsumerGroupOffsets(groupId: string, partitions: readonly TopicPartition[], options: CallOptions = {}): Promise<void> {
    return deleteConsumerGroupOffsets(this.#requests, groupId, partitions, options)
  }

  // ─── records ───

  /**
   * Offsets by timestamp, or the ends of the log (`OffsetAt`).
   *
   * @returns what was found, in no particular order; a partition without a record at or after the timestamp has offset -1.
   * @throws KafkaError for a partition that has no answer in time or at all, and names it.
   */
  listOffsets(queries: readonly OffsetQuery[], options: CallOptions & { readonly isReadCommitted?: boolean } = {}): Promise<readonly FoundOffset[]> {
    return listOffsets(this.#requests, queries, options)
  }

  /** Deletes the first records of partitions, for good. A topic that does not exist is waited for, as in Java. @throws KafkaError. */
  deleteRecords(partitions: readonly RecordsToDelete[], options: CallOptions = {}): Promise<readonly DeletedRecords[]> {
    return deleteRecords(this.#requests, partitions, options)
  }

  // ─── access ───

  /** Adds rules; one that exists already is no error. `SECURITY_DISABLED` where the brokers have no authorizer. @throws KafkaError. */
  createAcls(bindings: readonly AclBinding[], options: CallOptions = {}): Promise<readonly AclResult[]> {
    return createAcls(this.#requests, bindings, options)
  }

  /** The rules that fit. @throws KafkaError `SECURITY_DISABLED`, `CLUSTER_AUTHORIZATION_FAILED`. */
  describeAcls(filter: AclFilter = {}, options: CallOptions = {}): Promise<readonly AclBinding[]> {
    return describeAcls(this.#requests, filter, options)
  }

  /** Removes the rules that fit. @throws KafkaError. */
  deleteAcls(filters: readonly AclFilter[], options: CallOptions = {}): Promise<readonly DeletedAcls[]> {
    return deleteAcls(this.#requests, filters, options)
  }

  // ─── transactions ───

  /** Fences the producers of these transactional ids: their open transactions are aborted, and they cannot go on (KIP-618). */
  fenceProducers(transactionalIds: readonly string[], options: CallOptions = {}): Promise<readonly FencedProducer[]> {
    return fenceProducers(this.#requests, transactionalIds, options)
  }

  /** State of transactions (KIP-664); `TRANSACTIONAL_ID_NOT_FOUND` for an id that nobody has used. */
  describeTransactions(transactionalIds: readonly string[], options: CallOptions = {}): Promise<readonly TransactionDescription[]> {
    return describeTransactions(this.#requests, transactionalIds, options)
  }

  /** The transactional ids of all brokers. @throws KafkaError if no broker can be reached. */
  listTransactions(options: TransactionFilter = {}): Promise<TransactionListings> {
    return listTransactions(this.#requests, options)
  }

  /** The producers that the leaders of partitions know, or that one broker knows, with their open transactions. @throws KafkaError. */
  describeProducers(partitions: readonly TopicPartition[], options: CallOptions & { readonly brokerId?: number } = {}): Promise<readonly PartitionProducers[]> {
    return describeProducers(this.#requests, partitions, options)
  }

  /**
   * Aborts the open transaction of a producer in one partition, past its coordinator: for transactions that hang because nobody knows them any more (KIP-664).
   *
   * @throws KafkaError `INVALID_PRODUCER_EPOCH` if the epoch is not that of the transaction; `TRANSACTION_COORDINATOR_FENCED` if the coordinator has changed since.
   */
  abortTransaction(transaction: TransactionToAbort, options: CallOptions = {}): Promise<void> {
    return abortTransaction(this.#requests, transaction, options)
  }

  /** All metrics by the names that they have in Java, as they are now. */
  readMetrics(): readonly ClientMetric[] {
    return this.#requests.config.metrics.list(this.#requests.clock.now())
  }

  /** Ends all connections; what is under way fails with `CLIENT_CLOSED`. */
  async close(): Promise<void> {
    await this.#requests.close()
  }
}
