import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { Herder } from '../../herder/herder.ts'
import { Loggers } from '../../logging/loggers.ts'
import { noObservers } from '../resources/observation.ts'
import { adminRoutes, documentRoute, metricsRoutes, regularRoutes } from '../routes.ts'
import { Router } from '../router.ts'
import { type OpenApiDocument, openApiDocument } from './openapi-document.ts'
import { operations } from './operations.ts'
import { mismatch } from '../fixtures/schema-mismatch.ts'

const loggers = new Loggers({ rootLevel: 'OFF', write() {} })
const version = { version: '4.3.1', commit: 'abc' }
const served = [...regularRoutes({} as Herder, loggers, version, noObservers), ...metricsRoutes(noObservers), ...adminRoutes({} as Herder, loggers)]
const routes = [...served, documentRoute(served, version)]
const document = openApiDocument(routes, '4.3.1')

test('every endpoint is described, and nothing else', () => {
  assert.deepEqual(Object.keys(operations).sort(), routes.map(({ method, path }) => `${method} ${path}`).sort())
})

test('every schema that is referred to is there', () => {
  const references = [...JSON.stringify(document).matchAll(/"#\/components\/schemas\/(\w+)"/g)].map(([, name]) => name)
  assert.ok(references.length > 50)
  assert.deepEqual(
    references.filter((name) => !Object.hasOwn(document.components.schemas, name ?? '')),
    [],
  )
})

test('operations have ids of their own, and parameters for all placeholders', () => {
  const all = Object.entries(document.paths).flatMap(([path, item]) => Object.values(item).map((operation) => ({ path, ...operation })))
  assert.equal(new Set(all.map(({ operationId }) => operationId)).size, all.length)
  for (const { path, parameters } of all) {
    const named = parameters.filter((parameter) => parameter.in === 'path').map(({ name }) => `{${name}}`)
    assert.deepEqual(named, path.match(/\{\w+\}/g) ?? [])
  }
})

test('the document is what is served at /openapi.json', async () => {
  const { routes: byMethod } = new Router(routes).match('/openapi.json')!
  const { status, body } = await byMethod.get('GET')!.handler({} as never)
  assert.deepEqual([status, body], [200, document])
})

interface Exchange {
  readonly request: { readonly method: string; readonly path: string }
  readonly status: number
  readonly body: unknown
  readonly headers: Readonly<Record<string, string>>
}

for (const file of ['golden-rest.json', 'golden-rest-standalone.json']) {
  test(`what Kafka Connect 4.3.1 answered is what the document says (${file})`, () => {
    const { exchanges } = JSON.parse(readFileSync(new URL(`../../../../../tests/compat/${file}`, import.meta.url), 'utf8')) as { exchanges: Exchange[] }
    const wrong = exchanges.filter((exchange) => exchange.headers['content-type'] === undefined).flatMap((exchange) => undocumented(exchange))
    assert.deepEqual(wrong, [])
  })
}

/** What an answer has that the document does not say. */
function undocumented({ request: { method, path }, status, body }: Exchange): string[] {
  const name = `${method} ${path} ${status}`
  const { pathname, searchParams } = new URL(path, 'http://worker')
  const operation = operationOf(document, method === 'HEAD' ? 'GET' : method, pathname)
  if (method === 'HEAD' || method === 'OPTIONS' || operation === null) return []
  const response = operation.responses[status] ?? (status >= 400 ? operation.responses.default : undefined)
  if (response === undefined) return [`${name}: this status is not documented`]
  const schema = searchParams.has('expand') ? { $ref: '#/components/schemas/ConnectorsExpanded' } : response.content?.['application/json'].schema
  if (schema === undefined) return body === null ? [] : [`${name}: a body`]
  const problem = mismatch(body, schema, document.components.schemas)
  return problem === null ? [] : [`${name}: ${problem}`]
}

function operationOf({ paths }: OpenApiDocument, method: string, pathname: string) {
  const path = Object.keys(paths).find((candidate) => new RegExp(`^${candidate.replace(/\{\w+\}/g, '[^/]+')}/?$`).test(pathname))
  return path === undefined ? null : (paths[path]?.[method.toLowerCase()] ?? null)
}
