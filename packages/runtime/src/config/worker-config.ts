import { ConfigError, type Logger, type Properties, parseType } from '@millrace/api'
import { nearestName } from './nearest-name.ts'
import { type WebhookConfig, webhookConfig } from './webhook-config.ts'
import { type DistributedConfig, distributedConfig, distributedConfigDef, INTERNAL_TOPIC_PREFIXES } from './distributed-config.ts'
import { CLIENT_KEYS, commonWorkerConfigDef, isClientKey, millraceConfigDef, PASSED_PREFIXES, standaloneConfigDef } from './worker-config-def.ts'

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

  /** Where source offsets are kept in standalone mode; empty in distributed mode. */
  readonly offsetStorageFileFilename: string
  /** Null in standalone mode. */
  readonly distributed: DistributedConfig | null

  /** `millrace.task.threads.max`: threads that tasks are spread over. Default: twice the cores, at least 4. */
  readonly taskThreadsMax: number
  /** `millrace.task.memory.max.bytes`: what a thread of tasks may hold. Default 512 MiB. */
  readonly taskMemoryBytesMax: number
  /** `millrace.task.hang.timeout.ms`: how long one synchronous call may block a thread. Milliseconds; default 20000. */
  readonly taskHangTimeoutMs: number
  /** `millrace.health.check.interval.ms`: how often the worker looks at itself. Milliseconds; default 10000. */
  readonly healthCheckIntervalMs: number
  /** `millrace.health.check.failures`: failed checks in a row until it says so. Default 3. */
  readonly healthCheckFailuresMax: number
  /** `metrics.sample.window.ms` and `metrics.num.samples`: over which time rates and averages are taken. */
  readonly metricWindows: { readonly windowMs: number; readonly samples: number }
  /** `millrace.metrics.listeners`. Null: the main listeners serve `/metrics`; empty: nobody does. */
  readonly metricsListeners: readonly string[] | null
  /** `millrace.metrics.names`. Default `short`. */
  readonly metricStyle: 'short' | 'full'
  /** `millrace.webhook.*`; null where nobody is to be told of changes. */
  readonly webhook: WebhookConfig | null
  /** `millrace.log.level`, in capital letters. Default INFO. */
  readonly logLevel: string
  /** `millrace.log.format`. Default `text`, laid out as the original's. */
  readonly logFormat: 'text' | 'json'
}

export interface ParseWorkerConfigOptions {
  readonly mode: WorkerConfig['mode']
  /** References resolved. */
  readonly properties: Properties
  /** As written; default: `properties`. */
  readonly rawProperties?: Properties
  /** Hears of keys that nobody reads. */
  readonly logger: Logger
}

type Mode = WorkerConfig['mode']

const sharedDefinition = commonWorkerConfigDef.merge(millraceConfigDef)
const definitions = { standalone: sharedDefinition.merge(standaloneConfigDef), distributed: sharedDefinition.merge(distributedConfigDef) }

/** @throws ConfigError for the first setting that is missing, wrong, or an unknown one of ours. */
export function parseWorkerConfig({ mode, properties, rawProperties = properties, logger }: ParseWorkerConfigOptions): WorkerConfig {
  checkOwnKeys(properties)
  const parsed = sharedDefinition.parse(properties)
  const standalone = mode === 'standalone' ? standaloneConfigDef.parse(properties) : null
  const distributed = mode === 'distributed' ? distributedConfigDef.parse(properties) : null
  refuseEmbeddedBroker(mode, parsed['bootstrap.servers'])
  warnOfUnusedKeys(mode, properties, logger)
  warnOfDuplicates(mode, properties, parsed, logger)
  warnOfReporters(parsed['metric.reporters'], logger)
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
    offsetStorageFileFilename: standalone?.['offset.storage.file.filename'] ?? '',
    distributed: distributed === null ? null : distributedConfig(distributed),
    taskThreadsMax: parsed['millrace.task.threads.max'],
    taskMemoryBytesMax: parsed['millrace.task.memory.max.bytes'],
    taskHangTimeoutMs: parsed['millrace.task.hang.timeout.ms'],
    healthCheckIntervalMs: parsed['millrace.health.check.interval.ms'],
    healthCheckFailuresMax: parsed['millrace.health.check.failures'],
    metricWindows: { windowMs: parsed['metrics.sample.window.ms'], samples: parsed['metrics.num.samples'] },
    metricsListeners: parsed['millrace.metrics.listeners'],
    metricStyle: parsed['millrace.metrics.names'] === 'full' ? 'full' : 'short',
    webhook: webhookConfig(parsed),
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

/** It is one worker's own; the workers of a cluster meet in a broker that outlives each of them. */
function refuseEmbeddedBroker(mode: Mode, servers: readonly string[]): void {
  if (mode === 'standalone' || servers.join() !== 'embedded') return
  throw new ConfigError('"bootstrap.servers=embedded" is for standalone mode. Start the broker by "millrace broker", and name it here: localhost:9092.', {
    key: 'bootstrap.servers',
  })
}

function warnOfUnusedKeys(mode: Mode, properties: Properties, logger: Logger): void {
  const keys = Object.keys(properties).filter((key) => !definitions[mode].keys.has(key))
  const other: Mode = mode === 'standalone' ? 'distributed' : 'standalone'
  const isOfOther = (key: string): boolean => definitions[other].keys.has(key) && !isClientKey(key)
  const without = keys.filter(isOfOther)
  if (without.length > 0) logger.warn(`These configurations have no effect in ${mode} mode: ${without.join(', ')}`)
  const prefixes = mode === 'distributed' ? [...PASSED_PREFIXES, ...INTERNAL_TOPIC_PREFIXES] : PASSED_PREFIXES
  const unknown = keys.filter((key) => !isOfOther(key) && !isClientKey(key) && !prefixes.some((prefix) => key.startsWith(prefix)))
  if (unknown.length > 0) logger.warn(`These configurations were supplied but are not known: ${unknown.map((key) => withNearest(key, mode)).join(', ')}`)
}

function withNearest(key: string, mode: Mode): string {
  const nearest = nearestName(key, [...definitions[mode].keys.keys(), ...CLIENT_KEYS])
  return nearest === null ? key : `${key} (did you mean "${nearest}"?)`
}

const JMX_REPORTER = 'org.apache.kafka.common.metrics.JmxReporter'

/** Whoever waits for metrics in another place has to hear that none will come. */
function warnOfReporters(reporters: readonly string[], logger: Logger): void {
  const foreign = reporters.filter((name) => name !== JMX_REPORTER)
  if (foreign.length > 0) logger.warn(`These metric.reporters are Java classes and cannot be used: ${foreign.join(', ')}. Metrics are at GET /metrics.`)
}

function warnOfDuplicates(mode: Mode, properties: Properties, parsed: Readonly<Record<string, unknown>>, logger: Logger): void {
  for (const { name, type } of definitions[mode].keys.values()) {
    const raw = properties[name]
    if (type !== 'LIST' || raw === undefined) continue
    const written = parseType(name, raw, type) as readonly string[]
    if (written.length > (parsed[name] as readonly string[]).length)
      logger.warn(`Configuration key "${name}" contains duplicate values. Duplicates will be removed.`)
  }
}
