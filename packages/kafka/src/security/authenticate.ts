import { ErrorCode, type RequestInput, type ResponseBody } from '@millrace/kafka-protocol'
import type { SaslExchange } from './sasl-exchange.ts'
import { illegalSaslStateError, saslAuthenticationError, unsupportedMechanismError } from './security-errors.ts'

/** As much of a connection as authentication needs. */
export interface SaslConnection {
  request<A extends 'SaslHandshake' | 'SaslAuthenticate'>(api: A, body: RequestInput<A>): Promise<ResponseBody<A>>
}

/** A sound exchange takes two messages, a refused token three. */
const MESSAGES_MAX = 10

/**
 * Authenticates a connection whose API versions are known, or does it again (KIP-152, KIP-368). Nothing else may be sent meanwhile.
 *
 * @returns how long the broker keeps the session; 0 for ever. Milliseconds.
 * @throws KafkaError `SASL_AUTHENTICATION_FAILED` with the broker's message, `UNSUPPORTED_SASL_MECHANISM` with what the broker offers,
 *   `ILLEGAL_SASL_STATE`; these are not retriable. Whatever `request` throws.
 */
export async function authenticate(connection: SaslConnection, mechanism: string, exchange: SaslExchange): Promise<number> {
  await handshake(connection, mechanism)
  let message: Buffer | null = await exchange.start()
  for (let sent = 0; sent < MESSAGES_MAX; sent++) {
    const answer: ResponseBody<'SaslAuthenticate'> = await connection.request('SaslAuthenticate', { authBytes: message })
    checkAnswer(answer)
    message = await exchange.next(answer.authBytes)
    if (message === null) return Number(answer.sessionLifetimeMs)
  }
  throw saslAuthenticationError(`The broker does not come to an end of the SASL exchange with ${mechanism}.`)
}

async function handshake(connection: SaslConnection, mechanism: string): Promise<void> {
  const { errorCode, mechanisms } = await connection.request('SaslHandshake', { mechanism })
  const offered = `[${mechanisms.join(', ')}]`
  if (errorCode === ErrorCode.NONE) return
  if (errorCode === ErrorCode.UNSUPPORTED_SASL_MECHANISM) {
    throw unsupportedMechanismError(`Client SASL mechanism '${mechanism}' not enabled in the server, enabled mechanisms are ${offered}`)
  }
  if (errorCode === ErrorCode.ILLEGAL_SASL_STATE) {
    const hint = 'The listener may not use SASL; check "security.protocol" and the port.'
    throw illegalSaslStateError(`Unexpected handshake request with client mechanism ${mechanism}, enabled mechanisms are ${offered}. ${hint}`)
  }
  throw illegalSaslStateError(`Unknown error code ${errorCode}, client mechanism is ${mechanism}, enabled mechanisms are ${offered}`)
}

function checkAnswer({ errorCode, errorMessage }: ResponseBody<'SaslAuthenticate'>): void {
  if (errorCode === ErrorCode.NONE) return
  if (errorCode === ErrorCode.ILLEGAL_SASL_STATE) throw illegalSaslStateError(errorMessage ?? 'Request is not valid given the current SASL state.')
  throw saslAuthenticationError(errorMessage ?? 'SASL Authentication failed.')
}
