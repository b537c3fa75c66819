import { api } from '../api.ts'
import { array, int16, int32, int64, string, struct } from '../fields.ts'

/**
 * The end offset of a leader epoch, by which a consumer recognises truncation (KIP-320). 3: replica id. 4: flexible.
 */
export const offsetForLeaderEpoch = api({
  name: 'OffsetForLeaderEpoch',
  key: 23,
  versions: { min: 2, max: 4 },
  flexibleFrom: 4,
  request: {
    replicaId: int32({ since: 3, default: -2, ignorable: true }),
    topics: array(
      struct({
        topic: string(),
        partitions: array(
          struct({
            partition: int32(),
            currentLeaderEpoch: int32({ default: -1, ignorable: true }),
            leaderEpoch: int32(),
          }),
        ),
      }),
    ),
  },
  response: {
    throttleTimeMs: int32({ ignorable: true }),
    topics: array(
      struct({
        topic: string(),
        partitions: array(
          struct({
            errorCode: int16(),
            partition: int32(),
            leaderEpoch: int32({ default: -1, ignorable: true }),
            endOffset: int64({ default: -1 }),
          }),
        ),
      }),
    ),
  },
})
