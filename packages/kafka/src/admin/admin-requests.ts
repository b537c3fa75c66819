import { type ApiName, ErrorCode, errorByCode, type KafkaError, kafkaError, type RequestInput, type ResponseBody } from '@millrace/kafka-protocol'
import type { BrokerNode } from '../broker-node.ts'
import type { Clock } from '../clock.ts'
import { Cluster } from '../cluster.ts'
import type { AdminConfig } from '../config/admin-config.ts'
import { asKafkaError, closedError, timeoutError } from '../errors.ts'
import { Coordinator } from '../group/coordinator.ts'
import { inTime } from '../in-time.ts'
import type { Logger } from '../logger.ts'
import { partitionName, type TopicPartition } from '../topic-partition.ts'

/** What every call of `Admin` can be given. */
export interface CallOptions {
  /** How long to try. Milliseconds; default `default.api.timeout.ms`. */
  readonly timeoutMs?: number
}

/** What became of one of several things asked for. */
export interface Outcome {
  /** Null if it was done. */
  readonly error: KafkaError | null
}

type Body<A extends ApiName> = RequestInput<A> | ((version: number) => RequestInput<A>)

/** How many groups or transactional ids are asked about at the same time: each takes a search for its coordinator. */
const PARALLEL_MAX = 50

/** What a coordinator answers while it still loads, or is busy with an earlier change or a rebalance. */
const passing: ReadonlySet<number> = new Set([
  ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
  ErrorCode.CONCURRENT_TRANSACTIONS,
  ErrorCode.REBALANCE_IN_PROGRESS,
  ErrorCode.UNSTABLE_OFFSET_COMMIT,
])

/** How the requests of an `Admin` reach the broker that they are for, and are tried again. */
export class AdminRequests {
  readonly config: AdminConfig
  readonly clock: Clock
  readonly cluster: Cluster
  /** Topics whose leaders are needed at present, with the number of calls that need them. */
  readonly #followed = new Map<string, number>()

