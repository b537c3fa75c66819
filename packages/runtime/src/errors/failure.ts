import { isRetriable, javaClassOf } from '@millrace/api'

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
  /** The thread ended without telling why. */
  | 'THREAD_EXITED'

/** Causes followed at most; deeper chains (or cycles) are cut. */
const CAUSES_MAX = 16

/** The failure that an error of any origin stands for. */
export function failureOf(error: unknown): Failure {
  if (error instanceof FailureError) return error.failure
  return {
    code: codeOf(error),
    javaClass: javaClassOf(error),
    message: messageOf(error),
    isRetriable: isRetriable(error),
    trace: traceOf(error),
  }
}

/** A failure that the runtime found by itself: there is no error and no stack of the plug-in's. */
export function runtimeFailure(code: RuntimeFailureCode, message: string): Failure {
  const javaClass = 'org.apache.kafka.connect.errors.ConnectException'
  return { code, javaClass, message, isRetriable: false, trace: `${javaClass}: ${message}\n` }
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

function traceOf(error: unknown): string {
  const lines: string[] = []
  let current = error
  for (let depth = 0; depth < CAUSES_MAX && current != null; depth++) {
    if (current instanceof FailureError) {
      const [first = '', ...rest] = current.failure.trace.trimEnd().split('\n')
      lines.push(depth === 0 ? first : `Caused by: ${first}`, ...rest)
      break
    }
    const message = messageOf(current)
    const head = message === '' ? javaClassOf(current) : `${javaClassOf(current)}: ${message}`
    lines.push(depth === 0 ? head : `Caused by: ${head}`, ...stackLines(current))
    current = current instanceof Error ? current.cause : undefined
  }
  return `${lines.join('\n')}\n`
}

function stackLines(error: unknown): string[] {
  if (!(error instanceof Error) || typeof error.stack !== 'string') return []
  return error.stack
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .map((line) => `\t${line.trim()}`)
}

function messageOf(error: unknown): string {
  if (error instanceof Error) return error.message
  if (typeof error === 'object' && error !== null && 'message' in error) return String(error.message)
  return String(error)
}

function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null | undefined)?.code
  return typeof code === 'string' && code !== '' ? code : 'FAILURE'
}
