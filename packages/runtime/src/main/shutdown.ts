import type { Logger } from '@millrace/api'
import { processHost, type StopHost } from './stop-host.ts'

export interface StopOnSignalOptions {
  /** What the log calls the thing that stops. Default `Kafka Connect`. */
  readonly name?: string
  /** Ends everything in order. Called once. */
  readonly stop: () => Promise<void>
  readonly logger: Logger
  /** If `stop` takes longer, the process is ended all the same. Milliseconds. */
  readonly deadlineMs: number
  /** The process, or what stands for it in tests. */
  readonly host?: StopHost
}

const EXIT_CLEAN = 0
const EXIT_STOP_FAILED = 1
/** One wish may arrive twice: Ctrl-C reaches npm and what it runs, and `timeout` signals its child and its group. Milliseconds. */
const SAME_WISH_MS = 500

/**
 * Stops in order on the first SIGTERM or SIGINT, or when the npm that runs this was ended, and ends the process: with 0, or with 1 where stopping
 * failed. A second signal half a second later, the deadline, or a thread that cannot be interrupted ends it by SIGKILL. What was committed before stays.
 * To be called before the first thread is started.
 */
export function onStopSignal({ name = 'Kafka Connect', stop, logger, deadlineMs, host = processHost() }: StopOnSignalOptions): void {
  let deadline: NodeJS.Timeout | undefined
  let firstAt = 0
  const onSignal = (signal: string) => {
    if (deadline !== undefined) {
      if (host.now() - firstAt < SAME_WISH_MS) return
      clearTimeout(deadline)
      return kill(host, logger, `${signal} came a second time.`)
    }
    firstAt = host.now()
    logger.info(`${name} stopping on ${signal}`)
    deadline = setTimeout(() => kill(host, logger, `Stopping took longer than ${deadlineMs} ms.`), deadlineMs)
    void stopped(name, stop, logger).then(async (code) => {
      await endProcess(code, { logger, host })
      clearTimeout(deadline)
    })
  }
  host.on('SIGTERM', () => onSignal('SIGTERM'))
  host.on('SIGINT', () => onSignal('SIGINT'))
  // What ended npm may have come here before: no second wish.
  host.onOrphaned(() => {
    if (deadline === undefined) onSignal('the end of npm')
  })
}

export interface EndProcessOptions {
  readonly logger: Logger
  readonly host?: StopHost
}

/**
 * Ends the process after everything has been stopped: with this code, or by SIGKILL where a thread sits in a native call that nothing interrupts,
 * since `exit` would wait for it for ever.
 */
export async function endProcess(code: number, { logger, host = processHost() }: EndProcessOptions): Promise<void> {
  const threadsLeft = await host.endThreads()
  if (threadsLeft === 0) return host.exit(code)
  kill(host, logger, `${threadsLeft} thread(s) of plug-ins are in native calls that cannot be interrupted; everything else is stopped.`)
}

/** @returns the exit code. */
async function stopped(name: string, stop: StopOnSignalOptions['stop'], logger: Logger): Promise<number> {
  try {
    await stop()
    logger.info(`${name} stopped`)
    return EXIT_CLEAN
  } catch (error) {
    logger.error(`${name} did not stop cleanly`, error)
    return EXIT_STOP_FAILED
  }
}

function kill(host: StopHost, logger: Logger, reason: string): void {
  logger.error(`${reason} The process ends itself by SIGKILL.`)
  host.kill()
}
