import { encodeFetchResponse, ErrorCode, type FetchResponsePartition, KafkaError } from '@millrace/kafka-protocol'
import type { Answer, ApiHandler, BrokerServices, Request } from '../api-handler.ts'
import { LEADER_EPOCH, type LogWatcher, type PartitionLog } from '../log/partition-log.ts'

const READ_COMMITTED = 1

type WantedPartition = Request<'Fetch'>['body']['topics'][number]['partitions'][number]

interface Wanted {
  readonly topic: string
  readonly topicId: string
  readonly partition: WantedPartition
  /** What the partition is answered with instead of records. */
  readonly errorCode: number
  /** Undefined where there is an error. */
  readonly log: PartitionLog | undefined
}

/**
 * Fetch 4 to 17: whole record batches from each offset asked for, bounded by the sizes of the request and by `fetch.max.bytes`; at least one batch
 * if there is any (KIP-74). Waits until `min_bytes` are there or `max_wait_ms` is over. Committed records end at the last stable offset.
 * Fetch sessions (KIP-227) are never opened: clients then name all partitions each time. Topic ids from 13 on: KIP-516.
 */
export const fetch: ApiHandler<'Fetch'> = {
  api: 'Fetch',
  versions: { min: 4, max: 17 },

  answer(request, services) {
    const { maxWaitMs, minBytes, sessionId, sessionEpoch } = request.body
    if (sessionId !== 0 && sessionEpoch > 0) return encode(request, [], ErrorCode.FETCH_SESSION_ID_NOT_FOUND)
    const wanted = resolve(request, services)
    const isCommittedOnly = request.body.isolationLevel === READ_COMMITTED
    if (maxWaitMs <= 0 || wanted.length === 0 || isReady(wanted, minBytes, isCommittedOnly)) return read(request, services, wanted)
    // The topics are looked up again: they may have been deleted meanwhile.
    return moreData(request, wanted, { minBytes, maxWaitMs, isCommittedOnly }).then(() => read(request, services, resolve(request, services)))
  },

  fail(request, errorCode) {
    const partitions = request.body.topics.flatMap(({ topic, topicId, partitions }) =>
      partitions.map(({ partition }) => ({ topic, topicId, answer: failed(partition, errorCode) })),
    )
    return encode(request, partitions)
  },
}

function resolve({ version, body }: Request<'Fetch'>, { topics }: BrokerServices): Wanted[] {
  return body.topics.flatMap(({ topic: name, topicId, partitions }) => {
    const topic = version >= 13 ? topics.getById(topicId) : topics.get(name)
    const unknown = version >= 13 ? ErrorCode.UNKNOWN_TOPIC_ID : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    return partitions.map((partition): Wanted => {
      const place = { topic: name, topicId, partition }
      if (!topic) return { ...place, errorCode: unknown, log: undefined }
      const epochError = leaderEpochError(partition.currentLeaderEpoch)
      if (epochError) return { ...place, errorCode: epochError, log: undefined }
      try {
        return { ...place, errorCode: 0, log: topics.log(topic, partition.partition) }
      } catch (error) {
        return { ...place, errorCode: codeOf(error), log: undefined }
      }
    })
  })
}

/** What is wrong with the leader epoch that a client knows; 0 if nothing (KIP-320). */
export function leaderEpochError(epoch: number): number {
  if (epoch < 0 || epoch === LEADER_EPOCH) return 0
  return epoch > LEADER_EPOCH ? ErrorCode.UNKNOWN_LEADER_EPOCH : ErrorCode.FENCED_LEADER_EPOCH
}

function isReady(wanted: readonly Wanted[], bytesMin: number, isCommittedOnly: boolean): boolean {
  let bytes = 0
  for (const { log, partition } of wanted) {
    if (!log || partition.fetchOffset < log.startOffset || partition.fetchOffset > log.endOffset) return true
    if (partition.fetchOffset >= (isCommittedOnly ? log.lastStableOffset : log.endOffset)) continue
    if (bytesMin <= 1) return true
    bytes += Math.min(log.bytesFrom(partition.fetchOffset), partition.partitionMaxBytes)
  }
  return bytes >= bytesMin
}

