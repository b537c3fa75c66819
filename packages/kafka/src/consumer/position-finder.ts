import { Backoff } from '../backoff.ts'
import type { Clock } from '../clock.ts'
import type { Cluster } from '../cluster.ts'
import type { ConsumerConfig } from '../config/consumer-config.ts'
import { asKafkaError, noOffsetError } from '../errors.ts'
import { listOffsets, OffsetAt } from '../list-offsets.ts'
import type { Logger } from '../logger.ts'
import { partitionName } from '../topic-partition.ts'
import type { AssignedPartition } from './assigned-partition.ts'
import type { CommittedOffsets } from './committed-offsets.ts'

export interface PositionFinderOptions {
  readonly config: ConsumerConfig
  readonly cluster: Cluster
  readonly clock: Clock
  readonly logger: Logger
  /** Null without a group. */
  readonly committed: CommittedOffsets | null
  partitions(): readonly AssignedPartition[]
  /** Called when positions were found or could not be. Must not throw. */
  notify(): void
}

/** Finds positions for partitions that have none: the committed offset, else what `auto.offset.reset` says. */
export class PositionFinder {
  readonly #options: PositionFinderOptions
  readonly #backoff: Backoff
  #searching: Promise<void> | null = null
  #error: unknown

  constructor(options: PositionFinderOptions) {
    this.#options = options
    const { retryBackoffMs, retryBackoffMaxMs } = options.config
    this.#backoff = new Backoff({ initialMs: retryBackoffMs, maxMs: retryBackoffMaxMs })
  }

  /**
   * Begins to search if there is something to search for. Does not wait.
   *
   * @returns when to come again for those that wait after a failure, by the clock; Infinity if there are none.
   * @throws KafkaError what the last search has failed with for good; `NO_OFFSET_FOR_PARTITION` where there is neither a committed offset nor a rule.
   */
  search(): number {
    if (this.#error !== undefined) {
      const error = this.#error
      this.#error = undefined
      throw error
    }
    if (this.#searching !== null) return Infinity
    const now = this.#options.clock.now()
    const searched: AssignedPartition[] = []
    let comeAgainAt = Infinity
    for (const partition of this.#options.partitions()) {
      if (partition.position >= 0) continue
      if (partition.retryAt > now) comeAgainAt = Math.min(comeAgainAt, partition.retryAt)
      else if (partition.source === 'committed' || this.#hasLeader(partition)) searched.push(partition)
      // The new metadata bring the next search.
      else this.#options.cluster.requestRefresh()
    }
    if (searched.length === 0) return comeAgainAt
    this.#searching = this.#find(searched)
      .catch((error: unknown) => this.#failed(searched, error))
      .finally(() => {
        this.#searching = null
        this.#options.notify()
      })
    return comeAgainAt
  }

  /** Resolves when no search is under way. Never rejects. */
  async settled(): Promise<void> {
    await this.#searching
  }

  #failed(partitions: readonly AssignedPartition[], error: unknown): void {
    if (this.#options.cluster.isClosed) return
    if (asKafkaError(error).retriable) this.#retryLater(partitions.filter(({ position }) => position < 0))
    else this.#error = error
  }

  #retryLater(partitions: readonly AssignedPartition[]): void {
    for (const partition of partitions) {
      partition.failures++
      partition.retryAt = this.#options.clock.now() + this.#backoff.delayMs(partition.failures)
    }
  }

  async #find(partitions: readonly AssignedPartition[]): Promise<void> {
    await this.#useCommitted(partitions.filter(({ source }) => source === 'committed'))
    const left = partitions.filter((partition) => partition.position < 0 && partition.source !== 'committed' && this.#hasLeader(partition))
    if (left.length > 0) await this.#useEnds(left)
  }

  #hasLeader({ topic, partition }: AssignedPartition): boolean {
    return this.#options.cluster.leader(topic, partition) !== null
  }

  async #useCommitted(partitions: readonly AssignedPartition[]): Promise<void> {
    if (partitions.length === 0) return
    const versions = new Map(partitions.map((partition) => [partition, partition.version]))
    const committed = (await this.#options.committed?.committed(partitions)) ?? []
    const byName = new Map(committed.map((offset) => [partitionName(offset), offset]))
    for (const [partition, version] of versions) {
      if (partition.version !== version) continue
      const found = byName.get(partitionName(partition))
      if (found) {
        this.#options.logger.debug(`Position of ${partitionName(partition)} is the committed offset ${found.offset}.`)
        partition.seek(found.offset, found.leaderEpoch)
        // The one who committed has seen a newer leader than this client knows.
        const { topic, partition: index } = partition
        if (found.leaderEpoch > this.#options.cluster.leaderEpoch(topic, index)) this.#options.cluster.requestRefresh()
      } else partition.source = 'reset'
    }
  }

  async #useEnds(partitions: readonly AssignedPartition[]): Promise<void> {
    const { cluster, config, logger } = this.#options
    const versions = new Map(
      partitions.map((partition) => {
        const leaderEpoch = cluster.leaderEpoch(partition.topic, partition.partition)
        return [partitionName(partition), { partition, version: partition.version, leaderEpoch }]
      }),
    )
    const queries = partitions.map((partition) => ({ topic: partition.topic, partition: partition.partition, timestamp: this.#timestamp(partition) }))
    const { found, failed } = await listOffsets(cluster, queries, config.isReadCommitted)
    for (const offset of found) {
      const entry = versions.get(partitionName(offset))
      if (!entry || entry.partition.version !== entry.version) continue
      if (offset.offset < 0) {
        // No record is as young as that.
        entry.partition.lookUp('latest')
        continue
      }
      logger.info(`Resetting offset for partition ${partitionName(offset)} to position ${offset.offset}.`)
      entry.partition.seek(offset.offset, offset.leaderEpoch)
      // Said by the leader of this epoch.
      entry.partition.checkedEpoch = entry.leaderEpoch
    }
    const fatal = failed.find(({ error }) => !error.retriable)
    const again = failed.map((place) => versions.get(partitionName(place))).filter((entry) => entry !== undefined)
    this.#retryLater(again.filter(({ partition, version }) => partition.version === version).map(({ partition }) => partition))
    if (fatal) throw fatal.error
  }

  #timestamp(partition: AssignedPartition): number {
    const { offsetReset } = this.#options.config
    const rule = partition.source === 'earliest' || partition.source === 'latest' ? partition.source : offsetReset
    if (rule === 'none') throw noOffsetError(`Undefined offset with no reset policy for partitions: [${partitionName(partition)}]`)
    return typeof rule === 'object' ? Math.max(0, Date.now() - rule.ageMs) : OffsetAt[rule]
  }
}
