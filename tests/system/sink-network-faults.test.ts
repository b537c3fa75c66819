import assert from 'node:assert/strict'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { startBroker } from '@millrace/broker'
import { Admin, Producer, silentLogger as logger } from '@millrace/kafka'
import { ConnectClient, type TaskInstanceState } from '@millrace/rest-api'
import { Loggers, startStandalone } from '@millrace/runtime'
import { FaultProxy, temporaryFolder, waitFor, writeJavaProperties } from '@millrace/testing'
import { LineTarget } from './line-target.ts'

/* Faults that a sink has to survive without failing, and without losing its partitions where Kafka itself is well. */

const PLUGINS = new URL('../../packages/runtime/src/testing-plugins/package.json', import.meta.url)
const TOPIC = 'numbers'
const SESSION_MS = 1_000

interface Bench {
  readonly proxy: FaultProxy
  readonly target: LineTarget
  readonly targetPort: number
  /** Writes this many further numbers: 1, 2, … in all. */
  produce(count: number): Promise<void>
  task(): Promise<TaskInstanceState>
  /** The member of the sink in its group, by its id, with the group's state. */
  member(): Promise<string>
}

async function bench(t: TestContext, connector: Record<string, string> = {}): Promise<Bench> {
  const endings: (() => void | Promise<void>)[] = []
  t.after(async () => {
    for (const end of endings.reverse()) await end()
  })
  const folder = temporaryFolder({ after: (action) => endings.push(action) })
  const proxy = await FaultProxy.listen()
  endings.push(() => proxy.close())
  const broker = await startBroker({
    port: 0,
    dataDir: join(folder, 'broker'),
    logger,
    properties: {
      'advertised.listeners': `PLAINTEXT://${proxy.host}:${proxy.port}`,
      'group.min.session.timeout.ms': '500',
      'group.initial.rebalance.delay.ms': '0',
    },
  })
  endings.push(() => broker.close())
  proxy.target = broker
  const client = { 'bootstrap.servers': `${proxy.host}:${proxy.port}` }
  const admin = new Admin(client, { logger })
  endings.push(() => admin.close())
  await admin.createTopics([{ name: TOPIC, partitions: 2, replicationFactor: 1 }])
  const target = new LineTarget()
  const targetPort = await target.start(0)
  endings.push(() => target.stop())

  const worker = await startStandalone({
    workerFile: writeJavaProperties(join(folder, 'worker.properties'), {
      ...client,
      listeners: 'http://127.0.0.1:0',
      'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
      'value.converter': 'org.apache.kafka.connect.storage.StringConverter',
      'offset.storage.file.filename': join(folder, 'connect.offsets'),
      'offset.flush.interval.ms': '200',
      'consumer.request.timeout.ms': '500',
      'consumer.reconnect.backoff.max.ms': '100',
    }),
    connectorFiles: [
      writeJavaProperties(join(folder, 'sink.properties'), {
        name: 'sink',
        'connector.class': 'test.TargetSinkConnector',
        topics: TOPIC,
        'target.port': String(targetPort),
        'consumer.override.session.timeout.ms': String(SESSION_MS),
        'consumer.override.heartbeat.interval.ms': '100',
        ...connector,
      }),
    ],
    bundledPlugins: [PLUGINS],
    version: { version: '4.3.1', commit: 'test' },
    loggers: new Loggers({ rootLevel: 'ERROR', write: () => undefined }),
  })
  endings.push(() => worker.stop())
  const rest = new ConnectClient(worker.restUrl)
  let last = 0
  return {
    proxy,
    target,
    targetPort,
    async produce(count) {
      const producer = new Producer(client, { logger })
      try {
        const completion = { acknowledged: () => undefined, failed: (error: Error) => assert.fail(error) }
        for (let index = 0; index < count; index++) producer.send(TOPIC, index % 2, Date.now(), null, String(++last), null, completion)
        await producer.flush()
      } finally {
        await producer.close()
      }
    },
    task: () => rest.taskStatus('sink', 0),
    async member() {
      const [group] = await admin.describeConsumerGroups(['connect-sink'])
      return `${group?.state} ${group?.members.map(({ memberId }) => memberId).join()}`
    },
  }
}

/** Waits until the target has each of the numbers up to this, and no other. */
async function untilWritten({ target, task }: Bench, count: number): Promise<void> {
  await waitFor(() => new Set(target.lines).size === count, {
    what: `${count} numbers at the target`,
    describe: async () => JSON.stringify([target.lines, await task()]),
  })
}

test('a sink is without Kafka for longer than its session, and goes on when Kafka is back', async (t) => {
  const made = await bench(t)
  await made.produce(10)
  await untilWritten(made, 10)
  const before = await made.member()

  made.proxy.apply({ kind: 'silent', directions: 'both' })
  const cutAt = performance.now()
  await waitFor(() => performance.now() - cutAt > 4 * SESSION_MS, { what: 'the end of its session' })
  const silent = await made.task()
  assert.equal(silent.state, 'RUNNING')
  assert.deepEqual([silent.millrace?.activity.state, silent.millrace?.lag], ['blocked', null])
  assert.match(silent.millrace?.activity.detail ?? '', /^Kafka owes its group an answer for|^Its consumer is not in its group/)
  made.proxy.restore()

  await made.produce(10)
  await untilWritten(made, 20)
  const task = await made.task()
  assert.deepEqual([task.state, task.millrace?.ledger.balanced], ['RUNNING', true])
  // The group had given it up, and has taken it in again.
  const after = await made.member()
  assert.match(after, /^Stable ./)
  assert.notEqual(after, before)
})

test('a sink whose target is away keeps its partitions, however long it tries again', async (t) => {
  const made = await bench(t, { 'consumer.override.max.poll.interval.ms': '1500' })
  await made.produce(10)
  await untilWritten(made, 10)
  const before = await made.member()

  await made.target.stop()
  await made.produce(10)
  // Longer than the session, and than the time between polls may be.
  const retrying = await waitFor(
    async () => {
      const task = await made.task()
      const { state, since } = task.millrace?.activity ?? { state: 'starting', since: '' }
      return state === 'retrying' && Date.now() - Date.parse(since) > 3 * SESSION_MS ? task : null
    },
    { what: 'three seconds of tries', describe: async () => JSON.stringify(await made.task()) },
  )
  assert.equal(retrying.state, 'RUNNING')
  assert.ok((retrying.millrace?.activity.retry?.attempt ?? 0) > 1)
  assert.equal(await made.member(), before)

  await made.target.start(made.targetPort)
  await untilWritten(made, 20)
  assert.equal(await made.member(), before)
  assert.equal(made.target.lines.length, 20, 'no record was written twice')
  await waitFor(async () => (await made.task()).millrace?.ledger.written === 20, { what: 'their offsets to be committed' })
})
