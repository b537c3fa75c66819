import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import { ConnectClient, ConnectClientError } from './client.ts'

async function serverThat(t: TestContext, answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const server = createServer(answer).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

test('names are escaped in paths, bodies are JSON, configured headers are sent', async (t) => {
  const seen: unknown[] = []
  const url = await serverThat(t, (request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      seen.push([request.method, request.url, request.headers['content-type'], request.headers.authorization, Buffer.concat(chunks).toString()])
      response.end('{}')
    })
  })
  const client = new ConnectClient(url, { headers: { authorization: 'Basic x' } })
  await client.patchConnectorConfig('a/b c', { key: null })
  await client.connectorPlugins(false)
  await client.pluginConfig('X', '[1,2)')
  assert.deepEqual(seen, [
    ['PATCH', '/connectors/a%2Fb%20c/config', 'application/json', 'Basic x', '{"key":null}'],
    ['GET', '/connector-plugins?connectorsOnly=false', undefined, 'Basic x', ''],
    ['GET', '/connector-plugins/X/config?version=%5B1%2C2)', undefined, 'Basic x', ''],
  ])
})

test('an error status rejects with the code and message of the answer', async (t) => {
  const url = await serverThat(t, (_, response) => {
    response.statusCode = 409
    response.end('{"error_code":40901,"message":"rebalancing"}')
  })
  await assert.rejects(new ConnectClient(url).deleteConnector('c'), new ConnectClientError(409, 40901, 'rebalancing'))
})

test('an error page of somebody else is the message', async (t) => {
  const url = await serverThat(t, (_, response) => {
    response.statusCode = 502
    response.end('<html>bad gateway</html>')
  })
  await assert.rejects(new ConnectClient(url).connectors(), new ConnectClientError(502, 502, '<html>bad gateway</html>'))
})

test('health is an answer also where the worker is starting', async (t) => {
  const url = await serverThat(t, (_, response) => {
    response.statusCode = 503
    response.end('{"status":"starting","message":"Worker is still starting up."}')
  })
  assert.equal((await new ConnectClient(url).health()).status, 'starting')
})

test('a restart of the connector alone answers with nothing', async (t) => {
  const url = await serverThat(t, (request, response) => {
    assert.equal(request.url, '/connectors/c/restart?includeTasks=false&onlyFailed=false')
    response.statusCode = 204
    response.end()
  })
  assert.equal(await new ConnectClient(url).restartConnector('c'), null)
})

test('a worker that never answers is given up', async (t) => {
  const url = await serverThat(t, () => {})
  await assert.rejects(new ConnectClient(url, { requestTimeoutMs: 50 }).connectors(), { name: 'TimeoutError' })
})
