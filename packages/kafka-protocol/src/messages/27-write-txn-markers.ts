import { api } from '../api.ts'
import { array, bool, int16, int32, int64, int8, string, struct } from '../fields.ts'

/**
 * Ends transactions in partitions; what a transaction coordinator sends, and an administrator who aborts a transaction that nobody ends (KIP-664). 2: transaction version (KIP-1228).
 */
export const writeTxnMarkers = api({
  name: 'WriteTxnMarkers',
  key: 27,
  versions: { min: 1, max: 2 },
  flexibleFrom: 1,
  request: {
    markers: array(
      struct({
        producerId: int64(),
        producerEpoch: int16(),
        transactionResult: bool(),
        topics: array(
          struct({
            name: string(),
            partitionIndexes: array(int32()),
          }),
        ),
        coordinatorEpoch: int32(),
        transactionVersion: int8({ since: 2, default: 0, ignorable: true }),
      }),
    ),
  },
  response: {
    markers: array(
      struct({
        producerId: int64(),
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
      }),
    ),
  },
})
