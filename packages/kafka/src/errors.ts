import { ErrorCode, errorByCode, KafkaError } from '@millrace/kafka-protocol'

/*
 * Errors that the client itself makes, beside those that a broker answers with (`kafkaError`). All are `KafkaError`: recognise them by `code`.
 *
 * code                     when it occurs, and what to do
 * REQUEST_TIMED_OUT        something did not happen within its time-out; retriable
 * NETWORK_EXCEPTION        a connection could not be made or broke; retriable
 * CLIENT_CLOSED            the client was closed before the operation ended; not retriable with this client
 * RECORD_TOO_LARGE         a record is larger than `max.request.size`; make it smaller or raise the limit
 * BUFFER_EXHAUSTED         records were sent although `hasRoom()` was false; await `room()` first
 * INVALID_CONFIGURATION    a property has a value that is not valid or not supported; the message names it
 * COMMIT_FAILED            the group has moved on, the partitions may belong to others; not retriable
 * NO_OFFSET_FOR_PARTITION  no committed offset, and `auto.offset.reset` is "none"
 * LOG_TRUNCATED            what was read is no longer in the log, and `auto.offset.reset` is "none"; the message has the offsets. Seek, then poll again
 * TRANSACTION_ABORTED      the record was not sent because its transaction has failed or was aborted
 * TRANSACTION_FAILED       the transaction has failed, see `cause`; abort it. If that fails too, the producer can only be closed
 * ILLEGAL_STATE            the call does not fit the client's state, e.g. a partition that is not assigned
 */

interface Kind {
  readonly name: string
  readonly code: number
  readonly retriable: boolean
  readonly javaClass: string
}

const ERRORS = 'org.apache.kafka.common.errors'
const CONSUMER = 'org.apache.kafka.clients.consumer'

const timedOut: Kind = { ...errorByCode(ErrorCode.REQUEST_TIMED_OUT), javaClass: `${ERRORS}.TimeoutException` }
const network: Kind = { ...errorByCode(ErrorCode.NETWORK_EXCEPTION), javaClass: `${ERRORS}.DisconnectException` }

function own(name: string, javaClass: string, code: number = ErrorCode.UNKNOWN_SERVER_ERROR): Kind {
  return { name, code, retriable: false, javaClass }
}

const closed = own('CLIENT_CLOSED', 'org.apache.kafka.common.KafkaException')
const recordTooLarge = own('RECORD_TOO_LARGE', `${ERRORS}.RecordTooLargeException`, ErrorCode.MESSAGE_TOO_LARGE)
const bufferExhausted = { ...own('BUFFER_EXHAUSTED', 'org.apache.kafka.clients.producer.BufferExhaustedException'), retriable: true }
const invalidConfiguration = own('INVALID_CONFIGURATION', 'org.apache.kafka.common.config.ConfigException', ErrorCode.INVALID_CONFIG)
const commitFailed = own('COMMIT_FAILED', `${CONSUMER}.CommitFailedException`)
const noOffset = own('NO_OFFSET_FOR_PARTITION', `${CONSUMER}.NoOffsetForPartitionException`)
const offsetOutOfRange: Kind = { ...errorByCode(ErrorCode.OFFSET_OUT_OF_RANGE), javaClass: `${CONSUMER}.OffsetOutOfRangeException`, retriable: false }
const logTruncated: Kind = own('LOG_TRUNCATED', `${CONSUMER}.LogTruncationException`, ErrorCode.OFFSET_OUT_OF_RANGE)
const illegalState = own('ILLEGAL_STATE', 'java.lang.IllegalStateException')
const noGroup = own('INVALID_GROUP_ID', `${ERRORS}.InvalidGroupIdException`, ErrorCode.INVALID_GROUP_ID)
const transactionAborted = own('TRANSACTION_ABORTED', `${ERRORS}.TransactionAbortedException`)
const transactionFailed = own('TRANSACTION_FAILED', 'org.apache.kafka.common.KafkaException')
const corrupt: Kind = { ...errorByCode(ErrorCode.CORRUPT_MESSAGE), retriable: false, javaClass: 'org.apache.kafka.common.KafkaException' }

function make(kind: Kind, message: string, cause?: unknown): KafkaError {
  const error = new KafkaError(message, kind)
  if (cause !== undefined) error.cause = cause
  return error
}

export const timeoutError = (message: string, cause?: unknown): KafkaError => make(timedOut, message, cause)
export const networkError = (message: string, cause?: unknown): KafkaError => make(network, message, cause)
export const closedError = (message: string): KafkaError => make(closed, message)
export const recordTooLargeError = (message: string): KafkaError => make(recordTooLarge, message)
export const bufferExhaustedError = (message: string): KafkaError => make(bufferExhausted, message)
export const configurationError = (message: string): KafkaError => make(invalidConfiguration, message)
export const commitFailedError = (message: string): KafkaError => make(commitFailed, message)
export const noOffsetError = (message: string): KafkaError => make(noOffset, message)
export const offsetOutOfRangeError = (message: string): KafkaError => make(offsetOutOfRange, message)
export const logTruncatedError = (message: string): KafkaError => make(logTruncated, message)
export const illegalStateError = (message: string): KafkaError => make(illegalState, message)
export const noGroupError = (): KafkaError =>
  make(noGroup, 'To use the group management or offset commit APIs, you must provide a valid group.id in the consumer configuration.')
export const transactionAbortedError = (): KafkaError => make(transactionAborted, 'Failing batch since transaction was aborted')
export const transactionFailedError = (cause: KafkaError): KafkaError =>
  make(transactionFailed, `Cannot execute transactional method because we are in an error state: ${cause.message}`, cause)
export const corruptRecordError = (message: string, cause?: unknown): KafkaError => make(corrupt, message, cause)

/** Any thrown value as a `KafkaError`; one that is none yet becomes the cause of an `UNKNOWN_SERVER_ERROR`. */
export function asKafkaError(error: unknown): KafkaError {
  if (isKafkaError(error)) return error
  const message = error instanceof Error ? error.message : String(error)
  return make({ ...errorByCode(ErrorCode.UNKNOWN_SERVER_ERROR), javaClass: 'org.apache.kafka.common.KafkaException', retriable: false }, message, error)
}

/** Whether this is a `KafkaError`, also one made by another copy of the package. */
export function isKafkaError(error: unknown): error is KafkaError {
  return error instanceof Error && error.name === 'KafkaError' && typeof (error as Partial<KafkaError>).errorCode === 'number'
}
