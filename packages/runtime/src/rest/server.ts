import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { ConnectError, type Logger } from '@millrace/api'
import type { WorkerConfig } from '../config/worker-config.ts'
import type { WorkerClient } from '../herder/distributed/worker-client.ts'
import { RequestTargetError, RestError } from '../herder/errors.ts'
import type { Herder } from '../herder/herder.ts'
import type { Loggers } from '../logging/loggers.ts'
import { accessLogLine } from './access-log.ts'
import { type Authentication, basicAuthentication } from './basic-auth.ts'
import { crossOrigin } from './cross-origin.ts'
import { answerOfError, httpError } from './error-responses.ts'
import { advertisedUrl, hostAndPort, parseListener, DISTRIBUTED_LISTENER, STANDALONE_LISTENER, type BoundListener, type Listener } from './listeners.ts'
import { forwardRequest } from './request-forwarding.ts'
import { RequestBodyReader } from './request-body.ts'
import { headerValue, parseHeaderRules, type HeaderRule } from './response-headers.ts'
import { noObservers, type Observers } from './resources/observation.ts'
import { healthAnswer, STARTING, type VersionInfo } from './resources/root.ts'
import { allowedMethods, BadPathError, Router, type RestAnswer, type RestMethod, type RestRequest, type Route, type RouteMatch } from './router.ts'
import { adminRoutes, documentRoute, metricsRoutes, regularRoutes } from './routes.ts'

/** Not imported: that would also evaluate what the module loads on demand, which costs 14 MB. */
const { STATUS_CODES, createServer } = process.getBuiltinModule('node:http')

/** Connections beyond this are closed at once, and a line of the log says so, now and then. */
const CONNECTIONS_MAX = 1024
const DROP_WARNING_INTERVAL_MS = 60_000
/** The herder gives up after 90 s with a message of its own; this is for what it forgot. */
const HERDER_TIMEOUT_MS = 92_000

export interface RestServerOptions {
  readonly config: WorkerConfig
  readonly loggers: Loggers
  readonly version: VersionInfo
  /** How long a client may take to send a request. Milliseconds; default 90000. */
  readonly requestTimeoutMs?: number
  /** How long a connection may stand still, as where a client does not read its answer. Milliseconds; default 120000, longer than any answer takes. */
  readonly idleTimeoutMs?: number
}

/**
 * The REST API over HTTP. Its life: `listen` binds the listeners, so that the port answers early (`/health` with 503, all else with 404);
 * `mount` serves the herder; `stop` ends it. Requests are handled concurrently.
 */
export class RestServer {
  readonly #config: WorkerConfig
  readonly #loggers: Loggers
  readonly #log: Logger
  readonly #errorLog: Logger
  readonly #version: VersionInfo
  readonly #requestTimeoutMs: number
  readonly #idleTimeoutMs: number
  readonly #headerRules: readonly HeaderRule[]
  readonly #crossOrigin: ReturnType<typeof crossOrigin>
  /** Null where nothing is asked of requests. */
  readonly #authentication: Authentication | null
  readonly #bodies = new RequestBodyReader()
  readonly #servers: Server[] = []
  /** Null until mounted: the worker is starting. */
  #regular: Router | null = null
  #admin: Router | null = null
  #metrics: Router | null = null
  /** Null where there are no other workers. */
  #peers: Pick<WorkerClient, 'request'> | null = null
  #isStopping = false
  #dropWarningAt = 0
  #url: URL | null = null

