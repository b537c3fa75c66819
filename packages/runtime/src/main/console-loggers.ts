import type { LogLevel } from '../logging/log-levels.ts'
import { logToStream, type LogFormat } from '../logging/log-output.ts'
import { Loggers } from '../logging/loggers.ts'

export interface ConsoleLoggersOptions {
  /** Default INFO. */
  readonly level?: LogLevel
  /** Default `text`, laid out as the original's. */
  readonly format?: LogFormat
}

/** Loggers that write to standard output. */
export function consoleLoggers({ level = 'INFO', format = 'text' }: ConsoleLoggersOptions = {}): Loggers {
  return new Loggers({ rootLevel: level, write: logToStream(format, process.stdout) })
}
