import type {
  ActiveTopicsInfo,
  ConfigInfos,
  ConfigKeyInfo,
  ConnectorInfo,
  ConnectorOffset,
  ConnectorOffsets,
  ConnectorsExpanded,
  ConnectorStateInfo,
  CreateConnectorRequest,
  LoggerLevel,
  Message,
  PluginInfo,
  RebalanceTimelineInfo,
  ServerInfo,
  TaskInfo,
  TaskInstanceState,
  WorkerStatus,
} from './entities.ts'

export interface ConnectClientOptions {
  /** How long one request may take, the answer's body included. Milliseconds; default 95000, a little more than a worker takes to give up (90 s). */
  readonly requestTimeoutMs?: number
  /** Sent with each request, for example `authorization`. */
  readonly headers?: Readonly<Record<string, string>>
}

/** The worker answered with an error status. `message` is that of the answer. */
export class ConnectClientError extends Error {
  override readonly name = 'ConnectClientError'
  /** The HTTP status. */
  readonly status: number
  /** The answer's `error_code`, which is the status in nearly all answers; the status where the answer carries none. */
  readonly errorCode: number

  constructor(status: number, errorCode: number, message: string) {
    super(message)
    this.status = status
    this.errorCode = errorCode
  }
}

/**
 * Asks a worker over its REST API, Millrace's or Kafka Connect's. One method per endpoint; all may be called concurrently.
 * Each rejects with ConnectClientError where the worker answers with a status of 400 or more, and with the error of `fetch` (a TypeError, or a
 * TimeoutError) where no answer arrives. Nothing is retried.
 */
export class ConnectClient {
  readonly #baseUrl: string
  readonly #requestTimeoutMs: number
  readonly #headers: Readonly<Record<string, string>>

  /** @param baseUrl of the worker, such as `http://127.0.0.1:8083`. */
  constructor(baseUrl: string, options: ConnectClientOptions = {}) {
    this.#baseUrl = baseUrl.replace(/\/+$/, '')
    this.#requestTimeoutMs = options.requestTimeoutMs ?? 95_000
    this.#headers = options.headers ?? {}
  }

  serverInfo(): Promise<ServerInfo> {
    return this.#request('GET', '/')
  }

  /** Resolves also where the worker is starting (503) or unhealthy (500): the answer says which. */
  async health(): Promise<WorkerStatus> {
    const response = await this.#fetch('GET', '/health')
    const body = await this.#json(response)
    if (isRecord(body) && typeof body.status === 'string') return body as unknown as WorkerStatus
    throw errorOf(response, body)
  }

  connectors(): Promise<readonly string[]> {
    return this.#request('GET', '/connectors')
  }

  connectorsExpanded(): Promise<ConnectorsExpanded> {
    return this.#request('GET', '/connectors?expand=status&expand=info')
  }

  createConnector(request: CreateConnectorRequest): Promise<ConnectorInfo> {
    return this.#request('POST', '/connectors', request)
  }

  connector(name: string): Promise<ConnectorInfo> {
    return this.#request('GET', connectorPath(name))
  }

  connectorConfig(name: string): Promise<ConnectorInfo['config']> {
    return this.#request('GET', connectorPath(name, '/config'))
  }

  /** Creates the connector or replaces its whole configuration. */
  putConnectorConfig(name: string, config: Readonly<Record<string, string | null>>): Promise<ConnectorInfo> {
    return this.#request('PUT', connectorPath(name, '/config'), config)
  }

  /** Changes single keys; a null removes the key (KIP-477). */
  patchConnectorConfig(name: string, patch: Readonly<Record<string, string | null>>): Promise<ConnectorInfo> {
    return this.#request('PATCH', connectorPath(name, '/config'), patch)
  }

  deleteConnector(name: string): Promise<void> {
    return this.#request('DELETE', connectorPath(name))
  }

  connectorStatus(name: string): Promise<ConnectorStateInfo> {
    return this.#request('GET', connectorPath(name, '/status'))
  }

  connectorTasks(name: string): Promise<readonly TaskInfo[]> {
    return this.#request('GET', connectorPath(name, '/tasks'))
  }

  taskStatus(name: string, task: number): Promise<TaskInstanceState> {
    return this.#request('GET', connectorPath(name, `/tasks/${task}/status`))
  }

  pauseConnector(name: string): Promise<void> {
    return this.#request('PUT', connectorPath(name, '/pause'))
  }

  resumeConnector(name: string): Promise<void> {
    return this.#request('PUT', connectorPath(name, '/resume'))
  }

  stopConnector(name: string): Promise<void> {
    return this.#request('PUT', connectorPath(name, '/stop'))
  }

