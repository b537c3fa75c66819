import assert from 'node:assert/strict'
import { createSign, generateKeyPairSync } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { Admin, Consumer, Producer, silentLogger as logger } from '@millrace/kafka'
import { freePorts, temporaryFolder } from '@millrace/testing'
import { type KafkaServer, runKafkaTool, startKafkaServer } from '../servers/kafka-server.ts'
import { skipWithoutPeer } from '../servers/peer.ts'

const stores = join(import.meta.dirname, '..', '..', 'packages', 'kafka', 'testdata')
const STORE = 'store-secret'
const KEY = 'key-secret'
const CLASSES = 'org.apache.kafka.common.security'

type Properties = Readonly<Record<string, string>>

/** What a client of each listener needs; the names are those of the listeners. */
const listeners = ['SASL', 'TLS', 'MTLS', 'SASLTLS', 'OTHERHOST', 'EXPIRED', 'OAUTH', 'RENEW'] as const
type Listener = (typeof listeners)[number]

describe('against Apache Kafka with security', { skip: skipWithoutPeer() }, () => {
  const endings: (() => unknown)[] = []
  const ports = new Map<Listener | 'PLAINTEXT' | 'CONTROLLER', number>()
  let kafka: KafkaServer
  let tokens: TokenServer

  before(async () => {
    const folder = temporaryFolder({ after: (action) => endings.push(action) })
    mkdirSync(folder, { recursive: true })
    tokens = await startTokenServer()
    endings.push(() => tokens.close())
    writeFileSync(join(folder, 'jwks.json'), tokens.jwks)
    for (const name of ['other-host', 'expired']) {
      writeFileSync(join(folder, `${name}.pem`), [`${name}-key.pem`, `${name}.pem`].map((part) => readFileSync(join(stores, part), 'utf8')).join(''))
    }
    const free = await freePorts(listeners.length + 2)
    for (const [i, name] of (['PLAINTEXT', 'CONTROLLER', ...listeners] as const).entries()) ports.set(name, free[i]!)
    const url = `file://${join(folder, 'jwks.json')}`
    kafka = await startKafkaServer({
      folder: join(folder, 'kafka'),
      port: ports.get('PLAINTEXT')!,
      properties: brokerProperties(folder, ports, url),
      heapOptions: [
        '-Xms256M',
        '-Xmx512M',
        `-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=${url}`,
        `-Dorg.apache.kafka.sasl.oauthbearer.allowed.files=${join(folder, 'jwks.json')}`,
      ],
    })
    endings.push(() => kafka.stop())
    for (const mechanism of ['SCRAM-SHA-256', 'SCRAM-SHA-512']) {
      const user = ['--entity-type', 'users', '--entity-name', 'alice', '--add-config', `${mechanism}=[password=alice-secret]`]
      const tool = await runKafkaTool('kafka.admin.ConfigCommand', ['--bootstrap-server', kafka.bootstrapServers, '--alter', ...user])
      assert.equal(tool.code, 0, tool.output)
    }
  })

  after(async () => {
    for (const end of endings.reverse()) await end()
  })

  const at = (listener: Listener | 'PLAINTEXT', properties: Properties = {}): Properties => ({
    'bootstrap.servers': `127.0.0.1:${ports.get(listener)}`,
    ...properties,
  })
  const sasl = (mechanism: string, module: string): Properties => ({
    'security.protocol': 'SASL_PLAINTEXT',
    'sasl.mechanism': mechanism,
    'sasl.jaas.config': module,
  })
  const plain = (password = 'alice-secret') => sasl('PLAIN', `${CLASSES}.plain.PlainLoginModule required username="alice" password="${password}";`)
  const scram = (mechanism: string, password = 'alice-secret') =>
    sasl(mechanism, `${CLASSES}.scram.ScramLoginModule required username="alice" password="${password}";`)
  const tls = (trustStore: Properties = jksTrust): Properties => ({ 'security.protocol': 'SSL', ...trustStore })
  const jksTrust = { 'ssl.truststore.location': join(stores, 'truststore.jks'), 'ssl.truststore.password': STORE }

  test('SASL/PLAIN', () => roundTrip(at('SASL', plain())))
  for (const mechanism of ['SCRAM-SHA-256', 'SCRAM-SHA-512']) test(`SASL/${mechanism}`, () => roundTrip(at('SASL', scram(mechanism))))

  test('SASL/OAUTHBEARER with an unsecured token', () => {
    const module = `${CLASSES}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="alice";`
    return roundTrip(at('SASL', sasl('OAUTHBEARER', module)))
  })

  test('SASL/OAUTHBEARER with a token of an endpoint, which is asked again before it expires', async () => {
    process.env.KAFKA_OPTS = `-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=${tokens.url}`
    const properties = {
      ...sasl('OAUTHBEARER', `${CLASSES}.oauthbearer.OAuthBearerLoginModule required extension_traceId="123";`),
      'sasl.login.callback.handler.class': `${CLASSES}.oauthbearer.OAuthBearerLoginCallbackHandler`,
      'sasl.oauthbearer.token.endpoint.url': tokens.url,
      'sasl.oauthbearer.client.credentials.client.id': 'alice',
      'sasl.oauthbearer.client.credentials.client.secret': 'client-secret',
      'sasl.oauthbearer.scope': 'kafka',
    }
    await roundTrip(at('OAUTH', properties))
    assert.ok(tokens.requests.length >= 2, 'each client has asked for a token')
    const { authorization, body } = tokens.requests[0]!
    assert.equal(authorization, `Basic ${Buffer.from('alice:client-secret').toString('base64')}`)
    assert.equal(body, 'grant_type=client_credentials&scope=kafka')
    const wrong = { ...properties, 'sasl.oauthbearer.client.credentials.client.secret': 'wrong' }
    await assert.rejects(describeCluster(at('OAUTH', wrong)), {
      code: 'SASL_AUTHENTICATION_FAILED',
      message: /^The response code 401 and error response \{"invalid_client" - "Unknown client"\} was encountered/,
    })
  })

  test('TLS with each kind of trust store', async () => {
    const pem = readFileSync(join(stores, 'ca.pem'), 'utf8')
    const trustStores: Properties[] = [
      jksTrust,
      { 'ssl.truststore.location': join(stores, 'truststore.p12'), 'ssl.truststore.password': STORE, 'ssl.truststore.type': 'PKCS12' },
      { 'ssl.truststore.location': join(stores, 'truststore-older.p12'), 'ssl.truststore.password': STORE },
      { 'ssl.truststore.location': join(stores, 'ca.pem'), 'ssl.truststore.type': 'PEM' },
      { 'ssl.truststore.certificates': pem, 'ssl.truststore.type': 'PEM' },
      { 'ssl.truststore.certificates': pem.replaceAll('\n', ' '), 'ssl.truststore.type': 'PEM' },
      { 'ssl.truststore.location': join(stores, 'server.pem'), 'ssl.truststore.type': 'PEM' },
    ]
    for (const trustStore of trustStores) await describeCluster(at('TLS', tls(trustStore)))
    await roundTrip(at('TLS', tls()))
  })

  test('TLS with chosen versions and cipher suites', async () => {
    await describeCluster(at('TLS', { ...tls(), 'ssl.protocol': 'TLSv1.2' }))
    await describeCluster(at('TLS', { ...tls(), 'ssl.enabled.protocols': 'TLSv1.3' }))
    await describeCluster(at('TLS', { ...tls(), 'ssl.cipher.suites': 'TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384' }))
    await describeCluster(at('TLS', { ...tls(), 'ssl.cipher.suites': 'TLS_AES_128_GCM_SHA256' }))
  })

  test('TLS on both sides with each kind of key store', async () => {
    const read = (name: string) => readFileSync(join(stores, name), 'utf8')
    const file = (name: string, more: Properties = {}) => ({ 'ssl.keystore.location': join(stores, name), 'ssl.keystore.password': STORE, ...more })
    const keyStores: Properties[] = [
      file('keystore.jks', { 'ssl.key.password': KEY }),
      file('keystore.p12', { 'ssl.keystore.type': 'PKCS12' }),
      file('keystore-older.p12'),
      file('keystore-openssl-older.p12'),
      file('keystore-ec.p12'),
      { 'ssl.keystore.location': join(stores, 'client-keystore.pem'), 'ssl.keystore.type': 'PEM' },
      { 'ssl.keystore.type': 'PEM', 'ssl.keystore.key': read('client-key.pem'), 'ssl.keystore.certificate.chain': read('client-chain.pem') },
      {
        'ssl.keystore.type': 'PEM',
        'ssl.keystore.key': read('client-key-encrypted.pem'),
        'ssl.key.password': KEY,
        'ssl.keystore.certificate.chain': read('client-chain.pem'),
      },
    ]
    for (const keyStore of keyStores) await describeCluster(at('MTLS', { ...tls(), ...keyStore }))
    await roundTrip(at('MTLS', { ...tls(), ...file('keystore.p12') }))
  })

  test('SASL over TLS', () => roundTrip(at('SASLTLS', { ...scram('SCRAM-SHA-512'), ...jksTrust, 'security.protocol': 'SASL_SSL' })))

  test('sessions are renewed before they end, under full pipelines and long polls, and nothing is lost', async () => {
    // The listener ends sessions after two seconds; a client that did not renew them would be cut off.
    const properties = at('RENEW', scram('SCRAM-SHA-256'))
    // Without retries each connection that is cut off loses a record.
    const producer = new Producer({ ...properties, 'batch.size': '1', 'linger.ms': '0', 'enable.idempotence': 'false', retries: '0' }, { logger })
    const failures: unknown[] = []
    const completion = { acknowledged: () => undefined, failed: (error: unknown) => failures.push(error) }
    const end = performance.now() + 7000
    const sent: string[] = []
    const sending = (async () => {
      for (let batch = 0; performance.now() < end; batch++) {
        for (let i = 0; i < 20; i++) {
          const value = `${batch}/${i}`
          sent.push(value)
          producer.send('renewed', 0, Date.now(), null, value, null, completion)
        }
        await producer.flush()
      }
      await producer.close()
    })()
    const consumer = new Consumer({ ...properties, 'auto.offset.reset': 'earliest' }, { logger })
    consumer.assign([{ topic: 'renewed', partition: 0 }])
    const received: string[] = []
    while (performance.now() < end || received.length < sent.length) {
      for (const partition of (await consumer.poll(500)).partitions) {
        while (partition.next()) received.push(partition.buffer.toString('utf8', partition.valueStart, partition.valueEnd))
      }
      assert.ok(performance.now() < end + 30_000, `${received.length} of ${sent.length} records came back`)
    }
    await sending
    await consumer.close()
    assert.deepEqual(failures, [])
    assert.deepEqual(received, sent)
  })

  describe('says what is wrong', () => {
    const refused = (properties: Properties, code: string, message: RegExp) =>
      assert.rejects(describeCluster(properties), (error: Error & { code?: string }) => {
        assert.equal(error.code, code, error.message)
        assert.match(error.message, message)
        return true
      })

    test('with a wrong password', async () => {
      await refused(at('SASL', plain('wrong')), 'SASL_AUTHENTICATION_FAILED', /^Authentication failed: Invalid username or password$/)
      const failed = /^Authentication failed during authentication due to invalid credentials with SASL mechanism SCRAM-SHA-256$/
      await refused(at('SASL', scram('SCRAM-SHA-256', 'wrong')), 'SASL_AUTHENTICATION_FAILED', failed)
    })

    test('to a producer and to a consumer at once', async () => {
      const producer = new Producer(at('SASL', plain('wrong')), { logger })
      const { promise, resolve, reject } = Promise.withResolvers<unknown>()
      producer.send('topic', null, 0, null, 'value', null, { acknowledged: () => reject(new Error('acknowledged')), failed: resolve })
      assert.equal(((await promise) as { code: string }).code, 'SASL_AUTHENTICATION_FAILED')
      await producer.close()
      const consumer = new Consumer(at('SASL', { ...plain('wrong'), 'group.id': 'group' }), { logger })
      consumer.subscribe({ topics: ['topic'] }, { assigned: () => undefined, revoked: () => undefined, lost: () => undefined })
      await assert.rejects(consumer.poll(30_000), { code: 'SASL_AUTHENTICATION_FAILED' })
      await assert.rejects(consumer.poll(30_000), { code: 'SASL_AUTHENTICATION_FAILED' })
      await consumer.close()
    })

    test('with a mechanism that the broker does not offer', () =>
      refused(
        at('RENEW', plain()),
        'UNSUPPORTED_SASL_MECHANISM',
        /^Client SASL mechanism 'PLAIN' not enabled in the server, enabled mechanisms are \[SCRAM-SHA-256\]$/,
      ))

    test('with SASL where the broker does not expect it', () => refused(at('PLAINTEXT', plain()), 'ILLEGAL_SASL_STATE', /check "security.protocol"/))

    test('with an unsecured token that the broker does not accept', () => {
      const module = `${CLASSES}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="alice";`
      return refused(at('OAUTH', sasl('OAUTHBEARER', module)), 'SASL_AUTHENTICATION_FAILED', /"status":"invalid_token"/)
    })

    test('with a broker whose certificate is not trusted, has expired or is for another host', async () => {
      const other = { 'ssl.truststore.location': join(stores, 'other-ca.pem'), 'ssl.truststore.type': 'PEM' }
      await refused(at('TLS', tls(other)), 'SSL_AUTHENTICATION_FAILED', /not issued by an authority that is trusted.*ssl\.truststore/)
      await refused(at('TLS', { 'security.protocol': 'SSL' }), 'SSL_AUTHENTICATION_FAILED', /not issued by an authority that is trusted/)
      await refused(at('EXPIRED', tls()), 'SSL_AUTHENTICATION_FAILED', /certificate of the broker has expired/)
      await refused(at('OTHERHOST', tls()), 'SSL_AUTHENTICATION_FAILED', /for other names \(DNS:elsewhere\.example\)/)
      await describeCluster(at('OTHERHOST', { ...tls(), 'ssl.endpoint.identification.algorithm': '' }))
    })

    test('with a client certificate that is missing or not trusted', async () => {
      await refused(at('MTLS', tls()), 'SSL_AUTHENTICATION_FAILED', /ssl\.keystore/)
      const untrusted = {
        'ssl.keystore.type': 'PEM',
        'ssl.keystore.key': readFileSync(join(stores, 'untrusted-client-key.pem'), 'utf8'),
        'ssl.keystore.certificate.chain': readFileSync(join(stores, 'untrusted-client.pem'), 'utf8'),
      }
      await refused(at('MTLS', { ...tls(), ...untrusted }), 'SSL_AUTHENTICATION_FAILED', /ssl\.keystore/)
    })

    test('where the versions of TLS do not meet', () =>
      refused(
        at('SASLTLS', { ...scram('SCRAM-SHA-512'), ...jksTrust, 'security.protocol': 'SASL_SSL', 'ssl.protocol': 'TLSv1.2' }),
        'SSL_AUTHENTICATION_FAILED',
        /no version of TLS in common/,
      ))

    // These may pass by themselves, when a broker is just changed; so they are tried again, and the last failure is told.
    const unreachable = async (properties: Properties, message: RegExp) => {
      const admin = new Admin({ ...properties, 'default.api.timeout.ms': '3000' }, { logger })
      await assert.rejects(admin.describeCluster(), message)
      await admin.close()
    }

    test('without TLS where the broker speaks it', () => unreachable(at('TLS'), /The answer is TLS: set "security\.protocol" to SSL or SASL_SSL/))

    test('with TLS where the broker does not speak it', () =>
      unreachable(at('PLAINTEXT', tls()), /closed during the TLS handshake: the listener may not speak TLS/))

    test('without SASL where the broker asks for it', () => unreachable(at('SASL'), /If its listener asks for SASL, set "security\.protocol"/))
  })
})

