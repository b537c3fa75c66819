import { configurationError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import { type ConnectionConfig, clientProperties, connectionConfig } from './connection-config.ts'
import type { Properties } from './client-properties.ts'

/** The complete settings of a consumer. Times in milliseconds. */
export interface ConsumerConfig extends ConnectionConfig {
  readonly groupId: string | null
  readonly groupInstanceId: string | null
  readonly allowsAutoTopicCreation: boolean
  readonly autoCommitIntervalMs: number
  readonly isAutoCommit: boolean
  readonly offsetReset: 'earliest' | 'latest' | 'none'
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

const RANGE = /(^|\.)RangeAssignor$|^range$/

/** Reads a consumer's properties. @throws KafkaError `INVALID_CONFIGURATION`. */
export function consumerConfig(properties: Properties, logger: Logger): ConsumerConfig {
  const given = clientProperties('consumer', properties, logger)
  const connection = connectionConfig('consumer', given, logger)
  given.string('group.protocol')
  const groupId = given.stringOrNull('group.id')
  const sessionTimeoutMs = given.number('session.timeout.ms')
  const heartbeatIntervalMs = given.number('heartbeat.interval.ms')
  if (heartbeatIntervalMs >= sessionTimeoutMs) throw configurationError('Heartbeat must be set lower than the session timeout')

  const assignors = given.list('partition.assignment.strategy')
  if (!assignors.some((name) => RANGE.test(name))) {
    throw configurationError(
      `The configuration "partition.assignment.strategy" names no assignor that is supported: "${assignors.join(',')}". Supported: "org.apache.kafka.clients.consumer.RangeAssignor".`,
    )
  }
  if (given.has('partition.assignment.strategy') && assignors.length > 1) {
    logger.warn('Of the configured partition.assignment.strategy only the RangeAssignor is offered to the group.')
  }
  return {
    ...connection,
    groupId: groupId === '' ? null : groupId,
    groupInstanceId: given.stringOrNull('group.instance.id'),
    allowsAutoTopicCreation: given.boolean('allow.auto.create.topics'),
    autoCommitIntervalMs: given.number('auto.commit.interval.ms'),
    isAutoCommit: groupId !== null && given.boolean('enable.auto.commit'),
    offsetReset: given.string('auto.offset.reset') as ConsumerConfig['offsetReset'],
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
