import { consumerProtocol, ErrorCode, type KafkaError, kafkaError, type ResponseBody } from '@millrace/kafka-protocol'
import { asKafkaError } from '../errors.ts'
import type { Coordinator } from '../group/coordinator.ts'
import type { TopicPartition } from '../topic-partition.ts'
import { type AdminRequests, type CallOptions, errorOf, type Outcome } from './admin-requests.ts'
import type { Result } from './topics.ts'

export interface GroupFilter extends CallOptions {
  /** Such as `Stable` or `Empty`; default all. */
  readonly states?: readonly string[]
  /** `Classic`, `Consumer` and so on; default all. */
  readonly types?: readonly string[]
  /** Such as `consumer` or `connect`; empty for groups that only commit offsets. Default all. */
  readonly protocolTypes?: readonly string[]
}

export interface GroupListing {
  readonly groupId: string
  /** `consumer`, `connect` or another; empty for a group without members. */
  readonly protocolType: string
  /** Such as `Stable`; null where the broker does not tell (before Kafka 2.6). */
  readonly state: string | null
  /** Such as `Classic`; null where the broker does not tell (before Kafka 3.8). */
  readonly type: string | null
}

export interface GroupListings {
  readonly groups: readonly GroupListing[]
  /** Of brokers that could not be asked: their groups are missing. */
  readonly errors: readonly KafkaError[]
}

export interface GroupMemberDescription {
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly clientId: string
  readonly host: string
  /** Null in groups that do not share out partitions. */
  readonly assignment: readonly TopicPartition[] | null
}

export interface GroupDescription extends Outcome {
  readonly groupId: string
  readonly protocolType: string
  /** Such as `Stable`, `PreparingRebalance`, `CompletingRebalance`, `Empty`, `Dead`. */
  readonly state: string
  /** What the group has settled on, such as `range`. */
  readonly partitionAssignor: string
  readonly members: readonly GroupMemberDescription[]
}

/** By its member id, or a static one by its instance id. */
export type MemberToRemove = { readonly memberId: string } | { readonly groupInstanceId: string }

export interface RemovedMember extends Outcome {
  /** Empty for one that was named by its instance id. */
  readonly memberId: string
  readonly groupInstanceId: string | null
}

const REASON = 'member was removed by an admin'

export async function listGroups(requests: AdminRequests, filter: GroupFilter): Promise<GroupListings> {
  const { protocolTypes } = filter
  const { found, errors } = await requests.fromAllBrokers('listGroups', (broker) => groupsOf(requests, broker, filter), filter)
  // A group that moves from one coordinator to another may be named by both.
  const groups = [...new Map(found.map((group) => [group.groupId, group])).values()]
  return { groups: groups.filter(({ protocolType }) => protocolTypes?.includes(protocolType) ?? true), errors }
}

async function groupsOf(requests: AdminRequests, broker: number, { states = [], types = [] }: GroupFilter): Promise<GroupListing[]> {
  const answer = await requests.toBroker(broker, 'ListGroups', (version) => {
    if (states.length > 0 && version < 4) throw kafkaError(ErrorCode.UNSUPPORTED_VERSION, `Broker ${broker} cannot filter groups by state`)
    if (types.length > 0 && version < 5) throw kafkaError(ErrorCode.UNSUPPORTED_VERSION, `Broker ${broker} cannot filter groups by type`)
    return { ...(version >= 4 ? { statesFilter: states } : {}), ...(version >= 5 ? { typesFilter: types } : {}) }
  })
  if (answer.errorCode !== ErrorCode.NONE) throw kafkaError(answer.errorCode, `Listing the groups of broker ${broker}`)
  return answer.groups.map(({ groupId, protocolType, groupState, groupType }) => ({
    groupId,
    protocolType,
    state: groupState || null,
    type: typeName(groupType),
  }))
}

/** Brokers write `classic`, Java shows `Classic`. */
function typeName(type: string): string | null {
  return type === '' ? null : type[0]!.toUpperCase() + type.slice(1).toLowerCase()
}

export async function describeConsumerGroups(requests: AdminRequests, groupIds: readonly string[], options: CallOptions): Promise<readonly GroupDescription[]> {
  const failed = (groupId: string, error: KafkaError): GroupDescription => {
    return { groupId, protocolType: '', state: 'Unknown', partitionAssignor: '', members: [], error }
  }
  const describe = async (groupId: string) => {
    const group = await requests.fromCoordinator(
      'describeConsumerGroups',
      { id: groupId },
      async (coordinator) => (await coordinator.request('data', 'DescribeGroups', { groups: [groupId] })).groups[0],
      options,
    )
    const error = errorOf(named(groupId), group?.errorCode, group?.errorMessage)
    if (error || !group) return failed(groupId, error!)
    // Before KIP-1043 a group that does not exist was described as a dead one.
    if (group.groupState === 'Dead' && group.members.length === 0) return failed(groupId, kafkaError(ErrorCode.GROUP_ID_NOT_FOUND, named(groupId)))
    return description(group)
  }
  return await requests.each(groupIds, describe, failed)
}

