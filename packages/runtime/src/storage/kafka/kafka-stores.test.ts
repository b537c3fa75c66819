import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type Broker, startBroker } from '@millrace/broker'
import { Admin, Consumer, type Logger, Producer, silentLogger } from '@millrace/kafka'
import {
  type CleanUp,
  clusterConfigStoreConformance,
  configStoreConformance,
  offsetStoreConformance,
  statusStoreConformance,
  temporaryFolder,
  waitFor,
} from '@millrace/testing'
import type { ConfigStoreListener } from '../config-store.ts'
import type { ConnectorStatus, TaskStatus } from '../status-store.ts'
import { ConnectorOffsetStores } from './connector-offset-stores.ts'
import { workerLogClients } from './kafka-based-log.ts'
import { KafkaConfigStore } from './kafka-config-store.ts'
import { KafkaOffsetStore } from './kafka-offset-store.ts'
import { KafkaStatusStore } from './kafka-status-store.ts'
import { KafkaStores } from './kafka-stores.ts'
import type { InternalTopic } from './internal-topics.ts'

const atEnd: (() => void | Promise<void>)[] = []
const suite: CleanUp = { after: (action) => void atEnd.unshift(action) }
let broker: Broker
let admin: Admin
let numbered = 0

before(async () => {
  broker = await startBroker({ port: 0, dataDir: temporaryFolder(suite), logger: silentLogger })
  suite.after(() => broker.close())
  admin = new Admin({ 'bootstrap.servers': bootstrapServers() }, { logger: silentLogger })
  suite.after(() => admin.close())
})

after(async () => {
  for (const action of atEnd) await action()
})

function bootstrapServers(): string {
  return `${broker.host}:${broker.port}`
}

/** Settings of a cluster of its own. */
function clusterProperties(more: Record<string, string> = {}): Record<string, string> {
  const name = `cluster-${++numbered}`
  const named = (kind: string) => ({ [`${kind}.storage.topic`]: `${name}-${kind}`, [`${kind}.storage.replication.factor`]: '1' })
  return { ...named('config'), ...named('offset'), ...named('status'), 'offset.storage.partitions': '3', 'status.storage.partitions': '2', ...more }
}

function openStores(properties: Record<string, string>, logger: Logger = silentLogger): KafkaStores {
  return new KafkaStores({ properties, bootstrapServers: bootstrapServers(), clientIdPrefix: 'connect-test', logger })
}

async function startedStores(context: CleanUp, properties: Record<string, string>, logger?: Logger): Promise<KafkaStores> {
  const stores = openStores(properties, logger)
  context.after(() => stores.stop())
  await stores.start()
  return stores
}

function storeOptions(kind: string, partitions: number, name = `single-${++numbered}`) {
  const topic: InternalTopic = { name, property: `${kind}.storage.topic`, purpose: 'tests', partitions, replicationFactor: 1, settings: {} }
  return { topic, clients: workerLogClients({}, bootstrapServers(), 'connect-test'), admin, logger: silentLogger }
}

/** All records of a topic as texts, those of one partition in order. */
async function recordsOf(topic: string): Promise<(readonly [string, string | null])[]> {
  const [description] = await admin.describeTopics([topic])
  const consumer = new Consumer({ 'bootstrap.servers': bootstrapServers(), 'auto.offset.reset': 'earliest' }, { logger: silentLogger })
  try {
    const places = description!.partitions.map(({ index }) => ({ topic, partition: index }))
    consumer.assign(places)
    const ends = await consumer.endOffsets(places)
    const found: (readonly [string, string | null])[] = []
    for (const end of ends) {
      while ((await consumer.position(end)) < end.offset) {
        for (const records of (await consumer.poll(100)).partitions) {
          while (records.next()) {
            const { buffer, keyStart, keyEnd, valueStart, valueEnd } = records
            found.push([buffer.toString('utf8', keyStart, keyEnd), valueStart < 0 ? null : buffer.toString('utf8', valueStart, valueEnd)])
          }
        }
      }
    }
    return found
  } finally {
    await consumer.close()
  }
}

