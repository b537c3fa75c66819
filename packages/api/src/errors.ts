/** Set on every error of this module, so that plug-ins with a copy of `api` of their own are understood: recognise errors by it, not by `instanceof`. */
const brand = Symbol.for('millrace.ConnectError')

export interface ErrorOptions {
  readonly cause?: unknown
}

/**
 * The root of errors with a meaning to Kafka Connect. Thrown by a plug-in, it fails the task or connector like any other error.
 * `javaClass` is the class that the original throws in the same situation; it stands in traces, statuses and dead-letter headers.
 */
export class ConnectError extends Error {
  /** Stable and short; for programs. */
  get code(): string {
    return 'CONNECT'
  }
  get javaClass(): string {
    return 'org.apache.kafka.connect.errors.ConnectException'
  }
  /** Whether the same call may succeed later. */
  get isRetriable(): boolean {
    return false
  }
  get [brand](): true {
    return true
  }

  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = new.target.name
  }
}

/** The same call may succeed later: `poll` and `put` are called again, transformations and converters are retried within `errors.retry.timeout`. */
export class RetriableError extends ConnectError {
  override get code(): string {
    return 'RETRIABLE'
  }
  override get javaClass(): string {
    return 'org.apache.kafka.connect.errors.RetriableException'
  }
  override get isRetriable(): boolean {
    return true
  }
}

/** A value does not fit its schema, or bytes do not fit the converter. The record is at fault: see `errors.tolerance`. */
export class DataError extends ConnectError {
  override get code(): string {
    return 'DATA'
  }
  override get javaClass(): string {
    return 'org.apache.kafka.connect.errors.DataException'
  }
}

/** A schema was described inconsistently. The plug-in is at fault. */
export class SchemaBuilderError extends DataError {
  override get code(): string {
    return 'SCHEMA_BUILDER'
  }
  override get javaClass(): string {
    return 'org.apache.kafka.connect.errors.SchemaBuilderException'
  }
}

/** A value cannot be projected from the schema that it was written with to the one that is wanted. */
export class SchemaProjectorError extends DataError {
  override get code(): string {
    return 'SCHEMA_PROJECTOR'
  }
  override get javaClass(): string {
    return 'org.apache.kafka.connect.errors.SchemaProjectorException'
  }
}

/** A record of a batch that `put` could not write, by its place in the array that `put` was given. */
export interface PutFailure {
  readonly index: number
  readonly error: unknown
}

/**
 * Thrown by `SinkTask.put` where some records of the batch cannot be written and all others are. Those whose error says that it is retriable are put again, alone;
 * the others are what `millrace.errors.put.tolerance` says: dead letters, or the end of the task. No two failures may have one index.
 *
 * ```ts
 * const rejected = answer.items.flatMap(({ error }, index) => (error ? [{ index, error: new DataError(error.reason) }] : []))
 * if (rejected.length > 0) throw new PartialPutError('3 of 500 documents were rejected', rejected)
 * ```
 */
export class PartialPutError extends ConnectError {
  readonly failures: readonly PutFailure[]

  override get code(): string {
    return 'PARTIAL_PUT'
  }
  /** Where it is true of every failure. */
  override get isRetriable(): boolean {
    return this.failures.length > 0 && this.failures.every(({ error }) => isRetriable(error))
  }

  /** @param failures at least one. The first one's error is the cause unless another is given. */
  constructor(message: string, failures: readonly PutFailure[], options?: ErrorOptions) {
    super(message, { cause: options?.cause ?? failures[0]?.error })
    this.failures = failures
  }
}

/** Something that was asked for does not exist. */
export class NotFoundError extends ConnectError {
  override get code(): string {
    return 'NOT_FOUND'
  }
  override get javaClass(): string {
    return 'org.apache.kafka.connect.errors.NotFoundException'
  }
}

/** Something that shall be created exists already. */
export class AlreadyExistsError extends ConnectError {
  override get code(): string {
    return 'ALREADY_EXISTS'
  }
  override get javaClass(): string {
    return 'org.apache.kafka.connect.errors.AlreadyExistsException'
  }
}

/** A context was used at a time when it cannot do what was asked, for instance to pause a partition that is not assigned. */
export class IllegalWorkerStateError extends ConnectError {
  override get code(): string {
    return 'ILLEGAL_WORKER_STATE'
  }
  override get javaClass(): string {
    return 'org.apache.kafka.connect.errors.IllegalWorkerStateException'
  }
}

export interface ConfigErrorOptions extends ErrorOptions {
  /** The property at fault. */
  readonly key?: string
  /** Its value. Never pass secrets: it is kept with the error. */
  readonly value?: unknown
}

/** A property is missing or wrong. */
export class ConfigError extends ConnectError {
  readonly key: string | null
  readonly value: unknown

  override get code(): string {
    return 'CONFIG'
  }
  override get javaClass(): string {
    return 'org.apache.kafka.common.config.ConfigException'
  }

  constructor(message: string, options?: ConfigErrorOptions) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause })
    this.key = options?.key ?? null
    this.value = options?.value
  }

  /** The original's form: `Invalid value V for configuration K: reason`. */
  static invalidValue(key: string, value: unknown, reason?: string): ConfigError {
    const text = Array.isArray(value) ? `[${value.join(', ')}]` : String(value)
    return new ConfigError(`Invalid value ${text} for configuration ${key}${reason === undefined ? '' : `: ${reason}`}`, { key, value })
  }
}

/**
 * Makes errors without a stack trace, which costs many times the rest: for those that may be thrown for very many records and whose message tells all.
 *
 * @param make is synchronous; what it calls makes errors without a stack trace as well.
 */
export function withoutStackTrace<Result>(make: () => Result): Result {
  const limit = Error.stackTraceLimit
  Error.stackTraceLimit = 0
  try {
    return make()
  } finally {
    Error.stackTraceLimit = limit
  }
}

/** Whether `error` is of this module, or of another copy of it. */
export function isConnectError(error: unknown): error is ConnectError {
  return typeof error === 'object' && error !== null && (error as { [brand]?: unknown })[brand] === true
}

/** The failures of a `PartialPutError`, of this module or another copy of it; null for any other error. */
export function putFailuresOf(error: unknown): readonly PutFailure[] | null {
  if (!isConnectError(error) || error.code !== 'PARTIAL_PUT') return null
  const { failures } = error as ConnectError & { readonly failures?: unknown }
  return Array.isArray(failures) ? (failures as readonly PutFailure[]) : null
}

/** Whether the call that threw `error` may be repeated. True for every error, of this module or not, that says `isRetriable`. */
export function isRetriable(error: unknown): boolean {
  return typeof error === 'object' && error !== null && (error as { isRetriable?: unknown }).isRetriable === true
}

/** The Java class that `error` stands for; for errors that name none, their own name. */
export function javaClassOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return typeof error
  const { javaClass, name } = error as { javaClass?: unknown; name?: unknown }
  if (typeof javaClass === 'string') return javaClass
  return typeof name === 'string' ? name : 'Error'
}
