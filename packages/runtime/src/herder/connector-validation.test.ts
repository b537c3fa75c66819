import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import type { Logger } from '@millrace/api'
import type { ConfigInfo, ConfigInfos } from '@millrace/rest-api'
import { createConfigTransformer } from '../config/config-transformer.ts'
import { millraceConnectorConfigDef } from '../config/connector-config.ts'
import { parseWorkerConfig } from '../config/worker-config.ts'
import { discoverPlugins } from '../plugins/discover-plugins.ts'
import { ClientOverrides } from './client-overrides.ts'
import { ConnectorValidation, configErrors } from './connector-validation.ts'
import { BadRequestRestError, NotFoundRestError } from './errors.ts'
import type { RequestedConfig } from './herder.ts'
import { javaMapText } from './java-map-text.ts'
import { FakeWorker } from './fixtures/fake-worker.ts'

const warnings: string[] = []
const logger: Logger = { isDebugEnabled: false, trace() {}, debug() {}, info() {}, warn: (line) => void warnings.push(line), error() {} }

async function createValidation(): Promise<ConnectorValidation> {
  const properties = {
    'bootstrap.servers': 'localhost:9092',
    'key.converter': 'TextConverter',
    'value.converter': 'test.TextConverter',
    'header.converter': 'PlainHeaderConverter',
    'offset.storage.file.filename': '/tmp/offsets',
    'connector.client.config.override.policy': 'LingerPolicy',
    'config.providers': 'secrets',
    'config.providers.secrets.class': 'SecretsConfigProvider',
  }
  const registry = await discoverPlugins({ pluginPath: [], bundled: [new URL('./test-plugins/package.json', import.meta.url)], logger })
  const config = parseWorkerConfig({ mode: 'standalone', properties: { ...properties, 'connector.client.config.override.policy': 'Linger' }, logger })
  const worker = new FakeWorker({ connectorState() {}, taskState() {}, activeTopic() {}, taskReconfigurationRequested() {} })
  const clientOverrides = new ClientOverrides({
    policyName: 'Linger',
    registry,
    workerProperties: config.properties,
    definitionOf: (_, key) => (key === 'linger.ms' ? { type: 'LONG', defaultValue: '5', isRequired: false } : null),
    logger,
  })
  return new ConnectorValidation({ config, registry, transformer: await createConfigTransformer({ properties, registry, logger }), worker, clientOverrides })
}

const SOURCE = { name: 's', 'connector.class': 'LinesSource', topic: 't' }
const SINK = { name: 's', 'connector.class': 'LinesSink', topics: 't' }

