import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Admin, Producer, silentLogger as logger } from '@millrace/kafka'
import { startEmbeddedCluster, temporaryFolder, waitFor } from '@millrace/testing'

/** A sink that notes in a file which partitions it opens and closes, and which records it gets. */
const CODE = `
import { appendFileSync } from 'node:fs'
import { ConfigDef } from '@millrace/api'

export class NotingSinkConnector {
  config() { return new ConfigDef().define('file', { type: 'STRING', importance: 'HIGH', documentation: 'Where to.' }) }
  start(properties) { this.properties = properties }
  taskClass() { return NotingSinkTask }
  taskConfigs() { return [this.properties] }
  stop() {}
}

export class NotingSinkTask {
  start({ file }) { this.note = (event, items) => appendFileSync(file, event + ' ' + items.join(' ') + '\\n') }
  open(partitions) { this.note('open', partitions.map(({ partition }) => partition).sort()) }
  close(partitions) { this.note('close', partitions.map(({ partition }) => partition).sort()) }
  put(records) { if (records.length > 0) this.note('put', records.map(({ value }) => value)) }
  stop() {}
}
`

const TOPIC = 'numbers'
const PARTITIONS = 6

test('a sink that cooperates keeps its partitions through a rebalance, and gets each record once', async (t) => {
  const folder = temporaryFolder(t)
  const plugin = join(folder, 'plugins', 'noting')
  mkdirSync(join(plugin, 'node_modules', '@millrace'), { recursive: true })
  symlinkSync(join(import.meta.dirname, '..', '..', 'packages', 'api'), join(plugin, 'node_modules', '@millrace', 'api'))
  writeFileSync(join(plugin, 'index.js'), CODE)
  writeFileSync(
    join(plugin, 'package.json'),
    JSON.stringify({
      name: 'noting',
      version: '1.0.0',
      type: 'module',
      millrace: { api: '^0.1.0', plugins: [{ kind: 'sink', names: ['test.NotingSinkConnector'], export: 'NotingSinkConnector', module: './index.js' }] },
    }),
  )
  const cluster = await startEmbeddedCluster({ folder: join(folder, 'cluster'), plugins: [], workerProperties: { 'plugin.path': join(folder, 'plugins') } })
  const base = { 'bootstrap.servers': cluster.bootstrapServers }
  const producer = new Producer({ ...base, 'linger.ms': '0' }, { logger })
  let sending: NodeJS.Timeout | undefined
  t.after(async () => {
    clearInterval(sending)
    await producer.close({ timeoutMs: 0 })
    await cluster.close()
  })
  const admin = new Admin(base, { logger })
  await admin.createTopics([{ name: TOPIC, partitions: PARTITIONS, replicationFactor: 1 }])
  await admin.close()

  const fileOf = (name: string) => join(folder, `${name}.txt`)
  const events = (name: string, wanted: string) => {
    const lines = readFileSync(fileOf(name), { encoding: 'utf8', flag: 'a+' }).split('\n')
    return lines.filter((line) => line.startsWith(`${wanted} `)).map((line) => line.slice(wanted.length + 1))
  }
  const create = async (name: string) => {
    const config = {
      'connector.class': 'test.NotingSinkConnector',
      topics: TOPIC,
      file: fileOf(name),
      'consumer.override.group.id': 'cooperating',
      'consumer.override.partition.assignment.strategy': 'org.apache.kafka.clients.consumer.CooperativeStickyAssignor',
      'consumer.override.heartbeat.interval.ms': '100',
    }
    await cluster.client.createConnector({ name, config })
    await waitFor(() => events(name, 'open').length > 0, { what: `"${name}" to have partitions`, describe: () => cluster.describe(name) })
  }

  let sent = 0
  sending = setInterval(() => producer.send(TOPIC, sent % PARTITIONS, Date.now(), null, `${sent++}`, null, null), 2)

  await create('first')
  await create('second')
  // What moved was closed before it was opened elsewhere, and nothing else was.
  assert.deepEqual(events('first', 'open'), ['0 1 2 3 4 5'])
  assert.deepEqual(events('first', 'close'), ['3 4 5'])
  assert.deepEqual(events('second', 'open'), ['3 4 5'])

  await cluster.client.deleteConnector('second')
  await waitFor(() => events('first', 'open').length === 2, { what: 'the partitions to come back', describe: () => cluster.describe('first') })
  assert.deepEqual(events('first', 'open')[1], '3 4 5')
  assert.equal(events('first', 'close').length, 1)

  clearInterval(sending)
  await producer.close()
  const got = () => ['first', 'second'].flatMap((name) => events(name, 'put').flatMap((values) => values.split(' ').map(Number)))
  await waitFor(() => got().length >= sent, { what: `${sent} records`, describe: () => got().length })
  assert.deepEqual(
    got().sort((a, b) => a - b),
    Array.from({ length: sent }, (_, i) => i),
  )
})
