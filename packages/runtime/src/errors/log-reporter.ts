import type { Logger } from '@millrace/api'
import type { TaskId } from '@millrace/rest-api'
import type { ErrorCounters } from './error-counters.ts'
import type { ErrorReporter } from './error-handler.ts'
import type { StageError } from './stage-error.ts'

export interface LogReporterOptions<Original> {
  readonly id: TaskId
  /** What is known of the record, put before the line's final dot (`errors.log.include.messages`); null: nothing is. */
  readonly describe: ((original: Original) => string) | null
  readonly counters: ErrorCounters
  readonly logger: Logger
}

/** Logs a line for each record that failed (`org.apache.kafka.connect.runtime.errors.LogReporter`), for `errors.log.enable`. */
export class LogReporter<Original> implements ErrorReporter<Original> {
  readonly #options: LogReporterOptions<Original>

  constructor(options: LogReporterOptions<Original>) {
    this.#options = options
  }

  report({ stage, className, cause }: StageError, original: Original): void {
    const { id, describe, counters, logger } = this.#options
    const record = describe === null ? '' : describe(original)
    logger.error(`Error encountered in task ${id.connector}-${id.task}. Executing stage '${stage}' with class '${className}'${record}.`, cause)
    counters.logged++
  }
}
