import type { Properties, TopicPartition } from '@millrace/api'
import type { ConnectorOffset, ConnectorOffsets } from '@millrace/rest-api'
import { propertiesWithPrefix } from '../config/config-transformer.ts'
import { decodeOffsetKey, decodeOffsetValue } from '../storage/offset-encoding.ts'
import type { StoredOffset } from '../storage/offset-store.ts'

/** The consumer group of a sink connector, and how to reach it. */
export interface SinkGroup {
  readonly id: string
  /** Of an admin client: the worker's and the connector's, which may name another cluster. */
  readonly properties: Properties
}

/** What is asked of Kafka about the consumer groups of sinks. Rejects with a KafkaError. */
export interface ConsumerGroups {
  offsets(group: SinkGroup): Promise<readonly (TopicPartition & { readonly offset: number })[]>
  /** @throws KafkaError `UNKNOWN_MEMBER_ID` for a group that has members. */
  alterOffsets(group: SinkGroup, offsets: readonly (TopicPartition & { readonly offset: number })[]): Promise<void>
  /** @throws KafkaError `GROUP_SUBSCRIBED_TO_TOPIC` for a topic that a member reads. */
  removeOffsets(group: SinkGroup, partitions: readonly TopicPartition[]): Promise<void>
  /** Removes the group; one that is not there is fine. @throws KafkaError `NON_EMPTY_GROUP` for one that has members. */
  remove(group: SinkGroup): Promise<void>
}

/** Offsets of a source connector, as stored. */
export function sourceOffsets(stored: readonly StoredOffset[]): ConnectorOffsets {
  const offsets = stored.flatMap(({ key, value }): ConnectorOffset[] => {
    const partition = decodeOffsetKey(key)?.partition ?? null
    return partition === null ? [] : [{ partition: jsonExact(partition), offset: jsonExact(decodeOffsetValue(value)) }]
  })
  return { offsets }
}

export interface SinkGroupOptions {
  readonly name: string
  /** The connector's, references resolved. */
  readonly config: Properties
  readonly workerProperties: Properties
}

/** Which group a sink connector reads in: it may name one itself. */
export function sinkGroup({ name, config, workerProperties }: SinkGroupOptions): SinkGroup {
  return {
    id: config['consumer.override.group.id'] ?? `connect-${name}`,
    properties: {
      ...withoutClientPrefixes(workerProperties),
      ...propertiesWithPrefix(workerProperties, 'admin.'),
      ...propertiesWithPrefix(config, 'admin.override.'),
      'client.id': `connector-worker-adminclient-${name}`,
    },
  }
}

/** Offsets of a sink connector: what its consumer group has committed. */
export async function sinkOffsets({ group, groups }: { readonly group: SinkGroup; readonly groups: ConsumerGroups }): Promise<ConnectorOffsets> {
  const committed = await groups.offsets(group)
  const sorted = [...committed].sort((a, b) => (a.topic < b.topic ? -1 : a.topic > b.topic ? 1 : a.partition - b.partition))
  return {
    offsets: sorted.map(({ topic, partition, offset }) => ({
      partition: { kafka_topic: topic, kafka_partition: partition },
      offset: { kafka_offset: offset },
    })),
  }
}

/** Admin clients inherit the worker's own settings, but not those that it keeps for other clients. */
function withoutClientPrefixes(properties: Properties): Properties {
  return Object.fromEntries(Object.entries(properties).filter(([key]) => !/^(producer|consumer|admin)\./.test(key)))
}

/** JSON has integers of any size; the ones beyond the safe range are written as they are. */
function jsonExact<T extends Readonly<Record<string, unknown>> | null>(map: T): T {
  if (map === null) return map
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [key, typeof value === 'bigint' ? rawJson(String(value)) : value])) as T
}

/** `JSON.rawJSON`, which the type library does not know yet. */
function rawJson(text: string): unknown {
  return (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(text)
}
