import { api } from '../api.ts'
import { int16, int32, string } from '../fields.ts'

/**
 * Tells the group coordinator that a member lives. 3: static membership (KIP-345). 4: flexible.
 */
export const heartbeat = api({
  name: 'Heartbeat',
  key: 12,
  versions: { min: 0, max: 4 },
  flexibleFrom: 4,
  request: {
    groupId: string(),
    generationId: int32(),
    memberId: string(),
    groupInstanceId: string({ since: 3, nullable: true, default: null }),
  },
  response: {
    throttleTimeMs: int32({ since: 1, ignorable: true }),
    errorCode: int16(),
  },
})
