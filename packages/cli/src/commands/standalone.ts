import { Command } from 'commander'
import type { BootstrapResolution, ResolveBootstrapContext } from '@millrace/runtime'
import { runWorker } from './worker-command.ts'

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
  const { createStandaloneWorker } = await import('@millrace/runtime')
  await runWorker(workerFile, (options) => createStandaloneWorker({ ...options, connectorFiles, resolveBootstrap }))
}

/** Starts the embedded broker where `bootstrap.servers=embedded` asks for it. */
async function resolveBootstrap({ dataDir, logger }: ResolveBootstrapContext): Promise<BootstrapResolution> {
  const { startBrokerThread } = await import('@millrace/broker')
  const broker = await startBrokerThread({ port: 0, dataDir, logger })
  return { bootstrapServers: `${broker.host}:${broker.port}`, clusterId: broker.clusterId, close: () => broker.close() }
}
