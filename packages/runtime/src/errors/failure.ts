import { isRetriable, javaClassOf } from '@millrace/api'
import type { FailureReport } from '@millrace/rest-api'
import { type ForeignBytes, foreignBytes } from './foreign-bytes.ts'
import { StageError, type ErrorStage, type StageDetails } from './stage-error.ts'

/**
 * What went wrong, as plain data: it crosses threads and is shown to users. Errors themselves do not cross: a clone loses its class.
 */
export interface Failure {
  /** Stable name of the kind of failure, such as `TASK_HANG`; `FAILURE` where the error had none. */
  readonly code: string
  /** The Java class that the error stands for. */
  readonly javaClass: string
  readonly message: string
  readonly isRetriable: boolean
  /** Reads like a Java stack trace: `class: message`, then `\tat …` lines, then `Caused by: …` for each cause. */
  readonly trace: string
  /** The error itself and what caused it, outermost first; at least one. */
  readonly causes: readonly FailureCause[]
  /** What users are shown, made where a connector or task fails for good (`reported`); null for what is not final. */
  readonly report: FailureReport | null
}

/** One error of a chain of causes. */
export interface FailureCause {
  readonly javaClass: string
  /** As `Failure.code`; of Kafka's errors their name (`REQUEST_TIMED_OUT`), of the system's theirs (`ENOENT`). */
  readonly code: string
  readonly message: string
  readonly isRetriable: boolean
  /** File or folder of a system's error; null for others. */
  readonly path: string | null
  /** HTTP status that the error carries; null for none. */
  readonly status: number | null
  /** Set where a record failed in a stage. */
  readonly stage: FailedStage | null
}

export interface FailedStage extends Omit<StageDetails, 'bytes'> {
  readonly stage: ErrorStage
  readonly className: string
  readonly bytes?: ForeignBytes
}

/** Codes of failures that the runtime itself finds. */
export type RuntimeFailureCode =
  /** A synchronous call of a plug-in kept its thread's event loop from turning for `millrace.task.hang.timeout.ms`. */
  | 'TASK_HANG'
  /** The task's thread used more than `millrace.task.memory.max.bytes`. */
  | 'TASK_OUT_OF_MEMORY'
  /** A native call cannot be interrupted; its thread was left behind. */
  | 'TASK_ABANDONED'
  /** Requests of the task's thread fill libuv's thread pool, which all threads share, and do not end. */
  | 'TASK_FLOODS_POOL'
  /** There is work, and nothing came of it for `millrace.stall.timeout.ms`; `millrace.stall.action` ends the task then. */
  | 'TASK_STALLED'
  /** The thread ended without telling why. */
  | 'THREAD_EXITED'

/** Stands for what cannot be shown. */
const UNSHOWN = 'Something was thrown that cannot be shown.'

/** Causes followed at most; deeper chains (or cycles) are cut. */
const CAUSES_MAX = 16

/** The failure that an error of any origin stands for. */
export function failureOf(error: unknown): Failure {
  if (error instanceof FailureError) return error.failure
  return {
    code: codeOf(error),
    javaClass: shown(() => javaClassOf(error), 'Error'),
    message: messageOf(error),
    isRetriable: shown(() => isRetriable(error), false),
    trace: traceOf(error),
    causes: causesOf(error),
    report: null,
  }
}

/** A failure that the runtime found by itself: there is no error and no stack of the plug-in's. */
export function runtimeFailure(code: RuntimeFailureCode, message: string): Failure {
  const javaClass = 'org.apache.kafka.connect.errors.ConnectException'
  const cause = { code, javaClass, message, isRetriable: false, path: null, status: null, stage: null }
  return { code, javaClass, message, isRetriable: false, trace: `${javaClass}: ${message}\n`, causes: [cause], report: null }
}

/** An error made again from the failure that another thread reported. `failureOf` gives back the same failure. */
export class FailureError extends Error {
  override readonly name = 'FailureError'
  readonly failure: Failure
  readonly code: string
  readonly javaClass: string
  readonly isRetriable: boolean

  constructor(failure: Failure) {
    super(failure.message)
    this.failure = failure
    this.code = failure.code
    this.javaClass = failure.javaClass
    this.isRetriable = failure.isRetriable
  }
}

