import type { Logger } from '@millrace/api'
import type { TaskActivity, TaskId, TaskProgress } from '@millrace/rest-api'
import type { ProgressSnapshot, ReportedProgress } from '../thread/messages.ts'
import type { HeldThread } from '../thread/worker-thread.ts'
import { activityOf, nothingTold, type ProgressMemory, ratesOf, remember } from './progress.ts'
import { withinTime } from './within-time.ts'

/** How a task came to its end: by itself; when its clients were closed under it; with its thread; or not at all, its thread being left behind. */
export type StopRung = NonNullable<TaskProgress['stop']>

/** A run of a task as the watch sees it. */
export interface WatchedRun {
  readonly start: { readonly id: TaskId; readonly incarnation: number }
  readonly thread: WatchedThread
  /** `millrace.stall.timeout.ms` of its connector; 0: never. */
  readonly stallTimeoutMs: number
  /** Whether it was told to have failed. */
  readonly hasFailed: boolean
}

export interface WatchedThread {
  readonly held: HeldThread | null
  readAllProgress(): Promise<readonly ReportedProgress[]>
}

export interface ProgressWatchOptions {
  /** What runs now. */
  readonly runs: () => readonly WatchedRun[]
  /** The one of this task among them, if there is one. */
  readonly run: (id: TaskId) => WatchedRun | undefined
  /** A task has stalled. Told once, until it no longer is. */
  readonly stalled: (run: WatchedRun, activity: TaskActivity) => void
  readonly logger: Logger
  /** Milliseconds that only grow. Default: `performance.now`. */
  readonly now?: () => number
}

/** How long threads have to tell their progress. Milliseconds. */
const ANSWER_TIMEOUT_MS = 500

/** Last known progress is kept for this many tasks that have ended. */
const ENDED_MAX = 1_000

/** Between two looks: this part of the shortest stall time-out, within these bounds. Milliseconds. */
const LOOK_PART = 0.1
const LOOK_MS_MIN = 100
const LOOK_MS_MAX = 10_000

interface Known {
  readonly incarnation: number
  readonly memory: ProgressMemory
  readonly stallTimeoutMs: number
  readonly observedAt: string
  end: 'failed' | 'stopped' | null
  stop: StopRung | null
  isStalled: boolean
}

/** Looks at all tasks now and then, remembers what they told of their progress, and finds those that have stalled. One request per thread and look. */
export class ProgressWatch {
  readonly #options: ProgressWatchOptions
  readonly #known = new Map<string, Known>()
  #timer: NodeJS.Timeout | undefined
  #isClosed = false

  constructor(options: ProgressWatchOptions) {
    this.#options = options
  }

  /** A task began. */
  began(run: WatchedRun): void {
    this.#known.delete(nameOf(run.start.id))
    this.told(run, nothingTold())
    this.#forgetOldest()
    this.#schedule()
  }

  /** A task told of its progress, asked or not. */
  told(run: WatchedRun, snapshot: ProgressSnapshot): void {
    const name = nameOf(run.start.id)
    const { id: _, incarnation } = run.start
    const before = this.#known.get(name)
    const isSame = before?.incarnation === incarnation
    const memory = remember(isSame ? before.memory : null, { nowMs: this.#now(), snapshot }, run.stallTimeoutMs)
    this.#known.delete(name)
    this.#known.set(name, {
      incarnation,
      memory,
      stallTimeoutMs: run.stallTimeoutMs,
      observedAt: new Date().toISOString(),
      end: isSame ? before.end : run.hasFailed ? 'failed' : null,
      stop: null,
      isStalled: isSame && before.isStalled,
    })
  }

  /** A run has failed, or has ended. */
  ended(run: WatchedRun): void {
    const known = this.#known.get(nameOf(run.start.id))
    if (known?.incarnation === run.start.incarnation) known.end = run.hasFailed ? 'failed' : 'stopped'
  }

