import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { FailureReport } from '@millrace/rest-api'
import { startGuardedProcess, temporaryFolder, waitFor, writeJavaProperties } from '@millrace/testing'
import { startMillraceBroker } from './broker-under-test.ts'
import { fromSources, type MillraceWorker, type Properties, runMillrace, startWorker } from './millrace-process.ts'
import { topicHeaders } from './topic.ts'

test('the failure that docs/guides/find-the-cause.md shows is the one that its commands make, and its advice mends it', async (t) => {
  const folder = temporaryFolder(t)
  const text = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'guides', 'find-the-cause.md'), 'utf8')
  const worker = await startWorker({ folder: join(folder, 'worker'), bootstrapServers: 'embedded' })
  t.after(() => worker.killAtOnce())
  const run = (commands: string): void => {
    const script = commands.replaceAll('localhost:8083', new URL(worker.url).host).replaceAll('/tmp/', `${folder}/`)
    const { status, stdout, stderr } = spawnSync('sh', ['-euc', script.replaceAll('curl ', 'curl --fail-with-body --silent --show-error ')], {
      encoding: 'utf8',
    })
    assert.equal(status, 0, `${commands}\n${stdout}\n${stderr}`)
  }
  const [begin = '', mend = ''] = blocks(text, 'sh')
  run(begin)
  const hasFailed = async () => (await worker.client.connectorStatus('archive')).tasks[0]?.state === 'FAILED'
  await waitFor(hasFailed, { what: 'the sink to fail', describe: () => worker.describe('archive') })
  const [task] = (await worker.client.connectorStatus('archive')).tasks
  const [shown = ''] = blocks(text, 'text')
  assert.equal(task?.trace?.slice(0, shown.length), shown)
  const { at: _, recent_events: __, ...expected } = JSON.parse(blocks(text, 'json')[0] ?? '') as FailureReport
  const { at, recent_events: events, ...failure } = task?.millrace?.failure ?? ({} as FailureReport)
  assert.deepEqual(failure, expected)
  assert.ok(!Number.isNaN(Date.parse(at)))
  assert.match(events.join('\n'), /Z RUNNING\n/)
  run(mend)
  await worker.untilState('archive', 'RUNNING')
  assert.equal((await worker.client.connectorStatus('archive')).tasks[0]?.millrace?.failure, undefined)
})

test('millrace explain prints the page of a hint, all of them, or the nearest', async () => {
  const page = await runMillrace(['explain', 'MR-2101'])
  assert.deepEqual([page.code, /^MR-2101: .*\(data\)\n/.test(page.output)], [0, true], page.output)
  const list = await runMillrace(['explain'])
  assert.ok(list.code === 0 && list.output.split('\n').length > 50, list.output)
  const unknown = await runMillrace(['explain', '2190'])
  assert.equal(unknown.code, 2)
  assert.match(unknown.output, /^There is no hint 2190\.[^]*The nearest is:\n\nMR-\d{4}: /)
})

const CONVERTERS = 'org.apache.kafka.connect'
const TRANSFORMS = 'org.apache.kafka.connect.transforms'

