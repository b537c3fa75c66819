/** A level as log4j names it. ALL lets everything through, OFF nothing. */
export type LogLevel = 'ALL' | 'TRACE' | 'DEBUG' | 'INFO' | 'WARN' | 'ERROR' | 'FATAL' | 'OFF'

/** Levels that a line can have. */
export type LineLevel = Exclude<LogLevel, 'ALL' | 'OFF'>

/** A line is written where its number is at least that of its logger's level. */
export const LEVEL_NUMBERS: Readonly<Record<LogLevel, number>> = { ALL: 0, TRACE: 1, DEBUG: 2, INFO: 3, WARN: 4, ERROR: 5, FATAL: 6, OFF: 7 }

/** The level that a text names, in any case; null where it names none. */
export function logLevelOf(text: string): LogLevel | null {
  const upper = text.toUpperCase()
  return Object.hasOwn(LEVEL_NUMBERS, upper) ? (upper as LogLevel) : null
}
