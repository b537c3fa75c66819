import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { Consumer, silentLogger } from '@millrace/kafka'
import { ConnectClient } from '@millrace/rest-api'
import { KafkaStores } from '@millrace/runtime'
import { temporaryFolder, waitFor } from '@millrace/testing'
import { type JavaConnect, startJavaConnect } from '../servers/java-connect.ts'
import { type KafkaServer, startKafkaServer } from '../servers/kafka-server.ts'
import { skipWithoutPeer } from '../servers/peer.ts'

const TOPICS = { config: 'connect-configs', offset: 'connect-offsets', status: 'connect-status' } as const

describe('the topics of distributed mode', { skip: skipWithoutPeer() }, () => {
  test('are read to the same state by the Java worker and by ours, whoever wrote them', async (t) => {
    const folder = temporaryFolder(t)
    const kafka = await startKafkaServer({ folder: join(folder, 'kafka') })
    t.after(() => kafka.stop())

    const java = await startJava(t, kafka, join(folder, 'java-1'))
    const written = await writeByJava(java, folder)
    await assertOurs(t, kafka, written)
    await java.stop()

    const file = join(folder, 'ours.txt')
    await writeByOurs(t, kafka, file)
    await assertJavas(await startJava(t, kafka, join(folder, 'java-2')), file)
  })
})

interface WrittenByJava {
  readonly client: ConnectClient
  readonly file: string
  readonly position: number
}

async function startJava(t: TestContext, kafka: KafkaServer, folder: string): Promise<JavaConnect> {
  const properties = {
    'offset.flush.interval.ms': '500',
    'scheduled.rebalance.max.delay.ms': '0',
    'offset.storage.partitions': '5',
    'status.storage.partitions': '3',
  }
  const java = await startJavaConnect({ mode: 'distributed', folder, bootstrapServers: kafka.bootstrapServers, properties })
  t.after(() => java.killAtOnce())
  return java
}

/** A source that has read a file, a paused sink and a stopped source. */
async function writeByJava(java: JavaConnect, folder: string): Promise<WrittenByJava> {
  const client = new ConnectClient(java.url, { requestTimeoutMs: 60_000 })
  const file = join(folder, 'java.txt')
  writeFileSync(file, 'one\ntwo\n')
  const source = { 'connector.class': 'FileStreamSource', topic: 'lines', 'tasks.max': '1' }
  await client.createConnector({ name: 'src-1', config: { ...source, file } })
  const sink = { 'connector.class': 'FileStreamSink', topics: 'lines', file: `${file}.out`, odd: 'é"\\/\u0001' }
  await client.createConnector({ name: 'snk', config: sink, initial_state: 'PAUSED' })
  await client.createConnector({ name: 'idle', config: { ...source, file }, initial_state: 'STOPPED' })
  await client.createConnector({ name: 'gone', config: { ...source, file }, initial_state: 'STOPPED' })
  await client.deleteConnector('gone')
  const seen = async () => {
    const statuses = await Promise.all(['src-1', 'snk', 'idle'].map((name) => client.connectorStatus(name)))
    const states = statuses.flatMap(({ connector, tasks }) => [connector, ...tasks].map(({ state }) => state))
    return `${states.join()} ${JSON.stringify((await client.connectorOffsets('src-1')).offsets[0]?.offset)}`
  }
  await waitFor(async () => (await seen()) === 'RUNNING,RUNNING,PAUSED,STOPPED {"position":8}', {
    what: 'the connectors of the Java worker',
    deadlineMs: 60_000,
    intervalMs: 250,
    describe: async () => `${await seen()}\n${java.output.slice(-4000)}`,
  })
  return { client, file, position: 8 }
}

async function ourStores(t: TestContext, kafka: KafkaServer): Promise<KafkaStores> {
  const properties = {
    'group.id': 'connect-cluster',
    ...Object.fromEntries(
      Object.entries(TOPICS).flatMap(([kind, topic]) => [
        [`${kind}.storage.topic`, topic],
        [`${kind}.storage.replication.factor`, '1'],
      ]),
    ),
  }
  const stores = new KafkaStores({ properties, bootstrapServers: kafka.bootstrapServers, clientIdPrefix: 'connect-cluster', logger: silentLogger })
  t.after(() => stores.stop())
  await stores.start()
  return stores
}

