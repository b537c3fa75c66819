import { ErrorCode, type FetchedPartitions } from '@millrace/kafka-protocol'
import { partitionName, type TopicPartition } from '../topic-partition.ts'

/** A partition as it is asked for. */
export interface FetchTarget extends TopicPartition {
  readonly topicId: string
  readonly fetchOffset: number
  /** Of the leader, as the consumer knows it; -1 if it does not. */
  readonly leaderEpoch: number
}

/** What a fetch has to say so that the broker knows all partitions that are wanted. */
export interface FetchPlan {
  readonly sessionId: number
  readonly sessionEpoch: number
  /** To be named: all in a full fetch, in an incremental one only those that are new or whose position has changed. */
  readonly named: readonly FetchTarget[]
  readonly forgotten: readonly FetchTarget[]
}

const SESSION_ERRORS: ReadonlySet<number> = new Set([
  ErrorCode.FETCH_SESSION_ID_NOT_FOUND,
  ErrorCode.INVALID_FETCH_SESSION_EPOCH,
  ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR,
])
const FULL = 0
const FINAL = -1
const EPOCH_MAX = 0x7fff_ffff

/**
 * The fetch session with one broker (KIP-227): both sides remember what is wanted, so that requests and answers name only what has changed.
 *
 * A full fetch (epoch 0) opens a session; where the broker has no room for one it answers without an id, and the next fetch is full again. Whenever both
 * sides may remember different things, after a failure or a refusal, a full fetch with the old id replaces the session.
 */
export class FetchSession {
  #id = 0
  #epoch = FULL
  #usesTopicIds = false
  readonly #known = new Map<string, FetchTarget>()

  /** The next fetch, which asks for exactly these partitions. To be followed by `answered` or `failed`. */
  plan(wanted: readonly FetchTarget[], usesTopicIds: boolean): FetchPlan {
    // A session speaks of topics either by name or by id.
    if (usesTopicIds !== this.#usesTopicIds) this.failed()
    this.#usesTopicIds = usesTopicIds
    if (this.#epoch === FULL) return this.#full(wanted)
    const gone = new Map(this.#known)
    const named: FetchTarget[] = []
    const forgotten: FetchTarget[] = []
    for (const target of wanted) {
      const name = partitionName(target)
      const known = gone.get(name)
      gone.delete(name)
      // A topic that was deleted and made anew is another one.
      if (known && usesTopicIds && known.topicId !== target.topicId) forgotten.push(known)
      if (!known || !isSame(known, target)) named.push(target)
      this.#known.set(name, target)
    }
    for (const [name, target] of gone) {
      forgotten.push(target)
      this.#known.delete(name)
    }
    return { sessionId: this.#id, sessionEpoch: this.#epoch, named, forgotten }
  }

  /**
   * Takes note of an answer.
   *
   * @returns whether the broker has refused the session: then a full fetch will do.
   */
  answered({ errorCode, sessionId }: FetchedPartitions): 'accepted' | 'refused' {
    const wasFull = this.#epoch === FULL
    if (errorCode !== ErrorCode.NONE) {
      this.failed()
      if (errorCode === ErrorCode.FETCH_SESSION_ID_NOT_FOUND) this.#id = 0
      return SESSION_ERRORS.has(errorCode) && !wasFull ? 'refused' : 'accepted'
    }
    this.#id = sessionId
    if (sessionId === 0) this.#epoch = FULL
    else this.#epoch = this.#epoch === EPOCH_MAX ? 1 : this.#epoch + 1
    return 'accepted'
  }

  /** No answer came, or none that can be read: the next fetch is a full one. */
  failed(): void {
    this.#epoch = FULL
    this.#known.clear()
  }

  /** The request that ends the session, asking for nothing; null where the broker has none. */
  close(): FetchPlan | null {
    const sessionId = this.#id
    this.#id = 0
    this.failed()
    return sessionId === 0 ? null : { sessionId, sessionEpoch: FINAL, named: [], forgotten: [] }
  }

  #full(wanted: readonly FetchTarget[]): FetchPlan {
    this.#known.clear()
    for (const target of wanted) this.#known.set(partitionName(target), target)
    return { sessionId: this.#id, sessionEpoch: FULL, named: wanted, forgotten: [] }
  }
}

function isSame(a: FetchTarget, b: FetchTarget): boolean {
  return a.fetchOffset === b.fetchOffset && a.leaderEpoch === b.leaderEpoch && a.topicId === b.topicId
}
