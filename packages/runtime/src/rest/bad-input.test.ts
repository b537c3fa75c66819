import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Agent, type IncomingMessage, request as httpRequest } from 'node:http'
import { connect, type Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import type { Logger } from '@millrace/api'
import { randomBySeed, waitFor } from '@millrace/testing'
import { createConfigTransformer } from '../config/config-transformer.ts'
import { parseWorkerConfig } from '../config/worker-config.ts'
import { FakeWorker } from '../herder/fixtures/fake-worker.ts'
import { StandaloneHerder } from '../herder/standalone/standalone-herder.ts'
import { Loggers } from '../logging/loggers.ts'
import { discoverPlugins } from '../plugins/discover-plugins.ts'
import { MemoryConfigStore } from '../storage/memory/memory-config-store.ts'
import { MemoryOffsetStore } from '../storage/memory/memory-offset-store.ts'
import { MemoryStatusStore } from '../storage/memory/memory-status-store.ts'
import { mismatch } from './fixtures/schema-mismatch.ts'
import type { OpenApiDocument, OpenApiOperation } from './openapi/openapi-document.ts'
import type { JsonSchema } from './openapi/schemas.ts'
import { RestServer } from './server.ts'

/* What clients send that is wrong, odd or too much: each request has a clear answer, and the worker goes on. */

const silent: Logger = { isDebugEnabled: false, trace() {}, debug() {}, info() {}, warn() {}, error() {} }

interface Served {
  readonly url: string
  readonly port: number
  /** Of levels WARN and above. */
  readonly warnings: string[]
}

/** A herder over a worker that does nothing, served on loopback. */
async function serve(t: TestContext, requestTimeoutMs = 90_000): Promise<Served> {
  const warnings: string[] = []
  const write = ({ level, message }: { level: string; message: string }) => level !== 'INFO' && warnings.push(message)
  const loggers = new Loggers({ rootLevel: 'INFO', write })
  const properties = {
    'bootstrap.servers': 'localhost:9092',
    'key.converter': 'TextConverter',
    'value.converter': 'TextConverter',
    'header.converter': 'TextConverter',
    'offset.storage.file.filename': 'offsets',
    'connector.client.config.override.policy': 'Linger',
    listeners: 'http://127.0.0.1:0',
  }
  const config = parseWorkerConfig({ mode: 'standalone', properties, logger: silent })
  const registry = await discoverPlugins({ pluginPath: [], bundled: [new URL('../herder/test-plugins/package.json', import.meta.url)], logger: silent })
  const herder = new StandaloneHerder({
    config,
    registry,
    transformer: await createConfigTransformer({ properties, registry, logger: silent }),
    createWorker: (listener) => new FakeWorker(listener),
    configStore: new MemoryConfigStore(),
    offsetStore: new MemoryOffsetStore(),
    statusStore: new MemoryStatusStore(),
    workerId: 'here:8083',
    clusterId: 'cluster',
    consumerGroups: { offsets: async () => [], alterOffsets: async () => {}, removeOffsets: async () => {}, remove: async () => {} },
    logger: silent,
  })
  await herder.start()
  const server = new RestServer({ config, loggers, version: { version: '4.3.1', commit: 'test' }, requestTimeoutMs })
  await server.listen()
  t.after(async () => {
    await server.stop(0)
    await herder.stop()
  })
  server.mount(herder)
  herder.ready()
  return { url: server.advertisedUrl.href.slice(0, -1), port: Number(server.advertisedUrl.port), warnings }
}

interface Answer {
  readonly status: number
  readonly type: string | null
  readonly text: string
}

async function ask(url: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(url, init)
  return { status: response.status, type: response.headers.get('content-type'), text: await response.text() }
}

const json = { 'content-type': 'application/json' }

test('connectors with slashes, blanks, quotes and letters of all scripts in their names can be made, read and removed', async (t) => {
  const { url } = await serve(t)
  const names = [
    'a/b',
    'a b',
    'ä☃ 🎈',
    '100%',
    'a%2Fb',
    '"q"',
    "it's",
    'a\\b',
    'a;b=c',
    'a?b#c',
    '+',
    '名前',
    'a\u2028b',
    '__proto__',
    'constructor',
    '-',
    'con-1-2',
  ]
  for (const name of names) {
    const created = await ask(`${url}/connectors`, {
      method: 'POST',
      headers: json,
      body: JSON.stringify({ name, config: { 'connector.class': 'LinesSource', topic: 't' } }),
    })
    assert.equal(created.status, 201, `${name}: ${created.text}`)
  }
  assert.deepEqual(JSON.parse((await ask(`${url}/connectors`)).text), names)
  assert.deepEqual(Object.keys(JSON.parse((await ask(`${url}/connectors?expand=status`)).text) as object).sort(), [...names].sort())
  for (const name of names) {
    const path = `/connectors/${encodeURIComponent(name)}`
    assert.equal((JSON.parse((await ask(url + path)).text) as { name: string }).name, name)
    assert.equal((await ask(`${url}${path}/status`)).status, 200)
    assert.equal((await ask(url + path, { method: 'DELETE' })).status, 204)
    assert.equal((await ask(url + path)).status, 404)
  }
})

test('ten thousand requests at once are all answered', { timeout: 120_000 }, async (t) => {
  const { port, warnings } = await serve(t)
  const agent = new Agent({ keepAlive: true, maxSockets: 500 })
  t.after(() => agent.destroy())
  const body = JSON.stringify({ name: 'same', config: { 'connector.class': 'LinesSource', topic: 't', filler: 'x'.repeat(2000) } })
  const one = (i: number) =>
    new Promise<number>((resolve, reject) => {
      const isWrite = i % 10 === 0
      const options = { port, host: '127.0.0.1', agent, method: isWrite ? 'POST' : 'GET', path: '/connectors', headers: isWrite ? json : {} }
      const request = httpRequest(options, (response) => {
        response.resume()
        response.on('end', () => resolve(response.statusCode ?? 0))
      })
      request.on('error', reject)
      request.end(isWrite ? body : undefined)
    })
  const before = process.memoryUsage().rss
  const statuses = await Promise.all(Array.from({ length: 10_000 }, (_, i) => one(i)))
  const counts = new Map<number, number>()
  for (const status of statuses) counts.set(status, (counts.get(status) ?? 0) + 1)
  assert.deepEqual([...counts].sort(), [
    [200, 9000],
    [201, 1],
    [409, 999],
  ])
  assert.ok(process.memoryUsage().rss - before < 400 * 1024 * 1024, 'memory is bounded')
  assert.deepEqual(warnings, [])
})

test('more connections than a worker takes are closed at once, and the others work on', async (t) => {
  const { url, port, warnings } = await serve(t)
  const sockets: Socket[] = []
  t.after(() => sockets.forEach((socket) => socket.destroy()))
  // In portions that the system's queue of connections can hold.
  while (sockets.length < 1100) {
    const more = Array.from({ length: 100 }, () =>
      connect(port, '127.0.0.1')
        .on('error', () => {})
        .resume(),
    )
    sockets.push(...more)
    await Promise.all(more.map((socket) => once(socket, 'connect')))
  }
  await waitFor(() => sockets.filter((socket) => socket.destroyed || socket.readableEnded).length >= 76, { what: 'the connections beyond 1024 to be closed' })
  assert.equal(warnings.filter((text) => text.startsWith('There are 1024 connections')).length, 1)
  for (const socket of sockets) socket.destroy()
  await waitFor(async () => (await ask(`${url}/connectors`)).status === 200, { what: 'an answer when there is room again' })
})

test('clients that send slowly, or nothing, are let go in time', async (t) => {
  const { url, port } = await serve(t, 400)
  const started = [
    '',
    'GET /connectors HTTP/1.1\r\nHost: x\r\nX-Slow',
    'POST /connectors HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"na',
    'POST /connectors HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"nam\r\n',
  ].map(async (text) => {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => {})
    socket.write(text)
    let answer = ''
    socket.on('data', (chunk) => (answer += String(chunk)))
    await once(socket, 'close')
    return answer.split('\r\n')[0]
  })
  assert.deepEqual(
    await Promise.all(started),
    ['', ...Array<string>(3).fill('HTTP/1.1 408 Request Timeout')].map((text, i) => (i === 0 ? 'HTTP/1.1 408 Request Timeout' : text)),
  )
  assert.equal((await ask(`${url}/connectors`)).status, 200)
})

