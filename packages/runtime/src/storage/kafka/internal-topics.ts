import { setTimeout as delay } from 'node:timers/promises'
import { ConfigError, ConnectError, type Logger, type Properties } from '@millrace/api'
import type { Admin, KafkaError } from '@millrace/kafka'

/** One of the topics that a cluster of workers keeps its state in. */
export interface InternalTopic {
  readonly name: string
  /** The worker's setting that names it, such as `config.storage.topic`. */
  readonly property: string
  /** What it holds, as in "to guarantee consistency and durability of …". */
  readonly purpose: string
  /** For a topic that has to be created; -1 for the broker's default. */
  readonly partitions: number
  readonly replicationFactor: number
  /** Topic settings beside `cleanup.policy=compact`. */
  readonly settings: Readonly<Record<string, string>>
}

export interface InternalTopics {
  readonly config: InternalTopic
  readonly offsets: InternalTopic
  readonly statuses: InternalTopic
}

/** What the worker's `config.storage.*`, `offset.storage.*` and `status.storage.*` say, the original's defaults included. @throws ConfigError */
export function internalTopics(properties: Properties, logger: Logger): InternalTopics {
  return {
    config: internalTopic(properties, 'config', 'connector configurations', 1, logger),
    offsets: internalTopic(properties, 'offset', 'source connector offsets', 25, logger),
    statuses: internalTopic(properties, 'status', 'connector and task statuses', 5, logger),
  }
}

function internalTopic(properties: Properties, kind: string, purpose: string, partitions: number, logger: Logger): InternalTopic {
  const prefix = `${kind}.storage.`
  const property = `${prefix}topic`
  const name = properties[property]?.trim() ?? ''
  if (name === '') throw new ConfigError(`Missing required configuration "${property}" which has no default value.`, { key: property })
  const count = (key: string, fallback: number): number => countOf(properties, `${prefix}${key}`, fallback)
  return {
    name,
    property,
    purpose,
    partitions: kind === 'config' ? 1 : count('partitions', partitions),
    replicationFactor: count('replication.factor', 3),
    settings: topicSettings(properties, prefix, kind, logger),
  }
}

/** A number of partitions or replicas; -1 stands for the broker's default (KIP-605). */
function countOf(properties: Properties, key: string, fallback: number): number {
  const value = properties[key] === undefined ? fallback : Number(properties[key].trim())
  if (Number.isInteger(value) && (value >= 1 || value === -1)) return value
  throw new ConfigError(`Invalid value ${properties[key]} for configuration ${key}: Value must be at least 1, or -1 for the broker's default`, { key })
}

function topicSettings(properties: Properties, prefix: string, kind: string, logger: Logger): Record<string, string> {
  const settings: Record<string, string> = {}
  for (const [key, value] of Object.entries(properties)) {
    if (!key.startsWith(prefix)) continue
    const name = key.slice(prefix.length)
    if (name === 'cleanup.policy' || (name === 'partitions' && kind === 'config')) {
      logger.warn(
        `Ignoring '${key}=${value}', since it ${name === 'partitions' ? 'is always 1' : "is always 'compact'"} for the topic of ${kind === 'config' ? 'configurations' : kind === 'offset' ? 'offsets' : 'statuses'}.`,
      )
    } else if (!['topic', 'partitions', 'replication.factor', 'file.filename'].includes(name)) settings[name] = value
  }
  return settings
}

export interface TopicCreationLimits {
  /** How long to try again where the brokers are not ready. Milliseconds (`default.api.timeout.ms`). */
  readonly timeoutMs: number
  /** Milliseconds (`retry.backoff.ms`). */
  readonly backoffMs: number
  /** Ends the waiting. */
  readonly signal: AbortSignal
}

/**
 * Creates the topic, or makes sure that the one that exists keeps what is written (`KafkaTopicBasedBackingStore.topicInitializer`). Where the worker may
 * not create topics or look at their settings, they are taken for right.
 *
 * @throws ConfigError for a topic that would lose state; ConnectError where it cannot be created.
 */
export async function ensureInternalTopic(admin: Admin, topic: InternalTopic, limits: TopicCreationLimits, logger: Logger): Promise<void> {
  const outcome = await createTopic(admin, topic, limits, logger)
  if (outcome !== 'created') await verifyCleanupPolicy(admin, topic, logger)
}

type Creation = 'created' | 'exists' | 'not permitted'

