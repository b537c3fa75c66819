import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { startBroker } from '@millrace/broker'
import { temporaryFolder, waitFor } from '@millrace/testing'
import { Admin } from '../admin/admin.ts'
import type { Properties } from '../config/client-properties.ts'
import { Consumer } from '../consumer/consumer.ts'
import { silentLogger as logger } from '../logger.ts'
import { Producer } from '../producer/producer.ts'

/* Members that keep their place in the group while they are away (KIP-345). */

const TOPIC = 'static'

async function bench(t: TestContext): Promise<{ member: (instance: string, more?: Properties) => Member; producer: (id: string) => Producer }> {
  const endings: (() => void | Promise<void>)[] = []
  const broker = await startBroker({ port: 0, dataDir: temporaryFolder({ after: (action) => endings.push(action) }), logger })
  t.after(async () => {
    await broker.close()
    for (const end of endings) await end()
  })
  const at = { 'bootstrap.servers': `${broker.host}:${broker.port}`, 'retry.backoff.ms': '5' }
  const admin = new Admin(at, { logger })
  await admin.createTopics([{ name: TOPIC, partitions: 4, replicationFactor: 1 }])
  await admin.close()
  return {
    member: (instance, more = {}) => {
      const properties = { 'group.id': 'g', 'group.instance.id': instance, 'enable.auto.commit': 'false', 'heartbeat.interval.ms': '20' }
      const member = new Member({ ...at, ...properties, ...more })
      t.after(() => member.consumer.close({ timeoutMs: 0 }))
      return member
    },
    producer: (id) => {
      const producer = new Producer({ ...at, 'transactional.id': id }, { logger })
      t.after(() => producer.close({ timeoutMs: 0 }))
      return producer
    },
  }
}

class Member {
  readonly consumer: Consumer
  readonly events: string[] = []

  constructor(properties: Properties) {
    this.consumer = new Consumer(properties, { logger })
    const noted = (event: string) => () => void this.events.push(event)
    this.consumer.subscribe({ topics: [TOPIC] }, { assigned: noted('assigned'), revoked: noted('revoked'), lost: noted('lost') })
  }

  async poll(): Promise<void> {
    await this.consumer.poll(5)
  }

  get partitions(): number[] {
    return this.consumer
      .assignment()
      .map(({ partition }) => partition)
      .sort()
  }
}

/** Polls all until each of two has half of the partitions. */
async function shared(...members: readonly [Member, Member]): Promise<void> {
  const done = async () => {
    for (const member of members) await member.poll()
    return members.every(({ partitions }) => partitions.length === 2)
  }
  await waitFor(done, { what: 'two partitions each', intervalMs: 0, describe: () => members.map(({ partitions }) => partitions) })
}

test('a static member that comes back has its partitions again, and the others do not notice', async (t) => {
  const { member } = await bench(t)
  const [a, b] = [member('a'), member('b')]
  await shared(a, b)
  const { partitions } = b
  const generation = a.consumer.groupMetadata()!.generation
  assert.equal(b.consumer.groupMetadata()?.groupInstanceId, 'b')
  await b.consumer.commit(partitions.map((partition) => ({ topic: TOPIC, partition, offset: 0, metadata: 'before' })))
  await b.consumer.close()
  const events = [...a.events]
  const again = member('b')
  await shared(a, again)
  assert.deepEqual(again.partitions, partitions)
  assert.deepEqual(a.events, events)
  assert.equal(a.consumer.groupMetadata()!.generation, generation)
  const committed = await again.consumer.committed(partitions.map((partition) => ({ topic: TOPIC, partition })))
  assert.deepEqual([...new Set(committed.map(({ metadata }) => metadata))], ['before'])
})

test('of two with the same instance id the earlier is fenced: it can neither poll nor commit any more', async (t) => {
  const { member } = await bench(t)
  const earlier = member('a')
  await waitFor(async () => (await earlier.poll(), earlier.partitions.length === 4), { what: 'an assignment', intervalMs: 0 })
  const later = member('a')
  await waitFor(async () => (await later.poll(), later.partitions.length === 4), { what: 'an assignment', intervalMs: 0 })
  await assert.rejects(earlier.consumer.commit([{ topic: TOPIC, partition: 0, offset: 0 }]), { code: 'FENCED_INSTANCE_ID' })
  const polls = async () => {
    for (;;) await earlier.poll()
  }
  await assert.rejects(polls(), { code: 'FENCED_INSTANCE_ID' })
  await later.consumer.commit([{ topic: TOPIC, partition: 0, offset: 0 }])
})

test('a fenced member cannot commit its offsets in a transaction either', async (t) => {
  const { member, producer } = await bench(t)
  const earlier = member('a')
  await waitFor(async () => (await earlier.poll(), earlier.partitions.length === 4), { what: 'an assignment', intervalMs: 0 })
  const group = earlier.consumer.groupMetadata()!
  const sender = producer('t')
  await sender.initTransactions()
  sender.beginTransaction()
  await sender.sendOffsetsToTransaction([{ topic: TOPIC, partition: 0, offset: 1 }], group)
  await sender.commitTransaction()
  const later = member('a')
  await waitFor(async () => (await later.poll(), later.partitions.length === 4), { what: 'an assignment', intervalMs: 0 })
  sender.beginTransaction()
  await assert.rejects(sender.sendOffsetsToTransaction([{ topic: TOPIC, partition: 0, offset: 2 }], group), { code: 'FENCED_INSTANCE_ID' })
  await sender.abortTransaction()
  assert.equal((await later.consumer.committed([{ topic: TOPIC, partition: 0 }]))[0]?.offset, 1)
})
