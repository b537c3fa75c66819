import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { Producer, silentLogger } from '@millrace/kafka'
import type { TaskInstanceState } from '@millrace/rest-api'
import { type EmbeddedCluster, startEmbeddedCluster, temporaryFolder, waitFor } from '@millrace/testing'
import { committedOffset, topicHeaders, topicValues } from './topic.ts'

const PLUGINS = ['../../packages/runtime/src/testing-plugins/package.json', '../../connectors/file-stream/package.json'].map(
  (path) => new URL(path, import.meta.url),
)

let cluster: EmbeddedCluster
const folder = temporaryFolder({ after })

before(async () => {
  cluster = await startEmbeddedCluster({ folder, plugins: PLUGINS, workerProperties: { 'offset.flush.interval.ms': '100' } })
})

after(() => cluster.close())

/** Writes records with keys to partition 0. A null value is a tombstone. */
async function produce(topic: string, records: readonly (readonly [key: string | null, value: string | null])[]): Promise<void> {
  const producer = new Producer({ 'bootstrap.servers': cluster.bootstrapServers, 'linger.ms': '0' }, { logger: silentLogger })
  try {
    await Promise.all(
      records.map(([key, value]) => {
        const { promise, resolve, reject } = Promise.withResolvers<void>()
        producer.send(topic, 0, Date.now(), key, value, null, { acknowledged: () => resolve(), failed: reject })
        return promise
      }),
    )
  } finally {
    await producer.close({ timeoutMs: 5_000 })
  }
}

/** Creates a sink that refuses values with "bad" in them; it is removed when the test is over. @returns the file that it writes. */
async function rejectingSink(t: { after(action: () => Promise<void>): void }, name: string, config: Readonly<Record<string, string>>): Promise<string> {
  const file = join(folder, `${name}.txt`)
  writeFileSync(file, '')
  await cluster.client.createConnector({
    name,
    config: {
      'connector.class': 'test.RejectingSinkConnector',
      file,
      topics: name,
      'errors.deadletterqueue.topic.name': `${name}-dead`,
      'errors.deadletterqueue.topic.replication.factor': '1',
      'errors.deadletterqueue.context.headers.enable': 'true',
      ...config,
    },
  })
  t.after(() => cluster.client.deleteConnector(name))
  return file
}

const linesOf = (file: string): string[] => readFileSync(file, 'utf8').split('\n').slice(0, -1)

async function untilCommitted(name: string, records: number): Promise<void> {
  await waitFor(async () => (await committedOffset(cluster.bootstrapServers, `connect-${name}`, name)) === records, {
    what: `${records} records of "${name}" to be committed`,
    describe: () => cluster.describe(name),
  })
}

async function untilFailed(name: string): Promise<TaskInstanceState> {
  return waitFor(
    async () => {
      const [task] = (await cluster.client.connectorStatus(name)).tasks
      return task?.state === 'FAILED' ? task : null
    },
    { what: `the task of "${name}" to fail`, describe: () => cluster.describe(name) },
  )
}

const values = Array.from({ length: 200 }, (_, index) => (index % 50 === 7 ? `bad ${index}` : `good ${index}`))
const good = values.filter((value) => value.startsWith('good'))
const bad = values.filter((value) => value.startsWith('bad'))

describe('records that a sink cannot write', () => {
  for (const says of ['names', 'idempotent', 'transactional']) {
    it(`are dead letters, and all others are written, where the sink is one of the kind "${says}"`, async (t) => {
      const name = `rejecting-${says}`
      await produce(
        name,
        values.map((value) => [null, value]),
      )
      const file = await rejectingSink(t, name, { says, 'millrace.errors.put.tolerance': 'all' })
      await untilCommitted(name, values.length)
      assert.deepEqual(linesOf(file), good)
      assert.deepEqual(await topicValues(cluster.bootstrapServers, `${name}-dead`), bad)
      const headers = await topicHeaders(cluster.bootstrapServers, `${name}-dead`)
      const stages = headers.map((each) => each.find(({ key }) => key === '__connect.errors.stage')?.value?.toString())
      assert.deepEqual(stages, ['TASK_PUT', 'TASK_PUT', 'TASK_PUT', 'TASK_PUT'])
      const [task] = (await cluster.client.connectorStatus(name)).tasks
      assert.equal(task?.state, 'RUNNING')
      assert.deepEqual([task?.millrace?.ledger.written, task?.millrace?.ledger.dead_lettered, task?.millrace?.ledger.balanced], [196, 4, true])
    })
  }

  it('fail the task with its batch where the sink says nothing, and the reason is told', async (t) => {
    await produce(
      'rejecting-silently',
      values.map((value) => [null, value]),
    )
    await rejectingSink(t, 'rejecting-silently', { 'millrace.errors.put.tolerance': 'all' })
    const task = await untilFailed('rejecting-silently')
    assert.match(task.trace ?? '', /^Which of the \d+ records cannot be written is not known: the sink neither names them .* \[MR-2403\]\n/)
    assert.deepEqual(await topicValues(cluster.bootstrapServers, 'rejecting-silently-dead'), [])
    assert.equal(await committedOffset(cluster.bootstrapServers, 'connect-rejecting-silently', 'rejecting-silently'), 0)
  })

  it('fail the task when there are more of them than the budget allows; nothing is lost then', async (t) => {
    const name = 'rejecting-budget'
    await produce(
      name,
      values.map((value) => [null, value]),
    )
    const file = await rejectingSink(t, name, { says: 'idempotent', 'millrace.errors.put.tolerance': 'all', 'millrace.errors.budget.per.minute': '3' })
    const task = await untilFailed(name)
    assert.match(task.trace ?? '', /^3 records failed within 60 seconds, as many as millrace\.errors\.budget\.per\.minute allows, .* \[MR-2401\]\n/)
    assert.equal(task.millrace?.failure?.class, 'data')
    // It is told as FAILED before what is under way has arrived.
    await waitFor(async () => (await topicValues(cluster.bootstrapServers, `${name}-dead`)).length >= 3, { what: '3 dead letters' })
    assert.deepEqual(await topicValues(cluster.bootstrapServers, `${name}-dead`), bad.slice(0, 3))
    const committed = await committedOffset(cluster.bootstrapServers, `connect-${name}`, name)
    assert.ok(committed <= values.indexOf(bad[3]!), `${committed} is not beyond the record that was one too many`)
    assert.ok(good.slice(0, committed).every((value) => linesOf(file).includes(value) || values.indexOf(value) >= committed))
  })
})

