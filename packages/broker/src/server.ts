import { createServer, type Server as NetServer, type Socket } from 'node:net'
import type { BrokerServices } from './api-handler.ts'
import { Connection } from './connection.ts'
import { BrokerError } from './errors.ts'
import type { Faults } from './faults.ts'

const WILDCARDS = new Set(['0.0.0.0', '::', ''])

/** Listens for clients and keeps their connections. */
export class Server {
  readonly host: string
  readonly port: number
  readonly #server: NetServer
  readonly #connections = new Set<Connection>()

  private constructor(server: NetServer, host: string, port: number) {
    this.#server = server
    this.host = host
    this.port = port
  }

  /**
   * @param port 0 for a free one.
   * @throws BrokerError BROKER_LISTEN_FAILED.
   */
  static async listen(options: { readonly host: string; readonly port: number; readonly services: BrokerServices; readonly faults: Faults }): Promise<Server> {
    const { host, services } = options
    const netServer = createServer({ noDelay: true })
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
    const server = new Server(netServer, host, port)
    // After listening, errors are about single connections that could not be accepted.
    netServer.removeAllListeners('error')
    netServer.on('error', (error) => services.logger.warn(`A connection could not be accepted: ${error.message}`))
    netServer.on('connection', (socket: Socket) => server.#accept(socket, options))
    return server
  }

  /** Closes all connections and stops listening. Requests that wait get no answer. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    for (const connection of this.#connections) connection.close()
    await closed
  }

  #accept(socket: Socket, { services, faults }: { readonly services: BrokerServices; readonly faults: Faults }): void {
    // Behind a wildcard, the address that this client used is one that it can reach.
    const host = WILDCARDS.has(this.host) ? (socket.localAddress ?? '127.0.0.1') : this.host
    const connection = new Connection({ socket, services, faults, advertised: services.config.advertised ?? { host, port: this.port } })
    this.#connections.add(connection)
    socket.on('close', () => this.#connections.delete(connection))
  }
}
