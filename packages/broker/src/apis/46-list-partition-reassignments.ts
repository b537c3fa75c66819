import { apiHandler } from '../api-handler.ts'

/** ListPartitionReassignments 0 (KIP-455): no partition ever moves. `kafka-topics --describe` asks. */
export const listPartitionReassignments = apiHandler({
  api: 'ListPartitionReassignments',
  versions: { min: 0, max: 0 },

  respond: () => ({ throttleTimeMs: 0, errorCode: 0, errorMessage: null, topics: [] }),
  failed: (_request, errorCode) => ({ throttleTimeMs: 0, errorCode, errorMessage: null, topics: [] }),
})
