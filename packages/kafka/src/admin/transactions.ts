import { ErrorCode, type KafkaError, kafkaError } from '@millrace/kafka-protocol'
import { partitionName, type TopicPartition } from '../topic-partition.ts'
import { type AdminRequests, type CallOptions, errorOf, type Outcome } from './admin-requests.ts'

export interface FencedProducer extends Outcome {
  readonly transactionalId: string
  /** -1 if `error` is set. */
  readonly producerId: number
  readonly producerEpoch: number
}

export interface TransactionDescription extends Outcome {
  readonly transactionalId: string
  /** `Empty`, `Ongoing`, `PrepareCommit`, `PrepareAbort`, `CompleteCommit`, `CompleteAbort`, `Dead` or `PrepareEpochFence`. */
  readonly state: string
  readonly producerId: number
  readonly producerEpoch: number
  readonly timeoutMs: number
  /** Milliseconds since 1970; -1 while no transaction is open. */
  readonly startTimeMs: number
  readonly partitions: readonly TopicPartition[]
}

export interface TransactionListing {
  readonly transactionalId: string
  readonly producerId: number
  readonly state: string
}

export interface TransactionListings {
  readonly transactions: readonly TransactionListing[]
  /** Of brokers that could not be asked: their transactions are missing. */
  readonly errors: readonly KafkaError[]
}

export interface TransactionFilter extends CallOptions {
  /** Such as `Ongoing`; default all. */
  readonly states?: readonly string[]
  readonly producerIds?: readonly number[]
  /** Only those open for longer than so many milliseconds. */
  readonly durationMs?: number
  /** A regular expression that transactional ids match as a whole, in the syntax of the broker (RE2). */
  readonly pattern?: string
}

export interface ProducerState {
  readonly producerId: number
  readonly producerEpoch: number
  readonly lastSequence: number
  readonly lastTimestamp: number
  /** -1 before the first transaction. */
  readonly coordinatorEpoch: number
  /** Where the open transaction begins; -1 for none. */
  readonly transactionStartOffset: number
}

export interface PartitionProducers extends TopicPartition, Outcome {
  readonly producers: readonly ProducerState[]
}

/** A transaction in one partition that is to be aborted, as `describeProducers` names it. */
export interface TransactionToAbort extends TopicPartition {
  readonly producerId: number
  readonly producerEpoch: number
  readonly coordinatorEpoch: number
}

/** Nothing shall be done in the epoch that is taken. */
const FENCING_TIMEOUT_MS = 1

export async function fenceProducers(requests: AdminRequests, transactionalIds: readonly string[], options: CallOptions): Promise<readonly FencedProducer[]> {
  const fence = async (transactionalId: string): Promise<FencedProducer> => {
    const body = { transactionalId, transactionTimeoutMs: FENCING_TIMEOUT_MS }
    const answer = await requests.fromCoordinator(
      'fenceProducers',
      { id: transactionalId, kind: 'transaction' },
      (coordinator) => coordinator.request('data', 'InitProducerId', body),
      options,
    )
    const error = errorOf(named(transactionalId), answer.errorCode)
    return error ? notFenced(transactionalId, error) : { transactionalId, producerId: answer.producerId, producerEpoch: answer.producerEpoch, error: null }
  }
  const notFenced = (transactionalId: string, error: KafkaError): FencedProducer => ({ transactionalId, producerId: -1, producerEpoch: -1, error })
  return await requests.each(transactionalIds, fence, notFenced)
}

export async function describeTransactions(
  requests: AdminRequests,
  transactionalIds: readonly string[],
  options: CallOptions,
): Promise<readonly TransactionDescription[]> {
  const failed = (transactionalId: string, error: KafkaError): TransactionDescription => {
    return { transactionalId, state: 'Unknown', producerId: -1, producerEpoch: -1, timeoutMs: -1, startTimeMs: -1, partitions: [], error }
  }
  const describe = async (transactionalId: string): Promise<TransactionDescription> => {
    const found = await requests.fromCoordinator(
      'describeTransactions',
      { id: transactionalId, kind: 'transaction' },
      async (coordinator) => (await coordinator.request('data', 'DescribeTransactions', { transactionalIds: [transactionalId] })).transactionStates[0],
      options,
    )
    const error = errorOf(named(transactionalId), found?.errorCode)
    if (error || !found) return failed(transactionalId, error!)
    return {
      transactionalId,
      state: found.transactionState,
      producerId: found.producerId,
      producerEpoch: found.producerEpoch,
      timeoutMs: found.transactionTimeoutMs,
      startTimeMs: found.transactionStartTimeMs,
      partitions: found.topics.flatMap(({ topic, partitions }) => partitions.map((partition) => ({ topic, partition }))),
      error: null,
    }
  }
  return await requests.each(transactionalIds, describe, failed)
}

