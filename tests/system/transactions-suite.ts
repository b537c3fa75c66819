import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, test, type TestContext } from 'node:test'
import { Admin, Consumer, isKafkaError, type KafkaError, Producer, silentLogger as logger } from '@millrace/kafka'
import { startGuardedProcess, temporaryFolder, waitFor } from '@millrace/testing'
import type { BrokerUnderTest, RunningBroker } from './broker-under-test.ts'

type Properties = Readonly<Record<string, string>>

/** Transactions of our client against one broker. */
export function transactionsSuite(under: BrokerUnderTest, options: { readonly skip: string | false }): void {
  describe(`transactions against ${under.name}`, { skip: options.skip }, () => {
    const endings: (() => void | Promise<void>)[] = []
    let broker: RunningBroker
    let folder = ''
    let topics = 0

    before(async () => {
      folder = temporaryFolder({ after: (action) => endings.push(action) })
      broker = await under.start({ folder: join(folder, 'broker') })
    })
    after(async () => {
      await broker?.stop()
      for (const end of endings.reverse()) await end()
    })

    const at = (properties: Properties = {}): Properties => ({ 'bootstrap.servers': broker.bootstrapServers, ...properties })

    async function newTopic(partitions = 1): Promise<string> {
      const name = `transactions-${++topics}`
      await using admin = closing(new Admin(at(), { logger }))
      await admin.it.createTopics([{ name, partitions, replicationFactor: 1 }])
      return name
    }

    /** A producer that has been initialized. */
    async function producer(t: TestContext, transactionalId: string, properties: Properties = {}): Promise<Producer> {
      const made = new Producer(at({ 'transactional.id': transactionalId, ...properties }), { logger })
      t.after(() => made.close({ timeoutMs: 0 }))
      await made.initTransactions()
      return made
    }

    /** All values that a reader sees, by partition in order. */
    async function values(topic: string, partitions: number, isolation: string, more: Properties = {}): Promise<string[]> {
      const properties = at({ 'isolation.level': isolation, 'auto.offset.reset': 'earliest', 'enable.auto.commit': 'false', ...more })
      await using consumer = closing(new Consumer(properties, { logger }))
      const places = Array.from({ length: partitions }, (_, partition) => ({ topic, partition }))
      consumer.it.assign(places)
      const ends = await consumer.it.endOffsets(places)
      const found = new Map<number, string[]>(places.map(({ partition }) => [partition, []]))
      const read = async () => {
        for (const records of (await consumer.it.poll(200)).partitions) {
          while (records.next()) found.get(records.partition)!.push(records.buffer.toString('utf8', records.valueStart, records.valueEnd))
        }
        const positions = await Promise.all(places.map((place) => consumer.it.position(place)))
        return positions.every((position, i) => position >= ends[i]!.offset)
      }
      await waitFor(read, { what: `the end of ${topic}`, intervalMs: 0 })
      return [...found.values()].flat()
    }

    test('what is committed is read, what is aborted is not', async (t) => {
      const topic = await newTopic(3)
      const sender = await producer(t, 'both-ways')
      for (const [round, ends] of ['commit', 'abort', 'commit', 'abort'].entries()) {
        sender.beginTransaction()
        for (let index = 0; index < 30; index++) sender.send(topic, index % 3, 1, null, `${ends} ${round} ${index}`, null, null)
        await sender.flush()
        if (ends === 'commit') await sender.commitTransaction()
        else await sender.abortTransaction()
      }
      const committed = await values(topic, 3, 'read_committed')
      assert.equal(committed.length, 60)
      assert.ok(committed.every((value) => value.startsWith('commit')))
      assert.equal((await values(topic, 3, 'read_uncommitted')).length, 120)
    })

    test('transactions without records end too, and a transaction is invisible while it is open', async (t) => {
      const topic = await newTopic()
      const sender = await producer(t, 'empty')
      sender.beginTransaction()
      await sender.commitTransaction()
      sender.beginTransaction()
      await sender.abortTransaction()
      sender.beginTransaction()
      sender.send(topic, 0, 1, null, 'open', null, null)
      await sender.flush()
      assert.deepEqual(await values(topic, 1, 'read_committed'), [])
      await sender.commitTransaction()
      assert.deepEqual(await values(topic, 1, 'read_committed'), ['open'])
    })

    test('records that were not sent when the transaction is aborted fail, each once', async (t) => {
      const topic = await newTopic()
      const sender = await producer(t, 'unsent', { 'linger.ms': '60000' })
      sender.beginTransaction()
      const errors: KafkaError[] = []
      for (let index = 0; index < 10; index++) {
        sender.send(topic, 0, 1, null, 'dropped', null, { acknowledged: () => assert.fail(), failed: (error) => errors.push(error) })
      }
      await sender.abortTransaction()
      assert.deepEqual(
        errors.map(({ code }) => code),
        Array(10).fill('TRANSACTION_ABORTED'),
      )
      sender.beginTransaction()
      sender.send(topic, 0, 1, null, 'kept', null, null)
      await sender.commitTransaction()
      assert.deepEqual(await values(topic, 1, 'read_committed'), ['kept'])
    })

    test('a record that fails makes its transaction fail; after the abort the next one succeeds', async (t) => {
      const topic = await newTopic()
      const sender = await producer(t, 'too-large', { 'max.request.size': '2000', 'batch.size': '500' })
      sender.beginTransaction()
      for (let index = 0; index < 50; index++) sender.send(topic, 0, 1, null, 'lost', null, null)
      sender.send(topic, 0, 1, null, 'x'.repeat(3_000), null, null)
      await rejectsWith('TRANSACTION_FAILED', async () => sender.send(topic, 0, 1, null, 'refused', null, null))
      await rejectsWith('TRANSACTION_FAILED', () => sender.commitTransaction())
      await sender.abortTransaction()
      sender.beginTransaction()
      for (let index = 0; index < 50; index++) sender.send(topic, 0, 1, null, `kept ${index}`, null, null)
      await sender.commitTransaction()
      assert.deepEqual(
        await values(topic, 1, 'read_committed'),
        Array.from({ length: 50 }, (_, index) => `kept ${index}`),
      )
    })

    test('offsets of a group count when the transaction is committed, and only then', async (t) => {
      const topic = await newTopic()
      const sender = await producer(t, 'offsets')
      const group = `${topic}-readers`
      await using reader = closing(new Consumer(at({ 'group.id': group, 'enable.auto.commit': 'false' }), { logger }))
      const committed = async () => (await reader.it.committed([{ topic, partition: 0 }]))[0]?.offset ?? null
      for (const [offset, ends] of [
        [5, 'abort'],
        [7, 'commit'],
        [9, 'abort'],
      ] as const) {
        sender.beginTransaction()
        await sender.sendOffsetsToTransaction([{ topic, partition: 0, offset, metadata: 'by transaction' }], { groupId: group })
        if (ends === 'abort') await sender.abortTransaction()
        else await sender.commitTransaction()
        await waitFor(async () => (await committed()) === (offset === 5 ? null : 7), { what: `the offset after ${offset} was sent`, describe: committed })
      }
    })

    test('a member of another generation cannot commit offsets, and its transaction can only be aborted', async (t) => {
      const topic = await newTopic()
      const sender = await producer(t, 'late-member')
      await using reader = closing(new Consumer(at({ 'group.id': `${topic}-late`, 'enable.auto.commit': 'false' }), { logger }))
      reader.it.subscribe({ topics: [topic] }, { assigned() {}, revoked() {} })
      const member = await waitFor(
        async () => {
          await reader.it.poll(50)
          return reader.it.assignment().length > 0 && reader.it.groupMetadata()
        },
        { what: 'the group to form', intervalMs: 0 },
      )
      sender.beginTransaction()
      await rejectsWith('COMMIT_FAILED', () => sender.sendOffsetsToTransaction([{ topic, partition: 0, offset: 1 }], { ...member, generation: 99 }))
      await rejectsWith('TRANSACTION_FAILED', () => sender.commitTransaction())
      await sender.abortTransaction()
      sender.beginTransaction()
      await sender.sendOffsetsToTransaction([{ topic, partition: 0, offset: 1 }], member)
      await sender.commitTransaction()
    })

    test('a newer producer fences the earlier one and aborts what that has left open', async (t) => {
      const topic = await newTopic()
      const earlier = await producer(t, 'fenced')
      earlier.beginTransaction()
      earlier.send(topic, 0, 1, null, 'of the earlier', null, null)
      await earlier.flush()
      const newer = await producer(t, 'fenced')
      newer.beginTransaction()
      newer.send(topic, 0, 1, null, 'of the newer', null, null)
      await newer.commitTransaction()
      await rejectsWith('PRODUCER_FENCED', () => earlier.commitTransaction())
      await rejectsWith('PRODUCER_FENCED', () => earlier.abortTransaction())
      await rejectsWith('PRODUCER_FENCED', async () => earlier.send(topic, 0, 1, null, 'late', null, null))
      assert.deepEqual(await values(topic, 1, 'read_committed'), ['of the newer'])
    })

    test('a fenced producer that goes on sending to a partition fails, and cannot abort', async (t) => {
      const topic = await newTopic()
      const earlier = await producer(t, 'fenced-while-sending')
      earlier.beginTransaction()
      earlier.send(topic, 0, 1, null, 'first', null, null)
      await earlier.flush()
      await producer(t, 'fenced-while-sending')
      const failed = new Promise<KafkaError>((resolve, reject) => {
        earlier.send(topic, 0, 1, null, 'second', null, { acknowledged: () => reject(new Error('acknowledged')), failed: resolve })
      })
      await earlier.flush()
      assert.match((await failed).code, /^(INVALID_PRODUCER_EPOCH|PRODUCER_FENCED|INVALID_TXN_STATE)$/)
      await rejectsWith('PRODUCER_FENCED', () => earlier.abortTransaction())
      assert.deepEqual(await values(topic, 1, 'read_committed'), [])
    })

    test('a transactional id is taken over at once after its producer was killed', async (t) => {
      const topic = await newTopic()
      const script = join(import.meta.dirname, 'open-transaction.ts')
      const killed = await startGuardedProcess({ command: process.execPath, args: [script, broker.bootstrapServers, 'killed', topic, '500'] })
      t.after(() => killed.killAtOnce().then(() => undefined))
      await killed.printed(/the transaction is open/, 60_000)
      await killed.killAtOnce()
      assert.equal((await values(topic, 1, 'read_uncommitted')).length, 500)
      const heir = await producer(t, 'killed')
      heir.beginTransaction()
      heir.send(topic, 0, 1, null, 'of the heir', null, null)
      await heir.commitTransaction()
      assert.deepEqual(await values(topic, 1, 'read_committed'), ['of the heir'])
    })

    test('a producer that is closed aborts its transaction', async (t) => {
      const topic = await newTopic()
      const sender = await producer(t, 'closed')
      sender.beginTransaction()
      sender.send(topic, 0, 1, null, 'lost', null, null)
      await sender.close()
      const next = new Producer(at(), { logger })
      t.after(() => next.close())
      next.send(topic, 0, 1, null, 'without a transaction', null, null)
      await next.close()
      assert.deepEqual(await values(topic, 1, 'read_committed'), ['without a transaction'])
    })

    test('a reader leaves out many aborted transactions of one and of several producers, over the borders of fetches', async (t) => {
      const topic = await newTopic()
      const senders = await Promise.all(['one', 'two', 'three'].map((id) => producer(t, `interleaved-${id}`, { 'batch.size': '400' })))
      const expected: string[] = []
      for (let round = 0; round < 40; round++) {
        for (const sender of senders) sender.beginTransaction()
        const mine = senders.map((): string[] => [])
        for (let part = 0; part < 6; part++) {
          for (const [i, sender] of senders.entries()) {
            const value = `${i} ${round} ${part} ${'.'.repeat(60)}`
            mine[i]!.push(value)
            sender.send(topic, 0, 1, null, value, null, null)
            if (part % 2 === 1) await sender.flush()
          }
        }
        for (const [i, sender] of senders.entries()) {
          if ((round + i) % 4 !== 0) await sender.abortTransaction()
          else {
            await sender.commitTransaction()
            expected.push(...mine[i]!)
          }
        }
      }
      for (const bytes of ['700', '5000', '1048576']) {
        const read = await values(topic, 1, 'read_committed', { 'max.partition.fetch.bytes': bytes, 'fetch.max.bytes': bytes })
        assert.deepEqual(read.toSorted(), expected.toSorted(), `with fetches of ${bytes} bytes`)
      }
    })
  })
}

async function rejectsWith(code: string, action: () => Promise<unknown>): Promise<void> {
  await assert.rejects(action, (error) => {
    assert.ok(isKafkaError(error), String(error))
    assert.equal(error.code, code, error.message)
    return true
  })
}

function closing<T extends { close(): Promise<void> }>(it: T): { readonly it: T } & AsyncDisposable {
  return { it, [Symbol.asyncDispose]: () => it.close() }
}
