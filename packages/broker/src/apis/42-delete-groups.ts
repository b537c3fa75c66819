import { ErrorCode } from '@millrace/kafka-protocol'
import { apiHandler, type BrokerServices } from '../api-handler.ts'

/** DeleteGroups 0 to 2: removes groups that have no members, with their offsets. */
export const deleteGroups = apiHandler({
  api: 'DeleteGroups',
  versions: { min: 0, max: 2 },

  respond: ({ body }, services) => ({
    throttleTimeMs: 0,
    results: body.groupsNames.map((groupId) => ({ groupId, errorCode: removed(groupId, services) })),
  }),
  failed: ({ body }, errorCode) => ({ throttleTimeMs: 0, results: body.groupsNames.map((groupId) => ({ groupId, errorCode })) }),
})

function removed(groupId: string, { groups, logger }: BrokerServices): number {
  if (groupId === '') return ErrorCode.INVALID_GROUP_ID
  const group = groups.get(groupId)
  if (!group) return ErrorCode.GROUP_ID_NOT_FOUND
  if (!group.isUnused) return ErrorCode.NON_EMPTY_GROUP
  try {
    groups.remove(groupId)
    return 0
  } catch (error) {
    logger.error(`Group "${groupId}" cannot be removed: ${(error as Error).message}`)
    return ErrorCode.COORDINATOR_NOT_AVAILABLE
  }
}
