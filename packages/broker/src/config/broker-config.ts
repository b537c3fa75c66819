import { BrokerError } from '../errors.ts'
import type { BrokerLogger } from '../broker-logger.ts'
import { type ConfigType, parseConfigValue } from './config-values.ts'
import { checkedSetting, topicConfig, type TopicOverrides, topicSettings } from './topic-config.ts'

/** One property of the broker itself, under Kafka's name. Defaults are Kafka's unless `differs` says why not. */
export interface BrokerSetting {
  readonly name: string
  readonly type: ConfigType
  readonly default: string
  readonly differs?: string
}

/** Every broker property that is honoured, beside those that give defaults to topics (`topicSettings`). */
export const brokerSettings: readonly BrokerSetting[] = [
  { name: 'advertised.listeners', type: 'STRING', default: '' },
  { name: 'auto.create.topics.enable', type: 'BOOLEAN', default: 'true' },
  { name: 'connections.max.idle.ms', type: 'LONG', default: '600000' },
  { name: 'fetch.max.bytes', type: 'INT', default: '8388608', differs: "Kafka's 57671680 would let each slow reader hold that much memory." },
  { name: 'group.initial.rebalance.delay.ms', type: 'INT', default: '0', differs: 'Kafka waits 3000 for further members, which only costs time here.' },
  { name: 'group.max.session.timeout.ms', type: 'INT', default: '1800000' },
  { name: 'group.max.size', type: 'INT', default: '2147483647' },
  { name: 'group.min.session.timeout.ms', type: 'INT', default: '6000' },
  { name: 'log.cleaner.backoff.ms', type: 'LONG', default: '15000' },
  { name: 'log.retention.check.interval.ms', type: 'LONG', default: '300000' },
  { name: 'max.connections', type: 'INT', default: '2000', differs: 'Kafka sets no limit; here it bounds the memory.' },
  { name: 'max.incremental.fetch.session.cache.slots', type: 'INT', default: '1000' },
  { name: 'millrace.fetch.memory.max.bytes', type: 'LONG', default: '67108864', differs: 'Not in Kafka: records on their way to all consumers together.' },
  {
    name: 'millrace.memory.stall.timeout.ms',
    type: 'LONG',
    default: '10000',
    differs: 'Not in Kafka: how long others wait for memory that a client holds which neither sends nor reads.',
  },
  { name: 'min.incremental.fetch.session.eviction.ms', type: 'INT', default: '120000' },
  { name: 'num.partitions', type: 'INT', default: '1' },
  { name: 'offset.metadata.max.bytes', type: 'INT', default: '4096' },
  { name: 'offsets.retention.check.interval.ms', type: 'LONG', default: '600000' },
  { name: 'offsets.retention.minutes', type: 'INT', default: '10080' },
  { name: 'producer.id.expiration.ms', type: 'INT', default: '86400000' },
  { name: 'queued.max.request.bytes', type: 'LONG', default: '134217728', differs: 'Kafka sets no limit; here it bounds the memory.' },
  { name: 'socket.request.max.bytes', type: 'INT', default: '104857600' },
  { name: 'transaction.abort.timed.out.transaction.cleanup.interval.ms', type: 'INT', default: '10000' },
  { name: 'transaction.max.timeout.ms', type: 'INT', default: '900000' },
  { name: 'transactional.id.expiration.ms', type: 'INT', default: '604800000' },
]

/** What the broker reads of its properties. */
export interface BrokerConfig {
  /** Where clients are told to connect; null for where this one has. */
  readonly advertised: { readonly host: string; readonly port: number } | null
  readonly autoCreateTopics: boolean
  readonly cleanerBackoffMs: number
  readonly connectionsMax: number
  readonly connectionsMaxIdleMs: number
  /** Of all answers with records that have not been sent. */
  readonly fetchMemoryBytesMax: number
  readonly fetchMaxBytes: number
  readonly fetchSessionsMax: number
  readonly fetchSessionEvictionMs: number
  readonly groupInitialRebalanceDelayMs: number
  readonly groupMaxSize: number
  readonly groupMaxSessionTimeoutMs: number
  readonly groupMinSessionTimeoutMs: number
  readonly numPartitions: number
  readonly offsetMetadataMaxBytes: number
  readonly offsetsRetentionCheckIntervalMs: number
  readonly offsetsRetentionMs: number
  readonly producerIdExpirationMs: number
  readonly requestBytesMax: number
  /** After so long, a client loses its connection that holds memory which others wait for. */
  readonly memoryStallTimeoutMs: number
  /** Of all requests that are not answered. */
  readonly requestMemoryBytesMax: number
  readonly retentionCheckIntervalMs: number
  readonly transactionCheckIntervalMs: number
  readonly transactionMaxTimeoutMs: number
  readonly transactionalIdExpirationMs: number
  /** `log.flush.interval.messages`: after so many entries, what is kept beside topics is brought to the disk. */
  readonly flushMessages: number
  /** Defaults of topics that differ from Kafka's, by the names of the topic settings. */
  readonly topicDefaults: TopicOverrides
  /** All honoured properties of the broker with their values, for DescribeConfigs. */
  readonly values: ReadonlyMap<string, string>
  /** Names of the properties that were given. */
  readonly given: ReadonlySet<string>
}

/** Older and coarser names for the same defaults, with the factor to milliseconds; the finest one that is given wins, as in Kafka. */
const timeAliases: readonly { readonly topicName: string; readonly brokerName: string; readonly factor: number }[] = [
  { topicName: 'retention.ms', brokerName: 'log.retention.hours', factor: 3_600_000 },
  { topicName: 'retention.ms', brokerName: 'log.retention.minutes', factor: 60_000 },
  { topicName: 'segment.ms', brokerName: 'log.roll.hours', factor: 3_600_000 },
]

