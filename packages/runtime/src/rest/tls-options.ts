import { readFile } from 'node:fs/promises'
import { getCiphers, type SecureVersion, type TlsOptions } from 'node:tls'
import { ConfigError, type Logger, type Properties } from '@millrace/api'

/** Settings that only choose between parts of a JVM. */
const JVM_ONLY = ['ssl.protocol', 'ssl.provider', 'ssl.keymanager.algorithm', 'ssl.trustmanager.algorithm', 'ssl.secure.random.implementation']

/**
 * How an https listener proves who it is, from the `ssl.*` settings. Where any setting begins with `prefix`, only those count; otherwise the
 * worker's own. Key stores may be PEM (also given inline) or PKCS12, trust stores PEM; other types are refused by name.
 *
 * @param prefix `listeners.https.` or `admin.listeners.https.`
 * @throws ConfigError
 */
export async function tlsOptions(properties: Properties, prefix: string, log: Logger): Promise<TlsOptions> {
  const settings = sslSettings(properties, prefix)
  for (const key of JVM_ONLY) {
    if (settings.has(key)) log.warn(`"${prefix}${key}" chooses between parts of a Java virtual machine and has no effect here.`)
  }
  if (settings.has('ssl.engine.factory.class')) throw configError(prefix, 'ssl.engine.factory.class', 'names a Java class, which cannot be loaded: remove it')
  return {
    ...(await ownKey(settings, prefix)),
    ...(await trusted(settings, prefix)),
    ...clientAuthentication(settings, prefix),
    ...protocols(settings, prefix),
    ...ciphers(settings, prefix),
  }
}

type Settings = ReadonlyMap<string, string>

function sslSettings(properties: Properties, prefix: string): Settings {
  const entries = Object.entries(properties)
  const own = entries.filter(([key]) => key.startsWith(prefix)).map(([key, value]) => [key.slice(prefix.length), value] as const)
  return new Map(own.length > 0 ? own : entries.filter(([key]) => key.startsWith('ssl.')))
}

async function ownKey(settings: Settings, prefix: string): Promise<TlsOptions> {
  const type = (settings.get('ssl.keystore.type') ?? 'JKS').toUpperCase()
  const location = settings.get('ssl.keystore.location')
  const passphrase = settings.get('ssl.key.password') ?? settings.get('ssl.keystore.password')
  if (type === 'PEM') {
    const key = settings.get('ssl.keystore.key')
    const chain = settings.get('ssl.keystore.certificate.chain')
    if (key !== undefined && chain !== undefined) return { key, cert: chain, ...(passphrase === undefined ? {} : { passphrase }) }
    if (location === undefined) throw configError(prefix, 'ssl.keystore.location', 'is missing: an https listener needs a key and a certificate')
    const pem = await readStore(location, prefix, 'ssl.keystore.location')
    return { key: pem, cert: pem, ...(passphrase === undefined ? {} : { passphrase }) }
  }
  if (type !== 'PKCS12') throw configError(prefix, 'ssl.keystore.type', `is ${type}, which cannot be read: convert the store to PKCS12 or PEM and say so here`)
  if (location === undefined) throw configError(prefix, 'ssl.keystore.location', 'is missing: an https listener needs a key and a certificate')
  const password = settings.get('ssl.keystore.password')
  return { pfx: await readStore(location, prefix, 'ssl.keystore.location'), ...(password === undefined ? {} : { passphrase: password }) }
}

async function trusted(settings: Settings, prefix: string): Promise<TlsOptions> {
  const inline = settings.get('ssl.truststore.certificates')
  const location = settings.get('ssl.truststore.location')
  if (inline === undefined && location === undefined) return {}
  const type = (settings.get('ssl.truststore.type') ?? 'JKS').toUpperCase()
  if (type !== 'PEM') throw configError(prefix, 'ssl.truststore.type', `is ${type}, which cannot be read: export the certificates as PEM and say so here`)
  return { ca: inline ?? (await readStore(location ?? '', prefix, 'ssl.truststore.location')) }
}

function clientAuthentication(settings: Settings, prefix: string): TlsOptions {
  const wanted = settings.get('ssl.client.auth') ?? 'none'
  if (wanted === 'none') return {}
  if (wanted === 'requested') return { requestCert: true, rejectUnauthorized: false }
  if (wanted === 'required') return { requestCert: true, rejectUnauthorized: true }
  throw configError(prefix, 'ssl.client.auth', `is "${wanted}": use required, requested or none`)
}

function protocols(settings: Settings, prefix: string): TlsOptions {
  const text = settings.get('ssl.enabled.protocols')
  if (text === undefined) return { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.3' }
  const names = text.split(',').map((name) => name.trim())
  const unknown = names.find((name) => name !== 'TLSv1.2' && name !== 'TLSv1.3')
  if (unknown !== undefined) throw configError(prefix, 'ssl.enabled.protocols', `names "${unknown}": use TLSv1.2 and TLSv1.3`)
  const versions = [...names].sort() as SecureVersion[]
  return { minVersion: versions[0], maxVersion: versions.at(-1) }
}

function ciphers(settings: Settings, prefix: string): TlsOptions {
  const names = (settings.get('ssl.cipher.suites') ?? '').split(',').map((name) => name.trim())
  const wanted = names.filter((name) => name !== '')
  if (wanted.length === 0) return {}
  const known = new Set(getCiphers())
  const openssl = wanted.map((name) => {
    const own = opensslName(name)
    if (!known.has(own.toLowerCase())) throw configError(prefix, 'ssl.cipher.suites', `names "${name}", which is not known here`)
    return own
  })
  return { ciphers: openssl.join(':') }
}

/** `TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256` is `ECDHE-RSA-AES128-GCM-SHA256`; suites of TLS 1.3 have one name everywhere. */
function opensslName(name: string): string {
  const [, exchange, cipher] = /^TLS_(.+)_WITH_(.+)$/.exec(name) ?? []
  if (exchange === undefined || cipher === undefined) return name
  const suite = cipher
    .replace(/AES_(\d+)/, 'AES$1')
    .replace('_CBC', '')
    .replace('CHACHA20_POLY1305_SHA256', 'CHACHA20_POLY1305')
  return [...(exchange === 'RSA' ? [] : [exchange]), suite].join('-').replaceAll('_', '-')
}

async function readStore(location: string, prefix: string, key: string): Promise<Buffer> {
  try {
    return await readFile(location)
  } catch (cause) {
    throw new ConfigError(`"${prefix}${key}" names the file "${location}", which cannot be read.`, { key: `${prefix}${key}`, cause })
  }
}

function configError(prefix: string, key: string, problem: string): ConfigError {
  return new ConfigError(`"${prefix}${key}" ${problem}.`, { key: `${prefix}${key}` })
}
