import { availableParallelism } from 'node:os'
import { caseInsensitiveValidString, ConfigDef, ConfigError, lambda, range, validList, validString } from '@millrace/api'
import { webhookConfigDef } from './webhook-config.ts'
import { supervisionConfigDef } from './supervision-config.ts'

const listenersValidator = lambda((_name, value) => {
  const urls = value as readonly string[] | null
  if (urls === null) return
  if (urls.length === 0) throw new ConfigError('Invalid value for listeners, at least one URL is expected, ex: http://localhost:8080,https://localhost:8443.')
  if (urls.some((url) => url.trim() === '')) throw new ConfigError('Empty URL found when parsing listeners list.')
}, 'List of comma-separated URLs, ex: http://localhost:8080,https://localhost:8443.')

const adminListenersValidator = lambda((_name, value) => {
  if ((value as readonly string[] | null)?.some((url) => url.trim() === '')) throw new ConfigError('Empty URL found when parsing admin.listeners list.')
}, 'List of comma-separated URLs, ex: http://localhost:8080,https://localhost:8443.')

const metricsListenersValidator = lambda((name, value) => {
  if ((value as readonly string[] | null)?.some((url) => url.trim() === '')) throw ConfigError.invalidValue(name, String(value), 'A URL is empty.')
}, 'List of comma-separated URLs, ex: http://localhost:9404.')

const anyList = validList.anyNonDuplicateValues()

