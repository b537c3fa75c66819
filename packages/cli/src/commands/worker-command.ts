import { flushCompileCache } from 'node:module'
import type { WorkerOptions, WorkerProcess } from '@millrace/runtime'
import { EXIT_WRONG_INPUT } from '../exit-codes.ts'
import { buildCommit, COMPATIBLE_VERSION, packageVersion } from '../version.ts'

/** Packages whose plug-ins every worker has, beside the runtime's own. */
const BUNDLED_CONNECTORS = ['@millrace/connector-file-stream']

/**
 * Runs a worker until a signal ends it, or prints why there is none and ends the process with the code for that.
 *
 * @param create makes the worker of what both modes are told alike.
 */
export async function runWorker(workerFile: string, create: (options: WorkerOptions) => Promise<WorkerProcess>): Promise<void> {
  const { endProcess, StartupError, stopOnSignals } = await import('@millrace/runtime')
  let worker: WorkerProcess | undefined
  try {
    worker = await create({
      workerFile,
      bundledPlugins: BUNDLED_CONNECTORS.map(manifestOf),
      version: { version: COMPATIBLE_VERSION, commit: buildCommit(), millrace: { version: packageVersion(), node: process.version } },
    })
    stopOnSignals(worker)
    await worker.start()
    // What was compiled is kept now: a worker may run for months, and end by SIGKILL.
    flushCompileCache()
  } catch (error) {
    console.error(error instanceof StartupError ? error.message : error)
    const exitCode = error instanceof StartupError ? error.exitCode : EXIT_WRONG_INPUT
    if (worker === undefined) process.exit(exitCode)
    await endProcess(exitCode, { logger: worker.logger })
  }
}

/** The `package.json` beside a package's sources or build. */
function manifestOf(packageName: string): URL {
  return new URL('../package.json', import.meta.resolve(packageName))
}
