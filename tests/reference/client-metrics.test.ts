import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import test from 'node:test'
import { startBroker } from '@millrace/broker'
import { Admin, type ClientMetric, clientMetricNames, Consumer, Producer, silentLogger as logger } from '@millrace/kafka'
import { temporaryFolder, waitFor } from '@millrace/testing'
import { clientMetricsFile, clientMetricsPage } from './client-metrics.ts'

test('docs/reference/client-metrics.md is what the table of client metrics says', () => {
  assert.equal(readFileSync(clientMetricsFile, 'utf8'), clientMetricsPage(), 'run: node scripts/run.mjs tests/reference/client-metrics.ts')
})

test('clients at work have all metrics that the table calls provided, and no others', async (t) => {
  const endings: (() => void | Promise<void>)[] = []
  const broker = await startBroker({ port: 0, dataDir: temporaryFolder({ after: (action) => endings.push(action) }), logger })
  const base = { 'bootstrap.servers': `${broker.host}:${broker.port}`, 'client.id': 'measured' }
  const admin = new Admin(base, { logger })
  const producer = new Producer({ ...base, 'transactional.id': 'measured' }, { logger })
  const consumer = new Consumer({ ...base, 'group.id': 'g', 'auto.offset.reset': 'earliest', 'heartbeat.interval.ms': '20' }, { logger })
  t.after(async () => {
    await Promise.all([admin.close(), producer.close({ timeoutMs: 0 }), consumer.close()])
    await broker.close()
    for (const end of endings) await end()
  })
  await admin.createTopics([{ name: 'measured', partitions: 1, replicationFactor: 1 }])
  await producer.initTransactions()
  producer.beginTransaction()
  for (let i = 0; i < 100; i++) producer.send('measured', 0, Date.now(), null, 'x'.repeat(100), null, null)
  await producer.commitTransaction()
  consumer.subscribe({ topics: ['measured'] }, { revoked: () => undefined, assigned: () => undefined })
  let records = 0
  const isRead = async () => {
    records += (await consumer.poll(20)).count
    return records === 100 && value(consumer.readMetrics(), 'heartbeat-total') > 0
  }
  await waitFor(isRead, { what: 'all records, and a heartbeat', intervalMs: 0 })
  await consumer.commit()

  const read = [...producer.readMetrics(), ...consumer.readMetrics(), ...admin.readMetrics()]
  const provided = clientMetricNames.filter(({ isProvided }) => isProvided)
  const nameOf = (group: string, name: string, tags: readonly string[]) => `${group} ${name} ${tags.filter((tag) => tag !== 'client-id').join(' ')}`.trim()
  assert.deepEqual(
    [...new Set(read.map(({ group, name, tags }) => nameOf(group, name, Object.keys(tags))))].sort(),
    provided.map(({ group, name, tags }) => nameOf(group, name, tags)).sort(),
  )
  assert.ok(read.every(({ tags }) => tags['client-id'] === 'measured'))

  const sent = producer.readMetrics()
  assert.equal(value(sent, 'record-send-total'), 100)
  assert.equal(value(sent, 'record-send-total', { topic: 'measured' }), 100)
  assert.ok(value(sent, 'record-send-rate') > 0)
  assert.ok(value(sent, 'byte-total', { topic: 'measured' }) > 10_000)
  assert.ok(value(sent, 'record-size-avg') > 100 && value(sent, 'record-size-avg') < 130)
  assert.ok(value(sent, 'request-latency-max') >= value(sent, 'request-latency-avg'))
  assert.ok(value(sent, 'txn-commit-time-ns-total') > 0)
  assert.equal(value(sent, 'requests-in-flight'), 0)
  assert.ok(value(sent, 'connection-count') >= 1)
  assert.equal(value(sent, 'buffer-available-bytes'), value(sent, 'buffer-total-bytes'))

  const consumed = consumer.readMetrics()
  assert.equal(value(consumed, 'records-consumed-total'), 100)
  assert.equal(value(consumed, 'records-consumed-total', { topic: 'measured' }), 100)
  assert.ok(value(consumed, 'bytes-consumed-total') > 10_000)
  // The marker of the transaction is behind the last record.
  assert.ok(value(consumed, 'records-lag', { topic: 'measured', partition: '0' }) <= 1)
  assert.equal(value(consumed, 'assigned-partitions'), 1)
  assert.equal(value(consumed, 'rebalance-total'), 1)
  assert.equal(value(consumed, 'last-heartbeat-seconds-ago'), 0)
  assert.ok(value(consumed, 'commit-latency-max') > 0)
  assert.ok(value(consumed, 'fetch-total') > 0)
  assert.ok(value(admin.readMetrics(), 'request-total') > 0)
})

/** The metric with this name and, beside `client-id`, these tags. */
function value(metrics: readonly ClientMetric[], name: string, tags: Readonly<Record<string, string>> = {}): number {
  const wanted = JSON.stringify({ 'client-id': 'measured', ...tags })
  const found = metrics.find((metric) => metric.name === name && JSON.stringify(metric.tags) === wanted)
  assert.ok(found, `${name} ${wanted}`)
  return found.value
}
