import { api } from '../api.ts'
import { array, int16, int32, string, struct } from '../fields.ts'

/**
 * Leaves a group. 3: several members at once, in `members`. 4: flexible. 5: reason (KIP-800).
 */
export const leaveGroup = api({
  name: 'LeaveGroup',
  key: 13,
  versions: { min: 0, max: 5 },
  flexibleFrom: 4,
  request: {
    groupId: string(),
    memberId: string({ until: 2 }),
    members: array(
      struct({
        memberId: string(),
        groupInstanceId: string({ nullable: true, default: null }),
        reason: string({ since: 5, nullable: true, default: null, ignorable: true }),
      }),
      { since: 3 },
    ),
  },
  response: {
    throttleTimeMs: int32({ since: 1, ignorable: true }),
    errorCode: int16(),
    members: array(
      struct({
        memberId: string(),
        groupInstanceId: string({ nullable: true }),
        errorCode: int16(),
      }),
      { since: 3 },
    ),
  },
})