async function describeCluster(properties: Properties): Promise<void> {
  const admin = new Admin(properties, { logger })
  try {
    assert.equal((await admin.describeCluster()).brokers.length, 1)
  } finally {
    await admin.close()
  }
}

let roundTrips = 0

/** Sends three records and reads them back, as a member of a group. */
async function roundTrip(properties: Properties): Promise<void> {
  const topic = `round-trip-${++roundTrips}`
  const admin = new Admin(properties, { logger })
  const [created] = await admin.createTopics([{ name: topic, partitions: 1, replicationFactor: 1 }])
  assert.equal(created!.error, null)
  await admin.close()

  const producer = new Producer(properties, { logger })
  const failures: unknown[] = []
  for (const value of ['one', 'two', 'three']) {
    producer.send(topic, null, Date.now(), null, value, null, { acknowledged: () => undefined, failed: (error) => failures.push(error) })
  }
  await producer.close()
  assert.deepEqual(failures, [])

  const consumer = new Consumer({ ...properties, 'group.id': topic, 'auto.offset.reset': 'earliest' }, { logger })
  try {
    consumer.subscribe({ topics: [topic] }, { assigned: () => undefined, revoked: () => undefined, lost: () => undefined })
    const values: string[] = []
    const deadline = performance.now() + 30_000
    while (values.length < 3 && performance.now() < deadline) {
      for (const partition of (await consumer.poll(1000)).partitions) {
        while (partition.next()) values.push(partition.buffer.toString('utf8', partition.valueStart, partition.valueEnd))
      }
    }
    assert.deepEqual(values, ['one', 'two', 'three'])
  } finally {
    await consumer.close()
  }
}