  /** @throws ConfigError where listeners, header rules or extensions are wrong. */
  constructor({ config, loggers, version, requestTimeoutMs = 90_000, idleTimeoutMs = 120_000 }: RestServerOptions) {
    this.#idleTimeoutMs = idleTimeoutMs
    this.#config = config
    this.#loggers = loggers
    this.#log = loggers.logger('rest/server')
    this.#errorLog = loggers.logger('rest/error-responses')
    this.#version = version
    this.#requestTimeoutMs = requestTimeoutMs
    this.#headerRules = parseHeaderRules(config.responseHttpHeadersConfig)
    this.#crossOrigin = crossOrigin(config.accessControlAllowOrigin, config.accessControlAllowMethods)
    this.#authentication = basicAuthentication(config.restExtensionClasses, this.#log)
    for (const text of this.#listenerTexts()) parseListener(text, 'listeners')
    for (const text of config.adminListeners ?? []) parseListener(text, 'admin.listeners')
    for (const text of config.metricsListeners ?? []) parseListener(text, 'millrace.metrics.listeners')
  }

  /** Binds all listeners. Called once. @throws ConnectError where an address cannot be bound; then none is. */
  async listen(): Promise<void> {
    const bound: BoundListener[] = []
    try {
      for (const text of this.#listenerTexts()) {
        const listener = parseListener(text, 'listeners')
        bound.push({ listener, port: await this.#bind(listener, 'listeners.https.', () => this.#regular) })
        this.#log.info(`Added connector for ${text}`)
      }
      for (const text of this.#config.adminListeners ?? []) {
        await this.#bind(parseListener(text, 'admin.listeners'), 'admin.listeners.https.', () => this.#admin)
        this.#log.info(`Added admin connector for ${text}`)
      }
      for (const text of this.#config.metricsListeners ?? []) {
        const listener = parseListener(text, 'millrace.metrics.listeners')
        const port = await this.#bind(listener, 'listeners.https.', () => this.#metrics)
        this.#log.info(`Metrics are served at ${urlOf({ listener, port })}metrics`)
      }
    } catch (error) {
      await this.stop(0)
      throw error
    }
    this.#url = advertisedUrl(this.#config, bound)
    this.#warnOfOpenListeners(bound)
    this.#log.info(`REST server listening at ${bound.map(urlOf).join(', ')}, advertising URL ${this.#url.href}`)
  }

  /** The URL that others reach this worker by. Known after `listen`. */
  get advertisedUrl(): URL {
    if (this.#url === null) throw new Error('The REST server does not listen yet.')
    return this.#url
  }

  /** `host:port` by which statuses and other workers name this worker. */
  get workerId(): string {
    return hostAndPort(this.advertisedUrl)
  }

  /**
   * Serves all endpoints from now on.
   * @param peers hands on what another worker has to answer; null where there is none. @param observers what watches the worker from beside.
   */
  mount(herder: Herder, peers: Pick<WorkerClient, 'request'> | null = null, observers: Observers = noObservers): void {
    this.#peers = peers
    const metrics = metricsRoutes(observers)
    const regular = [...regularRoutes(herder, this.#loggers, this.#version, observers), ...(this.#config.metricsListeners === null ? metrics : [])]
    const admin = adminRoutes(herder, this.#loggers)
    const served = this.#config.adminListeners === null ? [...regular, ...admin] : regular
    this.#regular = new Router([...served, documentRoute(served, this.#version)])
    this.#admin = new Router(admin)
    this.#metrics = new Router(metrics)
    this.#log.info('REST resources initialized; server is started and ready to handle requests')
  }

  /** Takes no new requests, waits at most `graceMs` for those that are being handled, then closes all connections. */
  async stop(graceMs: number): Promise<void> {
    this.#isStopping = true
    const closed = Promise.all(this.#servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve()))))
    for (const server of this.#servers) server.closeIdleConnections()
    let timer: NodeJS.Timeout | undefined
    const grace = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, graceMs)
    })
    await Promise.race([closed, grace])
    clearTimeout(timer)
    for (const server of this.#servers) server.closeAllConnections()
    await closed
    this.#log.info('REST server stopped')
  }

  /** Whoever reaches the API can run connectors, and those read and write files. */
  #warnOfOpenListeners(bound: readonly BoundListener[]): void {
    const open = bound.filter(({ listener }) => isOpen(listener) && !(listener.protocol === 'https' && this.#config.sslClientAuth === 'required'))
    if (open.length === 0 || this.#config.restExtensionClasses.length > 0) return
    this.#log.warn(
      `The REST API listens beyond this machine without authentication (${open.map(urlOf).join(', ')}): whoever reaches it can read and change connectors with their secrets. Give an address of a trusted network in "listeners", or ask clients for certificates (https with ssl.client.auth=required).`,
    )
  }

  #warnOfDroppedConnection(): void {
    const now = performance.now()
    if (now < this.#dropWarningAt) return
    this.#dropWarningAt = now + DROP_WARNING_INTERVAL_MS
    this.#log.warn(`There are ${CONNECTIONS_MAX} connections to the REST API already; further ones are closed at once. Have clients keep and share theirs.`)
  }

  #listenerTexts(): readonly string[] {
    return this.#config.listeners ?? [this.#config.mode === 'standalone' ? STANDALONE_LISTENER : DISTRIBUTED_LISTENER]
  }

  async #bind(listener: Listener, sslPrefix: string, router: () => Router | null): Promise<number> {
    const server = await this.#createServer(listener, sslPrefix)
    server.requestTimeout = server.headersTimeout = this.#requestTimeoutMs
    server.keepAliveTimeout = 30_000
    server.timeout = this.#idleTimeoutMs
    server.maxConnections = CONNECTIONS_MAX
    server.on('request', (request: IncomingMessage, response: ServerResponse) => void this.#serve(request, response, router()))
    server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => refuse(error, socket))
    server.on('drop', () => this.#warnOfDroppedConnection())
    await new Promise<void>((resolve, reject) => {
      server.once('error', (cause) => reject(new ConnectError(`Unable to initialize REST server: ${bindProblem(listener, cause)}`, { cause })))
      server.listen({ port: listener.port, ...(listener.host === '' ? {} : { host: listener.host }) }, resolve)
    })
    server.on('error', (error) => this.#log.error('REST server failed', error))
    this.#servers.push(server)
    return (server.address() as AddressInfo).port
  }

  async #createServer({ protocol }: Listener, sslPrefix: string): Promise<Server> {
    if (protocol === 'http') return createServer({ connectionsCheckingInterval: Math.min(30_000, this.#requestTimeoutMs) })
    // Loaded only where it is used: most workers speak plain HTTP.
    const [https, { tlsOptions }] = await Promise.all([import('node:https'), import('./tls-options.ts')])
    return https.createServer(await tlsOptions(this.#config.properties, sslPrefix, this.#log))
  }

  /** From request to answer. Never rejects. */
  async #serve(request: IncomingMessage, response: ServerResponse, router: Router | null): Promise<void> {
    const startMs = performance.now()
    // A client that goes away has its answer dropped.
    response.on('error', () => {})
    const path = pathOf(request)
    let answer: RestAnswer
    try {
      answer = await this.#answer(request, path, router)
    } catch (error) {
      answer = error instanceof BadPathError ? { status: 400, body: { error_code: 400, message: error.message } } : answerOfError(error, path, this.#errorLog)
    }
    const bytes = this.#send(request, response, answer)
    this.#log.info(
      accessLogLine({
        remoteAddress: request.socket.remoteAddress ?? '-',
        timestampMs: Date.now(),
        request,
        response,
        bytes,
        durationMs: performance.now() - startMs,
      }),
    )
  }

  async #answer(request: IncomingMessage, path: string, router: Router | null): Promise<RestAnswer> {
    if (this.#isStopping) return httpError(503)
    if (router === null) return path === '/health' ? healthAnswer(STARTING) : httpError(404)
    const match = router.match(path)
    if (match === null) return httpError(404)
    const route = match.routes.get((request.method === 'HEAD' ? 'GET' : request.method) as RestMethod)
    if (route === undefined && request.method !== 'OPTIONS') return httpError(405)
    if (!this.#isPermitted(request, route)) return { status: 401, text: 'User cannot access the resource.' }
    if (route === undefined) return optionsAnswer(match)
    return this.#handle(request, match, route)
  }

  /** A browser asks without credentials whether it may ask with them. */
  #isPermitted(request: IncomingMessage, route: Route | undefined): boolean {
    if (this.#authentication === null || route?.isInternal === true) return true
    const isPreflight = request.method === 'OPTIONS' && this.#crossOrigin !== null && request.headers['access-control-request-method'] !== undefined
    return isPreflight || this.#authentication.permits(request.headers.authorization)
  }

  async #handle(request: IncomingMessage, { params }: RouteMatch, route: Route): Promise<RestAnswer> {
    const type = request.headers['content-type']
    if (route.refusesOtherTypes && type !== undefined && type !== '' && !isJson(type)) return httpError(415)
    if (route.answersOtherTypes !== true && !acceptsJson(request.headers.accept)) return httpError(406)
    return this.#bodies.withBody(request, async (body) => {
      if ('refusal' in body) return httpError(body.refusal)
      if (route.takesBody && body.bytes.length > 0 && (type === undefined || type === '')) return httpError(415)
      return withTimeout(this.#answerOrForward(request, restRequest(request, params, body.bytes), route))
    })
  }

  async #answerOrForward(request: IncomingMessage, read: RestRequest, route: Route): Promise<RestAnswer> {
    try {
      return await route.handler(read)
    } catch (error) {
      if (!(error instanceof RequestTargetError) || this.#peers === null) throw error
      return forwardRequest({ method: route.method, url: request.url ?? '/', headers: request.headers, body: read.body }, error, this.#peers)
    }
  }

  /** @returns bytes of the body. */
  #send(request: IncomingMessage, response: ServerResponse, answer: RestAnswer): number {
    response.statusCode = answer.status
    if (answer.location !== undefined) response.setHeader('Location', `${originOf(request)}${answer.location}`)
    for (const [name, value] of Object.entries(this.#crossOrigin?.(request) ?? {})) response.setHeader(name, value)
    this.#addConfiguredHeaders(response)
    if (isTextAnswer(answer)) {
      response.setHeader('Allow', answer.allow.join(','))
      response.setHeader('Content-Type', 'text/plain')
      return end(request, response, answer.allow.join(', '))
    }
    if (answer.text !== undefined) {
      response.setHeader('Content-Type', 'text/plain')
      return end(request, response, answer.text)
    }
    if (answer.bytes !== undefined) {
      response.setHeader('Content-Type', answer.bytes.type)
      return end(request, response, answer.bytes.content)
    }
    if (answer.status === 413 || answer.status === 503 || this.#isStopping) response.setHeader('Connection', 'close')
    if (answer.body !== undefined) response.setHeader('Content-Type', 'application/json')
    return end(request, response, answer.body === undefined ? '' : jsonOf(answer.body))
  }

  #addConfiguredHeaders(response: ServerResponse): void {
    for (const rule of this.#headerRules) {
      const previous = response.getHeader(rule.name)
      response.setHeader(rule.name, [...headerValue(rule, previous === undefined ? [] : [previous].flat().map(String), Date.now())])
    }
  }
}

/** The answer to OPTIONS, the only one that is no JSON. */
interface TextAnswer extends RestAnswer {
  readonly allow: readonly string[]
}

function optionsAnswer(match: RouteMatch): TextAnswer {
  return { status: 200, allow: allowedMethods(match) }
}

function isTextAnswer(answer: RestAnswer): answer is TextAnswer {
  return 'allow' in answer
}

function restRequest(request: IncomingMessage, params: ReadonlyMap<string, string>, body: Buffer): RestRequest {
  const url = request.url ?? '/'
  const queryAt = url.indexOf('?')
  const query = new URLSearchParams(queryAt < 0 ? '' : url.slice(queryAt + 1))
  return {
    param: (name) => params.get(name) ?? '',
    query: (name) => query.get(name),
    queries: (name) => query.getAll(name),
    headers: request.headers,
    body,
  }
}

async function withTimeout(answer: RestAnswer | Promise<RestAnswer>): Promise<RestAnswer> {
  if (!(answer instanceof Promise)) return answer
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new RestError(500, 'Request timed out')), HERDER_TIMEOUT_MS)
  })
  try {
    return await Promise.race([answer, timeout])
  } finally {
    clearTimeout(timer)
  }
}

function end(request: IncomingMessage, response: ServerResponse, content: string | Buffer): number {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content
  if (response.statusCode !== 204) response.setHeader('Content-Length', bytes.length)
  response.end(request.method === 'HEAD' ? undefined : bytes)
  return bytes.length
}

/** TypeScript's library does not know it yet. */
const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown }

/** Bigints (offsets beyond what a number holds) are written as the integers that they are. */
function jsonOf(body: unknown): string {
  return JSON.stringify(body, (_, value: unknown) => (typeof value === 'bigint' ? rawJSON(String(value)) : value))
}

function isJson(contentType: string): boolean {
  return contentType.split(';')[0]?.trim().toLowerCase() === 'application/json'
}

function acceptsJson(accept: string | undefined): boolean {
  if (accept === undefined || accept.trim() === '') return true
  return accept.split(',').some((range) => ['application/json', 'application/*', '*/*', '*'].includes(range.split(';')[0]?.trim().toLowerCase() ?? ''))
}

function pathOf(request: IncomingMessage): string {
  const [path = '/'] = (request.url ?? '/').split('?')
  if (path.startsWith('/')) return path
  // A proxy may send the whole URL; `OPTIONS *` asks about nothing in particular.
  return URL.canParse(path) ? new URL(path).pathname : '/'
}

/** `http://host:port` as the client called us. */
function originOf(request: IncomingMessage): string {
  const scheme = 'encrypted' in request.socket ? 'https' : 'http'
  const { localAddress, localPort } = request.socket
  return `${scheme}://${request.headers.host ?? `${localAddress}:${localPort}`}`
}

function isOpen({ host }: Listener): boolean {
  return !/^(127\.|localhost$|::1$)/.test(host)
}

function urlOf({ listener, port }: BoundListener): string {
  return `${listener.protocol}://${listener.host === '' ? '0.0.0.0' : listener.host}:${port}/`
}

function bindProblem({ protocol, host, port }: Listener, { code, message }: NodeJS.ErrnoException): string {
  const address = `${protocol}://${host}:${port}`
  if (code === 'EADDRINUSE') return `the address ${address} is in use. Stop what listens there, or give another port in "listeners".`
  if (code === 'EACCES') return `the address ${address} may not be used by this user. Give a port above 1023 in "listeners".`
  return `cannot listen on ${address}: ${message}`
}

/** Answers what is no HTTP request at all. */
function refuse(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable) {
    socket.destroy()
    return
  }
  const status = error.code === 'HPE_HEADER_OVERFLOW' ? 431 : error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : 400
  const body = jsonOf(httpError(status).body)
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  )
}
