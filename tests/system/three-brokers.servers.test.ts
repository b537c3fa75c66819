import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { Admin, Consumer, Producer, silentLogger as logger } from '@millrace/kafka'
import { temporaryFolder, waitFor } from '@millrace/testing'
import { type KafkaCluster, startKafkaCluster } from '../servers/kafka-cluster.ts'
import { skipWithoutPeer } from '../servers/peer.ts'

describe('against three brokers of Apache Kafka', { skip: skipWithoutPeer() }, () => {
  const endings: (() => void | Promise<void>)[] = []
  let cluster: KafkaCluster

  before(async () => {
    cluster = await startKafkaCluster({ folder: temporaryFolder({ after: (action) => endings.push(action) }) })
  })
  after(async () => {
    await cluster?.close()
    for (const end of endings.reverse()) await end()
  })

  const at = (properties: Readonly<Record<string, string>> = {}) => ({ 'bootstrap.servers': cluster.bootstrapServers, ...properties })

  async function withAdmin<T>(action: (admin: Admin) => Promise<T>): Promise<T> {
    const admin = new Admin(at(), { logger })
    try {
      return await action(admin)
    } finally {
      await admin.close()
    }
  }

  async function newTopic(name: string): Promise<string> {
    const [result] = await withAdmin((admin) => admin.createTopics([{ name, partitions: 1, replicationFactor: 3 }]))
    assert.equal(result?.error, null)
    return name
  }

  async function leader(topic: string, partition = 0): Promise<number> {
    const [described] = await withAdmin((admin) => admin.describeTopics([topic]))
    return described?.partitions[partition]?.leader ?? -1
  }

  const inSync = (topic: string) =>
    waitFor(
      async () => {
        const [described] = await withAdmin((admin) => admin.describeTopics([topic]))
        return described?.partitions.every(({ inSyncReplicas, leader }) => leader > 0 && inSyncReplicas.length === 3)
      },
      { what: `all replicas of ${topic} to be in sync`, deadlineMs: 60_000, intervalMs: 200 },
    )

  /** Sends 0, 1, … and acts when so many have been sent. All have to be acknowledged, in order. */
  async function sendNumbers(topic: string, count: number, actAt: number, act: () => Promise<void>): Promise<void> {
    const producer = new Producer(at({ 'max.in.flight.requests.per.connection': '5', 'batch.size': '4000', 'linger.ms': '1' }), { logger })
    const failures: string[] = []
    let next = 0
    const noted = (index: number) => {
      if (index !== next++) failures.push(`${index} ended out of order`)
    }
    let acting: Promise<void> | null = null
    let isActing = true
    try {
      for (let index = 0; index < count; index++) {
        if (!producer.hasRoom()) await producer.room()
        producer.send(topic, 0, 1, null, `${index}`, null, {
          acknowledged: () => noted(index),
          failed: (error) => failures.push(`${index}: ${error.code} ${error.message}`),
        })
        if (index === actAt) acting = act().finally(() => (isActing = false))
        // Slower while something happens, so that there is something to send until it is over.
        if (index % 100 === 99) await new Promise((resolve) => setImmediate(resolve))
        if (acting !== null && isActing && index % 500 === 0) await delay(100)
      }
      await acting
      await producer.flush()
      assert.deepEqual(failures.slice(0, 5), [])
      assert.equal(next, count)
    } finally {
      await acting?.catch(() => undefined)
      await producer.close({ timeoutMs: 0 })
    }
  }

  async function assertHoldsNumbers(topic: string, count: number): Promise<void> {
    const consumer = new Consumer(at({ 'auto.offset.reset': 'earliest', 'enable.auto.commit': 'false', 'max.poll.records': '10000' }), { logger })
    try {
      consumer.assign([{ topic, partition: 0 }])
      const [end] = await consumer.endOffsets([{ topic, partition: 0 }])
      assert.equal(end?.offset, count, 'as many records are in the topic as were sent')
      let next = 0
      const read = async () => {
        for (const records of (await consumer.poll(200)).partitions) {
          while (records.next()) assert.equal(records.buffer.toString('utf8', records.valueStart, records.valueEnd), `${next++}`)
        }
        return next === count
      }
      await waitFor(read, { what: `${count} records in order`, intervalMs: 0, deadlineMs: 60_000, describe: () => next })
    } finally {
      await consumer.close()
    }
  }

  test('200,000 idempotent records with five requests in flight are there once and in order after kill -9 of their leader', async () => {
    const topic = await newTopic('killed-leader')
    await inSync(topic)
    const victim = await leader(topic)
    await sendNumbers(topic, 200_000, 60_000, async () => {
      await cluster.killAtOnce(victim)
      await waitFor(async () => ![victim, -1].includes(await leader(topic)), { what: 'another leader', deadlineMs: 60_000, intervalMs: 100 })
      await cluster.start(victim)
    })
    await inSync(topic)
    await assertHoldsNumbers(topic, 200_000)
  })

  test('100,000 idempotent records are there once and in order after a restart of one broker after the other', async () => {
    const topic = await newTopic('rolling-restart')
    await inSync(topic)
    await sendNumbers(topic, 100_000, 10_000, async () => {
      for (const id of cluster.ids) {
        await cluster.stop(id)
        await cluster.start(id)
        await inSync(topic)
      }
    })
    await assertHoldsNumbers(topic, 100_000)
  })
})
