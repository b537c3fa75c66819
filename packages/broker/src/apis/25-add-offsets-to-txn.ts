import { apiHandler } from '../api-handler.ts'
import { fencedErrorCode } from './22-init-producer-id.ts'

/** AddOffsetsToTxn 0 to 4 (KIP-98): the transaction will commit offsets of a group. */
export const addOffsetsToTxn = apiHandler({
  api: 'AddOffsetsToTxn',
  versions: { min: 0, max: 4 },

  respond({ body }, { transactions }) {
    transactions.addGroup(body, body.groupId)
    return { throttleTimeMs: 0, errorCode: 0 }
  },
  failed: ({ version }, errorCode) => ({ throttleTimeMs: 0, errorCode: fencedErrorCode(errorCode, version >= 2) }),
})
