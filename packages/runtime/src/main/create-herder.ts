import { StandaloneHerder } from '../herder/standalone/standalone-herder.ts'
import { FileOffsetStore } from '../storage/file/file-offset-store.ts'
import { MemoryConfigStore } from '../storage/memory/memory-config-store.ts'
import { MemoryStatusStore } from '../storage/memory/memory-status-store.ts'
import { Worker } from '../worker/worker.ts'
import { type Cluster, clientKeyOf, consumerGroupOffsets } from './kafka-cluster.ts'
import type { WorkerSettings } from './worker-settings.ts'

export interface HerderAndWorker {
  readonly herder: StandaloneHerder
  readonly worker: Worker
}

/** The herder of a standalone worker with its stores and its worker, none of them started. @throws ConfigError */
export function createHerder(settings: WorkerSettings, workerId: string, cluster: Cluster): HerderAndWorker {
  const { config, registry, transformer, loggers } = settings
  const { bootstrapServers, clusterId } = cluster
  const offsetStore = new FileOffsetStore({ file: config.offsetStorageFileFilename, logger: loggers.logger('storage/file/file-offset-store') })
  const logger = loggers.logger('worker/worker')
  let worker: Worker | undefined
  const herder = new StandaloneHerder({
    config,
    registry,
    transformer,
    createWorker: (listener, resolveTaskConfig) => {
      worker = new Worker({ config, registry, offsetStore, bootstrapServers, workerId, listener, resolveTaskConfig, logger, threadLog: loggers })
      return worker
    },
    configStore: new MemoryConfigStore(),
    offsetStore,
    statusStore: new MemoryStatusStore(),
    workerId,
    clusterId,
    consumerGroupOffsets: consumerGroupOffsets(cluster, loggers.logger('kafka/admin')),
    clientKeyOf,
    logger: loggers.logger('herder/standalone/standalone-herder'),
  })
  if (worker === undefined) throw new Error('The herder made no worker.')
  return { herder, worker }
}
