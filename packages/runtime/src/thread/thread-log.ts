import type { Logger } from '@millrace/api'
import type { LogLevels, LogLine } from './messages.ts'

/** The main thread's side of what threads log. */
export interface ThreadLog {
  /** The levels that threads log at; given to each thread at its start. */
  levels(): LogLevels
  /** Calls `listener` after each change of levels, so that it can be told to the threads. @returns ends the subscription. */
  onLevelsChange(listener: (levels: LogLevels) => void): () => void
  /** Writes a line that a thread logged. Its level was checked in the thread. */
  write(line: LogLine): void
}

/** All lines of INFO and above go to `logger`, with their context in front. */
export function plainThreadLog(logger: Logger): ThreadLog {
  return {
    levels: () => ({ root: 'INFO' }),
    onLevelsChange: () => () => {},
    write(line) {
      const text = `${contextOf(line)}${line.message}${line.trace === null ? '' : `\n${line.trace}`}`
      if (line.level === 'ERROR' || line.level === 'FATAL') logger.error(text)
      else if (line.level === 'WARN') logger.warn(text)
      else if (line.level === 'INFO') logger.info(text)
      else logger.debug(text)
    },
  }
}

/** As the original's `connector.context`: `[name|task-0] `. */
function contextOf({ connector, task }: LogLine): string {
  if (connector === null) return ''
  return task === null ? `[${connector}|worker] ` : `[${connector}|task-${task}] `
}