/** As another worker, or somebody's tool, would. */
async function writeRecords(topic: string, records: readonly (readonly [string, string | null])[]): Promise<void> {
  const producer = new Producer({ 'bootstrap.servers': bootstrapServers() }, { logger: silentLogger })
  const failures: unknown[] = []
  for (const [key, value] of records) {
    producer.send(topic, null, Date.now(), key, value, null, { acknowledged() {}, failed: (error) => void failures.push(error) })
    await producer.flush()
  }
  await producer.close()
  assert.deepEqual(failures, [])
}

/** What a listener was told, as texts. */
function recordingListener(): ConfigStoreListener & { readonly heard: string[] } {
  const heard: string[] = []
  return {
    heard,
    connectorConfigUpdated: (connector) => void heard.push(`updated ${connector}`),
    connectorConfigRemoved: (connector) => void heard.push(`removed ${connector}`),
    taskConfigsUpdated: (ids) => void heard.push(`tasks ${ids.map(({ connector, task }) => `${connector}-${task}`).join()}`),
    targetStateChanged: (connector) => void heard.push(`state ${connector}`),
    sessionKeyUpdated: ({ creationTimestamp }) => void heard.push(`key ${creationTimestamp}`),
    restartRequested: ({ connector, includeTasks, onlyFailed }) => void heard.push(`restart ${connector} ${includeTasks} ${onlyFailed}`),
    loggerLevelUpdated: (namespace, level) => void heard.push(`level ${namespace} ${level}`),
  }
}

function capturingLogger(): Logger & { readonly lines: string[] } {
  const lines: string[] = []
  const line = (level: string) => (message: string) => void lines.push(`${level} ${message}`)
  return { lines, isDebugEnabled: false, trace() {}, debug() {}, info: line('INFO'), warn: line('WARN'), error: line('ERROR') }
}

configStoreConformance('a topic', () => new KafkaConfigStore(storeOptions('config', 1)))
clusterConfigStoreConformance('a topic', () => new KafkaConfigStore(storeOptions('config', 1)))
statusStoreConformance('a topic', () => new KafkaStatusStore(storeOptions('status', 2)))
offsetStoreConformance('a topic', {
  place: async () => {
    const options = storeOptions('offset', 3)
    return { open: () => new KafkaOffsetStore(options), isDurable: true, remove: async () => undefined }
  },
})