/**
 * @param properties under Kafka's names. Unknown ones, and known ones without effect here, are named in a warning.
 * @throws BrokerError BROKER_CONFIG_INVALID for a value that a property cannot have.
 */
export function brokerConfig(properties: Readonly<Record<string, string>>, logger: BrokerLogger): BrokerConfig {
  const values = new Map<string, string>()
  const read = <T>(name: string): T => {
    const { type, default: value } = brokerSettings.find((setting) => setting.name === name)!
    const raw = properties[name] ?? value
    values.set(name, raw)
    return parsed(name, () => parseConfigValue(name, raw, type)) as T
  }
  const config = {
    advertised: advertisedListener(read<string>('advertised.listeners')),
    autoCreateTopics: read<boolean>('auto.create.topics.enable'),
    cleanerBackoffMs: read<number>('log.cleaner.backoff.ms'),
    connectionsMax: read<number>('max.connections'),
    connectionsMaxIdleMs: read<number>('connections.max.idle.ms'),
    fetchMaxBytes: read<number>('fetch.max.bytes'),
    fetchMemoryBytesMax: read<number>('millrace.fetch.memory.max.bytes'),
    fetchSessionsMax: read<number>('max.incremental.fetch.session.cache.slots'),
    fetchSessionEvictionMs: read<number>('min.incremental.fetch.session.eviction.ms'),
    groupInitialRebalanceDelayMs: read<number>('group.initial.rebalance.delay.ms'),
    groupMaxSize: read<number>('group.max.size'),
    groupMaxSessionTimeoutMs: read<number>('group.max.session.timeout.ms'),
    groupMinSessionTimeoutMs: read<number>('group.min.session.timeout.ms'),
    numPartitions: read<number>('num.partitions'),
    offsetMetadataMaxBytes: read<number>('offset.metadata.max.bytes'),
    offsetsRetentionCheckIntervalMs: read<number>('offsets.retention.check.interval.ms'),
    offsetsRetentionMs: read<number>('offsets.retention.minutes') * 60_000,
    producerIdExpirationMs: read<number>('producer.id.expiration.ms'),
    requestBytesMax: read<number>('socket.request.max.bytes'),
    memoryStallTimeoutMs: read<number>('millrace.memory.stall.timeout.ms'),
    requestMemoryBytesMax: read<number>('queued.max.request.bytes'),
    retentionCheckIntervalMs: read<number>('log.retention.check.interval.ms'),
    transactionCheckIntervalMs: read<number>('transaction.abort.timed.out.transaction.cleanup.interval.ms'),
    transactionMaxTimeoutMs: read<number>('transaction.max.timeout.ms'),
    transactionalIdExpirationMs: read<number>('transactional.id.expiration.ms'),
  }
  if (config.numPartitions < 1) {
    throw new BrokerError('BROKER_CONFIG_INVALID', `Invalid value ${config.numPartitions} for configuration num.partitions: Value must be at least 1`)
  }
  const topicDefaults = topicDefaultsOf(properties)
  warnOfOthers(properties, logger)
  return { ...config, flushMessages: topicConfig({}, topicDefaults).flushMessages, topicDefaults, values, given: new Set(Object.keys(properties)) }
}

/** One listener, in Kafka's form: `PLAINTEXT://host:port`. */
function advertisedListener(raw: string): BrokerConfig['advertised'] {
  if (raw === '') return null
  const [, host = '', port = ''] = /^\w+:\/\/\[?([^\],]*?)\]?:(\d{1,5})$/.exec(raw) ?? []
  if (host !== '' && Number(port) > 0 && Number(port) <= 65_535) return { host, port: Number(port) }
  throw new BrokerError(
    'BROKER_CONFIG_INVALID',
    `The broker property "advertised.listeners" has a wrong value: "${raw}" is not one listener, such as "PLAINTEXT://host:9092"`,
  )
}

function topicDefaultsOf(properties: Readonly<Record<string, string>>): TopicOverrides {
  const defaults: Record<string, string> = {}
  for (const { topicName, brokerName, factor } of timeAliases) {
    const raw = properties[brokerName]
    if (raw === undefined) continue
    const value = parsed(brokerName, () => parseConfigValue(brokerName, raw, 'INT')) as number
    defaults[topicName] = String(value < 0 ? -1 : value * factor)
  }
  for (const { name, brokerName } of topicSettings) {
    const raw = brokerName === null ? undefined : properties[brokerName]
    if (raw === undefined) continue
    parsed(brokerName!, () => checkedSetting(name, raw))
    defaults[name] = raw
  }
  return defaults
}

function parsed<T>(name: string, parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    throw new BrokerError('BROKER_CONFIG_INVALID', `The broker property "${name}" has a wrong value: ${(error as Error).message}`, { cause: error })
  }
}

function warnOfOthers(properties: Readonly<Record<string, string>>, logger: BrokerLogger): void {
  const honoured = new Set(brokerSettings.map(({ name }) => name))
  for (const { brokerName } of timeAliases) honoured.add(brokerName)
  const withoutEffect = new Map<string, string>()
  for (const { brokerName, withoutEffect: reason } of topicSettings) {
    if (brokerName === null) continue
    if (reason === null) honoured.add(brokerName)
    else withoutEffect.set(brokerName, reason)
  }
  for (const name of Object.keys(properties)) {
    if (honoured.has(name)) continue
    const reason = withoutEffect.get(name) ?? 'The embedded broker does not know it.'
    logger.warn(`The broker property "${name}" has no effect. ${reason}`)
  }
}