test('bodies that are too much for one request, or together, are refused', async (t) => {
  const { url } = await serve(t)
  const post = (body: string) => ask(`${url}/connectors`, { method: 'POST', headers: json, body })
  const tooLarge = await post('x'.repeat(9 * 1024 * 1024))
  assert.deepEqual([tooLarge.status, JSON.parse(tooLarge.text)], [413, { error_code: 413, message: 'HTTP 413 Request Entity Too Large' }])
  const deep = await post('['.repeat(100_000))
  assert.equal(deep.status, 500)
  assert.ok(deep.text.length < 2000)
  // Fourteen of them fit; they are held until their ends come.
  const held = Array.from({ length: 20 }, () => {
    const headers = { ...json, 'content-length': String(5 * 1024 * 1024 + 1) }
    const request = httpRequest(`${url}/connectors`, { method: 'POST', headers })
    request.on('error', () => {})
    request.write(Buffer.alloc(5 * 1024 * 1024, 'x'))
    const answered = once(request, 'response').then(([response]) => {
      ;(response as IncomingMessage).resume()
      return (response as IncomingMessage).statusCode
    })
    return { request, answered }
  })
  await waitFor(() => held.every(({ request }) => request.writableLength === 0), { what: 'all bodies to be sent' })
  for (const { request } of held) request.end('x')
  const statuses = await Promise.all(held.map(({ answered }) => answered))
  assert.ok(statuses.filter((status) => status === 503).length >= 8, statuses.join())
  assert.ok(
    statuses.every((status) => status === 503 || status === 500),
    statuses.join(),
  )
  assert.equal((await post('{}')).status, 500)
})