describe('stores in Kafka', () => {
  it('create their topics compacted, with the settings of the worker', async (context) => {
    const properties = clusterProperties({ 'config.storage.cleanup.policy': 'delete', 'status.storage.segment.ms': '1000000' })
    const logger = capturingLogger()
    const { topics } = await startedStores(context, properties, logger)
    const names = [topics.config.name, topics.offsets.name, topics.statuses.name]
    const described = await admin.describeTopics(names)
    assert.deepEqual(
      described.map(({ partitions }) => partitions.length),
      [1, 3, 2],
    )
    for (const { entries } of await admin.describeConfigs(names.map((name) => ({ type: 'topic', name })))) {
      assert.equal(entries.find(({ name }) => name === 'cleanup.policy')?.value, 'compact')
    }
    const [statuses] = await admin.describeConfigs([{ type: 'topic', name: topics.statuses.name }])
    assert.equal(statuses!.entries.find(({ name }) => name === 'segment.ms')?.value, '1000000')
    assert.ok(logger.lines.some((line) => line.startsWith("WARN Ignoring 'config.storage.cleanup.policy=delete'")))
  })

  it('refuse a topic that would lose what is written, and say how to mend it', async () => {
    const properties = clusterProperties()
    await admin.createTopics([{ name: properties['offset.storage.topic']!, configs: { 'cleanup.policy': 'delete' } }])
    const stores = openStores(properties)
    await assert.rejects(stores.start(), (error: Error) => {
      assert.match(
        error.message,
        /^Topic 'cluster-\d+-offset' supplied via the 'offset.storage.topic' property is required to have 'cleanup.policy=compact' to/,
      )
      assert.match(error.message, /found the topic currently has 'cleanup.policy=delete'/)
      assert.match(error.message, /kafka-configs.sh --alter/)
      return true
    })
    await stores.stop()
  })

  it('refuse a config topic of several partitions', async () => {
    const properties = clusterProperties()
    await admin.createTopics([{ name: properties['config.storage.topic']!, partitions: 2, configs: { 'cleanup.policy': 'compact' } }])
    const stores = openStores(properties)
    await assert.rejects(
      stores.start(),
      /is required to have a single partition in order to guarantee consistency of connector configurations, but found 2 partitions/,
    )
    await stores.stop()
  })

  it('refuse more replicas than there are brokers once they have waited for them', async () => {
    const properties = clusterProperties({ 'status.storage.replication.factor': '3', 'default.api.timeout.ms': '200', 'request.timeout.ms': '100' })
    const logger = capturingLogger()
    const stores = openStores(properties, logger)
    await assert.rejects(stores.start(), /status.storage.replication.factor is 3, which must not be more than there are brokers/)
    await stores.stop()
    assert.ok(logger.lines.some((line) => line.startsWith('WARN') && line.includes('status.storage.replication.factor is 3')))
  })

  it('can be stopped while they wait for their brokers', async () => {
    const stores = openStores(clusterProperties({ 'status.storage.replication.factor': '3' }))
    const started = assert.rejects(stores.start())
    await waitFor(async () => (await admin.listTopics()).some(({ name }) => name === stores.topics.config.name), { what: 'the config topic' })
    await stores.stop()
    await started
  })

  it('tell of a config topic without connectors where states or offsets of some exist', async (context) => {
    const properties = clusterProperties()
    const before = await startedStores(context, properties)
    assert.deepEqual(before.warnings(), [])
    await before.offsets.set([{ key: Buffer.from('["c",{"p":1}]'), value: Buffer.from('{"o":1}') }])
    before.statuses.putConnector('c', { state: 'RUNNING', trace: null, workerId: 'w:1', generation: 1, version: null })
    const logger = capturingLogger()
    const elsewhere = { ...properties, 'config.storage.topic': `${properties['config.storage.topic']}-lost` }
    await waitFor(async () => (await recordsOf(properties['status.storage.topic']!)).length > 0, { what: 'the status' })
    const stores = await startedStores(context, elsewhere, logger)
    assert.match(stores.warnings().join(), /knows no connector, so none runs, but .* knows the states of 1 \("c"\) and .* holds source offsets/)
    assert.ok(logger.lines.some((line) => line.startsWith('WARN Topic "')))
    await stores.config.putConnectorConfig('c', {}, null)
    assert.deepEqual(stores.warnings(), [])
  })
})

