import { setTimeout as delay } from 'node:timers/promises'
import type { IncomingMessage } from 'node:http'
import type { Logger } from '@millrace/api'
import type { WebhookTest } from '@millrace/rest-api'
import type { WebhookConfig } from '../config/webhook-config.ts'
import type { Metric } from '../metrics/metric.ts'
import { Repeats } from './repeats.ts'
import { changeText, type StateChange } from './state-change.ts'
import { webhookBody } from './webhook-format.ts'

export interface WebhookOptions {
  readonly config: WebhookConfig
  readonly workerId: string
  readonly logger: Logger
}

interface Waiting {
  readonly change: StateChange
  readonly repeats: number
}

/** What came of an attempt. */
interface Attempt {
  /** Null where there was no answer. */
  readonly status: number | null
  readonly error: string | null
  readonly mayBeRepeated: boolean
  /** What the receiver asked for. Milliseconds. */
  readonly retryAfterMs: number | null
}

/** Changes beyond this many that wait are dropped, the oldest first: the newest say how things are. */
const WAITING_MAX = 1_000
const RETRY_BACKOFF_MS_MAX = 60_000
/** Of an answer nobody reads more. */
const ANSWER_BYTES_MAX = 64 * 1024

/**
 * Tells a receiver of changes by HTTP, one after another. Independent of all else: `note` only puts a change into a queue, and nothing that happens to the receiver
 * comes back to who noted it.
 */
export class Webhook {
  readonly #options: WebhookOptions
  readonly #repeats: Repeats
  readonly #waiting: Waiting[] = []
  readonly #stopped = new AbortController()
  #delivery: Promise<void> | null = null
  #sent = 0
  #failed = 0
  #retries = 0
  #dropped = 0
  #duplicates = 0

  constructor(options: WebhookOptions) {
    this.#options = options
    this.#repeats = new Repeats(options.config.repeatIntervalMs)
  }