const notPermitted = new Set(['UNSUPPORTED_VERSION', 'CLUSTER_AUTHORIZATION_FAILED', 'TOPIC_AUTHORIZATION_FAILED'])
const worthRetrying = new Set(['INVALID_REPLICATION_FACTOR', 'REQUEST_TIMED_OUT'])

async function createTopic(admin: Admin, topic: InternalTopic, { timeoutMs, backoffMs, signal }: TopicCreationLimits, logger: Logger): Promise<Creation> {
  const deadline = performance.now() + timeoutMs
  for (let isFirst = true; ; isFirst = false) {
    const error = await creationError(admin, topic)
    if (error === null) {
      logger.info(`Created topic ${topic.name} (${topic.property})`)
      return 'created'
    }
    if (error.code === 'TOPIC_ALREADY_EXISTS') return 'exists'
    if (notPermitted.has(error.code)) {
      logger.debug(`Topic ${topic.name} could not be created and is taken to exist: ${error.message}`)
      return 'not permitted'
    }
    if (!worthRetrying.has(error.code) || performance.now() >= deadline || signal.aborted) throw creationFailed(topic, error)
    if (isFirst) logger.warn(`${creationFailed(topic, error).message} It is tried again for ${Math.round(timeoutMs / 1000)} s.`)
    await delay(backoffMs, undefined, { signal }).catch(() => undefined)
  }
}

async function creationError(admin: Admin, { name, partitions, replicationFactor, settings }: InternalTopic): Promise<KafkaError | null> {
  try {
    const [result] = await admin.createTopics([{ name, partitions, replicationFactor, configs: { ...settings, 'cleanup.policy': 'compact' } }])
    return result?.error ?? null
  } catch (error) {
    return error as KafkaError
  }
}

function creationFailed({ name, property, replicationFactor }: InternalTopic, cause: KafkaError): ConnectError {
  const prefix = property.slice(0, -'topic'.length)
  switch (cause.code) {
    case 'INVALID_CONFIG':
      return new ConnectError(`Unable to create topic(s) '${name}': ${cause.message}. Mend or remove the setting ${prefix}* of that name.`, { cause })
    case 'INVALID_REPLICATION_FACTOR':
      return new ConnectError(
        `Error while attempting to create/find topic(s) '${name}': ${cause.message.replace(/\.$/, '')}. ${prefix}replication.factor is ${replicationFactor}, which must not be more than there are brokers; 1 is for a single broker.`,
        { cause },
      )
    case 'REQUEST_TIMED_OUT':
      return new ConnectError(
        `Timed out while checking for or creating topic(s) '${name}'. This could indicate a connectivity issue, unavailable topic partitions, or if this is your first use of the topic it may have taken too long to create.`,
        { cause },
      )
    default:
      return new ConnectError(`Error while attempting to create/find topic(s) '${name}' (${property}): ${cause.message}`, { cause })
  }
}

async function verifyCleanupPolicy(admin: Admin, { name, property, purpose }: InternalTopic, logger: Logger): Promise<void> {
  const policies = await cleanupPolicies(admin, name)
  if (policies.length === 0) {
    logger.info(
      `Unable to use admin client to verify the cleanup policy of '${name}' topic is 'compact', either because the broker is an older version or because the Kafka principal used for Connect internal topics does not have the required permission to describe topic configurations.`,
    )
    return
  }
  if (policies.every((policy) => policy === 'compact')) return
  throw new ConfigError(
    `Topic '${name}' supplied via the '${property}' property is required to have 'cleanup.policy=compact' to guarantee consistency and durability of ${purpose}, but found the topic currently has 'cleanup.policy=${policies.join(',')}'. Continuing would likely result in eventually losing ${purpose} and problems restarting this Connect cluster in the future. Change the '${property}' property in the Connect worker configurations to use a topic with 'cleanup.policy=compact', or set it on this topic: kafka-configs.sh --alter --topic ${name} --add-config cleanup.policy=compact`,
    { key: property },
  )
}

/** Empty where they cannot be seen. */
async function cleanupPolicies(admin: Admin, topic: string): Promise<readonly string[]> {
  const [description] = await admin.describeConfigs([{ type: 'topic', name: topic }])
  const value = description?.error === null ? description.entries.find(({ name }) => name === 'cleanup.policy')?.value : undefined
  return (value ?? '')
    .split(',')
    .map((policy) => policy.trim().toLowerCase())
    .filter((policy) => policy !== '')
}
