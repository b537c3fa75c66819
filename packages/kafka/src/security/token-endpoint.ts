import type { SecureContext } from 'node:tls'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Clock, monotonicClock, timerMs } from '../clock.ts'
import { closedError, networkError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import { saslAuthenticationError } from './security-errors.ts'

/** Where tokens come from. All times in milliseconds. */
export interface TokenEndpointConfig {
  readonly url: URL
  /** `sasl.login.connect.timeout.ms` and `sasl.login.read.timeout.ms` together. */
  readonly timeoutMs: number
  /** `sasl.login.retry.backoff.ms` */
  readonly retryBackoffMs: number
  /** `sasl.login.retry.backoff.max.ms`: as in Java, also the time in which no new attempt is begun any more. */
  readonly retryBackoffMaxMs: number
}

/** What is sent there. It holds secrets. */
export interface TokenRequest {
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** For `https:`; null: the authorities that Node brings along. */
export interface EndpointTls {
  readonly secureContext: SecureContext
  readonly checksHost: boolean
}

export interface RequestParts {
  readonly tls: EndpointTls | null
  readonly logger: Logger
  /** Ends the asking, and the waiting in between, with `CLIENT_CLOSED`. */
  readonly closing: AbortSignal
  /** For the time between attempts; default the process's own. */
  readonly clock?: Clock
}

const ANSWER_BYTES_MAX = 1024 * 1024
/** Answers that will be the same the next time, as Java has them. */
const FINAL_STATUSES = new Set([400, 401, 402, 403, 404, 405, 406, 407, 409, 410, 411, 412, 413, 414, 415, 501, 505])

/**
 * Asks a token endpoint for a token (RFC 6749), again while that may help.
 *
 * @returns the token, not looked into.
 * @throws KafkaError `SASL_AUTHENTICATION_FAILED` if the endpoint refuses, `NETWORK_EXCEPTION` (retriable) if it cannot be reached or is not well; `CLIENT_CLOSED`.
 */
export async function requestToken(
  config: TokenEndpointConfig,
  content: TokenRequest,
  { tls, logger, closing, clock = monotonicClock }: RequestParts,
): Promise<string> {
  const end = clock.now() + config.retryBackoffMaxMs
  for (let attempt = 1; ; attempt++) {
    try {
      return tokenIn(await post(config, content, tls, closing))
    } catch (error) {
      if (closing.aborted) throw closedError('The client was closed.')
      const waitMs = Math.min(config.retryBackoffMs * 2 ** Math.min(attempt - 1, 30), end - clock.now())
      if (!(error as { retriable?: boolean }).retriable || waitMs <= 0) throw error
      logger.warn(`Attempt ${attempt} to get a token resulted in an error; sleeping ${Math.ceil(waitMs)} ms before retrying: ${(error as Error).message}`)
      await sleep(waitMs, undefined, { signal: closing }).catch(() => undefined)
    }
  }
}

async function post({ url, timeoutMs }: TokenEndpointConfig, { headers, body }: TokenRequest, tls: EndpointTls | null, closing: AbortSignal): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; text: string }>()
  // Most clients ask nobody for tokens. An import would also evaluate what these modules load on demand: 14 MB in each thread.
  const { request: send } = process.getBuiltinModule(url.protocol === 'https:' ? 'node:https' : 'node:http')
  const request = send(url, {
    method: 'POST',
    // A connection of its own, which ends with the answer: one token serves for minutes.
    agent: false,
    headers: { ...headers, 'Content-Length': Buffer.byteLength(body) },
    signal: AbortSignal.any([closing, AbortSignal.timeout(timerMs(timeoutMs))]),
    ...(tls ? { secureContext: tls.secureContext, ...(tls.checksHost ? {} : { checkServerIdentity: () => undefined }) } : {}),
  })
  request.on('error', reject)
  request.on('response', (response) => {
    const chunks: Buffer[] = []
    let bytes = 0
    response.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      chunks.push(chunk)
      if (bytes > ANSWER_BYTES_MAX) request.destroy(new Error('the answer is too long'))
    })
    response.on('error', reject)
    response.on('end', () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }))
  })
  request.end(body)
  const answer = await promise.catch((cause: Error) => {
    const reason = cause.name === 'AbortError' || cause.name === 'TimeoutError' ? `no answer within ${timeoutMs} ms` : cause.message
    throw networkError(`The token endpoint ${shown(url)} could not be asked: ${reason}`, cause)
  })
  return checked(answer, url)
}

function checked({ status, text }: { status: number; text: string }, url: URL): string {
  if (status === 200 || status === 201) {
    if (text !== '') return text
    throw networkError(`The token endpoint response was unexpectedly empty despite response code ${status} from ${shown(url)} and error message {}`)
  }
  if (FINAL_STATUSES.has(status)) {
    throw saslAuthenticationError(
      `The response code ${status} and error response ${errorIn(text)} was encountered reading the token endpoint response; will not attempt further retries`,
    )
  }
  throw networkError(`The unexpected response code ${status} and error message ${errorIn(text)} was encountered reading the token endpoint response`)
}

/** Without user, password and query, which may be secrets. */
function shown({ origin, pathname }: URL): string {
  return `${origin}${pathname}`
}

/** The reason of a refusal (RFC 6749, section 5.2), which holds no secret. */
function errorIn(text: string): string {
  if (text.trim() === '') return '{}'
  const error = jsonObject(text)
  if (error?.error !== undefined) return `{${JSON.stringify(error.error)} - ${JSON.stringify(error.error_description) ?? ''}}`
  if (error?.errorCode !== undefined) return `{${JSON.stringify(error.errorCode)} - ${JSON.stringify(error.errorSummary) ?? ''}}`
  return `{${text.slice(0, 1000)}}`
}

function tokenIn(text: string): string {
  const answer = jsonObject(text)
  const token = [answer?.access_token, answer?.id_token].find((value) => typeof value === 'string' && value.trim() !== '')
  if (typeof token === 'string') return token.trim()
  throw saslAuthenticationError('The token endpoint response did not contain a valid JWT: it has neither "access_token" nor "id_token".')
}

function jsonObject(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null
  } catch {
    // Not JSON: the caller says so in its own words.
    return null
  }
}
