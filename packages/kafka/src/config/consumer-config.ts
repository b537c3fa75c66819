import { configurationError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import { type AssignorName, assignorByClass } from '../consumer/assignors.ts'
import { type ConnectionConfig, clientProperties, connectionConfig } from './connection-config.ts'
import type { ClientProperties, Properties } from './client-properties.ts'

/** Where to begin without a committed offset: at an end of the log, at the first record that is not older than so many milliseconds, or nowhere. */
export type OffsetReset = 'earliest' | 'latest' | 'none' | { readonly ageMs: number }

/** The complete settings of a consumer. Times in milliseconds. */
export interface ConsumerConfig extends ConnectionConfig {
  readonly groupId: string | null
  readonly groupInstanceId: string | null
  /** Where the consumer runs (`client.rack`); null if that is not told. */
  readonly rackId: string | null
  readonly allowsAutoTopicCreation: boolean
  readonly autoCommitIntervalMs: number
  readonly isAutoCommit: boolean
  readonly offsetReset: OffsetReset
  /** What is offered to the group, the preferred one first. */
  readonly assignors: readonly AssignorName[]
  readonly checksCrcs: boolean
  readonly apiTimeoutMs: number
  readonly excludesInternalTopics: boolean
  readonly fetchBytesMax: number
  readonly fetchBytesMin: number
  readonly fetchWaitMaxMs: number
  readonly partitionFetchBytesMax: number
  readonly heartbeatIntervalMs: number
  readonly isReadCommitted: boolean
  readonly pollIntervalMaxMs: number
  readonly pollRecordsMax: number
  readonly sessionTimeoutMs: number
}

/** Reads a consumer's properties. @throws KafkaError `INVALID_CONFIGURATION`. */
export function consumerConfig(properties: Properties, logger: Logger): ConsumerConfig {
  const given = clientProperties('consumer', properties, logger)
  const connection = connectionConfig('consumer', given, logger)
  given.string('group.protocol')
  const groupId = given.stringOrNull('group.id')
  const sessionTimeoutMs = given.number('session.timeout.ms')
  const heartbeatIntervalMs = given.number('heartbeat.interval.ms')
  if (heartbeatIntervalMs >= sessionTimeoutMs) throw configurationError('Heartbeat must be set lower than the session timeout')

  return {
    ...connection,
    groupId: groupId === '' ? null : groupId,
    groupInstanceId: given.stringOrNull('group.instance.id'),
    rackId: given.string('client.rack') || null,
    allowsAutoTopicCreation: given.boolean('allow.auto.create.topics'),
    autoCommitIntervalMs: given.number('auto.commit.interval.ms'),
    isAutoCommit: groupId !== null && given.boolean('enable.auto.commit'),
    offsetReset: offsetReset(given.string('auto.offset.reset')),
    assignors: assignors(given, logger),
    checksCrcs: given.boolean('check.crcs'),
    apiTimeoutMs: given.number('default.api.timeout.ms'),
    excludesInternalTopics: given.boolean('exclude.internal.topics'),
    fetchBytesMax: given.number('fetch.max.bytes'),
    fetchBytesMin: given.number('fetch.min.bytes'),
    fetchWaitMaxMs: given.number('fetch.max.wait.ms'),
    partitionFetchBytesMax: given.number('max.partition.fetch.bytes'),
    heartbeatIntervalMs,
    isReadCommitted: given.string('isolation.level') === 'read_committed',
    pollIntervalMaxMs: given.number('max.poll.interval.ms'),
    pollRecordsMax: given.number('max.poll.records'),
    sessionTimeoutMs,
  }
}

const SUPPORTED_ASSIGNORS = ['RangeAssignor', 'RoundRobinAssignor', 'StickyAssignor', 'CooperativeStickyAssignor']
  .map((name) => `"org.apache.kafka.clients.consumer.${name}"`)
  .join(', ')

function assignors(given: ClientProperties, logger: Logger): AssignorName[] {
  const names = given.list('partition.assignment.strategy')
  const found = names.map(assignorByClass)
  const offered = [...new Set(found.filter((name) => name !== null))]
  if (offered.length === 0) {
    throw configurationError(
      `The configuration "partition.assignment.strategy" names no assignor that is supported: "${names.join(',')}". Supported: ${SUPPORTED_ASSIGNORS}.`,
    )
  }
  const left = names.filter((_, i) => found[i] === null)
  if (left.length > 0) {
    logger.warn(
      `Of the configured partition.assignment.strategy these are Java classes that cannot be loaded here, and are not offered to the group: ${left.join(', ')}.`,
    )
  }
  return offered
}

function offsetReset(value: string): OffsetReset {
  if (value === 'earliest' || value === 'latest' || value === 'none') return value
  const ageMs = value.startsWith('by_duration:') ? durationMs(value.slice('by_duration:'.length)) : null
  if (ageMs !== null) return { ageMs }
  throw configurationError(
    `Invalid value ${value} for configuration auto.offset.reset: the value must be either 'earliest', 'latest', 'none' or of the format 'by_duration:<PnDTnHnMn.nS>', not negative`,
  )
}

/** A duration as ISO 8601 and Java's `Duration` write it; null for none, and for a negative one. */
function durationMs(text: string): number | null {
  const match = /^P(?!$)(?:(\d{1,9})D)?(?:T(?=\d)(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9}(?:[.,]\d{0,9})?)S)?)?$/i.exec(text)
  if (!match) return null
  const [days, hours, minutes, seconds] = match.slice(1).map((part) => Number(part?.replace(',', '.') ?? 0))
  return Math.round((((days ?? 0) * 24 + (hours ?? 0)) * 60 + (minutes ?? 0)) * 60_000 + (seconds ?? 0) * 1000)
}
