import { caseInsensitiveValidString, ConfigDef, ConfigError, lambda, range } from '@millrace/api'
import { partitionsValidator, replicationFactorValidator } from './topic-creation-config.ts'

/** What a worker of a cluster is told beyond the settings of all workers (`org.apache.kafka.connect.runtime.distributed.DistributedConfig`). */
export interface DistributedConfig {
  readonly groupId: string
  /** `client.id`; empty where there is none. */
  readonly clientId: string
  /** Milliseconds; default 10000. */
  readonly sessionTimeoutMs: number
  /** How long workers have to join a rebalance, and a worker may be busy without leaving the group. Milliseconds; default 60000. */
  readonly rebalanceTimeoutMs: number
  /** Milliseconds; default 3000. */
  readonly heartbeatIntervalMs: number
  /** How long a worker that is behind may take to read the config topic to its end. Milliseconds; default 3000. */
  readonly workerSyncTimeoutMs: number
  /** How long a worker stays away that could not catch up, in the eager protocol. Milliseconds; default 300000. */
  readonly workerUnsyncBackoffMs: number
  readonly connectProtocol: 'eager' | 'compatible' | 'sessioned'
  /** How long the work of a worker that left waits for its return. Milliseconds; default 300000. */
  readonly scheduledRebalanceMaxDelayMs: number
  /** How long a key that signs requests between workers is used. Milliseconds; default 3600000; 0 for ever. */
  readonly interWorkerKeyTtlMs: number
  /** A JCA name; default HmacSHA256. */
  readonly interWorkerKeyGenerationAlgorithm: string
  /** Bits, or null for what is usual for the algorithm. */
  readonly interWorkerKeySize: number | null
  readonly interWorkerSignatureAlgorithm: string
  /** Holds the signature algorithm. */
  readonly interWorkerVerificationAlgorithms: readonly string[]
}

/** The MACs of Java's own providers that Node has, too, by their JCA names. */
const MAC_ALGORITHMS = ['HmacMD5', 'HmacSHA1', 'HmacSHA224', 'HmacSHA256', 'HmacSHA384', 'HmacSHA512'] as const

const macList = lambda((name, value) => {
  const algorithms = value as readonly string[]
  if (algorithms.length === 0) throw ConfigError.invalidValue(name, '[]', 'At least one signature verification algorithm must be provided')
  for (const algorithm of algorithms) checkMac(name, algorithm)
}, 'A list of one or more MAC algorithms')

const mac = lambda((name, value) => checkMac(name, value as string), 'A MAC algorithm')

const protocol = lambda((name, value) => {
  if (!['eager', 'compatible', 'sessioned'].includes(String(value).toLowerCase()))
    throw ConfigError.invalidValue(name, value, 'Invalid Connect protocol compatibility')
}, '[eager, compatible, sessioned]')

