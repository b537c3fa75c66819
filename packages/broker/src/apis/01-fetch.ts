import { type CurrentLeader, encodeFetchResponse, ErrorCode, type FetchResponsePartition, KafkaError } from '@millrace/kafka-protocol'
import { type Answer, type ApiHandler, type BrokerServices, NODE_ID, type Request } from '../api-handler.ts'
import type { FetchSession, FetchTarget } from '../fetch-sessions.ts'
import type { LogWatcher, PartitionLog } from '../log/partition-log.ts'
import type { Topic } from '../topics.ts'

const READ_COMMITTED = 1
const SESSION_EPOCH_NEW = 0
const SESSION_EPOCH_NONE = -1
/** With less than this free for answers, a fetch waits. */
const ANSWER_BYTES_MIN = 64 * 1024

interface Wanted extends FetchTarget {
  /** What the partition is answered with instead of records. */
  readonly errorCode: number
  /** Undefined where there is an error. */
  readonly log: PartitionLog | undefined
  /** For a client that takes another one for it. */
  readonly currentLeader?: CurrentLeader
}

/** What a request asks for, its session looked up. */
interface Plan {
  readonly targets: readonly FetchTarget[]
  readonly session: FetchSession | undefined
  /** Whether only news are answered. */
  readonly isIncremental: boolean
}

/**
 * Fetch 4 to 17: whole record batches from each offset asked for, bounded by the sizes of the request and by `fetch.max.bytes`; at least one batch
 * if there is any (KIP-74). Waits until `min_bytes` are there or `max_wait_ms` is over. Committed records end at the last stable offset.
 * Fetch sessions: KIP-227. Topic ids from 13 on: KIP-516. A consumer that says which epoch it read last is told where the log parted from it (KIP-595),
 * and one that took another leader for the present one, which it is (KIP-951).
 */
export const fetch: ApiHandler<'Fetch'> = {
  api: 'Fetch',
  versions: { min: 4, max: 17 },

  answer(request, services) {
    const { maxWaitMs, minBytes } = request.body
    const plan = planOf(request, services)
    if (typeof plan === 'number') return encode(request, [], { errorCode: plan })
    const wanted = resolve(plan.targets, services)
    const isCommittedOnly = request.body.isolationLevel === READ_COMMITTED
    if (maxWaitMs <= 0 || wanted.length === 0 || isReady(wanted, minBytes, isCommittedOnly)) return readWithRoom(request, services, plan, wanted)
    // The topics are looked up again: they may have been deleted meanwhile.
    return moreData(request, wanted, { minBytes, maxWaitMs, isCommittedOnly }).then(() =>
      readWithRoom(request, services, plan, resolve(plan.targets, services)),
    )
  },

  fail(request, errorCode) {
    const partitions = targetsOf(request).map(({ topic, topicId, partition }) => ({ topic, topicId, answer: failed(partition.partition, errorCode) }))
    return encode(request, partitions)
  },
}

function targetsOf({ body }: Request<'Fetch'>): FetchTarget[] {
  return body.topics.flatMap(({ topic, topicId, partitions }) => partitions.map((partition) => ({ topic, topicId, partition })))
}

/** What a request asks for, or what is wrong with its session. */
function planOf(request: Request<'Fetch'>, { fetchSessions, clock }: BrokerServices): Plan | number {
  const { version, body } = request
  const { sessionId, sessionEpoch } = body
  const targets = targetsOf(request)
  const isById = version >= 13
  if (sessionEpoch === SESSION_EPOCH_NEW || sessionEpoch === SESSION_EPOCH_NONE) {
    fetchSessions.close(sessionId)
    return { targets, session: sessionEpoch === SESSION_EPOCH_NEW ? fetchSessions.open(targets, isById, clock()) : undefined, isIncremental: false }
  }
  const session = fetchSessions.get(sessionId)
  if (!session) return ErrorCode.FETCH_SESSION_ID_NOT_FOUND
  if (session.epoch !== sessionEpoch) return ErrorCode.INVALID_FETCH_SESSION_EPOCH
  if (session.isById !== isById) return ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR
  for (const target of targets) session.put(target)
  for (const { topic, topicId, partitions } of body.forgottenTopicsData) for (const partition of partitions) session.forget(topic, topicId, partition)
  fetchSessions.used(session, clock())
  // One without partitions has ended.
  return { targets: session.targets, session: session.size > 0 ? session : undefined, isIncremental: true }
}

