import { api } from '../api.ts'
import { array, bool, int16, int32, string, struct } from '../fields.ts'

/**
 * Raises the number of partitions. 2: flexible. 3: THROTTLING_QUOTA_EXCEEDED (KIP-599).
 */
export const createPartitions = api({
  name: 'CreatePartitions',
  key: 37,
  versions: { min: 0, max: 3 },
  flexibleFrom: 2,
  request: {
    topics: array(
      struct({
        name: string(),
        count: int32(),
        assignments: array(
          struct({
            brokerIds: array(int32()),
          }),
          { nullable: true },
        ),
      }),
    ),
    timeoutMs: int32(),
    validateOnly: bool(),
  },
  response: {
    throttleTimeMs: int32(),
    results: array(
      struct({
        name: string(),
        errorCode: int16(),
        errorMessage: string({ nullable: true, default: null }),
      }),
    ),
  },
})
