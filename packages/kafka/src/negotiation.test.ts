import assert from 'node:assert/strict'
import { type AddressInfo, createServer } from 'node:net'
import test, { type TestContext } from 'node:test'
import { apis, encodeResponse, encodeUnsupportedApiVersions, FrameSplitter, readRequestHeader } from '@millrace/kafka-protocol'
import { monotonicClock } from './clock.ts'
import { Connection } from './connection.ts'

interface Negotiated {
  readonly connection: Connection
  /** The versions of ApiVersions that were asked for. */
  readonly asked: readonly number[]
}

/** Connects to a server that knows ApiVersions up to a version only, and refuses newer ones with this answer; FindCoordinator it knows in version 0 only. */
async function negotiated(t: TestContext, versionMax: number, refusal: (correlationId: number) => Buffer): Promise<Negotiated> {
  const asked: number[] = []
  const server = createServer((socket) => {
    const splitter = new FrameSplitter(1_000_000)
    socket.on('error', () => socket.destroy())
    socket.on('data', (chunk) => {
      for (const frame of splitter.push(chunk)) {
        const { version, correlationId } = readRequestHeader(frame)
        asked.push(version)
        const apiKeys = Object.values(apis).map(({ name, key, versions }) => {
          return { apiKey: key, minVersion: versions.min, maxVersion: name === 'FindCoordinator' ? 0 : versions.max }
        })
        socket.write(
          version > versionMax ? refusal(correlationId) : encodeResponse({ api: 'ApiVersions', version, correlationId, body: { errorCode: 0, apiKeys } }),
        )
      }
    })
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  t.after(() => server.close())
  const address = { host: '127.0.0.1', port: (server.address() as AddressInfo).port }
  const connection = await Connection.open({ address, clientId: 'c', connectTimeoutMs: 5_000, requestTimeoutMs: 5_000, clock: monotonicClock })
  t.after(() => connection.close())
  return { connection, asked }
}

test('a broker that tells which versions of ApiVersions it has is asked in the newest of them', async (t) => {
  const refusal = (correlationId: number) => encodeUnsupportedApiVersions(correlationId, { min: 0, max: 2 })
  assert.deepEqual((await negotiated(t, 2, refusal)).asked, [3, 2])
})

test('a broker that does not tell, as before Kafka 2.4, is asked in the first', async (t) => {
  const refusal = (correlationId: number) => encodeResponse({ api: 'ApiVersions', version: 0, correlationId, body: { errorCode: 35, apiKeys: [] } })
  assert.deepEqual((await negotiated(t, 2, refusal)).asked, [3, 0])
})

test('what the version that was agreed on cannot say is not sent, and its version is to blame', async (t) => {
  const { connection } = await negotiated(t, 3, () => Buffer.alloc(0))
  await assert.rejects(connection.request('FindCoordinator', { key: 'tx', keyType: 1 }), {
    code: 'UNSUPPORTED_VERSION',
    retriable: false,
    message: /FindCoordinatorRequest\.keyType has a value, but version 0 cannot carry it/,
  })
})
