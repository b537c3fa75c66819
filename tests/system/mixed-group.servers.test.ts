import assert from 'node:assert/strict'
import { mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type CleanUp, temporaryFolder, waitFor } from '@millrace/testing'
import { type KafkaServer, startKafkaServer } from '../servers/kafka-server.ts'
import { skipWithoutPeer } from '../servers/peer.ts'
import { ConnectGroup, type GroupWorker, type WorkerKind } from './connect-group.ts'
import { LineStream } from './line-stream.ts'

/* One group of Java workers and ours, as there is while a cluster moves from one to the other. */

const QUICK = {
  'session.timeout.ms': '6000',
  'heartbeat.interval.ms': '500',
  'scheduled.rebalance.max.delay.ms': '1000',
  'offset.flush.interval.ms': '500',
  // What nobody waits for need not be short.
  'rebalance.timeout.ms': '20000',
}

describe('a group of Java workers and ours', { skip: skipWithoutPeer() }, () => {
  const cleanUps: (() => void | Promise<void>)[] = []
  const context: CleanUp = { after: (cleanUp) => cleanUps.push(cleanUp) }
  let kafka: KafkaServer
  let folder = ''
  before(async () => {
    folder = temporaryFolder(context)
    kafka = await startKafkaServer({ folder: join(folder, 'kafka') })
    cleanUps.push(async () => void (await kafka.killAtOnce()))
  })
  after(async () => {
    for (const cleanUp of cleanUps.reverse()) await cleanUp()
  })

  test('three workers are exchanged one by one, there and back, while records flow', async (t) => {
    const group = new ConnectGroup({ folder: join(folder, 'rolling'), bootstrapServers: kafka.bootstrapServers, properties: QUICK })
    t.after(() => group.close())
    await Promise.all(['one', 'two', 'three'].map((name) => group.start('java', name)))
    const streams = ['a', 'b', 'c'].map((name) => new LineStream(folder, name))
    for (const { source, sink } of streams) {
      await group.workers[0]!.client.createConnector(source)
      await group.workers[1]!.client.createConnector(sink)
    }
    const feeder = setInterval(() => streams.forEach((stream) => stream.feed(20)), 50)
    t.after(() => clearInterval(feeder))
    await untilAllRun(group, streams)

    const used = new Set<WorkerKind>()
    for (const [i, [name, kind]] of exchanges.entries()) {
      const old = group.workers.find((worker) => worker.name === name)!
      assert.equal((await old.stop()).code, old.kind === 'java' ? 143 : 0, old.output.slice(-2000))
      await group.start(kind, name)
      await untilAllRun(group, streams)
      await untilMoreArrives(group, streams)
      const leader = await group.leader()
      // A leader of either kind, with followers of either kind.
      if (leader !== null && !used.has(leader.kind) && group.workers.some(({ kind }) => kind !== leader.kind)) {
        await useEachWorker(group, `probe-${i}`)
        used.add(leader.kind)
      }
      t.diagnostic(`${name} is ${kind} now; ${leader?.name} (${leader?.kind}) leads; ${streams[0]!.lines} lines`)
    }

    assert.deepEqual([...used].sort(), ['java', 'millrace'], 'each kind has led the other')
    clearInterval(feeder)
    await waitFor(() => streams.every((stream) => stream.hasArrived()), { what: 'all lines', deadlineMs: 30_000, describe: () => describeAll(group, streams) })
    for (const stream of streams) await stream.assertExact(kafka.bootstrapServers)
  })

  test('a connector that the assigned worker lacks is FAILED there, and says so', async (t) => {
    const properties = { ...QUICK, ...topicsOf('lacking') }
    const group = new ConnectGroup({ folder: join(folder, 'lacking'), bootstrapServers: kafka.bootstrapServers, properties })
    t.after(() => group.close())
    const pluginPath = join(folder, 'plugins')
    mkdirSync(pluginPath)
    symlinkSync(join(import.meta.dirname, '../../packages/runtime/src/testing-plugins'), join(pluginPath, 'testing'))
    const leader = await group.start('millrace', 'leader', { 'plugin.path': pluginPath })
    const [ours, java] = await Promise.all([group.start('millrace', 'follower'), group.start('java', 'java')])
    const names = ['lacking-1', 'lacking-2', 'lacking-3']
    const config = { 'connector.class': 'test.MisbehavingSourceConnector', topic: 'none' }
    for (const name of names) await settled(() => leader.client.createConnector({ name, config }))
    const failedOn = async ({ id }: GroupWorker) => {
      const statuses = await Promise.all(names.map((name) => leader.client.connectorStatus(name)))
      return statuses.find(({ connector }) => connector.worker_id === id && connector.state === 'FAILED')?.connector
    }
    for (const worker of [ours, java]) {
      const { trace = '', millrace } = await waitFor(() => failedOn(worker), {
        what: `a connector to fail on ${worker.name}`,
        describe: () => group.describe(...names),
      })
      assert.match(trace, /Failed to find any class that implements Connector and which name matches test\.MisbehavingSourceConnector/)
      // Java has no words but its trace, which is shown as it is.
      assert.deepEqual([/\[MR-3101\]\n/.test(trace), millrace?.failure?.hint], worker === ours ? [true, 'MR-3101'] : [false, undefined])
    }
  })
})

