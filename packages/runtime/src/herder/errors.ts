/**
 * An error that the REST layer answers with a status of its own and the body `{"error_code", "message"}`
 * (`org.apache.kafka.connect.runtime.rest.errors.ConnectRestException`). Any other error is answered with 500 and its message.
 */
export class RestError extends Error {
  /** The HTTP status, and the answer's `error_code`. */
  readonly status: number

  /** The Java class that the original throws in the same situation; shown where an answer quotes an error of another one. */
  get javaClass(): string {
    return 'org.apache.kafka.connect.runtime.rest.errors.ConnectRestException'
  }

  constructor(status: number, message: string, options?: ErrorOptions) {
    super(message, options)
    this.status = status
  }
}

/** 404: there is no such connector, task, plug-in or status. */
export class NotFoundRestError extends RestError {
  override get javaClass(): string {
    return 'org.apache.kafka.connect.errors.NotFoundException'
  }

  constructor(message: string, options?: ErrorOptions) {
    super(404, message, options)
  }
}

/** 409: the connector exists already, or the request contradicts a change under way. */
export class ConflictRestError extends RestError {
  override get javaClass(): string {
    return 'org.apache.kafka.connect.errors.AlreadyExistsException'
  }

  constructor(message: string, options?: ErrorOptions) {
    super(409, message, options)
  }
}

/** 400: the request says something that cannot be done, such as an invalid configuration. */
export class BadRequestRestError extends RestError {
  override get javaClass(): string {
    return 'org.apache.kafka.connect.runtime.rest.errors.BadRequestException'
  }

  constructor(message: string, options?: ErrorOptions) {
    super(400, message, options)
  }
}

/**
 * Another worker has to answer: the leader, or the one that runs what the request is about (`RequestTargetException`). The REST layer forwards the
 * request there, at most twice; where it does not, this is the answer. 409.
 */
export class RequestTargetError extends RestError {
  /** Base URL of the worker to ask, with a slash at the end; null where nobody knows one at the moment. */
  readonly url: string | null

  constructor(url: string | null) {
    super(
      409,
      url === null
        ? 'Cannot complete request momentarily due to no known leader URL, likely because a rebalance was underway.'
        : 'Cannot complete request because of a conflicting operation (e.g. worker rebalance)',
    )
    this.url = url
  }
}

/** 409: the worker expects a rebalance, so that what it knows of leader and owners may be wrong (`RebalanceNeededException`). */
export class RebalanceNeededError extends RestError {
  constructor(options?: ErrorOptions) {
    super(409, 'Cannot complete request momentarily due to stale configuration (typically caused by a concurrent config change)', options)
  }
}
