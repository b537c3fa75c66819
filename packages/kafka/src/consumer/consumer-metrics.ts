import { MemberMetrics, secondsSince } from '../group/member-metrics.ts'
import type { ClientMetrics, Measured } from '../metrics/client-metrics.ts'
import { type MetricGroup, Spread } from '../metrics/metric-group.ts'
import type { TopicPartition } from '../topic-partition.ts'
import type { AssignedPartition } from './assigned-partition.ts'

/** What a consumer has done since it was made; every number only grows. */
export interface ConsumerMetrics {
  /** Records that `poll` has handed out. */
  readonly recordsConsumed: number
  /** Bytes of record batches received, compressed as they came. */
  readonly bytesFetched: number
  readonly fetches: number
  readonly fetchesFailed: number
  readonly rebalances: number
  readonly commits: number
  readonly commitsFailed: number
}

const NS_PER_MS = 1e6

/** What was read of one topic. */
class TopicMetrics implements Measured {
  records = 0
  readonly bytes = new Spread()

  constructor(group: MetricGroup) {
    group
      .meter('records-consumed', () => this.records)
      .meter('bytes-consumed', () => this.bytes.totalSum)
      .spread('fetch-size', this.bytes)
  }

  get activity(): number {
    return this.records + this.bytes.total
  }
}

/** How far a partition has been read. */
class PartitionMetrics implements Measured {
  #partition: AssignedPartition
  readonly #lag = new Spread()
  readonly #lead = new Spread()

  constructor(group: MetricGroup, partition: AssignedPartition) {
    this.#partition = partition
    group
      .gauge('records-lag', () => lagOf(this.#partition))
      .spread('records-lag', this.#lag)
      .gauge('records-lead', () => leadOf(this.#partition))
      .spread('records-lead', this.#lead, ['avg', 'min'])
      .gauge('preferred-read-replica', () => this.#partition.nearReplica?.brokerId ?? -1)
  }

  read(partition: AssignedPartition): void {
    this.#partition = partition
    this.#lag.record(lagOf(partition))
    this.#lead.record(leadOf(partition))
  }

  get activity(): number {
    return this.#lag.total
  }
}

/** Counts what a consumer does, by polls, requests and fetched batches. */
export class ConsumerRecorder implements ConsumerMetrics {
  recordsConsumed = 0
  fetches = 0
  fetchesFailed = 0
  commits = 0
  commitsFailed = 0
  readonly member = new MemberMetrics()
  readonly throttleMs = new Spread()
  readonly commitMs = new Spread()
  readonly assignedMs = new Spread()
  readonly revokedMs = new Spread()
  readonly lostMs = new Spread()
  readonly #fetchMs = new Spread()
  readonly #fetchBytes = new Spread()
  readonly #pollGapMs = new Spread()
  readonly #idleRatio = new Spread()
  readonly #client: ClientMetrics
  #committedMs = 0
  #polledAt = Number.NaN
  #pollTookMs = 0

  /** @param partitions those that are read at present. */
  constructor(client: ClientMetrics, { partitions }: { partitions(): readonly AssignedPartition[] }) {
    this.#client = client
    client
      .group('fetch-manager-metrics')
      .meter('records-consumed', () => this.recordsConsumed)
      .meter('bytes-consumed', () => this.bytesFetched)
      .meter('fetch', () => this.#fetchMs.total)
      .spread('fetch-latency', this.#fetchMs)
      .spread('fetch-size', this.#fetchBytes)
      .spread('fetch-throttle-time', this.throttleMs)
      .gauge('records-lag-max', () => extreme(partitions().map(lagOf), Math.max))
      .gauge('records-lead-min', () => extreme(partitions().map(leadOf), Math.min))
    const coordinator = client.group('coordinator-metrics')
    this.member.describe(coordinator)
    coordinator
      .meter('commit', () => this.commits)
      .spread('commit-latency', this.commitMs)
      .spread('partition-assigned-latency', this.assignedMs)
      .spread('partition-revoked-latency', this.revokedMs)
      .spread('partition-lost-latency', this.lostMs)
      .gauge('assigned-partitions', () => partitions().length)
    client
      .group()
      .spread('time-between-poll', this.#pollGapMs)
      .spread('poll-idle-ratio', this.#idleRatio, ['avg'])
      .gauge('last-poll-seconds-ago', (now) => secondsSince(this.#polledAt, now))
      .gauge('commit-sync-time-ns-total', () => this.commitMs.totalSum * NS_PER_MS)
      .gauge('committed-time-ns-total', () => this.#committedMs * NS_PER_MS)
  }

  get bytesFetched(): number {
    return this.#fetchBytes.totalSum
  }

  get rebalances(): number {
    return this.member.rebalances
  }

  /** Records go to the owner of the consumer; `partition` is already behind them. */
  handedOut(partition: AssignedPartition, records: number): void {
    const { topic, partition: index } = partition
    this.recordsConsumed += records
    this.#topic(topic).records += records
    const tags = { topic, partition: String(index) }
    this.#client.child('fetch-manager-metrics', tags, (group) => new PartitionMetrics(group, partition)).read(partition)
  }

  /** An answer to a fetch. @param bytesByTopic of record batches. */
  fetched(latencyMs: number, throttleMs: number, bytesByTopic: Iterable<readonly [topic: string, bytes: number]>): void {
    let bytes = 0
    for (const [topic, ofTopic] of bytesByTopic) {
      bytes += ofTopic
      this.#topic(topic).bytes.record(ofTopic)
    }
    this.#fetchMs.record(latencyMs)
    this.throttleMs.record(throttleMs)
    this.#fetchBytes.record(bytes)
  }

  /** A partition is no longer read. */
  forget({ topic, partition }: TopicPartition): void {
    this.#client.forget('fetch-manager-metrics', { topic, partition: String(partition) })
  }

  /** Measures a poll, and how long ago the one before was. */
  async polled<T>(now: () => number, poll: () => Promise<T>): Promise<T> {
    const begun = now()
    if (!Number.isNaN(this.#polledAt)) {
      const gapMs = begun - this.#polledAt
      this.#pollGapMs.record(gapMs)
      if (gapMs > 0) this.#idleRatio.record(Math.min(1, this.#pollTookMs / gapMs))
    }
    this.#polledAt = begun
    try {
      return await poll()
    } finally {
      this.#pollTookMs = now() - begun
    }
  }

  /** Measures a look at committed offsets. */
  async committed<T>(now: () => number, look: () => Promise<T>): Promise<T> {
    const begun = now()
    try {
      return await look()
    } finally {
      this.#committedMs += now() - begun
    }
  }

  #topic(topic: string): TopicMetrics {
    return this.#client.child('fetch-manager-metrics', { topic }, (group) => new TopicMetrics(group))
  }
}

function lagOf({ endOffset, position }: AssignedPartition): number {
  return endOffset < 0 || position < 0 ? Number.NaN : Math.max(0, endOffset - position)
}

function leadOf({ startOffset, position }: AssignedPartition): number {
  return startOffset < 0 || position < 0 ? Number.NaN : Math.max(0, position - startOffset)
}

function extreme(values: readonly number[], choose: (...values: number[]) => number): number {
  const known = values.filter((value) => !Number.isNaN(value))
  return known.length === 0 ? Number.NaN : choose(...known)
}
