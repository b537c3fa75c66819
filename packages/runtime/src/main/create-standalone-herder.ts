import { StandaloneHerder } from '../herder/standalone/standalone-herder.ts'
import { FileOffsetStore } from '../storage/file/file-offset-store.ts'
import { MemoryConfigStore } from '../storage/memory/memory-config-store.ts'
import { MemoryStatusStore } from '../storage/memory/memory-status-store.ts'
import { type Cluster, clientKeyOf, consumerGroups } from './kafka-cluster.ts'
import { Observation } from './observation.ts'
import type { CreatedHerder, WorkerIdentity } from './worker-process.ts'
import { setLoggerLevel, type WorkerSettings } from './worker-settings.ts'

/** The herder of a standalone worker with its stores and its worker, none of them started. @throws ConfigError */
export function createStandaloneHerder(settings: WorkerSettings, { workerId, version }: WorkerIdentity, cluster: Cluster): CreatedHerder {
  const { config, registry, transformer, loggers } = settings
  const { bootstrapServers, clusterId } = cluster
  const offsetStore = new FileOffsetStore({ file: config.offsetStorageFileFilename, logger: loggers.logger('storage/file/file-offset-store') })
  const logger = loggers.logger('worker/worker')
  const observation = new Observation(settings, workerId, version, new MemoryStatusStore())
  const herder = new StandaloneHerder({
    config,
    registry,
    transformer,
    createWorker: (listener, resolveTaskConfig) =>
      observation.createWorker({ config, registry, offsetStore, bootstrapServers, workerId, listener, resolveTaskConfig, logger, threadLog: loggers }),
    configStore: new MemoryConfigStore(),
    offsetStore,
    statusStore: observation.statuses,
    workerId,
    clusterId,
    consumerGroups: consumerGroups(cluster, loggers.logger('kafka/admin')),
    clientKeyOf,
    setLoggerLevel: setLoggerLevel(loggers),
    logger: loggers.logger('herder/standalone/standalone-herder'),
  })
  return { herder, peers: null, observation }
}
