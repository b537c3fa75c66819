import { api } from '../api.ts'
import { int16, int32, int64, string } from '../fields.ts'

/**
 * Gives a producer its id and epoch, and fences earlier producers of the same transactional id.
 * 2: flexible. 3: current id and epoch, for raising the epoch (KIP-360). 4: PRODUCER_FENCED. 5: TRANSACTION_ABORTABLE (KIP-890).
 */
export const initProducerId = api({
  name: 'InitProducerId',
  key: 22,
  versions: { min: 0, max: 5 },
  flexibleFrom: 2,
  request: {
    transactionalId: string({ nullable: true }),
    transactionTimeoutMs: int32(),
    producerId: int64({ since: 3, default: -1 }),
    producerEpoch: int16({ since: 3, default: -1 }),
  },
  response: {
    throttleTimeMs: int32({ ignorable: true }),
    errorCode: int16(),
    producerId: int64({ default: -1 }),
    producerEpoch: int16(),
  },
})
