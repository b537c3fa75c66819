import { api } from '../api.ts'
import { array, int16, int32, int8, string, struct } from '../fields.ts'

/**
 * The rules of access that fit a filter. 2: flexible. 3: user resources (KIP-373).
 */
export const describeAcls = api({
  name: 'DescribeAcls',
  key: 29,
  versions: { min: 1, max: 3 },
  flexibleFrom: 2,
  request: {
    resourceTypeFilter: int8(),
    resourceNameFilter: string({ nullable: true }),
    patternTypeFilter: int8({ default: 3 }),
    principalFilter: string({ nullable: true }),
    hostFilter: string({ nullable: true }),
    operation: int8(),
    permissionType: int8(),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string({ nullable: true }),
    resources: array(
      struct({
        resourceType: int8(),
        resourceName: string(),
        patternType: int8({ default: 3 }),
        acls: array(
          struct({
            principal: string(),
            host: string(),
            operation: int8(),
            permissionType: int8(),
          }),
        ),
      }),
    ),
  },
})
