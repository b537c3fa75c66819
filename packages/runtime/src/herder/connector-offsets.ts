import type { Properties } from '@millrace/api'
import type { ConnectorOffset, ConnectorOffsets } from '@millrace/rest-api'
import { propertiesWithPrefix } from '../config/config-transformer.ts'
import { decodeOffsetKey, decodeOffsetValue } from '../storage/offset-encoding.ts'
import type { StoredOffset } from '../storage/offset-store.ts'

/** Reads what a consumer group has committed. `properties` are those of an admin client. */
export type ConsumerGroupOffsets = (
  group: string,
  properties: Properties,
) => Promise<readonly { readonly topic: string; readonly partition: number; readonly offset: number }[]>

/** Offsets of a source connector, as stored. */
export function sourceOffsets(stored: readonly StoredOffset[]): ConnectorOffsets {
  const offsets = stored.flatMap(({ key, value }): ConnectorOffset[] => {
    const partition = decodeOffsetKey(key)?.partition ?? null
    return partition === null ? [] : [{ partition: jsonExact(partition), offset: jsonExact(decodeOffsetValue(value)) }]
  })
  return { offsets }
}

export interface SinkOffsetsOptions {
  readonly name: string
  /** The connector's, references resolved. */
  readonly config: Properties
  /** The worker's. */
  readonly worker: Properties
  readonly read: ConsumerGroupOffsets
}

/** Offsets of a sink connector: those of its consumer group, which the connector may have named itself. */
export async function sinkOffsets({ name, config, worker, read }: SinkOffsetsOptions): Promise<ConnectorOffsets> {
  const group = config['consumer.override.group.id'] ?? `connect-${name}`
  const committed = await read(group, {
    ...withoutClientPrefixes(worker),
    ...propertiesWithPrefix(worker, 'admin.'),
    ...propertiesWithPrefix(config, 'admin.override.'),
    'client.id': `connector-worker-adminclient-${name}`,
  })
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
