import { api } from '../api.ts'
import { bool, int16, int32, int64, string } from '../fields.ts'

/**
 * Commits or aborts a transaction. 3: flexible. 5: the answer brings a new epoch (KIP-890, second part).
 */
export const endTxn = api({
  name: 'EndTxn',
  key: 26,
  versions: { min: 0, max: 5 },
  flexibleFrom: 3,
  request: {
    transactionalId: string(),
    producerId: int64(),
    producerEpoch: int16(),
    committed: bool(),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    producerId: int64({ since: 5, default: -1, ignorable: true }),
    producerEpoch: int16({ since: 5, default: -1, ignorable: true }),
  },
})
