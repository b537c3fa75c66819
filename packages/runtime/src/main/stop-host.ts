import type { Worker } from 'node:worker_threads'

/** What stopping needs of a process. */
export interface StopHost {
  on(signal: 'SIGTERM' | 'SIGINT', listener: () => void): unknown
  /** Calls `listener` once when the program that started this one, and would pass signals on, is gone; never where there is none such. */
  onOrphaned(listener: () => void): void
  /** Ends all threads. @returns how many are left after a moment: they sit in native calls that nothing interrupts, and would keep `exit` for ever. */
  endThreads(): Promise<number>
  exit(code: number): void
  /** Milliseconds of a clock that only goes forward. */
  now(): number
  /** Ends the process without asking any of its threads. */
  kill(): void
}

/** How often a program that npm runs looks whether npm is still there. */
const PARENT_CHECK_INTERVAL_MS = 500
/** How long a terminated thread may take to exit. */
const THREAD_EXIT_TIMEOUT_MS = 2_000

let host: StopHost | null = null

/** This process. Threads count from the first call on. */
export function processHost(): StopHost {
  host ??= createProcessHost()
  return host
}

function createProcessHost(): StopHost {
  const threads = new Set<Worker>()
  process.on('worker', (thread) => {
    threads.add(thread)
    thread.once('exit', () => threads.delete(thread))
  })
  return {
    on: (signal, listener) => process.on(signal, listener),
    onOrphaned,
    async endThreads() {
      const ended = Promise.all([...threads].map((thread) => thread.terminate()))
      let timer: NodeJS.Timeout | undefined
      const timeout = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, THREAD_EXIT_TIMEOUT_MS)
      })
      await Promise.race([ended, timeout])
      clearTimeout(timer)
      return threads.size
    },
    exit: (code) => process.exit(code),
    now: () => performance.now(),
    kill: () => process.kill(process.pid, 'SIGKILL'),
  }
}

/** npm hands SIGTERM to the shell between it and us, which dies of it without a word: losing the parent is all that arrives here. */
function onOrphaned(listener: () => void): void {
  if (process.env.npm_command === undefined) return
  const parent = process.ppid
  const timer = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(timer)
    listener()
  }, PARENT_CHECK_INTERVAL_MS)
  timer.unref()
}
