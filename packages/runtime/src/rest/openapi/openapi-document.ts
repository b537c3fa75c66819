import type { Route } from '../router.ts'
import { type Operation, operations, type QueryParameter } from './operations.ts'
import { type JsonSchema, type SchemaName, schemaNamed, schemas } from './schemas.ts'

/** What of a document's structure readers of ours rely on. */
export interface OpenApiDocument {
  readonly openapi: string
  readonly info: { readonly title: string; readonly version: string; readonly description: string }
  readonly paths: Readonly<Record<string, Readonly<Record<string, OpenApiOperation>>>>
  readonly components: { readonly schemas: Readonly<Record<string, JsonSchema>> }
}

export interface OpenApiOperation {
  readonly operationId: string
  readonly summary: string
  readonly parameters: readonly { readonly name: string; readonly in: 'path' | 'query'; readonly description?: string; readonly schema: JsonSchema }[]
  readonly requestBody?: { readonly required: true; readonly content: JsonContent }
  readonly responses: Readonly<Record<string, { readonly description: string; readonly content?: JsonContent }>>
}

/** Of what is not JSON, other media types stand in its place. */
interface JsonContent {
  readonly 'application/json': { readonly schema: JsonSchema }
}

type Endpoint = Pick<Route, 'method' | 'path'>

/**
 * Describes endpoints as OpenAPI 3.1, for clients, their generators and tests.
 * @param version of Kafka Connect that the API is compatible with. @throws where an endpoint has no description.
 */
export function openApiDocument(endpoints: readonly Endpoint[], version: string): OpenApiDocument {
  const paths: Record<string, Record<string, OpenApiOperation>> = {}
  for (const endpoint of endpoints) {
    const path = endpoint.path.replace(/:(\w+)/g, '{$1}')
    paths[path] = { ...paths[path], [endpoint.method.toLowerCase()]: openApiOperation(endpoint) }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Kafka Connect REST API, as Millrace serves it',
      version,
      description: 'Fields named `millrace`, and the endpoints marked so, are additions to the API of Apache Kafka Connect.',
    },
    paths,
    components: { schemas },
  }
}

/** All endpoints of a worker that have a description: all that there are, as a test makes sure. */
export function describedEndpoints(): readonly Endpoint[] {
  return Object.keys(operations).map((name) => {
    const [method, path] = name.split(' ') as [Endpoint['method'], string]
    return { method, path }
  })
}

function openApiOperation({ method, path }: Endpoint): OpenApiOperation {
  const operation = operations[`${method} ${path}`]
  if (operation === undefined) throw new Error(`The endpoint ${method} ${path} has no description.`)
  const { summary, query = {}, request } = operation
  return {
    operationId: operationId({ method, path }),
    summary,
    parameters: [...pathParameters(path), ...Object.entries(query).map(([name, parameter]) => queryParameter(name, parameter))],
    ...(request === undefined ? {} : { requestBody: { required: true, content: jsonContent(request) } }),
    responses: responses(operation),
  }
}

/** `GET /connectors/:connector/status` is `getConnectorsConnectorStatus`. */
function operationId({ method, path }: Endpoint): string {
  const words = path.split(/[^a-zA-Z]+/).filter((word) => word !== '')
  return [method.toLowerCase(), ...words.map((word) => word.charAt(0).toUpperCase() + word.slice(1))].join('')
}

function pathParameters(path: string): OpenApiOperation['parameters'] {
  return [...path.matchAll(/:(\w+)/g)].map(([, name = '']) => ({
    name,
    in: 'path' as const,
    required: true,
    schema: { type: name === 'task' ? 'integer' : 'string' },
  }))
}

function queryParameter(name: string, { description, type, values, isRepeatable }: QueryParameter): OpenApiOperation['parameters'][number] {
  const one: JsonSchema = values === undefined ? { type } : { type, enum: values }
  const parameter = { name, in: 'query' as const, description, required: false, schema: isRepeatable ? { type: 'array', items: one } : one }
  return parameter
}

function responses({ answers, mediaTypes = ['application/json'] }: Operation): OpenApiOperation['responses'] {
  const successes = Object.entries(answers).map(([status, schema]) => [
    status,
    { description: schema === null ? 'Done; no body.' : schema, ...(schema === null ? {} : { content: contentOf(mediaTypes, schema) }) },
  ])
  return { ...Object.fromEntries(successes), default: { description: 'Why it was not done.', content: jsonContent('ErrorMessage') } }
}

function jsonContent(schema: SchemaName): JsonContent {
  return contentOf(['application/json'], schema)
}

function contentOf(mediaTypes: readonly string[], schema: SchemaName): JsonContent {
  return Object.fromEntries(mediaTypes.map((type) => [type, { schema: schemaNamed(schema) }])) as unknown as JsonContent
}