  constructor(config: AdminConfig, clock: Clock, logger: Logger) {
    this.config = config
    this.clock = clock
    this.cluster = new Cluster({ config, logger, clock, topics: () => [...this.#followed.keys()] })
  }

  any<A extends ApiName>(api: A, body: Body<A>): Promise<ResponseBody<A>> {
    return this.cluster.requestAny(api, body)
  }

  async toBroker<A extends ApiName>(id: number, api: A, body: Body<A>): Promise<ResponseBody<A>> {
    return await this.cluster.request(await this.#node(id), 'data', api, body)
  }

  async toController<A extends ApiName>(api: A, body: Body<A>): Promise<ResponseBody<A>> {
    if (this.cluster.controllerId < 0) await this.cluster.refresh(this.config.apiTimeoutMs)
    return await this.toBroker(this.cluster.controllerId, api, body)
  }

  /** Asks every broker, each until it answers. @throws KafkaError if not even the brokers can be named. */
  async fromAllBrokers<T>(
    operation: string,
    ask: (broker: number) => Promise<readonly T[]>,
    options: CallOptions,
  ): Promise<{ readonly found: readonly T[]; readonly errors: readonly KafkaError[] }> {
    const brokers = await this.untilDone(operation, () => this.#brokerIds(), options)
    const errors: KafkaError[] = []
    const parts = await this.each(
      brokers,
      (broker) => this.untilDone(operation, () => ask(broker), options),
      (_, error) => {
        errors.push(error)
        return []
      },
    )
    return { found: parts.flat(), errors }
  }

  /**
   * Repeats an attempt that fails with a retriable error, with growing pauses, within the time for calls. The metadata are looked at again meanwhile.
   *
   * @throws KafkaError that is not retriable; `REQUEST_TIMED_OUT` with the last error as its cause.
   */
  async untilDone<T>(operation: string, attempt: () => Promise<T>, { timeoutMs = this.config.apiTimeoutMs }: CallOptions = {}): Promise<T> {
    const deadline = this.clock.now() + timeoutMs
    const noAnswer = timeoutError('there was no answer')
    let lastError = noAnswer
    for (let failures = 1; ; failures++) {
      try {
        // An attempt alone may take long: the addresses that a broker names need not lead anywhere.
        return await inTime(attempt(), deadline - this.clock.now(), () => noAnswer)
      } catch (cause) {
        if (cause !== noAnswer) lastError = asKafkaError(cause)
        const isPassing = lastError.retriable || passing.has(lastError.errorCode)
        if (!isPassing || failures > this.config.retriesMax) throw lastError
        if (this.clock.now() >= deadline) {
          throw timeoutError(`Timed out waiting for ${operation} after ${failures} attempts: ${lastError.message}`, lastError)
        }
        this.cluster.requestRefresh()
        await this.cluster.pause(failures)
      }
    }
  }

  /**
   * Asks the coordinator of a group or a transactional id, again while it is the wrong one, still loads or is busy with the last change. Other error codes are the
   * caller's.
   *
   * @throws KafkaError as `untilDone`.
   */
  async fromCoordinator<T extends { readonly errorCode: number } | readonly { readonly errorCode: number }[] | undefined>(
    operation: string,
    { id, kind = 'group' }: { readonly id: string; readonly kind?: 'group' | 'transaction' },
    attempt: (coordinator: Coordinator) => Promise<T>,
    options: CallOptions,
  ): Promise<T> {
    const coordinator = new Coordinator(this.cluster, id, kind)
    const attemptOnce = async () => {
      const answer = await attempt(coordinator)
      for (const { errorCode } of [answer ?? []].flat()) {
        const isRetried = coordinator.isLost(errorCode) || passing.has(errorCode)
        if (isRetried) throw kafkaError(errorCode, `${kind === 'group' ? 'Group' : 'Transactional id'} "${id}"`)
      }
      return answer
    }
    return await this.untilDone(operation, attemptOnce, options)
  }

  /**
   * Asks for several things until each has an outcome that is not tried again.
   *
   * @param attempt gives the outcomes of what is left, in its order.
   * @param isRetried which errors of single things are worth another attempt, if they are retriable at all.
   * @throws KafkaError if not even one attempt came through.
   */
  async settle<T, R extends Outcome>(
    operation: string,
    items: readonly T[],
    attempt: (left: readonly T[]) => Promise<readonly R[]>,
    { isRetried = () => false, ...options }: CallOptions & { readonly isRetried?: (error: KafkaError) => boolean } = {},
  ): Promise<R[]> {
    const outcomes = new Map<T, R>()
    let left = items
    const settleSome = async () => {
      const answers = await attempt(left)
      for (const [i, item] of left.entries()) outcomes.set(item, answers[i]!)
      const failed = answers.map(({ error }) => error).filter((error) => error?.retriable === true && isRetried(error))
      left = left.filter((item) => failed.includes(outcomes.get(item)!.error))
      if (failed[0]) throw failed[0]
    }
    try {
      if (items.length > 0) await this.untilDone(operation, settleSome, options)
    } catch (cause) {
      if (outcomes.size === 0) throw cause
      const thrown = asKafkaError(cause)
      for (const item of left) {
        const outcome = outcomes.get(item)!
        const late = () => timeoutError(`Timed out waiting for ${operation}: ${outcome.error?.message}`, outcome.error)
        outcomes.set(item, { ...outcome, error: thrown.retriable ? late() : thrown })
      }
    }
    return items.map((item) => outcomes.get(item)!)
  }

  /**
   * Asks the leaders of partitions, each for its own, until each has an outcome. Leaders that have changed are found.
   *
   * @param ask sends one request for these partitions, all of one leader; the outcomes in their order.
   * @param failed the outcome of a partition that could not be asked about.
   */
  async toLeaders<T extends TopicPartition, R extends Outcome>(
    operation: string,
    partitions: readonly T[],
    ask: (node: BrokerNode, partitions: readonly T[]) => Promise<readonly R[]>,
    failed: (partition: T, error: KafkaError) => R,
    options: CallOptions & { readonly isRetried?: (error: KafkaError) => boolean } = {},
  ): Promise<R[]> {
    return await this.following(partitions, () => {
      const attempt = async (left: readonly T[]) => {
        await this.#ensureLeaders(left)
        return await this.#askLeaders(left, ask, failed)
      }
      return this.settle(operation, partitions, attempt, { isRetried: () => true, ...options })
    })
  }

  /** Keeps the metadata of the topics of these partitions while something is done. */
  async following<T>(partitions: readonly TopicPartition[], action: () => Promise<T>): Promise<T> {
    const topics = new Set(partitions.map(({ topic }) => topic))
    for (const topic of topics) this.#followed.set(topic, (this.#followed.get(topic) ?? 0) + 1)
    try {
      return await action()
    } finally {
      for (const topic of topics) {
        const others = this.#followed.get(topic)! - 1
        if (others > 0) this.#followed.set(topic, others)
        else this.#followed.delete(topic)
      }
    }
  }

  /** Asks about each of several groups or transactional ids by itself, some at a time. @param failed the outcome of one that could not be asked about. */
  async each<T, R>(items: readonly T[], action: (item: T) => Promise<R>, failed: (item: T, error: KafkaError) => R): Promise<R[]> {
    const outcomes = new Array<R>(items.length)
    const left = items.entries()
    const work = async () => {
      for (const [i, item] of left) {
        outcomes[i] = await action(item).catch((error: unknown) => failed(item, asKafkaError(error)))
      }
    }
    await Promise.all(Array.from({ length: Math.min(PARALLEL_MAX, items.length) }, work))
    return outcomes
  }

  async close(): Promise<void> {
    await this.cluster.close()
  }

  /** @throws KafkaError `NOT_CONTROLLER`, retriable, if one of the results of an answer says so. */
  ensureController(results: readonly { readonly errorCode: number }[]): void {
    if (results.some(({ errorCode }) => errorCode === ErrorCode.NOT_CONTROLLER)) throw kafkaError(ErrorCode.NOT_CONTROLLER)
  }

  async #brokerIds(): Promise<number[]> {
    const { brokers } = await this.any('Metadata', { topics: [], allowAutoTopicCreation: false })
    for (const { nodeId, host, port } of brokers) this.cluster.ensureNode(nodeId, host, port)
    return brokers.map(({ nodeId }) => nodeId)
  }

  async #node(id: number): Promise<BrokerNode> {
    const known = this.cluster.node(id)
    if (known) return known
    await this.cluster.refresh(this.config.apiTimeoutMs)
    const node = this.cluster.node(id)
    if (!node) throw kafkaError(ErrorCode.BROKER_NOT_AVAILABLE, `Broker ${id}`)
    return node
  }

  async #ensureLeaders(partitions: readonly TopicPartition[]): Promise<void> {
    if (this.cluster.isClosed) throw closedError('The client was closed.')
    if (partitions.some(({ topic, partition }) => this.cluster.leader(topic, partition) === null)) await this.cluster.refresh(this.config.apiTimeoutMs)
  }

  async #askLeaders<T extends TopicPartition, R extends Outcome>(
    partitions: readonly T[],
    ask: (node: BrokerNode, partitions: readonly T[]) => Promise<readonly R[]>,
    failed: (partition: T, error: KafkaError) => R,
  ): Promise<R[]> {
    const outcomes = new Map<T, R>()
    const byLeader = new Map<BrokerNode, T[]>()
    for (const partition of partitions) {
      const leader = this.cluster.leader(partition.topic, partition.partition)
      if (leader === null) outcomes.set(partition, failed(partition, this.#noLeader(partition)))
      else if (byLeader.has(leader)) byLeader.get(leader)!.push(partition)
      else byLeader.set(leader, [partition])
    }
    await Promise.all(
      [...byLeader].map(async ([node, wanted]) => {
        try {
          const answers = await ask(node, wanted)
          for (const [i, partition] of wanted.entries()) outcomes.set(partition, answers[i]!)
        } catch (error) {
          for (const partition of wanted) outcomes.set(partition, failed(partition, asKafkaError(error)))
        }
      }),
    )
    return partitions.map((partition) => outcomes.get(partition)!)
  }

  #noLeader(partition: TopicPartition): KafkaError {
    const { topic } = partition
    const topicError = this.cluster.topicErrorCode(topic)
    if (topicError !== ErrorCode.NONE) return kafkaError(topicError, partitionName(partition))
    const isMissing = this.cluster.topic(topic) !== undefined && this.cluster.topic(topic)!.partitions[partition.partition] === undefined
    return kafkaError(isMissing ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION : ErrorCode.LEADER_NOT_AVAILABLE, partitionName(partition))
  }
}

/** The error of a thing that was asked for, in the broker's own words where it has any; null for none. @param name stands in the message otherwise. */
export function errorOf(name: string, errorCode: number | undefined, message?: string | null): KafkaError | null {
  if (errorCode === ErrorCode.NONE) return null
  const error = kafkaError(errorCode ?? ErrorCode.UNKNOWN_SERVER_ERROR, name)
  if (message && message !== errorByCode(error.errorCode).message) error.message = message
  return error
}
