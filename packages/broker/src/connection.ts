import type { Socket } from 'node:net'
import {
  ApiKey,
  decodeRequest,
  encodeUnsupportedApiVersions,
  FrameSplitter,
  KafkaError,
  ErrorCode,
  ProtocolError,
  readRequestHeader,
} from '@millrace/kafka-protocol'
import type { Answer, ApiHandler, BrokerServices, Request } from './api-handler.ts'
import { apiHandlers } from './api-handlers.ts'
import type { Faults } from './faults.ts'

/** Requests that wait behind the one that is handled; beyond that, the socket is not read. */
const WAITING_BYTES_MAX = 1024 * 1024

export interface ConnectionOptions {
  readonly socket: Socket
  readonly services: BrokerServices
  readonly faults: Faults
  /** Where the client reaches the broker. */
  readonly advertised: { readonly host: string; readonly port: number }
}

/**
 * One client. Its requests are handled one after the other and answered in their order, as in Kafka; while one waits (a fetch for data, a
 * group member for the others), those behind it wait too, and the socket is read no further than a little ahead.
 *
 * Bytes that are no request of ours end the connection with a line in the log. They never end more than that.
 */
export class Connection {
  readonly #socket: Socket
  readonly #options: ConnectionOptions
  readonly #splitter: FrameSplitter
  #waiting: Buffer[] = []
  #waitingBytes = 0
  #isBusy = false
  #isClosed = false
  readonly #closeListeners = new Set<() => void>()
  readonly #name: string
  readonly #clientHost: string

