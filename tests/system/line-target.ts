import { createServer, type Server, type Socket } from 'node:net'

/** What `test.TargetSinkConnector` writes to: takes lines, and answers each batch, which ends with an empty line, by `ok`, unless it is frozen. On loopback. */
export class LineTarget {
  isFrozen = false
  /** What it was sent and has answered. */
  readonly lines: string[] = []
  #server: Server | null = null
  readonly #sockets = new Map<Socket, string>()

  /** @param port 0 for a free one. @returns the port. */
  async start(port: number): Promise<number> {
    const server = createServer((socket) => {
      this.#sockets.set(socket, '')
      socket.on('error', () => {
        // The sink goes away; `close` follows.
      })
      socket.on('close', () => this.#sockets.delete(socket))
      socket.on('data', (data) => {
        this.#sockets.set(socket, this.#sockets.get(socket) + data.toString())
        if (!this.isFrozen) this.#answer(socket)
      })
    })
    this.#server = server
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
    return (server.address() as { port: number }).port
  }

  /** Answers what has come in since it was frozen. */
  thaw(): void {
    this.isFrozen = false
    for (const socket of this.#sockets.keys()) this.#answer(socket)
  }

  /** Closes all connections; the port is free again. */
  async stop(): Promise<void> {
    const server = this.#server
    this.#server = null
    for (const socket of this.#sockets.keys()) socket.destroy()
    if (server !== null) await new Promise((resolve) => server.close(resolve))
  }

  #answer(socket: Socket): void {
    const text = this.#sockets.get(socket) ?? ''
    if (!text.endsWith('\n\n')) return
    this.lines.push(...text.slice(0, -2).split('\n'))
    socket.end('ok\n')
  }
}

// As a process of its own, which can be killed and frozen: `node line-target.ts PORT`.
if (import.meta.main) console.log(`listening on ${await new LineTarget().start(Number(process.argv[2]))}`)
