import { api } from '../api.ts'
import { array, int16, int32, int64, int8, string, struct } from '../fields.ts'

/**
 * Finds an offset by timestamp; -1 asks for the latest, -2 for the earliest, -3 for the one with the greatest timestamp (7, KIP-734).
 * 2: isolation level. 4: leader epoch (KIP-320). 6: flexible. 8 to 11: offsets of tiered storage; 10 adds a timeout (KIP-1075).
 */
export const listOffsets = api({
  name: 'ListOffsets',
  key: 2,
  versions: { min: 1, max: 11 },
  flexibleFrom: 6,
  request: {
    replicaId: int32(),
    isolationLevel: int8({ since: 2 }),
    topics: array(
      struct({
        name: string(),
        partitions: array(
          struct({
            partitionIndex: int32(),
            currentLeaderEpoch: int32({ since: 4, default: -1, ignorable: true }),
            timestamp: int64(),
          }),
        ),
      }),
    ),
    timeoutMs: int32({ since: 10, ignorable: true }),
  },
  response: {
    throttleTimeMs: int32({ since: 2, ignorable: true }),
    topics: array(
      struct({
        name: string(),
        partitions: array(
          struct({
            partitionIndex: int32(),
            errorCode: int16(),
            timestamp: int64({ default: -1 }),
            offset: int64({ default: -1 }),
            leaderEpoch: int32({ since: 4, default: -1 }),
          }),
        ),
      }),
    ),
  },
})
