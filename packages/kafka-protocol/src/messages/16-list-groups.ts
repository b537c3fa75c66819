import { api } from '../api.ts'
import { array, int16, int32, string, struct } from '../fields.ts'

/**
 * Groups that a broker coordinates. 3: flexible. 4: filter and state (KIP-518). 5: filter by type (KIP-848).
 */
export const listGroups = api({
  name: 'ListGroups',
  key: 16,
  versions: { min: 0, max: 5 },
  flexibleFrom: 3,
  request: {
    statesFilter: array(string(), { since: 4 }),
    typesFilter: array(string(), { since: 5 }),
  },
  response: {
    throttleTimeMs: int32({ since: 1, ignorable: true }),
    errorCode: int16(),
    groups: array(
      struct({
        groupId: string(),
        protocolType: string(),
        groupState: string({ since: 4, ignorable: true }),
        groupType: string({ since: 5, ignorable: true }),
      }),
    ),
  },
})
