export { KafkaError, murmur2 } from '@millrace/kafka-protocol'
export type { AclBinding, AclFilter, AclResult, DeletedAcls } from './admin/acls.ts'
export { Admin } from './admin/admin.ts'
export type { CallOptions, Outcome } from './admin/admin-requests.ts'
export type { ClusterDescription } from './admin/cluster-description.ts'
export type { ConfigChange, ConfigChanges, ConfigDescription, ConfigEntry, ConfigResource, ConfigResult, ConfigSource } from './admin/configs.ts'
export type {
  GroupDescription,
  GroupFilter,
  GroupListing,
  GroupListings,
  GroupMemberDescription,
  MemberToRemove,
  RemovedMember,
} from './admin/groups.ts'
export type { DeletedRecords, RecordsToDelete } from './admin/log-offsets.ts'
export type { ControllerCallOptions, NewPartitions, NewTopic, Result, TopicDescription, TopicListing } from './admin/topics.ts'
export type {
  FencedProducer,
  PartitionProducers,
  ProducerState,
  TransactionDescription,
  TransactionFilter,
  TransactionListing,
  TransactionListings,
  TransactionToAbort,
} from './admin/transactions.ts'
export { type Clock, monotonicClock } from './clock.ts'
export type { PartitionMetadata, TopicMetadata } from './cluster.ts'
export { type Compression, compressionOf, crc32c, decompress } from './compression.ts'
export { type ClientKey, type ClientKind, clientKeys, type KeyType } from './config/client-keys.ts'
export type { Properties } from './config/client-properties.ts'
export type { CommittedOffset, OffsetCommit } from './consumer/committed-offsets.ts'
export { Consumer, type ConsumerOptions, type GroupMetadata, type Subscription } from './consumer/consumer.ts'
export type { ConsumerMetrics } from './consumer/consumer-metrics.ts'
export type { ConsumerRecords, FetchedHeader, PartitionRecords } from './consumer/partition-records.ts'
export type { RebalanceListener } from './consumer/rebalance-listener.ts'
export { isKafkaError } from './errors.ts'
export { GroupClient, type GroupClientOptions } from './group/group-client.ts'
export type { GroupMember, GroupProtocol, JoinResult, MemberMetadata, Membership } from './group/group-member.ts'
export { leaveGroupOnBehalf } from './group/leave-group-on-behalf.ts'
export { type FoundOffset, OffsetAt, type OffsetQuery } from './list-offsets.ts'
export { type Logger, silentLogger } from './logger.ts'
export { type ClientMetricName, clientMetricNames } from './metrics/client-metric-names.ts'
export { type ClientMetric, MetricGroup, Spread, type Windows } from './metrics/metric-group.ts'
export { partitionForKey } from './producer/partitioner.ts'
export { type ClientOptions, Producer, type SerializedData } from './producer/producer.ts'
export type { ProducerMetrics } from './producer/producer-metrics.ts'
export type { TransactionGroup } from './producer/transaction-requests.ts'
export type { SendCompletion } from './producer/send-completion.ts'
export { type JaasEntry, parseJaasConfig } from './security/jaas-config.ts'
export { jaasFileEntry } from './security/jaas-file.ts'
export { readTlsOptions } from './security/tls-options.ts'
export type { TopicPartition } from './topic-partition.ts'