describe('the config topic', () => {
  it("holds the original's bytes", async (context) => {
    const { config, topics } = await startedStores(context, clusterProperties())
    await config.putConnectorConfig('c1', { name: 'c1', x: null, 'é\u0001"': '/\u2028' }, 'STOPPED')
    await config.putTaskConfigs('c1', [{ t: '0' }, { t: '1' }])
    await config.putTargetState('c1', 'STARTED')
    await config.putTaskCountRecord('c1', 2)
    await config.putSessionKey({ key: Buffer.from([0, 1, 2, 3]), algorithm: 'HmacSHA256', creationTimestamp: 1700000000000 })
    await config.putRestartRequest({ connector: 'c1', includeTasks: true, onlyFailed: false })
    await config.putLoggerLevel('root', 'DEBUG')
    await config.removeConnectorConfig('c1')
    assert.deepEqual(await recordsOf(topics.config.name), [
      ['target-state-c1', '{"state":"PAUSED","state.v2":"STOPPED"}'],
      ['connector-c1', '{"properties":{"name":"c1","x":null,"é\\u0001\\"":"/\u2028"}}'],
      ['task-c1-0', '{"properties":{"t":"0"}}'],
      ['task-c1-1', '{"properties":{"t":"1"}}'],
      ['commit-c1', '{"tasks":2}'],
      ['target-state-c1', '{"state":"STARTED","state.v2":"STARTED"}'],
      ['tasks-fencing-c1', '{"task-count":2}'],
      ['session-key', '{"key":"AAECAw==","algorithm":"HmacSHA256","creation-timestamp":1700000000000}'],
      ['restart-connector-c1', '{"include-tasks":true,"only-failed":false}'],
      ['logger-cluster-root', '{"level":"DEBUG"}'],
      ['connector-c1', null],
      ['target-state-c1', null],
    ])
  })

  it('tells each worker what any of them wrote, after it has started', async (context) => {
    const properties = clusterProperties()
    const a = await startedStores(context, properties)
    await a.config.putConnectorConfig('old', { x: '1' }, null)
    await a.config.putRestartRequest({ connector: 'old', includeTasks: false, onlyFailed: false })
    const b = openStores(properties)
    context.after(() => b.stop())
    const listener = recordingListener()
    b.config.listen(listener)
    await b.start()
    assert.deepEqual(listener.heard, [])
    assert.deepEqual(b.config.snapshot().connectors(), ['old'])
    await a.config.putConnectorConfig('c', { x: '1' }, 'PAUSED')
    await a.config.putTaskConfigs('c', [{}, {}])
    await a.config.putTaskConfigs('c', [{}])
    await a.config.putTargetState('c', 'PAUSED')
    await a.config.putTargetState('c', 'STARTED')
    await a.config.putSessionKey({ key: Buffer.from('k'), algorithm: 'HmacSHA256', creationTimestamp: 5 })
    await a.config.putRestartRequest({ connector: 'c', includeTasks: true, onlyFailed: true })
    await a.config.putLoggerLevel('root', 'DEBUG')
    await a.config.removeConnectorConfig('c')
    await b.config.refresh(10_000)
    const expected = ['updated c', 'tasks c-0,c-1', 'tasks c-0,c-1', 'state c', 'key 5', 'restart c true true', 'level root DEBUG', 'removed c']
    assert.deepEqual(listener.heard, expected)
    assert.deepEqual(b.config.snapshot().connectors(), ['old'])
    assert.equal(b.config.snapshot().offset, a.config.snapshot().offset)
    assert.deepEqual(b.config.snapshot().sessionKey, { key: Buffer.from('k'), algorithm: 'HmacSHA256', creationTimestamp: 5 })
  })

  it('is read although others wrote what cannot be understood', async (context) => {
    const properties = clusterProperties()
    const { config, topics } = await startedStores(context, properties)
    await writeRecords(topics.config.name, [
      ['connector-c', '{"properties":{"a":"1","n":5,"z":null}}'],
      ['connector-bad', '[1]'],
      ['target-state-c', '{"state":"PAUSED"}'],
      ['target-state-c', '{"state":"WHAT"}'],
      ['task-c-x', '{"properties":{}}'],
      ['nonsense', '{}'],
      ['session-key', '{"key":5}'],
      ['connector-worse', 'no json'],
    ])
    await config.refresh(10_000)
    const snapshot = config.snapshot()
    assert.deepEqual(snapshot.connectors(), ['c'])
    assert.deepEqual(snapshot.connectorConfig('c'), { a: '1', n: '5', z: null })
    assert.equal(snapshot.targetState('c'), 'PAUSED')
    assert.equal(snapshot.sessionKey, null)
    // All but the last, as the original counts.
    assert.equal(snapshot.offset, 7)
  })

  it('holds a thousand connectors that are read again quickly', async (context) => {
    const properties = clusterProperties()
    const { config, topics } = await startedStores(context, properties)
    await Promise.all(Array.from({ length: 1000 }, (_, i) => config.putConnectorConfig(`c${i}`, { name: `c${i}` }, null)))
    assert.equal(config.snapshot().connectors().length, 1000)
    const again = new KafkaConfigStore({ ...storeOptions('config', 1, topics.config.name) })
    context.after(() => again.stop())
    await again.start()
    assert.deepEqual(again.snapshot().connectors(), config.snapshot().connectors())
  })
})

