import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { ConnectorInfo } from '@millrace/rest-api'
import { temporaryFolder, waitFor } from '@millrace/testing'
import { parseWorkerConfig } from '../config/worker-config.ts'
import { BadRequestRestError, ConflictRestError, NotFoundRestError, RestError } from '../herder/errors.ts'
import type { Herder, RequestedConfig } from '../herder/herder.ts'
import { Loggers } from '../logging/loggers.ts'
import { RestServer, type RestServerOptions } from './server.ts'

const info: ConnectorInfo = { name: 'c', config: { name: 'c', 'connector.class': 'X' }, tasks: [{ connector: 'c', task: 0 }], type: 'source' }

/** Answers like a herder with one connector `c`, and notes what it was asked. */
class FakeHerder implements Partial<Herder> {
  readonly asked: unknown[] = []
  readonly clusterId = 'cluster'
  connectors = () => ['c']
  connectorInfo = (name: string) => (name === 'c' ? info : notFound(`Connector ${name} not found`))
  connectorConfig = (name: string) => this.connectorInfo(name).config
  connectorStatus = async (name: string) =>
    name === 'c'
      ? { name, connector: { state: 'RUNNING' as const, worker_id: 'w:1' }, tasks: [], type: 'source' as const }
      : notFound(`No status found for connector ${name}`)
  connectorStatuses = async (names: readonly string[]) =>
    new Map(await Promise.all(names.map(async (name) => [name, await this.connectorStatus(name)] as const)))
  setClusterLoggerLevel = async (namespace: string, level: string) => void this.asked.push(['level', namespace, level])
  taskStatus = async ({ connector, task }: { connector: string; task: number }) => notFound(`No status found for task ${connector}-${task}`)
  putConnector = async (name: string, config: RequestedConfig, options: unknown) => {
    this.asked.push(['put', name, config, options])
    if (name === 'taken') throw new ConflictRestError('Connector taken already exists')
    if (name === 'broken') throw new TypeError('cannot read')
    return { created: true, info }
  }
  patchConnectorConfig = async (name: string, patch: RequestedConfig) => {
    this.asked.push(['patch', name, patch])
    return info
  }
  restartConnector = async (name: string, request: { includeTasks: boolean; onlyFailed: boolean }) => {
    this.asked.push(['restart', name, request])
    return request.includeTasks ? this.connectorStatus('c') : null
  }
  pauseConnector = async () => {}
  stopConnector = async (name: string) => (name === 'c' ? undefined : notFound(`Unknown connector ${name}`))
  connectorOffsets = async () => ({ offsets: [{ partition: { f: 'x' }, offset: { position: 9007199254740993n } }] })
  alterConnectorOffsets = async () => Promise.reject(new RestError(501, 'not offered yet'))
  connectorPlugins = (connectorsOnly: boolean) => {
    this.asked.push(['plugins', connectorsOnly])
    return []
  }
  validateConnectorConfig = async () => Promise.reject(new BadRequestRestError('Connector config {name=a} contains no connector type'))
  putTaskConfigs = async () => Promise.reject(new Error('standalone'))
  health = async () => ({ status: 'healthy' as const, message: 'ready' })
}

function notFound(message: string): never {
  throw new NotFoundRestError(message)
}

async function serve(t: TestContext, properties: Record<string, string> = {}, options: Partial<RestServerOptions> = {}) {
  const lines: string[] = []
  const loggers = new Loggers({ rootLevel: 'INFO', write: (record) => lines.push(record.message) })
  const config = parseWorkerConfig({
    mode: 'standalone',
    properties: {
      'bootstrap.servers': '127.0.0.1:9092',
      'key.converter': 'K',
      'value.converter': 'V',
      'offset.storage.file.filename': 'offsets',
      listeners: 'http://127.0.0.1:0',
      ...properties,
    },
    logger: loggers.logger('config/worker-config'),
  })
  const version = { version: '4.3.1', commit: 'abc', millrace: { version: '0.1.0', node: 'v24' } }
  const server = new RestServer({ config, loggers, version, ...options })
  await server.listen()
  t.after(() => server.stop(0))
  const herder = new FakeHerder()
  const url = server.advertisedUrl.href.slice(0, -1)
  const mount = () => server.mount(herder as unknown as Herder)
  return { server, herder, url, mount, lines }
}