export async function listTransactions(requests: AdminRequests, filter: TransactionFilter): Promise<TransactionListings> {
  const { found, errors } = await requests.fromAllBrokers('listTransactions', (broker) => transactionsOf(requests, broker, filter), filter)
  return { transactions: found, errors }
}

async function transactionsOf(requests: AdminRequests, broker: number, filter: TransactionFilter): Promise<TransactionListing[]> {
  const { states = [], producerIds = [], durationMs = -1, pattern = null } = filter
  const answer = await requests.toBroker(broker, 'ListTransactions', (version) => {
    if (durationMs >= 0 && version < 1) throw kafkaError(ErrorCode.UNSUPPORTED_VERSION, `Broker ${broker} cannot filter transactions by duration`)
    if (pattern !== null && version < 2) throw kafkaError(ErrorCode.UNSUPPORTED_VERSION, `Broker ${broker} cannot filter transactions by a pattern`)
    return {
      stateFilters: states,
      producerIdFilters: producerIds,
      ...(version >= 1 ? { durationFilter: durationMs } : {}),
      ...(version >= 2 ? { transactionalIdPattern: pattern } : {}),
    }
  })
  const error = errorOf(`Listing the transactions of broker ${broker}`, answer.errorCode)
  if (error) throw error
  return answer.transactionStates.map(({ transactionalId, producerId, transactionState }) => ({ transactionalId, producerId, state: transactionState }))
}

export async function describeProducers(
  requests: AdminRequests,
  partitions: readonly TopicPartition[],
  { brokerId, ...options }: CallOptions & { readonly brokerId?: number },
): Promise<readonly PartitionProducers[]> {
  const failed = ({ topic, partition }: TopicPartition, error: KafkaError): PartitionProducers => ({ topic, partition, producers: [], error })
  const body = (some: readonly TopicPartition[]) => ({
    topics: [...new Set(some.map(({ topic }) => topic))].map((name) => ({
      name,
      partitionIndexes: some.filter(({ topic }) => topic === name).map(({ partition }) => partition),
    })),
  })
  const outcomes = (some: readonly TopicPartition[], { topics }: Awaited<ReturnType<typeof requests.any<'DescribeProducers'>>>) =>
    some.map((place): PartitionProducers => {
      const answer = topics.find(({ name }) => name === place.topic)?.partitions.find(({ partitionIndex }) => partitionIndex === place.partition)
      const error = errorOf(`Producers of ${partitionName(place)}`, answer?.errorCode, answer?.errorMessage)
      if (error || !answer) return failed(place, error!)
      const producers = answer.activeProducers.map(({ currentTxnStartOffset, ...state }) => ({ ...state, transactionStartOffset: currentTxnStartOffset }))
      return { topic: place.topic, partition: place.partition, producers, error: null }
    })
  if (brokerId !== undefined) {
    const ask = async () => outcomes(partitions, await requests.toBroker(brokerId, 'DescribeProducers', body(partitions)))
    return await requests.untilDone('describeProducers', ask, options)
  }
  const ask = async (node: Parameters<typeof requests.cluster.request>[0], some: readonly TopicPartition[]) =>
    outcomes(some, await requests.cluster.request(node, 'data', 'DescribeProducers', body(some)))
  return await requests.toLeaders('describeProducers', partitions, ask, failed, options)
}

export async function abortTransaction(requests: AdminRequests, transaction: TransactionToAbort, options: CallOptions): Promise<void> {
  const { topic, partition, producerId, producerEpoch, coordinatorEpoch } = transaction
  const context = `Aborting the transaction of producer ${producerId} in ${partitionName(transaction)}`
  const [outcome] = await requests.toLeaders(
    'abortTransaction',
    [transaction],
    async (node) => {
      const marker = { producerId, producerEpoch, coordinatorEpoch, transactionResult: false, topics: [{ name: topic, partitionIndexes: [partition] }] }
      const { markers } = await requests.cluster.request(node, 'data', 'WriteTxnMarkers', { markers: [marker] })
      return [{ error: errorOf(context, markers[0]?.topics[0]?.partitions[0]?.errorCode) }]
    },
    (_, error) => ({ error }),
    options,
  )
  if (outcome?.error) throw outcome.error
}

function named(transactionalId: string): string {
  return `Transactional id "${transactionalId}"`
}
