import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer as createPlainServer, type Server } from 'node:net'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { createServer, type TlsOptions } from 'node:tls'
import type { KafkaError } from '@millrace/kafka-protocol'
import { temporaryFolder } from '@millrace/testing'
import { silentLogger } from '../logger.ts'
import { ClientSecurity, noSecurity } from './client-security.ts'
import { securityConfig } from './security-config.ts'
import { looksLikeTls } from './tls-failure.ts'

const stores = join(import.meta.dirname, '..', '..', 'testdata')
const path = (name: string) => join(stores, name)
const read = (name: string) => readFileSync(path(name), 'utf8')
const STORE = 'store-secret'
const KEY = 'key-secret'

type Properties = Readonly<Record<string, string>>

const trust: Properties = { 'ssl.truststore.location': path('truststore.jks'), 'ssl.truststore.password': STORE }

function securityOf(properties: Properties, warnings: string[] = []): ClientSecurity {
  const logger = { ...silentLogger, warn: (text: string) => warnings.push(text) }
  return new ClientSecurity(
    securityConfig((name) => properties[name] ?? null, logger),
    logger,
  )
}

/** A server that greets whom it accepts with his name. */
async function tlsServer(t: TestContext, options: TlsOptions = {}): Promise<number> {
  const server = createServer({ key: read('server-key.pem'), cert: read('server.pem'), ca: read('ca.pem'), ...options }, (socket) => {
    socket.on('error', () => socket.destroy())
    socket.end(String(socket.getPeerCertificate()?.subject?.CN ?? 'nobody'))
  })
  server.on('tlsClientError', () => undefined)
  return await listening(t, server)
}

async function listening(t: TestContext, server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  return (server.address() as AddressInfo).port
}

/** Connects and returns what the server says; an error as the client explains it. */
async function greeting(port: number, properties: Properties, host = '127.0.0.1'): Promise<string> {
  const hasTrustStore = Object.keys(properties).some((name) => name.startsWith('ssl.truststore.'))
  const security = securityOf({ 'security.protocol': 'SSL', ...(hasTrustStore ? {} : trust), ...properties })
  await security.prepare()
  let text = ''
  const buffer = Buffer.alloc(1000)
  const callback = (length: number): boolean => {
    text += buffer.toString('utf8', 0, length)
    return true
  }
  const socket = security.openSocket({ host, port }, { buffer, callback })
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  socket.on('error', (error) => reject(security.failure(`${host}:${port}`, error) ?? error))
  socket.on('close', () => resolve())
  socket.on('end', () => socket.end())
  await promise
  return text
}

function pemTrust(name: string): Properties {
  return { 'ssl.truststore.location': path(name), 'ssl.truststore.type': 'PEM' }
}

function refusal(code: string, message: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.equal((error as KafkaError).code, code, String(error))
    assert.match((error as Error).message, message)
    assert.doesNotMatch((error as Error).message, /store-secret|key-secret/)
    return true
  }
}

const clientStores: Readonly<Record<string, Properties>> = {
  JKS: { 'ssl.keystore.location': path('keystore.jks'), 'ssl.keystore.password': STORE, 'ssl.key.password': KEY },
  PKCS12: { 'ssl.keystore.location': path('keystore.p12'), 'ssl.keystore.password': STORE, 'ssl.keystore.type': 'PKCS12' },
  'PKCS12 of OpenSSL': { 'ssl.keystore.location': path('keystore-openssl.p12'), 'ssl.keystore.password': STORE },
  'PEM in a file': { 'ssl.keystore.location': path('client-keystore.pem'), 'ssl.keystore.type': 'PEM' },
  'PEM in the settings': {
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.key': read('client-key-encrypted.pem'),
    'ssl.key.password': KEY,
    'ssl.keystore.certificate.chain': read('client-chain.pem'),
  },
  'PEM in one line': {
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.key': read('client-key.pem').replaceAll('\n', ' '),
    'ssl.keystore.certificate.chain': read('client-chain.pem').replaceAll('\n', ' '),
  },
}

for (const [kind, properties] of Object.entries(clientStores)) {
  test(`shows the certificate of a key store: ${kind}`, async (t) => {
    const port = await tlsServer(t, { requestCert: true, rejectUnauthorized: true })
    assert.equal(await greeting(port, properties), 'alice')
  })
}

test('checks the name of the host, by its name and by its address', async (t) => {
  const port = await tlsServer(t)
  assert.equal(await greeting(port, {}, 'localhost'), 'nobody')
  const other = await tlsServer(t, { key: read('other-host-key.pem'), cert: read('other-host.pem') })
  await assert.rejects(greeting(other, {}), refusal('SSL_AUTHENTICATION_FAILED', /for other names \(DNS:elsewhere\.example\)/))
  assert.equal(await greeting(other, { 'ssl.endpoint.identification.algorithm': '' }), 'nobody')
})

test('trusts what is in the trust store and nothing else', async (t) => {
  const port = await tlsServer(t)
  for (const name of ['ca.pem', 'server.pem']) {
    assert.equal(await greeting(port, pemTrust(name)), 'nobody', name)
  }
  await assert.rejects(greeting(port, pemTrust('other-ca.pem')), refusal('SSL_AUTHENTICATION_FAILED', /not issued by an authority that is trusted/))
  const expired = await tlsServer(t, { key: read('expired-key.pem'), cert: read('expired.pem') })
  await assert.rejects(greeting(expired, {}), refusal('SSL_AUTHENTICATION_FAILED', /certificate of the broker has expired/))
})

