import { ErrorCode, kafkaError } from '@millrace/kafka-protocol'
import { type AdminRequests, type CallOptions, errorOf, type Outcome } from './admin-requests.ts'

/* The numbers go over the wire; the names are those of Java's enumerations, as Kafka's tools print them. */

const resourceTypes = { ANY: 1, TOPIC: 2, GROUP: 3, CLUSTER: 4, TRANSACTIONAL_ID: 5, DELEGATION_TOKEN: 6, USER: 7 } as const
const patternTypes = { ANY: 1, MATCH: 2, LITERAL: 3, PREFIXED: 4 } as const
const operations = {
  ANY: 1,
  ALL: 2,
  READ: 3,
  WRITE: 4,
  CREATE: 5,
  DELETE: 6,
  ALTER: 7,
  DESCRIBE: 8,
  CLUSTER_ACTION: 9,
  DESCRIBE_CONFIGS: 10,
  ALTER_CONFIGS: 11,
  IDEMPOTENT_WRITE: 12,
  CREATE_TOKENS: 13,
  DESCRIBE_TOKENS: 14,
  TWO_PHASE_COMMIT: 15,
} as const
const permissionTypes = { ANY: 1, DENY: 2, ALLOW: 3 } as const

/** What a newer broker tells, and nobody knows here. */
const UNKNOWN = 'UNKNOWN'

/** Who may do, or must not do, what with which resource. */
export interface AclBinding {
  readonly resourceType: Exclude<keyof typeof resourceTypes, 'ANY'> | typeof UNKNOWN
  /** `kafka-cluster` for the cluster, `*` for all of the type. */
  readonly resourceName: string
  /** `PREFIXED`: all whose names begin so. */
  readonly patternType: 'LITERAL' | 'PREFIXED' | typeof UNKNOWN
  /** Such as `User:alice`; `User:*` for everybody. */
  readonly principal: string
  /** An address, or `*`. */
  readonly host: string
  readonly operation: Exclude<keyof typeof operations, 'ANY'> | typeof UNKNOWN
  readonly permissionType: 'ALLOW' | 'DENY' | typeof UNKNOWN
}

/** What is left out fits everything. */
export interface AclFilter {
  readonly resourceType?: keyof typeof resourceTypes
  readonly resourceName?: string
  /** `MATCH`: all that count for the name, prefixes and `*` included. Default `ANY`: all that are written with this name. */
  readonly patternType?: keyof typeof patternTypes
  readonly principal?: string
  readonly host?: string
  readonly operation?: keyof typeof operations
  readonly permissionType?: keyof typeof permissionTypes
}

export interface AclResult extends Outcome {
  readonly binding: AclBinding
}

export interface DeletedAcls extends Outcome {
  readonly filter: AclFilter
  /** What fitted the filter; each has its own error if it could not be deleted. */
  readonly deleted: readonly AclResult[]
}

export async function createAcls(requests: AdminRequests, bindings: readonly AclBinding[], options: CallOptions): Promise<readonly AclResult[]> {
  const creations = bindings.map(({ resourceName, principal, host, ...binding }) => ({
    resourceType: number(resourceTypes, binding.resourceType),
    resourceName,
    resourcePatternType: number(patternTypes, binding.patternType),
    principal,
    host,
    operation: number(operations, binding.operation),
    permissionType: number(permissionTypes, binding.permissionType),
  }))
  const { results } = await requests.untilDone('createAcls', () => requests.any('CreateAcls', { creations }), options)
  return bindings.map((binding, i) => ({ binding, error: errorOf(text(binding), results[i]?.errorCode, results[i]?.errorMessage) }))
}

export async function describeAcls(requests: AdminRequests, filter: AclFilter, options: CallOptions): Promise<readonly AclBinding[]> {
  const answer = await requests.untilDone('describeAcls', () => requests.any('DescribeAcls', wire(filter)), options)
  const error = errorOf('Describing ACLs', answer.errorCode, answer.errorMessage)
  if (error) throw error
  return answer.resources.flatMap(({ acls, ...resource }) => acls.map((acl) => binding({ ...resource, ...acl })))
}

export async function deleteAcls(requests: AdminRequests, filters: readonly AclFilter[], options: CallOptions): Promise<readonly DeletedAcls[]> {
  const { filterResults } = await requests.untilDone('deleteAcls', () => requests.any('DeleteAcls', { filters: filters.map(wire) }), options)
  return filters.map((filter, i) => {
    const result = filterResults[i]
    const deleted = (result?.matchingAcls ?? []).map((acl) => {
      const found = binding(acl)
      return { binding: found, error: errorOf(text(found), acl.errorCode, acl.errorMessage) }
    })
    return { filter, deleted, error: errorOf(`ACL filter ${JSON.stringify(filter)}`, result?.errorCode, result?.errorMessage) }
  })
}

function wire({ resourceType = 'ANY', resourceName, patternType = 'ANY', principal, host, operation = 'ANY', permissionType = 'ANY' }: AclFilter) {
  return {
    resourceTypeFilter: resourceTypes[resourceType],
    resourceNameFilter: resourceName ?? null,
    patternTypeFilter: patternTypes[patternType],
    principalFilter: principal ?? null,
    hostFilter: host ?? null,
    operation: operations[operation],
    permissionType: permissionTypes[permissionType],
  }
}

interface WireAcl {
  readonly resourceType: number
  readonly resourceName: string
  readonly patternType: number
  readonly principal: string
  readonly host: string
  readonly operation: number
  readonly permissionType: number
}

function binding({ resourceType, resourceName, patternType, principal, host, operation, permissionType }: WireAcl): AclBinding {
  return {
    resourceType: name(resourceTypes, resourceType) as AclBinding['resourceType'],
    resourceName,
    patternType: name(patternTypes, patternType) as AclBinding['patternType'],
    principal,
    host,
    operation: name(operations, operation) as AclBinding['operation'],
    permissionType: name(permissionTypes, permissionType) as AclBinding['permissionType'],
  }
}

function name(names: Readonly<Record<string, number>>, value: number): string {
  return Object.keys(names).find((name) => names[name] === value) ?? UNKNOWN
}

/** @throws KafkaError `INVALID_REQUEST` for what only a newer broker knows. */
function number(names: Readonly<Record<string, number>>, name: string): number {
  const value = names[name]
  if (value !== undefined) return value
  throw kafkaError(ErrorCode.INVALID_REQUEST, `"${name}" is none of ${Object.keys(names).join(', ')}`)
}

function text({ permissionType, principal, host, operation, patternType, resourceType, resourceName }: AclBinding): string {
  return `ACL that ${permissionType === 'DENY' ? 'denies' : 'allows'} "${principal}" from ${host} ${operation} on ${patternType} ${resourceType} "${resourceName}"`
}
