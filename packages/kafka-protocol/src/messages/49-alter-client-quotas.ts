import { api } from '../api.ts'
import { array, bool, float64, int16, int32, string, struct } from '../fields.ts'

/**
 * Changes quotas of users, client ids and addresses (KIP-546). 1: flexible.
 */
export const alterClientQuotas = api({
  name: 'AlterClientQuotas',
  key: 49,
  versions: { min: 0, max: 1 },
  flexibleFrom: 1,
  request: {
    entries: array(
      struct({
        entity: array(
          struct({
            entityType: string(),
            entityName: string({ nullable: true }),
          }),
        ),
        ops: array(
          struct({
            key: string(),
            value: float64(),
            remove: bool(),
          }),
        ),
      }),
    ),
    validateOnly: bool(),
  },
  response: {
    throttleTimeMs: int32(),
    entries: array(
      struct({
        errorCode: int16(),
        errorMessage: string({ nullable: true }),
        entity: array(
          struct({
            entityType: string(),
            entityName: string({ nullable: true }),
          }),
        ),
      }),
    ),
  },
})
