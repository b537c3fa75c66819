import { apiHandler } from '../api-handler.ts'
import { transactionStates } from '../transactions/transaction.ts'

/**
 * ListTransactions 0 to 1 (KIP-664, KIP-994): all transactional ids, by state, producer and duration. Version 2 has a pattern (KIP-1152): a regular
 * expression of a client could keep the broker busy for ever, so it is not offered.
 */
export const listTransactions = apiHandler({
  api: 'ListTransactions',
  versions: { min: 0, max: 1 },

  respond({ body }, { transactions, clock }) {
    const { stateFilters, producerIdFilters, durationFilter } = body
    const now = clock()
    const found = transactions
      .all()
      .filter(
        ({ state, producerId, startedAt }) =>
          (stateFilters.length === 0 || stateFilters.includes(state)) &&
          (producerIdFilters.length === 0 || producerIdFilters.includes(producerId)) &&
          (durationFilter < 0 || now - startedAt > durationFilter),
      )
    return {
      throttleTimeMs: 0,
      errorCode: 0,
      unknownStateFilters: stateFilters.filter((state) => !transactionStates.some((known) => known === state)),
      transactionStates: found.map(({ transactionalId, producerId, state }) => ({ transactionalId, producerId, transactionState: state })),
    }
  },
  failed: (_request, errorCode) => ({ throttleTimeMs: 0, errorCode, unknownStateFilters: [], transactionStates: [] }),
})