/** The settings of the original that both modes share, in its order. */
export const commonWorkerConfigDef = new ConfigDef()
  .define('bootstrap.servers', {
    type: 'LIST',
    importance: 'HIGH',
    validator: validList.anyNonDuplicateValues({ isEmptyAllowed: false }),
    documentation:
      'Where to reach Kafka: host:port pairs, separated by commas; one that answers is enough to find the others. The word "embedded" alone starts the embedded broker.',
  })
  .define('client.dns.lookup', {
    type: 'STRING',
    default: 'use_all_dns_ips',
    importance: 'MEDIUM',
    validator: validString.in('use_all_dns_ips', 'resolve_canonical_bootstrap_servers_only'),
    documentation: 'How host names of brokers are resolved.',
  })
  .define('key.converter', {
    type: 'CLASS',
    importance: 'HIGH',
    documentation: 'Converter between record keys and their bytes in Kafka, for connectors that name none of their own.',
  })
  .define('key.converter.plugin.version', {
    type: 'STRING',
    default: null,
    importance: 'LOW',
    documentation: 'Version, or range of versions, of the key converter.',
  })
  .define('value.converter', {
    type: 'CLASS',
    importance: 'HIGH',
    documentation: 'Converter between record values and their bytes in Kafka, for connectors that name none of their own.',
  })
  .define('value.converter.plugin.version', {
    type: 'STRING',
    default: null,
    importance: 'LOW',
    documentation: 'Version, or range of versions, of the value converter.',
  })
  .define('task.shutdown.graceful.timeout.ms', {
    type: 'LONG',
    default: 5000,
    importance: 'LOW',
    documentation: 'Milliseconds that all tasks together have to stop by themselves; what still runs then is terminated.',
  })
  .define('offset.flush.interval.ms', {
    type: 'LONG',
    default: 60000,
    importance: 'LOW',
    documentation: 'Milliseconds between two commits of the offsets of a task.',
  })
  .define('offset.flush.timeout.ms', {
    type: 'LONG',
    default: 5000,
    importance: 'LOW',
    documentation: 'Milliseconds that a commit of offsets may take before it is given up, to be tried again at the next one.',
  })
  .define('plugin.path', {
    type: 'LIST',
    default: null,
    importance: 'LOW',
    documentation:
      'Directories that hold plugins, each in a folder of its own with a package.json, separated by commas. References of configuration providers are not resolved here.',
  })
  .define('plugin.discovery', {
    type: 'STRING',
    default: 'hybrid_warn',
    importance: 'LOW',
    validator: caseInsensitiveValidString.in('ONLY_SCAN', 'SERVICE_LOAD', 'HYBRID_WARN', 'HYBRID_FAIL'),
    documentation: 'Accepted for compatibility: plugins are always found by their manifests, without running their code.',
  })
  .define('metrics.sample.window.ms', {
    type: 'LONG',
    default: 30000,
    importance: 'LOW',
    validator: range.atLeast(0),
    documentation: 'Milliseconds that one sample of a metric covers.',
  })
  .define('metrics.num.samples', {
    type: 'INT',
    default: 2,
    importance: 'LOW',
    validator: range.atLeast(1),
    documentation: 'Samples that a metric is computed from.',
  })
  .define('metrics.recording.level', {
    type: 'STRING',
    default: 'INFO',
    importance: 'LOW',
    validator: validString.in('INFO', 'DEBUG'),
    documentation: 'Accepted for compatibility: all metrics of the original are of the level INFO.',
  })
  .define('metric.reporters', {
    type: 'LIST',
    default: ['org.apache.kafka.common.metrics.JmxReporter'],
    importance: 'LOW',
    documentation: 'Accepted for compatibility: Java classes that publish metrics cannot be loaded. Metrics are at GET /metrics.',
  })
  .define('header.converter', {
    type: 'CLASS',
    default: 'org.apache.kafka.connect.storage.SimpleHeaderConverter',
    importance: 'LOW',
    documentation: 'Converter between header values and their bytes in Kafka, for connectors that name none of their own.',
  })
  .define('header.converter.plugin.version', {
    type: 'STRING',
    default: null,
    importance: 'LOW',
    documentation: 'Version, or range of versions, of the header converter.',
  })
  .define('config.providers', {
    type: 'LIST',
    default: [],
    importance: 'LOW',
    validator: anyList,
    documentation:
      'Names of the providers that resolve references such as ${file:/path:key}; each is set up by config.providers.NAME.class and config.providers.NAME.param.*.',
  })
  .define('connector.client.config.override.policy', {
    type: 'STRING',
    default: 'All',
    importance: 'MEDIUM',
    documentation: 'Which settings of Kafka clients connectors may override: All, None, Principal, Allowlist, or the class name of a policy.',
  })
  .define('topic.creation.enable', {
    type: 'BOOLEAN',
    default: true,
    importance: 'LOW',
    documentation: 'Whether topics of source connectors are created as their topic.creation.* settings say.',
  })
  .define('topic.tracking.enable', {
    type: 'BOOLEAN',
    default: true,
    importance: 'LOW',
    documentation: 'Whether the topics that connectors use are remembered and shown.',
  })
  .define('topic.tracking.allow.reset', {
    type: 'BOOLEAN',
    default: true,
    importance: 'LOW',
    documentation: 'Whether users may reset the topics that are remembered.',
  })
  .define('listeners', {
    type: 'LIST',
    default: null,
    importance: 'LOW',
    validator: listenersValidator,
    documentation: 'URLs that the REST API listens on, http or https. Default: port 8083, on the loopback interface in standalone mode.',
  })
  .define('rest.advertised.host.name', { type: 'STRING', default: null, importance: 'LOW', documentation: 'Host name that others reach this worker by.' })
  .define('rest.advertised.port', { type: 'INT', default: null, importance: 'LOW', documentation: 'Port that others reach this worker by.' })
  .define('rest.advertised.listener', {
    type: 'STRING',
    default: null,
    importance: 'LOW',
    documentation: 'Protocol that others reach this worker by: http or https.',
  })
  .define('access.control.allow.origin', {
    type: 'STRING',
    default: '',
    importance: 'LOW',
    documentation: 'Origins that browsers may call the REST API from. Empty: none but its own.',
  })
  .define('access.control.allow.methods', {
    type: 'STRING',
    default: '',
    importance: 'LOW',
    documentation: 'Methods that browsers may use from other origins. Empty: GET, POST, HEAD.',
  })
  .define('response.http.headers.config', {
    type: 'STRING',
    default: '',
    importance: 'LOW',
    documentation: 'Rules of the form "[action] [header]:[value]", separated by commas, for headers of REST answers. Actions: set, add, setDate, addDate.',
  })
  .define('ssl.client.auth', {
    type: 'STRING',
    default: 'none',
    importance: 'LOW',
    validator: validString.in('required', 'requested', 'none'),
    documentation: 'Whether clients of the REST API must show a certificate.',
  })
  .define('rest.extension.classes', { type: 'LIST', default: [], importance: 'LOW', validator: anyList, documentation: 'Extensions of the REST API.' })
  .define('admin.listeners', {
    type: 'LIST',
    default: null,
    importance: 'LOW',
    validator: adminListenersValidator,
    documentation: 'URLs that serve /admin. Default: those of listeners. Empty: nobody serves it.',
  })

