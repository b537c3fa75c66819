import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { type ApiName, apiByKey, FrameSplitter, readRequestHeader } from '@millrace/kafka-protocol'

const REQUEST_BYTES_MAX = 64 * 1024 * 1024

/** Stands between clients and a broker, which has to advertise its address, and notes which requests go by in which versions. */
export class RequestTap {
  readonly host = '127.0.0.1'
  readonly port: number
  /** Where connections lead. */
  target: { readonly host: string; readonly port: number } | null = null
  /** The versions of each request that went by. */
  readonly seen = new Map<ApiName, Set<number>>()
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor(server: Server) {
    this.#server = server
    this.port = (server.address() as AddressInfo).port
    server.on('connection', (client: Socket) => this.#accept(client))
  }

  static async listen(): Promise<RequestTap> {
    const server = createServer({ noDelay: true })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new RequestTap(server)
  }

  close(): void {
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
  }

  #accept(client: Socket): void {
    const broker = connect({ ...this.target!, noDelay: true })
    for (const [socket, other] of [
      [client, broker],
      [broker, client],
    ] as const) {
      this.#sockets.add(socket)
      // The other end is gone, whoever began; 'close' follows.
      socket.on('error', () => undefined)
      socket.on('close', () => {
        this.#sockets.delete(socket)
        other.destroy()
      })
    }
    const splitter = new FrameSplitter(REQUEST_BYTES_MAX)
    client.on('data', (chunk: Buffer) => {
      for (const frame of splitter.push(chunk)) this.#note(frame)
    })
    client.pipe(broker)
    broker.pipe(client)
  }

  #note(frame: Buffer): void {
    const { apiKey, version } = readRequestHeader(frame)
    const api = apiByKey(apiKey)
    if (!api) return
    const versions = this.seen.get(api)
    if (versions) versions.add(version)
    else this.seen.set(api, new Set([version]))
  }
}
