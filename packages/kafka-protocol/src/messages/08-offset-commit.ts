import { api } from '../api.ts'
import { array, int16, int32, int64, string, struct, uuid } from '../fields.ts'

/**
 * Commits offsets of a consumer group. Outside a group, `generationIdOrMemberEpoch` is -1 and `memberId` empty.
 * 5: no retention time. 6: leader epoch. 7: static membership (KIP-345). 8: flexible. 9: consumer groups of KIP-848. 10: topic ids instead of names.
 */
export const offsetCommit = api({
  name: 'OffsetCommit',
  key: 8,
  versions: { min: 2, max: 10 },
  flexibleFrom: 8,
  request: {
    groupId: string(),
    generationIdOrMemberEpoch: int32({ default: -1, ignorable: true }),
    memberId: string({ ignorable: true }),
    groupInstanceId: string({ since: 7, nullable: true, default: null }),
    retentionTimeMs: int64({ until: 4, default: -1, ignorable: true }),
    topics: array(
      struct({
        name: string({ until: 9, ignorable: true }),
        topicId: uuid({ since: 10, ignorable: true }),
        partitions: array(
          struct({
            partitionIndex: int32(),
            committedOffset: int64(),
            committedLeaderEpoch: int32({ since: 6, default: -1, ignorable: true }),
            committedMetadata: string({ nullable: true }),
          }),
        ),
      }),
    ),
  },
  response: {
    throttleTimeMs: int32({ since: 3, ignorable: true }),
    topics: array(
      struct({
        name: string({ until: 9, ignorable: true }),
        topicId: uuid({ since: 10, ignorable: true }),
        partitions: array(
          struct({
            partitionIndex: int32(),
            errorCode: int16(),
          }),
        ),
      }),
    ),
  },
})
