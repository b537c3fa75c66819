import { ErrorCounters } from '../errors/error-counters.ts'
import { failureOf } from '../errors/failure.ts'
import type { FromTaskThread, ProgressSnapshot, TaskStart } from '../thread/messages.ts'
import { assembleTask } from './assemble-task.ts'
import { Occupancy, type OccupancyMarker } from './occupancy.ts'
import type { TaskLoop } from './task-loop.ts'
import { TaskMetrics } from './task-metrics.ts'
import type { ThreadChannel } from './thread-channel.ts'

/** One incarnation of a task in its thread: runs its loop once and tells the main thread what becomes of it. */
export class HostedTask {
  readonly start: TaskStart
  readonly metrics: TaskMetrics
  readonly #channel: ThreadChannel<FromTaskThread>
  readonly #occupancy: Occupancy
  readonly #stopped = new AbortController()
  #loop: TaskLoop | null = null
  #isPausedWanted: boolean
  #isCancelled = false
  #isFailed = false

  constructor(start: TaskStart, channel: ThreadChannel<FromTaskThread>, marker: OccupancyMarker) {
    this.start = start
    this.#channel = channel
    this.#occupancy = new Occupancy(marker, start.incarnation)
    this.metrics = new TaskMetrics(start, start.metricWindows)
    this.#isPausedWanted = start.targetState === 'PAUSED'
  }

  /** Resolves when the task has ended and everything of it is released. Never rejects. */
  async run(): Promise<void> {
    try {
      this.#loop = await assembleTask(this.start, {
        channel: this.#channel,
        occupancy: this.#occupancy,
        metrics: this.metrics,
        events: {
          running: () => this.#tellState('RUNNING', null),
          paused: () => this.#tellState('PAUSED', null),
          topicUsed: (topic) => {
            if (this.start.topicTrackingEnable) this.#channel.post({ type: 'topic-used', ...this.#identity, topic })
          },
          progressed: () => this.#channel.post({ type: 'progress', ...this.#identity, progress: this.progress() }),
          membership: (member) => this.#channel.post({ type: 'membership', ...this.#identity, member }),
        },
        signal: this.#stopped.signal,
      })
      this.#loop.setPaused(this.#isPausedWanted)
      if (this.#stopped.signal.aborted) this.#loop.stop()
      await this.#loop.run()
      this.#tellState('UNASSIGNED', null)
    } catch (error) {
      this.#tellFailed(error)
    } finally {
      this.#stopped.abort()
      this.#channel.post({ type: 'task-ended', ...this.#identity, progress: this.progress() })
    }
  }

  stop(): void {
    this.#stopped.abort()
    this.#loop?.stop()
  }

  /** The time to stop is over. */
  cancel(): void {
    this.#isCancelled = true
    this.#stopped.abort()
    this.#loop?.cancel()
  }

  setPaused(isPaused: boolean): void {
    this.#isPausedWanted = isPaused
    this.#loop?.setPaused(isPaused)
  }

  /** Topics were reset: they are told again at their next use. */
  forgetTopics(): void {
    this.#loop?.forgetTopics()
  }

  /** An error that nobody awaited, from code of this task. */
  fail(error: unknown): void {
    this.#tellFailed(error)
    this.stop()
  }

  progress(): ProgressSnapshot {
    return this.#loop?.progress() ?? nothingYet
  }

  get #identity() {
    return { id: this.start.id, incarnation: this.start.incarnation }
  }

  #tellFailed(error: unknown): void {
    // Later errors are consequences of the first one, and those of a task that was given up are none.
    if (this.#isFailed || this.#isCancelled) return
    const { id, kind } = this.start
    const name = kind === 'source' ? 'WorkerSourceTask' : 'WorkerSinkTask'
    this.#channel
      .logger('org.apache.kafka.connect.runtime.WorkerTask', id)
      .error(
        `${name}{id=${id.connector}-${id.task}} Task threw an uncaught and unrecoverable exception. Task is being killed and will not recover until manually restarted`,
        error,
      )
    this.#post('FAILED', error)
    this.#isFailed = true
  }

  #tellState(state: 'RUNNING' | 'PAUSED' | 'UNASSIGNED', error: null): void {
    if (state !== 'UNASSIGNED') this.metrics.changed(state)
    if (!this.#isFailed) this.#post(state, error)
  }

  #post(state: 'RUNNING' | 'PAUSED' | 'UNASSIGNED' | 'FAILED', error: unknown): void {
    this.#channel.post({ type: 'task-state', ...this.#identity, state, failure: state === 'FAILED' ? failureOf(error) : null })
  }
}

const nothingYet: ProgressSnapshot = {
  ledger: { read: 0, written: 0, filtered: 0, dead_lettered: 0, skipped: 0, given_back: 0, in_flight: 0, balanced: true },
  stage_time_ms: {},
  last_progress_at: null,
  lag: null,
  errors: new ErrorCounters().snapshot(),
}