/** The settings of distributed mode, in the order of the original. Those of Kafka clients are checked by the clients. */
export const distributedConfigDef = new ConfigDef()
  .define('group.id', { type: 'STRING', importance: 'HIGH', documentation: 'Name that the workers of a cluster have in common.' })
  .define('session.timeout.ms', {
    type: 'INT',
    default: 10000,
    importance: 'HIGH',
    documentation: 'Milliseconds without a heartbeat after which a worker counts as gone.',
  })
  .define('rebalance.timeout.ms', {
    type: 'INT',
    default: 60000,
    importance: 'HIGH',
    documentation: 'Milliseconds that each worker has to join a rebalance; one that takes longer is removed from the group.',
  })
  .define('heartbeat.interval.ms', {
    type: 'INT',
    default: 3000,
    importance: 'HIGH',
    documentation: 'Milliseconds between two heartbeats; at most a third of session.timeout.ms.',
  })
  .define('exactly.once.source.support', {
    type: 'STRING',
    default: 'disabled',
    importance: 'HIGH',
    validator: caseInsensitiveValidString.in('DISABLED', 'ENABLED', 'PREPARING'),
    documentation: 'Exactly-once delivery of source connectors. Only "disabled" can be used yet.',
  })
  .define('client.id', { type: 'STRING', default: '', importance: 'LOW', documentation: 'Name of this worker in the logs of the brokers.' })
  .define('worker.sync.timeout.ms', {
    type: 'INT',
    default: 3000,
    importance: 'MEDIUM',
    documentation: 'Milliseconds that a worker that is behind the others may take to read the config topic before it leaves the group.',
  })
  .define('worker.unsync.backoff.ms', {
    type: 'INT',
    default: 300000,
    importance: 'MEDIUM',
    documentation: 'Milliseconds that a worker which could not catch up in time stays away from the group; in the eager protocol only.',
  })
  .define('offset.storage.topic', { type: 'STRING', importance: 'HIGH', documentation: 'Topic that source offsets are kept in.' })
  .define('offset.storage.partitions', {
    type: 'INT',
    default: 25,
    importance: 'LOW',
    validator: partitionsValidator,
    documentation: 'Partitions that the offsets topic is created with.',
  })
  .define('offset.storage.replication.factor', {
    type: 'SHORT',
    default: 3,
    importance: 'LOW',
    validator: replicationFactorValidator,
    documentation: 'Replicas that the offsets topic is created with.',
  })
  .define('config.storage.topic', { type: 'STRING', importance: 'HIGH', documentation: 'Topic that configurations of connectors are kept in.' })
  .define('config.storage.replication.factor', {
    type: 'SHORT',
    default: 3,
    importance: 'LOW',
    validator: replicationFactorValidator,
    documentation: 'Replicas that the config topic is created with.',
  })
  .define('status.storage.topic', { type: 'STRING', importance: 'HIGH', documentation: 'Topic that states of connectors and tasks are kept in.' })
  .define('status.storage.partitions', {
    type: 'INT',
    default: 5,
    importance: 'LOW',
    validator: partitionsValidator,
    documentation: 'Partitions that the status topic is created with.',
  })
  .define('status.storage.replication.factor', {
    type: 'SHORT',
    default: 3,
    importance: 'LOW',
    validator: replicationFactorValidator,
    documentation: 'Replicas that the status topic is created with.',
  })
  .define('connect.protocol', {
    type: 'STRING',
    default: 'sessioned',
    importance: 'LOW',
    validator: protocol,
    documentation: 'How workers share out their work: eager (all stops for it), compatible, or sessioned (in addition, requests between workers are signed).',
  })
  .define('scheduled.rebalance.max.delay.ms', {
    type: 'INT',
    default: 300000,
    importance: 'LOW',
    validator: range.between(0, 2147483647),
    documentation: 'Milliseconds that the work of a worker which left waits for its return before others take it over.',
  })
  .define('inter.worker.key.ttl.ms', {
    type: 'INT',
    default: 3600000,
    importance: 'LOW',
    validator: range.between(0, 2147483647),
    documentation: 'Milliseconds that a key for requests between workers is used.',
  })
  .define('inter.worker.key.generation.algorithm', {
    type: 'STRING',
    default: 'HmacSHA256',
    importance: 'LOW',
    validator: mac,
    documentation: 'Algorithm that keys for requests between workers are made for.',
  })
  .define('inter.worker.key.size', {
    type: 'INT',
    default: null,
    importance: 'LOW',
    documentation: 'Bits of these keys. Default: what is usual for the algorithm.',
  })
  .define('inter.worker.signature.algorithm', {
    type: 'STRING',
    default: 'HmacSHA256',
    importance: 'LOW',
    validator: mac,
    documentation: 'Algorithm that requests between workers are signed with.',
  })
  .define('inter.worker.verification.algorithms', {
    type: 'LIST',
    default: ['HmacSHA256'],
    importance: 'LOW',
    validator: macList,
    documentation: 'Algorithms that are accepted in requests of other workers.',
  })

type Parsed = ReturnType<typeof distributedConfigDef.parse>