describe('validation of a connector', () => {
  let validation: ConnectorValidation
  before(async () => {
    validation = await createValidation()
  })

  const find = (infos: ConfigInfos, name: string): ConfigInfo => {
    const info = infos.configs.find((each) => (each.definition?.name ?? each.value?.name) === name)
    assert.ok(info, `no ${name}`)
    return info
  }
  const errorsOf = async (config: RequestedConfig): Promise<Record<string, readonly string[]>> => {
    const infos = await validation.validate(config)
    return Object.fromEntries(infos.configs.flatMap(({ value }) => (value !== null && value.errors.length > 0 ? [[value.name, value.errors]] : [])))
  }

  it('lists the framework keys of a source in the order of the original, then its own', async () => {
    const infos = await validation.validate(SOURCE)
    assert.equal(infos.name, 'LinesSource')
    assert.equal(infos.error_count, 0)
    assert.deepEqual(infos.groups, ['Common', 'Transforms', 'Predicates', 'Error Handling', 'Topic Creation', 'Exactly Once Support', 'offsets.topic'])
    const names =
      'name connector.class connector.plugin.version tasks.max tasks.max.enforce key.converter key.converter.plugin.version value.converter value.converter.plugin.version header.converter header.converter.plugin.version transforms predicates config.action.reload errors.retry.timeout errors.retry.delay.max.ms errors.tolerance errors.log.enable errors.log.include.messages topic.creation.groups exactly.once.support transaction.boundary transaction.boundary.interval.ms offsets.storage.topic file topic batch.size'
    assert.deepEqual(
      infos.configs.map((info) => info.definition?.name),
      names.split(' '),
    )
  })

  it('lists the framework keys of a sink in the order of the original', async () => {
    const infos = await validation.validate(SINK)
    assert.deepEqual(infos.groups, ['Common', 'Transforms', 'Predicates', 'Error Handling'])
    assert.deepEqual(
      infos.configs.slice(-6).map((info) => info.definition?.name),
      [
        'topics',
        'topics.regex',
        'errors.deadletterqueue.topic.name',
        'errors.deadletterqueue.topic.replication.factor',
        'errors.deadletterqueue.context.headers.enable',
        'file',
      ],
    )
  })

  it("offers the worker's converters as defaults, by their full names and versions", async () => {
    const infos = await validation.validate(SOURCE)
    const { definition, value } = find(infos, 'key.converter')
    assert.equal(definition?.default_value, 'test.TextConverter')
    assert.deepEqual([value?.value, value?.recommended_values], ['test.TextConverter', ['test.TextConverter']])
    assert.deepEqual(find(infos, 'header.converter').value?.recommended_values, ['test.PlainHeaderConverter', 'test.TextConverter'])
    assert.deepEqual(
      [find(infos, 'key.converter.plugin.version').definition?.default_value, find(infos, 'connector.plugin.version').value?.value],
      ['2.0', '1.2'],
    )
  })

  it('counts every message, in the words of the original', async () => {
    const config = {
      'connector.class': 'LinesSource',
      'tasks.max': '0',
      'errors.tolerance': 'maybe',
      'errors.log.enable': 'yes',
      'batch.size': '1.5',
      transforms: 'x,x',
      nul: null,
    }
    assert.deepEqual(await errorsOf(config), {
      nul: ['Null value can not be supplied as the configuration value.'],
      name: ['Missing required configuration "name" which has no default value.'],
      'tasks.max': ['Invalid value 0 for configuration tasks.max: Value must be at least 1'],
      transforms: ['Invalid value [x, x] for configuration transforms: Duplicate alias provided.'],
      'errors.tolerance': ['Invalid value maybe for configuration errors.tolerance: String must be one of: none, all'],
      'errors.log.enable': ['Invalid value yes for configuration errors.log.enable: Expected value to be either true or false'],
      'transforms.x.type': ['Missing required configuration "transforms.x.type" which has no default value.'],
      topic: ['Missing required configuration "topic" which has no default value.'],
      'batch.size': ['Invalid value 1.5 for configuration batch.size: Not a number of type INT'],
    })
    const infos = await validation.validate(config)
    assert.equal(infos.error_count, 9)
    assert.equal(infos.configs[0]?.definition, null)
    assert.equal(infos.configs[0]?.value?.name, 'nul')
  })

  it('says a number that is none twice, as the original does', async () => {
    assert.deepEqual(await errorsOf({ ...SOURCE, 'tasks.max': 'x' }), {
      'tasks.max': [
        'Invalid value x for configuration tasks.max: Not a number of type INT',
        'Invalid value null for configuration tasks.max: Value must be non-null',
      ],
    })
    assert.deepEqual(await errorsOf({ ...SOURCE, 'tasks.max': null }), {
      'tasks.max': ['Invalid value null for configuration tasks.max: Value must be non-null', 'Null value can not be supplied as the configuration value.'],
    })
  })

  it('says what is wrong with a converter: unknown, of another kind, or of another version', async () => {
    const infos = await validation.validate({ ...SOURCE, 'key.converter': 'NoSuch', 'value.converter': 'LinesSink' })
    assert.deepEqual(find(infos, 'key.converter').value?.errors, ['Invalid value NoSuch for configuration key.converter: Class NoSuch could not be found.'])
    assert.equal(find(infos, 'key.converter').value?.value, null)
    const { default_value: version } = find(infos, 'key.converter.plugin.version').definition ?? {}
    assert.deepEqual([version, find(infos, 'key.converter.plugin.version').value?.visible], [null, false])
    assert.deepEqual(find(infos, 'value.converter').value?.errors, ['Class class test.LinesSinkConnector does not implement the Converter interface'])
    assert.equal(infos.error_count, 2)

    const message = 'Plugin test.TextConverter not found that matches the version range [9.9,9.9], available versions: [2.0]'
    assert.deepEqual(await errorsOf({ ...SOURCE, 'key.converter': 'TextConverter', 'key.converter.plugin.version': '9.9' }), {
      'key.converter': [message],
      'key.converter.plugin.version': [message],
    })
  })

  it("appends the settings of the connector's own converters, prefixed", async () => {
    const infos = await validation.validate({
      ...SOURCE,
      'value.converter': 'TextConverter',
      'value.converter.trim': 'perhaps',
      'header.converter': 'TextConverter',
    })
    assert.deepEqual(
      infos.configs.slice(-4).map((info) => [info.definition?.name, info.value?.name, info.value?.value]),
      [
        ['header.converter.converter.type', 'header.converter.converter.type', 'header'],
        ['header.converter.trim', 'header.converter.trim', 'false'],
        ['value.converter.converter.type', 'value.converter.converter.type', 'value'],
        ['value.converter.trim', 'value.converter.trim', null],
      ],
    )
    assert.equal(infos.error_count, 1)
    assert.deepEqual(infos.groups.slice(-1), ['Text'])
  })

  it('asks the policy about overrides of the client that the connector uses', async () => {
    const overrides = { 'producer.override.linger.ms': '7', 'producer.override.sasl.jaas.config': 'password="x"', 'consumer.override.linger.ms': '1' }
    const infos = await validation.validate({ ...SOURCE, ...overrides })
    assert.ok(warnings.includes('Linger is deprecated'), 'the policy has a logger')
    assert.equal(infos.error_count, 1)
    const [linger, jaas] = infos.configs.slice(-2)
    assert.deepEqual([linger?.definition?.type, linger?.definition?.default_value, linger?.value?.value], ['LONG', '5', '7'])
    assert.equal(linger?.definition?.name, 'producer.override.linger.ms')
    assert.deepEqual([jaas?.definition, jaas?.value?.value], [null, '[hidden]'])
    assert.deepEqual(jaas?.value?.errors, ["The 'Linger' policy does not allow 'sasl.jaas.config' to be overridden in the connector configuration."])
    const wrong = await validation.validate({ ...SOURCE, 'producer.override.linger.ms': 'soon' })
    assert.deepEqual(
      [wrong.error_count, wrong.configs.at(-1)?.value?.errors],
      [1, ['Invalid value soon for configuration linger.ms: Not a number of type LONG']],
    )
    const sink = await validation.validate({ ...SINK, ...overrides })
    assert.deepEqual(sink.configs.at(-1)?.value?.name, 'consumer.override.linger.ms')
  })

  it('checks the topics of a sink on both keys', async () => {
    const { topics: _, ...without } = SINK
    const none = ['Must configure one of topics or topics.regex']
    assert.deepEqual(await errorsOf(without), { topics: none, 'topics.regex': none })
    const both = ['topics and topics.regex are mutually exclusive options, but both are set.']
    assert.deepEqual(await errorsOf({ ...SINK, 'topics.regex': 'b.*' }), { topics: both, 'topics.regex': both })
    assert.deepEqual(await errorsOf({ ...SINK, topics: 'a,b,a' }), { topics: ["Configuration 'topics' values must not be duplicated."] })
    assert.deepEqual(await errorsOf({ ...SINK, topics: 'a, ,b' }), { topics: ["Configuration 'topics' values must not be empty."] })
    assert.match(
      (await errorsOf({ ...without, 'topics.regex': 'b(' }))['topics.regex']?.[0] ?? '',
      /^Invalid value b\( for configuration topics\.regex: Invalid regex: /,
    )
    assert.deepEqual((await errorsOf({ ...SINK, topics: 'a,b', 'errors.deadletterqueue.topic.name': 'b' })).topics, [
      "The DLQ topic 'b' may not be included in the list of topics ('topics=[a, b]') consumed by the connector",
    ])
  })

  it('accepts what later releases bring at its default, and refuses other values by key', async () => {
    const defaults = {
      'errors.tolerance': 'none',
      'errors.retry.timeout': '0',
      'errors.retry.delay.max.ms': '60000',
      'errors.log.enable': 'FALSE',
      'exactly.once.support': 'REQUESTED',
      'transaction.boundary': 'poll',
    }
    assert.deepEqual(await errorsOf({ ...SOURCE, ...defaults }), {})
    const others = {
      'transaction.boundary': 'interval',
      'exactly.once.support': 'required',
    }
    const errors = await errorsOf({ ...SOURCE, ...others })
    assert.deepEqual(Object.keys(errors).sort(), Object.keys(others).sort())
    for (const [key, [message]] of Object.entries(errors))
      assert.match(message ?? '', new RegExp(`^Configuration ${key} cannot be used yet: .* will come with a later release\\. Remove it`))
  })

  it('tells what is wrong with groups of topics to create, by key', async () => {
    const sizes = { 'topic.creation.default.partitions': '3', 'topic.creation.default.replication.factor': '-1' }
    assert.deepEqual(await errorsOf({ ...SOURCE, ...sizes, 'topic.creation.groups': 'a', 'topic.creation.a.include': 'a.*' }), {})
    assert.deepEqual(await errorsOf({ ...SOURCE, 'topic.creation.groups': '', 'topic.creation.default.partitions': '3' }), {
      'topic.creation.default.replication.factor': ['Missing required configuration "topic.creation.default.replication.factor" which has no default value.'],
    })
    assert.deepEqual(await errorsOf({ ...SOURCE, ...sizes, 'topic.creation.groups': 'a,a' }), {
      'topic.creation.groups': ['Invalid value [a, a] for configuration topic.creation.groups: Duplicate alias provided.'],
    })
  })

  it('refuses settings of ours that do not exist', async () => {
    assert.deepEqual(await errorsOf({ ...SOURCE, 'millrace.task.isolation': 'dedicated' }), {})
    assert.deepEqual(await errorsOf({ ...SOURCE, 'millrace.task.isolation': 'process' }), {
      'millrace.task.isolation': ['Invalid value process for configuration millrace.task.isolation: String must be one of: shared, dedicated'],
    })
    assert.deepEqual(await errorsOf({ ...SOURCE, 'millrace.tusk': '1' }), {
      'millrace.tusk': [`Unknown configuration millrace.tusk. Known are: ${[...millraceConnectorConfigDef.keys.keys()].join(', ')}`],
    })
    assert.deepEqual(await errorsOf({ ...SOURCE, 'millrace.stall.acton': 'fail' }), {
      'millrace.stall.acton': ['Unknown configuration millrace.stall.acton. Did you mean millrace.stall.action?'],
    })
    assert.deepEqual(await errorsOf({ ...SOURCE, 'millrace.restart.max': 'many', 'millrace.restart.delay.ms': '0' }), {
      'millrace.restart.max': ['Invalid value many for configuration millrace.restart.max: Not a number of type INT'],
      'millrace.restart.delay.ms': ['Invalid value 0 for configuration millrace.restart.delay.ms: Value must be at least 1'],
    })
  })

  it('shows settings of ours only where they are given', async () => {
    const without = await validation.validate(SOURCE)
    assert.equal(without.configs.filter(({ value }) => value?.name.startsWith('millrace.')).length, 0)
    const given = find(await validation.validate({ ...SOURCE, 'millrace.restart.max': '3' }), 'millrace.restart.max')
    assert.equal(given.definition?.type, 'INT')
    assert.equal(given.value?.value, '3')
  })

  it('tells only the framework keys where the version does not exist', async () => {
    const infos = await validation.validate({ ...SOURCE, 'connector.plugin.version': '9.9' })
    const message = 'Plugin test.LinesSourceConnector not found that matches the version range [9.9,9.9], available versions: [1.2]'
    assert.equal(infos.error_count, 2)
    assert.equal(infos.configs.length, 19)
    for (const key of ['connector.class', 'connector.plugin.version']) assert.deepEqual(find(infos, key).value?.errors, [message])
    assert.deepEqual(find(infos, 'connector.plugin.version').value?.recommended_values, ['1.2'])
    assert.equal(find(infos, 'key.converter').value?.value, null)
  })

  it('refuses a class that is missing or unknown, and a version that is none', async () => {
    await assert.rejects(
      validation.validate({ file: 'x', name: 'src2' }),
      new BadRequestRestError('Connector config {name=src2, file=x} contains no connector type'),
    )
    await assert.rejects(
      validation.validate({ ...SOURCE, 'connector.class': 'NoSuch' }),
      /Failed to find any class that implements Connector and which name matches NoSuch, available connectors are: PluginDesc\{/,
    )
    await assert.rejects(validation.validate({ ...SOURCE, 'connector.class': 'test.TextConverter' }), BadRequestRestError)
    await assert.rejects(validation.validate({ ...SOURCE, 'connector.plugin.version': '[bad' }), new BadRequestRestError('Unbounded range: [bad'))
  })

  it('validates what references resolve to, and never shows it where it is secret', async () => {
    const config = { ...SOURCE, 'batch.size': '${secrets::answer}', 'producer.override.ssl.key.password': '${secrets:p:password}' }
    const infos = await validation.validate(config)
    assert.equal(find(infos, 'batch.size').value?.value, '42')
    assert.doesNotMatch(JSON.stringify(infos), /s3cret/)
    await assert.rejects(
      validation.validate({ name: 'x', password: '${secrets:p:password}' }),
      /\{password=\$\{secrets:p:password\}, name=x\}|\{name=x, password=\$\{secrets:p:password\}\}/,
    )
    await assert.rejects(validation.validate({ ...SOURCE, file: '${secrets:broken:x}' }), /vault is sealed/)
  })

  it('becomes one message where a connector is created', async () => {
    assert.equal(configErrors(await validation.validate(SOURCE)), null)
    assert.equal(
      configErrors(await validation.validate({ ...SINK, topics: '' }))?.message,
      'Connector configuration is invalid and contains the following 2 error(s):\nMust configure one of topics or topics.regex\nMust configure one of topics or topics.regex\nYou can also find the above list of errors at the endpoint `/connector-plugins/{connectorType}/config/validate`',
    )
  })

  it("shows a plug-in's own keys before the framework's", async () => {
    const keys = await validation.pluginConfig('LinesSource')
    assert.deepEqual(
      keys.slice(0, 6).map((key) => [key.name, key.default_value]),
      [
        ['file', null],
        ['topic', null],
        ['batch.size', '2000'],
        ['name', null],
        ['connector.class', null],
        ['connector.plugin.version', '1.2'],
      ],
    )
    assert.equal(keys.find((key) => key.name === 'key.converter')?.default_value, null)
    assert.equal((await validation.pluginConfig('test.TextConverter')).length, 2)
  })

  it('refuses plug-ins that are unknown, of a hidden kind, or of another version', async () => {
    await assert.rejects(validation.pluginConfig('Nope'), new NotFoundRestError('Unknown plugin Nope.'))
    await assert.rejects(
      validation.pluginConfig('Linger'),
      new BadRequestRestError('Invalid plugin class Linger. Valid types are sink, source, converter, header_converter, transformation, predicate.'),
    )
    await assert.rejects(
      validation.pluginConfig('LinesSource', '9.9'),
      new BadRequestRestError('Plugin test.LinesSourceConnector not found that matches the version range [9.9,9.9], available versions: [1.2]'),
    )
    await assert.rejects(validation.pluginConfig('LinesSource', '[x'), new BadRequestRestError('Invalid version specification: [x'))
  })
})

describe('a map as Java shows it', () => {
  it('is in the order of its buckets', () => {
    assert.equal(
      javaMapText({ 'connector.class': 'FileStreamSource', 'tasks.max': '1', file: '/data/in.txt', topic: 't1', name: 'src' }),
      '{connector.class=FileStreamSource, name=src, topic=t1, file=/data/in.txt, tasks.max=1}',
    )
    assert.equal(javaMapText({ a: null }), '{a=null}')
  })
})
