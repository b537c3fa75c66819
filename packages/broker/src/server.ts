import { createServer, type Server as NetServer, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import type { BrokerServices } from './api-handler.ts'
import { Connection } from './connection.ts'
import { BrokerError } from './errors.ts'
import type { ConnectionFault, Faults } from './faults.ts'
import type { BrokerTls } from './security/broker-security.ts'

const WILDCARDS = new Set(['0.0.0.0', '::', ''])
const HANDSHAKE_TIMEOUT_MS = 30_000

export interface ServerOptions {
  readonly host: string
  readonly port: number
  readonly tls: BrokerTls | undefined
  readonly services: BrokerServices
  readonly faults: Faults
}

/** Listens for clients and keeps their connections. */
export class Server {
  readonly host: string
  readonly port: number
  readonly #server: NetServer
  readonly #services: BrokerServices
  readonly #connections = new Set<Connection>()
  /** Those below the connections: with TLS, also those that have not agreed on their keys. */
  readonly #sockets = new Set<Socket>()

  private constructor(server: NetServer, port: number, { host, services }: ServerOptions) {
    this.#server = server
    this.#services = services
    this.host = host
    this.port = port
  }

  /**
   * @param port 0 for a free one.
   * @throws BrokerError BROKER_LISTEN_FAILED.
   */
  static async listen(options: ServerOptions): Promise<Server> {
    const { host, tls, services } = options
    const netServer = tls ? tlsServer(tls, services) : createServer({ noDelay: true })
    netServer.maxConnections = services.config.connectionsMax
    netServer.on('drop', () => services.logger.warn(`A connection was refused: there are ${services.config.connectionsMax} already (max.connections).`))
    await new Promise<void>((resolve, reject) => {
      netServer.once('error', (cause) =>
        reject(new BrokerError('BROKER_LISTEN_FAILED', `The broker cannot listen on ${host}:${options.port}: ${cause.message}`, { cause })),
      )
      netServer.listen(options.port, host, resolve)
    })
    const address = netServer.address()
    const port = typeof address === 'object' && address ? address.port : options.port
    const server = new Server(netServer, port, options)
    // After listening, errors are about single connections that could not be accepted.
    netServer.removeAllListeners('error')
    netServer.on('error', (error) => services.logger.warn(`A connection could not be accepted: ${error.message}`))
    netServer.on('connection', (socket: Socket) => server.#track(socket))
    netServer.on(tls ? 'secureConnection' : 'connection', (socket: Socket) => server.#accept(socket, options))
    return server
  }

  /** Closes all connections and stops listening. Requests that wait get no answer. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    for (const connection of this.#connections) connection.close()
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }

  /** For tests. */
  closeConnections({ clientId }: ConnectionFault): void {
    for (const connection of this.#connections) if (clientId === undefined || connection.clientId === clientId) connection.close()
  }

  /** Called every second or so: where others wait for memory, those who hold some and do not get on with it lose their connection. */
  closeStalled(): void {
    const { requestMemory, answerMemory, config } = this.#services
    if (!requestMemory.hasWaiters && !answerMemory.hasWaiters) return
    const { memoryStallTimeoutMs: stallMs } = config
    const before = performance.now() - stallMs
    for (const connection of this.#connections) {
      const { receivingSince = Infinity, sendingSince = Infinity } = connection
      if (requestMemory.hasWaiters && receivingSince < before)
        connection.close(`a request of it has not come on for ${stallMs} ms, and others wait for memory.`)
      if (answerMemory.hasWaiters && sendingSince < before) connection.close(`it has not read its answer for ${stallMs} ms, and others wait for memory.`)
    }
  }

  #track(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('close', () => this.#sockets.delete(socket))
  }

  #accept(socket: Socket, { services, faults }: ServerOptions): void {
    // Behind a wildcard, the address that this client used is one that it can reach.
    const host = WILDCARDS.has(this.host) ? (socket.localAddress ?? '127.0.0.1') : this.host
    const connection = new Connection({ socket, services, faults, advertised: services.config.advertised ?? { host, port: this.port } })
    this.#connections.add(connection)
    socket.on('close', () => this.#connections.delete(connection))
  }
}

function tlsServer({ key, cert, ca, isClientCertificateRequired = false }: BrokerTls, { logger }: BrokerServices): NetServer {
  const server = createTlsServer({
    noDelay: true,
    key,
    cert,
    ca,
    requestCert: isClientCertificateRequired,
    rejectUnauthorized: isClientCertificateRequired,
    handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
    minVersion: 'TLSv1.2',
  })
  server.on('tlsClientError', (error, socket) => {
    logger.warn(`The TLS handshake with ${socket.remoteAddress ?? 'a client'} failed: ${error.message}`)
    socket.destroy()
  })
  return server
}