/** What an operator may get wrong, and what the task's report then says. */
const mistakes: Readonly<Record<string, { readonly config: Properties; readonly hint: string; readonly rootCause: RegExp; readonly stage?: string }>> = {
  'a sink without its folder': {
    config: { 'connector.class': 'FileStreamSink', topics: 'text', file: '/nowhere/out.txt' },
    hint: 'MR-3301',
    rootCause: /^"\/nowhere\/out\.txt" does not exist$/,
    stage: 'start',
  },
  'a sink into a folder': {
    config: { 'connector.class': 'FileStreamSink', topics: 'text', file: '/tmp' },
    hint: 'MR-3302',
    rootCause: /^"\/tmp" is a folder/,
    stage: 'start',
  },
  'a source of a folder': {
    config: { 'connector.class': 'FileStreamSource', topic: 'x', file: '/tmp' },
    hint: 'MR-3302',
    rootCause: /"\/tmp" is a directory/,
    stage: 'poll',
  },
  'text for JSON': {
    config: { 'connector.class': 'FileStreamSink', topics: 'text', file: '/dev/null', 'value.converter': `${CONVERTERS}.json.JsonConverter` },
    hint: 'MR-2104',
    rootCause: /^The value of a record is plain text, and value\.converter is JsonConverter with schemas\.enable=true$/,
    stage: 'VALUE_CONVERTER',
  },
  'text for a number': {
    config: { 'connector.class': 'FileStreamSink', topics: 'text', file: '/dev/null', 'value.converter': `${CONVERTERS}.converters.LongConverter` },
    hint: 'MR-2104',
    rootCause: /^The value of a record is plain text, and value\.converter is LongConverter$/,
    stage: 'VALUE_CONVERTER',
  },
  'a transformation of text': {
    config: {
      'connector.class': 'FileStreamSource',
      topic: 'x',
      file: 'text.txt',
      transforms: 'route,mask',
      'transforms.route.type': `${TRANSFORMS}.RegexRouter`,
      'transforms.route.regex': 'none',
      'transforms.route.replacement': 'none',
      'transforms.mask.type': `${TRANSFORMS}.MaskField$Value`,
      'transforms.mask.fields': 'a',
    },
    hint: 'MR-2202',
    rootCause: /^Transformation "mask" \(org\.apache\.kafka\.connect\.transforms\.MaskField\$Value\) cannot handle a record: Only /,
    stage: 'TRANSFORMATION',
  },
  'a record that is too large': {
    config: { 'connector.class': 'FileStreamSource', topic: 'x', file: 'text.txt', 'producer.override.max.request.size': '60' },
    hint: 'MR-2302',
    rootCause: /max\.request\.size/,
  },
  'a topic that cannot be': {
    config: { 'connector.class': 'FileStreamSource', topic: 'no topic', file: 'text.txt' },
    hint: 'MR-3201',
    rootCause: /./,
  },
  'dead letters with too many replicas': {
    config: {
      'connector.class': 'FileStreamSink',
      topics: 'text',
      file: '/dev/null',
      'errors.tolerance': 'all',
      'errors.deadletterqueue.topic.name': 'dead',
    },
    hint: 'MR-3203',
    rootCause: /^Could not initialize dead letter queue with topic=dead: .*replication factor/i,
    stage: 'configure',
  },
}

test('what an operator gets wrong is told in plain words, with its hint and place', async (t) => {
  const folder = temporaryFolder(t)
  mkdirSync(join(folder, 'worker'))
  writeFileSync(join(folder, 'worker', 'text.txt'), 'a line of plain text that is longer than sixty bytes, which is not much for a record\n')
  const worker = await startWorker({
    folder: join(folder, 'worker'),
    bootstrapServers: 'embedded',
    connectors: [{ name: 'text', 'connector.class': 'FileStreamSource', file: 'text.txt', topic: 'text' }],
  })
  t.after(() => worker.killAtOnce())
  for (const [name, { config }] of Object.entries(mistakes)) await worker.client.createConnector({ name, config: { ...config } })
  for (const [name, { hint, rootCause, stage }] of Object.entries(mistakes)) {
    const task = await waitFor(
      async () => {
        const [found] = (await worker.client.connectorStatus(name)).tasks
        return found?.state === 'FAILED' && found
      },
      { what: `"${name}" to fail`, describe: () => worker.describe(name) },
    )
    const failure = task.millrace?.failure
    assert.deepEqual([name, failure?.hint, failure?.where.stage], [name, hint, stage], JSON.stringify(failure, null, 2))
    assert.match(failure?.root_cause ?? '', rootCause)
    assert.ok(task.trace?.startsWith(`${failure?.root_cause} [${hint}]\nat connector "${name}", task 0`), task.trace)
    assert.ok(worker.process.output.includes(`ERROR [${name}|task-0] ${failure?.root_cause} [${hint}], at connector "${name}", task 0`), name)
  }
})

