import type { Logger } from '@millrace/api'
import { FailureError, failureOf, messageOf } from '../errors/failure.ts'
import { withoutSecrets } from '../errors/failure-report.ts'
import { RecentEvents } from '../errors/recent-events.ts'
import { SecretMask } from '../errors/secret-mask.ts'
import type { LogOrigin, ThreadChannel } from './thread-channel.ts'

/**
 * The log of one connector or task: its lines carry whose they are and no secrets, and the last ones are remembered for the report of a failure, those of the
 * level DEBUG also while that level is off.
 */
export class OriginLog {
  readonly events = new RecentEvents()
  readonly secrets: SecretMask
  readonly #channel: Pick<ThreadChannel<never>, 'logger'>
  readonly #origin: LogOrigin
  #errors = 0

  /** @param secrets that are known already; others are added as plug-ins tell of their settings. */
  constructor(channel: Pick<ThreadChannel<never>, 'logger'>, origin: LogOrigin, secrets: Iterable<string>) {
    this.#channel = channel
    this.#origin = origin
    this.secrets = new SecretMask(secrets)
  }

  /** Errors that were logged so far, warnings among them. */
  get errors(): number {
    return this.#errors
  }

  /** @param name as the original has it, or the plug-in's class name. */
  logger(name: string): Logger {
    return new OriginLogger(this, this.#channel.logger(name, this.#origin))
  }

  /** A line is about to be logged. */
  note(level: string, message: string, error: unknown): void {
    if (error == null) return this.events.add(`${level} ${message}`)
    this.#errors++
    this.events.add(`${level} ${message}: ${messageOf(error)}`)
  }

  shown(error: unknown): unknown {
    return error == null || this.secrets.isEmpty ? error : new FailureError(withoutSecrets(failureOf(error), this.secrets.mask))
  }
}

class OriginLogger implements Logger {
  readonly #log: OriginLog
  readonly #logger: Logger

  constructor(log: OriginLog, logger: Logger) {
    this.#log = log
    this.#logger = logger
  }

  get isDebugEnabled(): boolean {
    return this.#logger.isDebugEnabled
  }

  trace(message: string, error?: unknown): void {
    if (this.isDebugEnabled) this.#logger.trace(this.#log.secrets.mask(String(message)), this.#log.shown(error))
  }

  debug(message: string, error?: unknown): void {
    this.#log.note('DEBUG', String(message), error)
    if (this.isDebugEnabled) this.#logger.debug(this.#log.secrets.mask(String(message)), this.#log.shown(error))
  }

  info(message: string, error?: unknown): void {
    this.#log.note('INFO', String(message), error)
    this.#logger.info(this.#log.secrets.mask(String(message)), this.#log.shown(error))
  }

  warn(message: string, error?: unknown): void {
    this.#log.note('WARN', String(message), error)
    this.#logger.warn(this.#log.secrets.mask(String(message)), this.#log.shown(error))
  }

  error(message: string, error?: unknown): void {
    this.#log.note('ERROR', String(message), error)
    this.#logger.error(this.#log.secrets.mask(String(message)), this.#log.shown(error))
  }
}
