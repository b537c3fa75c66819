import assert from 'node:assert/strict'
import test from 'node:test'
import type { Properties } from '@millrace/api'
import { sinkConsumerProperties, sourceProducerProperties, topicAdminProperties } from './client-properties.ts'

const id = { connector: 'orders', task: 2 }
const settings = (workerProperties: Properties = {}, connectorConfig: Properties = {}) => ({
  bootstrapServers: 'kafka:9092',
  workerProperties,
  connectorConfig,
})

test('producers take the worker’s producer keys, then the connector’s overrides, and nothing else of the worker', () => {
  const properties = sourceProducerProperties(
    settings({ 'producer.linger.ms': '5', 'producer.batch.size': '1', 'security.protocol': 'SSL' }, { 'producer.override.linger.ms': '7' }),
    id,
  )
  assert.equal(properties['bootstrap.servers'], 'kafka:9092')
  assert.equal(properties['client.id'], 'connector-producer-orders-2')
  assert.equal(properties['linger.ms'], '7')
  assert.equal(properties['batch.size'], '1')
  assert.equal(properties['delivery.timeout.ms'], '2147483647')
  assert.equal(properties['max.block.ms'], '9223372036854775807')
  assert.equal(properties['security.protocol'], undefined)
})

const idempotence: readonly (readonly [Properties, string | undefined, string | undefined, string | undefined])[] = [
  [{}, 'true', 'all', '5'],
  [{ acks: '1' }, 'false', '1', '1'],
  [{ acks: '-1' }, 'true', '-1', '5'],
  [{ 'enable.idempotence': 'false' }, 'false', 'all', '1'],
  [{ 'enable.idempotence': 'true' }, 'true', undefined, undefined],
  [{ 'max.in.flight.requests.per.connection': '1' }, 'true', 'all', '1'],
  [{ 'max.in.flight.requests.per.connection': '6' }, 'false', 'all', '6'],
  [{ retries: '0' }, 'false', 'all', '1'],
]

for (const [written, enabled, acks, inFlight] of idempotence) {
  test(`idempotence where ${JSON.stringify(written)} is written`, () => {
    const overrides = Object.fromEntries(Object.entries(written).map(([key, value]) => [`producer.override.${key}`, value]))
    const properties = sourceProducerProperties(settings({}, overrides), id)
    assert.deepEqual([properties['enable.idempotence'], properties['acks'], properties['max.in.flight.requests.per.connection']], [enabled, acks, inFlight])
  })
}

test('consumers are members of the connector’s group and commit by hand', () => {
  const properties = sinkConsumerProperties(settings({ 'consumer.max.poll.records': '10' }, { 'consumer.override.group.id': 'mine' }), id)
  assert.deepEqual(properties, {
    'bootstrap.servers': 'kafka:9092',
    'client.id': 'connector-consumer-orders-2',
    'group.id': 'mine',
    'enable.auto.commit': 'false',
    'auto.offset.reset': 'earliest',
    'max.poll.records': '10',
  })
  assert.equal(sinkConsumerProperties(settings(), id)['group.id'], 'connect-orders')
})

test('admin clients take all of the worker’s settings that belong to no other client', () => {
  const properties = topicAdminProperties(
    settings({ 'security.protocol': 'SSL', 'producer.acks': '1', 'admin.retries': '3' }, { 'admin.override.retries': '4' }),
    id,
  )
  assert.deepEqual(properties, {
    'security.protocol': 'SSL',
    'bootstrap.servers': 'kafka:9092',
    'client.id': 'connector-adminclient-orders-2',
    retries: '4',
  })
})