test('explains a broker that does not speak TLS', async (t) => {
  const answering = await listening(
    t,
    createPlainServer((socket) => socket.on('error', () => undefined).end('\0\0\0\0 not TLS at all')),
  )
  await assert.rejects(greeting(answering, {}), refusal('SSL_AUTHENTICATION_FAILED', /does not speak TLS on this port/))
  const closing = await listening(
    t,
    createPlainServer((socket) => socket.on('error', () => undefined).on('data', () => socket.destroy())),
  )
  await assert.rejects(
    greeting(closing, {}),
    (error: Error) => /closed during the TLS handshake/.test(error.message) || (error as { code?: string }).code === 'ECONNRESET',
  )
})

test('explains versions of TLS that do not meet', async (t) => {
  const port = await tlsServer(t, { minVersion: 'TLSv1.3' })
  await assert.rejects(greeting(port, { 'ssl.protocol': 'TLSv1.2' }), refusal('SSL_AUTHENTICATION_FAILED', /no version of TLS in common/))
})

test('explains cipher suites that do not meet', async (t) => {
  const port = await tlsServer(t, { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-RSA-AES256-GCM-SHA384' })
  assert.equal(await greeting(port, { 'ssl.cipher.suites': 'TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, TLS_AES_128_GCM_SHA256' }), 'nobody')
  const others = { 'ssl.cipher.suites': 'TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256' }
  await assert.rejects(greeting(port, others), refusal('SSL_AUTHENTICATION_FAILED', /no cipher suite in common/))
})

const faults: readonly [string, Properties, RegExp][] = [
  ['a trust store that is missing', { 'ssl.truststore.location': '/nowhere/trust.jks' }, /truststore \/nowhere\/trust\.jks of type JKS .*does not exist/],
  [
    'a wrong password of the trust store',
    { 'ssl.truststore.password': 'wrong' },
    /the password is wrong, or the file was tampered with\. Check "ssl\.truststore\.password"/,
  ],
  ['a trust store of another type', { 'ssl.truststore.location': path('truststore-jceks.jks') }, /JCEKS.*Convert it/],
  ['PEM where JKS is said', { 'ssl.truststore.location': path('ca.pem') }, /it is a PEM file.*"ssl\.truststore\.type"/],
  ['an empty trust store', { 'ssl.truststore.location': path('truststore-empty.jks') }, /holds no trusted certificate.*keytool -importcert/],
  ['a PKCS12 trust store without marks', { 'ssl.truststore.location': path('truststore-unmarked.p12') }, /holds no trusted certificate.*-jdktrust/],
  ['a wrong password of the key store', { ...clientStores.PKCS12, 'ssl.keystore.password': 'wrong' }, /Check "ssl\.keystore\.password"/],
  ['a wrong password of the key', { ...clientStores.JKS, 'ssl.key.password': 'wrong' }, /the key "alice" cannot be read.*"ssl\.key\.password"/],
  [
    'a wrong password of a PEM key',
    { ...clientStores['PEM in the settings'], 'ssl.key.password': 'wrong' },
    /Private key could not be loaded\. Check "ssl\.key\.password"/,
  ],
  ['a PEM key that is encrypted', without({ ...clientStores['PEM in the settings'] }, 'ssl.key.password'), /encrypted\. Set "ssl\.key\.password"/],
  ['a key store without a key', { 'ssl.keystore.location': path('truststore.jks'), 'ssl.keystore.password': STORE }, /it holds no private key/],
  [
    'a certificate of another key',
    { 'ssl.keystore.type': 'PEM', 'ssl.keystore.key': read('client-key.pem'), 'ssl.keystore.certificate.chain': read('server.pem') },
    /the first certificate \(O=Millrace, CN=broker\) does not belong to the private key/,
  ],
]

for (const [what, properties, message] of faults) {
  test(`explains ${what}`, async () => {
    const security = securityOf({ 'security.protocol': 'SSL', ...trust, ...properties })
    await assert.rejects(security.prepare(), refusal('INVALID_CONFIGURATION', message))
  })
}

test('reads a store again that could not be read', async (t) => {
  const file = join(temporaryFolder(t), 'later.jks')
  const security = securityOf({ 'security.protocol': 'SSL', ...trust, 'ssl.truststore.location': file })
  await assert.rejects(security.prepare())
  writeFileSync(file, readFileSync(path('truststore.jks')))
  await security.prepare()
})

test('tells TLS from answers of Kafka by their first bytes', () => {
  assert.equal(looksLikeTls(Buffer.from('15030300020232', 'hex')), true)
  assert.equal(looksLikeTls(Buffer.from('0000002a00000001', 'hex')), false)
})

function without(properties: Properties, name: string): Properties {
  return Object.fromEntries(Object.entries(properties).filter(([key]) => key !== name))
}

test('what can be no address is an error of the network, as brokers may name it', () => {
  const onread = { buffer: Buffer.alloc(10), callback: () => true }
  for (const address of [
    { host: 'a\0b', port: 9092 },
    { host: '127.0.0.1', port: 70_000 },
    { host: '127.0.0.1', port: -1 },
  ]) {
    assert.throws(() => noSecurity.openSocket(address, onread), { code: 'NETWORK_EXCEPTION', retriable: true })
  }
})
