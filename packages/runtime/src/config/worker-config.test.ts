import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { describe, it } from 'node:test'
import type { Logger } from '@millrace/api'
import { parsePropertiesFile } from './properties-file.ts'
import { parseWorkerConfig, type WorkerConfig } from './worker-config.ts'

const MINIMAL = {
  'bootstrap.servers': 'localhost:9092',
  'key.converter': 'StringConverter',
  'value.converter': 'JsonConverter',
  'offset.storage.file.filename': '/tmp/connect.offsets',
}

function parse(properties: Record<string, string>): { config: WorkerConfig; warnings: string[] } {
  const warnings: string[] = []
  const logger: Logger = { isDebugEnabled: false, trace() {}, debug() {}, info() {}, warn: (message) => void warnings.push(message), error() {} }
  return { config: parseWorkerConfig({ mode: 'standalone', properties, logger }), warnings }
}

describe("a worker's configuration", () => {
  it('has the defaults of the original', () => {
    const { config, warnings } = parse(MINIMAL)
    assert.deepEqual(warnings, [])
    assert.deepEqual(
      [
        config.offsetFlushIntervalMs,
        config.offsetFlushTimeoutMs,
        config.taskShutdownGracefulTimeoutMs,
        config.headerConverter,
        config.clientConfigOverridePolicy,
      ],
      [60000, 5000, 5000, 'org.apache.kafka.connect.storage.SimpleHeaderConverter', 'All'],
    )
    assert.deepEqual([config.topicCreationEnable, config.topicTrackingEnable, config.topicTrackingAllowReset], [true, true, true])
    assert.deepEqual([config.listeners, config.adminListeners, config.pluginPath], [null, null, []])
    assert.deepEqual([config.taskThreadsMax, config.logLevel, config.logFormat], [Math.max(4, 2 * availableParallelism()), 'INFO', 'text'])
  })

  it('reads the file that Apache Kafka ships, unmodified and without a warning', async () => {
    const file = await readFile(new URL('../../../../tests/fixtures/quickstart/connect-standalone.properties', import.meta.url), 'latin1')
    const { config, warnings } = parse({ ...parsePropertiesFile(file, 'connect-standalone.properties').properties })
    assert.deepEqual(warnings, [])
    assert.deepEqual(
      [config.bootstrapServers, config.offsetFlushIntervalMs, config.offsetStorageFileFilename],
      [['localhost:9092'], 10000, '/tmp/connect.offsets'],
    )
  })

  it('names what is missing', () => {
    for (const key of Object.keys(MINIMAL)) {
      const { [key as keyof typeof MINIMAL]: _, ...rest } = MINIMAL
      assert.throws(() => parse(rest), { message: `Missing required configuration "${key}" which has no default value.`, key })
    }
  })

  it('names what is wrong, in the words of the original', () => {
    const message = (more: Record<string, string>): string => {
      try {
        parse({ ...MINIMAL, ...more })
      } catch (error) {
        return (error as Error).message
      }
      return 'accepted'
    }
    assert.equal(message({ 'offset.flush.interval.ms': 'soon' }), 'Invalid value soon for configuration offset.flush.interval.ms: Not a number of type LONG')
    assert.equal(
      message({ 'topic.tracking.enable': 'yes' }),
      'Invalid value yes for configuration topic.tracking.enable: Expected value to be either true or false',
    )
    assert.equal(
      message({ 'ssl.client.auth': 'maybe' }),
      'Invalid value maybe for configuration ssl.client.auth: String must be one of: required, requested, none',
    )
    assert.equal(message({ listeners: '' }), 'Invalid value for listeners, at least one URL is expected, ex: http://localhost:8080,https://localhost:8443.')
    assert.equal(message({ listeners: 'http://:8083, ' }), 'Empty URL found when parsing listeners list.')
    assert.equal(message({ 'millrace.task.threads.max': '0' }), 'Invalid value 0 for configuration millrace.task.threads.max: Value must be at least 1')
  })

  it('takes a misspelt setting of ours for a mistake, with the nearest name', () => {
    assert.throws(() => parse({ ...MINIMAL, 'millrace.task.thread.max': '3' }), {
      message: 'Unknown configuration "millrace.task.thread.max". Did you mean "millrace.task.threads.max"?',
      key: 'millrace.task.thread.max',
    })
    assert.throws(() => parse({ ...MINIMAL, 'millrace.teleport': '3' }), { message: 'Unknown configuration "millrace.teleport".' })
  })

  it('warns of settings that nobody reads, and of those that need a cluster', () => {
    const { warnings } = parse({ ...MINIMAL, 'group.id': 'g', 'config.storage.topic': 't', 'offest.flush.interval.ms': '1' })
    assert.deepEqual(warnings, [
      'These configurations have no effect in standalone mode: group.id, config.storage.topic',
      'These configurations were supplied but are not known: offest.flush.interval.ms (did you mean "offset.flush.interval.ms"?)',
    ])
  })

  it('says nothing of settings that it hands on', () => {
    const passed = [
      'producer.acks',
      'consumer.max.poll.records',
      'admin.retries',
      'key.converter.schemas.enable',
      'config.providers.f.class',
      'listeners.https.ssl.keystore.location',
      'metrics.context.a',
      'ssl.truststore.location',
      'sasl.mechanism',
      'security.protocol',
      'request.timeout.ms',
    ]
    assert.deepEqual(parse({ ...MINIMAL, ...Object.fromEntries(passed.map((key) => [key, '1'])) }).warnings, [])
  })

  it('drops duplicates in lists, with a warning', () => {
    const { config, warnings } = parse({ ...MINIMAL, 'bootstrap.servers': 'a:1,b:2,a:1' })
    assert.deepEqual(config.bootstrapServers, ['a:1', 'b:2'])
    assert.equal(warnings.length, 1)
  })

  it('says that reporters of metrics written in Java report nothing here', () => {
    const reporters = 'org.apache.kafka.common.metrics.JmxReporter,com.example.Reporter'
    const { warnings } = parse({ ...MINIMAL, 'metric.reporters': reporters })
    assert.deepEqual(warnings, ['These metric.reporters are Java classes and cannot be used: com.example.Reporter. Metrics are at GET /metrics.'])
  })

  it('takes the settings of a webhook, whose address is in no error', () => {
    assert.equal(parse(MINIMAL).config.webhook, null)
    const url = { ...MINIMAL, 'millrace.webhook.url': 'https://hooks.example.com/s3cret' }
    const { webhook } = parse({ ...url, 'millrace.webhook.format': 'slack', 'millrace.webhook.events': 'failed' }).config
    assert.deepEqual([webhook?.url.pathname, webhook?.format, webhook?.events, webhook?.authorization], ['/s3cret', 'slack', ['failed'], null])
    assert.throws(() => parse({ ...MINIMAL, 'millrace.webhook.url': 's3cret' }), {
      message: 'Invalid value for configuration millrace.webhook.url: it has to be a URL that begins with http:// or https://.',
    })
    assert.throws(() => parse({ ...url, 'millrace.webhook.events': 'paused' }), /millrace\.webhook\.events/)
  })

  it('tells admin listeners that are unset from those that are empty', () => {
    assert.equal(parse(MINIMAL).config.adminListeners, null)
    assert.deepEqual(parse({ ...MINIMAL, 'admin.listeners': '' }).config.adminListeners, [])
    assert.deepEqual(parse({ ...MINIMAL, 'plugin.path': '/a, /b,' }).config.pluginPath, ['/a', '/b'])
  })
})
