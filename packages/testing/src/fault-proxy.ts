import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

/** What the network between client and server is like; it holds for the connections that there are and for new ones. */
export type NetworkCondition =
  | { readonly kind: 'good' }
  /** Nothing comes through in these directions, and nothing is closed: also new connections are taken, and lead nowhere. What was sent comes through afterwards. */
  | { readonly kind: 'silent'; readonly directions: 'both' | Direction }
  /** Each piece (of 64 KiB at most) comes so much later, milliseconds. */
  | { readonly kind: 'slow'; readonly delayMs: number }
  /** For each connection and direction. */
  | { readonly kind: 'narrow'; readonly bytesPerSecond: number }
  /** New connections are reset; those that there are go on. */
  | { readonly kind: 'refusing' }

type Direction = 'to-server' | 'to-client'

interface Address {
  readonly host: string
  readonly port: number
}

interface Pair {
  readonly client: Socket
  readonly server: Socket
  /** The server's side is gone, and the client has not been told. */
  isAbandoned: boolean
}

const CONNECTIONS_MAX = 1000
const GOOD: NetworkCondition = { kind: 'good' }

/**
 * A network between clients and a server that can be bad: connect to its `port` instead of the server's. It listens on loopback.
 * A Kafka broker has to advertise the proxy's address, or clients go around it; so the proxy comes first, and is told its `target` when that has started.
 *
 * Holds one piece of at most 64 KiB for each connection and direction, however bad the network is.
 */
export class FaultProxy {
  readonly host = '127.0.0.1'
  readonly port: number
  /** Where connections lead. Until it is set, they are reset. */
  target: Address | null = null
  readonly #server: Server
  readonly #pairs = new Set<Pair>()
  readonly #waiting = new Set<Socket>()
  #condition: NetworkCondition = GOOD
  #changed = Promise.withResolvers<void>()
  #isClosed = false

  private constructor(server: Server) {
    this.#server = server
    this.port = (server.address() as AddressInfo).port
    server.maxConnections = CONNECTIONS_MAX
    // Whatever ends a connection ends that one only.
    server.on('connection', (client: Socket) => void this.#accept(client).catch(() => client.destroy()))
  }

  /** Listens on a free port. */
  static async listen(): Promise<FaultProxy> {
    const server = createServer({ noDelay: true, allowHalfOpen: true })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new FaultProxy(server)
  }

  get connectionCount(): number {
    return this.#pairs.size + this.#waiting.size
  }

  get condition(): NetworkCondition {
    return this.#condition
  }

  /** From now on the network is like this. */
  apply(condition: NetworkCondition): void {
    this.#condition = condition
    this.#changed.resolve()
    this.#changed = Promise.withResolvers()
  }

  /** From now on everything comes through, at once. */
  restore(): void {
    this.apply(GOOD)
  }

  /** Resets every connection, on both sides. */
  reset(): void {
    for (const { client, server } of this.#pairs) {
      client.resetAndDestroy()
      server.resetAndDestroy()
    }
  }

  /** Closes every connection towards the server, of which the clients hear nothing: theirs stay open, and whatever they send is lost. */
  abandon(): void {
    for (const pair of this.#pairs) {
      pair.isAbandoned = true
      pair.server.destroy()
    }
  }

  /** Ends all connections and stops listening. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    const closed = once(this.#server, 'close')
    this.#server.close()
    for (const socket of this.#waiting) socket.destroy()
    for (const { client, server } of this.#pairs) {
      client.destroy()
      server.destroy()
    }
    this.restore()
    await closed
  }

  async #accept(client: Socket): Promise<void> {
    // 'close' follows.
    client.on('error', () => undefined)
    this.#waiting.add(client)
    client.on('close', () => this.#waiting.delete(client))
    await this.#open('to-server')
    this.#waiting.delete(client)
    if (this.#condition.kind === 'refusing' || this.target === null || this.#isClosed) {
      client.resetAndDestroy()
      return
    }
    const server = connect({ ...this.target, noDelay: true, allowHalfOpen: true })
    server.on('error', () => undefined)
    const pair: Pair = { client, server, isAbandoned: false }
    this.#pairs.add(pair)
    try {
      await Promise.all([this.#flow(pair, 'to-server'), this.#flow(pair, 'to-client')])
    } finally {
      this.#pairs.delete(pair)
      // An abandoned client has only closed its own half.
      client.destroySoon()
      server.destroySoon()
    }
  }

  /** Never rejects. */
  async #flow(pair: Pair, direction: Direction): Promise<void> {
    const [from, to] = direction === 'to-server' ? [pair.client, pair.server] : [pair.server, pair.client]
    let hasFailed = false
    try {
      for await (const chunk of from) {
        await this.#pass(chunk, direction)
        await new Promise<void>((resolve) => {
          to.write(chunk, () => resolve())
        })
      }
    } catch {
      hasFailed = true
    }
    await this.#open(direction)
    if (pair.isAbandoned && to === pair.client && !this.#isClosed) return
    if (hasFailed) to.resetAndDestroy()
    else to.end()
  }

  async #pass(chunk: Buffer, direction: Direction): Promise<void> {
    await this.#open(direction)
    const condition = this.#condition
    if (condition.kind === 'slow') await this.#wait(condition.delayMs)
    if (condition.kind === 'narrow') await this.#wait((chunk.length / condition.bytesPerSecond) * 1000)
    await this.#open(direction)
  }

  /** As long as the condition lasts, at most. */
  async #wait(delayMs: number): Promise<void> {
    const timer = new AbortController()
    await Promise.race([delay(delayMs, undefined, { signal: timer.signal }).catch(() => undefined), this.#changed.promise])
    timer.abort()
  }

  /** Resolves when something can come through in a direction. */
  async #open(direction: Direction): Promise<void> {
    while (this.#condition.kind === 'silent' && (this.#condition.directions === 'both' || this.#condition.directions === direction)) {
      await this.#changed.promise
    }
  }
}
