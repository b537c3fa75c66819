import { Agent as HttpAgent, type IncomingHttpHeaders, type IncomingMessage, request as httpRequest } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import type { ConnectionOptions } from 'node:tls'
import type { Logger } from '@millrace/api'
import type { ErrorMessage } from '@millrace/rest-api'
import type { SessionKey } from '../../storage/config-store.ts'
import { RestError } from '../errors.ts'
import { signatureHeaders } from './internal-request-signature.ts'

export interface WorkerClientOptions {
  readonly logger: Logger
  /** How this worker speaks TLS to others, asked for once, when the first of them has an https URL. Default: Node's own settings. */
  readonly tls?: () => Promise<ConnectionOptions>
}

export interface WorkerRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** The other worker's URL, path and query included. */
  readonly url: string
  /** JSON; null or absent for none. */
  readonly body?: string | null
  /** Of the request that is handed on; no other header is. */
  readonly authorization?: string | undefined
  /** Signs the request, for the endpoints that only workers may use. */
  readonly signature?: { readonly key: SessionKey; readonly algorithm: string } | null
  /** Milliseconds; default 95000, a little more than a worker takes to give up (90 s). */
  readonly timeoutMs?: number
  /** Whether it does without an answer: that there is none is then no news for the log. Default false. */
  readonly isOptional?: boolean
}

export interface WorkerAnswer {
  /** From 200 to 299. */
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** JSON as it came; empty for none. */
  readonly text: string
}

const TIMEOUT_MS = 95_000
const CONNECTIONS_MAX = 64
/** An answer that is larger is none of a worker. */
const ANSWER_BYTES_MAX = 64 * 1024 * 1024

/**
 * Asks other workers of the cluster (`org.apache.kafka.connect.runtime.rest.RestClient`). Any number of requests may be under way; connections are kept for
 * the next ones. Redirects are not followed, nothing is repeated.
 */
export class WorkerClient {
  readonly #options: WorkerClientOptions
  readonly #http = new HttpAgent({ keepAlive: true, maxSockets: CONNECTIONS_MAX })
  #https: Promise<HttpsAgent> | null = null

  constructor(options: WorkerClientOptions) {
    this.#options = options
  }

  /**
   * @throws RestError with the other worker's status and message, or 500 where no usable answer came: whether the other worker has done what it was asked is
   *   then not known.
   */
  async request(request: WorkerRequest): Promise<WorkerAnswer> {
    try {
      return answerOf(await this.#send(request))
    } catch (error) {
      const { method, url, isOptional = false } = request
      const message = error instanceof Error ? error.message : String(error)
      if (error instanceof RestError) {
        this.#options.logger.debug(`${method} ${url} was answered with ${error.status}: ${message}`)
        throw error
      }
      this.#options.logger[isOptional ? 'debug' : 'error'](`IO error forwarding REST request to ${url} : ${message}`)
      throw new RestError(500, `IO Error trying to forward REST request: ${message}`, { cause: error })
    }
  }

  /** Ends connections and what is under way on them. */
  async close(): Promise<void> {
    this.#http.destroy()
    const https = await this.#https?.catch(() => null)
    https?.destroy()
  }

  async #send({ method, url, body = null, authorization, signature = null, timeoutMs = TIMEOUT_MS }: WorkerRequest): Promise<Received> {
    const isHttps = url.startsWith('https:')
    const agent = isHttps ? await (this.#https ??= this.#httpsAgent()) : this.#http
    const bytes = Buffer.from(body ?? '')
    const headers: Record<string, string> = { accept: 'application/json', 'user-agent': 'kafka-connect', 'content-length': String(bytes.length) }
    if (body !== null) headers['content-type'] = 'application/json'
    if (authorization !== undefined) headers.authorization = authorization
    if (signature !== null) Object.assign(headers, signatureHeaders(bytes, signature.key, signature.algorithm))
    const { promise, resolve, reject } = Promise.withResolvers<Received>()
    const send = isHttps ? httpsRequest : httpRequest
    const sent = send(url, { method, headers, agent, signal: AbortSignal.timeout(timeoutMs) }, (response) => void receive(response).then(resolve, reject))
    sent.on('error', (error) => reject(error.name === 'TimeoutError' || error.name === 'AbortError' ? new Error(`no answer within ${timeoutMs} ms`) : error))
    sent.end(bytes)
    return await promise
  }

  async #httpsAgent(): Promise<HttpsAgent> {
    try {
      return new HttpsAgent({ ...(await this.#options.tls?.()), keepAlive: true, maxSockets: CONNECTIONS_MAX })
    } catch (error) {
      // The files that the settings name may be there the next time.
      this.#https = null
      throw error
    }
  }
}

interface Received {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

async function receive(response: IncomingMessage): Promise<Received> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > ANSWER_BYTES_MAX) throw new Error(`the answer is longer than ${ANSWER_BYTES_MAX} bytes`)
    chunks.push(chunk)
  }
  return { status: response.statusCode ?? 0, headers: response.headers, text: Buffer.concat(chunks).toString() }
}

function answerOf(received: Received): WorkerAnswer {
  const { status, text } = received
  if (status >= 400) throw new RestError(status, errorMessageOf(text))
  if (status < 200 || status >= 300) throw new RestError(500, `Unexpected status code when handling forwarded request: ${status}`)
  return received
}

/** @throws Error for what no worker answers, such as the page of a proxy. */
function errorMessageOf(text: string): string {
  const { message } = JSON.parse(text) as Partial<ErrorMessage>
  if (typeof message !== 'string') throw new Error('the answer has no message')
  return message
}
