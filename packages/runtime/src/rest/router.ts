import type { IncomingHttpHeaders } from 'node:http'

export type RestMethod = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** A request that has found its route. */
export interface RestRequest {
  /** The decoded segments that the route's pattern names; `param('connector')` of `/connectors/:connector`. */
  param(name: string): string
  /** The first value of a query parameter, null where it is absent. */
  query(name: string): string | null
  /** All values of a query parameter. */
  queries(name: string): readonly string[]
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

/** What is answered. `body` undefined: none; otherwise it is written as JSON. */
export interface RestAnswer {
  readonly status: number
  readonly body?: unknown
  /** Instead of a body: plain text. */
  readonly text?: string
  /** Instead of a body: something else than JSON, with its content type. */
  readonly bytes?: { readonly type: string; readonly content: Buffer }
  /** Path of what was created; it becomes an absolute `Location`. */
  readonly location?: string
}

export type RestHandler = (request: RestRequest) => RestAnswer | Promise<RestAnswer>

export interface Route {
  readonly method: RestMethod
  /** Segments that begin with a colon match anything. */
  readonly path: string
  readonly handler: RestHandler
  /** Whether the handler takes a body: without `Content-Type: application/json` a body that is not empty is refused. */
  readonly takesBody: boolean
  /** Whether a request that names another content type is refused, body or not. */
  readonly refusesOtherTypes: boolean
  /** Whether something else than JSON is answered, so that a client need not accept that. */
  readonly answersOtherTypes?: boolean
  /** Asked by other workers, who prove themselves by a signature instead of a name and a password. */
  readonly isInternal?: boolean
}

/** Where a path leads. */
export interface RouteMatch {
  /** By method; HEAD is answered by GET. */
  readonly routes: ReadonlyMap<RestMethod, Route>
  readonly params: ReadonlyMap<string, string>
}

/** A path that no server should guess about; answered with 400. */
export class BadPathError extends Error {
  override readonly name = 'BadPathError'
}

export class Router {
  readonly #resources: { readonly pattern: readonly string[]; readonly routes: Map<RestMethod, Route> }[] = []

  constructor(routes: readonly Route[]) {
    for (const route of routes) this.#add(route)
  }

  /** @param path of the URL, without the query. @returns null where nothing lives. @throws BadPathError */
  match(path: string): RouteMatch | null {
    const segments = segmentsOf(path)
    for (const { pattern, routes } of this.#resources) {
      const params = paramsOf(pattern, segments)
      if (params !== null) return { routes, params }
    }
    return null
  }

  #add(route: Route): void {
    const pattern = route.path.split('/').slice(1)
    const key = pattern.join('/')
    let resource = this.#resources.find((candidate) => candidate.pattern.join('/') === key)
    if (resource === undefined) {
      resource = { pattern, routes: new Map() }
      this.#resources.push(resource)
    }
    resource.routes.set(route.method, route)
  }
}

/** The value of `Allow` for a path, in the order in which the original names methods. */
export function allowedMethods({ routes }: RouteMatch): readonly string[] {
  const has = (method: RestMethod) => routes.has(method)
  return [
    has('GET') && 'HEAD',
    has('DELETE') && 'DELETE',
    has('POST') && 'POST',
    has('GET') && 'GET',
    'OPTIONS',
    has('PUT') && 'PUT',
    has('PATCH') && 'PATCH',
  ].filter((name) => name !== false)
}

/** Decoded segments; a slash at the end counts for nothing, and what follows a semicolon in a segment is a matrix parameter. */
function segmentsOf(path: string): readonly string[] {
  const trimmed = path.length > 1 && path.endsWith('/') ? path.slice(1, -1) : path.slice(1)
  if (trimmed === '') return ['']
  return trimmed.split('/').map((segment) => {
    if (segment === '') throw new BadPathError('Ambiguous URI empty segment')
    return decoded(segment.replace(/;.*/s, ''))
  })
}

function decoded(segment: string): string {
  let text: string
  try {
    text = decodeURIComponent(segment)
  } catch {
    throw new BadPathError('Bad UTF-8 encoding')
  }
  // Names may hold a slash (the original cannot address those), but nothing that no name may hold.
  if (/[\0-\x1f\x7f]/.test(text)) throw new BadPathError('Suspicious Path Character')
  return text
}

function paramsOf(pattern: readonly string[], segments: readonly string[]): ReadonlyMap<string, string> | null {
  if (pattern.length !== segments.length) return null
  const params = new Map<string, string>()
  for (const [index, part] of pattern.entries()) {
    const segment = segments[index] ?? ''
    if (part.startsWith(':')) params.set(part.slice(1), segment)
    else if (part !== segment) return null
  }
  return params
}