/** Resolves when enough was appended to the logs, the time is over, a log is deleted, or the client is gone. */
function moreData(
  request: Request<'Fetch'>,
  wanted: readonly Wanted[],
  { minBytes, maxWaitMs, isCommittedOnly }: { readonly minBytes: number; readonly maxWaitMs: number; readonly isCommittedOnly: boolean },
): Promise<void> {
  return new Promise((resolve) => {
    let bytes = 0
    for (const { log, partition } of wanted) bytes += log?.bytesFrom(partition.fetchOffset) ?? 0
    let isDone = false
    const finish = () => {
      if (isDone) return
      isDone = true
      clearTimeout(timer)
      stopListening()
      for (const { log } of wanted) log?.watchers.delete(watcher)
      resolve()
    }
    // After what else arrived in this turn has been appended: the consumer then gets all of it at once.
    const finishSoon = () => setImmediate(finish)
    const watcher: LogWatcher = {
      appended(appended) {
        bytes += appended
        // What belongs to a running transaction is nothing yet for who wants committed records.
        if (bytes >= minBytes && (!isCommittedOnly || isReady(wanted, minBytes, true))) finishSoon()
      },
      removed: finishSoon,
    }
    const timer = setTimeout(finish, maxWaitMs)
    const stopListening = request.onClosed(finish)
    for (const { log } of wanted) log?.watchers.add(watcher)
  })
}

function read(request: Request<'Fetch'>, { config }: BrokerServices, wanted: readonly Wanted[]): Answer {
  let bytesLeft = Math.min(request.body.maxBytes, config.fetchMaxBytes)
  let isEmpty = true
  const answers = wanted.map(({ topic, topicId, partition, log, errorCode }) => {
    const { partition: index, fetchOffset, partitionMaxBytes } = partition
    if (!log) return { topic, topicId, answer: failed(index, errorCode) }
    try {
      const bytesMax = Math.min(partitionMaxBytes, bytesLeft)
      const { records, abortedTransactions } =
        request.body.isolationLevel === READ_COMMITTED
          ? log.readCommitted(fetchOffset, bytesMax, isEmpty)
          : { records: log.read(fetchOffset, bytesMax, isEmpty), abortedTransactions: null }
      bytesLeft = Math.max(0, bytesLeft - records.length)
      if (records.length > 0) isEmpty = false
      const answer: FetchResponsePartition = {
        partitionIndex: index,
        errorCode: 0,
        highWatermark: log.endOffset,
        lastStableOffset: log.lastStableOffset,
        logStartOffset: log.startOffset,
        abortedTransactions,
        records: [records],
      }
      return { topic, topicId, answer }
    } catch (error) {
      return { topic, topicId, answer: failed(index, codeOf(error)) }
    }
  })
  return encode(request, answers)
}

function failed(partitionIndex: number, errorCode: number): FetchResponsePartition {
  return { partitionIndex, errorCode, highWatermark: -1, records: [] }
}

function codeOf(error: unknown): number {
  if (error instanceof KafkaError) return error.errorCode
  throw error
}

function encode(
  { version, correlationId }: Request<'Fetch'>,
  answers: readonly { readonly topic: string; readonly topicId: string; readonly answer: FetchResponsePartition }[],
  errorCode = 0,
): Buffer[] {
  const topics = new Map<string, { topic: string; topicId: string; partitions: FetchResponsePartition[] }>()
  for (const { topic, topicId, answer } of answers) {
    const key = version >= 13 ? topicId : topic
    const known = topics.get(key)
    if (known) known.partitions.push(answer)
    else topics.set(key, { topic, topicId, partitions: [answer] })
  }
  return encodeFetchResponse({ version, correlationId, errorCode, topics: [...topics.values()] })
}
