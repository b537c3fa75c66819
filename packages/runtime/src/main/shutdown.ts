import type { Logger } from '@millrace/api'

/** How a stop ended. */
export interface StopResult {
  /** Threads that sit in a native call which nothing interrupts. The process cannot end by itself while there are some. */
  readonly abandonedThreads: number
}

export interface StopOnSignalOptions {
  /** What the log calls the thing that stops. Default `Kafka Connect`. */
  readonly name?: string
  /** Ends everything in order. Called once. */
  readonly stop: () => Promise<StopResult | void>
  readonly logger: Logger
  /** If `stop` takes longer, the process is ended all the same. Milliseconds. */
  readonly deadlineMs: number
  /** The process, or what stands for it in tests. */
  readonly host?: StopHost
}

/** What stopping needs of a process. */
export interface StopHost {
  on(signal: 'SIGTERM' | 'SIGINT', listener: () => void): unknown
  /** Calls `listener` once when the program that started this one, and would pass signals on, is gone; never where there is none such. */
  onOrphaned(listener: () => void): void
  exit(code: number): void
  /** Ends the process without asking any of its threads. */
  kill(): void
}

const EXIT_CLEAN = 0
const EXIT_STOP_FAILED = 1

/**
 * Stops in order on the first SIGTERM or SIGINT, or when npm, which ran this, was ended, and ends the process: with 0, or with 1 where stopping failed. A second signal, the deadline, or
 * a thread that cannot be interrupted ends it by SIGKILL, since `exit` would wait for such a thread for ever. What was committed before stays.
 */
export function onStopSignal({ name = 'Kafka Connect', stop, logger, deadlineMs, host = processHost }: StopOnSignalOptions): void {
  let deadline: NodeJS.Timeout | undefined
  const onSignal = (signal: string) => {
    if (deadline !== undefined) {
      clearTimeout(deadline)
      return kill(host, logger, `${signal} came a second time.`)
    }
    logger.info(`${name} stopping on ${signal}`)
    deadline = setTimeout(() => kill(host, logger, `Stopping took longer than ${deadlineMs} ms.`), deadlineMs)
    void stopped(name, stop, logger).then((result) => {
      clearTimeout(deadline)
      if (result === null) return host.exit(EXIT_STOP_FAILED)
      logger.info(`${name} stopped`)
      endProcess(EXIT_CLEAN, { result, logger, host })
    })
  }
  host.on('SIGTERM', () => onSignal('SIGTERM'))
  host.onOrphaned(() => onSignal('the end of npm'))
  host.on('SIGINT', () => onSignal('SIGINT'))
}

/** Ends the process after everything has been stopped: with this code, or by SIGKILL where threads are left that would keep it. */
export function endProcess(
  code: number,
  { result, logger, host = processHost }: { readonly result: StopResult; readonly logger: Logger; readonly host?: StopHost },
): void {
  if (result.abandonedThreads === 0) return host.exit(code)
  kill(host, logger, `${result.abandonedThreads} thread(s) of plug-ins are in native calls that cannot be interrupted; everything else is stopped.`)
}

async function stopped(name: string, stop: StopOnSignalOptions['stop'], logger: Logger): Promise<StopResult | null> {
  try {
    return (await stop()) ?? { abandonedThreads: 0 }
  } catch (error) {
    logger.error(`${name} did not stop cleanly`, error)
    return null
  }
}

function kill(host: StopHost, logger: Logger, reason: string): void {
  logger.error(`${reason} The process ends itself by SIGKILL.`)
  host.kill()
}

/** How often a program that npm runs looks whether npm is still there. */
const PARENT_CHECK_INTERVAL_MS = 500

const processHost: StopHost = {
  onOrphaned(listener) {
    // npm hands SIGTERM to the shell between it and us, which dies of it without a word: losing the parent is all that arrives here.
    if (process.env.npm_command === undefined) return
    const parent = process.ppid
    const timer = setInterval(() => {
      if (process.ppid === parent) return
      clearInterval(timer)
      listener()
    }, PARENT_CHECK_INTERVAL_MS)
    timer.unref()
  },
  on: (signal, listener) => process.on(signal, listener),
  exit: (code) => process.exit(code),
  kill: () => process.kill(process.pid, 'SIGKILL'),
}
