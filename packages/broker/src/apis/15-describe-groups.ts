import { ErrorCode } from '@millrace/kafka-protocol'
import { apiHandler, type BrokerServices } from '../api-handler.ts'

/** DescribeGroups 0 to 6: state and members. An unknown group is `Dead`, from 6 on GROUP_ID_NOT_FOUND (KIP-1043). */
export const describeGroups = apiHandler({
  api: 'DescribeGroups',
  versions: { min: 0, max: 6 },

  respond: ({ version, body }, services) => ({ groups: body.groups.map((groupId) => described(groupId, version, services)) }),
  failed: ({ body }, errorCode) => ({ groups: body.groups.map((groupId) => ({ ...unknown(groupId), groupState: '', errorCode })) }),
})

function described(groupId: string, version: number, { groups }: BrokerServices) {
  const group = groups.get(groupId)
  if (!group) {
    if (version < 6) return unknown(groupId)
    return { ...unknown(groupId), errorCode: ErrorCode.GROUP_ID_NOT_FOUND, errorMessage: `Group ${groupId} not found.` }
  }
  const { state, protocolType } = group
  // What the members said counts only for the generation that stands.
  const protocolName = state === 'Stable' ? group.protocolName : null
  return {
    errorCode: 0,
    groupId,
    groupState: state,
    protocolType: protocolType ?? '',
    protocolData: protocolName ?? '',
    members: [...group.members].map((member) => ({
      memberId: member.memberId,
      groupInstanceId: member.groupInstanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      memberMetadata: member.metadata(protocolName),
      memberAssignment: member.assignment,
    })),
  }
}

function unknown(groupId: string) {
  return { errorCode: 0, groupId, groupState: 'Dead', protocolType: '', protocolData: '', members: [] }
}