async function served(t: TestContext, properties: Record<string, string> = {}) {
  const parts = await serve(t, properties)
  parts.mount()
  return parts
}

const json = { 'content-type': 'application/json' }

async function ask(url: string, init: RequestInit = {}) {
  const response = await fetch(url, init)
  const text = await response.text()
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: text === '' ? undefined : text.startsWith('{') || text.startsWith('[') ? JSON.parse(text) : text,
  }
}

function error(status: number, message: string) {
  return { error_code: status, message }
}

test('answers early: starting at /health, 404 elsewhere, until the herder is mounted', async (t) => {
  const { url, mount } = await serve(t)
  const health = await ask(`${url}/health`)
  assert.equal(health.status, 503)
  assert.deepEqual(health.body, { status: 'starting', message: 'Worker is still starting up.' })
  assert.equal((await ask(`${url}/connectors`)).status, 404)
  mount()
  assert.equal((await ask(`${url}/health`)).status, 200)
  assert.deepEqual((await ask(`${url}/`)).body, { version: '4.3.1', commit: 'abc', kafka_cluster_id: 'cluster', millrace: { version: '0.1.0', node: 'v24' } })
})

test('creates a connector with its trimmed name in the configuration and tells where it is', async (t) => {
  const { url, herder } = await served(t)
  const answer = await ask(`${url}/connectors`, {
    method: 'POST',
    headers: json,
    body: '{"name":" a/b c ","config":{"tasks.max":1},"initial_state":"stopped"}',
  })
  assert.equal(answer.status, 201)
  assert.equal(answer.headers.get('location'), `${url}/connectors/a/b%20c`)
  assert.deepEqual(herder.asked, [['put', 'a/b c', { 'tasks.max': '1', name: 'a/b c' }, { allowReplace: false, initialState: 'STOPPED' }]])
})

test('a name in the configuration must be the name in the URL', async (t) => {
  const { url } = await served(t)
  const answer = await ask(`${url}/connectors/src/config`, { method: 'PUT', headers: json, body: '{"name":"other"}' })
  assert.equal(answer.status, 400)
  assert.deepEqual(answer.body, error(400, "Connector name configuration (other) doesn't match connector name in the URL (src)"))
})

test('errors keep their status, all others are 500 with their message', async (t) => {
  const { url, lines } = await served(t)
  const create = (name: string) => ask(`${url}/connectors`, { method: 'POST', headers: json, body: JSON.stringify({ name, config: {} }) })
  assert.deepEqual((await create('taken')).body, error(409, 'Connector taken already exists'))
  assert.deepEqual((await create('broken')).body, error(500, 'cannot read'))
  assert.deepEqual(
    lines.filter((line) => line.startsWith('Uncaught')),
    ['Uncaught exception in REST call to /connectors'],
  )
})

test('missing bodies are answered in the words of the original', async (t) => {
  const { url } = await served(t)
  const put = (path: string, body: string, method = 'PUT') => ask(url + path, { method, headers: json, body })
  assert.deepEqual(
    (await put('/connectors', '', 'POST')).body.message,
    'Cannot invoke "org.apache.kafka.connect.runtime.rest.entities.CreateConnectorRequest.name()" because "createRequest" is null',
  )
  assert.deepEqual(
    (await put('/connectors', '{"name":"x"}', 'POST')).body.message,
    'Cannot invoke "java.util.Map.get(Object)" because "connectorConfig" is null',
  )
  assert.deepEqual((await put('/connectors/c/config', 'null')).body, error(500, 'Cannot invoke "java.util.Map.get(Object)" because "connectorConfig" is null'))
  assert.deepEqual(
    (await put('/connectors/c/config', '', 'PATCH')).body,
    error(500, 'Cannot invoke "java.util.Map.forEach(java.util.function.BiConsumer)" because "patch" is null'),
  )
  assert.deepEqual(
    (await put('/connectors/c/offsets', '{}', 'PATCH')).body,
    error(400, 'Partitions / offsets need to be provided for an alter offsets request'),
  )
  assert.deepEqual((await put('/admin/loggers/x', '')).body, error(500, 'Cannot invoke "java.util.Map.get(Object)" because "levelMap" is null'))
})