  constructor(options: ConnectionOptions) {
    const { socket, services } = options
    this.#options = options
    this.#socket = socket
    this.#splitter = new FrameSplitter(services.config.requestBytesMax, (bytes) => services.buffers.take(bytes))
    this.#name = `${socket.remoteAddress}:${socket.remotePort}`
    this.#clientHost = `/${socket.remoteAddress ?? 'unknown'}`
    socket.setNoDelay(true)
    // Counts only while nothing is read and nothing is written; a request that waits keeps the connection alive.
    socket.setTimeout(services.config.connectionsMaxIdleMs, () => {
      if (!this.#isBusy) socket.destroy()
    })
    socket.on('data', (chunk: Buffer) => this.#receive(chunk))
    socket.on('drain', () => this.#handleWaiting())
    // A client that is gone is no error of ours; 'close' follows.
    socket.on('error', () => {})
    socket.on('close', () => this.#closed())
  }

  close(): void {
    // Nothing more is handled; the listeners follow when the socket says that it is closed.
    this.#isClosed = true
    this.#socket.destroy()
  }

  #receive(chunk: Buffer): void {
    let frames: Buffer[]
    try {
      frames = this.#splitter.push(chunk)
    } catch (error) {
      return this.#refuse((error as Error).message)
    }
    for (const frame of frames) {
      this.#waiting.push(frame)
      this.#waitingBytes += frame.length
    }
    this.#handleWaiting()
    if (this.#waitingBytes > WAITING_BYTES_MAX) this.#socket.pause()
  }

  #handleWaiting(): void {
    // A client that does not read its answers gets no further ones into memory.
    if (this.#isClosed || this.#isBusy || this.#waiting.length === 0 || this.#socket.writableNeedDrain) return
    this.#socket.cork()
    let handled = 0
    while (handled < this.#waiting.length && !this.#isBusy && !this.#isClosed && !this.#socket.writableNeedDrain) {
      const frame = this.#waiting[handled++]!
      this.#waitingBytes -= frame.length
      this.#handle(frame)
    }
    this.#waiting = this.#waiting.slice(handled)
    this.#socket.uncork()
    if (this.#waitingBytes <= WAITING_BYTES_MAX && this.#socket.isPaused()) this.#socket.resume()
  }

  #handle(frame: Buffer): void {
    try {
      const { apiKey, version, correlationId } = readRequestHeader(frame)
      const known = apiHandlers.get(apiKey)
      if (!known) return this.#refuse(`asked for the unknown API ${apiKey}`)
      const { min, max } = known.versions
      if (version < min || version > max) {
        if (apiKey === ApiKey.ApiVersions) return this.#send([encodeUnsupportedApiVersions(correlationId)])
        return this.#refuse(`asked for version ${version} of ${known.api}, which is offered from ${min} to ${max}`)
      }
      const request = this.#request(frame)
      const fault = this.#options.faults.ofRequest(known.api)
      const answer = fault ? this.#withFault(fault, known, request) : this.#answer(known, request)
      if (answer instanceof Promise) return this.#await(answer, frame)
      this.#send(answer)
      this.#options.services.buffers.release(frame)
    } catch (error) {
      if (error instanceof ProtocolError) this.#refuse(error.message)
      else this.#abandon(error)
    }
  }

  #request(frame: Buffer): Request<never> {
    const { version, correlationId, clientId, body } = decodeRequest(frame)
    return {
      version,
      correlationId,
      clientId,
      body: body as never,
      clientHost: this.#clientHost,
      advertised: this.#options.advertised,
      onClosed: (listener) => {
        if (this.#isClosed) listener()
        else this.#closeListeners.add(listener)
        return () => this.#closeListeners.delete(listener)
      },
    }
  }

  #answer(handler: ApiHandler, request: Request<never>): Answer | Promise<Answer> {
    try {
      const answer = handler.answer(request, this.#options.services)
      return answer instanceof Promise ? answer.catch((error: unknown) => this.#failed(handler, request, error)) : answer
    } catch (error) {
      return this.#failed(handler, request, error)
    }
  }

  #failed(handler: ApiHandler, request: Request<never>, error: unknown): Answer {
    if (error instanceof KafkaError) return handler.fail(request, error.errorCode)
    this.#options.services.logger.error(`A request of the kind ${handler.api} from ${this.#name} failed`, error)
    return handler.fail(request, ErrorCode.UNKNOWN_SERVER_ERROR)
  }

  async #withFault(fault: NonNullable<ReturnType<Faults['ofRequest']>>, handler: ApiHandler, request: Request<never>): Promise<Answer> {
    if (fault.delayMs) await new Promise((resolve) => setTimeout(resolve, fault.delayMs))
    switch (fault.action) {
      case 'delay':
        return this.#answer(handler, request)
      case 'error':
        return handler.fail(request, fault.errorCode ?? ErrorCode.UNKNOWN_SERVER_ERROR)
      case 'lose-answer':
        await this.#answer(handler, request)
        this.close()
        return null
      case 'drop':
        this.close()
        return null
    }
  }

  #await(answer: Promise<Answer>, frame: Buffer): void {
    this.#isBusy = true
    const finish = (buffers: Answer) => {
      this.#isBusy = false
      this.#send(buffers)
      this.#options.services.buffers.release(frame)
      this.#handleWaiting()
    }
    answer.then(finish).catch((error: unknown) => this.#abandon(error))
  }

  #send(buffers: Answer): void {
    if (buffers === 'close') return this.close()
    if (buffers === null || this.#isClosed) return
    const last = buffers.length - 1
    this.#socket.cork()
    for (let i = 0; i < last; i++) this.#socket.write(buffers[i]!)
    // Called in any case, also when the connection breaks; the memory is not used any more then.
    this.#socket.write(buffers[last]!, () => {
      for (const buffer of buffers) this.#options.services.buffers.release(buffer)
    })
    this.#socket.uncork()
  }

  /** An error of ours: this client may try again on a new connection. */
  #abandon(error: unknown): void {
    this.#options.services.logger.error(`The connection of ${this.#name} is closed after an error`, error)
    this.close()
  }

  #refuse(reason: string): void {
    this.#options.services.logger.warn(`The connection of ${this.#name} was closed, for what it sent is no request: ${reason}`)
    this.close()
  }

  #closed(): void {
    this.#isClosed = true
    this.#waiting = []
    this.#waitingBytes = 0
    for (const listener of [...this.#closeListeners]) listener()
    this.#closeListeners.clear()
  }
}
