/**
 * The life of one incarnation of a task, as the main thread sees it.
 *
 * running: the thread has it, or is about to. stopping: asked to end, for good. relocating: it ends to begin again in another thread.
 * failed: it reported its failure and is releasing what it holds. ended: nothing of it is left.
 */
export type TaskRunState = 'running' | 'stopping' | 'relocating' | 'failed' | 'ended'

/**
 * stop: a user or the herder wants it to end. relocate: its thread will be ended although it did nothing wrong. fail: it reported a failure, or
 * its thread was ended because of it. end: the thread says that all is released. lost: its thread is gone with it.
 */
export type TaskRunEvent = 'stop' | 'relocate' | 'fail' | 'end' | 'lost'

export interface TaskTransition {
  readonly next: TaskRunState
  /** What is to be done. `restart`: begin again elsewhere. `tell-failed`, `tell-unassigned`: report the state. */
  readonly act: 'none' | 'restart' | 'tell-failed' | 'tell-unassigned'
}

const stay = (next: TaskRunState): TaskTransition => ({ next, act: 'none' })

/** What happens in each state at each event. */
export const taskLifecycle: Readonly<Record<TaskRunState, Readonly<Record<TaskRunEvent, TaskTransition>>>> = {
  running: {
    stop: stay('stopping'),
    relocate: stay('relocating'),
    fail: { next: 'failed', act: 'tell-failed' },
    // It ended of its own accord, which only a stop makes it do.
    end: { next: 'ended', act: 'tell-unassigned' },
    lost: { next: 'ended', act: 'restart' },
  },
  stopping: {
    stop: stay('stopping'),
    relocate: stay('stopping'),
    fail: { next: 'failed', act: 'tell-failed' },
    end: { next: 'ended', act: 'tell-unassigned' },
    lost: { next: 'ended', act: 'tell-unassigned' },
  },
  relocating: {
    // The wish to stop wins: it does not begin again.
    stop: stay('stopping'),
    relocate: stay('relocating'),
    fail: { next: 'failed', act: 'tell-failed' },
    end: { next: 'ended', act: 'restart' },
    lost: { next: 'ended', act: 'restart' },
  },
  failed: {
    stop: stay('failed'),
    relocate: stay('failed'),
    fail: stay('failed'),
    end: stay('ended'),
    lost: stay('ended'),
  },
  ended: {
    stop: stay('ended'),
    relocate: stay('ended'),
    fail: stay('ended'),
    end: stay('ended'),
    lost: stay('ended'),
  },
}
