import { ErrorCode } from '@millrace/kafka-protocol'
import { apiHandler, type Request } from '../api-handler.ts'

/** LeaveGroup 0 to 5: members leave without waiting for their session to end. Several from 3 on, static ones by instance id alone (KIP-345). */
export const leaveGroup = apiHandler({
  api: 'LeaveGroup',
  versions: { min: 0, max: 5 },

  respond(request, { groups }) {
    const group = groups.get(request.body.groupId)
    const left = wanted(request).map((member) => ({
      memberId: member.memberId,
      groupInstanceId: member.groupInstanceId,
      errorCode: group ? group.leave(member) : ErrorCode.UNKNOWN_MEMBER_ID,
    }))
    if (request.version >= 3) return { errorCode: group ? 0 : ErrorCode.UNKNOWN_MEMBER_ID, members: group ? left : [] }
    return { errorCode: left[0]!.errorCode }
  },

  failed: (_request, errorCode) => ({ errorCode }),
})

function wanted({ version, body }: Request<'LeaveGroup'>) {
  return version >= 3 ? body.members : [{ memberId: body.memberId, groupInstanceId: null, reason: null }]
}
