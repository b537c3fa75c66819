import type { TopicPartition } from '../topic-partition.ts'
import type { FetchedData } from './fetched-data.ts'

/** Where to find the position of a partition that has none: the group's committed offset, or one end of the log. */
export type PositionSource = 'committed' | 'reset' | 'earliest' | 'latest'

/** What a consumer knows of one of its partitions. */
export class AssignedPartition implements TopicPartition {
  readonly topic: string
  readonly partition: number
  isPaused = false
  /** The offset of the next record that `poll` hands out; -1 while it is not known. */
  position = -1
  /** The offset to fetch next, ahead of `position` by what is fetched and not handed out. */
  fetchOffset = -1
  source: PositionSource = 'committed'
  /** What is being handed out. */
  current: FetchedData | null = null
  /** What was fetched meanwhile. */
  ahead: FetchedData | null = null
  /** Offset after the last record that can be read, of the last fetch; -1 while it is not known. */
  endOffset = -1
  isFetching = false
  /** Changes with each seek, so that an answer to an earlier fetch is recognised. */
  version = 0
  failures = 0
  /** Nothing is fetched or looked up before, by the client's clock. */
  retryAt = 0

  constructor({ topic, partition }: TopicPartition) {
    this.topic = topic
    this.partition = partition
  }

  /** Continues at this offset; what was fetched is dropped. */
  seek(offset: number): void {
    this.#forget()
    this.position = offset
    this.fetchOffset = offset
  }

  /** Continues where the source says, once it is looked up. */
  lookUp(source: PositionSource): void {
    this.#forget()
    this.position = -1
    this.fetchOffset = -1
    this.source = source
  }

  #forget(): void {
    this.version++
    this.current = null
    this.ahead = null
    this.isFetching = false
    this.failures = 0
    this.retryAt = 0
  }
}
