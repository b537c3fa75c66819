import { connect as connectPlain, isIP, type OnReadOpts, type Socket } from 'node:net'
import type { ConnectionOptions, SecureContext } from 'node:tls'
import type { KafkaError } from '@millrace/kafka-protocol'
import { networkError } from '../errors.ts'
import { type Logger, silentLogger } from '../logger.ts'
import { authenticate, type SaslConnection } from './authenticate.ts'
import { OauthLogin } from './oauth-login.ts'
import type { SaslExchange } from './sasl-exchange.ts'
import { OauthBearerExchange } from './sasl-oauthbearer.ts'
import { PlainExchange } from './sasl-plain.ts'
import { ScramExchange } from './sasl-scram.ts'
import type { SaslConfig, SecurityConfig } from './security-config.ts'
import { tlsFailure } from './tls-failure.ts'

/** The security of one client, for all of its connections: key stores are read once, and tokens are shared. */
export class ClientSecurity {
  readonly #config: SecurityConfig
  readonly #logger: Logger
  readonly #login: OauthLogin | null
  #context: SecureContext | null = null

  constructor(config: SecurityConfig, logger: Logger) {
    this.#config = config
    this.#logger = logger
    this.#login = config.sasl?.mechanism === 'OAUTHBEARER' ? new OauthLogin(config.sasl.oauth, { logger }) : null
  }

  get usesTls(): boolean {
    return this.#config.tls !== null
  }

  get usesSasl(): boolean {
    return this.#config.sasl !== null
  }

  /**
   * Reads the key stores, if that has not been done. Comes before `openSocket`.
   *
   * @throws KafkaError `INVALID_CONFIGURATION` if one cannot be read.
   */
  async prepare(): Promise<void> {
    const { tls } = this.#config
    // Loaded only where it is used, as TLS itself: most connections on one machine are plain.
    if (tls) this.#context ??= await (await import('./tls-context.ts')).loadTlsContext(tls, this.#logger)
  }

  /**
   * Begins to connect. The socket is ready for Kafka's protocol with its event `secureConnect` if `usesTls`, else with `connect`.
   *
   * @throws KafkaError `NETWORK_EXCEPTION` for what can be no address; brokers name the addresses of others, so it may be anything.
   */
  openSocket(address: { readonly host: string; readonly port: number }, onread: OnReadOpts): Socket {
    try {
      return this.#open(address, onread)
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause)
      throw networkError(`There can be no broker at ${JSON.stringify(address.host)}, port ${address.port}: ${reason}`, cause)
    }
  }

  #open({ host, port }: { readonly host: string; readonly port: number }, onread: OnReadOpts): Socket {
    const { tls } = this.#config
    if (!tls) return connectPlain({ host, port, noDelay: true, keepAlive: true, onread })
    // `onread` is documented, but its type is missing.
    const options: ConnectionOptions & { readonly onread: OnReadOpts } = {
      host,
      port,
      onread,
      ...(this.#context ? { secureContext: this.#context } : {}),
      // Names only: RFC 6066 allows no addresses there.
      ...(isIP(host) ? {} : { servername: host }),
      ...(tls.checksHost ? {} : { checkServerIdentity: () => undefined }),
    }
    const socket = process.getBuiltinModule('node:tls').connect(options)
    socket.setNoDelay(true)
    socket.setKeepAlive(true)
    return socket
  }

  /** What an error of such a socket means; null where it has nothing to do with TLS. @param address for the message, `host:port`. */
  failure(address: string, cause: Error): KafkaError | null {
    return this.#config.tls ? tlsFailure(address, cause) : null
  }

  /**
   * Authenticates a connection that has just been made, or again before its session ends. Does nothing without SASL.
   *
   * @returns how long the session lasts; 0 for ever. Milliseconds.
   * @throws KafkaError as `authenticate`.
   */
  async authenticate(connection: SaslConnection): Promise<number> {
    const { sasl } = this.#config
    return sasl ? authenticate(connection, sasl.mechanism, await this.#exchange(sasl)) : 0
  }

  /** Ends what is under way outside of connections. */
  close(): void {
    this.#login?.close()
  }

  async #exchange(sasl: SaslConfig): Promise<SaslExchange> {
    if (sasl.mechanism === 'PLAIN') return new PlainExchange(sasl.credentials)
    if (sasl.mechanism !== 'OAUTHBEARER') return new ScramExchange(sasl)
    const { value } = await this.#login!.token()
    return new OauthBearerExchange(value, sasl.oauth.extensions)
  }
}

/** Neither TLS nor SASL. */
export const noSecurity = new ClientSecurity({ tls: null, sasl: null }, silentLogger)
