import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { Agent, type AgentOptions, request } from 'node:https'
import { test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { ConfigError, type Logger } from '@millrace/api'
import { silentLogger } from '@millrace/kafka'
import { freePorts } from '@millrace/testing'
import { parseWorkerConfig } from '../config/worker-config.ts'
import { Loggers } from '../logging/loggers.ts'
import { WorkerClient } from '../herder/distributed/worker-client.ts'
import type { RestError } from '../herder/errors.ts'
import { RestServer } from './server.ts'
import { workerTlsOptions } from './tls-options.ts'

// Made for these tests: a key with the password "secret" and its own certificate for localhost.
const certificate = file('cert.pem')
const key = file('key.pem')
const store = file('store.p12')
// Those that the Kafka client is tested with: what keytool and OpenSSL write.
const stores = fileURLToPath(new URL('../../../kafka/testdata/', import.meta.url))

function file(name: string): string {
  return fileURLToPath(new URL(`test-data/${name}`, import.meta.url))
}

async function serve(t: TestContext, properties: Record<string, string>) {
  const lines: string[] = []
  const loggers = new Loggers({ rootLevel: 'INFO', write: (record) => lines.push(record.message) })
  const config = parseWorkerConfig({
    mode: 'standalone',
    properties: {
      'bootstrap.servers': '127.0.0.1:9092',
      'key.converter': 'K',
      'value.converter': 'V',
      'offset.storage.file.filename': 'offsets',
      listeners: 'https://127.0.0.1:0',
      ...properties,
    },
    logger: loggers.logger('config/worker-config'),
  })
  const server = new RestServer({ config, loggers, version: { version: '4.3.1', commit: 'abc' } })
  await server.listen()
  t.after(() => server.stop(0))
  return { url: server.advertisedUrl, lines }
}

function health(url: URL, options: AgentOptions = {}): Promise<number | undefined> {
  const agent = new Agent({ ca: readFileSync(certificate), ...options })
  return new Promise((resolve, reject) => {
    const asked = request(new URL('/health', url), { agent }, (response) => {
      response.resume()
      response.on('end', () => resolve(response.statusCode))
    })
    asked.on('error', reject)
    asked.end()
  }).finally(() => agent.destroy()) as Promise<number | undefined>
}

test('an https listener reads a PKCS12 store and advertises https', async (t) => {
  const { url } = await serve(t, {
    'listeners.https.ssl.keystore.type': 'PKCS12',
    'listeners.https.ssl.keystore.location': store,
    'listeners.https.ssl.keystore.password': 'secret',
  })
  assert.equal(url.protocol, 'https:')
  assert.equal(await health(url), 503)
})

test('keys may be given as PEM, inline or in a file, and the settings of the worker count where the listener has none', async (t) => {
  const { url } = await serve(t, {
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.key': readFileSync(key, 'utf8'),
    'ssl.keystore.certificate.chain': readFileSync(certificate, 'utf8'),
    'ssl.key.password': 'secret',
    'ssl.enabled.protocols': 'TLSv1.3',
    'ssl.cipher.suites': 'TLS_AES_256_GCM_SHA384',
  })
  assert.equal(await health(url), 503)
})

test('a required client certificate is required', async (t) => {
  const { url } = await serve(t, {
    'listeners.https.ssl.keystore.type': 'PKCS12',
    'listeners.https.ssl.keystore.location': store,
    'listeners.https.ssl.keystore.password': 'secret',
    'listeners.https.ssl.truststore.type': 'PEM',
    'listeners.https.ssl.truststore.location': certificate,
    'listeners.https.ssl.client.auth': 'required',
  })
  await assert.rejects(health(url))
  assert.equal(await health(url, { cert: readFileSync(certificate), key: readFileSync(key), passphrase: 'secret' }), 503)
})

test('several listeners serve at once, each by its own protocol, and those of admin by settings of their own', async (t) => {
  const [adminPort] = await freePorts(1)
  const keyStore = (prefix: string) => ({
    [`${prefix}ssl.keystore.type`]: 'PKCS12',
    [`${prefix}ssl.keystore.location`]: store,
    [`${prefix}ssl.keystore.password`]: 'secret',
  })
  const { url, lines } = await serve(t, {
    listeners: 'http://127.0.0.1:0,https://127.0.0.1:0',
    'rest.advertised.listener': 'https',
    'admin.listeners': `https://127.0.0.1:${adminPort}`,
    ...keyStore('listeners.https.'),
    ...keyStore('admin.listeners.https.'),
    'admin.listeners.https.ssl.truststore.type': 'PEM',
    'admin.listeners.https.ssl.truststore.location': certificate,
    'admin.listeners.https.ssl.client.auth': 'required',
  })
  const [plain, encrypted] = /listening at (\S+), (\S+), advertising/.exec(lines.join('\n'))?.slice(1) ?? []
  assert.equal(url.href, encrypted)
  assert.equal((await fetch(new URL('/health', plain))).status, 503)
  assert.equal(await health(url), 503)
  const admin = new URL(`https://127.0.0.1:${adminPort}/`)
  await assert.rejects(health(admin))
  assert.equal(await health(admin, { cert: readFileSync(certificate), key: readFileSync(key), passphrase: 'secret' }), 503)
})

for (const [type, keyStore, trustStore] of [
  ['JKS', 'keystore.jks', 'truststore.jks'],
  ['PKCS12', 'keystore.p12', 'truststore.p12'],
  ['PKCS12', 'keystore-older.p12', 'truststore-older.p12'],
] as const) {
  test(`keys and trusted certificates are read from ${keyStore} and ${trustStore} as keytool wrote them`, async (t) => {
    const { url } = await serve(t, {
      // JKS is the default.
      ...(type === 'JKS' ? {} : { 'listeners.https.ssl.keystore.type': type, 'listeners.https.ssl.truststore.type': type }),
      'listeners.https.ssl.keystore.location': stores + keyStore,
      'listeners.https.ssl.keystore.password': 'store-secret',
      ...(type === 'JKS' ? { 'listeners.https.ssl.key.password': 'key-secret' } : {}),
      'listeners.https.ssl.truststore.location': stores + trustStore,
      'listeners.https.ssl.truststore.password': 'store-secret',
      'listeners.https.ssl.client.auth': 'required',
    })
    // The certificate in these stores names no host.
    const trusting = { ca: readFileSync(`${stores}ca.pem`), checkServerIdentity: () => undefined }
    await assert.rejects(health(url, trusting))
    const known = { cert: readFileSync(`${stores}client-chain.pem`), key: readFileSync(`${stores}client-key.pem`) }
    assert.equal(await health(url, { ...trusting, ...known }), 503)
  })
}

test('stores that cannot be read are refused by name, without their passwords', async (t) => {
  const refusal = async (properties: Record<string, string>): Promise<ConfigError> => {
    const settings = { 'listeners.https.ssl.keystore.location': store, 'listeners.https.ssl.keystore.password': 'secret', ...properties }
    const error = await serve(t, settings).catch((cause: unknown) => cause)
    assert.ok(error instanceof ConfigError)
    assert.doesNotMatch(String(error.stack), /secret/)
    return error
  }
  const wrong = await refusal({ 'listeners.https.ssl.keystore.location': `${stores}keystore.jks`, 'listeners.https.ssl.keystore.password': 'false-secret' })
  assert.match(wrong.message, /keystore\.jks of type JKS .*the password is wrong.* Check "listeners\.https\.ssl\.keystore\.password"/)
  assert.equal(wrong.key, 'listeners.https.ssl.keystore.location')
  const missing = await refusal({ 'listeners.https.ssl.keystore.type': 'PKCS12', 'listeners.https.ssl.keystore.location': '/no/such/store' })
  assert.match(missing.message, /\/no\/such\/store of type PKCS12 \("listeners\.https\.ssl\.keystore\.location"\): the file does not exist/)
  const type = await refusal({ 'listeners.https.ssl.truststore.location': store, 'listeners.https.ssl.truststore.type': 'BCFKS' })
  assert.match(type.message, /Invalid value BCFKS for configuration listeners\.https\.ssl\.truststore\.type/)
  assert.match((await refusal({ 'listeners.https.ssl.cipher.suites': 'TLS_NONE' })).message, /Unsupported CipherSuite: TLS_NONE/)
  assert.match((await refusal({ 'listeners.https.ssl.client.auth': 'perhaps' })).message, /"listeners\.https\.ssl\.client\.auth" is "perhaps"/)
  const none = await serve(t, { 'ssl.client.auth': 'none' }).catch((cause: unknown) => cause)
  assert.match(String(none), /"ssl\.keystore\.location" is missing/)
})

test('settings that only a Java virtual machine has are named as without effect', async (t) => {
  const { lines } = await serve(t, {
    'listeners.https.ssl.keystore.type': 'PKCS12',
    'listeners.https.ssl.keystore.location': store,
    'listeners.https.ssl.keystore.password': 'secret',
    'listeners.https.ssl.provider': 'SunJSSE',
    'listeners.https.ssl.cipher.suites': 'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, TLS_AES_128_GCM_SHA256',
  })
  assert.ok(lines.some((line) => line.includes('"listeners.https.ssl.provider"') && line.includes('no effect')))
})

test('workers prove to each other who they are, and believe nobody whom they do not trust', async (t) => {
  const store12 = { 'ssl.keystore.type': 'PKCS12', 'ssl.keystore.location': store, 'ssl.keystore.password': 'secret' }
  const trust = { 'ssl.truststore.type': 'PEM', 'ssl.truststore.location': certificate }
  const { url } = await serve(t, { ...store12, ...trust, 'ssl.client.auth': 'required' })
  const statusFor = async (properties: Record<string, string>) => {
    const tls = () => workerTlsOptions({ ...properties, 'ssl.client.auth': 'requested' }, 'listeners.https.', silentLogger as unknown as Logger)
    const client = new WorkerClient({ logger: { ...silentLogger, isDebugEnabled: false } as unknown as Logger, tls })
    t.after(() => client.close())
    return await client.request({ method: 'GET', url: new URL('/health', url).href }).catch((error: unknown) => error as RestError)
  }
  assert.equal((await statusFor({ ...store12, ...trust })).status, 503)
  assert.match(String(await statusFor(store12)), /IO Error trying to forward REST request: .*(self-signed|unable to verify)/)
  assert.match(String(await statusFor(trust)), /IO Error trying to forward REST request/)
})
