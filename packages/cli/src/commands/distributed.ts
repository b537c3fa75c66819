import { Command } from 'commander'
import { runWorker } from './worker-command.ts'

/** `millrace distributed`: as `connect-distributed` of Apache Kafka. */
export function distributedCommand(): Command {
  return new Command('distributed')
    .description('run one worker of a cluster; connectors, offsets and states are kept in Kafka topics')
    .argument('<worker.properties>', "the worker's settings, as Kafka Connect's")
    .addHelpText('after', '\nWorkers with the same group.id and topics share out connectors and tasks. Connectors are created over REST, on any of them.')
    .action(runDistributed)
}

async function runDistributed(workerFile: string): Promise<void> {
  const { createDistributedWorker } = await import('@millrace/runtime')
  await runWorker(workerFile, createDistributedWorker)
}