function resolve(targets: readonly FetchTarget[], services: BrokerServices): Wanted[] {
  const { topics } = services
  return targets.map((target) => {
    const isById = target.topic === ''
    const topic = isById ? topics.getById(target.topicId) : topics.get(target.topic)
    if (!topic) return { ...target, errorCode: isById ? ErrorCode.UNKNOWN_TOPIC_ID : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, log: undefined }
    const { partition: index, currentLeaderEpoch } = target.partition
    const leadership = leadershipError(topic, index, currentLeaderEpoch, services)
    if (leadership) return { ...target, errorCode: leadership, log: undefined, currentLeader: currentLeader(topic, index, services) }
    try {
      return { ...target, errorCode: 0, log: topics.log(topic, index) }
    } catch (error) {
      return { ...target, errorCode: codeOf(error), log: undefined }
    }
  })
}

/** Why a client cannot use this node as the leader that it takes it for; 0 if it can (KIP-320). */
export function leadershipError(topic: Topic, partition: number, currentLeaderEpoch: number, { leaders }: BrokerServices): number {
  if (leaders.isAway(topic.id, partition)) return ErrorCode.NOT_LEADER_OR_FOLLOWER
  if (currentLeaderEpoch < 0) return 0
  const epoch = leaders.epochOf(topic.id, partition)
  if (currentLeaderEpoch === epoch) return 0
  return currentLeaderEpoch > epoch ? ErrorCode.UNKNOWN_LEADER_EPOCH : ErrorCode.FENCED_LEADER_EPOCH
}

/** The leader of a partition, for a client that did not know (KIP-951). */
export function currentLeader({ id }: Topic, partition: number, { leaders }: BrokerServices): CurrentLeader {
  return { leaderId: leaders.isAway(id, partition) ? -1 : NODE_ID, leaderEpoch: leaders.epochOf(id, partition) }
}

function isReady(wanted: readonly Wanted[], bytesMin: number, isCommittedOnly: boolean): boolean {
  let bytes = 0
  for (const { log, partition } of wanted) {
    if (!log || partition.fetchOffset < log.startOffset || partition.fetchOffset > log.endOffset || divergingEpoch(log, partition)) return true
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
      interrupted: finishSoon,
    }
    const timer = setTimeout(finish, maxWaitMs)
    const stopListening = request.onClosed(finish)
    for (const { log } of wanted) log?.watchers.add(watcher)
  })
}

/** Reads at once, or when other answers have left their memory. */
function readWithRoom(request: Request<'Fetch'>, services: BrokerServices, plan: Plan, wanted: readonly Wanted[]): Answer | Promise<Answer> {
  const { answerMemory } = services
  if (!answerMemory.hasWaiters && answerMemory.freeBytes >= ANSWER_BYTES_MIN) return read(request, services, plan, wanted)
  return new Promise((resolve, reject) => {
    const stopListening = request.onClosed(() => {
      leave()
      resolve(null)
    })
    const leave = answerMemory.whenFree(ANSWER_BYTES_MIN, () => {
      stopListening()
      try {
        resolve(read(request, services, plan, wanted))
      } catch (error) {
        reject(error as Error)
      }
    })
  })
}

function read(request: Request<'Fetch'>, { config, answerMemory }: BrokerServices, plan: Plan, wanted: readonly Wanted[]): Answer {
  // A part of what is free, so that a few large answers that nobody reads leave room for others.
  const share = Math.max(ANSWER_BYTES_MIN, answerMemory.freeBytes / 4)
  let bytesLeft = Math.floor(Math.min(request.body.maxBytes, config.fetchMaxBytes, share))
  let isEmpty = true
  let memory = 0
  const answers: { topic: string; topicId: string; answer: FetchResponsePartition }[] = []
  for (const target of wanted) {
    const answer = readPartition(target, request.body.isolationLevel === READ_COMMITTED, Math.min(target.partition.partitionMaxBytes, bytesLeft), isEmpty)
    const records = answer.records![0]
    if (records && records.length > 0) {
      isEmpty = false
      // The whole of the buffer that holds them.
      memory += records.buffer.byteLength
      bytesLeft = Math.max(0, bytesLeft - records.length)
      if (memory > answerMemory.freeBytes) bytesLeft = 0
    }
    if (isAnswered(plan, target, answer)) answers.push({ topic: target.topic, topicId: target.topicId, answer })
  }
  answerMemory.take(memory)
  request.onAnswered(() => answerMemory.give(memory))
  return encode(request, answers, { sessionId: plan.session?.id ?? 0 })
}

