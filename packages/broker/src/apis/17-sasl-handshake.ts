import { ErrorCode } from '@millrace/kafka-protocol'
import { apiHandler } from '../api-handler.ts'

/**
 * SaslHandshake 1 (KIP-43): chooses a mechanism. After version 0 the messages of the mechanism would come without headers, as before KIP-152; every client
 * of today uses version 1. A listener without SASL answers ILLEGAL_SASL_STATE.
 */
export const saslHandshake = apiHandler({
  api: 'SaslHandshake',
  versions: { min: 1, max: 1 },

  respond({ body, sasl }) {
    if (!sasl) return { errorCode: ErrorCode.ILLEGAL_SASL_STATE, mechanisms: [] }
    sasl.handshake(body.mechanism)
    return { errorCode: 0, mechanisms: [...sasl.server.mechanisms] }
  },
  failed: ({ sasl }, errorCode) => ({ errorCode, mechanisms: [...(sasl?.server.mechanisms ?? [])] }),
})
