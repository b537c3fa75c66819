import { configurationError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import { ClientMetrics } from '../metrics/client-metrics.ts'
import { ClientSecurity } from '../security/client-security.ts'
import { securityConfig } from '../security/security-config.ts'
import type { ClientKind } from './client-keys.ts'
import { ClientProperties, type Properties } from './client-properties.ts'

/** Where a broker listens. */
export interface Address {
  readonly host: string
  readonly port: number
}

/** What every client needs to reach a cluster. All times in milliseconds. */
export interface ConnectionConfig {
  readonly clientId: string
  readonly bootstrapServers: readonly Address[]
  readonly requestTimeoutMs: number
  readonly connectTimeoutMs: number
  readonly connectTimeoutMaxMs: number
  readonly connectionIdleMaxMs: number
  readonly metadataAgeMaxMs: number
  /** Whether the bootstrap servers are asked again when no known broker answers (KIP-899). */
  readonly isRebootstrapping: boolean
  readonly retryBackoffMs: number
  readonly retryBackoffMaxMs: number
  readonly reconnectBackoffMs: number
  readonly reconnectBackoffMaxMs: number
  readonly security: ClientSecurity
  /** What the client counts; its name and the windows of time are settings. */
  readonly metrics: ClientMetrics
}

const clientsMade: Record<ClientKind, number> = { producer: 0, consumer: 0, admin: 0 }
const metricPrefixes = { producer: 'producer', consumer: 'consumer', admin: 'admin-client' } as const satisfies Record<ClientKind, string>
const clientIdPrefixes: Record<ClientKind, string> = { producer: 'producer', consumer: 'consumer', admin: 'adminclient' }

/** Reads the settings that all clients share. */
export function connectionConfig(client: ClientKind, properties: ClientProperties, logger: Logger): ConnectionConfig {
  const clientId = properties.string('client.id') || `${clientIdPrefixes[client]}-${++clientsMade[client]}`
  return {
    clientId,
    bootstrapServers: bootstrapServers(properties.list('bootstrap.servers')),
    requestTimeoutMs: properties.number('request.timeout.ms'),
    connectTimeoutMs: properties.number('socket.connection.setup.timeout.ms'),
    connectTimeoutMaxMs: properties.number('socket.connection.setup.timeout.max.ms'),
    connectionIdleMaxMs: properties.number('connections.max.idle.ms'),
    metadataAgeMaxMs: properties.number('metadata.max.age.ms'),
    isRebootstrapping: properties.string('metadata.recovery.strategy') === 'rebootstrap',
    retryBackoffMs: properties.number('retry.backoff.ms'),
    retryBackoffMaxMs: properties.number('retry.backoff.max.ms'),
    reconnectBackoffMs: properties.number('reconnect.backoff.ms'),
    reconnectBackoffMaxMs: properties.number('reconnect.backoff.max.ms'),
    security: new ClientSecurity(
      securityConfig((name) => properties.stringOrNull(name), logger),
      logger,
    ),
    metrics: new ClientMetrics({
      prefix: metricPrefixes[client],
      clientId,
      windowMs: properties.number('metrics.sample.window.ms'),
      samples: properties.number('metrics.num.samples'),
    }),
  }
}

/** Reads `host:port` pairs, `[::1]:9092` included; a protocol in front is ignored, as in Java. */
export function bootstrapServers(servers: readonly string[]): Address[] {
  if (servers.length === 0) throw configurationError('No resolvable bootstrap urls given in bootstrap.servers')
  return servers.map((server) => {
    const match = /^(?:[a-zA-Z0-9_]+:\/\/)?(?:\[([0-9a-fA-F:.%]+)\]|([^\s:/[\]]+)):(\d{1,5})$/.exec(server)
    const port = Number(match?.[3])
    if (!match || port < 1 || port > 65535) throw configurationError(`Invalid url in bootstrap.servers: ${server}`)
    return { host: (match[1] ?? match[2])!, port }
  })
}

/** The properties of a client, checked by the table of its keys. */
export function clientProperties(client: ClientKind, properties: Properties, logger: Logger): ClientProperties {
  return new ClientProperties(client, properties, logger)
}
