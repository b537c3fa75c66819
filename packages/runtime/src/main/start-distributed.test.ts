import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { startBroker } from '@millrace/broker'
import { Admin, silentLogger } from '@millrace/kafka'
import { freePorts, temporaryFolder, waitFor, writeJavaProperties } from '@millrace/testing'
import { Loggers } from '../logging/loggers.ts'
import { createDistributedWorker } from './start-distributed.ts'
import { StartupError } from './startup-error.ts'

async function prepared(t: TestContext, settings: Readonly<Record<string, string>> = {}) {
  const folder = temporaryFolder(t)
  const broker = await startBroker({ port: 0, dataDir: join(folder, 'broker'), logger: silentLogger })
  t.after(() => broker.close())
  const [port] = await freePorts(1)
  const url = `http://127.0.0.1:${port}`
  const bootstrapServers = `127.0.0.1:${broker.port}`
  const workerFile = writeJavaProperties(join(folder, 'worker.properties'), {
    'bootstrap.servers': bootstrapServers,
    listeners: url,
    'group.id': 'workers',
    'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
    'value.converter': 'org.apache.kafka.connect.storage.StringConverter',
    'config.storage.topic': 'configs',
    'offset.storage.topic': 'offsets',
    'status.storage.topic': 'statuses',
    'config.storage.replication.factor': '1',
    'offset.storage.replication.factor': '1',
    'status.storage.replication.factor': '1',
    ...settings,
  })
  const lines: string[] = []
  const loggers = new Loggers({ rootLevel: 'INFO', write: ({ level, message }) => lines.push(`${level} ${message}`) })
  const create = () => createDistributedWorker({ workerFile, bundledPlugins: [], version: { version: '4.3.1', commit: 'test' }, loggers })
  return { url, workerFile, bootstrapServers, lines, create }
}

test('a worker of a cluster is healthy with its first assignment, and may be stopped twice', async (t) => {
  const { create, url, lines } = await prepared(t)
  const worker = await create()
  await worker.start()
  await waitFor(async () => (await fetch(`${url}/health`)).status === 200, { what: 'the first assignment' })
  assert.deepEqual(await (await fetch(`${url}/connectors`)).json(), [])
  await Promise.all([worker.stop(), worker.stop()])
  await assert.rejects(fetch(url))
  assert.ok(lines.includes('INFO Herder stopped'), lines.join('\n'))
})

test('a worker of a cluster can be stopped while it starts', async (t) => {
  const { create, url } = await prepared(t)
  const worker = await create()
  const started = worker.start()
  await waitFor(() => fetch(`${url}/health`).catch(() => null), { what: 'an early answer' })
  await Promise.all([worker.stop(), started])
  await assert.rejects(fetch(url))
})

test('a topic that cannot hold configurations ends the start with 3, says how to mend it, and leaves nothing running', async (t) => {
  const { create, url, bootstrapServers } = await prepared(t)
  const admin = new Admin({ 'bootstrap.servers': bootstrapServers }, { logger: silentLogger })
  t.after(() => admin.close())
  await admin.createTopics([{ name: 'configs', partitions: 2, replicationFactor: 1, configs: { 'cleanup.policy': 'compact' } }])
  const error = await (await create()).start().then(
    () => assert.fail('it started'),
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof StartupError, String(error))
  assert.equal(error.exitCode, 3)
  assert.match(error.message, /required to have a single partition .* found 2 partitions\. .* create a topic with one partition/)
  await assert.rejects(fetch(url))
})
