import { api } from '../api.ts'
import { array, int16, int32, int8, string, struct } from '../fields.ts'

/**
 * Finds the coordinator of a group (`keyType` 0), a transactional id (1) or a share group (2).
 * 3: flexible. 4: several keys at once, `coordinatorKeys` and `coordinators` instead of the single fields (KIP-699).
 */
export const findCoordinator = api({
  name: 'FindCoordinator',
  key: 10,
  versions: { min: 0, max: 6 },
  flexibleFrom: 3,
  request: {
    key: string({ until: 3 }),
    keyType: int8({ since: 1, default: 0 }),
    coordinatorKeys: array(string(), { since: 4 }),
  },
  response: {
    throttleTimeMs: int32({ since: 1, ignorable: true }),
    errorCode: int16({ until: 3 }),
    errorMessage: string({ since: 1, until: 3, nullable: true, ignorable: true }),
    nodeId: int32({ until: 3 }),
    host: string({ until: 3 }),
    port: int32({ until: 3 }),
    coordinators: array(
      struct({
        key: string(),
        nodeId: int32(),
        host: string(),
        port: int32(),
        errorCode: int16(),
        errorMessage: string({ nullable: true, ignorable: true }),
      }),
      { since: 4 },
    ),
  },
})