  /** Tells of a change, where it is of a kind that is asked for and news. Returns at once. */
  note(change: StateChange): void {
    const { config, logger } = this.#options
    if (this.#stopped.signal.aborted || !(config.events as readonly string[]).includes(change.event)) return
    const repeats = this.#repeats.admit(change, performance.now())
    if (repeats === null) {
      this.#duplicates++
      return
    }
    this.#waiting.push({ change, repeats })
    if (this.#waiting.length > WAITING_MAX) {
      this.#waiting.shift()
      if (this.#dropped++ === 0) logger.warn(`The webhook is too slow: ${WAITING_MAX} notifications wait, and the oldest are dropped.`)
    }
    this.#delivery ??= this.#deliverAll()
  }

  /** Sends a test past all that wait. Rejects never. */
  async test(): Promise<WebhookTest> {
    const startedAtMs = performance.now()
    const at = new Date().toISOString()
    const change: StateChange = { event: 'test', connector: null, task: null, worker_id: this.#options.workerId, cause: null, hint: null, at }
    const { status, error } = await this.#attempt({ change, repeats: 0 })
    return { delivered: error === null, status, error, took_ms: Math.round(performance.now() - startedAtMs) }
  }

  /** Waits at most so long for what is to be told, then gives the rest up. */
  async stop(graceMs: number): Promise<void> {
    if (this.#delivery !== null) {
      const limit = Promise.withResolvers<void>()
      const timer = setTimeout(limit.resolve, graceMs)
      await Promise.race([this.#delivery, limit.promise])
      clearTimeout(timer)
    }
    this.#stopped.abort()
    await this.#delivery
  }

  readMetrics(): Metric[] {
    const metric = (name: string, value: number): Metric => ({ group: 'millrace_webhook', name, tags: {}, value })
    return [
      metric('sent-total', this.#sent),
      metric('failed-total', this.#failed),
      metric('retries-total', this.#retries),
      metric('dropped-total', this.#dropped),
      metric('duplicates-total', this.#duplicates),
      metric('waiting', this.#waiting.length),
    ]
  }

  /** Never rejects. */
  async #deliverAll(): Promise<void> {
    // First the rest of whoever noted the change.
    await Promise.resolve()
    for (let next = this.#waiting[0]; next !== undefined && !this.#stopped.signal.aborted; next = this.#waiting[0]) {
      await this.#deliver(next)
      // It may have been dropped meanwhile.
      if (this.#waiting[0] === next) this.#waiting.shift()
    }
    this.#delivery = null
  }

  async #deliver(waiting: Waiting): Promise<void> {
    const { config, logger } = this.#options
    const { signal } = this.#stopped
    for (let attempts = 0; ; attempts++) {
      const { error, mayBeRepeated, retryAfterMs } = await this.#attempt(waiting)
      if (error === null) {
        this.#sent++
        return
      }
      if (signal.aborted || !mayBeRepeated || attempts >= config.retriesMax) {
        this.#failed++
        if (!signal.aborted) logger.warn(`The webhook could not be told "${changeText(waiting.change)}" in ${attempts + 1} attempts: ${error}`)
        return
      }
      this.#retries++
      const backoffMs = Math.min(RETRY_BACKOFF_MS_MAX, config.retryBackoffMs * 2 ** attempts)
      await pause(Math.max(retryAfterMs ?? 0, backoffMs * (0.8 + 0.4 * Math.random())), signal)
    }
  }

  async #attempt({ change, repeats }: Waiting): Promise<Attempt> {
    const { config } = this.#options
    try {
      const signal = AbortSignal.any([this.#stopped.signal, AbortSignal.timeout(config.timeoutMs)])
      const { status, retryAfter } = await post(config, webhookBody(config.format, change, repeats), signal)
      if (status >= 200 && status < 300) return { status, error: null, mayBeRepeated: false, retryAfterMs: null }
      const mayBeRepeated = status >= 500 || status === 408 || status === 429
      return { status, error: `It answered with HTTP status ${status}.`, mayBeRepeated, retryAfterMs: retryAfterMsOf(retryAfter) }
    } catch (error) {
      return { status: null, error: problemText(error, config), mayBeRepeated: true, retryAfterMs: null }
    }
  }
}

async function post({ url, authorization }: WebhookConfig, body: string, signal: AbortSignal): Promise<{ status: number; retryAfter: string | undefined }> {
  const { request } = url.protocol === 'https:' ? await import('node:https') : await import('node:http')
  const content = Buffer.from(body)
  const headers = {
    'content-type': 'application/json',
    'content-length': content.length,
    'user-agent': 'millrace',
    ...(authorization === null ? {} : { authorization }),
  }
  const answered = Promise.withResolvers<IncomingMessage>()
  const sent = request(url, { method: 'POST', headers, signal, agent: false })
  sent.on('response', answered.resolve)
  sent.on('error', answered.reject)
  sent.end(content)
  const response = await answered.promise
  await readToEnd(response)
  return { status: response.statusCode ?? 0, retryAfter: response.headers['retry-after'] }
}

/** The body says nothing of interest, but the connection ends in order only where it was read. */
async function readToEnd(response: IncomingMessage): Promise<void> {
  let bytes = 0
  for await (const chunk of response) {
    bytes += (chunk as Buffer).length
    if (bytes > ANSWER_BYTES_MAX) break
  }
  response.destroy()
}

/** Seconds, as receivers with a limit send them. At most the greatest back-off. */
function retryAfterMsOf(text: string | undefined): number | null {
  const seconds = Number(text)
  return text === undefined || !Number.isFinite(seconds) ? null : Math.min(RETRY_BACKOFF_MS_MAX, Math.max(0, seconds * 1000))
}

/** Names host and port, and nothing else of the address. */
function problemText(error: unknown, { url, timeoutMs }: WebhookConfig): string {
  const { code, name } = error as { code?: unknown; name?: unknown }
  if (name === 'TimeoutError' || code === 'ABORT_ERR') return `${url.host} did not answer within ${timeoutMs} ms.`
  return `${url.host} cannot be reached (${typeof code === 'string' ? code : String(name)}).`
}

/** Ends early, and well, when the signal is aborted. */
function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  return delay(delayMs, undefined, { signal }).catch(() => {})
}
