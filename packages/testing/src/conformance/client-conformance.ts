import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, it } from 'node:test'
import {
  Admin,
  Consumer,
  type ConsumerRecords,
  type KafkaError,
  OffsetAt,
  Producer,
  partitionForKey,
  type Properties,
  type RebalanceListener,
  type SerializedData,
  silentLogger as logger,
  type TopicPartition,
} from '@millrace/kafka'

/** A record as a consumer has seen it, copied out of the fetch. */
interface SeenRecord {
  readonly partition: number
  readonly offset: number
  readonly timestamp: number
  readonly key: string | null
  readonly value: string | null
  readonly headers: readonly (readonly [string, string | null])[]
}

/** How a record that was sent has ended. */
interface Sent {
  readonly partition: number
  readonly offset: number
}

const DEADLINE_MS = 60_000
const POLL_MS = 250
const TIMESTAMP = 1_767_312_345_678
const NO_LISTENER: RebalanceListener = { revoked: () => undefined, assigned: () => undefined }

/**
 * What the Kafka client does with any broker that speaks Kafka's protocol. Registers tests.
 *
 * @param bootstrap the broker's `host:port`; asked for inside the tests, so that it may start in a `before` hook.
 * @param common properties of all clients, such as those of its security; default none.
 */
export function clientConformance(bootstrap: () => string, common: Properties = {}): void {
  const base = (more: Properties = {}): Properties => ({ 'bootstrap.servers': bootstrap(), ...common, ...more })

  const withAdmin = async <T>(action: (admin: Admin) => Promise<T>): Promise<T> => {
    const admin = new Admin(base(), { logger })
    try {
      return await action(admin)
    } finally {
      await admin.close()
    }
  }

  const newTopic = async (partitions = 1, configs: Readonly<Record<string, string>> = {}): Promise<string> => {
    const name = `conformance-${randomUUID()}`
    const [result] = await withAdmin((admin) => admin.createTopics([{ name, partitions, replicationFactor: 1, configs }]))
    assert.equal(result?.error, null)
    return name
  }

  const withProducer = async <T>(properties: Properties, action: (producer: Producer) => Promise<T>): Promise<T> => {
    const producer = new Producer(base(properties), { logger })
    try {
      return await action(producer)
    } finally {
      await producer.close({ timeoutMs: DEADLINE_MS })
    }
  }

  const withConsumer = async <T>(properties: Properties, action: (consumer: Consumer) => Promise<T>): Promise<T> => {
    const consumer = new Consumer(base({ 'auto.offset.reset': 'earliest', 'enable.auto.commit': 'false', ...properties }), { logger })
    try {
      return await action(consumer)
    } finally {
      await consumer.close()
    }
  }

  const sendNumbered = (topic: string, count: number, properties: Properties = {}, partition: number | null = 0): Promise<readonly Sent[]> =>
    withProducer(properties, (producer) => Promise.all(Array.from({ length: count }, (_, i) => send(producer, topic, { partition, value: `value-${i}` }))))

  const readAll = (topic: string, count: number, properties: Properties = {}, partitions = [0]): Promise<readonly SeenRecord[]> =>
    withConsumer(properties, async (consumer) => {
      consumer.assign(partitions.map((partition) => ({ topic, partition })))
      return await read(consumer, count)
    })

  describe('the producer and the consumer', () => {
    for (const codec of ['none', 'gzip', 'snappy', 'lz4', 'zstd']) {
      it(`carry keys, values, headers, tombstones and timestamps unchanged with compression ${codec}`, async () => {
        const topic = await newTopic()
        const long = 'Grüße, 世界 🌍. '.repeat(5_000)
        const records: readonly { key: SerializedData; value: SerializedData; headers?: { key: string; value: Uint8Array | null }[] }[] = [
          { key: null, value: 'no key' },
          { key: 'key', value: null },
          { key: Buffer.from('bytes'), value: Buffer.from([0, 1, 2, 3]) },
          { key: '', value: '' },
          { key: 'ключ', value: long },
          { key: 'h', value: 'v', headers: [...headers('a', 'one'), ...headers('a', 'two'), { key: 'ä', value: null }] },
        ]
        const sent = await withProducer({ 'compression.type': codec }, (producer) =>
          Promise.all(records.map((record, i) => send(producer, topic, { ...record, timestamp: TIMESTAMP + i * 1_000 - 500 }))),
        )
        assert.deepEqual(
          sent.map(({ offset }) => offset),
          [0, 1, 2, 3, 4, 5],
        )
        const seen = await readAll(topic, records.length)
        assert.deepEqual(
          seen.map(({ key, value }) => [key, value]),
          records.map(({ key, value }) => [text(key), text(value)]),
        )
        assert.deepEqual(
          seen.map(({ timestamp }) => timestamp),
          records.map((_, i) => TIMESTAMP + i * 1_000 - 500),
        )
        assert.deepEqual(seen[5]?.headers, [
          ['a', 'one'],
          ['a', 'two'],
          ['ä', null],
        ])
        assert.deepEqual(seen[0]?.headers, [])
      })
    }

    it('keep the order of many batches in flight', async () => {
      const topic = await newTopic()
      await sendNumbered(topic, 20_000, { 'batch.size': '4096', 'linger.ms': '0' })
      const seen = await readAll(topic, 20_000)
      assert.deepEqual(
        seen.map(({ value }) => value),
        Array.from({ length: 20_000 }, (_, i) => `value-${i}`),
      )
      assert.deepEqual(
        seen.map(({ offset }) => offset),
        seen.map((_, i) => i),
      )
    })

    it('find a key in the same partition as the Java clients', async () => {
      const topic = await newTopic(7)
      for (const key of ['a', 'b', 'hello', 'ключ']) {
        const { partition } = await withProducer({}, (producer) => send(producer, topic, { partition: null, key, value: 'v' }))
        assert.equal(partition, partitionForKey(key, 7), `key "${key}"`)
      }
    })

    it('spread records without a key over the partitions', async () => {
      const topic = await newTopic(3)
      const sent = await sendNumbered(topic, 3_000, { 'batch.size': '1024' }, null)
      assert.equal(new Set(sent.map(({ partition }) => partition)).size, 3)
    })

    it('work without acknowledgement by all', async () => {
      const topic = await newTopic()
      // First with an answer: without one nobody hears that a new partition has no leader yet.
      const [leader] = await sendNumbered(topic, 1, { acks: '1' })
      assert.equal(leader?.offset, 0)
      const [none] = await sendNumbered(topic, 1, { acks: '0' })
      assert.equal(none?.offset, -1)
      await readAll(topic, 2)
    })
  })

  describe('the producer', () => {
    it('splits batches that are too large for the broker, in order', async () => {
      const topic = await newTopic(1, { 'max.message.bytes': '10000' })
      const padding = 'x'.repeat(900)
      const sent = await withProducer({ 'linger.ms': '1000', 'batch.size': '65536' }, async (producer) => {
        const sending = Promise.all(Array.from({ length: 200 }, (_, i) => send(producer, topic, { value: `${i} ${padding}` })))
        await producer.flush()
        assert.ok(producer.metrics.batchesSplit > 0, 'no batch was split')
        return await sending
      })
      assert.deepEqual(
        sent.map(({ offset }) => offset),
        sent.map((_, i) => i),
      )
      const seen = await readAll(topic, 200)
      assert.deepEqual(
        seen.map(({ value }) => Number(value?.split(' ')[0])),
        seen.map((_, i) => i),
      )
    })

    it('fails a record that is too large for the broker alone, and goes on', async () => {
      const topic = await newTopic(1, { 'max.message.bytes': '10000' })
      await withProducer({ 'linger.ms': '1000' }, async (producer) => {
        const sending = Promise.allSettled(['a', 'b'.repeat(20_000), 'c'].map((value) => send(producer, topic, { value })))
        await producer.flush()
        const [first, large, last] = await sending
        assert.equal(first?.status, 'fulfilled')
        assert.equal(last?.status, 'fulfilled')
        assert.equal(large?.status === 'rejected' && (large.reason as KafkaError).code, 'MESSAGE_TOO_LARGE')
      })
      assert.deepEqual(
        (await readAll(topic, 2)).map(({ value }) => value),
        ['a', 'c'],
      )
    })

    it('fails a record beyond max.request.size at once, and a topic name that is none', async () => {
      await withProducer({ 'max.request.size': '1000' }, async (producer) => {
        await assert.rejects(send(producer, 'anything', { value: 'x'.repeat(1_001) }), { code: 'RECORD_TOO_LARGE' })
        await assert.rejects(send(producer, 'not a topic', { value: 'x' }), { code: 'INVALID_TOPIC_EXCEPTION' })
      })
    })

    it('ends every record when it is closed at once', async () => {
      const topic = await newTopic()
      const producer = new Producer(base({ 'linger.ms': '60000', 'delivery.timeout.ms': '120000' }), { logger })
      await producer.partitionsFor(topic)
      const sending = Promise.allSettled(Array.from({ length: 100 }, (_, i) => send(producer, topic, { value: `${i}` })))
      await producer.close({ timeoutMs: 0 })
      for (const result of await sending) assert.equal(result.status === 'rejected' && (result.reason as KafkaError).code, 'CLIENT_CLOSED')
      assert.throws(() => producer.send(topic, 0, 0, null, 'x', null, null), { code: 'CLIENT_CLOSED' })
      assert.equal(producer.metrics.bytesBuffered, 0)
    })

    it('has no room beyond buffer.memory, and room again when records have ended', async () => {
      const topic = await newTopic()
      await withProducer({ 'buffer.memory': '10000', 'linger.ms': '60000', 'delivery.timeout.ms': '120000' }, async (producer) => {
        await producer.partitionsFor(topic)
        while (producer.hasRoom()) producer.send(topic, 0, TIMESTAMP, null, 'x'.repeat(500), null, null)
        assert.throws(() => producer.send(topic, 0, TIMESTAMP, null, 'x', null, null), { code: 'BUFFER_EXHAUSTED' })
        await producer.room()
        assert.ok(producer.hasRoom())
      })
    })
  })

  describe('a consumer with partitions of its own choice', () => {
    it('hands out no more than max.poll.records at once, and everything in the end', async () => {
      const topic = await newTopic()
      await sendNumbered(topic, 1_000)
      await withConsumer({ 'max.poll.records': '70' }, async (consumer) => {
        consumer.assign([{ topic, partition: 0 }])
        const counts: number[] = []
        const seen: SeenRecord[] = []
        await until('1000 records', async () => {
          const records = await consumer.poll(POLL_MS)
          counts.push(records.count)
          seen.push(...copied(records))
          assert.equal(await consumer.position({ topic, partition: 0 }), seen.length)
          return seen.length === 1_000
        })
        assert.equal(Math.max(...counts), 70)
        assert.equal(consumer.lag({ topic, partition: 0 }), 0)
      })
    })

    it('counts what was handed out as consumed, iterated over or not', async () => {
      const topic = await newTopic()
      await sendNumbered(topic, 100)
      await withConsumer({ 'max.poll.records': '30' }, async (consumer) => {
        consumer.assign([{ topic, partition: 0 }])
        const first = await firstRecords(consumer)
        first.partitions[0]?.next()
        const second = copied(await consumer.poll(POLL_MS))
        assert.equal(second[0]?.offset, 30)
      })
    })

    it('seeks, to an offset and to both ends', async () => {
      const topic = await newTopic()
      await sendNumbered(topic, 100)
      await withConsumer({}, async (consumer) => {
        const partition = { topic, partition: 0 }
        consumer.assign([partition])
        await read(consumer, 100)
        consumer.seek({ ...partition, offset: 42 })
        assert.equal(await consumer.position(partition), 42)
        assert.deepEqual(
          (await read(consumer, 58)).map(({ offset }) => offset),
          Array.from({ length: 58 }, (_, i) => 42 + i),
        )
        consumer.seekToBeginning([partition])
        assert.equal(await consumer.position(partition), 0)
        consumer.seekToEnd([partition])
        assert.equal(await consumer.position(partition), 100)
        assert.throws(() => consumer.seek({ topic, partition: 1, offset: 0 }), { code: 'ILLEGAL_STATE' })
        assert.deepEqual(await consumer.endOffsets([partition]), [{ ...partition, offset: 100 }])
        assert.deepEqual(await consumer.beginningOffsets([partition]), [{ ...partition, offset: 0 }])
      })
    })

    it('tells ends in the order asked for', async () => {
      const topic = await newTopic(6)
      for (let partition = 0; partition < 6; partition++) await sendNumbered(topic, partition + 1, {}, partition)
      const asked = [4, 0, 5, 2, 1, 3].map((partition) => ({ topic, partition }))
      await withConsumer({}, async (consumer) => {
        assert.deepEqual(
          await consumer.endOffsets(asked),
          asked.map(({ partition }) => ({ topic, partition, offset: partition + 1 })),
        )
      })
    })

    it('hands out nothing of a paused partition, and all of it once resumed', async () => {
      const topic = await newTopic(2)
      await sendNumbered(topic, 10, {}, 0)
      await sendNumbered(topic, 10, {}, 1)
      await withConsumer({}, async (consumer) => {
        const [one, two] = [
          { topic, partition: 0 },
          { topic, partition: 1 },
        ]
        consumer.assign([one, two])
        consumer.pause([one])
        assert.deepEqual(consumer.paused(), [one])
        assert.ok((await read(consumer, 10)).every(({ partition }) => partition === 1))
        assert.equal((await consumer.poll(POLL_MS)).count, 0)
        consumer.resume([one])
        assert.ok((await read(consumer, 10)).every(({ partition }) => partition === 0))
      })
    })

    it('says that there is no position where no rule gives one', async () => {
      const topic = await newTopic()
      await withConsumer({ 'auto.offset.reset': 'none' }, async (consumer) => {
        consumer.assign([{ topic, partition: 0 }])
        await assert.rejects(
          until('an error', async () => (await consumer.poll(POLL_MS)).count > 0),
          { code: 'NO_OFFSET_FOR_PARTITION' },
        )
      })
    })

    it('goes on at the end its rule names when its offset is out of range', async () => {
      const topic = await newTopic()
      await sendNumbered(topic, 10)
      await withConsumer({}, async (consumer) => {
        consumer.assign([{ topic, partition: 0 }])
        consumer.seek({ topic, partition: 0, offset: 1_000 })
        assert.equal((await read(consumer, 10))[0]?.offset, 0)
      })
    })

    it('reads committed records', async () => {
      const topic = await newTopic()
      await sendNumbered(topic, 100)
      assert.equal((await readAll(topic, 100, { 'isolation.level': 'read_committed' })).length, 100)
    })

    it('returns from a poll when it is woken up or closed', async () => {
      const topic = await newTopic()
      await withConsumer({}, async (consumer) => {
        consumer.assign([{ topic, partition: 0 }])
        const polling = consumer.poll(DEADLINE_MS)
        consumer.wakeup()
        assert.equal((await polling).count, 0)
        const closing = consumer.poll(DEADLINE_MS)
        await consumer.close()
        assert.equal((await closing).count, 0)
        await assert.rejects(consumer.poll(0), { code: 'CLIENT_CLOSED' })
      })
    })
  })

  describe('a consumer group', () => {
    it('goes on where it has committed', async () => {
      const topic = await newTopic()
      await sendNumbered(topic, 100)
      const group = { 'group.id': `group-${randomUUID()}` }
      const partition = { topic, partition: 0 }
      await withConsumer({ ...group, 'max.poll.records': '10' }, async (consumer) => {
        consumer.subscribe({ topics: [topic] }, NO_LISTENER)
        await read(consumer, 30)
        await consumer.commit([{ ...partition, offset: 30, metadata: 'note' }])
        const [committed] = await consumer.committed([partition])
        assert.deepEqual([committed?.offset, committed?.metadata], [30, 'note'])
      })
      await withConsumer(group, async (consumer) => {
        consumer.subscribe({ topics: [topic] }, NO_LISTENER)
        assert.equal((await read(consumer, 70))[0]?.offset, 30)
      })
    })

    it('shares partitions out, and takes them back with revocation awaited', async () => {
      const topic = await newTopic(4)
      const group = { 'group.id': `group-${randomUUID()}`, 'heartbeat.interval.ms': '100' }
      const first = new Events()
      await withConsumer(group, async (one) => {
        one.subscribe({ topics: [topic] }, first.listener)
        await until('the first to have all partitions', async () => (await one.poll(10), one.assignment().length === 4))
        assert.equal(one.groupMetadata()?.groupId, group['group.id'])
        const second = new Events()
        await withConsumer(group, async (two) => {
          two.subscribe({ topics: [topic] }, second.listener)
          await until('both to have two partitions', async () => {
            await Promise.all([one.poll(10), two.poll(10)])
            return one.assignment().length === 2 && two.assignment().length === 2
          })
          assert.deepEqual(first.names, ['assigned 4', 'revoking 4', 'revoked 4', 'assigned 2'])
          assert.deepEqual(second.names, ['assigned 2'])
          const shared = [...one.assignment(), ...two.assignment()].map(({ partition }) => partition)
          assert.deepEqual(shared.sort(), [0, 1, 2, 3])
        })
        await until('the first to have all partitions again', async () => (await one.poll(10), one.assignment().length === 4))
        assert.deepEqual(second.names, ['assigned 2', 'revoking 2', 'revoked 2'])
      })
      assert.equal(first.names.at(-1), 'revoked 4')
    })

    it('finds topics by pattern, also those that come later', async () => {
      const prefix = `pattern-${randomUUID()}`
      await withAdmin((admin) => admin.createTopics([{ name: `${prefix}-a`, partitions: 1, replicationFactor: 1 }]))
      const group = { 'group.id': `group-${randomUUID()}`, 'metadata.max.age.ms': '200', 'heartbeat.interval.ms': '100' }
      await withConsumer(group, async (consumer) => {
        consumer.subscribe({ pattern: new RegExp(`${prefix}-[ab]`) }, NO_LISTENER)
        await until('the first topic', async () => (await consumer.poll(10), consumer.assignment().length === 1))
        await withAdmin((admin) => admin.createTopics([{ name: `${prefix}-b`, partitions: 1, replicationFactor: 1 }, { name: `${prefix}-c` }]))
        await until('the second topic', async () => (await consumer.poll(10), consumer.assignment().length === 2))
      })
    })

    it('commits by itself where it is asked to', async () => {
      const topic = await newTopic()
      await sendNumbered(topic, 10)
      const group = `group-${randomUUID()}`
      await withConsumer({ 'group.id': group, 'enable.auto.commit': 'true' }, async (consumer) => {
        consumer.subscribe({ topics: [topic] }, NO_LISTENER)
        await read(consumer, 10)
      })
      const offsets = await withAdmin((admin) => admin.listConsumerGroupOffsets(group))
      assert.deepEqual(
        offsets.map(({ topic, partition, offset }) => ({ topic, partition, offset })),
        [{ topic, partition: 0, offset: 10 }],
      )
    })

    it('refuses commits of one that is no member', async () => {
      await withConsumer({ 'group.id': `group-${randomUUID()}` }, async (consumer) => {
        consumer.subscribe({ topics: ['any'] }, NO_LISTENER)
        await assert.rejects(consumer.commit([{ topic: 'any', partition: 0, offset: 1 }]), { code: 'COMMIT_FAILED' })
      })
      await withConsumer({}, async (consumer) => {
        await assert.rejects(consumer.committed([{ topic: 'any', partition: 0 }]), { code: 'INVALID_GROUP_ID' })
      })
    })
  })

  describe('the admin client', () => {
    it('creates, lists, describes and deletes topics', async () => {
      await withAdmin(async (admin) => {
        const name = `admin-${randomUUID()}`
        const topic = { name, partitions: 3, replicationFactor: 1, configs: { 'cleanup.policy': 'compact' } }
        assert.deepEqual(await admin.createTopics([topic]), [{ name, error: null }])
        const [again] = await admin.createTopics([topic])
        assert.equal(again?.error?.code, 'TOPIC_ALREADY_EXISTS')
        await until('the topic in the list', async () => (await admin.listTopics()).some((listed) => listed.name === name))
        const [described] = await admin.describeTopics([name])
        assert.equal(described?.partitions.length, 3)
        const [missing] = await admin.describeTopics([`missing-${randomUUID()}`])
        assert.equal(missing?.error?.code, 'UNKNOWN_TOPIC_OR_PARTITION')
        const [configs] = await admin.describeConfigs([{ type: 'topic', name }])
        assert.equal(configs?.entries.find((entry) => entry.name === 'cleanup.policy')?.value, 'compact')
        assert.deepEqual(await admin.deleteTopics([name]), [{ name, error: null }])
        const [gone] = await admin.deleteTopics([name])
        assert.equal(gone?.error?.code, 'UNKNOWN_TOPIC_OR_PARTITION')
      })
    })

    it('finds offsets by time and describes the cluster', async () => {
      const topic = await newTopic()
      await withProducer({}, async (producer) => {
        for (let i = 0; i < 10; i++) await send(producer, topic, { value: 'x', timestamp: TIMESTAMP + i * 1_000 })
      })
      await withAdmin(async (admin) => {
        const at = async (timestamp: number) => (await admin.listOffsets([{ topic, partition: 0, timestamp }]))[0]?.offset
        assert.equal(await at(OffsetAt.earliest), 0)
        assert.equal(await at(OffsetAt.latest), 10)
        assert.equal(await at(TIMESTAMP + 4_500), 5)
        assert.equal(await at(TIMESTAMP + 60_000), -1)
        const { clusterId, brokers, controllerId } = await admin.describeCluster()
        assert.notEqual(clusterId, '')
        assert.ok(brokers.some(({ id }) => id === controllerId))
      })
    })
  })
}

