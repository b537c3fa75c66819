import assert from 'node:assert/strict'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { silentLogger } from '@millrace/kafka'
import { RestError } from '../errors.ts'
import { checkSignature } from './internal-request-signature.ts'
import { makeSessionKey } from './session-keys.ts'
import { WorkerClient } from './worker-client.ts'

async function worker(t: TestContext, answer: RequestListener): Promise<{ url: string; client: WorkerClient }> {
  const server = createServer(answer).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const client = new WorkerClient({ logger: { ...silentLogger, isDebugEnabled: false, trace: () => undefined } })
  t.after(async () => {
    await client.close()
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, client }
}

test('a request carries what it was given and brings the answer back', async (t) => {
  const seen: unknown[] = []
  const { url, client } = await worker(t, (request, response) => {
    const { accept, authorization, 'user-agent': agent, 'content-type': type } = request.headers
    seen.push(request.method, request.url, { accept, authorization, agent, type })
    response.writeHead(201, { location: '/x' }).end('{"name":"x"}')
  })
  const answer = await client.request({ method: 'POST', url: `${url}connectors?forward=true`, body: '{"name":"x"}', authorization: 'Basic eA==' })
  assert.deepEqual({ status: answer.status, text: answer.text, location: answer.headers.location }, { status: 201, text: '{"name":"x"}', location: '/x' })
  const headers = { accept: 'application/json', authorization: 'Basic eA==', agent: 'kafka-connect', type: 'application/json' }
  assert.deepEqual(seen, ['POST', '/connectors?forward=true', headers])
})

test('a signed request is accepted by whoever has the key, also without a body', async (t) => {
  const key = makeSessionKey({ algorithm: 'HmacSHA256', keyBits: null, ttlMs: 0 }, 0)
  const { url, client } = await worker(t, (request, response) => {
    const chunks: Buffer[] = []
    request
      .on('data', (chunk: Buffer) => chunks.push(chunk))
      .on('end', () => {
        checkSignature({ headers: request.headers, body: Buffer.concat(chunks), key, algorithms: ['HmacSHA256'] })
        response.writeHead(204).end()
      })
  })
  const signature = { key, algorithm: 'HmacSHA256' }
  assert.equal((await client.request({ method: 'POST', url, body: '[{"ä":"ö"}]', signature })).status, 204)
  assert.equal((await client.request({ method: 'PUT', url, signature })).status, 204)
})

test('an error of the other worker is passed on with its status and message', async (t) => {
  const { url, client } = await worker(t, (_, response) => void response.writeHead(404).end('{"error_code":404,"message":"Connector x not found"}'))
  await assert.rejects(client.request({ method: 'GET', url }), new RestError(404, 'Connector x not found'))
})

test('what is no answer of a worker is an error that says so', async (t) => {
  const { url, client } = await worker(t, (request, response) => {
    if (request.url === '/moved') response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end()
    else if (request.url === '/page') response.writeHead(502).end('<html>')
    else if (request.url === '/cut') response.socket?.destroy()
  })
  const moved = new RestError(500, 'Unexpected status code when handling forwarded request: 302')
  await assert.rejects(client.request({ method: 'GET', url: `${url}moved` }), moved)
  await assert.rejects(client.request({ method: 'GET', url: `${url}page` }), {
    status: 500,
    message: /^IO Error trying to forward REST request: Unexpected token/,
  })
  await assert.rejects(client.request({ method: 'GET', url: `${url}cut` }), { status: 500, message: 'IO Error trying to forward REST request: socket hang up' })
  const late = { status: 500, message: 'IO Error trying to forward REST request: no answer within 50 ms' }
  await assert.rejects(client.request({ method: 'GET', url: `${url}silent`, timeoutMs: 50 }), late)
})

test('that a worker is gone is told in the log, but not by a request that does without an answer', async (t) => {
  const errors: string[] = []
  const client = new WorkerClient({ logger: { ...silentLogger, isDebugEnabled: false, trace: () => undefined, error: (message) => errors.push(message) } })
  t.after(() => client.close())
  const url = 'http://127.0.0.1:1/'
  await assert.rejects(client.request({ method: 'GET', url, isOptional: true }), { status: 500 })
  assert.deepEqual(errors, [])
  await assert.rejects(client.request({ method: 'GET', url }), { status: 500 })
  assert.match(errors[0] ?? '', /^IO error forwarding REST request to/)
})
