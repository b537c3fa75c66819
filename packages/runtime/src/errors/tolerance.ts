import { ConnectError } from '@millrace/api'

/** What fails the task where a stage failed and errors are not tolerated, worded as in the original. */
export function stageError(cause: unknown): Error {
  return new ConnectError('Tolerance exceeded in error handler', { cause })
}
