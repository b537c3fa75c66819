import { api } from '../api.ts'
import { array, bool, bytes, int16, int32, string, struct } from '../fields.ts'

/**
 * State and members of groups of the classic protocol.
 * 3: authorized operations. 4: static membership (KIP-345). 5: flexible. 6: GROUP_ID_NOT_FOUND with a message (KIP-1043).
 */
export const describeGroups = api({
  name: 'DescribeGroups',
  key: 15,
  versions: { min: 0, max: 6 },
  flexibleFrom: 5,
  request: {
    groups: array(string()),
    includeAuthorizedOperations: bool({ since: 3 }),
  },
  response: {
    throttleTimeMs: int32({ since: 1, ignorable: true }),
    groups: array(
      struct({
        errorCode: int16(),
        errorMessage: string({ since: 6, nullable: true, default: null }),
        groupId: string(),
        groupState: string(),
        protocolType: string(),
        protocolData: string(),
        members: array(
          struct({
            memberId: string(),
            groupInstanceId: string({ since: 4, nullable: true, default: null, ignorable: true }),
            clientId: string(),
            clientHost: string(),
            memberMetadata: bytes(),
            memberAssignment: bytes(),
          }),
        ),
        authorizedOperations: int32({ since: 3, default: -2147483648 }),
      }),
    ),
  },
})
