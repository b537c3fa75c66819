import { ConfigError, type Logger, type Properties } from '@millrace/api'
import { isKafkaError, parseJaasConfig } from '@millrace/kafka'
import { readPropertiesFile, SettingsFileError } from '../config/properties-file.ts'
import { tlsOptions } from '../rest/tls-options.ts'
import { EXIT_NOT_STARTED, StartupError } from './startup-error.ts'
import { settingsError, warnOfDuplicates } from './worker-settings.ts'

/** What a file with settings of the embedded broker says; what it leaves out is undefined. */
export interface BrokerSettings {
  readonly host?: string
  readonly port?: number
  readonly dataDir?: string
  readonly security: {
    readonly tls?: { readonly key: string; readonly cert: string; readonly ca?: string; readonly isClientCertificateRequired: boolean }
    readonly sasl?: { readonly users: Readonly<Record<string, string>>; readonly mechanisms?: readonly SaslMechanism[]; readonly sessionLifetimeMs?: number }
  }
  /** All others, for the broker to judge. */
  readonly properties: Properties
}

type SaslMechanism = 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'

const MECHANISMS: readonly SaslMechanism[] = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512']
const PROTOCOLS = ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'] as const
const LISTENER = /^([A-Za-z_]+):\/\/\[?([0-9a-zA-Z\-%._:]*)\]?:(\d+)$/

/**
 * Reads the settings of the embedded broker from a file like Kafka's `server.properties`: one of `listeners`, `log.dirs`, `ssl.*`, `sasl.enabled.mechanisms` and the
 * users of `sasl.jaas.config` (`user_alice="her password"`), the last three also behind `listener.name.<protocol>.`.
 *
 * @throws StartupError that names file, line and key, and never a password.
 */
export async function readBrokerSettings(file: string, logger: Logger): Promise<BrokerSettings> {
  const found = await readPropertiesFile(file).catch((error: unknown) => {
    if (error instanceof SettingsFileError) throw new StartupError(error.message, EXIT_NOT_STARTED, { cause: error })
    throw error
  })
  warnOfDuplicates(file, found.duplicates, logger)
  try {
    return await brokerSettingsOf(found.properties, logger)
  } catch (error) {
    throw settingsError(error, file, found)
  }
}

async function brokerSettingsOf(properties: Properties, logger: Logger): Promise<BrokerSettings> {
  const { protocol, host, port } = listenerOf(properties.listeners ?? 'PLAINTEXT://127.0.0.1:9092')
  const prefix = `listener.name.${protocol.toLowerCase()}.`
  const isSasl = protocol.startsWith('SASL_')
  if (!isSasl) refuseInVain(properties, prefix, protocol)
  const dataDir = properties['log.dirs'] ?? properties['log.dir']
  if (dataDir?.includes(',')) throw ConfigError.invalidValue('log.dirs', dataDir, 'The embedded broker keeps its data in one folder')
  return {
    host: host === '' ? '0.0.0.0' : host,
    port,
    ...(dataDir === undefined ? {} : { dataDir: dataDir.trim() }),
    security: {
      ...(protocol.endsWith('SSL') ? { tls: await tlsOf(properties, prefix, logger) } : {}),
      ...(isSasl ? { sasl: saslOf(properties, prefix) } : {}),
    },
    properties: Object.fromEntries(Object.entries(properties).filter(([key]) => !isReadHere(key, prefix))),
  }
}

function listenerOf(text: string): { readonly protocol: string; readonly host: string; readonly port: number } {
  if (text.includes(',')) throw ConfigError.invalidValue('listeners', text, 'The embedded broker has one listener')
  const [, name = '', host = '', port = ''] = LISTENER.exec(text.trim()) ?? []
  const protocol = PROTOCOLS.find((known) => known === name.toUpperCase())
  if (protocol === undefined || Number(port) > 65535)
    throw ConfigError.invalidValue('listeners', text, `Use PROTOCOL://host:port, where PROTOCOL is one of ${PROTOCOLS.join(', ')}`)
  return { protocol, host, port: Number(port) }
}

