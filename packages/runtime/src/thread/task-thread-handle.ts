import type { Properties } from '@millrace/api'
import type { TaskId } from '@millrace/rest-api'
import type {
  Answer,
  FromTaskThread,
  LogLine,
  ProgressSnapshot,
  ReadLease,
  ReadMetrics,
  ReadOffsets,
  ReadTaskConfig,
  Refusal,
  ReportedProgress,
  TaskStart,
  ThreadFailed,
  ThreadMetrics,
  ThreadReady,
  ToTaskThread,
  WriteOffsets,
} from './messages.ts'
import { answer } from './requests.ts'
import { onStandardOutputLost } from './standard-output.ts'
import type { ThreadLog } from './thread-log.ts'
import { type HeldThread, type ThreadEnd, type ThreadLimits, type ThreadTrouble, WorkerThread } from './worker-thread.ts'

/** What threads ask of the main thread. */
export interface ThreadServices {
  /** One answer per key, null where nothing is stored. */
  readOffsets(keys: readonly Buffer[]): Promise<readonly (Uint8Array | null)[]>
  /** Resolves when all are durable. */
  writeOffsets(entries: readonly { readonly key: Buffer; readonly value: Buffer | null }[]): Promise<void>
  /** For how long nobody else can have been given what this worker runs, as `ReadLease` answers. */
  leaseMs(): number
  /** The task's configuration, references resolved again. */
  taskConfig(id: TaskId): Promise<Properties>
}

/** What a task thread tells of its tasks. */
export type TaskEvent = Exclude<
  FromTaskThread,
  ThreadReady | ThreadFailed | LogLine | Answer | Refusal | ReadOffsets | WriteOffsets | ReadLease | ReadTaskConfig
>

export interface TaskThreadListener {
  taskEvent(thread: TaskThreadHandle, event: TaskEvent): void
  /** The thread cannot go on; it is the listener's to end it and to see to its tasks. */
  troubled(thread: TaskThreadHandle, trouble: ThreadTrouble): void
}

export interface TaskThreadOptions {
  readonly limits: ThreadLimits
  readonly log: ThreadLog
  readonly services: ThreadServices
  readonly listener: TaskThreadListener
  /** Takes one task only. */
  readonly isExclusive: boolean
}

/** A question about the progress of tasks that is about to be asked. */
interface ProgressRead {
  readonly ids: TaskId[]
  /** In the order of `ids`. */
  readonly answer: Promise<readonly (ProgressSnapshot | null)[]>
}

/** The main thread's side of a task thread. */
export class TaskThreadHandle {
  readonly isExclusive: boolean
  /** Takes no more tasks: it will be ended. */
  isRetired = false
  /** Tasks that were put here and have not ended, by incarnation. */
  readonly tasks = new Map<number, TaskId>()
  readonly #thread: WorkerThread<ToTaskThread, FromTaskThread>
  readonly #services: ThreadServices
  readonly #listener: TaskThreadListener
  readonly #forgetOutput: () => void
  #progressRead: ProgressRead | null = null

  constructor({ limits, log, services, listener, isExclusive }: TaskThreadOptions) {
    this.isExclusive = isExclusive
    this.#services = services
    this.#listener = listener
    this.#thread = new WorkerThread('task', {
      limits,
      log,
      listener: {
        message: (message) => this.#receive(message),
        troubled: (trouble) => listener.troubled(this, trouble),
      },
    })
    this.#forgetOutput = onStandardOutputLost(() => this.#thread.post({ type: 'standard-output-lost' }))
  }

  get state(): 'running' | 'ending' | ThreadEnd {
    return this.#thread.state
  }

  get usedBytes(): number {
    return this.#thread.usedBytes
  }

  get isResponsive(): boolean {
    return this.#thread.isResponsive
  }

  /** What holds the thread's event loop: `WorkerThread.held`. */
  get held(): HeldThread | null {
    return this.#thread.held
  }

  /** Resolves when the thread has taken the task; how it fares is told by events. */
  async startTask(task: TaskStart): Promise<void> {
    this.tasks.set(task.incarnation, task.id)
    await this.#thread.request<null>((request) => ({ type: 'start-task', request, task }))
  }

  /** Resolves when the task has ended and everything of it is released. */
  async stopTask(id: TaskId): Promise<void> {
    await this.#thread.request<null>((request) => ({ type: 'stop-task', request, id }))
  }

  cancelTask(id: TaskId): void {
    this.#thread.post({ type: 'cancel-task', id })
  }

  setTargetState(id: TaskId, state: 'STARTED' | 'PAUSED'): void {
    this.#thread.post({ type: 'set-task-target-state', id, state })
  }

  forgetTopics(id: TaskId): void {
    this.#thread.post({ type: 'forget-topics', id })
  }

  readProgress(id: TaskId): Promise<ProgressSnapshot | null> {
    this.#progressRead ??= this.#beginReadingProgress()
    const { ids, answer } = this.#progressRead
    const index = ids.push(id) - 1
    return answer.then((snapshots) => snapshots[index] ?? null)
  }

  /** Those that are asked about in one turn go in one message: the states of many connectors are asked for together. */
  #beginReadingProgress(): ProgressRead {
    const ids: TaskId[] = []
    const answer = Promise.resolve().then(() => {
      this.#progressRead = null
      return this.#thread.request<readonly (ProgressSnapshot | null)[]>((request) => ({ type: 'read-progress', request, ids }))
    })
    return { ids, answer }
  }

  /** The progress of all tasks of the thread. */
  readAllProgress(): Promise<readonly ReportedProgress[]> {
    return this.#thread.request((request) => ({ type: 'read-all-progress', request }))
  }

  /** Metrics of the thread and of all its tasks, as lines for Prometheus. */
  readMetrics(style: ReadMetrics['style']): Promise<ThreadMetrics> {
    return this.#thread.request((request) => ({ type: 'read-metrics', request, style }))
  }

  /** How many requests of the thread libuv's thread pool has. */
  countPoolRequests(): Promise<number> {
    return this.#thread.request((request) => ({ type: 'count-pool-requests', request }))
  }

  /** The thread does harm that only the process as a whole shows: it is in trouble from now on. */
  blame(trouble: ThreadTrouble): void {
    this.#thread.blame(trouble)
  }

  terminate(): Promise<ThreadEnd> {
    this.#forgetOutput()
    return this.#thread.terminate()
  }

  #receive(message: FromTaskThread): void {
    switch (message.type) {
      case 'read-offsets':
        return this.#answer(message.request, () => this.#services.readOffsets(message.keys.map(bufferOf)))
      case 'write-offsets':
        return this.#answer(message.request, async () => {
          await this.#services.writeOffsets(message.entries.map(({ key, value }) => ({ key: bufferOf(key), value: value === null ? null : bufferOf(value) })))
          return null
        })
      case 'read-lease':
        return this.#answer(message.request, async () => this.#services.leaseMs())
      case 'read-task-config':
        return this.#answer(message.request, () => this.#services.taskConfig(message.id))
      case 'task-ended':
        this.tasks.delete(message.incarnation)
        return this.#listener.taskEvent(this, message)
      case 'task-state':
      case 'topic-used':
      case 'membership':
      case 'progress':
        return this.#listener.taskEvent(this, message)
    }
  }

  #answer(request: number, work: () => Promise<unknown>): void {
    void answer((reply) => this.#thread.reply(reply), request, work)
  }
}

/** Buffers arrive as plain `Uint8Array`s. */
export function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
