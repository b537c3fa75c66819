import { errorByCode } from './error-codes.ts'

/**
 * Bytes or values that do not follow Kafka's protocol: a truncated frame, a length beyond the frame, a record batch of an old format,
 * a value that a version cannot carry. Not retriable: a client closes the connection that it came from; a broker closes the client's.
 */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError'
  readonly code = 'PROTOCOL_ERROR'
}

/**
 * An error code that a broker answered with (see `errorCodes`).
 * Recognise it by `code`, the name as in Kafka (`'UNKNOWN_TOPIC_OR_PARTITION'`), rather than by class: errors cross threads as plain data.
 */
export class KafkaError extends Error {
  override readonly name = 'KafkaError'
  /** Kafka's name of the error, such as `'NOT_LEADER_OR_FOLLOWER'`. */
  readonly code: string
  /** Kafka's number of the error, such as 6. */
  readonly errorCode: number
  /** Whether the same request may succeed when it is sent again. */
  readonly retriable: boolean
  /** The exception of the Java client that stands for the same error. */
  readonly javaClass: string

  constructor(message: string, error: { name: string; code: number; retriable: boolean; javaClass: string }) {
    super(message)
    this.code = error.name
    this.errorCode = error.code
    this.retriable = error.retriable
    this.javaClass = error.javaClass
  }
}

/**
 * The error for a code that a broker answered with.
 *
 * @param context what failed, e.g. `'Fetching offsets of topic "orders"'`; put before Kafka's own message. Must hold no secrets.
 */
export function kafkaError(code: number, context?: string): KafkaError {
  const error = errorByCode(code)
  return new KafkaError(context ? `${context}: ${error.message}` : error.message, error)
}