function brokerProperties(folder: string, ports: ReadonlyMap<string, number>, jwksUrl: string): Properties {
  const endpoints = ['PLAINTEXT', ...listeners].map((name) => `${name}://127.0.0.1:${ports.get(name)}`)
  const protocols = {
    PLAINTEXT: 'PLAINTEXT',
    CONTROLLER: 'PLAINTEXT',
    SASL: 'SASL_PLAINTEXT',
    OAUTH: 'SASL_PLAINTEXT',
    RENEW: 'SASL_PLAINTEXT',
    TLS: 'SSL',
    MTLS: 'SSL',
    OTHERHOST: 'SSL',
    EXPIRED: 'SSL',
    SASLTLS: 'SASL_SSL',
  }
  const password = (module: string, users: string) => `${CLASSES}.${module} required ${users};`
  const bearer = `${CLASSES}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";`
  const keyStore = (listener: string, file: string) => ({
    [`listener.name.${listener}.ssl.keystore.location`]: file,
    [`listener.name.${listener}.ssl.keystore.password`]: STORE,
    [`listener.name.${listener}.ssl.keystore.type`]: 'PKCS12',
  })
  const server = join(stores, 'server.p12')
  const pemKeyStore = (listener: string, file: string) => ({
    [`listener.name.${listener}.ssl.keystore.location`]: file,
    [`listener.name.${listener}.ssl.keystore.type`]: 'PEM',
  })
  return {
    'controller.quorum.voters': `1@127.0.0.1:${ports.get('CONTROLLER')}`,
    listeners: [...endpoints, `CONTROLLER://127.0.0.1:${ports.get('CONTROLLER')}`].join(','),
    'advertised.listeners': endpoints.join(','),
    'listener.security.protocol.map': Object.entries(protocols)
      .map(([name, protocol]) => `${name}:${protocol}`)
      .join(','),
    'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER',
    'listener.name.sasl.plain.sasl.jaas.config': password('plain.PlainLoginModule', 'user_alice="alice-secret"'),
    'listener.name.sasl.scram-sha-256.sasl.jaas.config': password('scram.ScramLoginModule', ''),
    'listener.name.sasl.scram-sha-512.sasl.jaas.config': password('scram.ScramLoginModule', ''),
    'listener.name.sasl.oauthbearer.sasl.jaas.config': bearer,
    'listener.name.oauth.sasl.enabled.mechanisms': 'OAUTHBEARER',
    'listener.name.oauth.oauthbearer.sasl.jaas.config': `${CLASSES}.oauthbearer.OAuthBearerLoginModule required;`,
    'listener.name.oauth.oauthbearer.sasl.server.callback.handler.class': `${CLASSES}.oauthbearer.OAuthBearerValidatorCallbackHandler`,
    'listener.name.oauth.oauthbearer.sasl.oauthbearer.jwks.endpoint.url': jwksUrl,
    'listener.name.oauth.oauthbearer.sasl.oauthbearer.expected.audience': 'kafka',
    'listener.name.renew.sasl.enabled.mechanisms': 'SCRAM-SHA-256',
    'listener.name.renew.scram-sha-256.sasl.jaas.config': password('scram.ScramLoginModule', ''),
    'listener.name.renew.scram-sha-256.connections.max.reauth.ms': '2000',
    'listener.name.sasltls.sasl.enabled.mechanisms': 'SCRAM-SHA-512',
    'listener.name.sasltls.scram-sha-512.sasl.jaas.config': password('scram.ScramLoginModule', ''),
    'listener.name.sasltls.ssl.enabled.protocols': 'TLSv1.3',
    ...keyStore('tls', server),
    ...keyStore('mtls', server),
    ...keyStore('sasltls', server),
    ...pemKeyStore('otherhost', join(folder, 'other-host.pem')),
    ...pemKeyStore('expired', join(folder, 'expired.pem')),
    'listener.name.mtls.ssl.client.auth': 'required',
    'listener.name.mtls.ssl.truststore.location': join(stores, 'ca.pem'),
    'listener.name.mtls.ssl.truststore.type': 'PEM',
  }
}