async function tlsOf(properties: Properties, prefix: string, logger: Logger): Promise<NonNullable<BrokerSettings['security']['tls']>> {
  const settings = Object.entries(properties).filter(([key]) => key.startsWith('ssl.') || key.startsWith(`${prefix}ssl.`))
  const { key, cert, ca, requestCert, rejectUnauthorized } = await tlsOptions(Object.fromEntries(settings), prefix, logger)
  if (requestCert === true && rejectUnauthorized === false)
    throw ConfigError.invalidValue('ssl.client.auth', 'requested', 'The embedded broker requires certificates of its clients, or asks for none')
  const authorities = ca === undefined ? {} : { ca: [ca].flat().join('\n') }
  // The readers give PEM.
  return { key: key as string, cert: cert as string, ...authorities, isClientCertificateRequired: requestCert === true }
}

function saslOf(properties: Properties, prefix: string): NonNullable<BrokerSettings['security']['sasl']> {
  const wanted = listed(properties['sasl.enabled.mechanisms'] ?? MECHANISMS.join(','))
  const mechanisms = wanted.map((name) => {
    const mechanism = MECHANISMS.find((known) => known === name)
    if (mechanism === undefined) throw ConfigError.invalidValue('sasl.enabled.mechanisms', name, `String must be one of: ${MECHANISMS.join(', ')}`)
    return mechanism
  })
  const users = Object.assign({}, ...jaasKeys(properties, prefix).map((key) => usersOf(key, properties[key] ?? ''))) as Record<string, string>
  if (Object.keys(users).length === 0)
    throw new ConfigError(
      `"listeners" asks for SASL, but there are no users. Name them: ${prefix}plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_alice="…";`,
      { key: 'listeners' },
    )
  const lifetime = properties['connections.max.reauth.ms']
  if (lifetime !== undefined && !/^\d+$/.test(lifetime.trim()))
    throw ConfigError.invalidValue('connections.max.reauth.ms', lifetime, 'Not a number of type LONG')
  return { users, mechanisms, ...(lifetime === undefined ? {} : { sessionLifetimeMs: Number(lifetime) }) }
}

/** Kafka's `PlainLoginModule` of brokers: an option `user_<name>` with the password of each. Here they may use each mechanism. */
function usersOf(key: string, jaas: string): Readonly<Record<string, string>> {
  try {
    const options = [...parseJaasConfig(jaas).options].filter(([option]) => option.startsWith('user_'))
    return Object.fromEntries(options.map(([option, password]) => [option.slice('user_'.length), password]))
  } catch (cause) {
    throw isKafkaError(cause) ? new ConfigError(`"${key}": ${cause.message}`, { key, cause }) : cause
  }
}

function jaasKeys(properties: Properties, prefix: string): string[] {
  const keys = ['sasl.jaas.config', ...MECHANISMS.map((mechanism) => `${prefix}${mechanism.toLowerCase()}.sasl.jaas.config`)]
  return keys.filter((key) => properties[key] !== undefined)
}

/** Users would believe that passwords are asked for. */
function refuseInVain(properties: Properties, prefix: string, protocol: string): void {
  const [key] = [...jaasKeys(properties, prefix), ...(properties['sasl.enabled.mechanisms'] === undefined ? [] : ['sasl.enabled.mechanisms'])]
  if (key !== undefined)
    throw new ConfigError(`"${key}" has no effect, because the listener is ${protocol}. Use SASL_PLAINTEXT or SASL_SSL in "listeners", or remove it.`, { key })
}

function isReadHere(key: string, prefix: string): boolean {
  const own = ['listeners', 'log.dirs', 'log.dir', 'sasl.enabled.mechanisms', 'sasl.jaas.config', 'connections.max.reauth.ms']
  return own.includes(key) || key.startsWith('ssl.') || key.startsWith(`${prefix}ssl.`) || (key.startsWith(prefix) && key.endsWith('.sasl.jaas.config'))
}

function listed(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
}
