import { api } from '../api.ts'
import { array, int16, int32, int64, string, struct } from '../fields.ts'

/**
 * All transactional ids of a coordinator, filtered (KIP-664). 1: by duration (KIP-994). 2: by a pattern (KIP-1152).
 */
export const listTransactions = api({
  name: 'ListTransactions',
  key: 66,
  versions: { min: 0, max: 2 },
  flexibleFrom: 0,
  request: {
    stateFilters: array(string()),
    producerIdFilters: array(int64()),
    durationFilter: int64({ since: 1, default: -1 }),
    transactionalIdPattern: string({ since: 2, nullable: true, default: null }),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    unknownStateFilters: array(string()),
    transactionStates: array(
      struct({
        transactionalId: string(),
        producerId: int64(),
        transactionState: string(),
      }),
    ),
  },
})
