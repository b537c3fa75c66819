import { api } from '../api.ts'
import { array, bool, float64, int16, int32, int8, string, struct } from '../fields.ts'

/**
 * Quotas of users, client ids and addresses (KIP-546). 1: flexible.
 */
export const describeClientQuotas = api({
  name: 'DescribeClientQuotas',
  key: 48,
  versions: { min: 0, max: 1 },
  flexibleFrom: 1,
  request: {
    components: array(
      struct({
        entityType: string(),
        matchType: int8(),
        match: string({ nullable: true }),
      }),
    ),
    strict: bool(),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string({ nullable: true }),
    entries: array(
      struct({
        entity: array(
          struct({
            entityType: string(),
            entityName: string({ nullable: true }),
          }),
        ),
        values: array(
          struct({
            key: string(),
            value: float64(),
          }),
        ),
      }),
      { nullable: true },
    ),
  },
})
