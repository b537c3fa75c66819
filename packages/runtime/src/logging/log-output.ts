import type { LineLevel } from './log-levels.ts'

/** One line of the log, complete. */
export interface LogRecord {
  /** When it was written. Milliseconds since 1970. */
  readonly timestampMs: number
  readonly level: LineLevel
  readonly logger: string
  /** Set for lines that belong to a connector or one of its tasks. */
  readonly connector: string | null
  readonly task: number | null
  readonly message: string
  /** What was thrown, as a stack trace of one or more lines; null where nothing was. */
  readonly trace: string | null
}

/** Takes lines for good; must not throw. */
export type LogWriter = (record: LogRecord) => void

export type LogFormat = 'text' | 'json'

/**
 * Writes lines to a stream, one after another. Standard output is written synchronously on files, pipes and terminals alike, so nothing queues up
 * and the last words of a dying process are kept; a reader that went away (EPIPE) ends the log, not the worker.
 */
export function logToStream(format: LogFormat, stream: NodeJS.WritableStream): LogWriter {
  const layout = format === 'json' ? jsonLayout : textLayout
  let isOpen = true
  stream.on('error', () => {
    isOpen = false
  })
  return (record) => {
    if (isOpen) stream.write(layout(record))
  }
}

/** The original's layout `[%d] %p %X{connector.context}%m (%c)%n`, without the line number of the call. Times are local. */
export function textLayout(record: LogRecord): string {
  const head = `[${localTime(record.timestampMs)}] ${record.level} ${contextOf(record)}${record.message} (${record.logger})\n`
  return record.trace === null ? head : `${head}${record.trace.trimEnd()}\n`
}

/** One JSON object per line; times in UTC. */
export function jsonLayout(record: LogRecord): string {
  return `${JSON.stringify({
    time: new Date(record.timestampMs).toISOString(),
    level: record.level,
    logger: record.logger,
    connector: record.connector ?? undefined,
    task: record.task ?? undefined,
    message: record.message,
    trace: record.trace ?? undefined,
  })}\n`
}

/** As the original's `connector.context`, trailing blank included. */
function contextOf({ connector, task }: LogRecord): string {
  if (connector === null) return ''
  return task === null ? `[${connector}|worker] ` : `[${connector}|task-${task}] `
}

function localTime(timestampMs: number): string {
  const at = new Date(timestampMs)
  const date = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`
  return `${date} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())},${String(at.getMilliseconds()).padStart(3, '0')}`
}

function two(number: number): string {
  return String(number).padStart(2, '0')
}
