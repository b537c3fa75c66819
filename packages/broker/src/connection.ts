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
import { type Faults, namesTopic, type RequestFault } from './faults.ts'
import { RequestFrames } from './request-frames.ts'
import { SaslSession } from './security/sasl-session.ts'

/** Requests that wait behind the one that is handled; beyond that, the socket is not read. */
const WAITING_BYTES_MAX = 64 * 1024
/** What a client may send before it has proved who it is. */
const UNAUTHENTICATED_BYTES_MAX = 512 * 1024
/** Things in the lists of one request: what they become in memory is many times what they are on the wire. */
const ELEMENTS_MAX = 200_000

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
  readonly #frames: RequestFrames
  readonly #splitter: FrameSplitter
  readonly #sasl: SaslSession | undefined
  #waiting: Buffer[] = []
  #waitingBytes = 0
  #isBusy = false
  #isClosed = false
  #clientId: string | null = null
  #receivedAt = 0
  /** Since when an answer has been on its way, in milliseconds of the monotonic clock. */
  #sendingSince: number | undefined
  readonly #closeListeners = new Set<() => void>()
  readonly #name: string
  readonly #clientHost: string

  constructor(options: ConnectionOptions) {
    const { socket, services } = options
    const { config, sasl, buffers, requestMemory } = services
    this.#options = options
    this.#socket = socket
    this.#sasl = sasl && new SaslSession(sasl)
    this.#frames = new RequestFrames(buffers, requestMemory, () => this.#readOn())
    this.#splitter = new FrameSplitter(config.requestBytesMax, (bytes, frameBytes) => this.#begunFrame(bytes, frameBytes))
    this.#name = `${socket.remoteAddress}:${socket.remotePort}`
    this.#clientHost = `/${socket.remoteAddress ?? 'unknown'}`
    socket.setNoDelay(true)
    // Counts only while nothing is read and nothing is written; a request that waits keeps the connection alive.
    socket.setTimeout(config.connectionsMaxIdleMs, () => {
      if (!this.#isBusy) socket.destroy()
    })
    socket.on('data', (chunk: Buffer) => this.#receive(chunk))
    socket.on('drain', () => this.#handleWaiting())
    // A client that is gone is no error of ours; 'close' follows.
    socket.on('error', () => {})
    socket.on('close', () => this.#closed())
  }

  /** The client id of the last request. */
  get clientId(): string | null {
    return this.#clientId
  }

  /** Since when a request has not come any further that takes memory; undefined if there is none. Milliseconds of the monotonic clock. */
  get receivingSince(): number | undefined {
    return this.#frames.isHoldingMemory ? this.#receivedAt : undefined
  }

  /** Since when the client has not taken an answer that was sent to it; undefined if there is none. Milliseconds of the monotonic clock. */
  get sendingSince(): number | undefined {
    return this.#sendingSince
  }

  /** @param reason for the log; without one nothing is logged. */
  close(reason?: string): void {
    if (reason !== undefined) this.#options.services.logger.warn(`The connection of ${this.#name} was closed: ${reason}`)
    // Nothing more is handled; the listeners follow when the socket says that it is closed.
    this.#isClosed = true
    this.#socket.destroy()
  }

  #begunFrame(bytes: number, frameBytes: number): Buffer {
    if (this.#sasl && !this.#sasl.isAuthenticated && frameBytes > UNAUTHENTICATED_BYTES_MAX) {
      throw new ProtocolError(`A request of ${frameBytes} bytes before authentication; at most ${UNAUTHENTICATED_BYTES_MAX} are taken.`)
    }
    return this.#frames.begin(bytes, frameBytes)
  }

  #receive(chunk: Buffer): void {
    this.#receivedAt = performance.now()
    let frames: Buffer[]
    try {
      frames = this.#splitter.push(chunk)
    } catch (error) {
      return this.#refuse((error as Error).message)
    }
    for (const frame of frames) {
      this.#frames.completed(frame)
      this.#waiting.push(frame)
      this.#waitingBytes += frame.length
    }
    this.#frames.received(chunk, frames)
    this.#handleWaiting()
    if (this.#mustNotRead) this.#socket.pause()
  }

  get #mustNotRead(): boolean {
    return this.#waitingBytes > WAITING_BYTES_MAX || this.#frames.isWaitingForMemory
  }

  #readOn(): void {
    if (!this.#mustNotRead && !this.#isClosed && this.#socket.isPaused()) this.#socket.resume()
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
    this.#readOn()
  }

  #handle(frame: Buffer): void {
    let isAwaited = false
    try {
      const { apiKey, version, correlationId, clientId } = readRequestHeader(frame)
      this.#clientId = clientId
      const known = this.#options.services.offered.get(apiKey)
      if (!known) return this.#refuse(`asked for the unknown API ${apiKey}`)
      const { handler } = known
      const { min, max } = known.versions
      if (version < min || version > max) {
        if (apiKey === ApiKey.ApiVersions) return this.#send([encodeUnsupportedApiVersions(correlationId, known.versions)])
        return this.#refuse(`asked for version ${version} of ${handler.api}, which is offered from ${min} to ${max}`)
      }
      if (this.#sasl && !this.#sasl.allows(handler.api, performance.now())) return this.#refuse(`asked for ${handler.api} without authentication`)
      const request = this.#request(frame)
      const fault = this.#faultOf(handler, request)
      const answer = fault ? this.#withFault(fault, handler, request) : this.#answer(handler, request)
      isAwaited = answer instanceof Promise
      if (answer instanceof Promise) this.#await(answer, request, frame)
      else this.#finish(answer, request)
    } catch (error) {
      if (error instanceof ProtocolError) this.#refuse(error.message)
      else this.#abandon(error)
    } finally {
      if (!isAwaited) this.#frames.release(frame)
    }
  }

  #request(frame: Buffer): IncomingRequest {
    const { version, correlationId, clientId, body } = decodeRequest(frame, { elementsMax: ELEMENTS_MAX })
    const answeredListeners: (() => void)[] = []
    return {
      version,
      correlationId,
      clientId,
      body: body as never,
      clientHost: this.#clientHost,
      advertised: this.#options.advertised,
      sasl: this.#sasl,
      throttleTimeMs: 0,
      answeredListeners,
      onAnswered: (listener) => answeredListeners.push(listener),
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

  #faultOf({ api }: ApiHandler, { clientId, body }: IncomingRequest): RequestFault | undefined {
    const { faults, services } = this.#options
    if (!faults.areArmed) return undefined
    return faults.ofRequest({ api, clientId, names: (topic) => namesTopic(body, topic, services.topics.get(topic)?.id) })
  }

  async #withFault(fault: RequestFault, handler: ApiHandler, request: IncomingRequest): Promise<Answer> {
    const { action, delayMs = 0, errorCode = ErrorCode.UNKNOWN_SERVER_ERROR } = fault
    const delay = () => new Promise((resolve) => setTimeout(resolve, delayMs))
    if (delayMs > 0 && action !== 'throttle') await delay()
    switch (action) {
      case 'delay':
        return this.#answer(handler, request)
      case 'error':
        return handler.fail(request, errorCode)
      case 'throttle': {
        const answer = await this.#answer(handler, { ...request, throttleTimeMs: delayMs } as Request<never>)
        this.#finish(answer, request)
        // As a muted channel in Kafka: answered at once, but nothing more is heard for so long.
        await delay()
        return null
      }
      case 'lose-answer': {
        const answer = await this.#answer(handler, request)
        this.close()
        return answer
      }
      case 'drop':
        this.close()
        return null
      case 'ignore':
        await new Promise<void>((resolve) => request.onClosed(resolve))
        return null
    }
  }

  #await(answer: Promise<Answer>, request: IncomingRequest, frame: Buffer): void {
    this.#isBusy = true
    const finish = (buffers: Answer) => {
      this.#isBusy = false
      this.#finish(buffers, request)
      this.#frames.release(frame)
      this.#handleWaiting()
    }
    answer.then(finish).catch((error: unknown) => {
      this.#frames.release(frame)
      this.#abandon(error)
    })
  }

  #finish(answer: Answer, { answeredListeners }: IncomingRequest): void {
    this.#send(answer, () => {
      // Once: a request may be finished twice.
      for (const listener of answeredListeners.splice(0)) listener()
    })
    // The client has its refusal, and the connection is of no more use.
    if (this.#sasl?.hasFailed) this.#socket.end()
  }

  #send(answer: Answer, hasLeft: () => void = () => {}): void {
    if (answer === 'close') this.close()
    if (answer === 'close' || answer === null || this.#isClosed) {
      // What nobody gets any more is free at once.
      if (Array.isArray(answer)) for (const buffer of answer as readonly Buffer[]) this.#options.services.buffers.release(buffer)
      return hasLeft()
    }
    const last = answer.length - 1
    this.#sendingSince ??= performance.now()
    this.#socket.cork()
    for (let i = 0; i < last; i++) this.#socket.write(answer[i]!)
    // Called in any case, also when the connection breaks; the memory is not used any more then.
    this.#socket.write(answer[last]!, () => {
      this.#sendingSince = this.#socket.writableLength > 0 ? performance.now() : undefined
      for (const buffer of answer) this.#options.services.buffers.release(buffer)
      hasLeft()
    })
    this.#socket.uncork()
  }

  /** An error of ours: this client may try again on a new connection. */
  #abandon(error: unknown): void {
    this.#options.services.logger.error(`The connection of ${this.#name} is closed after an error`, error)
    this.close()
  }

  #refuse(reason: string): void {
    this.close(`what it sent is no request: ${reason}`)
  }

  #closed(): void {
    this.#isClosed = true
    for (const frame of this.#waiting) this.#frames.release(frame)
    this.#waiting = []
    this.#waitingBytes = 0
    this.#frames.abandon()
    for (const listener of [...this.#closeListeners]) listener()
    this.#closeListeners.clear()
  }
}

/** A request with what is to be done when its answer has left. */
interface IncomingRequest extends Request<never> {
  readonly answeredListeners: (() => void)[]
}
