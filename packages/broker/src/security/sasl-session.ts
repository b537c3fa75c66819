import { type ApiName, ErrorCode, kafkaError } from '@millrace/kafka-protocol'
import { type BrokerSasl, type SaslMechanism, saslMechanisms } from './broker-security.ts'
import type { SaslExchange } from './sasl-exchange.ts'
import { PlainExchange } from './sasl-plain.ts'
import { ScramCredentials, ScramExchange, type ScramMechanism } from './sasl-scram.ts'

/** What may be asked before a client has proved who it is. */
const openApis: readonly ApiName[] = ['ApiVersions', 'SaslHandshake', 'SaslAuthenticate']

/** The mechanisms of a listener with their credentials, shared by its connections. */
export class SaslServer {
  readonly mechanisms: readonly SaslMechanism[]
  readonly users: readonly string[]
  readonly sessionLifetimeMs: number
  readonly #exchanges: ReadonlyMap<string, () => SaslExchange>

  constructor({ users, mechanisms = saslMechanisms, sessionLifetimeMs = 0 }: BrokerSasl) {
    this.mechanisms = mechanisms
    this.users = Object.keys(users)
    this.sessionLifetimeMs = sessionLifetimeMs
    this.#exchanges = new Map(mechanisms.map((mechanism) => [mechanism, exchangesOf(mechanism, users)]))
  }

  /** Undefined for a mechanism that is not offered. */
  begin(mechanism: string): SaslExchange | undefined {
    return this.#exchanges.get(mechanism)?.()
  }
}

function exchangesOf(mechanism: SaslMechanism, users: Readonly<Record<string, string>>): () => SaslExchange {
  if (mechanism === 'PLAIN') return () => new PlainExchange(users)
  const credentials = new ScramCredentials(mechanism satisfies ScramMechanism, users)
  return () => new ScramExchange(credentials)
}

/** How far one connection has come (KIP-43, KIP-152); it may authenticate again at any time (KIP-368). */
export class SaslSession {
  readonly server: SaslServer
  #exchange: SaslExchange | undefined
  #isAuthenticated = false
  #expiresAt = Infinity
  /** Nothing more is heard from a client that failed. */
  hasFailed = false

  constructor(server: SaslServer) {
    this.server = server
  }

  /** Whether a request may be handled. @param now milliseconds of the monotonic clock. */
  allows(api: ApiName, now: number): boolean {
    return !this.hasFailed && ((this.#isAuthenticated && now < this.#expiresAt) || openApis.includes(api))
  }

  get isAuthenticated(): boolean {
    return this.#isAuthenticated
  }

  /** @throws KafkaError UNSUPPORTED_SASL_MECHANISM. */
  handshake(mechanism: string): void {
    this.#exchange = this.server.begin(mechanism)
    if (this.#exchange) return
    this.hasFailed = true
    throw kafkaError(ErrorCode.UNSUPPORTED_SASL_MECHANISM)
  }

  /**
   * The next message of the client.
   *
   * @returns the broker's message, and how long the session lasts once it has begun; 0 for ever. Milliseconds.
   * @throws KafkaError ILLEGAL_SASL_STATE without a handshake before, SASL_AUTHENTICATION_FAILED.
   */
  authenticate(bytes: Buffer, now: number): { readonly authBytes: Buffer; readonly sessionLifetimeMs: number } {
    const exchange = this.#exchange
    if (!exchange) throw this.#failed(kafkaError(ErrorCode.ILLEGAL_SASL_STATE))
    try {
      const { bytes: authBytes, isComplete } = exchange.respond(bytes)
      if (!isComplete) return { authBytes, sessionLifetimeMs: 0 }
      const { sessionLifetimeMs } = this.server
      this.#exchange = undefined
      this.#isAuthenticated = true
      this.#expiresAt = sessionLifetimeMs > 0 ? now + sessionLifetimeMs : Infinity
      return { authBytes, sessionLifetimeMs }
    } catch (error) {
      throw this.#failed(error as Error)
    }
  }

  #failed(error: Error): Error {
    this.hasFailed = true
    return error
  }
}
