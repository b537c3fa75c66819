import type { SecureVersion } from 'node:tls'
import { configurationError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import { cipherSuites } from './cipher-suites.ts'

/** Reads one setting: its text, trimmed, or null if it is not set. */
export type ReadSetting = (name: string) => string | null

/** Where a key or certificates come from. */
export type StoreConfig =
  | { readonly kind: 'pem'; readonly key: string | null; readonly certificates: string }
  | { readonly kind: 'file'; readonly location: string; readonly type: StoreType; readonly password: string | null }

export type StoreType = 'PEM' | 'PKCS12' | 'JKS'

/** The complete settings of TLS; no file has been read yet. */
export interface TlsConfig {
  /** null: the authorities that Node brings along, as Java uses those of its own. */
  readonly trustStore: StoreConfig | null
  /** null: this side shows no certificate. */
  readonly keyStore: StoreConfig | null
  readonly keyPassword: string | null
  readonly minVersion: SecureVersion
  readonly maxVersion: SecureVersion
  readonly ciphers: string | undefined
  /** Whether the broker's certificate has to name the host that was connected to. */
  readonly checksHost: boolean
}

/** Settings that choose between parts of a JVM: there is one implementation here, and it is the choice. */
const JVM_ONLY: ReadonlyMap<string, readonly string[]> = new Map([
  ['ssl.provider', []],
  ['ssl.keymanager.algorithm', ['SunX509', 'NewSunX509', 'PKIX']],
  ['ssl.trustmanager.algorithm', ['PKIX', 'SunX509', 'X509', 'X.509']],
  ['ssl.secure.random.implementation', []],
])
const ENGINE_FACTORY = 'org.apache.kafka.common.security.ssl.DefaultSslEngineFactory'

/**
 * Reads the `ssl.*` settings of a client and checks whether they fit together.
 *
 * @throws KafkaError `INVALID_CONFIGURATION`, with Java's message where Java has one. No password is in it.
 */
export function tlsConfig(read: ReadSetting, logger: Logger): TlsConfig {
  for (const [name, usual] of JVM_ONLY) {
    const value = read(name)
    if (value && !usual.includes(value)) logger.warn(`"${name}" chooses between parts of a Java virtual machine and has no effect here.`)
  }
  const factory = read('ssl.engine.factory.class')
  if (factory && factory !== ENGINE_FACTORY) {
    throw configurationError(`The configuration "ssl.engine.factory.class" is not supported: "${factory}" is a Java class. Remove it.`)
  }
  return {
    trustStore: trustStore(read),
    keyStore: keyStore(read),
    keyPassword: read('ssl.key.password'),
    ...versions(read, logger),
    ciphers: cipherSuites(list(read('ssl.cipher.suites'))),
    checksHost: checksHost(read('ssl.endpoint.identification.algorithm')),
  }
}

/** The rules and messages of Java's `DefaultSslEngineFactory.createKeystore`. */
function keyStore(read: ReadSetting): StoreConfig | null {
  const type = storeType(read, 'ssl.keystore.type')
  const location = read('ssl.keystore.location')
  const password = read('ssl.keystore.password')
  const key = read('ssl.keystore.key')
  const certificates = read('ssl.keystore.certificate.chain')
  if (key !== null) {
    if (type !== 'PEM') throw configurationError(`SSL private key can be specified only for PEM, but key store type is ${type}.`)
    if (certificates === null) throw configurationError('SSL private key is specified, but certificate chain is not specified.')
    if (location !== null) throw configurationError('Both SSL key store location and separate private key are specified.')
    if (password !== null) throw configurationError('SSL key store password cannot be specified with PEM format, only key password may be specified.')
    return { kind: 'pem', key, certificates }
  }
  if (certificates !== null) throw configurationError('SSL certificate chain is specified, but private key is not specified')
  if (type === 'PEM' && location !== null && password !== null) {
    throw configurationError('SSL key store password cannot be specified with PEM format, only key password may be specified')
  }
  if (location === null && password !== null) throw configurationError('SSL key store is not specified, but key store password is specified.')
  if (location === null) return null
  if (type !== 'PEM' && password === null) throw configurationError('SSL key store is specified, but key store password is not specified.')
  return { kind: 'file', location, type, password }
}

/** The rules and messages of Java's `DefaultSslEngineFactory.createTruststore`. */
function trustStore(read: ReadSetting): StoreConfig | null {
  const type = storeType(read, 'ssl.truststore.type')
  const location = read('ssl.truststore.location')
  const password = read('ssl.truststore.password')
  const certificates = read('ssl.truststore.certificates')
  if (certificates !== null) {
    if (type !== 'PEM') throw configurationError(`SSL trust store certs can be specified only for PEM, but trust store type is ${type}.`)
    if (location !== null) throw configurationError('Both SSL trust store location and separate trust certificates are specified.')
    if (password !== null) throw configurationError('SSL trust store password cannot be specified for PEM format.')
    return { kind: 'pem', key: null, certificates }
  }
  if (type === 'PEM' && location !== null && password !== null) throw configurationError('SSL trust store password cannot be specified for PEM format.')
  if (location === null && password !== null) throw configurationError('SSL trust store is not specified, but trust store password is specified.')
  return location === null ? null : { kind: 'file', location, type, password }
}

function storeType(read: ReadSetting, name: string): StoreType {
  const type = read(name) ?? 'JKS'
  if (type === 'PEM') return type
  const upper = type.toUpperCase()
  if (upper === 'JKS' || upper === 'PKCS12') return upper
  throw configurationError(`Invalid value ${type} for configuration ${name}: stores of this type cannot be read. Convert it to PKCS12, JKS or PEM.`)
}

/** As in Java, `ssl.protocol` limits what `ssl.enabled.protocols` lists. */
function versions(read: ReadSetting, logger: Logger): Pick<TlsConfig, 'minVersion' | 'maxVersion'> {
  const protocol = read('ssl.protocol') ?? 'TLSv1.3'
  if (!['TLS', 'TLSv1.2', 'TLSv1.3'].includes(protocol)) {
    throw configurationError(`Invalid value ${protocol} for configuration ssl.protocol: use TLSv1.3 or TLSv1.2; older ones are not secure`)
  }
  const enabled = list(read('ssl.enabled.protocols'))
  const wanted = enabled.length === 0 ? ['TLSv1.2', 'TLSv1.3'] : enabled
  const older = wanted.filter((name) => ['TLSv1.1', 'TLSv1', 'SSLv3', 'SSLv2Hello'].includes(name))
  if (older.length > 0) logger.warn(`"ssl.enabled.protocols" lists ${older.join(', ')}, which are not secure and not used.`)
  const unknown = wanted.find((name) => name !== 'TLSv1.2' && name !== 'TLSv1.3' && !older.includes(name))
  if (unknown !== undefined) throw configurationError(`Invalid value ${unknown} for configuration ssl.enabled.protocols: Unsupported protocol: ${unknown}`)
  const has = (name: string): boolean => wanted.includes(name) && (name !== 'TLSv1.3' || protocol !== 'TLSv1.2')
  if (!has('TLSv1.2') && !has('TLSv1.3')) {
    throw configurationError(`"ssl.enabled.protocols" (${wanted.join(',')}) and "ssl.protocol" (${protocol}) leave no version of TLS that can be used`)
  }
  return { minVersion: has('TLSv1.2') ? 'TLSv1.2' : 'TLSv1.3', maxVersion: has('TLSv1.3') ? 'TLSv1.3' : 'TLSv1.2' }
}

function checksHost(algorithm: string | null): boolean {
  if (algorithm === null || /^https$/i.test(algorithm)) return true
  if (algorithm === '') return false
  throw configurationError(`Invalid value ${algorithm} for configuration ssl.endpoint.identification.algorithm: use https, or leave it empty`)
}

function list(text: string | null): string[] {
  return (text ?? '')
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')
}
