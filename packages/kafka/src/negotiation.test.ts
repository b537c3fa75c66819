import assert from 'node:assert/strict'
import { type AddressInfo, createServer } from 'node:net'
import test, { type TestContext } from 'node:test'
import { apis, encodeResponse, encodeUnsupportedApiVersions, FrameSplitter, readRequestHeader } from '@millrace/kafka-protocol'
import { monotonicClock } from './clock.ts'
import { Connection } from './connection.ts'

/** Connects to a server that knows ApiVersions up to a version only, and refuses newer ones with this answer. Gives the versions that were asked for. */
async function askedVersions(t: TestContext, versionMax: number, refusal: (correlationId: number) => Buffer): Promise<number[]> {
  const asked: number[] = []
  const server = createServer((socket) => {
    const splitter = new FrameSplitter(1_000_000)
    socket.on('error', () => socket.destroy())
    socket.on('data', (chunk) => {
      for (const frame of splitter.push(chunk)) {
        const { version, correlationId } = readRequestHeader(frame)
        asked.push(version)
        const apiKeys = Object.values(apis).map(({ key, versions }) => ({ apiKey: key, minVersion: versions.min, maxVersion: versions.max }))
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
  connection.close()
  return asked
}

test('a broker that tells which versions of ApiVersions it has is asked in the newest of them', async (t) => {
  const refusal = (correlationId: number) => encodeUnsupportedApiVersions(correlationId, { min: 0, max: 2 })
  assert.deepEqual(await askedVersions(t, 2, refusal), [3, 2])
})

test('a broker that does not tell, as before Kafka 2.4, is asked in the first', async (t) => {
  const refusal = (correlationId: number) => encodeResponse({ api: 'ApiVersions', version: 0, correlationId, body: { errorCode: 35, apiKeys: [] } })
  assert.deepEqual(await askedVersions(t, 2, refusal), [3, 0])
})