test('paths, methods and types that nobody serves', async (t) => {
  const { url } = await served(t)
  for (const path of ['/nopath', '/connectors/c/tasks-config', '/connectors/c/tasks/x/status', '/connectors/c/tasks/99999999999/status', '/admin']) {
    assert.deepEqual([path, (await ask(url + path)).body], [path, error(404, 'HTTP 404 Not Found')])
  }
  assert.deepEqual((await ask(`${url}/connectors/c/tasks/+7/status`)).body, error(404, 'No status found for task c-7'))
  assert.deepEqual((await ask(`${url}/connectors`, { method: 'PATCH' })).body, error(405, 'HTTP 405 Method Not Allowed'))
  assert.deepEqual((await ask(`${url}/admin/loggers/`, { method: 'PUT', headers: json, body: '{}' })).status, 405)
  for (const headers of [{ 'content-type': 'text/plain' }, { 'content-type': 'application/vnd.x+json' }, {}]) {
    const body = new Blob(['{}'])
    assert.deepEqual((await ask(`${url}/connectors`, { method: 'POST', headers, body })).body, error(415, 'HTTP 415 Unsupported Media Type'))
  }
  assert.deepEqual((await ask(`${url}/connectors/c/pause`, { method: 'PUT', headers: { 'content-type': 'text/plain' }, body: 'x' })).status, 415)
  assert.deepEqual((await ask(`${url}/connectors`, { headers: { accept: 'text/html' } })).body, error(406, 'HTTP 406 Not Acceptable'))
  assert.equal((await ask(`${url}/connectors`, { headers: { accept: 'text/html, */*;q=0.1' } })).status, 200)
})

test('HEAD and OPTIONS work on every resource', async (t) => {
  const { url } = await served(t)
  const head = await ask(`${url}/connectors`, { method: 'HEAD' })
  assert.deepEqual([head.status, head.headers.get('content-length'), head.text], [200, '5', ''])
  const allow: Record<string, string> = {
    '/': 'HEAD,GET,OPTIONS',
    '/connectors': 'HEAD,POST,GET,OPTIONS',
    '/connectors/x': 'HEAD,DELETE,GET,OPTIONS',
    '/connectors/x/config': 'HEAD,GET,OPTIONS,PUT,PATCH',
    '/connectors/x/offsets': 'HEAD,DELETE,GET,OPTIONS,PATCH',
    '/connectors/x/tasks': 'HEAD,POST,GET,OPTIONS',
    '/connectors/x/tasks/1/restart': 'POST,OPTIONS',
    '/admin/loggers/x': 'HEAD,GET,OPTIONS,PUT',
  }
  for (const [path, expected] of Object.entries(allow)) {
    const answer = await ask(url + path, { method: 'OPTIONS' })
    assert.deepEqual([path, answer.status, answer.headers.get('allow'), answer.text], [path, 200, expected, expected.replaceAll(',', ', ')])
    assert.equal(answer.headers.get('content-type'), 'text/plain')
  }
})

test('names in paths are decoded, slashes included', async (t) => {
  const { url } = await served(t)
  assert.deepEqual((await ask(`${url}/connectors/a%2Fb`)).body, error(404, 'Connector a/b not found'))
  assert.deepEqual((await ask(`${url}/connectors/%E4%B8%AD+x%20y/`)).body, error(404, 'Connector 中+x y not found'))
  assert.deepEqual((await ask(`${url}/connectors/a;x=1/status`)).body, error(404, 'No status found for connector a'))
  for (const path of ['/connectors//status', '/connectors/%zz', '/connectors/%E4', '/connectors/a%00b', '/connectors/a%0Ab']) {
    assert.equal((await ask(url + path)).status, 400, path)
  }
})

test('Java booleans: a restart of tasks answers with the state, everything but true is false', async (t) => {
  const { url, herder } = await served(t)
  const restart = async (query: string) => (await ask(`${url}/connectors/c/restart${query}`, { method: 'POST' })).status
  assert.deepEqual(
    [await restart(''), await restart('?includeTasks=banana'), await restart('?includeTasks='), await restart('?includeTasks=TRUE')],
    [204, 204, 204, 202],
  )
  await ask(`${url}/connector-plugins?connectorsOnly=`)
  await ask(`${url}/connector-plugins?connectorsOnly=banana`)
  assert.deepEqual(herder.asked.slice(-2), [
    ['plugins', true],
    ['plugins', false],
  ])
})

