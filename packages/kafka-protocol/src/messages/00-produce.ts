import { api } from '../api.ts'
import { array, bytes, int16, int32, int64, string, struct, uuid } from '../fields.ts'

/**
 * Appends record batches to partitions. `acks` is 0 (no answer at all), 1 (leader) or -1 (all in sync).
 * Written by hand for speed in `produce-codec.ts`; this declaration serves tests and tools.
 * 3: record batches of format 2, transactional id. 7: zstd (KIP-110). 8: errors of single records (KIP-467). 10: current leader in the answer (KIP-951).
 * 12: adds partitions to the transaction implicitly (KIP-890); a transaction of the older flow must stay at 11. 13: topic ids instead of names (KIP-516).
 */
export const produce = api({
  name: 'Produce',
  key: 0,
  versions: { min: 3, max: 13 },
  flexibleFrom: 9,
  request: {
    transactionalId: string({ nullable: true, default: null }),
    acks: int16(),
    timeoutMs: int32(),
    topicData: array(
      struct({
        name: string({ until: 12, ignorable: true }),
        topicId: uuid({ since: 13, ignorable: true }),
        partitionData: array(
          struct({
            index: int32(),
            records: bytes({ nullable: true }),
          }),
        ),
      }),
    ),
  },
  response: {
    responses: array(
      struct({
        name: string({ until: 12, ignorable: true }),
        topicId: uuid({ since: 13, ignorable: true }),
        partitionResponses: array(
          struct({
            index: int32(),
            errorCode: int16(),
            baseOffset: int64(),
            logAppendTimeMs: int64({ default: -1, ignorable: true }),
            logStartOffset: int64({ since: 5, default: -1, ignorable: true }),
            recordErrors: array(
              struct({
                batchIndex: int32(),
                batchIndexErrorMessage: string({ nullable: true, default: null }),
              }),
              { since: 8, ignorable: true },
            ),
            errorMessage: string({ since: 8, nullable: true, default: null, ignorable: true }),
            currentLeader: struct(
              {
                leaderId: int32({ default: -1 }),
                leaderEpoch: int32({ default: -1 }),
              },
              { since: 10, tag: 0 },
            ),
          }),
        ),
      }),
    ),
    throttleTimeMs: int32({ default: 0, ignorable: true }),
    nodeEndpoints: array(
      struct({
        nodeId: int32(),
        host: string(),
        port: int32(),
        rack: string({ nullable: true, default: null }),
      }),
      { since: 10, tag: 0 },
    ),
  },
})
