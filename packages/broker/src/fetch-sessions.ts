import { randomInt } from 'node:crypto'
import type { RequestBody } from '@millrace/kafka-protocol'

export type WantedPartition = RequestBody<'Fetch'>['topics'][number]['partitions'][number]

/** A partition that a consumer fetches from. */
export interface FetchTarget {
  /** Empty from version 13 on. */
  readonly topic: string
  readonly topicId: string
  readonly partition: WantedPartition
}

/** What the consumer was last told of a partition, beside records; undefined if it has to be told again. */
export interface ToldState {
  readonly highWatermark: number
  readonly lastStableOffset: number
  readonly logStartOffset: number
}

interface SessionEntry {
  target: FetchTarget
  told: ToldState | undefined
}

const EPOCH_FIRST = 1
const EPOCH_MAX = 0x7fff_ffff
const ID_MAX = 0x7fff_ffff

/** The partitions of one consumer, which it then does not have to name in each request (KIP-227). */
export class FetchSession {
  readonly id: number
  /** Whether its topics have ids instead of names. */
  readonly isById: boolean
  /** That the next request has to have. */
  epoch = EPOCH_FIRST
  /** Milliseconds of the broker's clock. */
  usedAt: number
  /** How many of its partitions the broker has counted. */
  countedSize = 0
  /** Those that gave records last go to the end, so that each has its turn. */
  readonly #entries = new Map<string, SessionEntry>()

  constructor(id: number, isById: boolean, now: number) {
    this.id = id
    this.isById = isById
    this.usedAt = now
  }

  get size(): number {
    return this.#entries.size
  }

  get targets(): FetchTarget[] {
    return Array.from(this.#entries.values(), ({ target }) => target)
  }

  put(target: FetchTarget): void {
    const key = keyOf(target)
    const known = this.#entries.get(key)
    if (known) known.target = target
    else this.#entries.set(key, { target, told: undefined })
  }

  forget(topic: string, topicId: string, partition: number): void {
    this.#entries.delete(keyOf({ topic, topicId, partition: { partition } }))
  }

  advance(now: number): void {
    this.epoch = this.epoch === EPOCH_MAX ? EPOCH_FIRST : this.epoch + 1
    this.usedAt = now
  }

  /**
   * Notes an answer for a partition.
   *
   * @param told undefined for an error.
   * @returns whether it says anything that the consumer does not know.
   */
  note(target: FetchTarget, told: ToldState | undefined, hasRecords: boolean): boolean {
    const key = keyOf(target)
    const entry = this.#entries.get(key)
    if (!entry) return true
    const isNews = hasRecords || told === undefined || !isSame(entry.told, told)
    entry.told = told
    if (hasRecords) {
      this.#entries.delete(key)
      this.#entries.set(key, entry)
    }
    return isNews
  }
}

export interface FetchSessionsOptions {
  readonly sessionsMax: number
  /** Of all sessions together. */
  readonly partitionsMax: number
  /** A session that was not used for so long makes room for another. Milliseconds. */
  readonly evictionMs: number
}

/** All fetch sessions, in bounded memory: where there is no room, a consumer gets none and goes on naming its partitions. */
export class FetchSessions {
  readonly #options: FetchSessionsOptions
  /** In the order of their last use. */
  readonly #sessions = new Map<number, FetchSession>()
  #partitionCount = 0

  constructor(options: FetchSessionsOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#sessions.size
  }

  /** A new session with these partitions; undefined if there is no room for it. */
  open(targets: readonly FetchTarget[], isById: boolean, now: number): FetchSession | undefined {
    if (targets.length === 0 || !this.#makeRoom(targets.length, now)) return undefined
    const session = new FetchSession(this.#newId(), isById, now)
    for (const target of targets) session.put(target)
    this.#keep(session)
    return session
  }

  get(id: number): FetchSession | undefined {
    return this.#sessions.get(id)
  }

  /** After a change: closes the session if there is no room for what it has become. */
  used(session: FetchSession, now: number): void {
    session.advance(now)
    this.close(session.id)
    if (session.size > 0 && this.#partitionCount + session.size <= this.#options.partitionsMax) this.#keep(session)
  }

  close(id: number): void {
    const session = this.#sessions.get(id)
    if (!session) return
    this.#sessions.delete(id)
    this.#partitionCount -= session.countedSize
  }

  #keep(session: FetchSession): void {
    session.countedSize = session.size
    this.#partitionCount += session.size
    this.#sessions.set(session.id, session)
  }

  #makeRoom(partitions: number, now: number): boolean {
    const { sessionsMax, partitionsMax, evictionMs } = this.#options
    const isFull = () => this.#sessions.size >= sessionsMax || this.#partitionCount + partitions > partitionsMax
    for (const session of this.#sessions.values()) {
      if (!isFull()) return true
      if (now - session.usedAt < evictionMs) return false
      this.close(session.id)
    }
    return !isFull()
  }

  #newId(): number {
    for (;;) {
      const id = randomInt(1, ID_MAX)
      if (!this.#sessions.has(id)) return id
    }
  }
}

function keyOf({
  topic,
  topicId,
  partition,
}: {
  readonly topic: string
  readonly topicId: string
  readonly partition: { readonly partition: number }
}): string {
  return `${topic === '' ? topicId : topic}-${partition.partition}`
}

function isSame(a: ToldState | undefined, b: ToldState): boolean {
  return a !== undefined && a.highWatermark === b.highWatermark && a.lastStableOffset === b.lastStableOffset && a.logStartOffset === b.logStartOffset
}
