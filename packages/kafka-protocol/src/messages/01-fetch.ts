import { api } from '../api.ts'
import { array, bytes, int16, int32, int64, int8, string, struct, uuid } from '../fields.ts'

/**
 * Reads record batches. `isolationLevel` is 0 (read uncommitted) or 1 (read committed).
 * Answers are written by hand for speed in `fetch-codec.ts`; this declaration serves requests, tests and tools.
 * 4: isolation level. 7: fetch sessions (KIP-227). 9: leader epoch (KIP-320). 10: zstd (KIP-110). 11: rack, preferred replica (KIP-392).
 * 12: flexible, diverging epochs. 13: topic ids instead of names (KIP-516). 15: replica state (KIP-903). 16: node endpoints (KIP-951). 17: directory ids of replicas. 18 only concerns replicas (KIP-1166).
 */
export const fetch = api({
  name: 'Fetch',
  key: 1,
  versions: { min: 4, max: 17 },
  flexibleFrom: 12,
  request: {
    clusterId: string({ since: 12, nullable: true, default: null, tag: 0, ignorable: true }),
    replicaId: int32({ until: 14, default: -1 }),
    replicaState: struct(
      {
        replicaId: int32({ default: -1 }),
        replicaEpoch: int64({ default: -1 }),
      },
      { since: 15, tag: 1 },
    ),
    maxWaitMs: int32(),
    minBytes: int32(),
    maxBytes: int32({ default: 0x7fff_ffff, ignorable: true }),
    isolationLevel: int8({ default: 0, ignorable: true }),
    sessionId: int32({ since: 7, default: 0, ignorable: true }),
    sessionEpoch: int32({ since: 7, default: -1, ignorable: true }),
    topics: array(
      struct({
        topic: string({ until: 12, ignorable: true }),
        topicId: uuid({ since: 13, ignorable: true }),
        partitions: array(
          struct({
            partition: int32(),
            currentLeaderEpoch: int32({ since: 9, default: -1, ignorable: true }),
            fetchOffset: int64(),
            lastFetchedEpoch: int32({ since: 12, default: -1 }),
            logStartOffset: int64({ since: 5, default: -1, ignorable: true }),
            partitionMaxBytes: int32(),
            replicaDirectoryId: uuid({ since: 17, tag: 0, ignorable: true }),
          }),
        ),
      }),
    ),
    forgottenTopicsData: array(
      struct({
        topic: string({ until: 12, ignorable: true }),
        topicId: uuid({ since: 13, ignorable: true }),
        partitions: array(int32()),
      }),
      { since: 7 },
    ),
    rackId: string({ since: 11, default: '', ignorable: true }),
  },
  response: {
    throttleTimeMs: int32({ ignorable: true }),
    errorCode: int16({ since: 7, ignorable: true }),
    sessionId: int32({ since: 7, default: 0 }),
    responses: array(
      struct({
        topic: string({ until: 12, ignorable: true }),
        topicId: uuid({ since: 13, ignorable: true }),
        partitions: array(
          struct({
            partitionIndex: int32(),
            errorCode: int16(),
            highWatermark: int64(),
            lastStableOffset: int64({ default: -1, ignorable: true }),
            logStartOffset: int64({ since: 5, default: -1, ignorable: true }),
            divergingEpoch: struct(
              {
                epoch: int32({ default: -1 }),
                endOffset: int64({ default: -1 }),
              },
              { since: 12, tag: 0 },
            ),
            currentLeader: struct(
              {
                leaderId: int32({ default: -1 }),
                leaderEpoch: int32({ default: -1 }),
              },
              { since: 12, tag: 1 },
            ),
            snapshotId: struct(
              {
                endOffset: int64({ default: -1 }),
                epoch: int32({ default: -1 }),
              },
              { since: 12, tag: 2 },
            ),
            abortedTransactions: array(
              struct({
                producerId: int64(),
                firstOffset: int64(),
              }),
              { nullable: true, ignorable: true },
            ),
            preferredReadReplica: int32({ since: 11, default: -1 }),
            records: bytes({ nullable: true }),
          }),
        ),
      }),
    ),
    nodeEndpoints: array(
      struct({
        nodeId: int32(),
        host: string(),
        port: int32(),
        rack: string({ nullable: true, default: null }),
      }),
      { since: 16, tag: 0 },
    ),
  },
})
