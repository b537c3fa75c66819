import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { ConnectorOffsets } from '@millrace/rest-api'
import { type CleanUp, temporaryFolder, waitFor } from '@millrace/testing'
import { type KafkaServer, startKafkaServer } from '../servers/kafka-server.ts'
import { skipWithoutPeer } from '../servers/peer.ts'
import { ConnectGroup, type WorkerKind } from './connect-group.ts'
import { LineStream } from './line-stream.ts'

/* A cluster of Java workers is stopped, ours goes on with its group and topics, and then a Java worker again. */

const QUICK = { 'session.timeout.ms': '6000', 'heartbeat.interval.ms': '500', 'scheduled.rebalance.max.delay.ms': '0', 'offset.flush.interval.ms': '500' }

describe('a cluster that is taken over', { skip: skipWithoutPeer() }, () => {
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

  test('goes on at the same offsets, with the same target states, from Java to ours and back', async (t) => {
    const group = new ConnectGroup({ folder, bootstrapServers: kafka.bootstrapServers, properties: QUICK })
    t.after(() => group.close())
    const running = new LineStream(folder, 'running')
    const paused = new LineStream(folder, 'paused')
    const stopped = new LineStream(folder, 'stopped')
    const streams = [running, paused, stopped]

    const first = await group.start('java', 'first')
    for (const { source, sink } of streams) {
      await first.client.createConnector(source)
      await first.client.createConnector(sink)
    }
    for (const stream of streams) stream.feed(1000)
    await untilArrived(group, streams)
    await first.client.pauseConnector(paused.source.name)
    await group.untilState(paused.source.name, 'PAUSED')
    await first.client.stopConnector(stopped.source.name)
    await untilStopped(group, stopped.source.name)
    await untilCommitted(group, streams)
    const before = await offsetsOf(group, streams)

    for (const kind of ['millrace', 'java'] as const) {
      const old = group.workers[0]!
      // While nobody runs.
      await old.stop()
      for (const stream of streams) stream.feed(500)
      await start(group, kind)
      await group.untilState(running.source.name, 'RUNNING')
      await group.untilState(paused.source.name, 'PAUSED')
      await untilStopped(group, stopped.source.name)
      await untilArrived(group, [running])
      assert.deepEqual(await offsetsOf(group, [paused, stopped]), only(before, [paused, stopped]), `${kind}: what is paused or stopped stays where it was`)
      for (const stream of [paused, stopped]) assert.equal(stream.outputLines(), 1000, `${kind}: ${stream.name}`)
      await untilCommitted(group, [running])
    }

    // Ours again, which now resumes what the Java cluster has paused and stopped.
    await group.workers[0]!.stop()
    const last = await start(group, 'millrace')
    for (const stream of [paused, stopped]) {
      await last.client.resumeConnector(stream.source.name)
      await group.untilState(stream.source.name, 'RUNNING')
    }
    await untilArrived(group, streams)
    for (const stream of streams) await stream.assertExact(kafka.bootstrapServers)
    assert.equal((await last.stop()).code, 0)
  })
})

async function start(group: ConnectGroup, kind: WorkerKind) {
  return await group.start(kind, kind)
}

async function untilArrived(group: ConnectGroup, streams: readonly LineStream[]): Promise<void> {
  await waitFor(() => streams.every((stream) => stream.hasArrived()), {
    what: 'all lines in the files of the sinks',
    describe: () => group.describe(...streams.flatMap(({ source, sink }) => [source.name, sink.name])),
  })
}

async function untilStopped(group: ConnectGroup, name: string): Promise<void> {
  await waitFor(
    async () => {
      const { connector, tasks } = await group.workers[0]!.client.connectorStatus(name)
      return connector.state === 'STOPPED' && tasks.length === 0
    },
    { what: `"${name}" to be STOPPED`, describe: () => group.describe(name) },
  )
}

/** Waits until the source's committed position is the end of its file, and the sink's that of its topic. */
async function untilCommitted(group: ConnectGroup, streams: readonly LineStream[]): Promise<void> {
  await waitFor(
    async () => {
      const offsets = await offsetsOf(group, streams)
      return streams.every(({ source, sink, lines }) => {
        const position = offsets[source.name]?.offsets[0]?.offset?.position
        const read = offsets[sink.name]?.offsets[0]?.offset?.kafka_offset
        return typeof position === 'number' && position > 0 && read === lines
      })
    },
    { what: 'all offsets to be committed', describe: () => offsetsOf(group, streams) },
  )
}

async function offsetsOf(group: ConnectGroup, streams: readonly LineStream[]): Promise<Record<string, ConnectorOffsets>> {
  const names = streams.flatMap(({ source, sink }) => [source.name, sink.name])
  return Object.fromEntries(await Promise.all(names.map(async (name) => [name, await group.workers[0]!.client.connectorOffsets(name)] as const)))
}

function only(offsets: Record<string, ConnectorOffsets>, streams: readonly LineStream[]): Record<string, ConnectorOffsets> {
  const names = streams.flatMap(({ source, sink }) => [source.name, sink.name])
  return Object.fromEntries(names.map((name) => [name, offsets[name]!]))
}
