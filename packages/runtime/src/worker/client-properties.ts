import type { Properties } from '@millrace/api'
import type { TaskId } from '@millrace/rest-api'
import type { ConnectorOffsetsTopic } from '../storage/kafka/connector-offset-stores.ts'
import { propertiesWithPrefix } from '../config/config-transformer.ts'

/** Where the settings of a connector's Kafka clients come from. */
export interface ClientSettings {
  /** Of all clients; the embedded broker's address already put in. */
  readonly bootstrapServers: string
  readonly workerProperties: Properties
  readonly connectorConfig: Properties
}

/*
 * Kafka Connect's order, later ones win: what the runtime needs, the worker's `producer.…`, `consumer.…` or `admin.…`, the connector's
 * `….override.…`. Producers and consumers take nothing else from the worker but `bootstrap.servers`; admin clients take all of it.
 */

const LONG_MAX = '9223372036854775807'
const INT_MAX = '2147483647'

/** 128 batches. A partition has five of them in flight at most; the others only wait, and hold their records in memory. */
const SOURCE_BUFFER_BYTES = String(8 * 1024 * 1024)

export function sourceProducerProperties(settings: ClientSettings, { connector, task }: TaskId): Properties {
  return producerProperties(settings, `connector-producer-${connector}-${task}`)
}

/** Clients of a sink task's dead-letter queue. */
export function deadLetterClients(settings: ClientSettings, { connector, task }: TaskId): { readonly producer: Properties; readonly admin: Properties } {
  return {
    producer: producerProperties(settings, `connector-dlq-producer-${connector}-${task}`),
    admin: { 'client.id': `connector-dlq-adminclient-${connector}-${task}`, ...adminProperties(settings) },
  }
}

function producerProperties(settings: ClientSettings, clientId: string): Properties {
  const written = { ...propertiesWithPrefix(settings.workerProperties, 'producer.'), ...propertiesWithPrefix(settings.connectorConfig, 'producer.override.') }
  return {
    'bootstrap.servers': settings.bootstrapServers,
    'client.id': clientId,
    'max.block.ms': LONG_MAX,
    'delivery.timeout.ms': INT_MAX,
    'buffer.memory': SOURCE_BUFFER_BYTES,
    ...idempotence(written),
    ...written,
  }
}

export function sinkConsumerProperties(settings: ClientSettings, { connector, task }: TaskId): Properties {
  return {
    'bootstrap.servers': settings.bootstrapServers,
    'client.id': `connector-consumer-${connector}-${task}`,
    'group.id': sinkGroupId(connector),
    'enable.auto.commit': 'false',
    'auto.offset.reset': 'earliest',
    ...propertiesWithPrefix(settings.workerProperties, 'consumer.'),
    ...propertiesWithPrefix(settings.connectorConfig, 'consumer.override.'),
  }
}

/** The consumer group of a sink connector, unless `consumer.override.group.id` says otherwise. */
export function sinkGroupId(connector: string): string {
  return `connect-${connector}`
}

export function topicAdminProperties(settings: ClientSettings, { connector, task }: TaskId): Properties {
  return { 'client.id': `connector-adminclient-${connector}-${task}`, ...adminProperties(settings) }
}

function adminProperties({ workerProperties, bootstrapServers, connectorConfig }: ClientSettings): Properties {
  const prefixed = /^(producer|consumer|admin)\./
  const { 'client.id': _, ...unprefixed } = Object.fromEntries(Object.entries(workerProperties).filter(([key]) => !prefixed.test(key)))
  return {
    ...unprefixed,
    'bootstrap.servers': bootstrapServers,
    ...propertiesWithPrefix(workerProperties, 'admin.'),
    ...propertiesWithPrefix(connectorConfig, 'admin.override.'),
  }
}

/** Where a source connector keeps its own offsets; null for those that keep them with the worker's. */
export function connectorOffsetsTopic(settings: ClientSettings, connector: string): ConnectorOffsetsTopic | null {
  const topic = settings.connectorConfig['offsets.storage.topic']?.trim() ?? ''
  if (topic === '') return null
  const clientOf = (kind: 'producer' | 'consumer'): Properties => ({
    'bootstrap.servers': settings.bootstrapServers,
    'client.id': `connector-${kind}-${connector}`,
    ...propertiesWithPrefix(settings.workerProperties, `${kind}.`),
    ...propertiesWithPrefix(settings.connectorConfig, `${kind}.override.`),
  })
  const { 'group.id': _, ...consumer } = clientOf('consumer')
  const { 'transactional.id': __, ...producer } = clientOf('producer')
  return { topic, producer, consumer, admin: { ...adminProperties(settings), 'client.id': `connector-adminclient-${connector}` } }
}

/**
 * The original's source tasks use a producer without idempotence and one request in flight. Ours keeps the same order with an idempotent producer
 * and five in flight, and makes fewer duplicates. Whatever was written explicitly wins; where it contradicts idempotence, that is off.
 */
function idempotence(written: Properties): Properties {
  const { acks = 'all', retries = INT_MAX, 'enable.idempotence': explicit, 'max.in.flight.requests.per.connection': inFlight = '5' } = written
  if (explicit !== undefined) return explicit.trim().toLowerCase() === 'true' ? {} : { acks: 'all', 'max.in.flight.requests.per.connection': '1' }
  const isPossible = ['all', '-1'].includes(acks.trim()) && Number(inFlight) <= 5 && Number(retries) > 0
  return isPossible
    ? { acks: 'all', 'enable.idempotence': 'true', 'max.in.flight.requests.per.connection': '5' }
    : { acks: 'all', 'enable.idempotence': 'false', 'max.in.flight.requests.per.connection': '1' }
}
