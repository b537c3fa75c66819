import { ErrorCode } from '@millrace/kafka-protocol'
import { apiHandler } from '../api-handler.ts'

/** SyncGroup 0 to 5: brings the assignments of the leader, and is answered with the member's own once they are stored. */
export const syncGroup = apiHandler({
  api: 'SyncGroup',
  versions: { min: 0, max: 5 },

  respond: ({ body }, { groups }) => groups.get(body.groupId)?.sync(body) ?? failed(ErrorCode.UNKNOWN_MEMBER_ID),
  failed: (_request, errorCode) => failed(errorCode),
})

function failed(errorCode: number) {
  return { errorCode, assignment: Buffer.alloc(0) }
}
