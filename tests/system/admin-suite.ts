import assert from 'node:assert/strict'
import { after, before, describe, test, type TestContext } from 'node:test'
import { Admin, Consumer, OffsetAt, Producer, type Properties, silentLogger as logger, type TopicPartition } from '@millrace/kafka'
import { waitFor } from '@millrace/testing'

/** A broker that the suite administers. */
export interface AdministeredBroker {
  readonly name: string
  /** Starts it; what it gives ends it. */
  start(): Promise<{ readonly bootstrapServers: string; stop(): Promise<unknown> }>
}

/** What the admin client does with any broker. Registers tests. */
export function adminSuite(under: AdministeredBroker, { skip }: { readonly skip: string | false }): void {
  describe(`the admin client and ${under.name}`, { skip }, () => {
    let broker: { readonly bootstrapServers: string; stop(): Promise<unknown> }
    let admin: Admin
    let made = 0

    before(async () => {
      broker = await under.start()
      admin = new Admin(at(), { logger })
    })
    after(async () => {
      await admin?.close()
      await broker?.stop()
    })

    const at = (properties: Properties = {}): Properties => ({ 'bootstrap.servers': broker.bootstrapServers, ...properties })

    async function newTopic(partitions = 1): Promise<string> {
      const name = `administered-${++made}`
      const [result] = await admin.createTopics([{ name, partitions, replicationFactor: 1 }])
      assert.equal(result?.error, null)
      await waitFor(async () => (await admin.describeTopics([name]))[0]?.partitions.length === partitions, { what: `${name} to be known` })
      return name
    }

    async function send(topic: string, count: number, partition = 0): Promise<void> {
      const producer = new Producer(at(), { logger })
      for (let i = 0; i < count; i++) producer.send(topic, partition, Date.now(), null, `${i}`, null, null)
      await producer.flush()
      await producer.close()
    }

    /** A member of a group that goes on polling until the test ends. */
    async function member(t: TestContext, group: string, topic: string, properties: Properties = {}): Promise<Consumer> {
      const consumer = new Consumer(at({ 'group.id': group, 'auto.offset.reset': 'earliest', 'heartbeat.interval.ms': '100', ...properties }), { logger })
      consumer.subscribe({ topics: [topic] }, { revoked: () => undefined, assigned: () => undefined })
      let isEnding = false
      const poll = async () => {
        while (!isEnding) await consumer.poll(50)
      }
      const polling = poll()
      t.after(async () => {
        isEnding = true
        await polling
        await consumer.close()
      })
      await waitFor(() => consumer.assignment().length > 0, { what: `a member of ${group} to have partitions` })
      return consumer
    }

    const codes = (outcomes: readonly { readonly error: { readonly code: string } | null }[]) => outcomes.map(({ error }) => error?.code ?? null)

    test('each topic has its own outcome', async () => {
      const existing = await newTopic()
      const created = await admin.createTopics([
        { name: existing, partitions: 1, replicationFactor: 1 },
        { name: `${existing}-b`, partitions: 2, replicationFactor: 1, configs: { 'retention.ms': '1234' } },
        { name: 'wrong name!', partitions: 1, replicationFactor: 1 },
        { name: `${existing}-c`, partitions: 1, replicationFactor: 1, configs: { 'no.such.setting': '1' } },
        { name: `${existing}-d`, assignments: [[1], [1], [1]] },
      ])
      assert.deepEqual(codes(created), ['TOPIC_ALREADY_EXISTS', null, 'INVALID_TOPIC_EXCEPTION', 'INVALID_CONFIG', null])
      assert.match(created[0]!.error!.message, new RegExp(existing))
      const describe = () => admin.describeTopics([`${existing}-b`, `${existing}-c`, `${existing}-d`])
      const isKnown = async () => codes(await describe()).filter((code) => code === null).length === 2
      await waitFor(isKnown, { what: 'the topics to be known' })
      const described = await describe()
      assert.deepEqual(codes(described), [null, 'UNKNOWN_TOPIC_OR_PARTITION', null])
      assert.deepEqual(
        described.map(({ partitions }) => partitions.length),
        [2, 0, 3],
      )
      assert.match(described[1]!.error!.message, new RegExp(`${existing}-c`))
      const listed = (await admin.listTopics()).map(({ name }) => name)
      assert.ok(listed.includes(existing) && listed.includes(`${existing}-b`) && !listed.includes(`${existing}-c`))
      assert.deepEqual(codes(await admin.deleteTopics([`${existing}-b`, `${existing}-c`])), [null, 'UNKNOWN_TOPIC_OR_PARTITION'])
    })

    test('what is only validated is not done', async () => {
      const name = `validated-${++made}`
      assert.deepEqual(codes(await admin.createTopics([{ name, partitions: 1, replicationFactor: 1 }], { validateOnly: true })), [null])
      const topic = await newTopic()
      assert.deepEqual(codes(await admin.createPartitions([{ name: topic, count: 5 }], { validateOnly: true })), [null])
      const [missing, unchanged] = await admin.describeTopics([name, topic])
      assert.equal(missing?.error?.code, 'UNKNOWN_TOPIC_OR_PARTITION')
      assert.equal(unchanged?.partitions.length, 1)
    })

    test('partitions are added, never taken away', async () => {
      const topic = await newTopic(2)
      const results = await admin.createPartitions([
        { name: topic, count: 4 },
        { name: `${topic}-missing`, count: 4 },
      ])
      assert.deepEqual(codes(results), [null, 'UNKNOWN_TOPIC_OR_PARTITION'])
      assert.deepEqual(codes(await admin.createPartitions([{ name: topic, count: 3 }])), ['INVALID_PARTITIONS'])
      await waitFor(async () => (await admin.describeTopics([topic]))[0]?.partitions.length === 4, { what: 'four partitions' })
    })

    test('single settings are set, removed, and put to lists', async () => {
      const topic = await newTopic()
      const read = async (setting: string) => {
        const [description] = await admin.describeConfigs([{ type: 'topic', name: topic }])
        return description?.entries.find(({ name }) => name === setting)
      }
      const change = (configs: Parameters<Admin['incrementalAlterConfigs']>[0][number]['configs']) =>
        admin.incrementalAlterConfigs([{ type: 'topic', name: topic, configs }])
      assert.deepEqual(codes(await change({ 'retention.ms': '5000', 'max.message.bytes': '4000' })), [null])
      await waitFor(async () => (await read('retention.ms'))?.value === '5000', { what: 'the setting to count' })
      assert.equal((await read('retention.ms'))?.source, 'DYNAMIC_TOPIC_CONFIG')
      assert.deepEqual(codes(await change({ 'retention.ms': null, 'cleanup.policy': { append: 'compact' } })), [null])
      const isGone = async () => (await read('retention.ms'))?.source !== 'DYNAMIC_TOPIC_CONFIG'
      await waitFor(isGone, { what: 'the setting to be gone' })
      assert.deepEqual((await read('cleanup.policy'))?.value?.split(',').sort(), ['compact', 'delete'])
      assert.equal((await read('max.message.bytes'))?.value, '4000')
      assert.deepEqual(codes(await change({ 'cleanup.policy': { subtract: 'delete' } })), [null])
      await waitFor(async () => (await read('cleanup.policy'))?.value === 'compact', { what: 'the list to be shorter' })

      const results = await admin.incrementalAlterConfigs([
        { type: 'topic', name: `${topic}-missing`, configs: { 'retention.ms': '1' } },
        { type: 'topic', name: topic, configs: { 'retention.ms': 'soon' } },
      ])
      assert.deepEqual(codes(results), ['UNKNOWN_TOPIC_OR_PARTITION', 'INVALID_CONFIG'])
      const { controllerId } = await admin.describeCluster()
      const [ofBroker, ofTopic] = await admin.describeConfigs([
        { type: 'broker', name: String(controllerId) },
        { type: 'topic', name: topic },
      ])
      assert.deepEqual([ofBroker?.type, ofTopic?.type], ['broker', 'topic'])
      assert.ok(ofBroker?.entries.some(({ name }) => name === 'num.partitions'))
    })

    test('the first records of partitions are deleted, and offsets are found', async () => {
      const topic = await newTopic(2)
      await send(topic, 10, 0)
      const results = await admin.deleteRecords(
        [
          { topic, partition: 0, beforeOffset: 4 },
          { topic, partition: 1, beforeOffset: -1 },
          { topic, partition: 7, beforeOffset: 1 },
        ],
        { timeoutMs: 1_000 },
      )
      assert.deepEqual(
        results.map(({ partition, lowWatermark }) => [partition, lowWatermark]),
        [
          [0, 4],
          [1, 0],
          [7, -1],
        ],
      )
      assert.deepEqual(codes(results), [null, null, 'REQUEST_TIMED_OUT'])
      assert.match(results[2]!.error!.message, new RegExp(`${topic}-7`))
      const [tooFar] = await admin.deleteRecords([{ topic, partition: 0, beforeOffset: 1000 }])
      assert.equal(tooFar?.error?.code, 'OFFSET_OUT_OF_RANGE')
      const found = await admin.listOffsets([
        { topic, partition: 0, timestamp: OffsetAt.earliest },
        { topic, partition: 1, timestamp: OffsetAt.latest },
      ])
      assert.deepEqual(Object.fromEntries(found.map(({ partition, offset }) => [partition, offset])), { 0: 4, 1: 0 })
      await assert.rejects(admin.listOffsets([{ topic, partition: 9, timestamp: OffsetAt.latest }], { timeoutMs: 500 }), { code: 'REQUEST_TIMED_OUT' })
    })

    test('groups are listed, described, and deleted once they are empty', async (t) => {
      const topic = await newTopic(2)
      await send(topic, 3)
      const group = `described-${++made}`
      const consumer = await member(t, group, topic, { 'client.id': 'the-member' })
      const [described, missing] = await admin.describeConsumerGroups([group, `${group}-missing`])
      assert.equal(missing?.error?.code, 'GROUP_ID_NOT_FOUND')
      assert.match(missing!.error!.message, new RegExp(`${group}-missing`))
      assert.deepEqual([described?.error, described?.state, described?.protocolType, described?.partitionAssignor], [null, 'Stable', 'consumer', 'range'])
      assert.equal(described?.members.length, 1)
      const [only] = described!.members
      assert.equal(only!.clientId, 'the-member')
      assert.equal(only!.memberId, consumer.groupMetadata()?.memberId)
      assert.match(only!.host, /127\.0\.0\.1/)
      assert.deepEqual(only!.assignment, [
        { topic, partition: 0 },
        { topic, partition: 1 },
      ])
      const { groups, errors } = await admin.listGroups()
      assert.deepEqual(errors, [])
      const listing = groups.find(({ groupId }) => groupId === group)
      // Brokers before Kafka 3.8 do not tell the type.
      assert.deepEqual({ ...listing, type: listing?.type ?? 'Classic' }, { groupId: group, protocolType: 'consumer', state: 'Stable', type: 'Classic' })
      const ofState = async (state: string) => (await admin.listGroups({ states: [state], protocolTypes: ['consumer'] })).groups.map(({ groupId }) => groupId)
      assert.ok((await ofState('Stable')).includes(group))
      assert.ok(!(await ofState('Empty')).includes(group))

      await consumer.commit()
      assert.deepEqual(codes(await admin.deleteConsumerGroups([group, `${group}-missing`])), ['NON_EMPTY_GROUP', 'GROUP_ID_NOT_FOUND'])
      await assert.rejects(admin.alterConsumerGroupOffsets(group, [{ topic, partition: 0, offset: 1 }]), {
        code: 'UNKNOWN_MEMBER_ID',
        message: new RegExp(`${topic}-0.*"${group}"`),
      })
      await assert.rejects(admin.deleteConsumerGroupOffsets(group, [{ topic, partition: 0 }]), {
        code: 'GROUP_SUBSCRIBED_TO_TOPIC',
        message: new RegExp(`${topic}-0.*"${group}"`),
      })
    })

    test('offsets of a group without members are set, listed and removed', async () => {
      const topic = await newTopic(2)
      await send(topic, 5)
      const group = `offsets-${++made}`
      const places: readonly TopicPartition[] = [0, 1].map((partition) => ({ topic, partition }))
      assert.deepEqual(await admin.listConsumerGroupOffsets(group), [])
      await admin.alterConsumerGroupOffsets(
        group,
        places.map((place) => ({ ...place, offset: 3, metadata: 'by hand' })),
      )
      const listed = await admin.listConsumerGroupOffsets(group, { isStable: true })
      assert.deepEqual(
        listed.map(({ partition, offset, metadata }) => [partition, offset, metadata]),
        [
          [0, 3, 'by hand'],
          [1, 3, 'by hand'],
        ],
      )
      await admin.deleteConsumerGroupOffsets(group, [{ topic, partition: 1 }])
      assert.deepEqual(
        (await admin.listConsumerGroupOffsets(group)).map(({ partition }) => partition),
        [0],
      )
      assert.deepEqual(codes(await admin.deleteConsumerGroups([group])), [null])
      assert.deepEqual(await admin.listConsumerGroupOffsets(group), [])
    })

    test('members are taken out of a group, single ones, static ones and all', async (t) => {
      const topic = await newTopic(4)
      const group = `removed-${++made}`
      const dynamic = await member(t, group, topic)
      const fixed = await member(t, group, topic, { 'group.instance.id': 'fixed' })
      const both = () => {
        const found = admin.describeConsumerGroups([group])
        return found.then(([described]) => described?.state === 'Stable' && described.members.length === 2)
      }
      await waitFor(both, { what: 'both members to be in the group' })
      const before = dynamic.groupMetadata()!.memberId
      const results = await admin.removeMembersFromConsumerGroup(group, {
        members: [{ memberId: before }, { memberId: 'nobody' }, { groupInstanceId: 'nobody' }],
        reason: 'for a test',
      })
      assert.deepEqual(codes(results), [null, 'UNKNOWN_MEMBER_ID', 'UNKNOWN_MEMBER_ID'])
      assert.match(results[1]!.error!.message, new RegExp(`"nobody" of group "${group}"`))
      await waitFor(() => ![undefined, before].includes(dynamic.groupMetadata()?.memberId), { what: 'the member to be back under another id' })
      await waitFor(both, { what: 'both members to be in the group again' })

      const all = await admin.removeMembersFromConsumerGroup(group)
      assert.deepEqual(codes(all), [null, null])
      assert.deepEqual(all.map(({ groupInstanceId }) => groupInstanceId).sort(), ['fixed', null].sort())
      await waitFor(both, { what: 'both members to be back' })
      await waitFor(() => fixed.assignment().length > 0, { what: 'the static member to have partitions' })
      await assert.rejects(admin.removeMembersFromConsumerGroup(`${group}-missing`), { code: 'GROUP_ID_NOT_FOUND' })
    })

    test('transactions are listed and described, and their producers fenced', async (t) => {
      const topic = await newTopic()
      const transactionalId = `fenced-${++made}`
      const producer = new Producer(at({ 'transactional.id': transactionalId }), { logger })
      t.after(() => producer.close({ timeoutMs: 0 }))
      await producer.initTransactions()
      producer.beginTransaction()
      producer.send(topic, 0, Date.now(), null, 'open', null, null)
      await producer.flush()

      const [open, missing] = await admin.describeTransactions([transactionalId, `${transactionalId}-missing`])
      assert.equal(missing?.error?.code, 'TRANSACTIONAL_ID_NOT_FOUND')
      assert.match(missing!.error!.message, new RegExp(`${transactionalId}-missing`))
      assert.deepEqual([open?.error, open?.state, open?.partitions], [null, 'Ongoing', [{ topic, partition: 0 }]])
      assert.equal(open?.timeoutMs, 60_000)
      assert.ok(open.startTimeMs > 0)
      const ongoing = async () => (await admin.listTransactions({ states: ['Ongoing'] })).transactions.map(({ transactionalId }) => transactionalId)
      assert.ok((await ongoing()).includes(transactionalId))
      const { transactions } = await admin.listTransactions({ producerIds: [open.producerId] })
      assert.deepEqual(transactions, [{ transactionalId, producerId: open.producerId, state: 'Ongoing' }])

      const [fenced] = await admin.fenceProducers([transactionalId])
      assert.equal(fenced?.error, null)
      assert.ok(fenced.producerEpoch > open.producerEpoch || fenced.producerId !== open.producerId)
      await assert.rejects(producer.commitTransaction(), (error: { code?: string; message: string }) =>
        /FENCED|INVALID_PRODUCER_EPOCH|TRANSACTION/.test(`${error.code}`),
      )
      assert.ok(!(await ongoing()).includes(transactionalId))
    })

    test('a transaction that nobody ends is aborted in its partition', async (t) => {
      const topic = await newTopic()
      const transactionalId = `hanging-${++made}`
      const newProducer = async () => {
        const producer = new Producer(at({ 'transactional.id': transactionalId }), { logger })
        t.after(() => producer.close({ timeoutMs: 0 }))
        await producer.initTransactions()
        return producer
      }
      // The second one has a higher epoch.
      await newProducer()
      const producer = await newProducer()
      producer.beginTransaction()
      producer.send(topic, 0, Date.now(), null, 'hanging', null, null)
      await producer.flush()
      await send(topic, 1)

      const place = { topic, partition: 0 }
      const [described] = await admin.describeProducers([place])
      assert.equal(described?.error, null)
      const hanging = described.producers.find(({ transactionStartOffset }) => transactionStartOffset >= 0)
      assert.equal(hanging?.transactionStartOffset, 0)
      const end = async (isReadCommitted: boolean) => (await admin.listOffsets([{ ...place, timestamp: OffsetAt.latest }], { isReadCommitted }))[0]?.offset
      assert.equal(await end(true), 0)
      const { producerId, producerEpoch } = hanging
      await assert.rejects(admin.abortTransaction({ ...place, producerId, producerEpoch: producerEpoch - 1, coordinatorEpoch: 0 }), {
        code: 'INVALID_PRODUCER_EPOCH',
        message: new RegExp(`${producerId} in ${topic}-0`),
      })
      await admin.abortTransaction({ ...place, producerId, producerEpoch, coordinatorEpoch: Math.max(0, hanging.coordinatorEpoch) })
      assert.equal(await end(true), 3)
      const [after] = await admin.describeProducers([place])
      assert.ok(after?.producers.every(({ transactionStartOffset }) => transactionStartOffset < 0))
    })

    test('a cluster that cannot be reached is an error in time, which names the call', async () => {
      const lost = new Admin({ 'bootstrap.servers': '127.0.0.1:9', 'default.api.timeout.ms': '300' }, { logger })
      await assert.rejects(lost.listTopics(), { code: 'REQUEST_TIMED_OUT', message: /listTopics/ })
      await assert.rejects(lost.createTopics([{ name: 't' }]), { code: 'REQUEST_TIMED_OUT', message: /createTopics/ })
      const [outcome] = await lost.describeConsumerGroups(['g'])
      assert.equal(outcome?.error?.code, 'REQUEST_TIMED_OUT')
      await lost.close()
      await assert.rejects(lost.listTopics(), { code: 'CLIENT_CLOSED' })
    })
  })
}