test('whatever is sent to the documented endpoints has an answer that the document knows', { timeout: 120_000 }, async (t) => {
  const seed = Number(process.env.MILLRACE_SEED ?? Date.now() % 1_000_000)
  t.diagnostic(`MILLRACE_SEED=${seed}`)
  const random = randomBySeed(seed)
  const { url } = await serve(t)
  const document = JSON.parse((await ask(`${url}/openapi.json`)).text) as OpenApiDocument
  const operations = Object.entries(document.paths).flatMap(([path, item]) => Object.entries(item).map(([method, operation]) => ({ path, method, operation })))
  for (let i = 0; i < 3000; i++) {
    const { path, method, operation } = operations[Math.floor(random() * operations.length)]!
    const sent = oddRequest(random, path, method, operation, document)
    const answer = await ask(url + sent.path, sent.init)
    const problem = problemOf(answer, operation, document)
    assert.equal(problem, null, `${method} ${sent.path} ${JSON.stringify(sent.init)}: ${answer.status} ${answer.text.slice(0, 500)}: ${problem}`)
  }
})

const SOME_NAMES = ['src', 'a/b', 'ä', '', ' ', '0', '-1', 'x'.repeat(300), 'root', 'LinesSource', 'org.apache.kafka', '%', '\u0000', '\n', '__proto__']
const SOME_VALUES: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1e400,
  2 ** 53,
  1.5,
  '',
  'x',
  'LinesSource',
  'STOPPED',
  'info',
  '\ud800',
  [],
  {},
  [[]],
  { a: { b: 1 } },
  '${secrets:x:y}',
]

function pick<T>(random: () => number, items: readonly T[]): T {
  return items[Math.floor(random() * items.length)]!
}