describe('the offsets topic', () => {
  it('keeps the bytes of a key that is written again in another order', async (context) => {
    const { offsets, topics } = await startedStores(context, clusterProperties())
    await offsets.set([{ key: Buffer.from('["c",{"a":1,"b":2}]'), value: Buffer.from('{"o":1}') }])
    await offsets.get([])
    await offsets.set([{ key: Buffer.from('["c",{"b":2,"a":1}]'), value: Buffer.from('{"o":2}') }])
    await offsets.set([{ key: Buffer.from('["c",{"b":2,"a":1}]'), value: null }])
    assert.deepEqual(await recordsOf(topics.offsets.name), [
      ['["c",{"a":1,"b":2}]', '{"o":1}'],
      ['["c",{"a":1,"b":2}]', '{"o":2}'],
      ['["c",{"a":1,"b":2}]', null],
    ])
  })

  it('holds no more memory than its content', async (context) => {
    const { offsets } = await startedStores(context, clusterProperties())
    await offsets.set([{ key: Buffer.from('["c",{"p":0}]'), value: Buffer.from('{"o":1}') }])
    const [stored] = await offsets.connectorPartitions('c')
    for (const bytes of [stored!.key, stored!.value]) assert.equal(bytes.buffer.byteLength, bytes.length)
  })

  it('shows what another worker has just written', async (context) => {
    const properties = clusterProperties()
    const a = await startedStores(context, properties)
    const b = await startedStores(context, properties)
    for (let i = 0; i < 20; i++) {
      await a.offsets.set([{ key: Buffer.from(`["c",{"p":${i}}]`), value: Buffer.from(`{"o":${i}}`) }])
      assert.equal((await b.offsets.get([Buffer.from(`["c",{"p":${i}}]`)]))[0]?.toString(), `{"o":${i}}`)
    }
    assert.equal((await b.offsets.connectorPartitions('c')).length, 20)
  })
})

describe("offsets in a connector's own topic", () => {
  const key = (n: number, connector = 'own'): Buffer => Buffer.from(`["${connector}",{"p":${n}}]`)
  const value = (n: number): Buffer => Buffer.from(`{"o":${n}}`)

  async function ownStores(context: CleanUp) {
    const workers = await startedStores(context, clusterProperties())
    const topic = `own-${++numbered}`
    const clients = { 'bootstrap.servers': bootstrapServers() }
    const topicOf = (connector: string) => (connector === 'own' ? { topic, producer: clients, consumer: clients, admin: clients } : null)
    const worker = workers.offsets
    const open = () => {
      const options = { worker, workerTopic: workers.topics.offsets, workerBootstrapServers: bootstrapServers(), topicOf, logger: silentLogger }
      const stores = new ConnectorOffsetStores(options)
      context.after(() => stores.stop())
      return stores
    }
    const stores = open()
    await stores.start()
    return { worker, stores, topic, open }
  }

  it('are written there and copied to the worker, and read there first', async (context) => {
    const { worker, stores, topic } = await ownStores(context)
    await worker.set([
      { key: key(1), value: value(10) },
      { key: key(2), value: value(20) },
    ])
    assert.deepEqual(await stores.get([key(1), key(2), key(3)]), [value(10), value(20), null])
    await stores.set([
      { key: key(1), value: value(11) },
      { key: key(1, 'other'), value: value(5) },
    ])
    assert.deepEqual(await recordsOf(topic), [['["own",{"p":1}]', '{"o":11}']])
    await waitFor(async () => (await worker.get([key(1)]))[0]?.equals(value(11)), { what: 'the copy' })
    await worker.set([{ key: key(1), value: value(12) }])
    assert.deepEqual(await stores.get([key(1), key(2), key(1, 'other')]), [value(11), value(20), value(5)])
    assert.deepEqual((await stores.connectorPartitions('own')).map((stored) => stored.value.toString()).sort(), ['{"o":11}', '{"o":20}'])
    assert.equal((await stores.connectorPartitions('other')).length, 1)
  })

  it('are removed from the worker first, and do not come back', async (context) => {
    const { worker, stores, topic, open } = await ownStores(context)
    await stores.set([{ key: key(1), value: value(1) }])
    await stores.set([{ key: key(1), value: null }])
    assert.deepEqual(await worker.get([key(1)]), [null])
    assert.deepEqual(await open().connectorPartitions('own'), [])
    assert.deepEqual(await recordsOf(topic), [
      ['["own",{"p":1}]', '{"o":1}'],
      ['["own",{"p":1}]', null],
    ])
  })
})

