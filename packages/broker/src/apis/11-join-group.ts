import { ErrorCode, type ResponseInput } from '@millrace/kafka-protocol'
import { apiHandler, type BrokerServices, type Request } from '../api-handler.ts'
import type { JoinResult } from '../groups/group-member.ts'
import { ownBytes } from '../own-bytes.ts'

/**
 * JoinGroup 0 to 9 (KIP-62): answered when all members have joined. From 4 on a new member is first given its id (KIP-394), from 5 on it may be
 * static (KIP-345), from 9 on a static leader that comes back is told not to assign (KIP-814).
 */
export const joinGroup = apiHandler({
  api: 'JoinGroup',
  versions: { min: 0, max: 9 },

  respond(request, services) {
    const error = requestError(request, services)
    if (error) return failed(request, error)
    const { version, body, clientId, clientHost } = request
    const group = body.memberId === '' ? services.groups.getOrCreate(body.groupId) : services.groups.get(body.groupId)
    if (!group) return failed(request, ErrorCode.UNKNOWN_MEMBER_ID)
    const result = group.join({
      ...body,
      // Before version 1 there is one time-out for both.
      rebalanceTimeoutMs: version >= 1 ? body.rebalanceTimeoutMs : body.sessionTimeoutMs,
      // The request's buffer would stay in memory as long as the member.
      protocols: body.protocols.map(({ name, metadata }) => ({ name, metadata: ownBytes(metadata) })),
      clientId: clientId ?? '',
      clientHost,
      isMemberIdRequired: version >= 4,
      canSkipAssignment: version >= 9,
    })
    return result instanceof Promise ? result.then((late) => encodable(late, version)) : encodable(result, version)
  },

  failed,
})

function requestError({ body: { groupId, sessionTimeoutMs } }: Request<'JoinGroup'>, { config }: BrokerServices): number {
  if (groupId === '') return ErrorCode.INVALID_GROUP_ID
  const isValid = sessionTimeoutMs >= config.groupMinSessionTimeoutMs && sessionTimeoutMs <= config.groupMaxSessionTimeoutMs
  return isValid ? 0 : ErrorCode.INVALID_SESSION_TIMEOUT
}

function encodable(result: JoinResult, version: number): ResponseInput<'JoinGroup'> {
  return { ...result, protocolName: result.protocolName ?? (version >= 7 ? null : '') }
}

function failed({ version, body }: Request<'JoinGroup'>, errorCode: number): ResponseInput<'JoinGroup'> {
  return { errorCode, protocolName: version >= 7 ? null : '', leader: '', memberId: body.memberId, members: [] }
}