test('wrong credentials of a task are told as such, and not shown', async (t) => {
  const folder = temporaryFolder(t)
  const module = 'org.apache.kafka.common.security.plain.PlainLoginModule'
  const file = writeJavaProperties(join(folder, 'server.properties'), {
    listeners: 'SASL_PLAINTEXT://127.0.0.1:1',
    'listener.name.sasl_plaintext.plain.sasl.jaas.config': `${module} required user_alice="right-word";`,
  })
  const { command, args } = fromSources()
  const broker = await startGuardedProcess({
    command,
    args: [...args, 'broker', '--config', file, '--port', '0', '--data-dir', join(folder, 'data')],
    cwd: folder,
  })
  t.after(() => broker.killAtOnce())
  const [, bootstrapServers = ''] = await broker.printed(/listens on (\S+),/)
  const login = (word: string): Properties => ({
    'security.protocol': 'SASL_PLAINTEXT',
    'sasl.mechanism': 'PLAIN',
    'sasl.jaas.config': `${module} required username="alice" password="${word}";`,
  })
  const prefixed = (prefix: string, properties: Properties): Properties => {
    return Object.fromEntries(Object.entries(properties).map(([key, value]) => [`${prefix}${key}`, value]))
  }
  const worker = await startWorker({ folder: join(folder, 'worker'), bootstrapServers, properties: login('right-word') })
  t.after(() => worker.killAtOnce())
  const lines = { 'connector.class': 'FileStreamSource', file: '/etc/hostname', topic: 'lines' }
  const configs: Record<string, Properties> = {
    source: { ...lines, ...prefixed('admin.override.', login('right-word')), ...prefixed('producer.override.', login('wrong-word')) },
    sink: { 'connector.class': 'FileStreamSink', file: '/dev/null', topics: 'lines', ...prefixed('consumer.override.', login('wrong-word')) },
  }
  for (const [name, config] of Object.entries(configs)) {
    await worker.client.createConnector({ name, config: { ...config } })
    const failure = await waitFor(async () => (await worker.client.connectorStatus(name)).tasks[0]?.millrace?.failure, {
      what: `the ${name} to fail`,
      describe: () => worker.describe(name),
    })
    assert.deepEqual([failure.hint, failure.class], ['MR-4101', 'authentication'], JSON.stringify(failure, null, 2))
    assert.doesNotMatch(JSON.stringify(await worker.client.connectorStatus(name)), /wrong-word|right-word/)
  }
  assert.doesNotMatch(worker.process.output, /wrong-word|right-word/)
})

test('a reference that cannot be resolved any more fails connector and task before they start', async (t) => {
  const folder = temporaryFolder(t)
  const secrets = join(folder, 'secrets.properties')
  writeFileSync(secrets, 'path=/etc/hostname\n')
  const worker = await startWorker({
    folder: join(folder, 'worker'),
    bootstrapServers: 'embedded',
    properties: { 'config.providers': 'file', 'config.providers.file.class': 'org.apache.kafka.common.config.provider.FileConfigProvider' },
  })
  t.after(() => worker.killAtOnce())
  await worker.client.createConnector({ name: 'lines', config: { 'connector.class': 'FileStreamSource', file: `\${file:${secrets}:path}`, topic: 'lines' } })
  await worker.untilState('lines', 'RUNNING')
  rmSync(secrets)
  await worker.client.restartConnector('lines', { includeTasks: true })
  await worker.untilState('lines', 'FAILED')
  const { connector, tasks } = await worker.client.connectorStatus('lines')
  for (const failure of [connector.millrace?.failure, tasks[0]?.millrace?.failure]) {
    assert.deepEqual([failure?.hint, failure?.class, failure?.where.stage], ['MR-3104', 'configuration', 'start'])
    assert.equal(failure?.root_cause, `Could not read properties from file ${secrets}: "${secrets}" does not exist`)
  }
})

