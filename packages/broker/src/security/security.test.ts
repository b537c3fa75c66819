import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect as connectPlain } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { ErrorCode } from '@millrace/kafka-protocol'
import { clientConformance } from '@millrace/testing'
import { type Broker, startBroker } from '../broker.ts'
import { startBrokerThread } from '../broker-thread.ts'
import type { RawClient } from '../fixtures/raw-client.ts'
import { recordingLogger } from '../fixtures/recording-logger.ts'
import { connected, startedBroker } from '../fixtures/started-broker.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'
import type { BrokerSecurity, SaslMechanism } from './broker-security.ts'

// The certificates that the client is tested with.
const pem = (name: string) => join(import.meta.dirname, '..', '..', '..', 'kafka', 'testdata', name)
const read = (name: string) => readFileSync(pem(name), 'utf8')
const tls = { key: read('server-key.pem'), cert: read('server.pem') }
const users = { alice: 'alice-secret', 'bob,=': 'bob=secret,ü' }
const trust = { 'ssl.truststore.type': 'PEM', 'ssl.truststore.location': pem('ca.pem') }

function login(mechanism: SaslMechanism, user = 'alice', password = 'alice-secret') {
  const module = mechanism === 'PLAIN' ? 'plain.PlainLoginModule' : 'scram.ScramLoginModule'
  const jaas = `org.apache.kafka.common.security.${module} required username="${user}" password="${password}";`
  return { 'sasl.mechanism': mechanism, 'sasl.jaas.config': jaas }
}

const listeners: Record<string, { security: BrokerSecurity; properties: Record<string, string> }> = {
  'SSL with certificates of clients': {
    security: { tls: { ...tls, ca: read('ca.pem'), isClientCertificateRequired: true } },
    properties: {
      'security.protocol': 'SSL',
      ...trust,
      'ssl.keystore.type': 'PEM',
      'ssl.keystore.location': pem('client-keystore.pem'),
      'ssl.key.password': 'key-secret',
    },
  },
  'SASL_PLAINTEXT with SCRAM-SHA-256': {
    security: { sasl: { users, mechanisms: ['SCRAM-SHA-256'] } },
    properties: { 'security.protocol': 'SASL_PLAINTEXT', ...login('SCRAM-SHA-256', 'bob,=', 'bob=secret,ü') },
  },
  'SASL_SSL with SCRAM-SHA-512 and sessions that end': {
    security: { tls, sasl: { users, sessionLifetimeMs: 400 } },
    properties: { 'security.protocol': 'SASL_SSL', ...trust, ...login('SCRAM-SHA-512') },
  },
}

// What they wait for takes longer than what they do.
describe('the client on a listener of the kind', { concurrency: true }, () => {
  for (const [name, { security, properties }] of Object.entries(listeners)) {
    describe(name, () => {
      const logger = recordingLogger()
      const endings: (() => void | Promise<void>)[] = []
      let broker: Broker
      before(async () => {
        const dataDir = temporaryFolder({ after: (action) => endings.push(action) })
        broker = await startBroker({ port: 0, dataDir, logger, security })
        endings.push(() => broker.close())
      })
      after(async () => {
        for (const end of endings.reverse()) await end()
        assert.doesNotMatch(logger.lines.join('\n'), /secret/)
      })
      clientConformance(() => `localhost:${broker.port}`, properties)
    })
  }
})

async function authenticate(client: RawClient, mechanism: string, message: string) {
  const { errorCode, mechanisms } = await client.send('SaslHandshake', 1, { mechanism })
  if (errorCode !== 0) return { errorCode, errorMessage: mechanisms.join(' ') }
  const { errorCode: code, errorMessage } = await client.send('SaslAuthenticate', 2, { authBytes: Buffer.from(message) })
  return { errorCode: code, errorMessage }
}

test('nothing is answered before authentication but how to authenticate', async (t) => {
  const { broker, client, logger } = await startedBroker(t, { security: { sasl: { users } } })
  await assert.rejects(client.send('Metadata', 12, { topics: [] }), /closed/)
  const other = await connected(t, broker)
  assert.equal((await other.send('ApiVersions', 0, {})).errorCode, 0)
  assert.deepEqual(await authenticate(other, 'PLAIN', '\0alice\0alice-secret'), { errorCode: 0, errorMessage: null })
  assert.equal((await other.send('Metadata', 12, { topics: [] })).controllerId, 1)
  assert.deepEqual(await authenticate(other, 'PLAIN', '\0alice\0alice-secret'), { errorCode: 0, errorMessage: null }, 'again at any time')
  assert.ok(logger.lines.some((line) => /asked for Metadata without authentication/.test(line)))
  const large = await connected(t, broker)
  const announced = Buffer.alloc(4)
  announced.writeInt32BE(1_000_000)
  await assert.rejects(large.exchange([announced, Buffer.alloc(10)]), /closed/)
})

