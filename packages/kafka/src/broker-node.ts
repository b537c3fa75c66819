import type { KafkaError } from '@millrace/kafka-protocol'
import { Backoff } from './backoff.ts'
import type { Clock } from './clock.ts'
import type { Address, ConnectionConfig } from './config/connection-config.ts'
import { Connection } from './connection.ts'
import { closedError, networkError } from './errors.ts'

/** What a connection is for: a request that is held back (JoinGroup, Fetch) would hold up everything behind it. */
export type Purpose = 'data' | 'fetch' | 'coordinator'

/** One broker, with at most one connection for each purpose. */
export class BrokerNode {
  readonly id: number
  readonly address: Address
  readonly #slots: Record<Purpose, ConnectionSlot>

  /** @param id the broker's id; negative for a bootstrap server, whose id is not known yet. */
  constructor(id: number, address: Address, config: ConnectionConfig, clock: Clock) {
    this.id = id
    this.address = address
    this.#slots = {
      data: new ConnectionSlot(id, address, config, clock),
      fetch: new ConnectionSlot(id, address, config, clock),
      coordinator: new ConnectionSlot(id, address, config, clock),
    }
  }

  /** The connection if it is there; null while it is not. */
  ready(purpose: Purpose): Connection | null {
    return this.#slots[purpose].ready
  }

  /** The connection, made if necessary. Fails at once while the pause after a failure lasts. */
  connection(purpose: Purpose): Promise<Connection> {
    return this.#slots[purpose].get()
  }

  /** How long no connection will be tried. Milliseconds; 0 when one may be. */
  pauseMs(purpose: Purpose): number {
    return this.#slots[purpose].pauseMs()
  }

  /** For how long this broker has owed an answer. Milliseconds; 0 if it owes none. @param purpose default: any. */
  silentMs(purpose?: Purpose): number {
    if (purpose !== undefined) return this.ready(purpose)?.silentMs ?? 0
    return Math.max(...Object.values(this.#slots).map(({ ready }) => ready?.silentMs ?? 0))
  }

  closeIdle(): void {
    for (const slot of Object.values(this.#slots)) slot.closeIdle()
  }

  /** Closes all connections for good; resolves when their sockets are gone. */
  close(): Promise<void> {
    return this.#end(closedError('The client was closed.'))
  }

  /**
   * Ends all connections because the broker is not part of the cluster any more, or listens elsewhere. Whoever still holds this node (a coordinator that
   * was found here) gets an error that says: look again.
   */
  retire(): Promise<void> {
    const { host, port } = this.address
    return this.#end(networkError(`The cluster no longer has broker ${this.id} at ${host}:${port}.`))
  }

  async #end(reason: KafkaError): Promise<void> {
    await Promise.all(Object.values(this.#slots).map((slot) => slot.end(reason)))
  }
}

class ConnectionSlot {
  readonly #id: number
  readonly #address: Address
  readonly #config: ConnectionConfig
  readonly #clock: Clock
  readonly #backoff: Backoff
  #connection: Connection | null = null
  #opening: Promise<Connection> | null = null
  #failures = 0
  #notBefore = 0
  #lastError: unknown
  readonly #ending = new AbortController()

  constructor(id: number, address: Address, config: ConnectionConfig, clock: Clock) {
    this.#id = id
    this.#address = address
    this.#config = config
    this.#clock = clock
    this.#backoff = new Backoff({ initialMs: config.reconnectBackoffMs, maxMs: config.reconnectBackoffMaxMs })
  }

  get ready(): Connection | null {
    return this.#connection?.isOpen ? this.#connection : null
  }

  pauseMs(): number {
    return Math.max(0, this.#notBefore - this.#clock.now())
  }

  get(): Promise<Connection> {
    const { ready } = this
    if (ready) return Promise.resolve(ready)
    if (this.#ending.signal.aborted) return Promise.reject(this.#ending.signal.reason)
    if (this.#opening === null && this.pauseMs() > 0) return Promise.reject(this.#notYet())
    this.#opening ??= this.#open()
    return this.#opening
  }

  closeIdle(): void {
    const { ready } = this
    const { connectionIdleMaxMs } = this.#config
    if (!ready || connectionIdleMaxMs < 0 || ready.pendingCount > 0) return
    if (this.#clock.now() - ready.lastUsedAt > connectionIdleMaxMs) ready.close()
  }

  /** Ends what is open or being opened, and fails whoever asks from now on with the reason. */
  async end(reason: KafkaError): Promise<void> {
    this.#ending.abort(reason)
    this.#connection?.close(reason)
    await this.#opening?.catch(() => undefined)
    await this.#connection?.closed
  }

  #notYet(): Error {
    const { host, port } = this.#address
    const reason = this.#lastError instanceof Error ? ` ${this.#lastError.message}` : ''
    return networkError(`The broker at ${host}:${port} could not be reached; waiting before the next try.${reason}`, this.#lastError)
  }

  async #open(): Promise<Connection> {
    const { clientId, requestTimeoutMs, connectTimeoutMs, connectTimeoutMaxMs, security } = this.#config
    const growing = Math.min(connectTimeoutMs * 2 ** Math.min(this.#failures, 10), Math.max(connectTimeoutMs, connectTimeoutMaxMs))
    const { signal } = this.#ending
    try {
      const { metrics } = this.#config
      const traffic = [metrics.traffic, metrics.node(this.#id)]
      const counts = metrics.connections
      const options = { address: this.#address, clientId, requestTimeoutMs, connectTimeoutMs: growing, clock: this.#clock, security, signal, traffic, counts }
      const connection = await Connection.open(options)
      this.#connection = connection
      this.#failures = 0
      if (signal.aborted) connection.close(signal.reason)
      return connection
    } catch (error) {
      this.#failures++
      this.#lastError = error
      this.#notBefore = this.#clock.now() + this.#backoff.delayMs(this.#failures)
      throw error
    } finally {
      this.#opening = null
    }
  }
}
