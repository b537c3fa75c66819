import { ConfigError, type Logger, type Properties, parseType } from '@millrace/api'
import { nearestName } from './nearest-name.ts'
import { CLIENT_KEY, commonWorkerConfigDef, DISTRIBUTED_ONLY_KEYS, millraceConfigDef, PASSED_PREFIXES, standaloneConfigDef } from './worker-config-def.ts'

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
  /** As written, before references are resolved: plug-ins are found before there are providers. */
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
  readonly sslClientAuth: string

  /** Standalone only: where source offsets are kept. */
  readonly offsetStorageFileFilename: string

  /** `millrace.task.threads.max`: threads that tasks are spread over. Default: twice the cores, at least 4. */
  readonly taskThreadsMax: number
  /** `millrace.task.memory.max.bytes`: what a thread of tasks may hold. Default 512 MiB. */
  readonly taskMemoryBytesMax: number
  /** `millrace.task.hang.timeout.ms`: how long one synchronous call may block a thread. Milliseconds; default 20000. */
  readonly taskHangTimeoutMs: number
  /** `millrace.log.level`, in capital letters. Default INFO. */
  readonly logLevel: string
  /** `millrace.log.format`. Default `text`, laid out as the original's. */
  readonly logFormat: 'text' | 'json'
}

export interface ParseWorkerConfigOptions {
  readonly mode: 'standalone'
  /** References resolved. */
  readonly properties: Properties
  /** As written; default: `properties`. */
  readonly rawProperties?: Properties
  /** Hears of keys that nobody reads. */
  readonly logger: Logger
}

const definition = commonWorkerConfigDef.merge(millraceConfigDef).merge(standaloneConfigDef)

/** @throws ConfigError for the first setting that is missing, wrong, or an unknown one of ours. */
export function parseWorkerConfig({ mode, properties, rawProperties = properties, logger }: ParseWorkerConfigOptions): WorkerConfig {
  checkOwnKeys(properties)
  const parsed = definition.parse(properties)
  warnOfUnusedKeys(properties, logger)
  warnOfDuplicates(properties, parsed, logger)
  return {
    mode,
    properties,
    rawProperties,
    bootstrapServers: parsed['bootstrap.servers'],
    keyConverter: parsed['key.converter'],
    valueConverter: parsed['value.converter'],
    headerConverter: parsed['header.converter'],
    keyConverterVersion: parsed['key.converter.plugin.version'],
    valueConverterVersion: parsed['value.converter.plugin.version'],
    headerConverterVersion: parsed['header.converter.plugin.version'],
    configProviders: parsed['config.providers'],
    clientConfigOverridePolicy: parsed['connector.client.config.override.policy'],
    taskShutdownGracefulTimeoutMs: parsed['task.shutdown.graceful.timeout.ms'],
    offsetFlushIntervalMs: parsed['offset.flush.interval.ms'],
    offsetFlushTimeoutMs: parsed['offset.flush.timeout.ms'],
    topicCreationEnable: parsed['topic.creation.enable'],
    topicTrackingEnable: parsed['topic.tracking.enable'],
    topicTrackingAllowReset: parsed['topic.tracking.allow.reset'],
    pluginPath: pluginPathOf(rawProperties),
    listeners: parsed.listeners,
    adminListeners: parsed['admin.listeners'],
    restAdvertisedHostName: parsed['rest.advertised.host.name'],
    restAdvertisedPort: parsed['rest.advertised.port'],
    restAdvertisedListener: parsed['rest.advertised.listener'],
    accessControlAllowOrigin: parsed['access.control.allow.origin'],
    accessControlAllowMethods: parsed['access.control.allow.methods'],
    responseHttpHeadersConfig: parsed['response.http.headers.config'],
    restExtensionClasses: parsed['rest.extension.classes'],
    sslClientAuth: parsed['ssl.client.auth'],
    offsetStorageFileFilename: parsed['offset.storage.file.filename'],
    taskThreadsMax: parsed['millrace.task.threads.max'],
    taskMemoryBytesMax: parsed['millrace.task.memory.max.bytes'],
    taskHangTimeoutMs: parsed['millrace.task.hang.timeout.ms'],
    logLevel: parsed['millrace.log.level'].toUpperCase(),
    logFormat: parsed['millrace.log.format'] === 'json' ? 'json' : 'text',
  }
}

/** The directories of `plugin.path`, needed before anything else is parsed: the providers that resolve references are plug-ins themselves. */
export function pluginPathOf(rawProperties: Properties): readonly string[] {
  const text = rawProperties['plugin.path']?.trim() ?? ''
  return text
    .split(',')
    .map((element) => element.trim())
    .filter((element) => element !== '')
}

/** A misspelt setting of ours would otherwise do nothing in silence. */
function checkOwnKeys(properties: Properties): void {
  for (const key of Object.keys(properties)) {
    if (!key.startsWith('millrace.') || millraceConfigDef.keys.has(key)) continue
    const nearest = nearestName(key, [...millraceConfigDef.keys.keys()])
    throw new ConfigError(`Unknown configuration "${key}".${nearest === null ? '' : ` Did you mean "${nearest}"?`}`, { key })
  }
}

function warnOfUnusedKeys(properties: Properties, logger: Logger): void {
  const keys = Object.keys(properties).filter((key) => !definition.keys.has(key))
  const distributed = keys.filter((key) => DISTRIBUTED_ONLY_KEYS.has(key))
  if (distributed.length > 0) logger.warn(`These configurations have no effect in standalone mode: ${distributed.join(', ')}`)
  const unknown = keys.filter((key) => !DISTRIBUTED_ONLY_KEYS.has(key) && !CLIENT_KEY.test(key) && !PASSED_PREFIXES.some((prefix) => key.startsWith(prefix)))
  if (unknown.length > 0) logger.warn(`These configurations were supplied but are not known: ${unknown.join(', ')}`)
}

function warnOfDuplicates(properties: Properties, parsed: Readonly<Record<string, unknown>>, logger: Logger): void {
  for (const { name, type } of definition.keys.values()) {
    const raw = properties[name]
    if (type !== 'LIST' || raw === undefined) continue
    const written = parseType(name, raw, type) as readonly string[]
    if (written.length > (parsed[name] as readonly string[]).length)
      logger.warn(`Configuration key "${name}" contains duplicate values. Duplicates will be removed.`)
  }
}
