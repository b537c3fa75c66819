import type { Logger } from '@millrace/api'
import { failureOf } from '../errors/failure.ts'
import type { Answer, LogLevel, LogLevels, LogLine, Refusal } from '../thread/messages.ts'
import { Requests } from '../thread/requests.ts'

/** The thread's end of its connection to the main thread. */
export interface Port {
  postMessage(message: unknown): void
}

/** Whose lines a logger writes. `task` null: the connector's. */
export interface LogOrigin {
  readonly connector: string
  readonly task: number | null
}

/** Talks to the main thread: events, requests and their answers, lines of the log. */
export class ThreadChannel<Outgoing extends { readonly type: string }> {
  readonly #port: Port
  readonly #requests = new Requests()
  #levels: LogLevels

  constructor(port: Port, levels: LogLevels) {
    this.#port = port
    this.#levels = levels
  }

  post(message: Outgoing | Answer | Refusal | LogLine): void {
    this.#port.postMessage(message)
  }

  /** @returns the answer of the main thread; rejects with a `FailureError`. */
  request<T>(make: (request: number) => Outgoing): Promise<T> {
    return this.#requests.send((request) => this.#port.postMessage(make(request)))
  }

  settle(message: Answer | Refusal): void {
    this.#requests.settle(message)
  }

  setLevels(levels: LogLevels): void {
    this.#levels = levels
  }

  /** A logger whose lines carry connector and task. Lines below its level cost no message. */
  logger(name: string, origin: LogOrigin): Logger {
    return new ThreadLogger(
      (level) => this.#isOn(name, level),
      (line) => this.post({ type: 'log', logger: name, ...origin, ...line }),
    )
  }

  #isOn(name: string, level: LogLevel): boolean {
    return SEVERITY[level] >= SEVERITY[this.#levelOf(name)]
  }

  #levelOf(name: string): LogLevel {
    for (let prefix = name; prefix !== ''; prefix = prefix.slice(0, Math.max(0, prefix.lastIndexOf('.')))) {
      const level = this.#levels[prefix]
      if (level !== undefined) return level
    }
    return this.#levels['root'] ?? 'INFO'
  }
}

const SEVERITY: Readonly<Record<LogLevel, number>> = { TRACE: 0, DEBUG: 1, INFO: 2, WARN: 3, ERROR: 4, FATAL: 5, OFF: 6 }

class ThreadLogger implements Logger {
  readonly #isOn: (level: LogLevel) => boolean
  readonly #write: (line: Pick<LogLine, 'level' | 'message' | 'trace'>) => void

  constructor(isOn: (level: LogLevel) => boolean, write: (line: Pick<LogLine, 'level' | 'message' | 'trace'>) => void) {
    this.#isOn = isOn
    this.#write = write
  }

  get isDebugEnabled(): boolean {
    return this.#isOn('DEBUG')
  }

  trace(message: string, error?: unknown): void {
    this.#log('TRACE', message, error)
  }

  debug(message: string, error?: unknown): void {
    this.#log('DEBUG', message, error)
  }

  info(message: string, error?: unknown): void {
    this.#log('INFO', message, error)
  }

  warn(message: string, error?: unknown): void {
    this.#log('WARN', message, error)
  }

  error(message: string, error?: unknown): void {
    this.#log('ERROR', message, error)
  }

  #log(level: LogLevel, message: string, error: unknown): void {
    if (this.#isOn(level)) this.#write({ level, message: String(message), trace: error == null ? null : failureOf(error).trace })
  }
}
