import type { Socket } from 'node:net'
import {
  type ApiName,
  apis,
  decodeResponse,
  ErrorCode,
  encodeRequest,
  FrameSplitter,
  kafkaError,
  ProtocolError,
  type RequestInput,
  type ResponseBody,
} from '@millrace/kafka-protocol'
import { type Clock, timerMs } from './clock.ts'
import type { Address } from './config/connection-config.ts'
import { asKafkaError, closedError, networkError, timeoutError } from './errors.ts'
import { ConnectionCounts, type Traffic } from './metrics/client-metrics.ts'
import { type ClientSecurity, noSecurity } from './security/client-security.ts'
import { closedInHandshake, looksLikeTls } from './security/tls-failure.ts'

/** Responses beyond this are taken for bytes of another protocol. */
const RESPONSE_BYTES_MAX = 512 * 1024 * 1024
/** What is read from the socket at once; the same memory each time. */
const READ_BYTES = 256 * 1024

/**
 * The newest version that the client uses of an API where that is not the newest declared:
 * topic ids come with OffsetCommit and OffsetFetch 10 and Produce 13; transactions of KIP-890 with Produce 12,
 * EndTxn 5 and TxnOffsetCommit 5; AddPartitionsToTxn 4 is for brokers.
 */
const VERSIONS_MAX: { readonly [A in ApiName]?: number } = {
  Produce: 11,
  Metadata: 12,
  OffsetCommit: 9,
  OffsetFetch: 8,
  ListOffsets: 9,
  ApiVersions: 3,
  AddPartitionsToTxn: 3,
  EndTxn: 4,
  TxnOffsetCommit: 4,
}

/** Of the size before each frame. */
const SIZE_BYTES = 4

/** Answered when all members have joined, which may take longer than other requests. */
const HELD_BACK: ReadonlySet<ApiName> = new Set(['JoinGroup', 'SyncGroup'])

const SOFTWARE = { clientSoftwareName: 'millrace', clientSoftwareVersion: '0.1.0' } as const

export interface ConnectionOptions {
  readonly address: Address
  readonly clientId: string
  /** For TCP, TLS and the first exchange together. Milliseconds. */
  readonly connectTimeoutMs: number
  readonly requestTimeoutMs: number
  readonly clock: Clock
  /** Default: neither TLS nor SASL. */
  readonly security?: ClientSecurity
  /** Ends the attempt to connect, with its reason. Without effect on a connection that is open. */
  readonly signal?: AbortSignal
  /** Where its requests and answers are counted; default nowhere. */
  readonly traffic?: readonly Traffic[]
  /** Where the connection itself is counted; default nowhere. */
  readonly counts?: ConnectionCounts
}

/** Takes the answer of one request; exactly one of the two is called, once. Neither may throw. */
export interface ResponseHandler {
  /** The frame without its size, a buffer of its own. */
  answered(frame: Buffer): void
  /** The connection broke, the answer did not come in time, or the request was never sent. */
  failed(error: Error): void
}

interface Held {
  readonly deadline: number
  send(): void
  failed(error: Error): void
}

interface Pending {
  readonly correlationId: number
  readonly sentAt: number
  readonly deadline: number
  readonly api: ApiName
  readonly handler: ResponseHandler
}

/**
 * One socket to one broker. Requests are sent at once, one behind the other, and answered in that order.
 *
 * It ends with its first error, a request that is not answered in time included, and then fails all that is pending: what was sent may or may
 * not have been done. How many requests may be pending is for the owner to limit.
 */
