import { api } from '../api.ts'
import { array, int16, int32, int64, string, struct } from '../fields.ts'

/**
 * Commits offsets of a group within a transaction. 2: leader epoch. 3: flexible; member, generation and static membership (KIP-447).
 */
export const txnOffsetCommit = api({
  name: 'TxnOffsetCommit',
  key: 28,
  versions: { min: 0, max: 5 },
  flexibleFrom: 3,
  request: {
    transactionalId: string(),
    groupId: string(),
    producerId: int64(),
    producerEpoch: int16(),
    generationId: int32({ since: 3, default: -1 }),
    memberId: string({ since: 3, default: '' }),
    groupInstanceId: string({ since: 3, nullable: true, default: null }),
    topics: array(
      struct({
        name: string(),
        partitions: array(
          struct({
            partitionIndex: int32(),
            committedOffset: int64(),
            committedLeaderEpoch: int32({ since: 2, default: -1, ignorable: true }),
            committedMetadata: string({ nullable: true }),
          }),
        ),
      }),
    ),
  },
  response: {
    throttleTimeMs: int32(),
    topics: array(
      struct({
        name: string(),
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
