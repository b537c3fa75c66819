/**
 * Which of the original's loggers speaks for which module of ours, so that `PUT /admin/loggers/org.apache.kafka.connect.runtime.Worker` and a
 * search of the log for that name do what users of Kafka Connect expect. Key: the module, without its package's source folder. A plug-in's
 * logger has the class name of the plug-in; the Kafka clients of a task log under the task's name.
 */
export const LOGGER_NAMES = {
  'main/start-standalone': 'org.apache.kafka.connect.cli.ConnectStandalone',
  'main/start-distributed': 'org.apache.kafka.connect.cli.ConnectDistributed',
  'main/shutdown': 'org.apache.kafka.connect.runtime.Connect',
  'rest/server': 'org.apache.kafka.connect.runtime.rest.RestServer',
  'rest/error-responses': 'org.apache.kafka.connect.runtime.rest.errors.ConnectExceptionMapper',
  'rest/resources/connectors': 'org.apache.kafka.connect.runtime.rest.resources.ConnectorsResource',
  'rest/resources/loggers': 'org.apache.kafka.connect.runtime.rest.resources.LoggingResource',
  'logging/loggers': 'org.apache.kafka.connect.runtime.Loggers',
  'herder/standalone/standalone-herder': 'org.apache.kafka.connect.runtime.standalone.StandaloneHerder',
  'herder/distributed/distributed-herder': 'org.apache.kafka.connect.runtime.distributed.DistributedHerder',
  'herder/distributed/kafka-worker-group': 'org.apache.kafka.connect.runtime.distributed.WorkerCoordinator',
  'herder/distributed/rebalance-timeline': 'org.apache.kafka.connect.runtime.distributed.WorkerGroupMember',
  'herder/distributed/worker-client': 'org.apache.kafka.connect.runtime.rest.RestClient',
  'config/worker-config': 'org.apache.kafka.connect.runtime.WorkerConfig',
  'config/config-transformer': 'org.apache.kafka.connect.runtime.WorkerConfigTransformer',
  'plugins/discover-plugins': 'org.apache.kafka.connect.runtime.isolation.PluginScanner',
  'storage/kafka/kafka-stores': 'org.apache.kafka.connect.storage.KafkaConfigBackingStore',
  'storage/file/file-offset-store': 'org.apache.kafka.connect.storage.FileOffsetBackingStore',
  'worker/worker': 'org.apache.kafka.connect.runtime.Worker',
  'task/task-thread': 'org.apache.kafka.connect.runtime.WorkerTask',
  'task/source-task': 'org.apache.kafka.connect.runtime.WorkerSourceTask',
  'task/sink-task': 'org.apache.kafka.connect.runtime.WorkerSinkTask',
  'kafka/admin': 'org.apache.kafka.clients.admin.KafkaAdminClient',
} as const

export type LoggedModule = keyof typeof LOGGER_NAMES