/** Further settings of the three topics stand under these prefixes. */
export const INTERNAL_TOPIC_PREFIXES = ['config.storage.', 'offset.storage.', 'status.storage.'] as const

/**
 * @param parsed what `distributedConfigDef` made of the settings. Those of the three topics are read by the stores.
 * @throws ConfigError for settings that contradict each other, and for a guarantee that cannot be given.
 */
export function distributedConfig(parsed: Parsed): DistributedConfig {
  refuseExactlyOnce(parsed['exactly.once.source.support'])
  checkHeartbeat(parsed['heartbeat.interval.ms'], parsed['session.timeout.ms'])
  checkSignatureAlgorithm(parsed)
  checkKeySize(parsed['inter.worker.key.size'], parsed['inter.worker.key.generation.algorithm'])
  return {
    groupId: parsed['group.id'],
    clientId: parsed['client.id'],
    sessionTimeoutMs: parsed['session.timeout.ms'],
    rebalanceTimeoutMs: parsed['rebalance.timeout.ms'],
    heartbeatIntervalMs: parsed['heartbeat.interval.ms'],
    workerSyncTimeoutMs: parsed['worker.sync.timeout.ms'],
    workerUnsyncBackoffMs: parsed['worker.unsync.backoff.ms'],
    connectProtocol: parsed['connect.protocol'].toLowerCase() as DistributedConfig['connectProtocol'],
    scheduledRebalanceMaxDelayMs: parsed['scheduled.rebalance.max.delay.ms'],
    interWorkerKeyTtlMs: parsed['inter.worker.key.ttl.ms'],
    interWorkerKeyGenerationAlgorithm: parsed['inter.worker.key.generation.algorithm'],
    interWorkerKeySize: parsed['inter.worker.key.size'],
    interWorkerSignatureAlgorithm: parsed['inter.worker.signature.algorithm'],
    interWorkerVerificationAlgorithms: parsed['inter.worker.verification.algorithms'],
  }
}

/** A guarantee is never lowered in silence. */
function refuseExactlyOnce(support: string): void {
  if (support.toLowerCase() === 'disabled') return
  throw new ConfigError(
    `"exactly.once.source.support" is "${support}", but exactly-once delivery of source connectors comes with a later release: set it to "disabled", with which records are delivered at least once, or keep these connectors on Kafka Connect until then.`,
    { key: 'exactly.once.source.support' },
  )
}

/** A session would be over before its next heartbeat. */
function checkHeartbeat(heartbeatIntervalMs: number, sessionTimeoutMs: number): void {
  if (heartbeatIntervalMs < sessionTimeoutMs) return
  const reason = `Heartbeat must be set lower than the session timeout (session.timeout.ms, ${sessionTimeoutMs}), usually to a third of it`
  throw ConfigError.invalidValue('heartbeat.interval.ms', heartbeatIntervalMs, reason)
}

function checkSignatureAlgorithm(parsed: Parsed): void {
  const algorithm = parsed['inter.worker.signature.algorithm']
  const accepted = parsed['inter.worker.verification.algorithms']
  if (accepted.includes(algorithm)) return
  const reason = 'Signature algorithm must be present in inter.worker.verification.algorithms list'
  throw ConfigError.invalidValue('inter.worker.signature.algorithm', algorithm, reason)
}

function checkKeySize(size: number | null, algorithm: string): void {
  if (size === null || (size >= 40 && size <= 65_536)) return
  throw new ConfigError(`Unable to create key generator with algorithm ${algorithm} and key size ${size}: give 40 to 65536 bits`, {
    key: 'inter.worker.key.size',
  })
}

function checkMac(name: string, algorithm: string): void {
  if (MAC_ALGORITHMS.some((known) => known.toLowerCase() === algorithm.toLowerCase())) return
  throw ConfigError.invalidValue(name, algorithm, `the algorithm is not supported; the supported algorithms are: [${MAC_ALGORITHMS.join(', ')}]`)
}
