import type { Logger } from '@millrace/api'

export interface ReconfigurationOptions {
  /** Has the connector divide its work anew; calls `begun` when it starts to, after what is waiting before it. */
  readonly update: (connector: string, begun: () => void) => Promise<void>
  /** Whether an error is a matter of a moment, as while workers of a cluster change their key or their leader. Default: none is. */
  readonly isPassing?: (error: unknown) => boolean
  readonly logger: Logger
}

/** Milliseconds; each try that fails doubles the delay. */
const RETRY_DELAY_MS = 250
const RETRY_DELAY_MS_MAX = 60_000
/** Up to this delay, that is for a minute in all, errors that pass by themselves are no news. Milliseconds. */
const PASSING_DELAY_MS_MAX = 32_000

/**
 * Has connectors divide their work anew when they ask for it. Requests that come while one is waiting are the same request; one that fails is tried
 * again, later each time, until it succeeds or the connector is reconfigured otherwise.
 */
export class Reconfiguration {
  readonly #update: ReconfigurationOptions['update']
  readonly #isPassing: (error: unknown) => boolean
  readonly #logger: Logger
  readonly #pending = new Set<string>()
  readonly #retries = new Map<string, { timer: NodeJS.Timeout; delayMs: number }>()
  #isStopped = false

  constructor({ update, isPassing = () => false, logger }: ReconfigurationOptions) {
    this.#update = update
    this.#isPassing = isPassing
    this.#logger = logger
  }

  request(connector: string): void {
    this.#run(connector, RETRY_DELAY_MS)
  }

  /** Tries again after `error`. */
  retry(connector: string, error: unknown): void {
    this.#schedule(connector, RETRY_DELAY_MS, error)
  }

  stop(): void {
    this.#isStopped = true
    for (const { timer } of this.#retries.values()) clearTimeout(timer)
    this.#retries.clear()
  }

  #run(connector: string, nextDelayMs: number): void {
    if (this.#isStopped || this.#pending.has(connector)) return
    this.#forgetRetry(connector)
    this.#pending.add(connector)
    // A request that comes once it has begun may be about something that it has not seen.
    this.#update(connector, () => this.#pending.delete(connector))
      .catch((error: unknown) => this.#schedule(connector, nextDelayMs, error))
      .finally(() => this.#pending.delete(connector))
  }

  #schedule(connector: string, delayMs: number, error: unknown): void {
    if (this.#isStopped) return
    this.#forgetRetry(connector)
    const text = `Failed to reconfigure the tasks of connector ${connector}; it is tried again in ${delayMs} ms`
    if (delayMs <= PASSING_DELAY_MS_MAX && this.#isPassing(error)) this.#logger.debug(text, error)
    else this.#logger.error(text, error)
    const timer = setTimeout(() => this.#run(connector, Math.min(delayMs * 2, RETRY_DELAY_MS_MAX)), delayMs)
    timer.unref()
    this.#retries.set(connector, { timer, delayMs })
  }

  #forgetRetry(connector: string): void {
    clearTimeout(this.#retries.get(connector)?.timer)
    this.#retries.delete(connector)
  }
}
