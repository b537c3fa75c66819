import { api } from '../api.ts'
import { array, bool, int16, int32, int64, string, struct } from '../fields.ts'

/**
 * Sizes of the logs by folder of the broker. 2: flexible. 3: an error for the whole request. 4: room of the volume (KIP-827). 5: cordoned folders (KIP-1066).
 */
export const describeLogDirs = api({
  name: 'DescribeLogDirs',
  key: 35,
  versions: { min: 1, max: 5 },
  flexibleFrom: 2,
  request: {
    topics: array(
      struct({
        topic: string(),
        partitions: array(int32()),
      }),
      { nullable: true },
    ),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16({ since: 3, ignorable: true }),
    results: array(
      struct({
        errorCode: int16(),
        logDir: string(),
        topics: array(
          struct({
            name: string(),
            partitions: array(
              struct({
                partitionIndex: int32(),
                partitionSize: int64(),
                offsetLag: int64(),
                isFutureKey: bool(),
              }),
            ),
          }),
        ),
        totalBytes: int64({ since: 4, default: -1, ignorable: true }),
        usableBytes: int64({ since: 4, default: -1, ignorable: true }),
        isCordoned: bool({ since: 5, default: false, ignorable: true }),
      }),
    ),
  },
})
