import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls'
import { configurationError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import { readKeyStore } from './key-store.ts'
import { type KeyStoreEntry, KeyStoreError } from './key-store-entry.ts'
import { pemCertificates, pemFromDer, pemPrivateKeys } from './pem.ts'
import type { StoreConfig, TlsConfig } from './tls-config.ts'

/** Stores of all authorities of the world take less than a twentieth of it. */
const STORE_BYTES_MAX = 16 * 1024 * 1024

/**
 * Reads the key and trust stores. One context serves all connections of a client.
 *
 * @throws KafkaError `INVALID_CONFIGURATION` that names file, key and remedy, and never a password.
 */
export async function loadTlsContext(config: TlsConfig, logger: Logger): Promise<SecureContext> {
  return createSecureContext(await loadTlsOptions(config, logger))
}

/** As `loadTlsContext`, for whoever makes the context. */
export async function loadTlsOptions(config: TlsConfig, logger: Logger): Promise<SecureContextOptions> {
  const { trustStore, keyStore, keyPassword, minVersion, maxVersion, ciphers } = config
  const ca = trustStore && (await trustedCertificates(trustStore))
  const own = keyStore && (await ownKey(keyStore, keyPassword, logger))
  return {
    minVersion,
    maxVersion,
    ...(ciphers === undefined ? {} : { ciphers }),
    // In Java each certificate of a trust store is an anchor, also one that another authority has issued.
    ...(ca ? { ca, allowPartialTrustChain: true } : {}),
    ...(own ? { key: own.key, cert: own.chain } : {}),
  }
}

interface OwnKey {
  readonly key: string
  readonly chain: string
}

async function trustedCertificates(store: StoreConfig): Promise<string[]> {
  const certificates = await readCertificates(store)
  const name = describe(store, 'truststore')
  for (const certificate of certificates) parsed(certificate, name)
  if (certificates.length > 0) return certificates
  throw configurationError(`${name}: it holds no trusted certificate. ${emptyTrustStoreRemedy(store)}`)
}

async function readCertificates(store: StoreConfig): Promise<string[]> {
  if (store.kind === 'pem') return pemCertificates(store.certificates)
  const bytes = await readStore(store, 'truststore')
  if (store.type === 'PEM') return pemCertificates(bytes.toString('latin1'))
  // As in Java, the own certificate of a private key counts as trusted too.
  return entriesOf(store, bytes, 'truststore').map(({ certificates }) => pemFromDer('CERTIFICATE', certificates[0]!))
}

function emptyTrustStoreRemedy(store: StoreConfig): string {
  if (store.kind === 'pem' || store.type === 'PEM') return 'Give at least one certificate in PEM.'
  const password = store.password === null ? 'Set "ssl.truststore.password", without which encrypted certificates are not read, or add' : 'Add'
  return `${password} certificates with "keytool -importcert"; those of a PKCS12 store that is made with OpenSSL need its option -jdktrust.`
}

async function ownKey(store: StoreConfig, keyPassword: string | null, logger: Logger): Promise<OwnKey> {
  const name = describe(store, 'keystore')
  const { key, certificates } = await readKey(store, keyPassword, name, logger)
  const [own] = certificates.map((certificate) => parsed(certificate, name))
  if (!own) throw configurationError(`${name}: no certificate was found beside the private key.`)
  if (!own.checkPrivateKey(key)) throw configurationError(`${name}: the first certificate (${oneLine(own.subject)}) does not belong to the private key.`)
  if (Date.parse(own.validTo) < Date.now()) logger.warn(`${name}: the certificate (${oneLine(own.subject)}) has expired on ${own.validTo}.`)
  return { key: key.export({ type: 'pkcs8', format: 'pem' }) as string, chain: certificates.join('') }
}

interface KeyAndChain {
  readonly key: KeyObject
  readonly certificates: readonly string[]
}

async function readKey(store: StoreConfig, keyPassword: string | null, name: string, logger: Logger): Promise<KeyAndChain> {
  if (store.kind === 'pem') return { key: pemKey(store.key ?? '', keyPassword, name), certificates: pemCertificates(store.certificates) }
  const bytes = await readStore(store, 'keystore')
  if (store.type === 'PEM') {
    const text = bytes.toString('latin1')
    return { key: pemKey(text, keyPassword, name), certificates: pemCertificates(text) }
  }
  const keys = entriesOf(store, bytes, 'keystore').filter((entry) => entry.privateKey !== null)
  const [first, ...others] = keys
  if (!first) throw configurationError(`${name}: it holds no private key. Make one with "keytool -genkeypair", or leave "ssl.keystore.location" out.`)
  if (others.length > 0) logger.warn(`${name}: of its ${keys.length} keys the first, "${first.alias}", is used.`)
  return { key: storedKey(first, keyPassword ?? store.password ?? '', name), certificates: first.certificates.map((der) => pemFromDer('CERTIFICATE', der)) }
}

function storedKey({ alias, privateKey }: KeyStoreEntry, password: string, name: string): KeyObject {
  try {
    return createPrivateKey({ key: privateKey!(password), format: 'der', type: 'pkcs8' })
  } catch (cause) {
    const problem = cause instanceof KeyStoreError ? cause.message : 'it is of a kind that cannot be used'
    throw withCause(
      configurationError(`${name}: the key "${alias}" cannot be read: ${problem}. Check "ssl.key.password", by default that of the store.`),
      cause,
    )
  }
}

function pemKey(text: string, password: string | null, name: string): KeyObject {
  const keys = pemPrivateKeys(text)
  if (keys.length === 0) throw configurationError(`${name}: Private key not provided. It has to be PKCS #8 in PEM.`)
  if (keys.length > 1) throw configurationError(`${name}: Expected one private key, but found ${keys.length}`)
  const key = keys[0]!
  if (password === null && key.includes('ENCRYPTED')) throw configurationError(`${name}: the private key is encrypted. Set "ssl.key.password".`)
  try {
    return createPrivateKey(password === null ? { key } : { key, passphrase: password })
  } catch (cause) {
    const remedy = password === null ? '' : ' Check "ssl.key.password".'
    throw withCause(configurationError(`${name}: Private key could not be loaded.${remedy}`), cause)
  }
}

type FileStore = Extract<StoreConfig, { kind: 'file' }>
type Purpose = 'keystore' | 'truststore'

async function readStore(store: FileStore, purpose: Purpose): Promise<Buffer> {
  try {
    const { size } = await stat(store.location)
    if (size <= STORE_BYTES_MAX) return await readFile(store.location)
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code === 'ENOENT' ? 'the file does not exist' : (cause as Error).message
    throw withCause(configurationError(`${describe(store, purpose)}: ${reason}.`), cause)
  }
  throw configurationError(`${describe(store, purpose)}: the file is larger than ${STORE_BYTES_MAX} bytes, which no key store is.`)
}

function entriesOf(store: FileStore, bytes: Buffer, purpose: Purpose): KeyStoreEntry[] {
  try {
    return readKeyStore(bytes, store.password)
  } catch (error) {
    if (!(error instanceof KeyStoreError)) throw error
    const remedies: Record<KeyStoreError['reason'], string> = {
      password: `Check "ssl.${purpose}.password".`,
      format: `Check "ssl.${purpose}.location" and "ssl.${purpose}.type".`,
      unsupported: `Convert it, for example with "keytool -importkeystore -deststoretype PKCS12", or set "ssl.${purpose}.type".`,
    }
    throw withCause(configurationError(`${describe(store, purpose)}: ${error.message}. ${remedies[error.reason]}`), error)
  }
}

function describe(store: StoreConfig, purpose: Purpose): string {
  if (store.kind === 'file') return `Failed to load SSL ${purpose} ${store.location} of type ${store.type} ("ssl.${purpose}.location")`
  return purpose === 'truststore'
    ? 'Invalid PEM truststore configs ("ssl.truststore.certificates")'
    : 'Invalid PEM keystore configs ("ssl.keystore.key", "ssl.keystore.certificate.chain")'
}

function parsed(pem: string, name: string): X509Certificate {
  try {
    return new X509Certificate(pem)
  } catch (cause) {
    throw withCause(configurationError(`${name}: a certificate cannot be read.`), cause)
  }
}

function oneLine(subject: string): string {
  return subject.replaceAll('\n', ', ')
}

function withCause<E extends Error>(error: E, cause: unknown): E {
  error.cause = cause
  return error
}
