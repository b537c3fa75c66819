import { api } from '../api.ts'
import { array, int16, int32, string, struct, uuid, ZERO_UUID } from '../fields.ts'

/**
 * Deletes topics. 4: flexible. 5: error messages (KIP-599). 6: by name or id, `topics` instead of `topicNames` (KIP-516).
 */
export const deleteTopics = api({
  name: 'DeleteTopics',
  key: 20,
  versions: { min: 1, max: 6 },
  flexibleFrom: 4,
  request: {
    topics: array(
      struct({
        name: string({ nullable: true, default: null }),
        topicId: uuid({ default: ZERO_UUID }),
      }),
      { since: 6 },
    ),
    topicNames: array(string(), { until: 5, ignorable: true }),
    timeoutMs: int32(),
  },
  response: {
    throttleTimeMs: int32({ ignorable: true }),
    responses: array(
      struct({
        name: string({ nullable: 6 }),
        topicId: uuid({ since: 6, ignorable: true }),
        errorCode: int16(),
        errorMessage: string({ since: 5, nullable: true, default: null, ignorable: true }),
      }),
    ),
  },
})
