import { ErrorCode, errorByCode, KafkaError } from '@millrace/kafka-protocol'

/*
 * Errors of authentication. None is retriable: without a change of the settings, or of the broker's, they come again.
 *
 * code                         when it occurs, and what to do
 * SASL_AUTHENTICATION_FAILED   the broker refuses the credentials, or the broker does not prove who it is; the message is the broker's
 * UNSUPPORTED_SASL_MECHANISM   the broker does not offer `sasl.mechanism`; the message names what it offers
 * ILLEGAL_SASL_STATE           the broker does not expect SASL here; `security.protocol` does not fit its listener
 * SSL_AUTHENTICATION_FAILED    no agreement on TLS, or one side does not accept the other's certificate; the message says which, and why
 */

const tlsFailed = {
  name: 'SSL_AUTHENTICATION_FAILED',
  code: ErrorCode.UNKNOWN_SERVER_ERROR,
  retriable: false,
  javaClass: 'org.apache.kafka.common.errors.SslAuthenticationException',
}

function make(description: { name: string; code: number; retriable: boolean; javaClass: string }, message: string, cause?: unknown): KafkaError {
  const error = new KafkaError(message, { ...description, retriable: false })
  if (cause !== undefined) error.cause = cause
  return error
}

export const saslAuthenticationError = (message: string, cause?: unknown): KafkaError => make(errorByCode(ErrorCode.SASL_AUTHENTICATION_FAILED), message, cause)
export const unsupportedMechanismError = (message: string): KafkaError => make(errorByCode(ErrorCode.UNSUPPORTED_SASL_MECHANISM), message)
export const illegalSaslStateError = (message: string): KafkaError => make(errorByCode(ErrorCode.ILLEGAL_SASL_STATE), message)
export const tlsAuthenticationError = (message: string, cause?: unknown): KafkaError => make(tlsFailed, message, cause)

const FATAL_CODES = new Set([
  'SASL_AUTHENTICATION_FAILED',
  'UNSUPPORTED_SASL_MECHANISM',
  'ILLEGAL_SASL_STATE',
  'SSL_AUTHENTICATION_FAILED',
  'INVALID_CONFIGURATION',
])

/** Whether no connection will come about with these settings, so that waiting is of no use (Java's `AuthenticationException`). */
export function isAuthenticationFailure({ code }: KafkaError): boolean {
  return FATAL_CODES.has(code)
}
