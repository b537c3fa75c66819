import { ErrorCode } from '@millrace/kafka-protocol'
import { apiHandler, type Request } from '../api-handler.ts'

/**
 * OffsetDelete 0: removes committed offsets of a group (KIP-496). While the group has members, those of any of its topics are refused with
 * GROUP_SUBSCRIBED_TO_TOPIC: which topics a member reads is the members' own matter here.
 */
export const offsetDelete = apiHandler({
  api: 'OffsetDelete',
  versions: { min: 0, max: 0 },

  respond(request, { groups, logger }) {
    const { groupId, topics } = request.body
    const group = groups.get(groupId)
    if (!group) return failed(request, ErrorCode.GROUP_ID_NOT_FOUND)
    if (!group.isUnused) return { ...failed(request, 0), topics: perPartition(request, ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC) }
    try {
      groups.removeOffsets(
        groupId,
        topics.flatMap(({ name, partitions }) => partitions.map(({ partitionIndex }) => [name, partitionIndex] as const)),
      )
      return { ...failed(request, 0), topics: perPartition(request, 0) }
    } catch (error) {
      logger.error(`Offsets of group "${groupId}" cannot be removed: ${(error as Error).message}`)
      return failed(request, ErrorCode.COORDINATOR_NOT_AVAILABLE)
    }
  },

  failed,
})

function perPartition({ body }: Request<'OffsetDelete'>, errorCode: number) {
  return body.topics.map(({ name, partitions }) => ({ name, partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })) }))
}

function failed(_request: Request<'OffsetDelete'>, errorCode: number) {
  return { errorCode, throttleTimeMs: 0, topics: [] }
}