const exchanges: readonly (readonly [string, WorkerKind])[] = [
  ['two', 'millrace'],
  ['one', 'millrace'],
  ['three', 'millrace'],
  ['one', 'java'],
  ['two', 'java'],
  ['three', 'java'],
]

function topicsOf(name: string): Readonly<Record<string, string>> {
  const topics = Object.fromEntries(['config', 'offset', 'status'].map((kind) => [`${kind}.storage.topic`, `${name}-${kind}`]))
  return { ...topics, 'group.id': name }
}

async function untilAllRun(group: ConnectGroup, streams: readonly LineStream[]): Promise<void> {
  for (const { source, sink } of streams) for (const { name } of [source, sink]) await group.untilState(name, 'RUNNING')
}

async function untilMoreArrives(group: ConnectGroup, streams: readonly LineStream[]): Promise<void> {
  const before = streams.map((stream) => stream.outputBytes())
  await waitFor(() => streams.every((stream, i) => stream.outputBytes() > before[i]!), {
    what: 'more lines in each file',
    describe: () => describeAll(group, streams),
  })
}

/** Creates, changes, restarts, pauses and deletes a connector over each worker: followers of either kind forward to leaders of either kind. */
async function useEachWorker(group: ConnectGroup, prefix: string): Promise<void> {
  await Promise.all(group.workers.map((worker, i) => useWorker(group, worker, `${prefix}-${i}`)))
}

async function useWorker(group: ConnectGroup, { client }: GroupWorker, name: string): Promise<void> {
  const config = { 'connector.class': 'FileStreamSource', file: `/tmp/${name}-is-not-there`, topic: name }
  await settled(() => client.createConnector({ name, config }))
  await group.untilState(name, 'RUNNING')
  await settled(() => client.putConnectorConfig(name, { ...config, 'batch.size': '10' }))
  await settled(() => client.restartConnector(name, { includeTasks: true }))
  await group.untilState(name, 'RUNNING')
  await settled(() => client.restartTask(name, 0))
  await client.pauseConnector(name)
  await group.untilState(name, 'PAUSED')
  await settled(() => client.deleteConnector(name))
}

/** Asks again where a rebalance is under way, as a client has to (409). */
async function settled(request: () => Promise<unknown>): Promise<void> {
  const { error } = await waitFor(
    async () => {
      try {
        await request()
        return { error: null }
      } catch (error) {
        return (error as { status?: number }).status === 409 ? null : { error }
      }
    },
    { what: 'a request to be answered otherwise than with 409', intervalMs: 200 },
  )
  if (error !== null) throw error
}

async function describeAll(group: ConnectGroup, streams: readonly LineStream[]): Promise<string> {
  return await group.describe(...streams.flatMap(({ source, sink }) => [source.name, sink.name]))
}