const running = { state: 'RUNNING', trace: null, workerId: 'w1:8083', generation: 3, version: '1.0' } as const satisfies ConnectorStatus & TaskStatus

describe('the status topic', () => {
  it("holds the original's bytes", async (context) => {
    const { statuses, topics } = await startedStores(context, clusterProperties({ 'status.storage.partitions': '1' }))
    const records = async (count: number) =>
      await waitFor(
        async () => {
          const found = await recordsOf(topics.statuses.name)
          return found.length >= count && found
        },
        { what: `${count} records` },
      )
    statuses.putConnector('c', { ...running, trace: 'a\n\tb', version: null })
    statuses.putTask({ connector: 'a-b', task: 0 }, running)
    statuses.putTopic({ topic: 't.1', connector: 'c', task: 2, discoverTimestamp: 1700000000000 })
    assert.deepEqual(await records(3), [
      ['status-connector-c', '{"state":"RUNNING","trace":"a\\n\\tb","worker_id":"w1:8083","generation":3,"version":null}'],
      ['status-task-a-b-0', '{"state":"RUNNING","trace":null,"worker_id":"w1:8083","generation":3,"version":"1.0"}'],
      ['status-topic-t.1:connector-c', '{"topic":{"name":"t.1","connector":"c","task":2,"discoverTimestamp":1700000000000}}'],
    ])
    statuses.deleteTask({ connector: 'a-b', task: 0 })
    statuses.deleteTopics('c')
    statuses.deleteConnector('c')
    assert.deepEqual((await records(6)).slice(3), [
      ['status-task-a-b-0', null],
      ['status-topic-t.1:connector-c', null],
      ['status-connector-c', null],
    ])
  })

  it('brings the states of one worker to the others, and keeps them', async (context) => {
    const properties = clusterProperties()
    const a = await startedStores(context, properties)
    const b = await startedStores(context, properties)
    a.statuses.putConnector('c', running)
    a.statuses.putTask({ connector: 'c', task: 0 }, running)
    a.statuses.putTopic({ topic: 't', connector: 'c', task: 0, discoverTimestamp: 1 })
    await waitFor(() => b.statuses.tasks('c').length === 1 && b.statuses.connector('c') && b.statuses.topics('c').length === 1, { what: 'the states at b' })
    assert.deepEqual(b.statuses.connector('c'), running)
    b.statuses.deleteTopics('c')
    b.statuses.putTask({ connector: 'c', task: 0 }, { ...running, state: 'FAILED', trace: 'x', workerId: 'w2:8083', generation: 4 })
    await waitFor(() => a.statuses.task({ connector: 'c', task: 0 })?.state === 'FAILED' && a.statuses.topics('c').length === 0, { what: 'the states at a' })
    const c = await startedStores(context, properties)
    assert.deepEqual(c.statuses.task({ connector: 'c', task: 0 }), { ...running, state: 'FAILED', trace: 'x', workerId: 'w2:8083', generation: 4 })
    assert.deepEqual(c.statuses.topics('c'), [])
    b.statuses.deleteConnector('c')
    b.statuses.deleteTask({ connector: 'c', task: 0 })
    await waitFor(() => a.statuses.connectors().length === 0 && a.statuses.tasks('c').length === 0, { what: 'the states to go' })
  })

  it('never falls back to a state that was put before', async (context) => {
    const { statuses } = await startedStores(context, clusterProperties())
    const id = { connector: 'c', task: 0 }
    for (let i = 0; i < 200; i++) {
      const state = i % 2 === 0 ? 'RUNNING' : 'PAUSED'
      statuses.putTask(id, { ...running, state, generation: i })
      for (let turn = 0; turn < i % 7; turn++) {
        await new Promise((resolve) => setImmediate(resolve))
        assert.equal(statuses.task(id)?.generation, i)
      }
    }
  })

  it('ignores that something was given up where its next owner runs it already', async (context) => {
    const properties = clusterProperties()
    const { statuses, topics } = await startedStores(context, properties)
    const status = (state: string, generation: number, worker = 'w2:1'): string => JSON.stringify({ state, trace: null, worker_id: worker, generation })
    await writeRecords(topics.statuses.name, [
      ['status-task-c-0', status('RUNNING', 5)],
      ['status-task-c-0', status('UNASSIGNED', 5, 'w1:1')],
      ['status-connector-d', status('RUNNING', 5)],
      ['status-connector-d', status('UNASSIGNED', 5, 'w1:1')],
      ['status-connector-e', status('RUNNING', 5)],
      ['status-connector-e', status('UNASSIGNED', 5)],
      ['status-task-c-1', status('RUNNING', 5)],
      ['status-task-c-1', status('UNASSIGNED', 6)],
      ['status-task-c-2', '{"state":"SOMETHING"}'],
      ['status-connector-c', status('STOPPED', 5)],
    ])
    await waitFor(() => statuses.connector('c'), { what: 'the connector' })
    await waitFor(() => statuses.task({ connector: 'c', task: 1 })?.state === 'UNASSIGNED', { what: 'task 1 to be unassigned' })
    assert.deepEqual(
      statuses.tasks('c').map(({ id, state, version }) => [id.task, state, version]),
      [
        [0, 'RUNNING', null],
        [1, 'UNASSIGNED', null],
      ],
    )
    await waitFor(() => statuses.connector('e')?.state === 'UNASSIGNED', { what: 'connector e to be unassigned by its own worker' })
    await waitFor(() => statuses.connector('d'), { what: 'connector d' })
    assert.equal(statuses.connector('d')?.state, 'RUNNING')
  })

  it('comes to the same at the worker that gave something up late as at all others', async (context) => {
    const properties = clusterProperties()
    const former = await startedStores(context, properties)
    const next = await startedStores(context, properties)
    const ids = Array.from({ length: 50 }, (_, task) => ({ connector: 'c', task }))
    for (const id of ids) {
      next.statuses.putTask(id, { ...running, workerId: 'w2:1', generation: 6 })
      await new Promise((resolve) => setTimeout(resolve, id.task % 5))
      // Refused where it was read already that the next owner runs it.
      former.statuses.putTaskSafe(id, { ...running, state: 'UNASSIGNED', workerId: 'w1:1', generation: 5 })
    }
    const states = ({ statuses }: KafkaStores) => ids.map((id) => statuses.task(id)?.state)
    const isAgreed = () => states(former).every((state, i) => state !== undefined && state === states(next)[i])
    await waitFor(isAgreed, { what: 'both to see the same', describe: () => [states(former), states(next)] })
  })
})