export class Connection {
  readonly address: Address
  readonly #socket: Socket
  readonly #clientId: string
  readonly #requestTimeoutMs: number
  readonly #clock: Clock
  readonly #security: ClientSecurity
  readonly #traffic: readonly Traffic[]
  readonly #counts: ConnectionCounts
  readonly #splitter = new FrameSplitter(RESPONSE_BYTES_MAX)
  readonly #closed = Promise.withResolvers<void>()
  /** In the order of their answers. */
  #pending: Pending[] = []
  #correlationId = 0
  #versions: ReadonlyMap<number, { min: number; max: number }> = new Map()
  #error: Error | null = null
  #timer: NodeJS.Timeout | undefined
  #timerAt = Infinity
  #isConnected = false
  #answers = 0
  /** When a session has to be renewed (KIP-368), by the clock. */
  #renewAt = Infinity
  #isRenewing = false
  /** Until when the broker wants no requests (KIP-219), by the clock. */
  #throttledUntil = 0
  /** Requests that wait while a session is renewed or the broker throttles, in order. Their owners limit how many there are. */
  #held: Held[] = []
  /** When a request was last sent or answered, by the clock. */
  lastUsedAt: number

  private constructor({ address, clientId, requestTimeoutMs, clock, security = noSecurity, traffic = [], counts = new ConnectionCounts() }: ConnectionOptions) {
    this.address = address
    this.#clientId = clientId
    this.#requestTimeoutMs = requestTimeoutMs
    this.#clock = clock
    this.#security = security
    this.#traffic = traffic
    this.#counts = counts
    this.lastUsedAt = clock.now()
    const memory = Buffer.allocUnsafeSlow(READ_BYTES)
    const onread = { buffer: memory, callback: (length: number) => this.#read(memory.subarray(0, length)) }
    this.#socket = security.openSocket(address, onread)
    this.#socket.on('error', (cause) => {
      this.#end(security.failure(name(address), cause) ?? networkError(`The connection to ${name(address)} failed: ${cause.message}`, cause))
    })
    this.#socket.on('close', () => {
      this.#end(networkError(`The connection to ${name(address)} was closed.`))
      this.#closed.resolve()
    })
    this.#socket.on('end', () => this.#end(this.#closedByBroker()))
  }

  /**
   * Connects, asks the broker for its versions, and authenticates.
   *
   * @throws KafkaError `NETWORK_EXCEPTION` or `REQUEST_TIMED_OUT` (both retriable); `UNSUPPORTED_VERSION` for a broker that is too old;
   *   what `isAuthenticationFailure` names, which is not retriable.
   */
  static async open(options: ConnectionOptions): Promise<Connection> {
    await options.security?.prepare()
    options.signal?.throwIfAborted()
    const connection = new Connection(options)
    const { address, connectTimeoutMs, signal } = options
    const abort = () => connection.close(asKafkaError(signal?.reason))
    signal?.addEventListener('abort', abort)
    const timer = setTimeout(() => {
      connection.#end(timeoutError(`The broker at ${name(address)} could not be reached within ${connectTimeoutMs} ms.`))
    }, timerMs(connectTimeoutMs))
    try {
      await connection.#connected()
      await connection.#negotiate()
      clearTimeout(timer)
      await connection.#authenticate()
      return connection
    } catch (error) {
      connection.close()
      throw error
    } finally {
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
    }
  }

  get isOpen(): boolean {
    return this.#error === null
  }

  /** Requests that have no answer yet. */
  get pendingCount(): number {
    return this.#pending.length + this.#held.length
  }

  /** Resolves when the socket is gone. */
  get closed(): Promise<void> {
    return this.#closed.promise
  }

  /** The version in which both sides speak an API. @throws KafkaError `UNSUPPORTED_VERSION`. */
  version(api: ApiName): number {
    const { key, versions } = apis[api]
    const theirs = this.#versions.get(key)
    const max = Math.min(VERSIONS_MAX[api] ?? versions.max, theirs?.max ?? -1)
    if (theirs && max >= Math.max(versions.min, theirs.min)) return max
    throw kafkaError(ErrorCode.UNSUPPORTED_VERSION, `The broker at ${name(this.address)} offers ${api} in no version that is known here`)
  }

  /**
   * Sends a request and waits for its answer.
   *
   * @param body the request, or how it is made for the version that was agreed on.
   * @param timeoutMs default `request.timeout.ms`.
   * @throws KafkaError as `open`, and `CLIENT_CLOSED`. Error codes inside the answer are the caller's.
   */
  request<A extends ApiName>(
    api: A,
    body: RequestInput<A> | ((version: number) => RequestInput<A>),
    timeoutMs = this.#requestTimeoutMs,
  ): Promise<ResponseBody<A>> {
    const { promise, resolve, reject } = Promise.withResolvers<ResponseBody<A>>()
    try {
      const version = this.version(api)
      const content = typeof body === 'function' ? body(version) : body
      const answered = (frame: Buffer) => {
        try {
          const answer = decodeResponse(api, version, frame).body
          this.throttle((answer as { readonly throttleTimeMs?: number }).throttleTimeMs ?? 0)
          resolve(answer)
        } catch (error) {
          reject(this.#refuse(error))
        }
      }
      this.exchange(api, timeoutMs, { answered, failed: reject }, (correlationId) => [this.#encode(api, version, correlationId, content)])
    } catch (error) {
      reject(error)
    }
    return promise
  }

  /** @throws KafkaError `UNSUPPORTED_VERSION` for what the version that was agreed on cannot say. */
  #encode<A extends ApiName>(api: A, version: number, correlationId: number, body: RequestInput<A>): Buffer {
    try {
      return encodeRequest({ api, version, correlationId, clientId: this.#clientId, body })
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      throw kafkaError(ErrorCode.UNSUPPORTED_VERSION, `The broker at ${name(this.address)} cannot be asked for this: ${error.message}`)
    }
  }

  /**
   * Sends a request that is already encoded, as several buffers in one system call. The buffers must not change before the answer.
   *
   * @throws whatever `encode` throws; then nothing was sent and the handler is not called.
   */
  exchange(api: ApiName, timeoutMs: number, handler: ResponseHandler, encode: (correlationId: number) => readonly Buffer[]): void {
    if (this.#error) {
      handler.failed(this.#error)
      return
    }
    if (this.#mustWait(api)) {
      this.#hold(timeoutMs, () => this.exchange(api, timeoutMs, handler, encode), handler.failed.bind(handler))
      return
    }
    const correlationId = this.#nextCorrelationId()
    const buffers = encode(correlationId)
    const now = this.#clock.now()
    this.lastUsedAt = now
    this.#pending.push({ correlationId, sentAt: now, deadline: now + timeoutMs, api, handler })
    this.#watch(now + timeoutMs, now)
    this.#write(buffers)
  }

  /** Sends a request that the broker does not answer (Produce with acks=0); calls back when it is written or the connection has ended. */
  post(encode: (correlationId: number) => readonly Buffer[], written: (error: Error | null) => void): void {
    if (this.#error) return written(this.#error)
    if (this.#mustWait('Produce')) return this.#hold(this.#requestTimeoutMs, () => this.post(encode, written), written)
    const buffers = encode(this.#nextCorrelationId())
    this.lastUsedAt = this.#clock.now()
    this.#write(buffers, (error) => written(error ? (this.#error ?? networkError(error.message, error)) : null))
  }

  /**
   * To be told by who decodes an answer of `exchange` what the broker says in it: for so long it takes no further requests (KIP-219), so they are held back
   * here. Milliseconds; 0 for no quota exceeded.
   */
  throttle(delayMs: number): void {
    if (delayMs <= 0 || this.#error) return
    const now = this.#clock.now()
    this.#throttledUntil = Math.max(this.#throttledUntil, now + delayMs)
    setTimeout(() => this.#release(), timerMs(delayMs)).unref()
  }

  /** For how long the broker has owed the next answer, beyond the time for which it may hold it back. Milliseconds; 0 if it owes none. */
  get silentMs(): number {
    const oldest = this.#pending[0]
    if (oldest === undefined) return 0
    const heldMs = HELD_BACK.has(oldest.api) ? this.#requestTimeoutMs : 0
    return Math.max(0, this.#clock.now() - oldest.sentAt - heldMs)
  }

  /** Ends the connection at once. @param reason what pending requests fail with; default `CLIENT_CLOSED`. */
  close(reason: Error = closedError(`The connection to ${name(this.address)} was closed by this client.`)): void {
    this.#end(reason)
  }

  #closedByBroker(): Error {
    if (!this.#isConnected && this.#security.usesTls) return closedInHandshake(name(this.address))
    // So Kafka treats a client that asks for something before it has authenticated: only the versions it tells to everyone.
    const hint = this.#answers <= 1 && !this.#security.usesSasl ? ' If its listener asks for SASL, set "security.protocol".' : ''
    return networkError(`The broker at ${name(this.address)} closed the connection.${hint}`)
  }

  /** Ends the connection with a failure that was found in what it delivered; returns that failure. */
  #refuse(error: unknown): Error {
    const cause = asKafkaError(error)
    this.#end(networkError(`The broker at ${name(this.address)} sent an answer that cannot be read: ${cause.message}`, error))
    return cause
  }

  async #connected(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#socket.once(this.#security.usesTls ? 'secureConnect' : 'connect', resolve)
    this.#socket.once('close', () => reject(this.#error ?? networkError('closed')))
    await promise
    this.#isConnected = true
    this.#counts.created++
  }

  async #negotiate(): Promise<void> {
    this.#versions = new Map([[apis.ApiVersions.key, { min: 0, max: VERSIONS_MAX.ApiVersions ?? 0 }]])
    let answer = await this.request('ApiVersions', SOFTWARE)
    if (answer.errorCode === ErrorCode.UNSUPPORTED_VERSION) {
      // Brokers before Kafka 2.4 do not tell which versions there are instead (KIP-511); they all have the first.
      const instead = answer.apiKeys.find(({ apiKey }) => apiKey === apis.ApiVersions.key)
      this.#versions = new Map([[apis.ApiVersions.key, { min: 0, max: instead?.maxVersion ?? 0 }]])
      answer = await this.request('ApiVersions', SOFTWARE)
    }
    if (answer.errorCode !== ErrorCode.NONE) throw kafkaError(answer.errorCode, `Asking ${name(this.address)} for its versions`)
    this.#learn(answer)
  }

  /** @throws KafkaError as `ClientSecurity.authenticate`, after the connection has ended. */
  async #authenticate(): Promise<void> {
    if (!this.#security.usesSasl) return
    const begun = this.#clock.now()
    try {
      const lifetimeMs = await this.#security.authenticate(this)
      if (this.#isRenewing) this.#counts.renewalMs.record(this.#clock.now() - begun)
      this.#counts[this.#isRenewing ? 'renewed' : 'authenticated']++
      // As in Java: early enough, and not at the same moment as all others.
      this.#renewAt = lifetimeMs > 0 ? this.#clock.now() + lifetimeMs * (0.85 + 0.1 * Math.random()) : Infinity
    } catch (error) {
      const cause = asKafkaError(error)
      this.#counts[this.#isRenewing ? 'renewalRefused' : 'refused']++
      this.#end(cause)
      throw cause
    }
  }

  /** Whether a request has to wait: for a new session, which begins now if it is time, as the broker takes no others meanwhile; or because it throttles. */
  #mustWait(api: ApiName): boolean {
    if (api === 'SaslHandshake' || api === 'SaslAuthenticate') return false
    if (!this.#isRenewing && this.#renewAt !== Infinity && this.#clock.now() >= this.#renewAt) {
      this.#isRenewing = true
      // The connection has ended with that error, and what was held fails with it.
      this.#authenticate().then(
        () => {
          this.#isRenewing = false
          this.#release()
        },
        () => undefined,
      )
    }
    return this.#isRenewing || this.#held.length > 0 || (this.#throttledUntil > 0 && this.#throttledUntil > this.#clock.now())
  }

  #hold(timeoutMs: number, send: () => void, failed: (error: Error) => void): void {
    const now = this.#clock.now()
    this.#held.push({ deadline: now + timeoutMs, send, failed })
    this.#watch(now + timeoutMs, now)
  }

  #release(): void {
    if (!this.#error) {
      if (this.#isRenewing) return
      const leftMs = this.#throttledUntil - this.#clock.now()
      if (this.#throttledUntil > 0 && leftMs > 0) {
        setTimeout(() => this.#release(), timerMs(leftMs)).unref()
        return
      }
    }
    // A request may be held again, behind the others: a session that has to be renewed now.
    for (const { send, failed } of this.#held.splice(0)) {
      try {
        send()
      } catch (error) {
        failed(asKafkaError(error))
      }
    }
  }

  #learn({ apiKeys }: ResponseBody<'ApiVersions'>): void {
    this.#versions = new Map(apiKeys.map(({ apiKey, minVersion, maxVersion }) => [apiKey, { min: minVersion, max: maxVersion }]))
  }

  #nextCorrelationId(): number {
    this.#correlationId = (this.#correlationId + 1) & 0x7fff_ffff
    return this.#correlationId
  }

  #write(buffers: readonly Buffer[], written?: (error?: Error | null) => void): void {
    const last = buffers.length - 1
    let bytes = 0
    for (let i = 0; i <= last; i++) bytes += buffers[i]!.length
    for (let i = 0; i < this.#traffic.length; i++) this.#traffic[i]!.sent(bytes)
    this.#socket.cork()
    for (let i = 0; i < last; i++) this.#socket.write(buffers[i]!)
    this.#socket.write(buffers[last]!, written)
    this.#socket.uncork()
  }

  #read(chunk: Buffer): boolean {
    if (this.#error) return true
    try {
      if (this.#answers === 0 && looksLikeTls(chunk)) throw new ProtocolError('The answer is TLS: set "security.protocol" to SSL or SASL_SSL.')
      for (const frame of this.#splitter.push(chunk)) {
        // The memory of the chunk is used again for the next one, so what is a view of it has to be copied.
        this.#answer(frame.buffer === chunk.buffer ? Buffer.from(frame) : frame)
      }
    } catch (error) {
      this.#refuse(error)
    }
    return true
  }

  #answer(frame: Buffer): void {
    const pending = this.#pending.shift()
    if (!pending || frame.length < 4 || frame.readInt32BE(0) !== pending.correlationId) {
      const problem = new ProtocolError('An answer came that belongs to no request.')
      const error = this.#refuse(problem)
      pending?.handler.failed(error)
      return
    }
    this.lastUsedAt = this.#clock.now()
    this.#answers++
    for (let i = 0; i < this.#traffic.length; i++) this.#traffic[i]!.received(frame.length + SIZE_BYTES, this.lastUsedAt - pending.sentAt)
    pending.handler.answered(frame)
  }

  #watch(deadline: number, now: number): void {
    if (deadline >= this.#timerAt) return
    clearTimeout(this.#timer)
    this.#timerAt = deadline
    this.#timer = setTimeout(() => this.#checkDeadlines(), timerMs(deadline - now))
    this.#timer.unref()
  }

  #checkDeadlines(): void {
    this.#timerAt = Infinity
    const now = this.#clock.now()
    const late = this.#pending.find(({ deadline }) => deadline <= now)
    if (late) return this.#end(timeoutError(`${name(this.address)} has not answered ${late.api} in time.`))
    this.#failHeld(now)
    const next = [...this.#pending, ...this.#held].reduce((earliest, { deadline }) => Math.min(earliest, deadline), Infinity)
    if (next !== Infinity) this.#watch(next, now)
  }

  /** What was not sent in time fails alone: the connection is well. */
  #failHeld(now: number): void {
    const late = this.#held.filter(({ deadline }) => deadline <= now)
    if (late.length === 0) return
    this.#held = this.#held.filter(({ deadline }) => deadline > now)
    const error = timeoutError(`${name(this.address)} takes no requests, by its quota or while the session is renewed; one has waited for too long.`)
    for (const { failed } of late) failed(error)
  }

  #end(error: Error): void {
    if (this.#error) return
    this.#error = error
    if (this.#isConnected) this.#counts.closed++
    clearTimeout(this.#timer)
    this.#socket.destroy()
    const pending = this.#pending
    this.#pending = []
    for (const { handler } of pending) handler.failed(error)
    this.#release()
  }
}

function name({ host, port }: Address): string {
  return `${host}:${port}`
}