function oddRequest(random: () => number, path: string, method: string, operation: OpenApiOperation, { components }: OpenApiDocument) {
  const filled = path.replace(/\{(\w+)\}/g, () => (random() < 0.1 ? pick(random, ['%ZZ', '%00', ';']) : encodeURIComponent(pick(random, SOME_NAMES) || 'c')))
  const query = operation.parameters.filter((parameter) => parameter.in === 'query' && random() < 0.5)
  const text = query
    .map(({ name }) => `${name}=${encodeURIComponent(String(pick(random, [...SOME_VALUES, 'status', 'true', 'cluster'])).toWellFormed())}`)
    .join('&')
  const schema = operation.requestBody?.content['application/json'].schema
  const hasBody = method !== 'get' && (schema !== undefined || random() < 0.1)
  const headers: Record<string, string> = {
    ...(random() < 0.9 ? json : { 'content-type': pick(random, ['text/plain', 'application/json; charset=x', 'application/xml']) }),
  }
  if (random() < 0.05) headers.accept = pick(random, ['text/html', 'application/*', '*/*;q=0.1', ','])
  return {
    path: `${filled}${text === '' ? '' : `?${text}`}`,
    init: { method: method.toUpperCase(), headers, ...(hasBody ? { body: oddBody(random, schema ?? {}, components.schemas) } : {}) },
  }
}

function oddBody(random: () => number, schema: JsonSchema, schemas: Readonly<Record<string, JsonSchema>>): string {
  const text = JSON.stringify(oddValue(random, schema, schemas)) ?? ''
  const way = random()
  if (way < 0.7) return text
  const at = Math.floor(random() * (text.length + 1))
  if (way < 0.85) return text.slice(0, at)
  return text.slice(0, at) + pick(random, ['}', '{', '"', ',', '\\', '\u0000', '/*', 'NaN', '1e', '[']) + text.slice(at)
}

/** A value of the schema, with some that are none. */
function oddValue(random: () => number, schema: JsonSchema, schemas: Readonly<Record<string, JsonSchema>>): unknown {
  if (random() < 0.1) return pick(random, SOME_VALUES)
  if (schema.$ref !== undefined) return oddValue(random, schemas[schema.$ref.split('/').at(-1) ?? ''] ?? {}, schemas)
  if (schema.anyOf !== undefined) return oddValue(random, pick(random, schema.anyOf), schemas)
  if (schema.enum !== undefined) return pick(random, schema.enum)
  switch ([schema.type].flat()[0]) {
    case 'object':
      return oddObject(random, schema, schemas)
    case 'array':
      return Array.from({ length: Math.floor(random() * 3) }, () => oddValue(random, schema.items ?? {}, schemas))
    case 'string':
      return pick(random, SOME_NAMES)
    default:
      return pick(random, SOME_VALUES)
  }
}

function oddObject(random: () => number, schema: JsonSchema, schemas: Readonly<Record<string, JsonSchema>>): object {
  const named = Object.entries(schema.properties ?? {}).filter(() => random() < 0.9)
  const fields = named.map(([name, field]) => [name, oddValue(random, field, schemas)] as const)
  const others = typeof schema.additionalProperties === 'object' ? ['name', 'connector.class', 'topic', 'filename', '__proto__', 'transforms'] : ['surprise']
  const extra = others.filter(() => random() < 0.4).map((name) => [name, name === 'connector.class' ? 'LinesSource' : pick(random, SOME_NAMES)] as const)
  return Object.fromEntries([...fields, ...(typeof schema.additionalProperties === 'object' || random() < 0.1 ? extra : [])])
}

/** Null where the answer is one that a client can know of. */
function problemOf({ status, type, text }: Answer, operation: OpenApiOperation, { components }: OpenApiDocument): string | null {
  const documented = operation.responses[status]
  if (/Cannot (?:read|set) propert|is not (?:a function|iterable|defined)|undefined/.test(text)) return 'the worker did not expect this'
  if (documented === undefined && status < 400) return 'the status is not documented'
  if (text === '') return documented?.content === undefined ? null : 'there is no body'
  if (type !== 'application/json') return `the type is ${type}`
  const schema =
    status >= 400 && documented === undefined
      ? operation.responses.default?.content?.['application/json'].schema
      : documented?.content?.['application/json'].schema
  if (schema === undefined) return 'a body is not documented'
  const body: unknown = JSON.parse(text)
  const either = [schema, ...(operation.operationId === 'getConnectors' ? [{ $ref: '#/components/schemas/ConnectorsExpanded' }] : [])]
  return mismatch(body, either.length === 1 ? schema : { anyOf: either }, components.schemas)
}
