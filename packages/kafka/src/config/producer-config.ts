import type { CompressionName } from '@millrace/kafka-protocol'
import { configurationError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import { type ConnectionConfig, clientProperties, connectionConfig } from './connection-config.ts'
import type { ClientProperties, Properties } from './client-properties.ts'

/** The complete settings of a producer. Times in milliseconds. */
export interface ProducerConfig extends ConnectionConfig {
  /** -1 is all. */
  readonly acks: -1 | 0 | 1
  readonly batchBytesMax: number
  readonly bufferBytesMax: number
  readonly compression: CompressionName
  readonly gzipLevel: number
  readonly zstdLevel: number
  readonly deliveryTimeoutMs: number
  readonly isIdempotent: boolean
  /** Whether idempotence was asked for by name: then it is never given up silently. */
  readonly isIdempotenceExplicit: boolean
  readonly lingerMs: number
  readonly maxBlockMs: number
  readonly inFlightMax: number
  readonly requestBytesMax: number
  readonly retriesMax: number
  /** Null for a producer without transactions. */
  readonly transactionalId: string | null
  readonly transactionTimeoutMs: number
  readonly metadataIdleMaxMs: number
  readonly partitioner: 'sticky' | 'round-robin'
  readonly isKeyIgnored: boolean
  readonly isAdaptive: boolean
  /** A partition whose batches wait for longer is left out by adaptive partitioning; 0 for never. */
  readonly availabilityTimeoutMs: number
}

/** Reads a producer's properties. @throws KafkaError `INVALID_CONFIGURATION`. */
export function producerConfig(properties: Properties, logger: Logger): ProducerConfig {
  const given = clientProperties('producer', properties, logger)
  const connection = connectionConfig('producer', given, logger)
  const lingerMs = given.number('linger.ms')
  return {
    ...connection,
    acks: acks(given),
    batchBytesMax: given.number('batch.size'),
    bufferBytesMax: given.number('buffer.memory'),
    compression: given.string('compression.type') as CompressionName,
    gzipLevel: gzipLevel(given),
    zstdLevel: given.number('compression.zstd.level'),
    deliveryTimeoutMs: deliveryTimeoutMs(given, lingerMs + connection.requestTimeoutMs, logger),
    isIdempotent: isIdempotent(given, logger),
    isIdempotenceExplicit: given.has('enable.idempotence'),
    lingerMs,
    maxBlockMs: given.number('max.block.ms'),
    inFlightMax: given.number('max.in.flight.requests.per.connection'),
    requestBytesMax: given.number('max.request.size'),
    retriesMax: given.number('retries'),
    transactionalId: given.stringOrNull('transactional.id'),
    transactionTimeoutMs: given.number('transaction.timeout.ms'),
    metadataIdleMaxMs: given.number('metadata.max.idle.ms'),
    partitioner: partitioner(given.stringOrNull('partitioner.class')),
    isKeyIgnored: given.boolean('partitioner.ignore.keys'),
    isAdaptive: given.boolean('partitioner.adaptive.partitioning.enable'),
    availabilityTimeoutMs: given.number('partitioner.availability.timeout.ms'),
  }
}

function acks(given: ClientProperties): -1 | 0 | 1 {
  const value = given.string('acks')
  return value === 'all' ? -1 : (Number(value) as -1 | 0 | 1)
}

function gzipLevel(given: ClientProperties): number {
  const level = given.number('compression.gzip.level')
  if (level === 0) throw configurationError('Invalid value 0 for configuration compression.gzip.level: Value must be between 1 and 9 or equal to -1')
  return level
}

function deliveryTimeoutMs(given: ClientProperties, atLeastMs: number, logger: Logger): number {
  const value = given.number('delivery.timeout.ms')
  if (value >= atLeastMs) return value
  if (given.has('delivery.timeout.ms')) {
    throw configurationError('delivery.timeout.ms should be equal to or larger than linger.ms + request.timeout.ms')
  }
  logger.warn(`delivery.timeout.ms should be equal to or larger than linger.ms + request.timeout.ms. Setting it to ${atLeastMs}.`)
  return atLeastMs
}

/** As in Java: a setting that excludes idempotence turns it off, unless it was asked for by name. */
function isIdempotent(given: ClientProperties, logger: Logger): boolean {
  const isOn = allowsIdempotence(given, logger)
  if (isOn || !given.has('transactional.id')) return isOn
  throw configurationError('Cannot set a transactional.id without also enabling idempotence.')
}

function allowsIdempotence(given: ClientProperties, logger: Logger): boolean {
  if (!given.boolean('enable.idempotence')) return false
  const isExplicit = given.has('enable.idempotence')
  const conflict = idempotenceConflict(given)
  if (!conflict) return true
  if (isExplicit) throw configurationError(conflict.error)
  logger.info(`Idempotence will be disabled because ${conflict.reason}.`)
  return false
}

function idempotenceConflict(given: ClientProperties): { reason: string; error: string } | null {
  if (given.number('retries') === 0) {
    return { reason: 'retries is set to 0', error: 'Must set retries to non-zero when using the idempotent producer.' }
  }
  if (acks(given) !== -1) {
    const error = 'Must set acks to all in order to use the idempotent producer. Otherwise we cannot guarantee idempotence.'
    return { reason: 'acks is not set to "all"', error }
  }
  if (given.number('max.in.flight.requests.per.connection') > 5) {
    const error = 'Must set max.in.flight.requests.per.connection to at most 5 to use the idempotent producer.'
    return { reason: 'max.in.flight.requests.per.connection is greater than 5', error }
  }
  return null
}

function partitioner(className: string | null): 'sticky' | 'round-robin' {
  if (className === null || className === '') return 'sticky'
  if (className === 'org.apache.kafka.clients.producer.RoundRobinPartitioner') return 'round-robin'
  throw configurationError(
    `Invalid value ${className} for configuration partitioner.class: only the default and org.apache.kafka.clients.producer.RoundRobinPartitioner are supported`,
  )
}