test('actions answer without a body', async (t) => {
  const { url } = await served(t)
  const pause = await ask(`${url}/connectors/c/pause`, { method: 'PUT' })
  assert.deepEqual([pause.status, pause.headers.get('content-length'), pause.text], [202, '0', ''])
  const stop = await ask(`${url}/connectors/c/stop`, { method: 'PUT' })
  assert.deepEqual([stop.status, stop.headers.get('content-length')], [204, null])
})

test('a list may be expanded, unknown expansions are ignored', async (t) => {
  const { url } = await served(t)
  const { body } = await ask(`${url}/connectors?expand=status&expand=info`)
  assert.deepEqual(Object.keys(body.c), ['status', 'info'])
  assert.deepEqual((await ask(`${url}/connectors?expand=bogus`)).body, { c: {} })
  assert.deepEqual((await ask(`${url}/connectors?expand`)).body, { c: {} })
})

test('errors of validation arrive wrapped, as in the original', async (t) => {
  const { url } = await served(t)
  const validate = (plugin: string, body: string) => ask(`${url}/connector-plugins/${plugin}/config/validate`, { method: 'PUT', headers: json, body })
  assert.deepEqual(
    (await validate('FileStreamSource', '{"name":"a"}')).body,
    error(500, 'org.apache.kafka.connect.runtime.rest.errors.BadRequestException: Connector config {name=a} contains no connector type'),
  )
  assert.deepEqual(
    (await validate('FileStreamSink', '{"connector.class":"FileStreamSource"}')).body,
    error(400, 'Included connector type FileStreamSource does not match request type FileStreamSink'),
  )
})

test('offsets beyond what a number holds are written exactly', async (t) => {
  const { url } = await served(t)
  assert.equal((await ask(`${url}/connectors/c/offsets`)).text, '{"offsets":[{"partition":{"f":"x"},"offset":{"position":9007199254740993}}]}')
})

test('levels of loggers are read and set, on this worker or on all of them', async (t) => {
  const { url, herder } = await served(t)
  const logger = `${url}/admin/loggers/org.apache.kafka.connect.runtime.WorkerSourceTask`
  const set = (body: unknown, query = '') => ask(logger + query, { method: 'PUT', headers: json, body: JSON.stringify(body) })
  assert.deepEqual((await ask(`${url}/admin/loggers/root`)).body, { level: 'INFO', last_modified: null })
  assert.deepEqual((await ask(`${url}/admin/loggers/no.such`)).body, error(404, 'Logger no.such not found.'))
  assert.deepEqual((await set({ level: 'debug' })).body, ['org.apache.kafka.connect.runtime.WorkerSourceTask'])
  assert.equal((await ask(logger)).body.level, 'DEBUG')
  assert.deepEqual((await set({ level: 'BOGUS' })).body, error(404, "invalid log level 'BOGUS'."))
  assert.deepEqual((await set({})).body, error(400, "Desired 'level' parameter was not specified in request."))
  assert.equal((await set({ level: 'info' }, '?scope=Cluster')).status, 204)
  assert.deepEqual(herder.asked.at(-1), ['level', 'org.apache.kafka.connect.runtime.WorkerSourceTask', 'info'])
  assert.equal((await ask(logger)).body.level, 'DEBUG')
  assert.equal((await set({ level: 'WARN' }, '?scope=bogus')).status, 200)
})

test('a body that is too large is refused and the worker goes on', async (t) => {
  const { url } = await served(t)
  const answer = await ask(`${url}/connectors`, { method: 'POST', headers: json, body: 'x'.repeat(9 * 1024 * 1024) })
  assert.deepEqual(answer.body, error(413, 'HTTP 413 Request Entity Too Large'))
  assert.equal((await ask(`${url}/connectors`)).status, 200)
})

