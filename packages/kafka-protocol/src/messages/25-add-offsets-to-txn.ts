import { api } from '../api.ts'
import { int16, int32, int64, string } from '../fields.ts'

/**
 * Adds the offsets of a group to a transaction. 3: flexible. 4: TRANSACTION_ABORTABLE (KIP-890).
 */
export const addOffsetsToTxn = api({
  name: 'AddOffsetsToTxn',
  key: 25,
  versions: { min: 0, max: 4 },
  flexibleFrom: 3,
  request: {
    transactionalId: string(),
    producerId: int64(),
    producerEpoch: int16(),
    groupId: string(),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
  },
})
