import type { BrokerNode } from '../broker-node.ts'
import type { TopicPartition } from '../topic-partition.ts'
import type { FetchedData } from './fetched-data.ts'

/** Where to find the position of a partition that has none: the group's committed offset, or one end of the log. */
export type PositionSource = 'committed' | 'reset' | 'earliest' | 'latest'

/** A replica that the leader has named as nearer (KIP-392). */
export interface NearReplica {
  readonly brokerId: number
  /** By the client's clock; then the leader is asked again. */
  readonly until: number
}

/** What a consumer knows of one of its partitions. */
export class AssignedPartition implements TopicPartition {
  readonly topic: string
  readonly partition: number
  isPaused = false
  /** The offset of the next record that `poll` hands out; -1 while it is not known. */
  position = -1
  /** The epoch of the leader that wrote the record before `position`; -1 while it is not known. */
  positionEpoch = -1
  /** The leader epoch for which the position is known to be in the log (KIP-320); -1 for none. */
  checkedEpoch = -1
  isChecking = false
  /** The offset to fetch next, ahead of `position` by what is fetched and not handed out. */
  fetchOffset = -1
  source: PositionSource = 'committed'
  /** What is being handed out. */
  current: FetchedData | null = null
  /** What was fetched meanwhile. */
  ahead: FetchedData | null = null
  /** Offset after the last record that can be read, of the last fetch; -1 while it is not known. */
  endOffset = -1
  /** The first offset of the log, of the last fetch; -1 while it is not known. */
  startOffset = -1
  /** From where it is being fetched; null while it is not. */
  fetchedFrom: BrokerNode | null = null
  nearReplica: NearReplica | null = null
  /** Changes with each seek, so that an answer to an earlier fetch is recognised. */
  version = 0
  failures = 0
  /** Nothing is fetched or looked up before, by the client's clock. */
  retryAt = 0

  constructor({ topic, partition }: TopicPartition) {
    this.topic = topic
    this.partition = partition
  }

  /** Continues at this offset; what was fetched is dropped. @param epoch the leader epoch of the record before it; -1 if it is not known. */
  seek(offset: number, epoch = -1): void {
    this.#forget()
    this.position = offset
    this.positionEpoch = epoch
    this.fetchOffset = offset
  }

  /** Continues where the source says, once it is looked up. */
  lookUp(source: PositionSource): void {
    this.#forget()
    this.position = -1
    this.positionEpoch = -1
    this.fetchOffset = -1
    this.source = source
  }

  /** Does not wait any longer for the fetch that is under way: its answer will not be taken. */
  abandonFetch(): void {
    this.version++
    this.fetchedFrom = null
  }

  #forget(): void {
    this.abandonFetch()
    this.current = null
    this.ahead = null
    this.checkedEpoch = -1
    this.isChecking = false
    this.nearReplica = null
    this.failures = 0
    this.retryAt = 0
  }
}
