import { api } from '../api.ts'
import { array, bool, int16, int32, int8, string, struct } from '../fields.ts'

/**
 * Changes single settings. `configOperation` is 0 (set), 1 (delete), 2 (append) or 3 (subtract) (KIP-339). 1: flexible.
 */
export const incrementalAlterConfigs = api({
  name: 'IncrementalAlterConfigs',
  key: 44,
  versions: { min: 0, max: 1 },
  flexibleFrom: 1,
  request: {
    resources: array(
      struct({
        resourceType: int8(),
        resourceName: string(),
        configs: array(
          struct({
            name: string(),
            configOperation: int8(),
            value: string({ nullable: true }),
          }),
        ),
      }),
    ),
    validateOnly: bool(),
  },
  response: {
    throttleTimeMs: int32(),
    responses: array(
      struct({
        errorCode: int16(),
        errorMessage: string({ nullable: true }),
        resourceType: int8(),
        resourceName: string(),
      }),
    ),
  },
})
