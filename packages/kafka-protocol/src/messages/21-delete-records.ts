import { api } from '../api.ts'
import { array, int16, int32, int64, string, struct } from '../fields.ts'

/**
 * Deletes the records before an offset; -1 means all. 2: flexible.
 */
export const deleteRecords = api({
  name: 'DeleteRecords',
  key: 21,
  versions: { min: 0, max: 2 },
  flexibleFrom: 2,
  request: {
    topics: array(
      struct({
        name: string(),
        partitions: array(
          struct({
            partitionIndex: int32(),
            offset: int64(),
          }),
        ),
      }),
    ),
    timeoutMs: int32(),
  },
  response: {
    throttleTimeMs: int32(),
    topics: array(
      struct({
        name: string(),
        partitions: array(
          struct({
            partitionIndex: int32(),
            lowWatermark: int64(),
            errorCode: int16(),
          }),
        ),
      }),
    ),
  },
})
