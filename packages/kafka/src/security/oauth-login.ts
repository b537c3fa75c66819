import { readFile } from 'node:fs/promises'
import { configurationError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import type { OauthConfig } from './oauth-config.ts'
import { type OauthToken, parseToken, unsecuredToken } from './oauth-token.ts'
import { requestToken } from './token-endpoint.ts'

/** How long after a failed refresh the next is tried, as in Java. */
const REFRESH_RETRY_MS = 10_000

export interface LoginParts {
  readonly logger: Logger
  /** The wall clock, since tokens say when they expire. Milliseconds; default `Date.now`. */
  readonly wallClockMs?: () => number
  /** Numbers in [0, 1); default `Math.random`. */
  readonly random?: () => number
}

/**
 * The token of a client, fetched when it is first needed and again before it expires.
 *
 * Where Java refreshes in a thread of its own, here the first authentication after the same moment does; without connections nothing is asked.
 */
export class OauthLogin {
  readonly #config: OauthConfig
  readonly #logger: Logger
  readonly #wallClockMs: () => number
  readonly #random: () => number
  readonly #closing = new AbortController()
  #token: OauthToken | null = null
  #refreshAtMs = 0
  #fetching: Promise<OauthToken> | null = null

  constructor(config: OauthConfig, { logger, wallClockMs = Date.now, random = Math.random }: LoginParts) {
    this.#config = config
    this.#logger = logger
    this.#wallClockMs = wallClockMs
    this.#random = random
  }

  /**
   * A token that can be used now. Many may ask at once.
   *
   * @throws KafkaError `SASL_AUTHENTICATION_FAILED`, `INVALID_CONFIGURATION`, or `NETWORK_EXCEPTION`, which is retriable.
   */
  async token(): Promise<OauthToken> {
    if (this.#token && this.#wallClockMs() < this.#refreshAtMs) return this.#token
    this.#fetching ??= this.#fetch().finally(() => {
      this.#fetching = null
    })
    try {
      return await this.#fetching
    } catch (error) {
      const now = this.#wallClockMs()
      if (!this.#token || now >= this.#token.expiresAtMs) throw error
      this.#refreshAtMs = now + REFRESH_RETRY_MS
      this.#logger.warn(
        `The token of ${this.#token.principal} could not be refreshed; it is used until it expires, and the next try is in ${REFRESH_RETRY_MS / 1000} seconds.`,
        error,
      )
      return this.#token
    }
  }

  /** Ends a request that is under way. */
  close(): void {
    this.#closing.abort()
  }

  async #fetch(): Promise<OauthToken> {
    const token = await this.#obtain()
    const now = this.#wallClockMs()
    this.#token = token
    this.#refreshAtMs = refreshTimeMs(token, now, this.#config.refresh, this.#random())
    return token
  }

  async #obtain(): Promise<OauthToken> {
    const { source, claims } = this.#config
    if (source.kind === 'unsecured') return unsecuredToken(source.options, this.#wallClockMs())
    if (source.kind === 'file') return parseToken(await readToken(source.path), claims)
    const { tls, endpoint } = source
    const endpointTls = tls && { secureContext: await (await import('./tls-context.ts')).loadTlsContext(tls, this.#logger), checksHost: tls.checksHost }
    const parts = { tls: endpointTls, logger: this.#logger, closing: this.#closing.signal }
    return parseToken(await requestToken(endpoint, await source.request(this.#wallClockMs()), parts), claims)
  }
}

async function readToken(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    const error = configurationError(`The OAuth configuration option sasl.oauthbearer.token.endpoint.url contains a file (${path}) that cannot be read.`)
    error.cause = cause
    throw error
  }
}

/** `sasl.login.refresh.*` */
export interface RefreshConfig {
  /** Share of the lifetime after which a token is refreshed. */
  readonly windowFactor: number
  /** Random share on top. */
  readonly windowJitter: number
  /** Not earlier than so long after it was obtained … */
  readonly minPeriodSeconds: number
  /** … and so long before its end at the latest; both only if its lifetime allows. */
  readonly bufferSeconds: number
}

/** When a token has to be refreshed that was obtained now (Java's `ExpiringCredentialRefreshingLogin`). Milliseconds. */
export function refreshTimeMs(token: OauthToken, nowMs: number, refresh: RefreshConfig, random: number): number {
  const share = refresh.windowFactor + refresh.windowJitter * random
  const minPeriodMs = refresh.minPeriodSeconds * 1000
  const bufferMs = refresh.bufferSeconds * 1000
  if (nowMs + minPeriodMs + bufferMs > token.expiresAtMs) return nowMs + Math.floor(Math.max(0, token.expiresAtMs - nowMs) * share)
  const startMs = token.issuedAtMs ?? nowMs
  const proposedMs = startMs + Math.floor((token.expiresAtMs - startMs) * share)
  return Math.max(Math.min(proposedMs, token.expiresAtMs - bufferMs), nowMs + minPeriodMs)
}