/** Sends one record; resolves or rejects with how it ends. */
function send(
  producer: Producer,
  topic: string,
  record: {
    readonly partition?: number | null
    readonly key?: SerializedData
    readonly value: SerializedData
    readonly timestamp?: number
    readonly headers?: readonly { readonly key: string; readonly value: Uint8Array | null }[]
  },
): Promise<Sent> {
  const { partition = 0, key = null, value, timestamp = TIMESTAMP, headers = null } = record
  return new Promise((resolve, reject) => {
    producer.send(topic, partition, timestamp, key, value, headers, {
      acknowledged: (_topic, partition, offset) => resolve({ partition, offset }),
      failed: reject,
    })
  })
}

async function read(consumer: Consumer, count: number): Promise<readonly SeenRecord[]> {
  const seen: SeenRecord[] = []
  await until(`${count} records`, async () => {
    seen.push(...copied(await consumer.poll(POLL_MS)))
    return seen.length >= count
  })
  assert.equal(seen.length, count)
  return seen
}

async function firstRecords(consumer: Consumer): Promise<ConsumerRecords> {
  for (const deadline = performance.now() + DEADLINE_MS; performance.now() < deadline; ) {
    const records = await consumer.poll(POLL_MS)
    if (records.count > 0) return records
  }
  throw new Error(`No records within ${DEADLINE_MS} ms.`)
}

