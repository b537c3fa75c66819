import { ErrorCode, errorByCode, type KafkaError, kafkaError, type ResponseBody } from '@millrace/kafka-protocol'
import { Backoff } from '../backoff.ts'
import type { BrokerNode } from '../broker-node.ts'
import type { Clock } from '../clock.ts'
import type { Cluster } from '../cluster.ts'
import type { ConsumerConfig } from '../config/consumer-config.ts'
import { asKafkaError, logTruncatedError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import { partitionName } from '../topic-partition.ts'
import type { AssignedPartition } from './assigned-partition.ts'

export interface PositionCheckOptions {
  readonly config: ConsumerConfig
  readonly cluster: Cluster
  readonly clock: Clock
  readonly logger: Logger
  partitions(): readonly AssignedPartition[]
  /** Called when positions were checked or could not be. Must not throw. */
  notify(): void
}

interface Checked {
  readonly partition: AssignedPartition
  readonly version: number
  /** Of the leader that is asked. */
  readonly leaderEpoch: number
}

/** The first version that a consumer may use without being a member of the cluster. */
const VERSION_MIN = 3

type EpochEnd = ResponseBody<'OffsetForLeaderEpoch'>['topics'][number]['partitions'][number]

/**
 * Checks positions when a partition has a new leader (KIP-320): a leader that was not in sync has another log, in which the position may not exist or stand
 * for other records. It is asked where the epoch of the last record ends in its log; where that is before the position, the log was truncated.
 *
 * Until the answer is there nothing of the partition is fetched or handed out.
 */
export class PositionCheck {
  readonly #options: PositionCheckOptions
  readonly #backoff: Backoff
  /** Errors for the next poll to throw. */
  readonly #errors: KafkaError[] = []

  constructor(options: PositionCheckOptions) {
    this.#options = options
    const { retryBackoffMs, retryBackoffMaxMs } = options.config
    this.#backoff = new Backoff({ initialMs: retryBackoffMs, maxMs: retryBackoffMaxMs })
  }

  /**
   * Begins to check positions that need it. Does not wait.
   *
   * @returns when to come again for those that wait after a failure, by the clock; Infinity if there are none.
   * @throws KafkaError `LOG_TRUNCATED` where there is no rule for that, with the offsets; then again with each call until somebody seeks.
   */
  check(): number {
    const error = this.#errors.shift()
    if (error) throw error
    const { cluster, clock } = this.#options
    const now = clock.now()
    let comeAgainAt = Infinity
    const byLeader = new Map<BrokerNode, Checked[]>()
    for (const partition of this.#options.partitions()) {
      if (partition.position < 0 || partition.isChecking) continue
      const leaderEpoch = cluster.leaderEpoch(partition.topic, partition.partition)
      if (leaderEpoch === partition.checkedEpoch) continue
      // What a leader has in its own epoch it does not lose; and a position without an epoch cannot be checked.
      if (partition.positionEpoch < 0 || leaderEpoch < 0 || partition.positionEpoch === leaderEpoch) {
        partition.checkedEpoch = leaderEpoch
        continue
      }
      const leader = cluster.leader(partition.topic, partition.partition)
      if (leader === null) cluster.requestRefresh()
      else if (partition.retryAt > now) comeAgainAt = Math.min(comeAgainAt, partition.retryAt)
      else {
        const checked = begin(partition, leaderEpoch)
        const others = byLeader.get(leader)
        if (others) others.push(checked)
        else byLeader.set(leader, [checked])
      }
    }
    for (const [node, checked] of byLeader) void this.#ask(node, checked)
    return comeAgainAt
  }

  /** Never rejects. */
  async #ask(node: BrokerNode, checked: readonly Checked[]): Promise<void> {
    try {
      const connection = await node.connection('data')
      const ends = connection.version('OffsetForLeaderEpoch') < VERSION_MIN ? null : await connection.request('OffsetForLeaderEpoch', request(checked))
      for (const item of checked) {
        if (item.partition.version !== item.version) continue
        item.partition.isChecking = false
        if (ends === null) item.partition.checkedEpoch = item.leaderEpoch
        else this.#answered(item, endOf(ends, item.partition))
      }
    } catch (failure) {
      this.#failed(checked, asKafkaError(failure))
    }
    this.#options.notify()
  }

  #failed(checked: readonly Checked[], error: KafkaError): void {
    if (this.#options.cluster.isClosed) return
    this.#options.logger.debug('Checking positions has failed.', error)
    this.#options.cluster.requestRefresh()
    for (const { partition, version, leaderEpoch } of checked) {
      if (partition.version !== version) continue
      partition.isChecking = false
      // A broker that does not know the request cannot be asked.
      if (error.errorCode === ErrorCode.UNSUPPORTED_VERSION) partition.checkedEpoch = leaderEpoch
      else this.#retryLater(partition)
    }
  }

  #answered({ partition, leaderEpoch }: Checked, end: EpochEnd | undefined): void {
    const errorCode = end?.errorCode ?? ErrorCode.UNKNOWN_SERVER_ERROR
    if (errorCode !== ErrorCode.NONE) return this.#refused(partition, errorCode)
    const isKnown = end!.endOffset >= 0 && end!.leaderEpoch >= 0
    if (!isKnown || end!.endOffset < partition.position) return this.#truncated(partition, isKnown ? end! : null, leaderEpoch)
    partition.checkedEpoch = leaderEpoch
    partition.failures = 0
  }

  #refused(partition: AssignedPartition, errorCode: number): void {
    const error = kafkaError(errorCode, `Checking the position of ${partitionName(partition)}`)
    if (errorByCode(errorCode).refreshMetadata) this.#options.cluster.requestRefresh()
    this.#retryLater(partition)
    if (errorCode === ErrorCode.TOPIC_AUTHORIZATION_FAILED) this.#errors.push(error)
    else this.#options.logger.debug(error.message)
  }

  #truncated(partition: AssignedPartition, end: EpochEnd | null, leaderEpoch: number): void {
    const { config, logger } = this.#options
    const name = partitionName(partition)
    const { position, positionEpoch } = partition
    const where = end ? `the log has parted from what was read at offset ${end.endOffset}` : 'where the log has parted from what was read is not known'
    const message = `Truncation detected for partition ${name} at offset ${position} (leader epoch ${positionEpoch}): ${where}`
    if (config.offsetReset === 'none') {
      this.#retryLater(partition)
      const divergent = end ? `{${name}=${end.endOffset}}` : '{}'
      this.#errors.push(logTruncatedError(`Truncated partitions detected with divergent offsets ${divergent}. ${message}, and no reset policy is defined`))
    } else if (end === null) {
      logger.info(`${message}; resetting offset`)
      partition.lookUp('reset')
    } else {
      logger.info(`${message}; going on there`)
      partition.seek(end.endOffset, end.leaderEpoch)
      partition.checkedEpoch = leaderEpoch
    }
  }

  #retryLater(partition: AssignedPartition): void {
    partition.failures++
    partition.retryAt = this.#options.clock.now() + this.#backoff.delayMs(partition.failures)
  }
}

/** What was fetched of the earlier leader is dropped: it may be what the new one does not have. */
function begin(partition: AssignedPartition, leaderEpoch: number): Checked {
  const { failures } = partition
  partition.seek(partition.position, partition.positionEpoch)
  partition.failures = failures
  partition.isChecking = true
  return { partition, version: partition.version, leaderEpoch }
}

function request(checked: readonly Checked[]) {
  const topics = Map.groupBy(checked, ({ partition }) => partition.topic)
  return {
    replicaId: -1,
    topics: [...topics].map(([topic, of]) => ({
      topic,
      partitions: of.map(({ partition, leaderEpoch }) => {
        return { partition: partition.partition, currentLeaderEpoch: leaderEpoch, leaderEpoch: partition.positionEpoch }
      }),
    })),
  }
}

function endOf({ topics }: ResponseBody<'OffsetForLeaderEpoch'>, { topic, partition }: AssignedPartition): EpochEnd | undefined {
  return topics.find((each) => each.topic === topic)?.partitions.find((each) => each.partition === partition)
}