interface TokenServer {
  readonly url: string
  /** The keys with which the broker verifies tokens, as JSON. */
  readonly jwks: string
  readonly requests: readonly { readonly authorization: string | undefined; readonly body: string }[]
  close(): void
}

/** An authorisation server that knows one client and signs tokens for it. */
async function startTokenServer(): Promise<TokenServer> {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const requests: { authorization: string | undefined; body: string }[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const { authorization } = request.headers
    requests.push({ authorization, body: Buffer.concat(chunks).toString() })
    const isKnown = authorization === `Basic ${Buffer.from('alice:client-secret').toString('base64')}`
    response.writeHead(isKnown ? 200 : 401, { 'Content-Type': 'application/json' })
    if (!isKnown) return response.end(JSON.stringify({ error: 'invalid_client', error_description: 'Unknown client' }))
    const now = Math.floor(Date.now() / 1000)
    const part = (json: unknown) => Buffer.from(JSON.stringify(json)).toString('base64url')
    const content = `${part({ alg: 'RS256', kid: 'test', typ: 'JWT' })}.${part({ sub: 'alice', aud: 'kafka', scope: ['kafka'], iat: now, exp: now + 600 })}`
    const token = `${content}.${createSign('sha256').update(content).sign(privateKey).toString('base64url')}`
    return response.end(JSON.stringify({ access_token: token, token_type: 'Bearer', expires_in: 600 }))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`,
    jwks: JSON.stringify({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'test', alg: 'RS256', use: 'sig' }] }),
    requests,
    close: () => server.close(),
  }
}
