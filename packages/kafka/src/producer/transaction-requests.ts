import { ErrorCode, errorByCode, KafkaError, kafkaError, type RequestInput, type ResponseBody } from '@millrace/kafka-protocol'
import type { Cluster } from '../cluster.ts'
import type { OffsetCommit } from '../consumer/committed-offsets.ts'
import { asKafkaError, commitFailedError } from '../errors.ts'
import { Coordinator } from '../group/coordinator.ts'
import type { TopicPartition } from '../topic-partition.ts'
import type { ProducerIdentity } from './partition-queue.ts'

/** The consumer on whose behalf offsets are committed: a late member of an earlier generation is refused (KIP-447). */
export interface TransactionGroup {
  readonly groupId: string
  /** Empty for a group without members. */
  readonly memberId?: string
  /** -1 for a group without members. */
  readonly generation?: number
  readonly groupInstanceId?: string | null
}

/**
 * What an error of a transactional request means. `abort`: the transaction has to be aborted. `abort and renew`: so has it, and the epoch of the producer
 * has to be raised. `fatal`: the producer can do nothing any more but be closed.
 */
export type Consequence = 'abort' | 'abort and renew' | 'fatal'

export interface TransactionRequestsOptions {
  readonly cluster: Cluster
  readonly transactionalId: string
  /** After so long the coordinator aborts a transaction by itself. Milliseconds. */
  readonly transactionTimeoutMs: number
}

/** The pause before a transaction is begun again whose predecessor is not quite over: it will be soon. */
const CONCURRENT_PAUSE_MS = 20

const CONTEXTS = {
  InitProducerId: 'Asking for the producer id',
  AddPartitionsToTxn: 'Adding partitions',
  AddOffsetsToTxn: 'Adding the offsets of a group',
  TxnOffsetCommit: 'Committing offsets',
  EndTxn: 'Ending the transaction',
} as const

type TransactionApi = keyof typeof CONTEXTS

/**
 * The requests of the transaction protocol as it was before KIP-890's second part: each partition is added before it is written to.
 * Brokers of all versions take it, those of 4.x included.
 *
 * What may be tried again is, for as long as the client is open: only the coordinator can tell how far a transaction has come.
 * All other errors are thrown; `consequenceOf` tells what they mean.
 */
export class TransactionRequests {
  readonly #cluster: Cluster
  readonly #transactionalId: string
  readonly #transactionTimeoutMs: number
  readonly #coordinator: Coordinator
  #group: Coordinator | null = null

  constructor({ cluster, transactionalId, transactionTimeoutMs }: TransactionRequestsOptions) {
    this.#cluster = cluster
    this.#transactionalId = transactionalId
    this.#transactionTimeoutMs = transactionTimeoutMs
    this.#coordinator = new Coordinator(cluster, transactionalId, 'transaction')
  }

  /**
   * The producer's id, under a new epoch: earlier producers of the same transactional id are fenced, and what they have left open is aborted.
   *
   * @param current to raise the own epoch (KIP-360): fails if another producer has come since; null to take over.
   */
  async initProducerId(current: ProducerIdentity | null): Promise<ProducerIdentity> {
    const own = current === null ? {} : { producerId: current.producerId, producerEpoch: current.producerEpoch }
    const body = { transactionalId: this.#transactionalId, transactionTimeoutMs: this.#transactionTimeoutMs, ...own }
    const { producerId, producerEpoch } = await this.#ask(this.#coordinator, 'InitProducerId', body, ({ errorCode }) => [errorCode])
    return { producerId, producerEpoch, isTransactional: true }
  }

  /** From now on batches for these partitions belong to the transaction. All or none. */
  async addPartitions({ producerId, producerEpoch }: ProducerIdentity, partitions: readonly TopicPartition[]): Promise<void> {
    const byTopic = Map.groupBy(partitions, ({ topic }) => topic)
    const body = {
      v3AndBelowTransactionalId: this.#transactionalId,
      v3AndBelowProducerId: producerId,
      v3AndBelowProducerEpoch: producerEpoch,
      v3AndBelowTopics: [...byTopic].map(([name, of]) => ({ name, partitions: of.map(({ partition }) => partition) })),
    }
    await this.#ask(this.#coordinator, 'AddPartitionsToTxn', body, ({ resultsByTopicV3AndBelow }) =>
      resultsByTopicV3AndBelow.flatMap(({ resultsByPartition }) => resultsByPartition.map(({ partitionErrorCode }) => partitionErrorCode)),
    )
  }