describe('stores whose broker goes away', () => {
  it('write and read what was put meanwhile when it is back', async (context) => {
    const dataDir = temporaryFolder(context)
    const options = { dataDir, logger: silentLogger }
    const own = { current: await startBroker({ ...options, port: 0 }) }
    context.after(() => own.current.close())
    const { port, host } = own.current
    const fast = { 'retry.backoff.ms': '5', 'reconnect.backoff.ms': '5', 'reconnect.backoff.max.ms': '20' }
    const stores = new KafkaStores({
      properties: clusterProperties(fast),
      bootstrapServers: `${host}:${port}`,
      clientIdPrefix: 'connect-test',
      logger: silentLogger,
    })
    context.after(() => stores.stop())
    await stores.start()
    await stores.config.putConnectorConfig('c', { x: '1' }, null)
    await own.current.close()
    stores.statuses.putConnector('c', { ...running, state: 'PAUSED' })
    stores.statuses.putConnector('c', running)
    const written = stores.config.putConnectorConfig('c', { x: '2' }, null)
    const offset = stores.offsets.set([{ key: Buffer.from('["c",{}]'), value: Buffer.from('{}') }])
    own.current = await startBroker({ ...options, port })
    await Promise.all([written, offset])
    assert.deepEqual(stores.config.snapshot().connectorConfig('c'), { x: '2' })
    assert.equal((await stores.offsets.connectorPartitions('c')).length, 1)
    assert.deepEqual(stores.statuses.connector('c'), running)
  })
})
