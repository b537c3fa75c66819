import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import test, { type TestContext } from 'node:test'
import { type ApiName, apis, decodeRequest, encodeResponse, ErrorCode, FrameSplitter, type RequestBody, type ResponseInput } from '@millrace/kafka-protocol'
import { Connection } from '../connection.ts'
import { silentLogger } from '../logger.ts'
import { ClientSecurity } from './client-security.ts'
import type { SaslConfig } from './security-config.ts'

const credentials = { username: 'alice', password: 'alice-secret' }
const plain: SaslConfig = { mechanism: 'PLAIN', credentials }

/** How the broker answers SASL; what is not given, it accepts. */
interface Behaviour {
  handshake?: ResponseInput<'SaslHandshake'>
  authenticate?(bytes: string, count: number): Partial<ResponseInput<'SaslAuthenticate'>>
}

/** A broker that takes SASL and heartbeats, and notes what comes. */
async function broker(t: TestContext, behaviour: Behaviour = {}): Promise<{ port: number; seen: string[] }> {
  const seen: string[] = []
  let authentications = 0
  const answer = (frame: Buffer): Buffer => {
    const { api, version, correlationId, body } = decodeRequest(frame)
    const reply = <A extends ApiName>(api: A, content: ResponseInput<A>) => encodeResponse({ api, version, correlationId, body: content })
    if (api === 'ApiVersions')
      return reply(api, {
        errorCode: 0,
        apiKeys: Object.values(apis).map(({ key, versions: { min, max } }) => ({ apiKey: key, minVersion: min, maxVersion: max })),
      })
    if (api === 'SaslHandshake') {
      seen.push(`handshake ${(body as RequestBody<'SaslHandshake'>).mechanism}`)
      return reply(api, behaviour.handshake ?? { errorCode: 0, mechanisms: ['PLAIN'] })
    }
    if (api === 'SaslAuthenticate') {
      const bytes = (body as RequestBody<'SaslAuthenticate'>).authBytes.toString()
      seen.push(`authenticate ${JSON.stringify(bytes)}`)
      return reply(api, { errorCode: 0, errorMessage: null, authBytes: Buffer.alloc(0), ...behaviour.authenticate?.(bytes, authentications++) })
    }
    seen.push(api)
    return reply('Heartbeat', { errorCode: 0 })
  }
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    const splitter = new FrameSplitter(1_000_000)
    socket.on('error', () => socket.destroy())
    socket.on('data', (chunk) => {
      for (const frame of splitter.push(chunk)) socket.write(answer(frame))
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, seen }
}

async function open(t: TestContext, port: number, sasl: SaslConfig = plain, now = () => 0): Promise<Connection> {
  const security = new ClientSecurity({ tls: null, sasl }, silentLogger)
  const address = { host: '127.0.0.1', port }
  const connection = await Connection.open({ address, clientId: 'c', connectTimeoutMs: 5000, requestTimeoutMs: 5000, clock: { now }, security })
  t.after(() => connection.close())
  return connection
}

const heartbeat = { groupId: 'g', generationId: 1, memberId: 'm' }

test('authenticates before anything else is sent', async (t) => {
  const { port, seen } = await broker(t)
  const connection = await open(t, port)
  await connection.request('Heartbeat', heartbeat)
  assert.deepEqual(seen, ['handshake PLAIN', 'authenticate "\\u0000alice\\u0000alice-secret"', 'Heartbeat'])
})

test('tells what the broker says about the credentials, and never tries again by itself', async (t) => {
  const { port, seen } = await broker(t, {
    authenticate: () => ({ errorCode: ErrorCode.SASL_AUTHENTICATION_FAILED, errorMessage: 'Authentication failed: Invalid username or password' }),
  })
  await assert.rejects(open(t, port), {
    code: 'SASL_AUTHENTICATION_FAILED',
    retriable: false,
    message: 'Authentication failed: Invalid username or password',
    javaClass: 'org.apache.kafka.common.errors.SaslAuthenticationException',
  })
  assert.equal(seen.length, 2)
})

test('names the mechanisms that the broker offers', async (t) => {
  const { port } = await broker(t, { handshake: { errorCode: ErrorCode.UNSUPPORTED_SASL_MECHANISM, mechanisms: ['SCRAM-SHA-256', 'OAUTHBEARER'] } })
  await assert.rejects(open(t, port), {
    code: 'UNSUPPORTED_SASL_MECHANISM',
    message: "Client SASL mechanism 'PLAIN' not enabled in the server, enabled mechanisms are [SCRAM-SHA-256, OAUTHBEARER]",
  })
})

test('gives up on a broker that never comes to an end', async (t) => {
  const oauth: SaslConfig = {
    mechanism: 'OAUTHBEARER',
    oauth: {
      source: { kind: 'unsecured', options: new Map([['unsecuredLoginStringClaim_sub', 'alice']]) },
      claims: { scope: 'scope', subject: 'sub' },
      refresh: { windowFactor: 0.8, windowJitter: 0.05, minPeriodSeconds: 60, bufferSeconds: 300 },
      extensions: new Map([['traceId', '7']]),
    },
  }
  const { port, seen } = await broker(t, { authenticate: () => ({ authBytes: Buffer.from('{"status":"invalid_token"}') }) })
  await assert.rejects(open(t, port, oauth), { code: 'SASL_AUTHENTICATION_FAILED', message: /does not come to an end/ })
  assert.match(seen[1]!, /^authenticate "n,,\\u0001auth=Bearer [\w.-]+\\u0001traceId=7\\u0001\\u0001"$/)
  assert.equal(seen[2], 'authenticate "\\u0001"')
})

test('renews a session before it ends, and holds back what is sent meanwhile', async (t) => {
  const { port, seen } = await broker(t, { authenticate: () => ({ sessionLifetimeMs: 1000 }) })
  let now = 0
  const connection = await open(t, port, plain, () => now)
  await connection.request('Heartbeat', heartbeat)
  now = 849
  await connection.request('Heartbeat', heartbeat)
  assert.equal(seen.length, 4)
  now = 951
  const answers = [connection.request('Heartbeat', heartbeat), connection.request('Heartbeat', heartbeat)]
  assert.equal(connection.pendingCount, 2)
  await Promise.all(answers)
  assert.deepEqual(
    seen.slice(4).map((line) => line.split(' ')[0]),
    ['handshake', 'authenticate', 'Heartbeat', 'Heartbeat'],
  )
})

test('fails what it held back when a session is not renewed', async (t) => {
  const refusal = { errorCode: ErrorCode.SASL_AUTHENTICATION_FAILED, errorMessage: 'The account is locked' }
  const { port } = await broker(t, { authenticate: (_, count) => (count === 0 ? { sessionLifetimeMs: 1000 } : refusal) })
  let now = 0
  const connection = await open(t, port, plain, () => now)
  now = 1000
  const results = await Promise.allSettled([connection.request('Heartbeat', heartbeat), connection.request('Heartbeat', heartbeat)])
  for (const result of results) assert.equal(result.status === 'rejected' && result.reason.message, 'The account is locked')
  assert.equal(connection.isOpen, false)
  assert.equal(connection.pendingCount, 0)
})
