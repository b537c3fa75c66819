import { apiHandler } from '../api-handler.ts'
import { fencedErrorCode } from './22-init-producer-id.ts'

/**
 * EndTxn 0 to 5 (KIP-98): commits or aborts; every marker is written when it is answered. From version 5 on each transaction has an epoch of its own,
 * and the answer says which the next one has (KIP-890).
 */
export const endTxn = apiHandler({
  api: 'EndTxn',
  versions: { min: 0, max: 5 },

  respond({ version, body }, { transactions }) {
    if (version >= 5) {
      const { producerId, producerEpoch } = transactions.endEpoch(body, body.committed)
      return { throttleTimeMs: 0, errorCode: 0, producerId, producerEpoch }
    }
    transactions.end(body, body.committed)
    return { throttleTimeMs: 0, errorCode: 0 }
  },
  failed: ({ version }, errorCode) => ({ throttleTimeMs: 0, errorCode: fencedErrorCode(errorCode, version >= 2) }),
})
