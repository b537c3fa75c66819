import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Consumer, type ConsumerRecords, isKafkaError, silentLogger as logger } from '@millrace/kafka'
import { describeThreeBrokers, type ThreeBrokers } from './three-brokers.ts'

const COUNT = 200_000

describeThreeBrokers('against three brokers of Apache Kafka that coordinate', (brokers) => {
  test('200,000 idempotent records in transactions are read once and in order after kill -9 of their coordinator', async () => {
    const topic = await brokers().newTopic('killed-transaction-coordinator')
    const act = async () => {
      const victim = await brokers().coordinator('__transaction_state', 'numbers')
      await brokers().killAndStart(victim, topic)
    }
    const sent = { topic, count: COUNT, producer: { 'transactional.id': 'numbers' }, perTransaction: 2_000, act }
    await brokers().throughput(sent, { 'isolation.level': 'read_committed' })
  })

  test('a group reads 200,000 idempotent records without a gap and keeps its offsets after kill -9 of its coordinator', async () => {
    const topic = await brokers().newTopic('killed-group-coordinator')
    const reading = groupReader(brokers(), topic)
    const act = async () => {
      const victim = await brokers().coordinator('__consumer_offsets', topic)
      await brokers().killAndStart(victim, topic)
    }
    await Promise.all([brokers().sendNumbers({ topic, count: COUNT, act }), reading])
    const offsets = await brokers().withAdmin((admin) => admin.listConsumerGroupOffsets(topic))
    assert.deepEqual(
      offsets.map(({ offset }) => offset),
      [COUNT],
    )
  })

  test('the death of the controller holds up neither records nor, for long, the making of topics', async () => {
    const topic = await brokers().newTopic('killed-controller')
    const act = async () => {
      const victim = await brokers().controller()
      await brokers().cluster.killAtOnce(victim)
      const [made] = await brokers().withAdmin((admin) => admin.createTopics([{ name: 'made-meanwhile', partitions: 1, replicationFactor: 2 }]))
      assert.equal(made?.error, null)
      assert.notEqual(await brokers().controller(), victim)
      await brokers().cluster.start(victim)
    }
    await brokers().throughput({ topic, count: 100_000, act })
  })
})

/** Reads all numbers as the only member of a group named like the topic, and commits after each poll. */
async function groupReader(brokers: ThreeBrokers, topic: string): Promise<void> {
  const properties = { 'group.id': topic, 'auto.offset.reset': 'earliest', 'enable.auto.commit': 'false', 'max.poll.records': '5000' }
  const consumer = new Consumer(brokers.at(properties), { logger })
  const place = { topic, partition: 0 }
  let next = 0
  let committed = 0
  consumer.subscribe(
    { topics: [topic] },
    {
      revoked() {},
      async assigned() {
        // Put out of the group meanwhile, it goes on where it had committed last, which it knows unless the answer was lost.
        const position = await consumer.position(place)
        assert.ok(position >= committed && position <= next, `goes on at ${position}; committed ${committed}, read ${next}`)
        next = position
      },
    },
  )
  try {
    let committedAt = performance.now()
    while (committed < COUNT) {
      next = follow(await consumer.poll(200), next)
      const before = committed
      if (next > committed) committed = await commit(consumer, next, committed)
      if (committed > before) committedAt = performance.now()
      else if (performance.now() - committedAt > 90_000) assert.fail(`nothing more was read after ${next} of ${COUNT} numbers, ${committed} committed`)
    }
  } finally {
    await consumer.close({ timeoutMs: 5_000 })
  }
}

function follow({ partitions }: ConsumerRecords, expected: number): number {
  let next = expected
  for (const records of partitions) {
    while (records.next()) {
      assert.equal(records.offset, next)
      assert.equal(records.buffer.toString('utf8', records.valueStart, records.valueEnd), `${next++}`)
    }
  }
  return next
}

/** What is committed now. A member that was put out of its group has to join again first. */
async function commit(consumer: Consumer, next: number, before: number): Promise<number> {
  try {
    await consumer.commit()
    return next
  } catch (error) {
    assert.ok(isKafkaError(error) && ['COMMIT_FAILED', 'REBALANCE_IN_PROGRESS'].includes(error.code), String(error))
    return before
  }
}
