import { api } from '../api.ts'
import { array, int16, int32, string, struct } from '../fields.ts'

/**
 * Deletes committed offsets of a group (KIP-496). Never flexible.
 */
export const offsetDelete = api({
  name: 'OffsetDelete',
  key: 47,
  versions: { min: 0, max: 0 },
  flexibleFrom: Infinity,
  request: {
    groupId: string(),
    topics: array(
      struct({
        name: string(),
        partitions: array(
          struct({
            partitionIndex: int32(),
          }),
        ),
      }),
    ),
  },
  response: {
    errorCode: int16(),
    throttleTimeMs: int32({ ignorable: true }),
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
