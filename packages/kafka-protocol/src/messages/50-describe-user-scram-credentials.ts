import { api } from '../api.ts'
import { array, int16, int32, int8, string, struct } from '../fields.ts'

/**
 * Users that have SCRAM credentials, without the secrets (KIP-554).
 */
export const describeUserScramCredentials = api({
  name: 'DescribeUserScramCredentials',
  key: 50,
  versions: { min: 0, max: 0 },
  flexibleFrom: 0,
  request: {
    users: array(
      struct({
        name: string(),
      }),
      { nullable: true },
    ),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string({ nullable: true }),
    results: array(
      struct({
        user: string(),
        errorCode: int16(),
        errorMessage: string({ nullable: true }),
        credentialInfos: array(
          struct({
            mechanism: int8(),
            iterations: int32(),
          }),
        ),
      }),
    ),
  },
})