/** Fails wherever it is told to, and tells everything it knows about it. */
const CODE = `
import { ConfigDef } from '@millrace/api'

const KEYS = ['pin', 'db.password', 'url', 'consumer.override.sasl.jaas.config', 'plain']
const leak = (properties) => 'cannot log in with ' + KEYS.map((key) => properties[key]).join(' and ')
const failure = (properties) => new Error(leak(properties), { cause: Object.assign(new Error('because of ' + leak(properties)), { path: properties.url }) })

class LeakyConnector {
  config() {
    return new ConfigDef().define('pin', { type: 'PASSWORD', importance: 'HIGH', documentation: 'x' }).define('fail', { type: 'STRING', importance: 'HIGH', documentation: 'x' })
  }
  start(properties, context) {
    this.properties = properties
    context.logger.warn(leak(properties), failure(properties))
    context.logger.debug(leak(properties))
    if (properties.fail === 'connector') throw failure(properties)
  }
  taskConfigs() { return [this.properties] }
  stop() {}
}

export class LeakySinkConnector extends LeakyConnector { taskClass() { return LeakySinkTask } }
export class LeakySourceConnector extends LeakyConnector { taskClass() { return LeakySourceTask } }

class LeakyTask {
  start(properties, context) {
    this.properties = properties
    this.context = context
    context.logger.error(leak(properties), failure(properties))
    context.logger.debug('debug: ' + leak(properties))
    if (properties.fail === 'start') throw failure(properties)
    if (properties.fail === 'later') setTimeout(() => { throw failure(properties) }, 1)
  }
  stop() { if (this.properties.fail !== 'report') throw failure(this.properties) }
}

class LeakySinkTask extends LeakyTask {
  async put(records) {
    if (records.length === 0) return
    if (this.properties.fail === 'put') throw failure(this.properties)
    for (const record of records) await this.context.errantRecordReporter.report(record, failure(this.properties))
  }
}

class LeakySourceTask extends LeakyTask {
  async poll() {
    if (this.properties.fail === 'poll') throw failure(this.properties)
    await new Promise((resolve) => setTimeout(resolve, 10))
    const { url, topic } = this.properties
    return [{ topic, partition: null, key: null, keySchema: null, value: 'v', valueSchema: null, headers: null, timestamp: null, sourcePartition: { url }, sourceOffset: { at: url } }]
  }
}

export class LeakyTransformation {
  config() { return new ConfigDef().define('pin', { type: 'PASSWORD', importance: 'HIGH', documentation: 'x' }) }
  configure(properties) { this.properties = properties }
  apply() { throw failure(this.properties) }
}
`

function writePlugin(folder: string): void {
  mkdirSync(join(folder, 'leaky', 'node_modules', '@millrace'), { recursive: true })
  symlinkSync(join(import.meta.dirname, '..', '..', 'packages', 'api'), join(folder, 'leaky', 'node_modules', '@millrace', 'api'))
  writeFileSync(join(folder, 'leaky', 'index.js'), CODE)
  const plugins = [
    { kind: 'source', names: ['test.LeakySourceConnector'], version: '1.0', export: 'LeakySourceConnector' },
    { kind: 'sink', names: ['test.LeakySinkConnector'], version: '1.0', export: 'LeakySinkConnector' },
    { kind: 'transformation', names: ['test.LeakyTransformation'], version: '1.0', export: 'LeakyTransformation' },
  ]
  const manifest = { name: 'leaky', version: '1.0.0', type: 'module', main: './index.js', millrace: { api: '^0.1.0', plugins } }
  writeFileSync(join(folder, 'leaky', 'package.json'), JSON.stringify(manifest))
}

const SECRETS = ['98765-pin', 'by-name-42', 'resolved-user', 'resolved-word', 'jaas-word']

