import type { Properties } from '@millrace/api'
import { DistributedHerder } from '../herder/distributed/distributed-herder.ts'
import { KafkaWorkerGroup } from '../herder/distributed/kafka-worker-group.ts'
import { RebalanceTimeline } from '../herder/distributed/rebalance-timeline.ts'
import { WorkerClient } from '../herder/distributed/worker-client.ts'
import { workerTlsOptions } from '../rest/tls-options.ts'
import { workerClientProperties } from '../storage/kafka/client-properties.ts'
import { KafkaStores } from '../storage/kafka/kafka-stores.ts'
import { connectorOffsetsTopic } from '../worker/client-properties.ts'
import { type Cluster, clientKeyOf, consumerGroups } from './kafka-cluster.ts'
import { Observation } from './observation.ts'
import type { CreatedHerder, WorkerIdentity } from './worker-process.ts'
import { setLoggerLevel, type WorkerSettings } from './worker-settings.ts'

/** The herder of a worker of a cluster with its stores, its place in the group and its worker, none of them started. @throws ConfigError */
export function createDistributedHerder(settings: WorkerSettings, { advertisedUrl, workerId, version }: WorkerIdentity, cluster: Cluster): CreatedHerder {
  const { config, registry, transformer, loggers } = settings
  const { distributed, properties } = config
  if (distributed === null) throw new Error('These are the settings of a standalone worker.')
  const { bootstrapServers, clusterId } = cluster
  const { groupId, clientId } = distributed
  const stores = new KafkaStores({
    properties,
    bootstrapServers,
    clientIdPrefix: clientId === '' ? groupId : `${groupId}-${clientId}`,
    connectorTopicOf: async (connector) => {
      const stored = stores.config.snapshot().connectorConfig(connector)
      if (!stored?.['offsets.storage.topic']) return null
      const connectorConfig = (await transformer.transform(stored)) as Properties
      return connectorOffsetsTopic({ bootstrapServers, workerProperties: properties, connectorConfig }, connector)
    },
    logger: loggers.logger('storage/kafka/kafka-stores'),
  })
  const observation = new Observation(settings, workerId, version, stores.statuses)
  const timeline = new RebalanceTimeline(loggers.logger('herder/distributed/rebalance-timeline'), (event) => observation.rebalanced(event))
  const logger = loggers.logger('worker/worker')
  const peers = new WorkerClient({
    logger: loggers.logger('herder/distributed/worker-client'),
    tls: () => workerTlsOptions(properties, 'listeners.https.', loggers.logger('herder/distributed/worker-client')),
  })
  const herder = new DistributedHerder({
    config,
    distributed,
    registry,
    transformer,
    createWorker: (listener, resolveTaskConfig) =>
      observation.createWorker({
        config,
        registry,
        offsetStore: stores.offsets,
        bootstrapServers,
        workerId,
        listener,
        resolveTaskConfig,
        logger,
        threadLog: loggers,
      }),
    stores: {
      config: stores.config,
      offsets: stores.offsets,
      statuses: observation.statuses,
      warnings: () => stores.warnings(),
      start: () => stores.start(),
      stop: () => stores.stop(),
    },
    createGroup(listener) {
      const group = new KafkaWorkerGroup({
        properties: workerClientProperties('admin', properties, {
          'bootstrap.servers': bootstrapServers,
          'client.id': clientId === '' ? `connect-${workerId}` : clientId,
        }),
        groupId,
        protocol: distributed.connectProtocol,
        sessionTimeoutMs: distributed.sessionTimeoutMs,
        rebalanceTimeoutMs: distributed.rebalanceTimeoutMs,
        heartbeatIntervalMs: distributed.heartbeatIntervalMs,
        rebalanceDelayMaxMs: distributed.scheduledRebalanceMaxDelayMs,
        url: advertisedUrl.href,
        configs: () => stores.config.snapshot(),
        reportedState: (connector, task) => (task === undefined ? stores.statuses.connector(connector) : stores.statuses.task({ connector, task })),
        listener,
        timeline,
        metricWindows: config.metricWindows,
        logger: loggers.logger('herder/distributed/kafka-worker-group'),
      })
      observation.add(() => group.readMetrics())
      return group
    },
    timeline,
    client: peers,
    url: advertisedUrl.href,
    workerId,
    clusterId,
    consumerGroups: consumerGroups(cluster, loggers.logger('kafka/admin')),
    clientKeyOf,
    setLoggerLevel: setLoggerLevel(loggers),
    logger: loggers.logger('herder/distributed/distributed-herder'),
  })
  return { herder, peers, observation }
}
