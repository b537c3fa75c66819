import { api } from '../api.ts'
import { array, int16, int32, int8, string, struct } from '../fields.ts'

/**
 * Adds rules of access. 2: flexible. 3: user resources (KIP-373).
 */
export const createAcls = api({
  name: 'CreateAcls',
  key: 30,
  versions: { min: 1, max: 3 },
  flexibleFrom: 2,
  request: {
    creations: array(
      struct({
        resourceType: int8(),
        resourceName: string(),
        resourcePatternType: int8({ default: 3 }),
        principal: string(),
        host: string(),
        operation: int8(),
        permissionType: int8(),
      }),
    ),
  },
  response: {
    throttleTimeMs: int32(),
    results: array(
      struct({
        errorCode: int16(),
        errorMessage: string({ nullable: true }),
      }),
    ),
  },
})