/** Acts again and again until that gives true. */
async function until(what: string, act: () => Promise<boolean>): Promise<void> {
  for (const deadline = performance.now() + DEADLINE_MS; performance.now() < deadline; ) if (await act()) return
  throw new Error(`Still waiting for ${what} after ${DEADLINE_MS} ms.`)
}

function copied({ partitions }: ConsumerRecords): SeenRecord[] {
  const seen: SeenRecord[] = []
  for (const records of partitions) {
    while (records.next()) {
      const { partition, offset, timestamp, buffer, keyStart, keyEnd, valueStart, valueEnd } = records
      const key = keyStart < 0 ? null : buffer.toString('utf8', keyStart, keyEnd)
      const value = valueStart < 0 ? null : buffer.toString('utf8', valueStart, valueEnd)
      const headers = (records.headers() ?? []).map(({ key, value }) => [key, value?.toString() ?? null] as const)
      seen.push({ partition, offset, timestamp, key, value, headers })
    }
  }
  return seen
}

function headers(key: string, value: string): { key: string; value: Uint8Array }[] {
  return [{ key, value: Buffer.from(value) }]
}

function text(data: SerializedData): string | null {
  return data === null || typeof data === 'string' ? data : Buffer.from(data).toString()
}

/** A listener that takes its time with revocations and notes what it is told. */
class Events {
  readonly names: string[] = []
  readonly listener: RebalanceListener = {
    revoked: async (partitions: readonly TopicPartition[]) => {
      this.names.push(`revoking ${partitions.length}`)
      await new Promise((resolve) => setTimeout(resolve, 20))
      this.names.push(`revoked ${partitions.length}`)
    },
    assigned: (partitions) => {
      this.names.push(`assigned ${partitions.length}`)
    },
  }
}
