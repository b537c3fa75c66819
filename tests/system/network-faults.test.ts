import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { startBroker } from '@millrace/broker'
import { Admin, Consumer, Producer, silentLogger as logger } from '@millrace/kafka'
import { FaultProxy, temporaryFolder, waitFor } from '@millrace/testing'

/* A network that stops answering without closing anything: only the clients' own time-outs can notice. */

const TOPIC = 'numbers'
const REQUEST_TIMEOUT_MS = 300

interface Bench {
  readonly proxy: FaultProxy
  properties(more?: Readonly<Record<string, string>>): Readonly<Record<string, string>>
  /** 0, 1, … in the topic, read around the proxy. */
  values(): Promise<string[]>
}

async function bench(t: TestContext): Promise<Bench> {
  const proxy = await FaultProxy.listen()
  const endings: (() => void | Promise<void>)[] = []
  const dataDir = temporaryFolder({ after: (action) => endings.push(action) })
  const broker = await startBroker({ port: 0, dataDir, logger, properties: { 'advertised.listeners': `PLAINTEXT://${proxy.host}:${proxy.port}` } })
  proxy.target = broker
  t.after(async () => {
    await proxy.close()
    await broker.close()
    for (const end of endings) await end()
  })
  const properties = (more: Readonly<Record<string, string>> = {}) => ({
    'bootstrap.servers': `${proxy.host}:${proxy.port}`,
    'request.timeout.ms': String(REQUEST_TIMEOUT_MS),
    'retry.backoff.ms': '5',
    'reconnect.backoff.ms': '5',
    'reconnect.backoff.max.ms': '20',
    'socket.connection.setup.timeout.ms': '300',
    'socket.connection.setup.timeout.max.ms': '300',
    'auto.offset.reset': 'earliest',
    'enable.auto.commit': 'false',
    ...more,
  })
  const admin = new Admin(properties(), { logger })
  await admin.createTopics([{ name: TOPIC, partitions: 1, replicationFactor: 1 }])
  await admin.close()
  return { proxy, properties, values: () => valuesOf(properties()) }
}

async function valuesOf(properties: Readonly<Record<string, string>>): Promise<string[]> {
  const consumer = new Consumer(properties, { logger })
  try {
    consumer.assign([{ topic: TOPIC, partition: 0 }])
    const [end] = await consumer.endOffsets([{ topic: TOPIC, partition: 0 }])
    return await valuesFrom(consumer, end!.offset)
  } finally {
    await consumer.close()
  }
}

async function valuesFrom(consumer: Consumer, count: number): Promise<string[]> {
  const values: string[] = []
  const read = async () => {
    for (const records of (await consumer.poll(50)).partitions) {
      while (records.next()) values.push(records.buffer.toString('utf8', records.valueStart, records.valueEnd))
    }
    return values.length >= count
  }
  await waitFor(read, { what: `${count} records`, intervalMs: 0, describe: () => values.length })
  return values
}

const numbers = (count: number): string[] => Array.from({ length: count }, (_, i) => `${i}`)

function producerOf(t: TestContext, { properties }: Bench): Producer {
  const producer = new Producer(properties({ 'linger.ms': '0' }), { logger })
  t.after(() => producer.close({ timeoutMs: 0 }))
  return producer
}

function sendNumbers(producer: Producer, from: number, to: number): void {
  for (let i = from; i < to; i++) producer.send(TOPIC, 0, 1, null, `${i}`, null, { acknowledged: () => undefined, failed: (error) => assert.fail(error) })
}

for (const directions of ['both', 'to-client', 'to-server'] as const) {
  test(`a producer goes on after a silent network (${directions}) by request.timeout.ms, and doubles nothing`, async (t) => {
    const made = await bench(t)
    const producer = producerOf(t, made)
    sendNumbers(producer, 0, 100)
    await producer.flush()
    made.proxy.apply({ kind: 'silent', directions })
    sendNumbers(producer, 100, 200)
    // From then on no new connection comes about either.
    await waitFor(() => producer.metrics.requestsFailed > 0, { what: 'requests that are given up', intervalMs: 5 })
    made.proxy.restore()
    await producer.flush()
    sendNumbers(producer, 200, 300)
    await producer.flush()
    assert.deepEqual(await made.values(), numbers(300))
  })
}

test('a producer that is not told that its connection is gone finds out by request.timeout.ms', async (t) => {
  const made = await bench(t)
  const producer = producerOf(t, made)
  sendNumbers(producer, 0, 100)
  await producer.flush()
  made.proxy.abandon()
  const from = performance.now()
  sendNumbers(producer, 100, 200)
  await producer.flush()
  assert.ok(performance.now() - from < 20 * REQUEST_TIMEOUT_MS)
  assert.deepEqual(await made.values(), numbers(200))
})

for (const fault of ['silent', 'abandoned'] as const) {
  test(`a consumer goes on where it was after a network that was ${fault}`, async (t) => {
    const made = await bench(t)
    const producer = producerOf(t, made)
    sendNumbers(producer, 0, 100)
    await producer.flush()
    const consumer = new Consumer(made.properties({ 'fetch.max.wait.ms': '50' }), { logger })
    t.after(() => consumer.close({ timeoutMs: 0 }))
    consumer.assign([{ topic: TOPIC, partition: 0 }])
    const values = await valuesFrom(consumer, 100)
    if (fault === 'abandoned') made.proxy.abandon()
    else {
      made.proxy.apply({ kind: 'silent', directions: 'both' })
      for (let i = 0; i < 3; i++) assert.equal((await consumer.poll(REQUEST_TIMEOUT_MS)).count, 0)
      made.proxy.restore()
    }
    sendNumbers(producer, 100, 200)
    values.push(...(await valuesFrom(consumer, 100)))
    assert.deepEqual(values, numbers(200))
  })
}

test('a member keeps its partitions through a network that is silent for less than session.timeout.ms, and commits', async (t) => {
  const made = await bench(t)
  const producer = producerOf(t, made)
  sendNumbers(producer, 0, 50)
  await producer.flush()
  const consumer = new Consumer(made.properties({ 'group.id': 'g', 'session.timeout.ms': '6000', 'heartbeat.interval.ms': '100' }), { logger })
  t.after(() => consumer.close({ timeoutMs: 0 }))
  let assignments = 0
  consumer.subscribe({ topics: [TOPIC] }, { revoked() {}, assigned: () => void assignments++ })
  await valuesFrom(consumer, 50)
  made.proxy.apply({ kind: 'silent', directions: 'both' })
  for (let i = 0; i < 3; i++) await consumer.poll(REQUEST_TIMEOUT_MS)
  made.proxy.restore()
  sendNumbers(producer, 50, 100)
  await valuesFrom(consumer, 50)
  await consumer.commit()
  const [committed] = await consumer.committed([{ topic: TOPIC, partition: 0 }])
  assert.equal(committed?.offset, 100)
  assert.equal(assignments, 1)
})

test('what an admin asks for through a silent network ends with default.api.timeout.ms', async (t) => {
  const made = await bench(t)
  const admin = new Admin(made.properties({ 'default.api.timeout.ms': '700' }), { logger })
  t.after(() => admin.close())
  await admin.describeTopics([TOPIC])
  made.proxy.apply({ kind: 'silent', directions: 'both' })
  await assert.rejects(admin.describeTopics([TOPIC]), { code: 'REQUEST_TIMED_OUT' })
  made.proxy.restore()
  const [described] = await admin.describeTopics([TOPIC])
  assert.equal(described?.partitions.length, 1)
})
