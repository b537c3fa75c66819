import { ErrorCode, kafkaError, type TimestampType } from '@millrace/kafka-protocol'
import { type ConfigType, invalidConfig, parseConfigValue } from './config-values.ts'

/** One setting of a topic, as Kafka 4.3 has it. */
export interface TopicSetting {
  readonly name: string
  readonly type: ConfigType
  readonly default: string
  /** The broker property that gives the default for all topics; null if Kafka has none. */
  readonly brokerName: string | null
  /** Why the setting is accepted and shown, but changes nothing here; null if it is honoured. */
  readonly withoutEffect: string | null
  readonly min?: number
  readonly max?: number
  readonly oneOf?: readonly string[]
}

const LONG_MAX = '9223372036854775807'
const ONE_NODE = 'There is one node, and nothing is replicated.'
const NOT_TIERED = 'There is no tiered storage.'
const OWN_INDEX = 'The index is sparse, in memory, and needs no tuning.'
const AS_PRODUCED = 'Batches are kept as the producer compressed them.'
const BY_RATIO = 'Compaction begins by min.cleanable.dirty.ratio alone.'

function setting(name: string, type: ConfigType, value: string, rest: Partial<TopicSetting> = {}): TopicSetting {
  return { name, type, default: value, brokerName: `log.${name}`, withoutEffect: null, ...rest }
}

/** Every topic setting, in the order of the names. DescribeConfigs shows all of them; a topic may be created with any. */
export const topicSettings: readonly TopicSetting[] = [
  setting('cleanup.policy', 'LIST', 'delete', { oneOf: ['compact', 'delete'] }),
  setting('compression.gzip.level', 'INT', '-1', { brokerName: 'compression.gzip.level', withoutEffect: AS_PRODUCED }),
  setting('compression.lz4.level', 'INT', '9', { brokerName: 'compression.lz4.level', withoutEffect: AS_PRODUCED }),
  setting('compression.type', 'STRING', 'producer', {
    brokerName: 'compression.type',
    oneOf: ['uncompressed', 'zstd', 'lz4', 'snappy', 'gzip', 'producer'],
    withoutEffect: AS_PRODUCED,
  }),
  setting('compression.zstd.level', 'INT', '3', { brokerName: 'compression.zstd.level', withoutEffect: AS_PRODUCED }),
  setting('delete.retention.ms', 'LONG', '86400000', { brokerName: 'log.cleaner.delete.retention.ms', min: 0 }),
  setting('file.delete.delay.ms', 'LONG', '60000', { brokerName: 'log.segment.delete.delay.ms', min: 0, withoutEffect: 'Files are removed at once.' }),
  setting('flush.messages', 'LONG', LONG_MAX, { brokerName: 'log.flush.interval.messages', min: 1 }),
  setting('flush.ms', 'LONG', LONG_MAX, { brokerName: 'log.flush.interval.ms', min: 0 }),
  setting('follower.replication.throttled.replicas', 'LIST', '', { brokerName: null, withoutEffect: ONE_NODE }),
  setting('index.interval.bytes', 'INT', '4096', { brokerName: 'log.index.interval.bytes', min: 0, withoutEffect: OWN_INDEX }),
  setting('leader.replication.throttled.replicas', 'LIST', '', { brokerName: null, withoutEffect: ONE_NODE }),
  setting('local.retention.bytes', 'LONG', '-2', { brokerName: 'log.local.retention.bytes', min: -2, withoutEffect: NOT_TIERED }),
  setting('local.retention.ms', 'LONG', '-2', { brokerName: 'log.local.retention.ms', min: -2, withoutEffect: NOT_TIERED }),
  setting('max.compaction.lag.ms', 'LONG', LONG_MAX, { brokerName: 'log.cleaner.max.compaction.lag.ms', min: 1, withoutEffect: BY_RATIO }),
  setting('max.message.bytes', 'INT', '1048588', { brokerName: 'message.max.bytes', min: 0 }),
  setting('message.timestamp.after.max.ms', 'LONG', '3600000', { min: 0 }),
  setting('message.timestamp.before.max.ms', 'LONG', LONG_MAX, { min: 0 }),
  setting('message.timestamp.type', 'STRING', 'CreateTime', { oneOf: ['CreateTime', 'LogAppendTime'] }),
  setting('min.cleanable.dirty.ratio', 'DOUBLE', '0.5', { brokerName: 'log.cleaner.min.cleanable.ratio', min: 0, max: 1 }),
  setting('min.compaction.lag.ms', 'LONG', '0', { brokerName: 'log.cleaner.min.compaction.lag.ms', min: 0 }),
  setting('min.insync.replicas', 'INT', '1', { brokerName: 'min.insync.replicas', min: 1, withoutEffect: ONE_NODE }),
  setting('preallocate', 'BOOLEAN', 'false', { withoutEffect: 'Files grow as they are written.' }),
  setting('remote.log.copy.disable', 'BOOLEAN', 'false', { brokerName: null, withoutEffect: NOT_TIERED }),
  setting('remote.log.delete.on.disable', 'BOOLEAN', 'false', { brokerName: null, withoutEffect: NOT_TIERED }),
  setting('remote.storage.enable', 'BOOLEAN', 'false', { brokerName: null, withoutEffect: NOT_TIERED }),
  setting('retention.bytes', 'LONG', '-1'),
  setting('retention.ms', 'LONG', '604800000', { min: -1 }),
  setting('segment.bytes', 'INT', '1073741824', { min: 1_048_576 }),
  setting('segment.index.bytes', 'INT', '10485760', { brokerName: 'log.index.size.max.bytes', min: 4, withoutEffect: OWN_INDEX }),
  setting('segment.jitter.ms', 'LONG', '0', {
    brokerName: 'log.roll.jitter.ms',
    min: 0,
    withoutEffect: 'Segments of different logs need not be spread over time on one machine.',
  }),
  setting('segment.ms', 'LONG', '604800000', { brokerName: 'log.roll.ms', min: 1 }),
  setting('unclean.leader.election.enable', 'BOOLEAN', 'false', { brokerName: 'unclean.leader.election.enable', withoutEffect: ONE_NODE }),
]