async function assertOurs(t: TestContext, kafka: KafkaServer, { client, file, position }: WrittenByJava): Promise<void> {
  const { config, offsets, statuses, warnings } = await ourStores(t, kafka).then((stores) => ({ ...pick(stores), warnings: stores.warnings() }))
  assert.deepEqual(warnings, [])
  const snapshot = config.snapshot()
  assert.deepEqual([...snapshot.connectors()].sort(), ['idle', 'snk', 'src-1'])
  for (const name of snapshot.connectors()) {
    const info = await client.connector(name)
    assert.deepEqual({ ...snapshot.connectorConfig(name) }, info.config)
    assert.deepEqual(snapshot.tasks(name), info.tasks)
    const status = await client.connectorStatus(name)
    const { state, worker_id: workerId, version } = status.connector
    assert.deepEqual(pickStatus(statuses.connector(name)), { state, workerId, version })
    assert.deepEqual(
      statuses.tasks(name).map((task) => ({ id: task.id.task, ...pickStatus(task) })),
      status.tasks.map((task) => ({ id: task.id, state: task.state, workerId: task.worker_id, version: task.version })),
    )
  }
  assert.deepEqual(
    ['src-1', 'snk', 'idle'].map((name) => snapshot.targetState(name)),
    ['STARTED', 'PAUSED', 'STOPPED'],
  )
  assert.deepEqual(snapshot.inconsistentConnectors(), [])
  assert.equal(snapshot.sessionKey?.algorithm, 'HmacSHA256')
  assert.equal(snapshot.sessionKey?.key.length, 32)
  assert.deepEqual(
    statuses.topics('src-1').map(({ topic }) => topic),
    ['lines'],
  )
  assert.deepEqual(
    (await offsets.connectorPartitions('src-1')).map(({ key, value }) => [key.toString(), value.toString()]),
    [[`["src-1",{"filename":"${file}"}]`, `{"position":${position}}`]],
  )
  await assertSameBytes(kafka, TOPICS.config)
  await assertSameBytes(kafka, TOPICS.status)
}

function pick({ config, offsets, statuses }: KafkaStores): Pick<KafkaStores, 'config' | 'offsets' | 'statuses'> {
  return { config, offsets, statuses }
}

function pickStatus(status: { state: string; workerId: string; version: string | null } | null): object | null {
  return status && { state: status.state, workerId: status.workerId, version: status.version }
}

/** Ours writes compact JSON in the order of its fields, so what Java wrote has to be that. */
async function assertSameBytes(kafka: KafkaServer, topic: string): Promise<void> {
  for (const [key, value] of await lastRecords(kafka, topic)) {
    if (value !== null) assert.equal(value, JSON.stringify(JSON.parse(value)), key)
  }
}

async function lastRecords(kafka: KafkaServer, topic: string): Promise<Map<string, string | null>> {
  const consumer = new Consumer({ 'bootstrap.servers': kafka.bootstrapServers, 'auto.offset.reset': 'earliest' }, { logger: silentLogger })
  try {
    const places = (topic === TOPICS.config ? [0] : [0, 1, 2]).map((partition) => ({ topic, partition }))
    consumer.assign(places)
    const found = new Map<string, string | null>()
    for (const end of await consumer.endOffsets(places)) {
      while ((await consumer.position(end)) < end.offset) {
        for (const records of (await consumer.poll(100)).partitions) {
          while (records.next()) {
            const { buffer, keyStart, keyEnd, valueStart, valueEnd } = records
            found.set(buffer.toString('utf8', keyStart, keyEnd), valueStart < 0 ? null : buffer.toString('utf8', valueStart, valueEnd))
          }
        }
      }
    }
    return found
  } finally {
    await consumer.close()
  }
}

/** As a worker of ours would: another connector with tasks and offsets, stopped; one of Java's started, one removed. */
async function writeByOurs(t: TestContext, kafka: KafkaServer, file: string): Promise<void> {
  writeFileSync(file, 'one\ntwo\nthree\n')
  const stores = await ourStores(t, kafka)
  const config = { name: 'ours', 'connector.class': 'FileStreamSource', topic: 'ours', file, odd: 'é"\\/\u0001' }
  await stores.config.putConnectorConfig('ours', config, 'STOPPED')
  await stores.config.putTaskConfigs('ours', [])
  await stores.config.putTargetState('snk', 'STARTED')
  await stores.config.removeConnectorConfig('idle')
  await stores.offsets.set([{ key: Buffer.from(`["ours",${JSON.stringify({ filename: file })}]`), value: Buffer.from('{"position":8}') }])
  stores.statuses.putConnector('ours', { state: 'STOPPED', trace: null, workerId: '127.0.0.1:1', generation: 1, version: null })
  stores.statuses.putTopic({ topic: 'ours', connector: 'ours', task: 0, discoverTimestamp: Date.now() })
  await stores.stop()
}

async function assertJavas(java: JavaConnect, file: string): Promise<void> {
  const client = new ConnectClient(java.url, { requestTimeoutMs: 60_000 })
  const said = () => java.output.slice(-4000)
  assert.deepEqual([...(await client.connectors())].sort(), ['ours', 'snk', 'src-1'])
  assert.equal((await client.connector('ours')).config.odd, 'é"\\/\u0001')
  await waitFor(async () => (await client.connectorStatus('snk')).tasks[0]?.state === 'RUNNING', {
    what: 'the sink to run',
    deadlineMs: 60_000,
    describe: said,
  })
  assert.equal((await client.connectorStatus('ours')).connector.state, 'STOPPED')
  assert.deepEqual(await client.connectorTopics('ours'), { ours: { topics: ['ours'] } })
  assert.deepEqual((await client.connectorOffsets('ours')).offsets, [{ partition: { filename: file }, offset: { position: 8 } }])
  await client.resumeConnector('ours')
  await waitFor(async () => (await client.connectorOffsets('ours')).offsets[0]?.offset?.position === 14, {
    what: 'the Java worker to go on at our offset',
    deadlineMs: 60_000,
    describe: said,
  })
}
