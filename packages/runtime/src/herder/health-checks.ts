import type { Logger } from '@millrace/api'
import type { WorkerConfig } from '../config/worker-config.ts'

/** Something that a worker needs to work. */
export interface HealthCheck {
  /** As the beginning of a sentence: `The config topic`. */
  readonly subject: string
  /** @returns what is wrong, as the end of that sentence, or null. Throws the same. Takes longer than `TIMEOUT_MS`: it has failed. */
  check(): Promise<string | null> | string | null
}

export interface HealthChecksOptions {
  readonly config: Pick<WorkerConfig, 'healthCheckIntervalMs' | 'healthCheckFailuresMax'>
  /** Beside the event loop, which is always checked. */
  readonly checks: readonly HealthCheck[]
  readonly logger: Logger
  /** Milliseconds that only grow. Default: `performance.now`. */
  readonly now?: () => number
}

/** How long one check may take. Milliseconds. */
const TIMEOUT_MS = 10_000

/** How late a timer may be. Milliseconds; beyond it heartbeats and requests wait, too. */
const DELAY_MAX_MS = 1_000

/**
 * Looks every `millrace.health.check.interval.ms` whether the worker has what it needs. One failure says little; `millrace.health.check.failures` in a row make it
 * unhealthy, until the check succeeds again.
 */
export class HealthChecks {
  readonly #options: HealthChecksOptions
  /** By subject: how often it has failed in a row, and why it did last. */
  readonly #failures = new Map<string, { count: number; reason: string }>()
  #timer: NodeJS.Timeout | undefined
  #isStopped = false

  constructor(options: HealthChecksOptions) {
    this.#options = options
  }

  /** Called once. */
  start(): void {
    this.#schedule()
  }

  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#timer)
  }

  /** Why the worker is unhealthy; null: it is not. */
  get failure(): string | null {
    const { healthCheckFailuresMax } = this.#options.config
    const lasting = [...this.#failures].filter(([, { count }]) => count >= healthCheckFailuresMax)
    if (lasting.length === 0) return null
    return lasting.map(([subject, { count, reason }]) => `${subject} ${reason} (${count} checks in a row).`).join(' ')
  }

  /** All checks once. Called by the timer, and by tests. Never rejects. @param lateMs by how much the timer was late. */
  async run(lateMs = 0): Promise<void> {
    this.#note('The event loop of the worker', lateMs > DELAY_MAX_MS ? `is behind by ${Math.round(lateMs)} ms` : null)
    await Promise.all(this.#options.checks.map(async (each) => this.#note(each.subject, await outcomeOf(each))))
  }

  #schedule(): void {
    if (this.#isStopped) return
    const { config, now = () => performance.now() } = this.#options
    const dueMs = now() + config.healthCheckIntervalMs
    this.#timer = setTimeout(() => {
      void this.run(now() - dueMs).finally(() => this.#schedule())
    }, config.healthCheckIntervalMs)
    this.#timer.unref()
  }

  #note(subject: string, reason: string | null): void {
    const { config, logger } = this.#options
    const before = this.#failures.get(subject)
    if (reason === null) {
      this.#failures.delete(subject)
      if (before !== undefined && before.count >= config.healthCheckFailuresMax) logger.info(`${subject} is well again`)
      return
    }
    const count = (before?.count ?? 0) + 1
    this.#failures.set(subject, { count, reason })
    if (count === config.healthCheckFailuresMax) logger.error(`The worker is unhealthy: ${subject} ${reason}`)
  }
}

async function outcomeOf({ check }: HealthCheck): Promise<string | null> {
  const limit = Promise.withResolvers<string>()
  const timer = setTimeout(() => limit.resolve(`does not answer within ${TIMEOUT_MS} ms`), TIMEOUT_MS)
  timer.unref()
  try {
    return await Promise.race([check(), limit.promise])
  } catch (error) {
    return `cannot be used: ${error instanceof Error ? error.message : String(error)}`
  } finally {
    clearTimeout(timer)
  }
}
