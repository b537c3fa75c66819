import assert from 'node:assert/strict'
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { ConnectClient } from '@millrace/rest-api'
import { startGuardedProcess, temporaryFolder, waitFor } from '@millrace/testing'
import { startJavaConnect } from '../servers/java-connect.ts'
import { classPath, java, skipWithoutPeer } from '../servers/peer.ts'
import { startMillraceBroker } from './broker-under-test.ts'
import { topicValues } from './topic.ts'

const skip = skipWithoutPeer()

async function startBroker(t: TestContext) {
  const folder = temporaryFolder(t)
  const broker = await startMillraceBroker({ folder: join(folder, 'broker') })
  t.after(() => broker.stop().then(() => undefined))
  return { folder, bootstrapServers: broker.bootstrapServers }
}

test('a Java program copies a topic in transactions on the embedded broker, with aborts and fencing', { skip }, async (t) => {
  const { folder, bootstrapServers } = await startBroker(t)
  const count = 1000
  const source = join(import.meta.dirname, 'java', 'TransactionalCopy.java')
  const logFile = join(folder, 'copy.log')
  const program = await startGuardedProcess({ command: java, args: ['-cp', classPath, source, bootstrapServers, String(count)], cwd: folder, logFile })
  t.after(() => program.killAtOnce().then(() => undefined))
  await waitFor(() => program.hasExited, { what: 'the end of the Java program', deadlineMs: 120_000, describe: () => program.output.slice(-4000) })
  const lines = readFileSync(logFile, 'utf8').split('\n')
  assert.deepEqual(
    lines.filter((line) => line.startsWith('value ')),
    Array.from({ length: count }, (_, index) => `value ${index}`),
    program.output.slice(-4000),
  )
  assert.ok(lines.includes('fenced'), program.output.slice(-4000))
})

test('the Java distributed worker runs exactly-once source connectors on the embedded broker, over a restart', { skip }, async (t) => {
  const { folder, bootstrapServers } = await startBroker(t)
  const [input, output] = [join(folder, 'in.txt'), join(folder, 'out.txt')]
  const properties = { 'exactly.once.source.support': 'enabled', 'offset.flush.interval.ms': '500' }
  const start = async (turn: number) => {
    const worker = await startJavaConnect({ mode: 'distributed', folder: join(folder, `connect-${turn}`), bootstrapServers, properties })
    t.after(() => worker.killAtOnce().then(() => undefined))
    return worker
  }
  const hasRead = async (lines: readonly string[]) =>
    JSON.stringify(await topicValues(bootstrapServers, 'lines', { 'isolation.level': 'read_committed' })) === JSON.stringify(lines)

  writeFileSync(input, '')
  const first = await start(1)
  const client = new ConnectClient(first.url, { requestTimeoutMs: 60_000 })
  await client.createConnector({ name: 'source', config: { 'connector.class': 'FileStreamSource', file: input, topic: 'lines', 'tasks.max': '1' } })
  await client.createConnector({
    name: 'sink',
    config: { 'connector.class': 'FileStreamSink', file: output, topics: 'lines', 'consumer.override.isolation.level': 'read_committed' },
  })
  appendFileSync(input, 'one\ntwo\n')
  await waitFor(() => existsSync(output) && readFileSync(output, 'utf8') === 'one\ntwo\n', {
    what: 'both lines in the sink file',
    deadlineMs: 120_000,
    describe: () => first.output.slice(-6000),
  })
  await first.killAtOnce()

  const second = await start(2)
  appendFileSync(input, 'three\n')
  await waitFor(() => hasRead(['one', 'two', 'three']), {
    what: 'each line once in the topic',
    deadlineMs: 120_000,
    describe: () => second.output.slice(-6000),
  })
})
