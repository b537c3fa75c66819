import { stat } from 'node:fs'
import type { Logger } from '@millrace/api'
import { type Failure, runtimeFailure } from '../errors/failure.ts'

/** A thread that may hold the pool. */
export interface PoolUser {
  /** Whether it runs alone because it shared a thread that was blamed. */
  readonly isSuspect: boolean
  /** How many requests of this thread the pool has; null where it does not answer. */
  poolRequests(): Promise<number | null>
  /** This thread holds the pool: it is ended. */
  blame(failure: Failure): void
}

export interface IoPoolWatchOptions {
  /** Threads that can be blamed now. */
  readonly users: () => readonly PoolUser[]
  /** How long the pool may do nothing for others. Milliseconds. */
  readonly timeoutMs: number
  readonly logger: Logger
  /** Asks the pool for something small; calls back when it was done. Default: the state of a file. */
  readonly probe?: (done: () => void) => void
}

const PROBES_PER_TIMEOUT = 4

/** A thread, and then one of those that shared it. */
const BLAMED_MAX = 2

/**
 * All threads of a process share libuv's few threads for files, name look-ups and hashing. A plug-in that fills them with calls that do not return
 * stops everybody else's files. The watch asks the pool for something small now and then; where no answer comes, the thread with the most
 * requests in the pool is blamed. Calls that block for good stay in the pool after that, and everybody's requests gather behind them: then only
 * those who shared the blamed thread can still be blamed, once.
 */
export class IoPoolWatch {
  readonly #options: IoPoolWatchOptions
  readonly #timer: NodeJS.Timeout
  #askedAtMs: number | null = null
  #tickAtMs = performance.now()
  /** Threads blamed since the pool last answered. */
  #blamed = 0
  #isClosed = false

  constructor(options: IoPoolWatchOptions) {
    this.#options = options
    this.#timer = setInterval(() => this.#tick(), options.timeoutMs / PROBES_PER_TIMEOUT)
    this.#timer.unref()
  }

  close(): void {
    this.#isClosed = true
    clearInterval(this.#timer)
  }

  #tick(): void {
    const nowMs = performance.now()
    const intervalMs = this.#options.timeoutMs / PROBES_PER_TIMEOUT
    const lateMs = Math.max(0, nowMs - this.#tickAtMs - 2 * intervalMs)
    this.#tickAtMs = nowMs
    if (this.#askedAtMs === null) return this.#ask(nowMs)
    // Time in which this thread itself was held up is not the pool's.
    this.#askedAtMs += lateMs
    if (nowMs - this.#askedAtMs > this.#options.timeoutMs && this.#blamed < BLAMED_MAX) void this.#blame()
  }

  #ask(nowMs: number): void {
    if (this.#options.users().length === 0) return
    this.#askedAtMs = nowMs
    const probe = this.#options.probe ?? ((done) => stat('.', done))
    probe(() => {
      this.#askedAtMs = null
      this.#blamed = 0
    })
  }

  async #blame(): Promise<void> {
    const { users, timeoutMs, logger } = this.#options
    // Asked again after another time-out: those that begin again need time to show what they do.
    this.#askedAtMs = performance.now()
    const candidates = users().filter(({ isSuspect }) => this.#blamed === 0 || isSuspect)
    const counted = await Promise.all(candidates.map(async (user) => ({ user, requests: (await user.poolRequests()) ?? 0 })))
    const [most] = counted.sort((a, b) => b.requests - a.requests)
    // It may have come free while the threads were asked.
    if (this.#askedAtMs === null || this.#isClosed) return
    if (!most || most.requests === 0) return logger.warn(`The thread pool for files and name look-ups has not answered for ${timeoutMs} ms`)
    this.#blamed++
    const message =
      `Its thread has ${most.requests} requests in the thread pool for files and name look-ups, which has done nothing for others for ${timeoutMs} ms. ` +
      'The thread was terminated. Calls that block for good stay in the pool until the worker is started again.'
    most.user.blame(runtimeFailure('TASK_FLOODS_POOL', message))
  }
}
