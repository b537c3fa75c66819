import assert from 'node:assert/strict'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import test, { type TestContext } from 'node:test'
import { apis, encodeResponse, FrameSplitter, readRequestHeader } from '@millrace/kafka-protocol'
import { monotonicClock } from './clock.ts'
import { Connection } from './connection.ts'

type Answer = (header: { apiKey: number; correlationId: number }, socket: Socket) => void

/** A server that answers ApiVersions and leaves everything else to the test. */
async function listening(t: TestContext, answer: Answer): Promise<Connection> {
  const server: Server = createServer((socket) => {
    const splitter = new FrameSplitter(1_000_000)
    socket.on('error', () => socket.destroy())
    socket.on('data', (chunk) => {
      for (const frame of splitter.push(chunk)) {
        const header = readRequestHeader(frame)
        if (header.apiKey === apis.ApiVersions.key) socket.write(versions(header.correlationId, header.version))
        else answer(header, socket)
      }
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  const { port } = server.address() as AddressInfo
  const address = { host: '127.0.0.1', port }
  const connection = await Connection.open({ address, clientId: 'c', connectTimeoutMs: 5_000, requestTimeoutMs: 5_000, clock: monotonicClock })
  t.after(() => connection.close())
  return connection
}

function versions(correlationId: number, version: number): Buffer {
  const apiKeys = Object.values(apis).map(({ key, versions }) => ({ apiKey: key, minVersion: versions.min, maxVersion: versions.max }))
  return encodeResponse({ api: 'ApiVersions', version, correlationId, body: { errorCode: 0, apiKeys } })
}

function heartbeat(correlationId: number, errorCode = 0): Buffer {
  return encodeResponse({ api: 'Heartbeat', version: 4, correlationId, body: { errorCode } })
}

const body = { groupId: 'g', generationId: 1, memberId: 'm' }

test('pipelines requests and hands each its own answer, however the bytes are cut', async (t) => {
  const waiting: Buffer[] = []
  const connection = await listening(t, ({ correlationId }, socket) => {
    waiting.push(heartbeat(correlationId, waiting.length))
    if (waiting.length < 3) return
    const all = Buffer.concat(waiting)
    socket.write(all.subarray(0, 5))
    setImmediate(() => socket.write(all.subarray(5)))
  })
  const answers = await Promise.all([1, 2, 3].map(() => connection.request('Heartbeat', body)))
  assert.deepEqual(
    answers.map(({ errorCode }) => errorCode),
    [0, 1, 2],
  )
  assert.equal(connection.pendingCount, 0)
})

test('a request without an answer ends the connection and fails all that is pending', async (t) => {
  const connection = await listening(t, () => undefined)
  const results = await Promise.allSettled([connection.request('Heartbeat', body, 20), connection.request('Heartbeat', body)])
  for (const result of results) assert.equal(result.status === 'rejected' && result.reason.code, 'REQUEST_TIMED_OUT')
  assert.equal(connection.isOpen, false)
  await assert.rejects(connection.request('Heartbeat', body), { code: 'REQUEST_TIMED_OUT' })
  await connection.closed
})

test('a broker that goes away fails all that is pending', async (t) => {
  const connection = await listening(t, (_, socket) => socket.destroy())
  await assert.rejects(connection.request('Heartbeat', body), { code: 'NETWORK_EXCEPTION', retriable: true })
})

test('an answer that belongs to no request ends the connection', async (t) => {
  const connection = await listening(t, ({ correlationId }, socket) => socket.write(heartbeat(correlationId + 1)))
  await assert.rejects(connection.request('Heartbeat', body), /belongs to no request/)
  assert.equal(connection.isOpen, false)
})

test('bytes of another protocol end the connection without taking memory', async (t) => {
  const connection = await listening(t, (_, socket) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'))
  await assert.rejects(connection.request('Heartbeat', body), { code: 'NETWORK_EXCEPTION' })
  assert.equal(connection.isOpen, false)
})

test('an answer that is cut short ends the connection', async (t) => {
  const connection = await listening(t, ({ correlationId }, socket) => {
    const answer = heartbeat(correlationId)
    answer.writeInt32BE(answer.length - 4 - 2, 0)
    socket.write(answer.subarray(0, answer.length - 2))
  })
  await assert.rejects(connection.request('Heartbeat', body))
  assert.equal(connection.isOpen, false)
})

test('a broker that throttles gets nothing for that long, then what was held back, in order', async (t) => {
  const arrived: { at: number; correlationId: number }[] = []
  const connection = await listening(t, ({ correlationId }, socket) => {
    arrived.push({ at: performance.now(), correlationId })
    const throttleTimeMs = arrived.length === 1 ? 150 : 0
    socket.write(encodeResponse({ api: 'Heartbeat', version: 4, correlationId, body: { errorCode: 0, throttleTimeMs } }))
  })
  await connection.request('Heartbeat', body)
  await Promise.all([1, 2, 3].map(() => connection.request('Heartbeat', body)))
  assert.ok(arrived[1]!.at - arrived[0]!.at >= 145, `the next request came after ${arrived[1]!.at - arrived[0]!.at} ms`)
  const [first = 0] = arrived.map(({ correlationId }) => correlationId)
  assert.deepEqual(
    arrived.map(({ correlationId }) => correlationId),
    [first, first + 1, first + 2, first + 3],
  )
})

test('what is held back for a broker that throttles fails when the connection ends', async (t) => {
  const connection = await listening(t, ({ correlationId }, socket) => {
    socket.write(encodeResponse({ api: 'Heartbeat', version: 4, correlationId, body: { errorCode: 0, throttleTimeMs: 60_000 } }))
  })
  await connection.request('Heartbeat', body)
  const held = connection.request('Heartbeat', body)
  connection.close()
  await assert.rejects(held, { code: 'CLIENT_CLOSED' })
})

test('what is held back for longer than it may take fails alone', async (t) => {
  const connection = await listening(t, ({ correlationId }, socket) => {
    socket.write(encodeResponse({ api: 'Heartbeat', version: 4, correlationId, body: { errorCode: 0, throttleTimeMs: 60_000 } }))
  })
  await connection.request('Heartbeat', body)
  await assert.rejects(connection.request('Heartbeat', body, 20), { code: 'REQUEST_TIMED_OUT', retriable: true })
  assert.equal(connection.isOpen, true)
  assert.equal(connection.pendingCount, 0)
})

test('nobody listening is an error that names the address', async () => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  const address = { host: '127.0.0.1', port }
  await assert.rejects(Connection.open({ address, clientId: 'c', connectTimeoutMs: 5_000, requestTimeoutMs: 1_000, clock: monotonicClock }), {
    code: 'NETWORK_EXCEPTION',
    message: new RegExp(`127.0.0.1:${port}.*ECONNREFUSED`),
  })
})

test('a broker that accepts but never answers is given up after the time for connecting', async (t) => {
  const server = createServer((socket) => socket.on('error', () => socket.destroy()))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  const { port } = server.address() as AddressInfo
  const address = { host: '127.0.0.1', port }
  await assert.rejects(Connection.open({ address, clientId: 'c', connectTimeoutMs: 30, requestTimeoutMs: 60_000, clock: monotonicClock }), {
    code: 'REQUEST_TIMED_OUT',
  })
})
