import { ErrorCode, errorByCode, KafkaError } from '@millrace/kafka-protocol'
import { apiHandler } from '../api-handler.ts'

/** So long a refused client waits for its answer, which makes guessing slow; as `connection.failed.authentication.delay.ms`. */
const FAILURE_DELAY_MS = 100

/**
 * SaslAuthenticate 0 to 2 (KIP-152, KIP-368): one message of the mechanism each way. A refusal is answered late, with its reason, and the connection
 * is closed.
 */
export const saslAuthenticate = apiHandler({
  api: 'SaslAuthenticate',
  versions: { min: 0, max: 2 },

  async respond({ body, sasl }) {
    if (!sasl) return refused(ErrorCode.ILLEGAL_SASL_STATE, 'SaslAuthenticate request received after successful authentication')
    try {
      return { errorCode: 0, errorMessage: null, ...sasl.authenticate(body.authBytes, performance.now()) }
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error
      await new Promise((resolve) => setTimeout(resolve, FAILURE_DELAY_MS))
      return refused(error.errorCode, error.message)
    }
  },
  failed: (_request, errorCode) => refused(errorCode, errorByCode(errorCode).message),
})

function refused(errorCode: number, errorMessage: string) {
  return { errorCode, errorMessage, authBytes: Buffer.alloc(0) }
}