/** Our own settings, in both modes. */
export const millraceConfigDef = new ConfigDef()
  .define('millrace.task.threads.max', {
    type: 'INT',
    default: Math.max(4, 2 * availableParallelism()),
    importance: 'MEDIUM',
    validator: range.between(1, 4096),
    documentation: 'Threads that tasks are spread over; up to this many tasks have one each. Default: twice the cores, at least 4.',
  })
  .define('millrace.task.memory.max.bytes', {
    type: 'LONG',
    default: 512 * 1024 * 1024,
    importance: 'MEDIUM',
    validator: range.atLeast(16 * 1024 * 1024),
    documentation: 'Bytes of memory that a thread of tasks may hold before it is terminated and the task that is to blame fails. Default: 512 MiB.',
  })
  .define('millrace.task.hang.timeout.ms', {
    type: 'LONG',
    default: 20000,
    importance: 'MEDIUM',
    validator: range.atLeast(100),
    documentation:
      'Milliseconds that one synchronous call of a plugin may block its thread before the task fails. Default: 20000, well below the session timeout of consumers.',
  })
  .define('millrace.metrics.listeners', {
    type: 'LIST',
    default: null,
    importance: 'MEDIUM',
    validator: metricsListenersValidator,
    documentation: 'URLs that serve /metrics, such as http://0.0.0.0:9404. Default: those of listeners. Empty: nobody serves it.',
  })
  .define('millrace.metrics.names', {
    type: 'STRING',
    default: 'short',
    importance: 'LOW',
    validator: validString.in('short', 'full'),
    documentation:
      'Names of metrics at /metrics. short: as the rules of Strimzi give, kafka_connect_worker_connector_count. full: as the JMX exporter gives without rules, kafka_connect_connect_worker_metrics_connector_count.',
  })
  .define('millrace.log.level', {
    type: 'STRING',
    default: 'INFO',
    importance: 'LOW',
    validator: caseInsensitiveValidString.in('TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL', 'OFF'),
    documentation: 'Level of the root logger at start.',
  })
  .define('millrace.log.format', {
    type: 'STRING',
    default: 'text',
    importance: 'LOW',
    validator: validString.in('text', 'json'),
    documentation: 'Layout of log lines: text as the original writes it, or one JSON object per line.',
  })
  .merge(webhookConfigDef)
  .define('millrace.health.check.interval.ms', {
    type: 'LONG',
    default: 10_000,
    importance: 'LOW',
    validator: range.between(100, 3_600_000),
    documentation: 'Milliseconds between two checks of the worker itself: whether its stores answer, it is in its group, and its event loop is on time.',
  })
  .define('millrace.health.check.failures', {
    type: 'INT',
    default: 3,
    importance: 'LOW',
    validator: range.atLeast(1),
    documentation: 'Checks in a row that have to fail until the worker says at /health that it is unhealthy.',
  })
  .merge(supervisionConfigDef)

/** What only standalone mode knows. */
export const standaloneConfigDef = new ConfigDef().define('offset.storage.file.filename', {
  type: 'STRING',
  importance: 'HIGH',
  documentation: 'File that source offsets are kept in.',
})

/** Settings, beside `sasl.` and `ssl.`, that the worker hands on to its Kafka clients and to the REST server's TLS, which check them. */
export const CLIENT_KEYS = [
  'security.protocol',
  'client.id',
  'metadata.max.age.ms',
  'send.buffer.bytes',
  'receive.buffer.bytes',
  'reconnect.backoff.ms',
  'reconnect.backoff.max.ms',
  'socket.connection.setup.timeout.ms',
  'socket.connection.setup.timeout.max.ms',
  'retry.backoff.ms',
  'retry.backoff.max.ms',
  'request.timeout.ms',
  'connections.max.idle.ms',
  'metadata.recovery.strategy',
  'metadata.recovery.rebootstrap.trigger.ms',
  'default.api.timeout.ms',
  'retries',
] as const

/** Whether a setting is one of `CLIENT_KEYS`, or of SASL or TLS. */
export function isClientKey(key: string): boolean {
  return key.startsWith('sasl.') || key.startsWith('ssl.') || CLIENT_KEYS.some((name) => name === key)
}

/** Settings of others that stand in a worker's file under a prefix. */
export const PASSED_PREFIXES = [
  'producer.',
  'consumer.',
  'admin.',
  'key.converter.',
  'value.converter.',
  'header.converter.',
  'config.providers.',
  'listeners.https.',
  'admin.listeners.https.',
  'metrics.context.',
  'connector.client.config.override.',
] as const
