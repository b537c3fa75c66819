import { flushCompileCache } from 'node:module'
import { Command } from 'commander'
import type { BootstrapResolution, ResolveBootstrapContext, StandaloneWorker } from '@millrace/runtime'
import { EXIT_WRONG_INPUT } from '../exit-codes.ts'
import { buildCommit, COMPATIBLE_VERSION, packageVersion } from '../version.ts'

/** Packages whose plug-ins every worker has, beside the runtime's own. */
const BUNDLED_CONNECTORS = ['@millrace/connector-file-stream']

/** `millrace standalone`: as `connect-standalone` of Apache Kafka. */
export function standaloneCommand(): Command {
  return new Command('standalone')
    .description('run connectors in this process; their offsets are kept in a file')
    .argument('<worker.properties>', "the worker's settings, as Kafka Connect's")
    .argument('[connector...]', 'files of connectors to create: properties, or JSON')
    .addHelpText('after', '\nWith bootstrap.servers=embedded the worker brings a Kafka broker of its own, its data beside the offset file.')
    .action(runStandalone)
}

async function runStandalone(workerFile: string, connectorFiles: readonly string[]): Promise<void> {
  const { endProcess, StandaloneWorker, StartupError, stopOnSignals } = await import('@millrace/runtime')
  let worker: StandaloneWorker | undefined
  try {
    worker = await StandaloneWorker.create({
      workerFile,
      connectorFiles,
      bundledPlugins: BUNDLED_CONNECTORS.map(manifestOf),
      version: { version: COMPATIBLE_VERSION, commit: buildCommit(), millrace: { version: packageVersion(), node: process.version } },
      resolveBootstrap,
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

/** Starts the embedded broker where `bootstrap.servers=embedded` asks for it. */
async function resolveBootstrap({ dataDir, logger }: ResolveBootstrapContext): Promise<BootstrapResolution> {
  const { startBrokerThread } = await import('@millrace/broker')
  const broker = await startBrokerThread({ port: 0, dataDir, logger })
  return { bootstrapServers: `${broker.host}:${broker.port}`, clusterId: broker.clusterId, close: () => broker.close() }
}
