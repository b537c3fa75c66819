import type { Config } from './config-def.ts'
import type { Logger } from './logger.ts'
import type { MaybePromise } from './maybe-promise.ts'
import type { Plugin, Properties } from './plugin.ts'
import type { PluginMetrics } from './plugin-metrics.ts'
import type { SourceOffset, SourcePartition, TopicPartition } from './record.ts'
import type { OffsetStorageReader, SourceTask } from './source-task.ts'
import type { SinkTask } from './sink-task.ts'

/** The class of a connector's tasks. Constructed without arguments, in the task's thread. */
export interface TaskClass<Task> {
  new (): Task
  /** The name that stands in `task.class` of task configurations; default: the class's own name. */
  readonly javaClass?: string
}

/** The runtime's side of a running connector instance (`org.apache.kafka.connect.connector.ConnectorContext`). */
export interface ConnectorContext {
  readonly logger: Logger
  readonly metrics: PluginMetrics
  /** Aborted when the connector is asked to stop. Pass it to whatever may block. */
  readonly signal: AbortSignal
  /** Asks for `taskConfigs` to be called again soon, because the inputs changed. Tasks restart only when their configurations differ. */
  requestTaskReconfiguration(): void
  /** Marks the connector FAILED with this cause. May be called at any time between `start` and `stop`. */
  raiseError(error: unknown): void
}

export interface SourceConnectorContext extends ConnectorContext {
  readonly offsetStorageReader: OffsetStorageReader
}

export type SinkConnectorContext = ConnectorContext

/**
 * What both kinds of connector share (`org.apache.kafka.connect.connector.Connector`). One instance per connector lives on the worker that owns it:
 * `start`, then `taskConfigs` any number of times, then `stop`; never two of them at the same time. Other instances, never started, serve
 * `config`, `validate` and `alterOffsets`. Instances of all connectors share one thread: a call that blocks it is ended with it.
 */
export interface Connector<Context extends ConnectorContext, Task> extends Plugin {
  /**
   * Checks properties beyond what `config()` says. Called before each creation and change, on an instance that was not started. May do I/O.
   * Mistakes of the user belong into the answer's `errorMessages`, not into an exception.
   * Default: `config().validate(properties)`.
   */
  validate?(properties: Properties): MaybePromise<Config>
  /** Begins the connector's own work. @throws any error: the connector is FAILED; `stop` is called. */
  start(properties: Properties, context: Context): MaybePromise<void>
  taskClass(): TaskClass<Task>
  /**
   * Divides the work. Called after `start`, after a change of configuration and after `requestTaskReconfiguration`.
   * @returns one configuration per task, at most `maxTasks`; none where there is nothing to do. Equal answers restart nothing.
   */
  taskConfigs(maxTasks: number): MaybePromise<readonly Properties[]>
  /** Ends what `start` began. Called on shut-down, pause, stop, deletion and change of configuration, and after a failed `start`. */
  stop(): MaybePromise<void>
}

export type ExactlyOnceSupport = 'SUPPORTED' | 'UNSUPPORTED'

/** `org.apache.kafka.connect.source.SourceConnector`. */
export interface SourceConnector extends Connector<SourceConnectorContext, SourceTask> {
  /** Whether exactly-once delivery is possible with these properties. Called at validation where `exactly.once.support=required`. Absent or null: unknown, refused there. */
  exactlyOnceSupport?(properties: Properties): ExactlyOnceSupport | null
  /** Whether tasks define transaction boundaries (`transaction.boundary=connector`). Absent: `UNSUPPORTED`. */
  canDefineTransactionBoundaries?(properties: Properties): ExactlyOnceSupport
  /**
   * Checks, or carries out in the external system, a change of offsets that was asked over REST while the connector is STOPPED; a null offset resets its partition.
   * @returns true where offsets outside Kafka Connect were handled or none exist; false (as if absent) where only the framework's were changed.
   * @throws any error: the request fails and nothing is written.
   */
  alterOffsets?(
    properties: Properties,
    offsets: readonly { readonly partition: SourcePartition; readonly offset: SourceOffset | null }[],
  ): MaybePromise<boolean>
}

/** `org.apache.kafka.connect.sink.SinkConnector`. */
export interface SinkConnector extends Connector<SinkConnectorContext, SinkTask> {
  /** As `SourceConnector.alterOffsets`, for consumer-group offsets; a null offset resets its partition. */
  alterOffsets?(properties: Properties, offsets: readonly (TopicPartition & { readonly offset: number | null })[]): MaybePromise<boolean>
}
