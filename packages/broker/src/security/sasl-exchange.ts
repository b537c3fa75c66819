import { ErrorCode, type KafkaError, kafkaError } from '@millrace/kafka-protocol'

/** One mechanism's side of the broker in one authentication. */
export interface SaslExchange {
  /** @throws KafkaError SASL_AUTHENTICATION_FAILED; its message goes to the client. */
  respond(bytes: Buffer): { readonly bytes: Buffer; readonly isComplete: boolean }
}

/** A refusal with a message for the client. */
export function saslFailure(message: string): KafkaError {
  const error = kafkaError(ErrorCode.SASL_AUTHENTICATION_FAILED)
  error.message = message
  return error
}