test('a client that never finishes its request is let go', { timeout: 10_000 }, async (t) => {
  const { server, mount } = await serve(t, {}, { requestTimeoutMs: 200 })
  mount()
  const socket = connect(Number(server.advertisedUrl.port), '127.0.0.1')
  socket.write('POST /connectors HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{')
  let text = ''
  socket.on('data', (chunk) => {
    text += String(chunk)
  })
  await once(socket, 'close')
  assert.match(text, /^HTTP\/1\.1 4\d\d /)
})

test('a client that does not read its answer is let go', { timeout: 20_000 }, async (t) => {
  const { server, herder, url, mount } = await serve(t, {}, { idleTimeoutMs: 300 })
  mount()
  // More than the system takes off our hands.
  herder.connectorConfig = () => ({ filler: 'x'.repeat(24 * 1024 * 1024) })
  const socket = connect(Number(server.advertisedUrl.port), '127.0.0.1')
  socket.on('error', () => {})
  socket.pause()
  socket.write('GET /connectors/c/config HTTP/1.1\r\nHost: x\r\n\r\n')
  await waitFor(
    async () => {
      // What it does not read keeps the end from it; only what it sends makes the other side say so. Seldom, as that is a sign of life.
      const closed = await new Promise<boolean>((resolve) => socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n', (error) => resolve(error != null)))
      return closed || socket.destroyed
    },
    { what: 'the connection to be closed', deadlineMs: 15_000, intervalMs: 1000 },
  )
  assert.equal((await ask(`${url}/connectors`)).status, 200)
})

test('bytes that are no HTTP are answered with 400', async (t) => {
  const { server, mount } = await serve(t)
  mount()
  const socket = connect(Number(server.advertisedUrl.port), '127.0.0.1')
  socket.end('garbage\r\n\r\n')
  const [chunk] = await once(socket, 'data')
  assert.match(String(chunk), /^HTTP\/1\.1 400 Bad Request\r\n[^]*\{"error_code":400,"message":"HTTP 400 Bad Request"\}$/)
})

test('a client that goes away before its answer does no harm', async (t) => {
  const { url, herder } = await served(t)
  const gate = Promise.withResolvers<void>()
  herder.pauseConnector = () => gate.promise
  const request = httpRequest(`${url}/connectors/c/pause`, { method: 'PUT' })
  request.on('error', () => {})
  request.end()
  await once(request, 'finish')
  request.destroy()
  gate.resolve()
  assert.equal((await ask(`${url}/connectors`)).status, 200)
})

test('each request has a line in the access log in which clients cannot forge others', async (t) => {
  const { url, lines } = await served(t)
  await ask(`${url}/connectors?x="y`, { headers: { 'user-agent': 'a"b' } })
  const line = lines.find((text) => text.includes('GET /connectors')) ?? ''
  assert.match(line, /^127\.0\.0\.1 - - \[\d\d\/\w{3}\/\d{4}:\d\d:\d\d:\d\d \+0000\] "GET \/connectors\?x=\S+ HTTP\/1\.1" 200 5 "" "a\\x22b" \d+$/)
})

test('scripts of allowed origins get their headers, others do not', async (t) => {
  const { url } = await served(t, { 'access.control.allow.origin': 'http://*.example.com', 'access.control.allow.methods': 'GET,PUT' })
  const from = async (origin: string, init: RequestInit = {}) => (await ask(`${url}/connectors`, { ...init, headers: { ...init.headers, origin } })).headers
  assert.equal((await from('http://a.example.com')).get('access-control-allow-origin'), 'http://a.example.com')
  assert.equal((await from('http://a.example.com.evil.org')).get('access-control-allow-origin'), null)
  const preflight = await from('http://a.example.com', { method: 'OPTIONS', headers: { 'access-control-request-method': 'PUT' } })
  assert.equal(preflight.get('access-control-allow-methods'), 'GET,PUT')
  const refused = await from('http://a.example.com', { method: 'OPTIONS', headers: { 'access-control-request-method': 'DELETE' } })
  assert.equal(refused.get('access-control-allow-origin'), null)
})

test('answers carry the configured headers', async (t) => {
  const { url } = await served(t, { 'response.http.headers.config': 'set X-Frame-Options: DENY, "add Cache-Control: no-cache, no-store", setDate Expires: 0' })
  const { headers } = await ask(`${url}/connectors`)
  assert.equal(headers.get('x-frame-options'), 'DENY')
  assert.equal(headers.get('cache-control'), 'no-cache, no-store')
  assert.match(headers.get('expires') ?? '', /GMT$/)
})

test('asks for names and passwords where the extension is set, but not other workers, who sign', async (t) => {
  const folder = temporaryFolder(t)
  writeFileSync(join(folder, 'users'), 'ada=secret\n')
  const module = 'org.apache.kafka.connect.rest.basic.auth.extension.PropertyFileLoginModule'
  writeFileSync(join(folder, 'jaas'), `KafkaConnect { ${module} required file="${join(folder, 'users')}"; };`)
  process.env.KAFKA_OPTS = `-Djava.security.auth.login.config=${join(folder, 'jaas')}`
  t.after(() => delete process.env.KAFKA_OPTS)
  const { url, lines } = await served(t, {
    'rest.extension.classes': 'org.apache.kafka.connect.rest.basic.auth.extension.BasicAuthSecurityRestExtension',
    'access.control.allow.origin': 'http://console',
  })
  const authorization = `Basic ${Buffer.from('ada:secret').toString('base64')}`
  for (const [path, method] of [
    ['/', 'GET'],
    ['/connectors', 'POST'],
    ['/admin/loggers', 'GET'],
    ['/health', 'GET'],
    ['/connectors', 'OPTIONS'],
  ] as const) {
    const { status, text, headers } = await ask(url + path, { method })
    assert.deepEqual(
      [status, text, headers.get('content-type'), headers.get('www-authenticate')],
      [401, 'User cannot access the resource.', 'text/plain', null],
    )
    assert.notEqual((await ask(url + path, { method, headers: { authorization } })).status, 401)
  }
  assert.equal((await ask(`${url}/nowhere`)).status, 404)
  assert.deepEqual((await ask(`${url}/connectors/c/tasks`, { method: 'POST', body: '[]' })).body, error(500, 'standalone'))
  const preflight = { origin: 'http://console', 'access-control-request-method': 'GET' }
  assert.equal((await ask(`${url}/connectors`, { method: 'OPTIONS', headers: preflight })).status, 200)
  assert.ok(!lines.join().includes('secret'))
})

test('admin endpoints move to their own listener, or away', async (t) => {
  const moved = await served(t, { 'admin.listeners': 'http://127.0.0.1:0' })
  assert.equal((await ask(`${moved.url}/admin/loggers`)).status, 404)
  assert.equal((await ask(`${moved.url}/connectors`)).status, 200)
  const off = await served(t, { 'admin.listeners': '' })
  assert.equal((await ask(`${off.url}/admin/loggers`)).status, 404)
})

test('an address in use is named with what to do', async (t) => {
  const { server } = await serve(t)
  const port = server.advertisedUrl.port
  await assert.rejects(serve(t, { listeners: `http://127.0.0.1:${port}` }), new RegExp(`http://127\\.0\\.0\\.1:${port} is in use.*"listeners"`))
})

test('malformed listeners are refused before anything is bound', async (t) => {
  await assert.rejects(serve(t, { listeners: 'nonsense' }), /Listener doesn't have the right format \(protocol:\/\/hostname:port\)\./)
  await assert.rejects(serve(t, { listeners: 'ftp://x:1' }), /Listener protocol must be either "http" or "https"\./)
})

test('the advertised address names the worker', async (t) => {
  const { server } = await serve(t, { 'rest.advertised.host.name': 'worker.example', 'rest.advertised.port': '80' })
  assert.equal(server.workerId, 'worker.example:80')
})

test('stopping waits for requests that are being handled and takes no new ones', async (t) => {
  const { server, url, herder } = await served(t)
  const gate = Promise.withResolvers<void>()
  const isHandling = Promise.withResolvers<void>()
  herder.pauseConnector = () => {
    isHandling.resolve()
    return gate.promise
  }
  const pending = ask(`${url}/connectors/c/pause`, { method: 'PUT' })
  await isHandling.promise
  const stopped = server.stop(5000)
  await assert.rejects(fetch(`${url}/connectors`))
  gate.resolve()
  assert.equal((await pending).status, 202)
  await stopped
})
