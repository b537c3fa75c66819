import { encodeResponse, ErrorCode, KafkaError, RECORD_BATCH_HEADER_BYTES, RecordBatchView } from '@millrace/kafka-protocol'
import { type ApiHandler, type BrokerServices, NODE_ID, type Request } from '../api-handler.ts'
import type { PartitionLog } from '../log/partition-log.ts'
import { partitionName } from '../transactions/transaction.ts'
import { currentLeader, leadershipError } from './01-fetch.ts'

interface PartitionAnswer {
  readonly index: number
  readonly errorCode: number
  readonly errorMessage?: string | null
  readonly baseOffset: number
  readonly logAppendTimeMs?: number
  readonly logStartOffset?: number
  readonly currentLeader?: { readonly leaderId: number; readonly leaderEpoch: number }
}

interface TopicAnswer {
  readonly name: string
  readonly topicId: string
  readonly partitionResponses: readonly PartitionAnswer[]
}

/**
 * Produce 3 to 13: appends one record batch to each partition named, and answers when all are in the page cache, or on the disk where
 * `flush.messages` asks for it. With `acks=0` there is no answer; an error then closes the connection, as in Kafka, so that the client looks again.
 * `acks=1` and `acks=all` are the same on one node.
 * Idempotent and transactional producers: KIP-98; errors of records: KIP-467 (the whole batch is refused); topic ids from 13 on: KIP-516.
 * From 12 on a partition is added to the transaction with its first records (KIP-890).
 */
export const produce: ApiHandler<'Produce'> = {
  api: 'Produce',
  versions: { min: 3, max: 13 },

  answer(request, services) {
    const { acks, topicData } = request.body
    if (acks !== 0 && acks !== 1 && acks !== -1) return this.fail(request, ErrorCode.INVALID_REQUIRED_ACKS)
    const now = services.clock()
    addToTransaction(request, services)
    const unflushed: PartitionLog[] = []
    const responses = topicData.map(({ name, topicId, partitionData }) => ({
      name,
      topicId,
      partitionResponses: partitionData.map(({ index, records }) => append(request, services, { name, topicId, index, records, now, unflushed })),
    }))
    if (acks === 0) return responses.some(({ partitionResponses }) => partitionResponses.some(({ errorCode }) => errorCode !== 0)) ? 'close' : null
    if (unflushed.length === 0) return encode(request, responses)
    return Promise.all(unflushed.map((log) => log.flush())).then(() => encode(request, responses))
  },

  fail(request, errorCode) {
    const { acks, topicData } = request.body
    if (acks === 0) return 'close'
    const responses = topicData.map(({ name, topicId, partitionData }) => ({
      name,
      topicId,
      partitionResponses: partitionData.map(({ index }) => ({ index, errorCode, baseOffset: -1 })),
    }))
    return encode(request, responses)
  },
}

/** All partitions at once: one by one, each would be written with all those before it. What is wrong is found again, with its reason, at each partition. */
function addToTransaction({ version, body }: Request<'Produce'>, { topics, transactions }: BrokerServices): void {
  const { transactionalId, topicData } = body
  const records = topicData[0]?.partitionData[0]?.records
  if (version < 12 || transactionalId === null || !records || records.length < RECORD_BATCH_HEADER_BYTES) return
  const { producerId, producerEpoch } = new RecordBatchView(records, 0, records.length)
  const names = topicData.flatMap(({ name, topicId, partitionData }) => {
    const topic = version >= 13 ? topics.getById(topicId) : topics.get(name)
    const there = partitionData.filter(({ index }) => topic !== undefined && index >= 0 && index < topic.partitionCount)
    return there.map(({ index }) => partitionName(topic!.name, index))
  })
  if (names.length < 2) return
  try {
    transactions.addPartitions({ transactionalId, producerId, producerEpoch }, names)
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error
  }
}

function append(
  { version, body }: Request<'Produce'>,
  services: BrokerServices,
  {
    name,
    topicId,
    index,
    records,
    now,
    unflushed,
  }: {
    name: string
    topicId: string
    index: number
    records: Buffer | null
    now: number
    unflushed: PartitionLog[]
  },
): PartitionAnswer {
  const { topics, transactions, logger } = services
  const topic = version >= 13 ? topics.getById(topicId) : topics.get(name)
  if (!topic) return failed(index, version >= 13 ? ErrorCode.UNKNOWN_TOPIC_ID : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
  const leadership = leadershipError(topic, index, -1, services)
  if (leadership) return { ...failed(index, leadership), currentLeader: currentLeader(topic, index, services) }
  try {
    const log = topics.log(topic, index)
    const { baseOffset, logAppendTime } = log.append(records ?? Buffer.alloc(0), now, version >= 12 ? transactions.guardAdding : transactions.guard)
    if (log.isFlushDue) unflushed.push(log)
    return { index, errorCode: 0, baseOffset, logAppendTimeMs: logAppendTime, logStartOffset: log.startOffset }
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error
    if (body.acks === 0) logger.warn(`Records for "${topic.name}-${index}" were refused, and their producer asked for no answer: ${error.message}`)
    return failed(index, error.errorCode, error.message)
  }
}

function failed(index: number, errorCode: number, errorMessage: string | null = null): PartitionAnswer {
  return { index, errorCode, errorMessage, baseOffset: -1, logStartOffset: -1 }
}

function encode({ version, correlationId, throttleTimeMs, advertised }: Request<'Produce'>, responses: readonly TopicAnswer[]): Buffer[] {
  const body = {
    throttleTimeMs,
    ...(version >= 10 && isElsewhere(responses) && { nodeEndpoints: [{ nodeId: NODE_ID, ...advertised }] }),
    responses: responses.map(({ name, topicId, partitionResponses }) => ({
      name,
      topicId,
      partitionResponses: partitionResponses.map(({ currentLeader, ...partition }) => ({
        ...partition,
        recordErrors: [],
        ...(version >= 10 && currentLeader && { currentLeader }),
      })),
    })),
  }
  return [encodeResponse({ api: 'Produce', version, correlationId, body })]
}

/** Whether any partition has another leader than its client thought (KIP-951). */
function isElsewhere(responses: readonly TopicAnswer[]): boolean {
  return responses.some(({ partitionResponses }) => partitionResponses.some(({ currentLeader }) => currentLeader !== undefined))
}