/** An error and its causes as plain data, outermost first; at least one. */
export function causesOf(error: unknown): readonly FailureCause[] {
  const causes: FailureCause[] = []
  for (const each of chainOf(error)) {
    if (each instanceof FailureError) causes.push(...each.failure.causes)
    else causes.push(shown(() => causeOf(each), UNSHOWN_CAUSE))
  }
  return causes.slice(0, CAUSES_MAX)
}

const UNSHOWN_CAUSE: FailureCause = { javaClass: 'Error', code: 'FAILURE', message: UNSHOWN, isRetriable: false, path: null, status: null, stage: null }

/** An error and its causes, outermost first. What follows a `FailureError` is in its failure. */
function chainOf(error: unknown): unknown[] {
  const chain = [error]
  let current = error
  while (chain.length < CAUSES_MAX && current instanceof Error && !(current instanceof FailureError)) {
    const outer: Error = current
    current = shown(() => outer.cause, undefined)
    if (current == null) break
    chain.push(current)
  }
  return chain
}

function causeOf(error: unknown): FailureCause {
  const { path, retriable, status, statusCode, response, $metadata: metadata } = (error ?? {}) as SomeError
  const statuses = [status, statusCode, response?.status, response?.statusCode, metadata?.httpStatusCode]
  const httpStatus = statuses.find((each): each is number => typeof each === 'number' && each >= 400 && each <= 599)
  return {
    javaClass: javaClassOf(error),
    code: codeOf(error),
    message: messageOf(error),
    isRetriable: isRetriable(error) || retriable === true,
    path: typeof path === 'string' ? path : null,
    status: httpStatus ?? null,
    stage: error instanceof StageError ? stageOf(error) : null,
  }
}

/** Where clients of other systems put what they know: the HTTP status in itself, in its answer, or in what is told about it. */
interface SomeError {
  readonly path?: unknown
  readonly retriable?: unknown
  readonly status?: unknown
  readonly statusCode?: unknown
  readonly response?: { readonly status?: unknown; readonly statusCode?: unknown } | null
  readonly $metadata?: { readonly httpStatusCode?: unknown } | null
}

function stageOf({ stage, className, details: { bytes, ...details } }: StageError): FailedStage {
  return { stage, className, ...details, ...(bytes === undefined ? {} : { bytes: foreignBytes(bytes) }) }
}

/** What an error and its causes look like in a trace of Java. @param hasStacks false where it is known that they have none, to save the look. */
export function traceOf(error: unknown, hasStacks = true): string {
  let trace = ''
  for (const [depth, current] of chainOf(error).entries()) {
    if (depth > 0) trace += 'Caused by: '
    trace += current instanceof FailureError ? `${current.failure.trace.trimEnd()}\n` : shown(() => tracePart(current, hasStacks), `${UNSHOWN}\n`)
  }
  return trace
}

function tracePart(error: unknown, hasStacks: boolean): string {
  const message = messageOf(error)
  return `${message === '' ? javaClassOf(error) : `${javaClassOf(error)}: ${message}`}\n${hasStacks ? stackLines(error) : ''}`
}

/** The lines of a stack that name a place, as Java writes them; each with its line feed. */
function stackLines(error: unknown): string {
  if (!(error instanceof Error) || typeof error.stack !== 'string') return ''
  const first = error.stack.search(/^\s+at /m)
  if (first === -1) return ''
  return error.stack
    .slice(first)
    .split('\n')
    .map((line) => (/^\s+at /.test(line) ? `\t${line.trim()}\n` : ''))
    .join('')
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return shown(() => {
    if (error instanceof Error) return String(error.message)
    if (typeof error === 'object' && error !== null && 'message' in error) return String(error.message)
    return String(error)
  }, UNSHOWN)
}

/** Plug-ins may throw anything, also what throws when it is looked at. */
function shown<T>(look: () => T, otherwise: T): T {
  try {
    return look()
  } catch {
    return otherwise
  }
}

function codeOf(error: unknown): string {
  const code = shown(() => (error as { code?: unknown } | null | undefined)?.code, undefined)
  return typeof code === 'string' && code !== '' ? code : 'FAILURE'
}
