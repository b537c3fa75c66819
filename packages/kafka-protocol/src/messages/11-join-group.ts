import { api } from '../api.ts'
import { array, bool, bytes, int16, int32, string, struct } from '../fields.ts'

/**
 * Joins a group of the classic protocol; the answer is held back until all members have joined.
 * 1: rebalance timeout. 4: a new member is first given its id with MEMBER_ID_REQUIRED (KIP-394). 5: static membership (KIP-345). 6: flexible.
 * 7: protocol type in the answer (KIP-559). 8: reason (KIP-800). 9: `skipAssignment` (KIP-814).
 */
export const joinGroup = api({
  name: 'JoinGroup',
  key: 11,
  versions: { min: 0, max: 9 },
  flexibleFrom: 6,
  request: {
    groupId: string(),
    sessionTimeoutMs: int32(),
    rebalanceTimeoutMs: int32({ since: 1, default: -1, ignorable: true }),
    memberId: string(),
    groupInstanceId: string({ since: 5, nullable: true, default: null }),
    protocolType: string(),
    protocols: array(
      struct({
        name: string(),
        metadata: bytes(),
      }),
    ),
    reason: string({ since: 8, nullable: true, default: null, ignorable: true }),
  },
  response: {
    throttleTimeMs: int32({ since: 2, ignorable: true }),
    errorCode: int16(),
    generationId: int32({ default: -1 }),
    protocolType: string({ since: 7, nullable: true, default: null, ignorable: true }),
    protocolName: string({ nullable: 7 }),
    leader: string(),
    skipAssignment: bool({ since: 9, default: false }),
    memberId: string(),
    members: array(
      struct({
        memberId: string(),
        groupInstanceId: string({ since: 5, nullable: true, default: null, ignorable: true }),
        metadata: bytes(),
      }),
    ),
  },
})
