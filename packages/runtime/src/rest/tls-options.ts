import type { ConnectionOptions, SecureContextOptions, TlsOptions } from 'node:tls'
import { ConfigError, type Logger, type Properties } from '@millrace/api'
import { isKafkaError, readTlsOptions, silentLogger } from '@millrace/kafka'

/**
 * How an https listener proves who it is, and whom it lets in, from the `ssl.*` settings. Where any setting begins with `prefix`, only those count;
 * otherwise the worker's own. Stores may be JKS, PKCS12 or PEM (also given inline).
 *
 * @param prefix `listeners.https.` or `admin.listeners.https.`
 * @throws ConfigError that names the key, and never a password
 */
export async function tlsOptions(properties: Properties, prefix: string, log: Logger): Promise<TlsOptions> {
  const settings = sslSettings(properties, prefix)
  const options = await readSettings(settings, log)
  if (options.key === undefined) throw settings.error('ssl.keystore.location', 'is missing: a listener with TLS needs a key and a certificate')
  return { ...options, ...clientAuthentication(settings) }
}

/**
 * How this worker proves who it is to other workers, and whom it believes, from the same settings: the key store is its own, the trust store that of the others.
 * Whether the listener asks its clients for certificates has nothing to do with it.
 *
 * @param prefix `listeners.https.`
 * @throws ConfigError that names the key, and never a password
 */
export async function workerTlsOptions(properties: Properties, prefix: string, log: Logger): Promise<ConnectionOptions> {
  const settings = sslSettings(properties, prefix)
  const options = await readSettings(settings, log)
  const checksHost = settings.read('ssl.endpoint.identification.algorithm') !== ''
  return { ...options, ...(checksHost ? {} : { checkServerIdentity: () => undefined }) }
}

interface SslSettings {
  read(name: string): string | null
  /** The name as it is written in the worker's file. */
  written(name: string): string
  error(name: string, problem: string): ConfigError
}

function sslSettings(properties: Properties, prefix: string): SslSettings {
  const isPrefixed = Object.keys(properties).some((key) => key.startsWith(prefix))
  const written = (name: string): string => (isPrefixed ? prefix + name : name)
  return {
    read: (name) => properties[written(name)]?.trim() ?? null,
    written,
    error: (name, problem) => new ConfigError(`"${written(name)}" ${problem}.`, { key: written(name) }),
  }
}

/** The readers are those of the Kafka client, which know nothing of listeners: what they say is told with the names that the user wrote. */
async function readSettings(settings: SslSettings, log: Logger): Promise<SecureContextOptions> {
  const translated = (message: string): string =>
    message.replace(/("| configuration )(ssl\.[a-z.]*[a-z])/g, (_, before: string, name: string) => before + settings.written(name))
  try {
    return await readTlsOptions((name) => settings.read(name), { ...silentLogger, warn: (message) => log.warn(translated(message)) })
  } catch (cause) {
    if (!isKafkaError(cause)) throw cause
    const [, name] = /(?:"| configuration )(ssl\.[a-z.]*[a-z])/.exec(cause.message) ?? []
    throw new ConfigError(translated(cause.message), { ...(name === undefined ? {} : { key: settings.written(name) }), cause })
  }
}

function clientAuthentication(settings: SslSettings): TlsOptions {
  const wanted = settings.read('ssl.client.auth') ?? 'none'
  if (wanted === 'none') return {}
  if (wanted === 'requested') return { requestCert: true, rejectUnauthorized: false }
  if (wanted === 'required') return { requestCert: true, rejectUnauthorized: true }
  throw settings.error('ssl.client.auth', `is "${wanted}": use required, requested or none`)
}
