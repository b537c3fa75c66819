export { type Hint, hintOf, hints } from './errors/hints.ts'
export { millraceConnectorConfigDef } from './config/connector-config.ts'
export { millraceConfigDef } from './config/worker-config-def.ts'
export type { LogLevel } from './logging/log-levels.ts'
export { connectMetricGroups, type MetricEntry, type MetricGroupEntry, millraceMetricGroups } from './metrics/metric-catalogue.ts'
export { exposedName, labelName } from './metrics/metric-names.ts'
export { type LogFormat, type LogRecord, type LogWriter, logToStream } from './logging/log-output.ts'
export { Loggers, type LoggersOptions } from './logging/loggers.ts'
export { type BrokerSettings, readBrokerSettings } from './main/broker-settings.ts'
export { consoleLoggers, type ConsoleLoggersOptions } from './main/console-loggers.ts'
export { type EndProcessOptions, endProcess, onStopSignal, type StopOnSignalOptions } from './main/shutdown.ts'
export { nearestHint } from './main/nearest-hint.ts'
export { createDistributedWorker, startDistributed } from './main/start-distributed.ts'
export {
  type BootstrapResolution,
  createStandaloneWorker,
  type ResolveBootstrapContext,
  type StandaloneOptions,
  startStandalone,
  type WorkerOptions,
} from './main/start-standalone.ts'
export { StartupError } from './main/startup-error.ts'
export type { StopHost } from './main/stop-host.ts'
export { type RunningWorker, stopOnSignals, type WorkerProcess } from './main/worker-process.ts'
export type { OpenApiDocument, OpenApiOperation } from './rest/openapi/openapi-document.ts'
export type { JsonSchema } from './rest/openapi/schemas.ts'
export type { VersionInfo } from './rest/resources/root.ts'
export { restApiDocument } from './rest/routes.ts'
export type {
  ClusterConfigSnapshot,
  ClusterConfigStore,
  ConfigSnapshot,
  ConfigStore,
  ConfigStoreListener,
  SessionKey,
  StoredConnectorConfig,
  StoredRestartRequest,
  StoredTaskConfig,
  TargetState,
} from './storage/config-store.ts'
export type { OffsetStore, OffsetWrite, StoredOffset } from './storage/offset-store.ts'
export type { ConnectorStatus, StatusStore, TaskStatus, TopicStatus } from './storage/status-store.ts'
export { KafkaStores, type KafkaStoresOptions } from './storage/kafka/kafka-stores.ts'
