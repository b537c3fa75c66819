import { api } from '../api.ts'
import { array, bytes, int16, int32, string, struct } from '../fields.ts'

/**
 * Hands the assignments of the leader to the coordinator and each member its own.
 * 3: static membership (KIP-345). 4: flexible. 5: protocol type and name (KIP-559).
 */
export const syncGroup = api({
  name: 'SyncGroup',
  key: 14,
  versions: { min: 0, max: 5 },
  flexibleFrom: 4,
  request: {
    groupId: string(),
    generationId: int32(),
    memberId: string(),
    groupInstanceId: string({ since: 3, nullable: true, default: null }),
    protocolType: string({ since: 5, nullable: true, default: null, ignorable: true }),
    protocolName: string({ since: 5, nullable: true, default: null, ignorable: true }),
    assignments: array(
      struct({
        memberId: string(),
        assignment: bytes(),
      }),
    ),
  },
  response: {
    throttleTimeMs: int32({ since: 1, ignorable: true }),
    errorCode: int16(),
    protocolType: string({ since: 5, nullable: true, default: null, ignorable: true }),
    protocolName: string({ since: 5, nullable: true, default: null, ignorable: true }),
    assignment: bytes(),
  },
})
