import { ErrorCode } from '@millrace/kafka-protocol'
import { apiHandler, type BrokerServices, type Request } from '../api-handler.ts'
import { offsetEntry, offsetError } from './08-offset-commit.ts'

type Body = Request<'TxnOffsetCommit'>['body']

/**
 * TxnOffsetCommit 0 to 5: offsets that count once the transaction is committed. The group's membership is checked from version 3 on (KIP-447).
 * From version 5 on the group is added to the transaction with its offsets (KIP-890).
 */
export const txnOffsetCommit = apiHandler({
  api: 'TxnOffsetCommit',
  versions: { min: 0, max: 5 },

  respond({ version, body }, services) {
    const groupError = membershipError(body, services)
    if (groupError) return answer(body, () => groupError)
    const errorOf = (topic: string, partition: Partition) => offsetError(services.topics.get(topic), partition, services)
    const entries = body.topics.flatMap(({ name, partitions }) =>
      partitions.filter((partition) => errorOf(name, partition) === 0).map((partition) => offsetEntry(name, partition)),
    )
    if (version >= 5) services.transactions.addGroup(body, body.groupId)
    services.transactions.addOffsets(body, body.groupId, entries)
    return answer(body, errorOf)
  },

  // Clients look for the fencing of a producer under this name here.
  failed: ({ body }, errorCode) => answer(body, () => (errorCode === ErrorCode.PRODUCER_FENCED ? ErrorCode.INVALID_PRODUCER_EPOCH : errorCode)),
})

type Partition = Body['topics'][number]['partitions'][number]

function membershipError({ groupId, memberId, groupInstanceId, generationId }: Body, { groups }: BrokerServices): number {
  if (groupId === '') return ErrorCode.INVALID_GROUP_ID
  // A producer that reads without a group, or is older than KIP-447.
  if (generationId < 0 && memberId === '' && groupInstanceId === null) return 0
  const group = groups.get(groupId)
  return group ? group.transactionalCommitError({ memberId, groupInstanceId, generationId }) : ErrorCode.ILLEGAL_GENERATION
}

function answer({ topics }: Body, errorOf: (topic: string, partition: Partition) => number) {
  return {
    throttleTimeMs: 0,
    topics: topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map((partition) => ({ partitionIndex: partition.partitionIndex, errorCode: errorOf(name, partition) })),
    })),
  }
}
