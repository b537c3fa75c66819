import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { Agent, request } from 'node:https'
import { test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { parseWorkerConfig } from '../config/worker-config.ts'
import { Loggers } from '../logging/loggers.ts'
import { RestServer } from './server.ts'

// Made for these tests: a key with the password "secret" and its own certificate for localhost.
const certificate = file('cert.pem')
const key = file('key.pem')
const store = file('store.p12')

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

function health(url: URL, options: { cert?: Buffer; key?: Buffer; passphrase?: string } = {}): Promise<number | undefined> {
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

test('stores that cannot be read are refused by name, without their passwords', async (t) => {
  const withStore = (properties: Record<string, string>) =>
    serve(t, { 'listeners.https.ssl.keystore.location': store, 'listeners.https.ssl.keystore.password': 'secret', ...properties })
  const jks = (await withStore({}).catch((error: unknown) => error)) as Error
  assert.match(jks.message, /"listeners\.https\.ssl\.keystore\.type" is JKS, which cannot be read/)
  assert.doesNotMatch(String(jks.stack), /secret/)
  const missing = { 'listeners.https.ssl.keystore.type': 'PKCS12', 'listeners.https.ssl.keystore.location': '/no/such/store' }
  await assert.rejects(withStore(missing), /"listeners\.https\.ssl\.keystore\.location" names the file "\/no\/such\/store", which cannot be read/)
  const truststore = {
    'listeners.https.ssl.keystore.type': 'PKCS12',
    'listeners.https.ssl.truststore.location': store,
    'listeners.https.ssl.truststore.type': 'PKCS12',
  }
  await assert.rejects(withStore(truststore), /"listeners\.https\.ssl\.truststore\.type" is PKCS12, which cannot be read/)
  await assert.rejects(withStore({ 'listeners.https.ssl.keystore.type': 'PKCS12', 'listeners.https.ssl.cipher.suites': 'TLS_NONE' }), /names "TLS_NONE"/)
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
