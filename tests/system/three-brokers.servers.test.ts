import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Producer, silentLogger } from '@millrace/kafka'
import { waitFor } from '@millrace/testing'
import { runKafkaTool } from '../servers/kafka-server.ts'
import { describeThreeBrokers } from './three-brokers.ts'

// A quota that is measured over two seconds, so that little may be sent ahead of it.
const quota = { 'quota.window.num': '2', 'quota.window.size.seconds': '1' }
const racks = { 'replica.selector.class': 'org.apache.kafka.common.replica.RackAwareReplicaSelector' }

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

    test('a consumer reads from the replica in its rack, and from the leader again when that is gone', async () => {
      const topic = await brokers().newTopic('racks')
      const { cluster } = brokers()
      const leader = await brokers().leader(topic)
      const near = cluster.ids.find((id) => id !== leader)!
      await brokers().sendNumbers({ topic, count: 10_000, act: async () => undefined })
      const lines: string[] = []
      const noted = { ...silentLogger, debug: (line: string) => lines.push(line) }
      const reading = brokers().readNumbers(topic, 20_000, { 'client.rack': `rack-${near}` }, noted)
      await waitFor(() => lines.includes(`${topic}-0 is read from the replica at broker ${near}.`), { what: 'the replica to be read', describe: () => lines })
      await cluster.killAtOnce(near)
      const producer = new Producer(brokers().at({ 'linger.ms': '1' }), { logger: silentLogger })
      for (let index = 10_000; index < 20_000; index++) producer.send(topic, 0, Date.now(), null, `${index}`, null, null)
      await producer.close()
      await reading
      await cluster.start(near)
    })
  },
  { ...quota, ...racks },
)

async function setQuota(bootstrapServers: string, clientId: string, quota: string): Promise<void> {
  const args = ['--bootstrap-server', bootstrapServers, '--alter', '--entity-type', 'clients', '--entity-name', clientId, '--add-config', quota]
  const { code, output } = await runKafkaTool('kafka.admin.ConfigCommand', args)
  assert.equal(code, 0, output)
}
