import type { ConnectError, Logger } from '@millrace/api'
import type { ErrorMessage } from '@millrace/rest-api'
import { RestError } from '../herder/errors.ts'
import { BodyError } from './request-bodies.ts'
import type { RestAnswer } from './router.ts'

/** Reason phrases as the original's messages have them: `HTTP 404 Not Found`. */
const REASONS: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  404: 'Not Found',
  405: 'Method Not Allowed',
  406: 'Not Acceptable',
  408: 'Request Timeout',
  413: 'Request Entity Too Large',
  415: 'Unsupported Media Type',
  431: 'Request Header Fields Too Large',
  503: 'Service Unavailable',
}

/** Statuses of errors that plug-ins and stores throw, by Java class (`ConnectExceptionMapper`). */
const STATUS_OF_CLASS: Readonly<Record<string, number>> = {
  'org.apache.kafka.connect.errors.NotFoundException': 404,
  'org.apache.kafka.connect.errors.AlreadyExistsException': 409,
}

/** An answer that HTTP itself gives, without a resource having been asked. */
export function httpError(status: number): RestAnswer {
  return errorAnswer(status, `HTTP ${status} ${REASONS[status] ?? 'Internal Server Error'}`)
}

export function errorAnswer(status: number, message: string | null): RestAnswer {
  return { status, body: { error_code: status, message } satisfies { error_code: ErrorMessage['error_code']; message: string | null } }
}

/**
 * What is answered where a handler throws: the status that the error stands for, and 500 for all others, each with the error's message.
 * Only what nobody expected is logged loudly: requests that were wrong are the client's business.
 */
export function answerOfError(error: unknown, path: string, log: Logger): RestAnswer {
  const expected = error instanceof RestError || error instanceof BodyError || statusOfClass(error) !== undefined
  const text = `Uncaught exception in REST call to ${path}`
  if (expected) log.debug(text, error)
  else log.error(text, error)
  return errorAnswer(statusOf(error), messageOf(error))
}

function statusOf(error: unknown): number {
  if (error instanceof RestError) return error.status
  return statusOfClass(error) ?? 500
}

function statusOfClass(error: unknown): number | undefined {
  const javaClass = (error as Partial<ConnectError> | null | undefined)?.javaClass
  return javaClass === undefined ? undefined : STATUS_OF_CLASS[javaClass]
}

/** An exception of Java without a message answers null. */
function messageOf(error: unknown): string | null {
  const message = error instanceof Error ? error.message : String(error)
  return message === '' ? null : message
}
