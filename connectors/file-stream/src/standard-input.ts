import { Socket } from 'node:net'
import type { ByteSource } from './byte-source.ts'
import { codeOf, FollowedFile } from './followed-file.ts'

/**
 * The standard input, without ever blocking. It is opened anew under its own name, so that closing it, or ending the thread, leaves the process's own
 * alone; where the system cannot do that, as for sockets, the thread reads from the process's own.
 */
export async function openStandardInput(): Promise<ByteSource> {
  try {
    return await FollowedFile.open('/dev/stdin', 0)
  } catch (error) {
    if (codeOf(error) === undefined) throw error
    sharedSocket ??= new SocketInput()
    return sharedSocket
  }
}

/** One per thread, for ever: the descriptor cannot be opened a second time. */
let sharedSocket: SocketInput | null = null

class SocketInput implements ByteSource {
  readonly #socket = new Socket({ fd: 0, readable: true, writable: false })
  #error: Error | null = null

  constructor() {
    this.#socket.on('error', (error) => {
      this.#error = error
    })
    // Whoever listens to this event asks for data with `read`.
    this.#socket.on('readable', () => {})
    this.#socket.unref()
  }

  async read(): Promise<Buffer | null> {
    if (this.#error !== null) throw this.#error
    return this.#socket.read() as Buffer | null
  }

  async restart(): Promise<null> {
    return null
  }

  /** A later task of this thread goes on where this one ended. */
  async close(): Promise<void> {}
}