test('refusals have the reasons that Kafka gives, and close the connection', async (t) => {
  const { broker, logger } = await startedBroker(t, { security: { sasl: { users } } })
  const failed = ErrorCode.SASL_AUTHENTICATION_FAILED
  const scram = 'Authentication failed during authentication due to invalid credentials with SASL mechanism SCRAM-SHA-256'
  const cases: [mechanism: string, message: string, errorCode: number, errorMessage: string][] = [
    ['GSSAPI', '', ErrorCode.UNSUPPORTED_SASL_MECHANISM, 'PLAIN SCRAM-SHA-256 SCRAM-SHA-512'],
    ['PLAIN', '\0alice\0wrong', failed, 'Authentication failed: Invalid username or password'],
    ['PLAIN', '\0constructor\0wrong', failed, 'Authentication failed: Invalid username or password'],
    ['PLAIN', 'bob\0alice\0alice-secret', failed, 'Authentication failed: Client requested an authorization id that is different from username'],
    ['PLAIN', 'nonsense', failed, 'Invalid SASL/PLAIN response: expected 3 tokens, got 1'],
    ['PLAIN', '\0\0x', failed, 'Authentication failed: username not specified'],
    ['PLAIN', '\0alice\0', failed, 'Authentication failed: password not specified'],
    ['SCRAM-SHA-256', 'n,,n=nobody,r=abc', failed, scram],
    ['SCRAM-SHA-256', 'n,a=bob,n=alice,r=abc', failed, scram],
    ['SCRAM-SHA-256', 'p=tls-unique,,n=alice,r=abc', failed, scram],
  ]
  for (const [mechanism, message, errorCode, errorMessage] of cases) {
    const client = await connected(t, broker)
    assert.deepEqual(await authenticate(client, mechanism, message), { errorCode, errorMessage }, `${mechanism} ${message}`)
    await assert.rejects(client.send('ApiVersions', 0, {}))
  }
  const client = await connected(t, broker)
  assert.equal((await client.send('SaslAuthenticate', 2, { authBytes: Buffer.alloc(0) })).errorCode, ErrorCode.ILLEGAL_SASL_STATE)
  assert.doesNotMatch(logger.lines.join('\n'), /secret/)
})

test('a listener without SASL says so', async (t) => {
  const { client } = await startedBroker(t)
  assert.equal((await client.send('SaslHandshake', 1, { mechanism: 'PLAIN' })).errorCode, ErrorCode.ILLEGAL_SASL_STATE)
  assert.equal((await client.send('SaslAuthenticate', 2, { authBytes: Buffer.alloc(0) })).errorCode, ErrorCode.ILLEGAL_SASL_STATE)
})

test('a session that is over is not answered any more', async (t) => {
  const { client } = await startedBroker(t, { security: { sasl: { users, sessionLifetimeMs: 1 } } })
  await client.send('SaslHandshake', 1, { mechanism: 'PLAIN' })
  const { sessionLifetimeMs } = await client.send('SaslAuthenticate', 2, { authBytes: Buffer.from('\0alice\0alice-secret') })
  assert.equal(sessionLifetimeMs, 1)
  const until = performance.now() + 5
  while (performance.now() < until);
  await assert.rejects(client.send('Metadata', 12, { topics: [] }), /closed/)
})

test('who speaks no TLS where it is needed is let go, and the broker closes without waiting for handshakes', async (t) => {
  const { broker } = await startedBroker(t, { security: { tls } }).catch(async (error) => assert.fail(String(error)))
  const idle = connectPlain({ host: '127.0.0.1', port: broker.port })
  await once(idle, 'connect')
  const closed = once(idle, 'close')
  idle.on('error', () => {})
  await broker.close()
  await closed
})

test('wrong keys and mechanisms are refused at the start, without a word of what is in them', async (t) => {
  const start = (security: BrokerSecurity) => startBroker({ port: 0, dataDir: temporaryFolder(t), logger: recordingLogger(), security })
  const wrong: BrokerSecurity[] = [
    { tls: { key: read('client-key.pem'), cert: read('server.pem') } },
    { tls: { key: 'secret', cert: 'secret' } },
    { tls: { ...tls, isClientCertificateRequired: true } },
    { sasl: { users, mechanisms: [] } },
    { sasl: { users, mechanisms: ['GSSAPI' as SaslMechanism] } },
  ]
  for (const security of wrong) {
    await assert.rejects(start(security), (error: Error & { code: string }) => error.code === 'BROKER_CONFIG_INVALID' && !error.message.includes('secret'))
  }
})

test('a broker in a thread of its own has the same security', async (t) => {
  const broker = await startBrokerThread({ port: 0, dataDir: temporaryFolder(t), logger: recordingLogger(), security: { sasl: { users } }, apiVersions: '3.9' })
  t.after(() => broker.close())
  const client = await connected(t, broker)
  assert.equal((await authenticate(client, 'PLAIN', '\0alice\0alice-secret')).errorCode, 0)
})
