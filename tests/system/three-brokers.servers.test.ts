import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runKafkaTool } from '../servers/kafka-server.ts'
import { describeThreeBrokers } from './three-brokers.ts'

// A quota that is measured over two seconds, so that little may be sent ahead of it.
const properties = { 'quota.window.num': '2', 'quota.window.size.seconds': '1' }

describeThreeBrokers(
  'against three brokers of Apache Kafka',
  (brokers) => {
    test('200,000 idempotent records with five requests in flight are there once and in order after kill -9 of their leader', async () => {
      const topic = await brokers().newTopic('killed-leader')
      const victim = await brokers().leader(topic)
      await brokers().throughput({ topic, count: 200_000, act: () => brokers().killAndStart(victim, topic) })
    })

    test('100,000 idempotent records are there once and in order after a restart of one broker after the other', async () => {
      const topic = await brokers().newTopic('rolling-restart')
      const act = async () => {
        for (const id of brokers().cluster.ids) {
          await brokers().cluster.stop(id)
          await brokers().cluster.start(id)
          await brokers().inSync(topic)
        }
      }
      await brokers().throughput({ topic, count: 100_000, act })
    })

    test('a leader that is frozen holds up writing and reading until its requests time out, and its return changes nothing', async () => {
      const topic = await brokers().newTopic('frozen-leader')
      const { cluster } = brokers()
      const frozen = await brokers().leader(topic)
      const properties = { 'request.timeout.ms': '4000' }
      const act = async () => {
        cluster.freeze(frozen)
        try {
          await brokers().led(topic, frozen)
        } finally {
          cluster.thaw(frozen)
        }
        await brokers().inSync(topic)
      }
      await brokers().throughput({ topic, count: 100_000, producer: properties, act }, properties)
    })

    test('a client beyond its quota is slowed down, and loses nothing', async () => {
      const topic = await brokers().newTopic('throttled')
      await setQuota(brokers().cluster.bootstrapServers, 'slow', 'producer_byte_rate=200000,consumer_byte_rate=200000')
      const client = { 'client.id': 'slow' }
      const began = performance.now()
      // About half a megabyte.
      await brokers().sendNumbers({ topic, count: 40_000, producer: client, act: async () => undefined })
      const sentMs = performance.now() - began
      await brokers().readNumbers(topic, 40_000, client)
      const readMs = performance.now() - began - sentMs
      assert.ok(sentMs > 1_000, `sent within ${sentMs} ms`)
      assert.ok(readMs > 1_000, `read within ${readMs} ms`)
    })
  },
  properties,
)

async function setQuota(bootstrapServers: string, clientId: string, quota: string): Promise<void> {
  const args = ['--bootstrap-server', bootstrapServers, '--alter', '--entity-type', 'clients', '--entity-name', clientId, '--add-config', quota]
  const { code, output } = await runKafkaTool('kafka.admin.ConfigCommand', args)
  assert.equal(code, 0, output)
}
