import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { startBroker } from '@millrace/broker'
import { freePorts, temporaryFolder, waitFor } from '@millrace/testing'
import { Loggers } from '../logging/loggers.ts'
import { createStandaloneWorker, type StandaloneOptions } from './start-standalone.ts'
import { StartupError } from './startup-error.ts'

async function prepared(t: TestContext, settings: Readonly<Record<string, string>> = {}, options: Partial<StandaloneOptions> = {}) {
  const folder = temporaryFolder(t)
  const [port] = await freePorts(1)
  const url = `http://127.0.0.1:${port}`
  const workerFile = join(folder, 'worker.properties')
  const properties = {
    'bootstrap.servers': 'embedded',
    listeners: url,
    'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
    'value.converter': 'org.apache.kafka.connect.storage.StringConverter',
    'offset.storage.file.filename': join(folder, 'offsets'),
    ...settings,
  }
  writeFileSync(
    workerFile,
    Object.entries(properties)
      .map(([key, value]) => `${key}=${value}\n`)
      .join(''),
  )
  const lines: string[] = []
  const events: string[] = []
  const create = () =>
    createStandaloneWorker({
      workerFile,
      bundledPlugins: [],
      version: { version: '4.3.1', commit: 'test' },
      loggers: new Loggers({ rootLevel: 'INFO', write: ({ message }) => lines.push(message) }),
      async resolveBootstrap({ dataDir, logger }) {
        const broker = await startBroker({ port: 0, dataDir, logger })
        events.push(`broker in ${dataDir.slice(folder.length)}`)
        const close = async () => {
          events.push('broker closed')
          await broker.close()
        }
        return { bootstrapServers: `127.0.0.1:${broker.port}`, clusterId: broker.clusterId, close }
      },
      ...options,
    })
  return { folder, url, workerFile, lines, events, create }
}

async function startupError(promise: Promise<unknown>): Promise<StartupError> {
  const error = await promise.then(
    () => assert.fail('it started'),
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof StartupError, String(error))
  return error
}

test('a worker serves REST on its embedded broker until it is stopped, which may be asked for twice', async (t) => {
  const { create, url, events } = await prepared(t)
  const worker = await create()
  await worker.start()
  assert.equal(worker.restUrl, url)
  const info = (await (await fetch(`${url}/`)).json()) as { kafka_cluster_id: string }
  assert.match(info.kafka_cluster_id, /^[\w-]{22}$/)
  assert.equal((await fetch(`${url}/health`)).status, 200)
  await Promise.all([worker.stop(), worker.stop()])
  assert.deepEqual(events, ['broker in /offsets.broker', 'broker closed'])
  await assert.rejects(fetch(url))
})

test('a worker that still looks for its cluster says that it starts, and can be stopped', async (t) => {
  const cluster = Promise.withResolvers<{ bootstrapServers: string; clusterId: string; close(): Promise<void> }>()
  const { create, url } = await prepared(t, {}, { resolveBootstrap: () => cluster.promise })
  const worker = await create()
  const started = worker.start()
  const health = await waitFor(() => fetch(`${url}/health`).catch(() => null), { what: 'an early answer' })
  assert.equal(health.status, 503)
  const stopped = worker.stop()
  let isClosed = false
  const close = async () => {
    isClosed = true
  }
  cluster.resolve({ bootstrapServers: '127.0.0.1:1', clusterId: 'x', close })
  await Promise.all([started, stopped])
  await worker.stop()
  assert.equal(isClosed, true)
})

test('a connector that cannot be created ends the start with 3, names its file, and leaves nothing running', async (t) => {
  const { create, folder, url, events } = await prepared(t, {}, { connectorFiles: [] })
  const file = join(folder, 'connector.properties')
  writeFileSync(file, 'name=x\nconnector.class=NoSuch\n')
  const { create: createWithConnector } = await prepared(t, { listeners: url }, { connectorFiles: [file] })
  const error = await startupError((await createWithConnector()).start())
  assert.equal(error.exitCode, 3)
  assert.ok(
    error.message.startsWith(`Failed to create connector for ${file}: Failed to find any class that implements Connector and which name matches NoSuch`),
    error.message,
  )
  await assert.rejects(fetch(url))
  assert.deepEqual(events, [])
  // Nothing holds the port.
  const next = await create()
  await next.start()
  await next.stop()
})

test('what is wrong in the worker file is told with file, line and key, and ends with 2', async (t) => {
  const extension = await prepared(t, { 'rest.extension.classes': 'com.example.Extension' })
  const refused = await startupError(extension.create())
  assert.equal(refused.exitCode, 2)
  assert.ok(refused.message.startsWith(`${extension.workerFile}:6: `), refused.message)
  assert.match(refused.message, /"rest\.extension\.classes" \(com\.example\.Extension\)/)

  const headers = await prepared(t, { 'response.http.headers.config': 'shout X:y' })
  assert.match((await startupError(headers.create())).message, /worker\.properties:6: .*action: 'shout'/)

  const alone = await prepared(t, {}, { resolveBootstrap: undefined })
  assert.match((await startupError((await alone.create()).start())).message, /"bootstrap\.servers=embedded" is not possible here/)
})

test('a setting that stands twice counts by its last line, with a warning', async (t) => {
  const { create, workerFile, lines, url } = await prepared(t)
  writeFileSync(workerFile, 'listeners=http://127.0.0.1:1\n', { flag: 'a' })
  writeFileSync(workerFile, `listeners=${url}\n`, { flag: 'a' })
  await create()
  assert.ok(lines.includes(`${workerFile}: "listeners" stands on lines 2, 6, 7; the last one counts.`), lines.join('\n'))
})
