import { api } from '../api.ts'
import { array, int16, int32, int64, string, struct } from '../fields.ts'

/**
 * The producers that a partition knows, with their open transactions (KIP-664).
 */
export const describeProducers = api({
  name: 'DescribeProducers',
  key: 61,
  versions: { min: 0, max: 0 },
  flexibleFrom: 0,
  request: {
    topics: array(
      struct({
        name: string(),
        partitionIndexes: array(int32()),
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
            errorMessage: string({ nullable: true, default: null }),
            activeProducers: array(
              struct({
                producerId: int64(),
                producerEpoch: int32(),
                lastSequence: int32({ default: -1 }),
                lastTimestamp: int64({ default: -1 }),
                coordinatorEpoch: int32(),
                currentTxnStartOffset: int64({ default: -1 }),
              }),
            ),
          }),
        ),
      }),
    ),
  },
})
