import { apiHandler } from '../api-handler.ts'
import { fencedErrorCode } from './22-init-producer-id.ts'

/**
 * EndTxn 0 to 4 (KIP-98): commits or aborts; every marker is written when it is answered. Version 5, in which the epoch rises with each transaction
 * (KIP-890), is for clusters with `transaction.version` 2, which this one does not claim to be.
 */
export const endTxn = apiHandler({
  api: 'EndTxn',
  versions: { min: 0, max: 4 },

  respond({ body }, { transactions }) {
    transactions.end(body, body.committed)
    return { throttleTimeMs: 0, errorCode: 0 }
  },
  failed: ({ version }, errorCode) => ({ throttleTimeMs: 0, errorCode: fencedErrorCode(errorCode, version >= 2) }),
})
