import { TaskThreadHandle, type TaskThreadOptions } from './task-thread-handle.ts'

/** What `/health` and the process's end need to know of a thread. */
export interface ThreadInfo {
  readonly state: TaskThreadHandle['state']
  /** `connector-task` of the tasks it has, or had when it was given up. */
  readonly tasks: readonly string[]
  readonly usedBytes: number
}

/**
 * The task threads. A thread hosts one task while there are at most `threadsMax` tasks; beyond that tasks share threads, fewest first.
 * Exclusive threads come on top. A thread that was abandoned keeps its place, so that a plug-in that blocks again and again cannot
 * gather threads without bound in the shared part.
 */
export class ThreadPool {
  readonly #threadsMax: number
  readonly #options: Omit<TaskThreadOptions, 'isExclusive'>
  readonly #threads = new Set<TaskThreadHandle>()

  constructor(threadsMax: number, options: Omit<TaskThreadOptions, 'isExclusive'>) {
    this.#threadsMax = threadsMax
    this.#options = options
  }

  /** The thread for one more task. It counts as taken only when a task is started in it, in the same turn. */
  threadFor({ isExclusive }: { readonly isExclusive: boolean }): TaskThreadHandle {
    if (isExclusive) return this.#newThread(true)
    const shared = [...this.#threads].filter((thread) => !thread.isExclusive)
    const running = shared.filter((thread) => thread.state === 'running' && !thread.isRetired)
    const isFull = shared.filter((thread) => thread.state !== 'terminated').length >= this.#threadsMax
    const emptiest = running.reduce<TaskThreadHandle | null>((best, thread) => (best === null || thread.tasks.size < best.tasks.size ? thread : best), null)
    return isFull && emptiest !== null ? emptiest : this.#newThread(false)
  }

  /** A task left this thread: one that has no task any more is ended. */
  release(thread: TaskThreadHandle): void {
    if (thread.tasks.size === 0 && thread.state === 'running') void this.end(thread)
  }

  async end(thread: TaskThreadHandle): Promise<'terminated' | 'abandoned'> {
    const end = await thread.terminate()
    if (end === 'terminated') this.#threads.delete(thread)
    return end
  }

  /** Threads that run. */
  running(): TaskThreadHandle[] {
    return [...this.#threads].filter((thread) => thread.state === 'running')
  }

  /** All threads that are there, abandoned ones included. */
  threads(): ThreadInfo[] {
    return [...this.#threads].map((thread) => ({
      state: thread.state,
      tasks: [...thread.tasks.values()].map(({ connector, task }) => `${connector}-${task}`),
      usedBytes: thread.usedBytes,
    }))
  }

  /** Ends all threads. */
  async close(): Promise<void> {
    await Promise.all([...this.#threads].map((thread) => this.end(thread)))
  }

  #newThread(isExclusive: boolean): TaskThreadHandle {
    const thread = new TaskThreadHandle({ ...this.#options, isExclusive })
    this.#threads.add(thread)
    return thread
  }
}
