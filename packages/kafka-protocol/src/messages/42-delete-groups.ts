import { api } from '../api.ts'
import { array, int16, int32, string, struct } from '../fields.ts'

/**
 * Deletes groups without members. 2: flexible.
 */
export const deleteGroups = api({
  name: 'DeleteGroups',
  key: 42,
  versions: { min: 0, max: 2 },
  flexibleFrom: 2,
  request: {
    groupsNames: array(string()),
  },
  response: {
    throttleTimeMs: int32(),
    results: array(
      struct({
        groupId: string(),
        errorCode: int16(),
      }),
    ),
  },
})
