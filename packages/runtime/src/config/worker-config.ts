import type { Properties } from '@millrace/api'

/** A worker's settings, complete and checked. Made by `parseWorkerConfig`. */
export interface WorkerConfig {
  readonly mode: 'standalone' | 'distributed'
  /** Everything that was written, references of configuration providers resolved. Clients and converters take their prefixed keys from here. */
  readonly properties: Properties
  /** As `properties`, but as written. Never holds a resolved secret. */
  readonly rawProperties: Properties

  /** `bootstrap.servers`; `['embedded']` means the embedded broker. */
  readonly bootstrapServers: readonly string[]
  /** Names as written: class, simple name or alias. */
  readonly keyConverter: string
  readonly valueConverter: string
  readonly headerConverter: string
  readonly keyConverterVersion: string | null
  readonly valueConverterVersion: string | null
  readonly headerConverterVersion: string | null
  readonly configProviders: readonly string[]
  /** Name of the `connector.client.config.override.policy`. */
  readonly clientConfigOverridePolicy: string

  /** How long all tasks together may take to stop. Milliseconds; default 5000. */
  readonly taskShutdownGracefulTimeoutMs: number
  /** Milliseconds; default 60000. */
  readonly offsetFlushIntervalMs: number
  /** Milliseconds; default 5000. */
  readonly offsetFlushTimeoutMs: number
  readonly topicCreationEnable: boolean
  readonly topicTrackingEnable: boolean
  readonly topicTrackingAllowReset: boolean
  readonly pluginPath: readonly string[]

  /** As written, or null where not set: standalone mode then binds loopback. */
  readonly listeners: readonly string[] | null
  /** Null: the main listeners serve `/admin`; empty: nobody does. */
  readonly adminListeners: readonly string[] | null
  readonly restAdvertisedHostName: string | null
  readonly restAdvertisedPort: number | null
  readonly restAdvertisedListener: string | null
  readonly accessControlAllowOrigin: string
  readonly accessControlAllowMethods: string
  readonly responseHttpHeadersConfig: string
  readonly restExtensionClasses: readonly string[]

  /** Standalone only: where source offsets are kept. */
  readonly offsetStorageFileFilename: string

  /** `millrace.task.threads.max`: threads that tasks are spread over. Default: twice the cores, at least 4. */
  readonly taskThreadsMax: number
  /** `millrace.log.level`. Default INFO. */
  readonly logLevel: string
  /** `millrace.log.format`. Default `text`, laid out as the original's. */
  readonly logFormat: 'text' | 'json'
}
