import { api } from '../api.ts'
import { array, int16, int32, int8, string, struct } from '../fields.ts'

/**
 * Names of resources that have settings (KIP-1142). 0: those of client metrics alone (KIP-714).
 */
export const listConfigResources = api({
  name: 'ListConfigResources',
  key: 74,
  versions: { min: 0, max: 1 },
  flexibleFrom: 0,
  request: {
    resourceTypes: array(int8(), { since: 1 }),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    configResources: array(
      struct({
        resourceName: string(),
        resourceType: int8({ since: 1, default: 16, ignorable: true }),
      }),
    ),
  },
})