const settingsByName = new Map(topicSettings.map((setting) => [setting.name, setting]))

/** What the broker reads of a topic's settings. Times are milliseconds; -1 is no limit where Kafka says so. */
export interface TopicConfig {
  readonly isCompacted: boolean
  readonly isDeleted: boolean
  readonly deleteRetentionMs: number
  readonly flushMessages: number
  readonly flushMs: number
  readonly maxMessageBytes: number
  readonly timestampType: TimestampType
  readonly timestampAfterMaxMs: number
  readonly timestampBeforeMaxMs: number
  readonly minCleanableDirtyRatio: number
  readonly minCompactionLagMs: number
  readonly retentionBytes: number
  readonly retentionMs: number
  readonly segmentBytes: number
  readonly segmentMs: number
}

/** Settings by Kafka's names, as text. */
export type TopicOverrides = Readonly<Record<string, string>>

/**
 * The settings of a topic: its own, else the broker's, else Kafka's defaults.
 *
 * @param defaults values of the broker by the names of the topic settings.
 * @throws KafkaError INVALID_CONFIG for a name that Kafka does not know, and for a value that the setting cannot have.
 */
export function topicConfig(overrides: TopicOverrides, defaults: TopicOverrides): TopicConfig {
  for (const name of Object.keys(overrides)) checkedSetting(name, overrides[name]!)
  const read = (name: string) => {
    const { default: value } = settingsByName.get(name)!
    return checkedSetting(name, overrides[name] ?? defaults[name] ?? value)
  }
  const policies = read('cleanup.policy') as string[]
  return {
    isCompacted: policies.includes('compact'),
    isDeleted: policies.includes('delete'),
    deleteRetentionMs: read('delete.retention.ms') as number,
    flushMessages: read('flush.messages') as number,
    flushMs: read('flush.ms') as number,
    maxMessageBytes: read('max.message.bytes') as number,
    timestampType: read('message.timestamp.type') as TimestampType,
    timestampAfterMaxMs: read('message.timestamp.after.max.ms') as number,
    timestampBeforeMaxMs: read('message.timestamp.before.max.ms') as number,
    minCleanableDirtyRatio: read('min.cleanable.dirty.ratio') as number,
    minCompactionLagMs: read('min.compaction.lag.ms') as number,
    retentionBytes: read('retention.bytes') as number,
    retentionMs: read('retention.ms') as number,
    segmentBytes: read('segment.bytes') as number,
    segmentMs: read('segment.ms') as number,
  }
}

/** The parsed value of one setting. @throws KafkaError INVALID_CONFIG. */
export function checkedSetting(name: string, raw: string): boolean | string | number | string[] {
  const setting = settingsByName.get(name)
  if (!setting) {
    const error = kafkaError(ErrorCode.INVALID_CONFIG)
    error.message = `Unknown topic config name: ${name}`
    throw error
  }
  const { type, min, max, oneOf } = setting
  const value = parseConfigValue(name, raw, type)
  if (typeof value === 'number') {
    if (min !== undefined && value < min) throw invalidConfig(name, raw, `Value must be at least ${min}`)
    if (max !== undefined && value > max) throw invalidConfig(name, raw, `Value must be no more than ${max}`)
  }
  if (oneOf) {
    const values = Array.isArray(value) ? value : [value]
    if (values.some((one) => !oneOf.includes(String(one)))) throw invalidConfig(name, raw, `String must be one of: ${oneOf.join(', ')}`)
  }
  return value
}