function readPartition(
  { partition, log, errorCode, currentLeader }: Wanted,
  isCommittedOnly: boolean,
  bytesMax: number,
  isOneRequired: boolean,
): FetchResponsePartition {
  const { partition: index, fetchOffset } = partition
  if (!log) return { ...failed(index, errorCode), currentLeader }
  const diverging = divergingEpoch(log, partition)
  if (diverging) {
    return {
      ...failed(index, 0),
      highWatermark: log.endOffset,
      lastStableOffset: log.lastStableOffset,
      logStartOffset: log.startOffset,
      divergingEpoch: diverging,
    }
  }
  try {
    const { records, abortedTransactions } = isCommittedOnly
      ? log.readCommitted(fetchOffset, bytesMax, isOneRequired)
      : { records: log.read(fetchOffset, bytesMax, isOneRequired), abortedTransactions: null }
    return {
      partitionIndex: index,
      errorCode: 0,
      highWatermark: log.endOffset,
      lastStableOffset: log.lastStableOffset,
      logStartOffset: log.startOffset,
      abortedTransactions,
      records: [records],
    }
  } catch (error) {
    return failed(index, codeOf(error))
  }
}

/** Where the log ended for who has read an epoch that it lost records of. */
function divergingEpoch(log: PartitionLog, { lastFetchedEpoch, fetchOffset }: FetchTarget['partition']) {
  if (lastFetchedEpoch < 0) return undefined
  const { leaderEpoch: epoch, endOffset } = log.endOfEpoch(lastFetchedEpoch)
  return epoch >= 0 && (epoch < lastFetchedEpoch || endOffset < fetchOffset) ? { epoch, endOffset } : undefined
}

/** A session is told news alone, but all of them in its first answer. */
function isAnswered({ session, isIncremental }: Plan, target: Wanted, answer: FetchResponsePartition): boolean {
  if (!session) return true
  const { highWatermark, lastStableOffset = -1, logStartOffset = -1 } = answer
  const told = answer.errorCode === 0 && !answer.divergingEpoch ? { highWatermark, lastStableOffset, logStartOffset } : undefined
  const isNews = session.note(target, told, (answer.records?.[0]?.length ?? 0) > 0)
  return isNews || !isIncremental
}

function failed(partitionIndex: number, errorCode: number): FetchResponsePartition {
  return { partitionIndex, errorCode, highWatermark: -1, records: [] }
}

function codeOf(error: unknown): number {
  if (error instanceof KafkaError) return error.errorCode
  throw error
}

function encode(
  { version, correlationId, throttleTimeMs, advertised }: Request<'Fetch'>,
  answers: readonly { readonly topic: string; readonly topicId: string; readonly answer: FetchResponsePartition }[],
  { errorCode = 0, sessionId = 0 }: { readonly errorCode?: number; readonly sessionId?: number } = {},
): Buffer[] {
  const topics = new Map<string, { topic: string; topicId: string; partitions: FetchResponsePartition[] }>()
  for (const { topic, topicId, answer } of answers) {
    const key = version >= 13 ? topicId : topic
    const known = topics.get(key)
    if (known) known.partitions.push(answer)
    else topics.set(key, { topic, topicId, partitions: [answer] })
  }
  const nodeEndpoints = answers.some(({ answer }) => answer.currentLeader) ? [{ nodeId: NODE_ID, ...advertised }] : []
  return encodeFetchResponse({ version, correlationId, throttleTimeMs, errorCode, sessionId, topics: [...topics.values()], nodeEndpoints })
}
