import { api } from '../api.ts'
import { array, bool, int16, int32, int64, string, struct, uuid } from '../fields.ts'

/**
 * Reads committed offsets. `topics` null asks for all. -1 is the offset of a partition without one.
 * 2: an error for the whole request. 5: leader epoch. 6: flexible. 7: `requireStable` waits for open transactions (KIP-447). 8: several groups at once, in `groups`.
 * 9: consumer groups of KIP-848. 10: topic ids instead of names.
 */
export const offsetFetch = api({
  name: 'OffsetFetch',
  key: 9,
  versions: { min: 1, max: 10 },
  flexibleFrom: 6,
  request: {
    groupId: string({ until: 7 }),
    topics: array(
      struct({
        name: string(),
        partitionIndexes: array(int32()),
      }),
      { until: 7, nullable: 2 },
    ),
    groups: array(
      struct({
        groupId: string(),
        memberId: string({ since: 9, nullable: true, default: null, ignorable: true }),
        memberEpoch: int32({ since: 9, default: -1, ignorable: true }),
        topics: array(
          struct({
            name: string({ until: 9, ignorable: true }),
            topicId: uuid({ since: 10, ignorable: true }),
            partitionIndexes: array(int32()),
          }),
          { nullable: true },
        ),
      }),
      { since: 8 },
    ),
    requireStable: bool({ since: 7, default: false }),
  },
  response: {
    throttleTimeMs: int32({ since: 3, ignorable: true }),
    topics: array(
      struct({
        name: string(),
        partitions: array(
          struct({
            partitionIndex: int32(),
            committedOffset: int64(),
            committedLeaderEpoch: int32({ since: 5, default: -1, ignorable: true }),
            metadata: string({ nullable: true }),
            errorCode: int16(),
          }),
        ),
      }),
      { until: 7 },
    ),
    errorCode: int16({ since: 2, until: 7, default: 0, ignorable: true }),
    groups: array(
      struct({
        groupId: string(),
        topics: array(
          struct({
            name: string({ until: 9, ignorable: true }),
            topicId: uuid({ since: 10, ignorable: true }),
            partitions: array(
              struct({
                partitionIndex: int32(),
                committedOffset: int64(),
                committedLeaderEpoch: int32({ default: -1, ignorable: true }),
                metadata: string({ nullable: true }),
                errorCode: int16(),
              }),
            ),
          }),
        ),
        errorCode: int16({ default: 0 }),
      }),
      { since: 8 },
    ),
  },
})