describe('a key in quarantine', () => {
  it('keeps later records back, also after a restart, until a tombstone releases it', async (t) => {
    const name = 'held-back'
    const quarantine = `${name}-dead.quarantine`
    await produce(name, [
      ['a', 'a1'],
      ['b', 'bad b1'],
      ['b', 'b2'],
      ['a', 'a2'],
    ])
    const file = await rejectingSink(t, name, { says: 'idempotent', 'millrace.errors.put.tolerance': 'all', 'millrace.errors.quarantine.enable': 'true' })
    await untilCommitted(name, 4)
    assert.deepEqual(linesOf(file), ['a1', 'a2'])
    await cluster.client.restartConnector(name, { includeTasks: true })
    await produce(name, [
      ['b', 'b3'],
      ['a', 'a3'],
    ])
    await untilCommitted(name, 6)
    assert.deepEqual(linesOf(file), ['a1', 'a2', 'a3'])
    assert.deepEqual(await topicValues(cluster.bootstrapServers, `${name}-dead`), ['bad b1', 'b2', 'b3'])
    const headers = await topicHeaders(cluster.bootstrapServers, `${name}-dead`)
    const since = headers.map((each) => each.find(({ key }) => key === 'millrace.errors.quarantined.since')?.value?.toString() ?? null)
    assert.deepEqual(since, [null, `${name}-0@1`, `${name}-0@1`])

    await produce(quarantine, [[`{"connector":"${name}","topic":"${name}","partition":0,"key":"Yg=="}`, null]])
    await cluster.client.restartConnector(name, { includeTasks: true })
    await produce(name, [['b', 'b4']])
    await untilCommitted(name, 7)
    assert.deepEqual(linesOf(file), ['a1', 'a2', 'a3', 'b4'])
  })
})

describe('a source with a dead-letter topic', () => {
  it('sets records aside that a transformation refuses, as it read them', async (t) => {
    const file = join(folder, 'lines.txt')
    writeFileSync(file, 'one\ntwo\n')
    await cluster.client.createConnector({
      name: 'lines',
      config: {
        'connector.class': 'FileStreamSource',
        file,
        topic: 'lines',
        transforms: 'mask',
        'transforms.mask.type': 'org.apache.kafka.connect.transforms.MaskField$Value',
        'transforms.mask.fields': 'secret',
        'errors.tolerance': 'all',
        'errors.deadletterqueue.topic.name': 'lines-dead',
        'errors.deadletterqueue.topic.replication.factor': '1',
        'errors.deadletterqueue.context.headers.enable': 'true',
        'millrace.errors.source.deadletterqueue.enable': 'true',
      },
    })
    t.after(() => cluster.client.deleteConnector('lines'))
    const ledgerOf = async () => (await cluster.client.connectorStatus('lines')).tasks[0]?.millrace?.ledger
    await waitFor(async () => (await ledgerOf())?.dead_lettered === 2, { what: 'two dead letters', describe: () => cluster.describe('lines') })
    assert.deepEqual(await topicValues(cluster.bootstrapServers, 'lines-dead'), ['one', 'two'])
    const [first] = await topicHeaders(cluster.bootstrapServers, 'lines-dead')
    const texts = Object.fromEntries((first ?? []).map(({ key, value }) => [key.replace('__connect.errors.', ''), value?.toString() ?? null]))
    assert.deepEqual([texts['topic'], texts['stage'], texts['millrace.errors.source.partition']], ['lines', 'TRANSFORMATION', `{"filename":"${file}"}`])
    assert.match(texts['exception.message'] ?? '', /^Only Struct objects supported|^Only Map objects supported/)
    await waitFor(async () => ((await cluster.client.connectorOffsets('lines')).offsets[0]?.offset as { position?: number } | undefined)?.position === 8, {
      what: 'the offset behind both lines',
      describe: () => cluster.describe('lines'),
    })
  })
})