test('no secret reaches status, trace, report, log or dead letters, wherever a plugin puts it', async (t) => {
  const folder = temporaryFolder(t)
  const { bootstrapServers } = await startMillraceBroker({ folder: join(folder, 'broker') }).then((broker) => {
    t.after(() => broker.killAtOnce())
    return broker
  })
  const worker = await startLeakyWorker(t, folder, bootstrapServers)
  const create = (name: string, config: Properties) => worker.client.createConnector({ name, config: { ...leakyConfig(folder), ...config } })
  const failing: Record<string, Properties> = {
    'source-poll': { 'connector.class': 'LeakySource', fail: 'poll' },
    'source-start': { 'connector.class': 'LeakySource', fail: 'start' },
    'source-later': { 'connector.class': 'LeakySource', fail: 'later' },
    'source-transform': {
      'connector.class': 'LeakySource',
      fail: 'transform',
      transforms: 'leak',
      'transforms.leak.type': 'test.LeakyTransformation',
      'transforms.leak.pin': '98765-pin',
      'transforms.leak.url': 'x://resolved-user:resolved-word@h',
    },
    'sink-put': { 'connector.class': 'LeakySink', fail: 'put', topics: 'lines' },
  }
  for (const [name, config] of Object.entries(failing)) await create(name, config)
  await create('sink-report', {
    'connector.class': 'LeakySink',
    fail: 'report',
    topics: 'lines',
    'errors.tolerance': 'all',
    'errors.log.enable': 'true',
    'errors.log.include.messages': 'true',
    'errors.deadletterqueue.topic.name': 'dlq',
    'errors.deadletterqueue.topic.replication.factor': '1',
    'errors.deadletterqueue.context.headers.enable': 'true',
  })
  const refused = await create('connector', { 'connector.class': 'LeakySource', fail: 'connector' }).then(
    () => '',
    (error: unknown) => String(error),
  )
  const failed = async (name: string): Promise<boolean> => {
    const { connector, tasks } = await worker.client.connectorStatus(name)
    return connector.state === 'FAILED' || tasks.some(({ state }) => state === 'FAILED')
  }
  for (const name of [...Object.keys(failing), 'connector']) {
    await waitFor(() => failed(name), { what: `"${name}" to fail`, describe: () => worker.describe(name) })
  }
  const letters = await waitFor(
    async () => {
      const records = await topicHeaders(bootstrapServers, 'dlq').catch(() => [])
      return records.length > 0 && records
    },
    { what: 'a dead letter', describe: () => worker.describe('sink-report') },
  )
  const statuses = JSON.stringify(await Promise.all([...Object.keys(failing), 'connector', 'sink-report'].map((name) => worker.client.connectorStatus(name))))
  const texts: Record<string, string> = {
    statuses,
    log: worker.process.output,
    'the answer to the request': refused,
    'dead letters': letters.flatMap((headers) => headers.map(({ value }) => String(value))).join('\n'),
  }
  for (const [where, text] of Object.entries(texts)) {
    assert.match(text, /cannot log in with \[hidden\]/, where)
    for (const secret of SECRETS) assert.ok(!text.includes(secret), `"${secret}" in ${where}: ${contextOf(text, secret)}`)
  }
  // Masked only where it is one: other settings stay readable.
  assert.match(statuses, /and readable/)
})

function leakyConfig(folder: string): Properties {
  return {
    topic: 'lines',
    'tasks.max': '1',
    pin: '98765-pin',
    'db.password': 'by-name-42',
    url: `x://\${file:${folder}/secrets.properties:user}:\${file:${folder}/secrets.properties:word}@h`,
    'consumer.override.sasl.jaas.config': 'org.apache.kafka.common.security.plain.PlainLoginModule required username="a" password="jaas-word";',
    plain: 'readable',
  }
}

async function startLeakyWorker(t: TestContext, folder: string, bootstrapServers: string): Promise<MillraceWorker> {
  writePlugin(join(folder, 'plugins'))
  writeFileSync(join(folder, 'secrets.properties'), 'user=resolved-user\nword=resolved-word\n')
  writeFileSync(join(folder, 'lines.txt'), 'one\n')
  const worker = await startWorker({
    folder: join(folder, 'worker'),
    bootstrapServers,
    properties: {
      'plugin.path': join(folder, 'plugins'),
      'millrace.log.level': 'DEBUG',
      'config.providers': 'file',
      'config.providers.file.class': 'org.apache.kafka.common.config.provider.FileConfigProvider',
    },
    connectors: [{ name: 'lines', 'connector.class': 'FileStreamSource', file: join(folder, 'lines.txt'), topic: 'lines' }],
  })
  t.after(() => worker.killAtOnce())
  return worker
}

function contextOf(text: string, secret: string): string {
  const at = text.indexOf(secret)
  return text.slice(Math.max(0, at - 300), at + 100)
}

function blocks(text: string, language: string): string[] {
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)\n\`\`\`$`, 'gms'))].map(([, block = '']) => block)
}