  /** By which rung of the stop ladder a task that no longer runs came to its end. */
  stopped(id: TaskId, rung: StopRung): void {
    const known = this.#known.get(nameOf(id))
    if (known !== undefined) known.stop = rung
  }

  /** What was last told of a task; null where nothing is known. */
  progress(id: TaskId): Omit<TaskProgress, 'observed_by' | 'restarts'> | null {
    const known = this.#known.get(nameOf(id))
    if (known === undefined) return null
    const { facts: _, ...snapshot } = known.memory.look.snapshot
    const run = this.#options.run(id)
    return {
      ...snapshot,
      activity: this.#activity(known, run?.start.incarnation === known.incarnation ? run : undefined),
      in_out: ratesOf(known.memory),
      observed_at: known.observedAt,
      ...(known.stop === null ? {} : { stop: known.stop }),
    }
  }

  close(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
  }

  // ─── looking ───

  #schedule(): void {
    if (this.#isClosed || this.#timer !== undefined) return
    const timeouts = this.#options.runs().flatMap(({ stallTimeoutMs }) => (stallTimeoutMs > 0 ? stallTimeoutMs : []))
    if (timeouts.length === 0) return
    const delayMs = Math.min(LOOK_MS_MAX, Math.max(LOOK_MS_MIN, Math.min(...timeouts) * LOOK_PART))
    this.#timer = setTimeout(() => {
      void this.look().finally(() => {
        this.#timer = undefined
        this.#schedule()
      })
    }, delayMs)
    this.#timer.unref()
  }

  /** Asks all threads, and tells of each task that has stalled since the last look. Called by the timer, and by whoever wants to know now; never rejects. */
  async look(): Promise<void> {
    const threads = new Set(this.#options.runs().map(({ thread }) => thread))
    await Promise.all([...threads].map((thread) => this.#ask(thread)))
    for (const run of this.#options.runs()) this.#check(run)
  }

  async #ask(thread: WatchedThread): Promise<void> {
    const told = await withinTime(thread.readAllProgress(), ANSWER_TIMEOUT_MS)
    if (told === null) return
    const runs = new Map(this.#options.runs().map((run) => [run.start.incarnation, run]))
    for (const { incarnation, progress } of told) {
      const run = runs.get(incarnation)
      if (run !== undefined) this.told(run, progress)
    }
  }

  #check(run: WatchedRun): void {
    const known = this.#known.get(nameOf(run.start.id))
    if (known?.incarnation !== run.start.incarnation) return
    const activity = this.#activity(known, run)
    const isStalled = activity.state === 'stalled'
    if (isStalled && !known.isStalled) {
      this.#options.logger.warn(`Task ${nameOf(run.start.id)} is stalled: ${activity.detail}`)
      this.#options.stalled(run, activity)
    } else if (!isStalled && known.isStalled) this.#options.logger.info(`Task ${nameOf(run.start.id)} is no longer stalled`)
    known.isStalled = isStalled
  }

  #activity({ memory, stallTimeoutMs, end }: Known, run: WatchedRun | undefined): TaskActivity {
    const held = run?.thread.held ?? null
    return activityOf(memory, {
      nowMs: this.#now(),
      wallMs: Date.now(),
      timeoutMs: stallTimeoutMs,
      held: held === null ? null : { call: held.call, forMs: held.forMs, isByItself: held.slot === run?.start.incarnation },
      end: end ?? (run === undefined ? 'stopped' : null),
    })
  }

  #forgetOldest(): void {
    if (this.#known.size <= ENDED_MAX) return
    if (this.#known.size <= ENDED_MAX) return
    const running = new Set(this.#options.runs().map(({ start }) => nameOf(start.id)))
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= ENDED_MAX + running.size) return
      if (!running.has(oldest)) this.#known.delete(oldest)
    }
  }

  #now(): number {
    return (this.#options.now ?? performance.now.bind(performance))()
  }
}

function nameOf({ connector, task }: TaskId): string {
  return `${connector}-${task}`
}
