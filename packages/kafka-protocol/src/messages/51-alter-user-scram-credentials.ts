import { api } from '../api.ts'
import { array, bytes, int16, int32, int8, string, struct } from '../fields.ts'

/**
 * Sets and removes SCRAM credentials of users (KIP-554).
 */
export const alterUserScramCredentials = api({
  name: 'AlterUserScramCredentials',
  key: 51,
  versions: { min: 0, max: 0 },
  flexibleFrom: 0,
  request: {
    deletions: array(
      struct({
        name: string(),
        mechanism: int8(),
      }),
    ),
    upsertions: array(
      struct({
        name: string(),
        mechanism: int8(),
        iterations: int32(),
        salt: bytes(),
        saltedPassword: bytes(),
      }),
    ),
  },
  response: {
    throttleTimeMs: int32(),
    results: array(
      struct({
        user: string(),
        errorCode: int16(),
        errorMessage: string({ nullable: true }),
      }),
    ),
  },
})
