import type { ConverterInForce } from '../errors/converter-mismatch.ts'
import { ErrorCounters } from '../errors/error-counters.ts'
import { type Failure, FailureError, failureOf } from '../errors/failure.ts'
import { headlineOf, placeText, reported } from '../errors/failure-report.ts'
import { membershipEvent } from '../errors/recent-events.ts'
import type { FromTaskThread, PluginUse, ProgressSnapshot, TaskStart } from '../thread/messages.ts'
import { Activity } from './activity.ts'
import { assembleTask } from './assemble-task.ts'
import { Ledger } from './ledger.ts'
import { Occupancy, type OccupancyMarker } from './occupancy.ts'
import { OriginLog } from './origin-log.ts'
import type { TaskLoop } from './task-loop.ts'
import { TaskMetrics } from './task-metrics.ts'
import { secretsOf } from './task-secrets.ts'
import type { ThreadChannel } from './thread-channel.ts'

/** One incarnation of a task in its thread: runs its loop once and tells the main thread what becomes of it. */
export class HostedTask {
  readonly start: TaskStart
  readonly metrics: TaskMetrics
  readonly #channel: ThreadChannel<FromTaskThread>
  readonly #log: OriginLog
  readonly #occupancy: Occupancy
  readonly #activity: Activity
  readonly #stopped = new AbortController()
  #loop: TaskLoop | null = null
  #isPausedWanted: boolean
  #isCancelled = false
  /** The first failure, which is the one that counts. */
  #failure: { readonly error: unknown; readonly errorsLogged: number } | null = null
  #laterFailures = 0

  constructor(start: TaskStart, channel: ThreadChannel<FromTaskThread>, marker: OccupancyMarker) {
    this.start = start
    this.#channel = channel
    this.#log = new OriginLog(channel, start.id, secretsOf(start))
    this.#occupancy = new Occupancy(marker, start.incarnation)
    this.metrics = new TaskMetrics(start, start.metricWindows)
    this.#activity = new Activity(this.#occupancy, { mask: this.#log.secrets.mask })
    if (start.kind === 'sink') this.#activity.member(false)
    this.#isPausedWanted = start.targetState === 'PAUSED'
  }

  /** Resolves when the task has ended and everything of it is released. Never rejects. */
  async run(): Promise<void> {
    try {
      this.#loop = await assembleTask(this.start, {
        channel: this.#channel,
        log: this.#log,
        occupancy: this.#occupancy,
        metrics: this.metrics,
        activity: this.#activity,
        events: {
          failed: (error) => this.#tellFailed(error),
          running: () => {
            this.#activity.enter('running')
            this.#tellState('RUNNING')
          },
          paused: () => {
            this.#activity.enter('paused')
            this.#tellState('PAUSED')
          },
          topicUsed: (topic) => {
            this.#log.events.add(`uses topic ${topic}`)
            if (this.start.topicTrackingEnable) this.#channel.post({ type: 'topic-used', ...this.#identity, topic })
          },
          progressed: () => {
            this.#log.events.add('committed its offsets')
            this.#channel.post({ type: 'progress', ...this.#identity, progress: this.progress() })
          },
          membership: (member) => {
            this.#activity.member(member !== null)
            this.#log.events.add(membershipEvent(member))
            this.#channel.post({ type: 'membership', ...this.#identity, member })
          },
        },
        signal: this.#stopped.signal,
      })
      this.#loop.setPaused(this.#isPausedWanted)
      if (this.#stopped.signal.aborted) this.#loop.stop()
      await this.#loop.run()
      this.#tellState('UNASSIGNED')
    } catch (error) {
      this.#tellFailed(error)
    } finally {
      this.#stopped.abort()
      this.#activity.enter('ended')
      this.#channel.post({ type: 'task-ended', ...this.#identity, laterFailures: this.#failuresAfter(), progress: this.progress() })
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
    return this.#loop?.progress() ?? { ...nothingYet, facts: this.#activity.facts() }
  }

  get #identity() {
    return { id: this.start.id, incarnation: this.start.incarnation }
  }

  #tellFailed(error: unknown): void {
    // Later errors are consequences of the first one, and those of a task that was given up are none.
    if (this.#isCancelled && this.#failure === null) return
    if (this.#failure !== null) {
      if (error !== this.#failure.error) this.#laterFailures++
      return
    }
    this.#failure = { error, errorsLogged: this.#log.errors + 1 }
    const failure = this.#reported(error)
    const { id, kind } = this.start
    const name = kind === 'source' ? 'WorkerSourceTask' : 'WorkerSinkTask'
    const { report } = failure
    const head = report === null ? '' : `${headlineOf(report)}, at ${placeText(report.where)}. `
    this.#log
      .logger('org.apache.kafka.connect.runtime.WorkerTask')
      .error(
        `${head}${name}{id=${id.connector}-${id.task}} Task threw an uncaught and unrecoverable exception. Task is being killed and will not recover until manually restarted`,
        new FailureError(failure),
      )
    this.#post('FAILED', failure)
  }

  #reported(error: unknown): Failure {
    const { id, converters, connectorConfig } = this.start
    const inForce = ({ descriptor, properties }: PluginUse, key: string): ConverterInForce => {
      return { className: descriptor.className, properties, isOwn: connectorConfig[key] !== undefined }
    }
    const stage = this.#loop === null ? 'configure' : this.#activity.callThatThrew(error)
    const place = { connector: id.connector, task: id.task, ...(stage === null ? {} : { stage }) }
    return reported(failureOf(error), place, this.#log.events.list(this.#log.secrets.mask), {
      mask: this.#log.secrets.mask,
      converters: {
        key: inForce(converters.key, 'key.converter'),
        value: inForce(converters.value, 'value.converter'),
        header: inForce(converters.header, 'header.converter'),
      },
    })
  }

  /** What failed after the failure that was told, errors that only went to the log included. */
  #failuresAfter(): number {
    return this.#failure === null ? 0 : this.#laterFailures + this.#log.errors - this.#failure.errorsLogged
  }

  #tellState(state: 'RUNNING' | 'PAUSED' | 'UNASSIGNED'): void {
    if (state !== 'UNASSIGNED') this.metrics.changed(state)
    this.#log.events.add(state)
    if (this.#failure === null) this.#post(state, null)
  }

  #post(state: 'RUNNING' | 'PAUSED' | 'UNASSIGNED' | 'FAILED', failure: Failure | null): void {
    this.#channel.post({ type: 'task-state', ...this.#identity, state, failure })
  }
}

const nothingYet: Omit<ProgressSnapshot, 'facts'> = {
  ledger: new Ledger().snapshot(0),
  stage_time_ms: {},
  last_progress_at: null,
  lag: null,
  lag_seconds: null,
  errors: new ErrorCounters().snapshot(),
}