  /** From now on the offsets of this group belong to the transaction. */
  async addOffsets({ producerId, producerEpoch }: ProducerIdentity, groupId: string): Promise<void> {
    const body = { transactionalId: this.#transactionalId, producerId, producerEpoch, groupId }
    await this.#ask(this.#coordinator, 'AddOffsetsToTxn', body, ({ errorCode }) => [errorCode])
  }

  /** Hands the offsets to the group's coordinator, where they count from the end of the transaction on. */
  async commitOffsets({ producerId, producerEpoch }: ProducerIdentity, offsets: readonly OffsetCommit[], group: TransactionGroup): Promise<void> {
    const { groupId, memberId = '', generation = -1, groupInstanceId = null } = group
    if (this.#group?.groupId !== groupId) this.#group = new Coordinator(this.#cluster, groupId)
    const topics = [...Map.groupBy(offsets, ({ topic }) => topic)].map(([name, of]) => ({
      name,
      partitions: of.map(({ partition, offset, leaderEpoch = -1, metadata = '' }) => {
        return { partitionIndex: partition, committedOffset: offset, committedLeaderEpoch: leaderEpoch, committedMetadata: metadata }
      }),
    }))
    const member = { generationId: generation, memberId, groupInstanceId }
    const body = { transactionalId: this.#transactionalId, groupId, producerId, producerEpoch, ...member, topics }
    await this.#ask(this.#group, 'TxnOffsetCommit', body, (answer) => answer.topics.flatMap(({ partitions }) => partitions.map(({ errorCode }) => errorCode)))
  }

  /** Asked again after a lost answer, the coordinator says that all is well if the transaction has ended in the same way. */
  async end({ producerId, producerEpoch }: ProducerIdentity, isCommitted: boolean): Promise<void> {
    const body = { transactionalId: this.#transactionalId, producerId, producerEpoch, committed: isCommitted }
    await this.#ask(this.#coordinator, 'EndTxn', body, ({ errorCode }) => [errorCode])
  }

  async #ask<A extends TransactionApi>(
    coordinator: Coordinator,
    api: A,
    body: RequestInput<A>,
    errorCodes: (answer: ResponseBody<A>) => readonly number[],
  ): Promise<ResponseBody<A>> {
    for (let failures = 1; ; failures++) {
      const outcome = await this.#attempt(coordinator, api, body, errorCodes)
      if (!(outcome instanceof KafkaError)) return outcome
      if (outcome.errorCode === ErrorCode.CONCURRENT_TRANSACTIONS) await this.#cluster.wait(CONCURRENT_PAUSE_MS)
      else await this.#cluster.pause(failures)
    }
  }

  /** The answer, or the error for which it is to be tried again. @throws KafkaError for which it is not. */
  async #attempt<A extends TransactionApi>(
    coordinator: Coordinator,
    api: A,
    body: RequestInput<A>,
    errorCodes: (answer: ResponseBody<A>) => readonly number[],
  ): Promise<ResponseBody<A> | KafkaError> {
    let answer: ResponseBody<A>
    try {
      answer = await coordinator.request('coordinator', api, body)
    } catch (failure) {
      const error = asKafkaError(failure)
      if (error.retriable) return error
      throw error
    }
    const code = decisive(errorCodes(answer))
    if (code === ErrorCode.NONE) return answer
    if (code === ErrorCode.REQUEST_TIMED_OUT) coordinator.forget()
    const error = transactionError(code, `${CONTEXTS[api]} of transactional id "${this.#transactionalId}"`)
    if (coordinator.isLost(code) || error.retriable) return error
    throw error
  }
}

/** The code that decides for all partitions of an answer: one to be tried again first, then the most severe. */
function decisive(codes: readonly number[]): number {
  const severity = (code: number): number => {
    if (code === ErrorCode.NONE) return 0
    // Said of those that would have been fine but for others.
    if (code === ErrorCode.OPERATION_NOT_ATTEMPTED) return 1
    if (errorByCode(code).retriable) return 4
    return consequenceOf(kafkaError(code)) === 'fatal' ? 3 : 2
  }
  return codes.reduce((worst, code) => (severity(code) > severity(worst) ? code : worst), ErrorCode.NONE as number)
}

/** As Java: an epoch that has passed is a producer that is fenced, and a member that is out of its group cannot commit. */
function transactionError(code: number, context: string): KafkaError {
  if (code === ErrorCode.INVALID_PRODUCER_EPOCH) return kafkaError(ErrorCode.PRODUCER_FENCED, context)
  if (code !== ErrorCode.UNKNOWN_MEMBER_ID && code !== ErrorCode.ILLEGAL_GENERATION) return kafkaError(code, context)
  return commitFailedError(`Transaction offset Commit failed due to consumer group metadata mismatch: ${kafkaError(code).message}`)
}

const ABORTING: ReadonlySet<string> = new Set([
  'COMMIT_FAILED',
  'FENCED_INSTANCE_ID',
  'GROUP_AUTHORIZATION_FAILED',
  'OPERATION_NOT_ATTEMPTED',
  'TOPIC_AUTHORIZATION_FAILED',
  'TRANSACTION_ABORTABLE',
  'UNKNOWN_MEMBER_ID',
  'ILLEGAL_GENERATION',
])

/** What an error that a transactional request has ended with means for the producer. */
export function consequenceOf({ code }: KafkaError): Consequence {
  if (code === 'UNKNOWN_PRODUCER_ID' || code === 'INVALID_PRODUCER_ID_MAPPING') return 'abort and renew'
  return ABORTING.has(code) ? 'abort' : 'fatal'
}

const FATAL_TO_RECORDS: ReadonlySet<string> = new Set([
  'CLUSTER_AUTHORIZATION_FAILED',
  'INVALID_PRODUCER_ID_MAPPING',
  'PRODUCER_FENCED',
  'TRANSACTIONAL_ID_AUTHORIZATION_FAILED',
  'UNSUPPORTED_VERSION',
])

/** What the end of a record means for its transaction. */
export function consequenceOfRecord({ code }: KafkaError): Consequence {
  return FATAL_TO_RECORDS.has(code) ? 'fatal' : 'abort'
}

/** The requests as the state machine sees them; so that it can be tested without a broker. */
export type TransactionProtocol = Pick<TransactionRequests, 'initProducerId' | 'addPartitions' | 'addOffsets' | 'commitOffsets' | 'end'>
