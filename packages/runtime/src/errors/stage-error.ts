import { ConnectError } from '@millrace/api'

/** Where on its path a record can fail (`org.apache.kafka.connect.runtime.errors.Stage`). */
export type ErrorStage = 'TRANSFORMATION' | 'KEY_CONVERTER' | 'VALUE_CONVERTER' | 'HEADER_CONVERTER' | 'KAFKA_PRODUCE' | 'TASK_PUT'

/** A record failed in a stage. Where errors are not tolerated this is what the task fails with, worded as in the original. */
export class StageError extends ConnectError {
  readonly stage: ErrorStage
  /** The Java class name of the plug-in that was at work. */
  readonly className: string

  /** @param cause what the plug-in threw, after all tries. */
  constructor(stage: ErrorStage, className: string, cause: unknown) {
    super('Tolerance exceeded in error handler', { cause })
    this.stage = stage
    this.className = className
  }
}
