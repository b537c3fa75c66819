import { ConfigError, type Logger, type Properties } from '@millrace/api'
import { Admin, type ClientKey, type ClientKind, clientKeys } from '@millrace/kafka'
import type { WorkerConfig } from '../config/worker-config.ts'
import type { ConsumerGroups, SinkGroup } from '../herder/connector-offsets.ts'
import type { StandaloneHerderOptions } from '../herder/standalone/standalone-herder.ts'

/** Where the worker's Kafka cluster is, and which one. */
export interface Cluster {
  readonly bootstrapServers: string
  readonly clusterId: string
}

/** After how long the log says that the worker waits for its cluster. */
const CLUSTER_PATIENCE_MS = 5_000

/** Asks the cluster for its id (`WorkerConfig.lookupKafkaClusterId`). @throws ConfigError where it cannot be reached; KafkaError where a setting is wrong. */
export async function lookUpCluster(config: WorkerConfig, logger: Logger): Promise<Cluster> {
  const bootstrapServers = config.bootstrapServers.join(',')
  const stillWaiting = setTimeout(() => logger.warn(`Still waiting for an answer of the Kafka cluster "${bootstrapServers}".`), CLUSTER_PATIENCE_MS)
  try {
    await using admin = closing(new Admin(adminProperties(config.properties, bootstrapServers), { logger }))
    const { clusterId } = await admin.client.describeCluster()
    return { bootstrapServers, clusterId: clusterId ?? '' }
  } catch (cause) {
    const { code } = cause as { readonly code?: unknown }
    if (code === 'INVALID_CONFIGURATION') throw cause
    throw new ConfigError(
      `Failed to connect to and describe Kafka cluster "${bootstrapServers}" (bootstrap.servers). Check worker's broker connection and security properties. ${cause instanceof Error ? cause.message : String(cause)}`,
      { key: code === 'SASL_AUTHENTICATION_FAILED' ? 'sasl.jaas.config' : 'bootstrap.servers', cause },
    )
  } finally {
    clearTimeout(stillWaiting)
  }
}

/** The consumer groups of sinks, with an admin client per question. */
export function consumerGroups({ bootstrapServers }: Cluster, logger: Logger): ConsumerGroups {
  const ask = async <T>({ properties }: SinkGroup, question: (admin: Admin) => Promise<T>): Promise<T> => {
    // Only the worker's own `embedded` has to be put right: a connector may read from another cluster.
    const servers = properties['bootstrap.servers'] === 'embedded' ? bootstrapServers : (properties['bootstrap.servers'] ?? bootstrapServers)
    await using admin = closing(new Admin(adminProperties(properties, servers), { logger }))
    return await question(admin.client)
  }
  return {
    offsets: (group) => ask(group, (admin) => admin.listConsumerGroupOffsets(group.id)),
    alterOffsets: (group, offsets) => ask(group, async (admin) => void (await admin.alterConsumerGroupOffsets(group.id, offsets))),
    removeOffsets: (group, partitions) => ask(group, async (admin) => void (await admin.deleteConsumerGroupOffsets(group.id, partitions))),
    remove: (group) =>
      ask(group, async (admin) => {
        const [result] = await admin.deleteConsumerGroups([group.id])
        if (result?.error && result.error.code !== 'GROUP_ID_NOT_FOUND') throw result.error
      }),
  }
}

/** What is known of a setting of Kafka clients; null where nothing is. */
export const clientKeyOf: NonNullable<StandaloneHerderOptions['clientKeyOf']> = (client, name) => {
  const key = keyNamed(client.toLowerCase() as ClientKind, name)
  return key === undefined ? null : { type: key.type, defaultValue: key.default ?? null, isRequired: key.default === undefined }
}

/** A worker's settings are for many; a client would warn of those that it does not know. */
function adminProperties(properties: Properties, bootstrapServers: string): Properties {
  const known = Object.entries(properties).filter(([name]) => keyNamed('admin', name) !== undefined)
  return { ...Object.fromEntries(known), 'bootstrap.servers': bootstrapServers }
}

function keyNamed(client: ClientKind, name: string): ClientKey | undefined {
  return clientKeys.find((key) => key.name === name && key.clients.includes(client))
}

function closing(client: Admin): AsyncDisposable & { readonly client: Admin } {
  return { client, [Symbol.asyncDispose]: () => client.close() }
}
