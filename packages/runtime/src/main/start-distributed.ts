import type { WorkerOptions } from './start-standalone.ts'
import { type RunningWorker, WorkerProcess } from './worker-process.ts'
import { readWorkerSettings, standardPlugins } from './worker-settings.ts'

/** Starts a worker of a cluster and resolves when its REST API answers. @throws StartupError; everything is stopped again then. */
export async function startDistributed(options: WorkerOptions): Promise<RunningWorker> {
  const worker = await createDistributedWorker(options)
  await worker.start()
  return worker
}

/** A worker of a cluster (`org.apache.kafka.connect.cli.ConnectDistributed`), not started. @throws StartupError where its file is wrong. */
export async function createDistributedWorker(options: WorkerOptions): Promise<WorkerProcess> {
  const settings = await readWorkerSettings({ ...options, mode: 'distributed', bundledPlugins: [standardPlugins(), ...options.bundledPlugins] })
  // Loaded while the worker looks for its cluster.
  const creation = import('./create-distributed-herder.ts')
  // Awaited once the cluster is found; what is wrong with it is told then.
  creation.catch(() => {})
  return new WorkerProcess({
    settings,
    version: options.version,
    async findCluster() {
      const { lookUpCluster } = await import('./kafka-cluster.ts')
      return lookUpCluster(settings.config, settings.loggers.logger('kafka/admin'))
    },
    createHerder: async (identity, cluster) => (await creation).createDistributedHerder(settings, identity, cluster),
    async serving() {
      // Its connectors come from the config topic, and with its first assignment.
    },
  })
}