export async function deleteConsumerGroups(requests: AdminRequests, groupIds: readonly string[], options: CallOptions): Promise<readonly Result[]> {
  const remove = async (name: string) => {
    const result = await requests.fromCoordinator(
      'deleteConsumerGroups',
      { id: name },
      async (coordinator) => (await coordinator.request('data', 'DeleteGroups', { groupsNames: [name] })).results[0],
      options,
    )
    return { name, error: errorOf(named(name), result?.errorCode) }
  }
  return await requests.each(groupIds, remove, (name, error) => ({ name, error }))
}

export async function removeMembersFromConsumerGroup(
  requests: AdminRequests,
  groupId: string,
  { members, reason = '', ...options }: CallOptions & { readonly members?: readonly MemberToRemove[]; readonly reason?: string },
): Promise<readonly RemovedMember[]> {
  const leaving = (members ?? (await allMembers(requests, groupId, options))).map((member) =>
    'memberId' in member ? { memberId: member.memberId, groupInstanceId: null } : { memberId: '', groupInstanceId: member.groupInstanceId },
  )
  if (leaving.length === 0) return []
  return await requests.fromCoordinator(
    'removeMembersFromConsumerGroup',
    { id: groupId },
    (coordinator) => leave(coordinator, leaving, reason === '' ? REASON : reason),
    options,
  )
}

interface Leaving {
  readonly memberId: string
  readonly groupInstanceId: string | null
}

async function allMembers(requests: AdminRequests, groupId: string, options: CallOptions): Promise<MemberToRemove[]> {
  const [group] = await describeConsumerGroups(requests, [groupId], options)
  if (group?.error) throw group.error
  // A static member has to be named by its instance id.
  return (group?.members ?? []).map(({ memberId, groupInstanceId }) => (groupInstanceId === null ? { memberId } : { groupInstanceId }))
}

async function leave(coordinator: Coordinator, leaving: readonly Leaving[], reason: string): Promise<(RemovedMember & { errorCode: number })[]> {
  const { groupId } = coordinator
  let isSingle = false
  const answer = await coordinator.request('data', 'LeaveGroup', (version) => {
    if (version >= 3) return { groupId, members: leaving.map((member) => ({ ...member, reason })) }
    isSingle = true
    const { memberId, groupInstanceId } = leaving[0]!
    if (groupInstanceId !== null) throw kafkaError(ErrorCode.UNSUPPORTED_VERSION, `The coordinator of ${named(groupId)} knows no static members`)
    return { groupId, memberId }
  })
  const codeOf = ({ memberId, groupInstanceId }: Leaving) =>
    answer.errorCode ||
    (answer.members.find((member) => (groupInstanceId === null ? member.memberId === memberId : member.groupInstanceId === groupInstanceId))?.errorCode ??
      ErrorCode.NONE)
  const left = leaving.slice(0, isSingle ? 1 : undefined).map((member) => {
    const errorCode = codeOf(member)
    const name = member.groupInstanceId === null ? `Member "${member.memberId}"` : `Static member "${member.groupInstanceId}"`
    return { ...member, errorCode, error: errorOf(`${name} of group "${groupId}"`, errorCode) }
  })
  return isSingle && leaving.length > 1 ? [...left, ...(await leave(coordinator, leaving.slice(1), reason))] : left
}

function named(groupId: string): string {
  return `Group "${groupId}"`
}

function description(group: ResponseBody<'DescribeGroups'>['groups'][number]): GroupDescription {
  const { groupId, groupState, protocolType, protocolData } = group
  const described = { groupId, protocolType, state: groupState, partitionAssignor: protocolData }
  try {
    const members = group.members.map(({ memberId, groupInstanceId, clientId, clientHost, memberAssignment }) => ({
      memberId,
      groupInstanceId,
      clientId,
      host: clientHost,
      assignment: protocolType === 'consumer' ? partitionsOf(memberAssignment) : null,
    }))
    return { ...described, members, error: null }
  } catch (error) {
    // A member may have told anything.
    return { ...described, members: [], error: asKafkaError(error) }
  }
}

function partitionsOf(assignment: Buffer): TopicPartition[] {
  return consumerProtocol
    .decodeAssignment(assignment)
    .assignedPartitions.flatMap(({ topic, partitions }) => partitions.map((partition) => ({ topic, partition })))
}
