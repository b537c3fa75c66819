import type { Logger } from '@millrace/api'
import type { LoggerLevel } from '@millrace/rest-api'
import { failureOf } from '../errors/failure.ts'
import { LEVEL_NUMBERS, type LineLevel, type LogLevel } from './log-levels.ts'
import type { LogRecord, LogWriter } from './log-output.ts'
import { LOGGER_NAMES, type LoggedModule } from './logger-names.ts'

const ROOT = 'root'

/** Which connector or task a logger's lines belong to. `task` null or absent: the connector itself. */
export interface LogContext {
  readonly connector: string
  readonly task?: number | null
}

export interface LoggersOptions {
  readonly rootLevel: LogLevel
  readonly write: LogWriter
  /** Milliseconds since 1970. Default: the system's clock. */
  readonly now?: () => number
}

/** A level by logger name, `root` for all that have no nearer one. Plain data. */
export type ThreadLogLevels = Readonly<Record<string, Exclude<LogLevel, 'ALL'>>>

/**
 * All loggers of a worker and their levels (`org.apache.kafka.connect.runtime.Loggers` with log4j 2 behind it).
 *
 * A logger's level is that of the nearest configured name above it: itself, then each name that ends before a dot, then `root`. Changing a level
 * over REST configures the name itself and every known name that starts with the same text, so that `org.foo` also reaches `org.foobar`.
 * Lives on the main thread. Threads check levels on their own (`levels`, `onLevelsChange`) and send only the lines that pass (`write`).
 */
export class Loggers {
  readonly #write: LogWriter
  readonly #now: () => number
  /** Levels that were set, `root` always among them. */
  readonly #configured: Map<string, LogLevel>
  readonly #lastModifiedMs = new Map<string, number>()
  readonly #known = new Set<string>(Object.values(LOGGER_NAMES))
  /** One logger per name and context, however often it is asked for. */
  readonly #loggers = new Map<string, NamedLogger>()
  readonly #listeners = new Set<(levels: ThreadLogLevels) => void>()
  readonly #log: Logger

  constructor({ rootLevel, write, now = Date.now }: LoggersOptions) {
    this.#write = write
    this.#now = now
    this.#configured = new Map([[ROOT, rootLevel]])
    this.#log = this.logger('logging/loggers')
  }

  /** @param name a module of ours (`rest/server`), which speaks under the original's name, or the class name of a plug-in. */
  logger(name: LoggedModule | (string & {}), context: LogContext | null = null): Logger {
    const ownName = Object.hasOwn(LOGGER_NAMES, name) ? LOGGER_NAMES[name as LoggedModule] : name
    const key = JSON.stringify([ownName, context?.connector, context?.task])
    const existing = this.#loggers.get(key)
    if (existing !== undefined) return existing
    this.#known.add(ownName)
    const logger = new NamedLogger(ownName, context, (record) => this.#write(record), this.#now)
    logger.threshold = LEVEL_NUMBERS[this.#effectiveLevel(ownName)]
    this.#loggers.set(key, logger)
    return logger
  }

  /** Writes a line that passed its thread's levels. */
  write(line: Omit<LogRecord, 'timestampMs' | 'level'> & { readonly level: LineLevel | 'OFF' }): void {
    const { level, logger, connector, task, message, trace } = line
    if (level === 'OFF') return
    // A plug-in's logger becomes known by its first line.
    this.#known.add(logger)
    this.#write({ timestampMs: this.#now(), level, logger, connector, task, message, trace })
  }

  /** The level of one logger, null where nobody has that name. */
  level(name: string): LoggerLevel | null {
    const ownName = isRoot(name) ? ROOT : name
    if (ownName === ROOT || this.#known.has(ownName)) return this.#loggerLevel(ownName)
    this.#log.warn(`Unable to find level for logger ${name}`)
    return null
  }

  /** All known loggers with their levels, sorted by name; those that are OFF are left out. */
  allLevels(): Record<string, LoggerLevel> {
    const names = [...this.#known, ROOT].sort()
    const levels = names.map((name) => [name, this.#loggerLevel(name)] as const)
    return Object.fromEntries(levels.filter(([, { level }]) => level !== 'OFF'))
  }

  /**
   * Sets the level of a logger and of all known ones whose names start with its name.
   * @returns sorted names of those whose level really changed.
   */
  setLevel(namespace: string, level: LogLevel): string[] {
    this.#log.info(`Setting level of namespace ${namespace} and children to ${level}`)
    if (!isRoot(namespace)) this.#known.add(namespace)
    const names = isRoot(namespace) ? [...this.#known, ROOT] : [...this.#known].filter((name) => name.startsWith(namespace))
    // Compared before anything is set: a child must not look changed already because its parent was set first.
    const changed = names.filter((name) => this.#effectiveLevel(name) !== level).sort()
    for (const name of changed) {
      this.#configured.set(name, level)
      this.#lastModifiedMs.set(name, this.#now())
    }
    if (changed.length > 0) this.#publish()
    return changed
  }

  /** The levels that were set, for threads. */
  levels(): ThreadLogLevels {
    return Object.fromEntries([...this.#configured].map(([name, level]) => [name, level === 'ALL' ? 'TRACE' : level]))
  }

  /** Calls `listener` after each change of levels. @returns ends the subscription. */
  onLevelsChange(listener: (levels: ThreadLogLevels) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #publish(): void {
    for (const logger of this.#loggers.values()) logger.threshold = LEVEL_NUMBERS[this.#effectiveLevel(logger.name)]
    const levels = this.levels()
    for (const listener of this.#listeners) listener(levels)
  }

  #loggerLevel(name: string): LoggerLevel {
    return { level: this.#effectiveLevel(name), last_modified: this.#lastModifiedMs.get(name) ?? null }
  }

  #effectiveLevel(name: string): LogLevel {
    for (let end = name.length; end > 0; end = name.lastIndexOf('.', end - 1)) {
      const level = this.#configured.get(name.slice(0, end))
      if (level !== undefined) return level
    }
    return this.#configured.get(ROOT) ?? 'INFO'
  }
}

class NamedLogger implements Logger {
  readonly name: string
  threshold: number = LEVEL_NUMBERS.INFO
  readonly #connector: string | null
  readonly #task: number | null
  readonly #write: LogWriter
  readonly #now: () => number

  constructor(name: string, context: LogContext | null, write: LogWriter, now: () => number) {
    this.name = name
    this.#connector = context?.connector ?? null
    this.#task = context?.task ?? null
    this.#write = write
    this.#now = now
  }

  get isDebugEnabled(): boolean {
    return this.threshold <= LEVEL_NUMBERS.DEBUG
  }

  trace(message: string, error?: unknown): void {
    this.#line('TRACE', message, error)
  }

  debug(message: string, error?: unknown): void {
    this.#line('DEBUG', message, error)
  }

  info(message: string, error?: unknown): void {
    this.#line('INFO', message, error)
  }

  warn(message: string, error?: unknown): void {
    this.#line('WARN', message, error)
  }

  error(message: string, error?: unknown): void {
    this.#line('ERROR', message, error)
  }

  #line(level: LineLevel, message: string, error: unknown): void {
    if (LEVEL_NUMBERS[level] < this.threshold) return
    const trace = error === undefined || error === null ? null : failureOf(error).trace
    this.#write({ timestampMs: this.#now(), level, logger: this.name, connector: this.#connector, task: this.#task, message, trace })
  }
}

function isRoot(name: string): boolean {
  return name === '' || name.toLowerCase() === ROOT
}
