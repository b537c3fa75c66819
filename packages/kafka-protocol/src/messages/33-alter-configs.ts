import { api } from '../api.ts'
import { array, bool, int16, int32, int8, string, struct } from '../fields.ts'

/**
 * Replaces all settings of a resource; what IncrementalAlterConfigs came to replace (KIP-339). 2: flexible.
 */
export const alterConfigs = api({
  name: 'AlterConfigs',
  key: 33,
  versions: { min: 0, max: 2 },
  flexibleFrom: 2,
  request: {
    resources: array(
      struct({
        resourceType: int8(),
        resourceName: string(),
        configs: array(
          struct({
            name: string(),
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
