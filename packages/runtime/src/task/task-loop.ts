import type { ProgressSnapshot } from '../thread/messages.ts'

/** What the loop of a task shows to the outside. */
export interface TaskLoop {
  /** Runs the task until it is stopped, with everything released at the end. Rejects with what failed the task. */
  run(): Promise<void>
  /** Asks for the end of the loop. The signal of the task is aborted by the caller. */
  stop(): void
  /** The time to stop is over: releases clients at once, commits nothing more. */
  cancel(): void
  setPaused(isPaused: boolean): void
  /** From now on `topicUsed` is told of each topic anew. */
  forgetTopics(): void
  progress(): ProgressSnapshot
}

/** What a task loop tells about itself. Calls must not throw. */
export interface TaskEvents {
  running(): void
  /** At once, before anything is released: later failures do not hide the first. `run` rejects with the same error. */
  failed(error: unknown): void
  paused(): void
  /** Once per topic, and once more after `forgetTopics`. */
  topicUsed(topic: string): void
  /** After each commit of offsets. */
  progressed(): void
}