  /** Resolves with null where only the connector instance was restarted (neither option set). */
  async restartConnector(name: string, options: { readonly includeTasks?: boolean; readonly onlyFailed?: boolean } = {}): Promise<ConnectorStateInfo | null> {
    const query = `?includeTasks=${options.includeTasks ?? false}&onlyFailed=${options.onlyFailed ?? false}`
    return (await this.#request<ConnectorStateInfo | undefined>('POST', connectorPath(name, `/restart${query}`))) ?? null
  }

  restartTask(name: string, task: number): Promise<void> {
    return this.#request('POST', connectorPath(name, `/tasks/${task}/restart`))
  }

  connectorTopics(name: string): Promise<ActiveTopicsInfo> {
    return this.#request('GET', connectorPath(name, '/topics'))
  }

  resetConnectorTopics(name: string): Promise<void> {
    return this.#request('PUT', connectorPath(name, '/topics/reset'))
  }

  connectorOffsets(name: string): Promise<ConnectorOffsets> {
    return this.#request('GET', connectorPath(name, '/offsets'))
  }

  alterConnectorOffsets(name: string, offsets: readonly ConnectorOffset[]): Promise<Message> {
    return this.#request('PATCH', connectorPath(name, '/offsets'), { offsets })
  }

  resetConnectorOffsets(name: string): Promise<Message> {
    return this.#request('DELETE', connectorPath(name, '/offsets'))
  }

  /** @param connectorsOnly false: also converters, header converters, transformations and predicates. Default true. */
  connectorPlugins(connectorsOnly = true): Promise<readonly PluginInfo[]> {
    return this.#request('GET', `/connector-plugins?connectorsOnly=${connectorsOnly}`)
  }

  pluginConfig(plugin: string, version?: string): Promise<readonly ConfigKeyInfo[]> {
    const query = version === undefined ? '' : `?version=${encodeURIComponent(version)}`
    return this.#request('GET', `/connector-plugins/${encodeURIComponent(plugin)}/config${query}`)
  }

  validateConnectorConfig(plugin: string, config: Readonly<Record<string, string | null>>): Promise<ConfigInfos> {
    return this.#request('PUT', `/connector-plugins/${encodeURIComponent(plugin)}/config/validate`, config)
  }

  loggers(): Promise<Readonly<Record<string, LoggerLevel>>> {
    return this.#request('GET', '/admin/loggers')
  }

  logger(name: string): Promise<LoggerLevel> {
    return this.#request('GET', `/admin/loggers/${encodeURIComponent(name)}`)
  }

  /** Resolves with the names of the loggers whose level changed on this worker. */
  setLoggerLevel(name: string, level: string): Promise<readonly string[]> {
    return this.#request('PUT', `/admin/loggers/${encodeURIComponent(name)}`, { level })
  }

  /** As `setLoggerLevel`, on all workers of the cluster (KIP-976). */
  setClusterLoggerLevel(name: string, level: string): Promise<void> {
    return this.#request('PUT', `/admin/loggers/${encodeURIComponent(name)}?scope=cluster`, { level })
  }

  /** Why the workers shared out their work anew, lately, as this one saw it. An addition of Millrace: Java workers answer 404. */
  rebalances(): Promise<RebalanceTimelineInfo> {
    return this.#request('GET', '/millrace/rebalances')
  }

  /** The API as an OpenAPI document. An addition of Millrace: Java workers answer 404. */
  openApiDocument(): Promise<Readonly<Record<string, unknown>>> {
    return this.#request('GET', '/openapi.json')
  }

  /** The caller names what the endpoint answers; an answer without body gives undefined. */
  async #request<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await this.#fetch(method, path, body)
    const answer = await this.#json(response)
    if (!response.ok) throw errorOf(response, answer)
    return answer as T
  }

  #fetch(method: string, path: string, body?: unknown): Promise<Response> {
    const init: RequestInit = { method, headers: { accept: 'application/json', ...this.#headers }, signal: AbortSignal.timeout(this.#requestTimeoutMs) }
    if (body !== undefined) {
      init.headers = { ...init.headers, 'content-type': 'application/json' }
      init.body = JSON.stringify(body)
    }
    return fetch(this.#baseUrl + path, init)
  }

  async #json(response: Response): Promise<unknown> {
    const text = await response.text()
    if (text === '') return undefined
    try {
      return JSON.parse(text)
    } catch {
      // A proxy, or a server that is none of ours: the text itself is the best message there is.
      return { error_code: response.status, message: text }
    }
  }
}

function connectorPath(name: string, rest = ''): string {
  return `/connectors/${encodeURIComponent(name)}${rest}`
}

function errorOf(response: Response, body: unknown): ConnectClientError {
  const fields = isRecord(body) ? body : {}
  const errorCode = typeof fields.error_code === 'number' ? fields.error_code : response.status
  const message = typeof fields.message === 'string' ? fields.message : `HTTP ${response.status} ${response.statusText}`
  return new ConnectClientError(response.status, errorCode, message)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
