import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { ConnectClient, type ConnectorOffset } from '@millrace/rest-api'
import { type EmbeddedWorker, type EmbeddedWorkers, startEmbeddedWorkers, temporaryFolder, waitFor } from '@millrace/testing'
import { topicValues } from './topic.ts'

/* What REST answers in a cluster whichever worker is asked: changes go to the leader, states and offsets are everybody's. */

const FILE_STREAM = new URL('../../connectors/file-stream/package.json', import.meta.url)

interface Cluster {
  readonly workers: EmbeddedWorkers
  readonly folder: string
  /** Asks all workers until they agree on the answer. */
  agree<T>(what: string, ask: (client: ConnectClient) => Promise<T>, expected: T): Promise<void>
}

async function cluster(t: TestContext, count: number, workerProperties: Readonly<Record<string, string>> = {}): Promise<Cluster> {
  const folder = temporaryFolder(t)
  const workers = await startEmbeddedWorkers({ folder, plugins: [FILE_STREAM], workerProperties: { 'offset.flush.interval.ms': '100', ...workerProperties } })
  t.after(() => workers.close())
  for (let i = 0; i < count; i++) await workers.startWorker()
  return {
    workers,
    folder,
    async agree(what, ask, expected) {
      let last: unknown
      for (const { client, worker } of workers.workers) {
        await waitFor(
          async () => {
            last = await ask(client)
            return isDeepStrictEqual(last, expected)
          },
          { what: `${what} at ${worker.restUrl}`, describe: () => last },
        )
      }
    },
  }
}

function bootstrap({ workers }: Cluster): string {
  return `${workers.broker.host}:${workers.broker.port}`
}

/** The last one to come never leads: the first does. */
function follower({ workers }: Cluster): EmbeddedWorker {
  return workers.workers.at(-1)!
}

async function offsetsOf(client: ConnectClient, name: string): Promise<readonly ConnectorOffset[]> {
  return (await client.connectorOffsets(name)).offsets
}

describe('REST of a cluster', () => {
  it('shows and changes the offsets of a source by any worker', async (t) => {
    const parts = await cluster(t, 2)
    const { client } = follower(parts)
    const file = join(parts.folder, 'in.txt')
    writeFileSync(file, 'one\ntwo\n')
    await client.createConnector({ name: 'src', config: { 'connector.class': 'FileStreamSource', topic: 'lines', file } })
    const partition = { filename: file }
    await parts.agree('the position after both lines', (one) => offsetsOf(one, 'src'), [{ partition, offset: { position: 8 } }])
    await assert.rejects(client.resetConnectorOffsets('src'), { status: 400, message: /must be in the STOPPED state/ })
    await client.stopConnector('src')
    await parts.agree('no tasks', async (one) => (await one.connectorTasks('src')).length, 0)

    await assert.rejects(client.alterConnectorOffsets('src', [{ partition, offset: { position: 'x' } }]), {
      status: 500,
      message: "The value for the 'position' key in the offset is expected to be a Long value",
    })
    await assert.rejects(client.alterConnectorOffsets('nope', [{ partition, offset: null }]), { status: 404, message: 'Connector nope not found' })
    const altered = await client.alterConnectorOffsets('src', [{ partition, offset: { position: 4 } }])
    assert.equal(altered.message, 'The offsets for this connector have been altered successfully')
    await parts.agree('the position before the last line', (one) => offsetsOf(one, 'src'), [{ partition, offset: { position: 4 } }])
    await client.resumeConnector('src')
    await parts.agree('the last line to be read again', (one) => offsetsOf(one, 'src'), [{ partition, offset: { position: 8 } }])
    assert.deepEqual(await topicValues(bootstrap(parts), 'lines'), ['one', 'two', 'two'])

    await client.stopConnector('src')
    await waitFor(async () => (await client.resetConnectorOffsets('src').catch(() => null)) !== null, { what: 'the offsets to be reset' })
    await parts.agree('no offsets', (one) => offsetsOf(one, 'src'), [])
  })

  it('shows and changes the offsets of a sink by any worker', async (t) => {
    const parts = await cluster(t, 2)
    const { client } = follower(parts)
    const [input, output] = [join(parts.folder, 'in.txt'), join(parts.folder, 'out.txt')]
    writeFileSync(input, 'one\ntwo\n')
    await client.createConnector({ name: 'src', config: { 'connector.class': 'FileStreamSource', topic: 'lines', file: input } })
    await client.createConnector({ name: 'snk', config: { 'connector.class': 'FileStreamSink', topics: 'lines', file: output } })
    const partition = { kafka_topic: 'lines', kafka_partition: 0 }
    await parts.agree('the sink to have written both lines', (one) => offsetsOf(one, 'snk'), [{ partition, offset: { kafka_offset: 2 } }])
    await client.stopConnector('snk')
    // Its consumer may still be about to leave its group.
    const alter = () => client.alterConnectorOffsets('snk', [{ partition, offset: { kafka_offset: 1 } }]).catch(() => null)
    await waitFor(async () => (await alter()) !== null, { what: 'the offset to be altered' })
    await parts.agree('the offset of the second line', (one) => offsetsOf(one, 'snk'), [{ partition, offset: { kafka_offset: 1 } }])
    await client.resumeConnector('snk')
    await waitFor(() => readFileSync(output, 'utf8') === 'one\ntwo\ntwo\n', { what: 'the second line again', describe: () => readFileSync(output, 'utf8') })
    await client.stopConnector('snk')
    await waitFor(async () => (await client.resetConnectorOffsets('snk').catch(() => null)) !== null, { what: 'the offsets to be reset' })
    await parts.agree('no offsets', (one) => offsetsOf(one, 'snk'), [])
  })

  it("keeps a source's offsets in a topic of its own where it asks for one", async (t) => {
    const parts = await cluster(t, 2)
    const { client } = follower(parts)
    const file = join(parts.folder, 'in.txt')
    writeFileSync(file, 'one\n')
    const config = { 'connector.class': 'FileStreamSource', topic: 'lines', file, 'offsets.storage.topic': 'own-offsets' }
    await client.createConnector({ name: 'src', config })
    await parts.agree('the position', (one) => offsetsOf(one, 'src'), [{ partition: { filename: file }, offset: { position: 4 } }])
    const values = await Promise.all([0, 1, 2, 3, 4].map((partition) => topicValues(bootstrap(parts), 'own-offsets', {}, partition)))
    assert.deepEqual(values.flat().slice(-1), ['{"position":4}'])
    await client.stopConnector('src')
    await waitFor(async () => (await client.resetConnectorOffsets('src').catch(() => null)) !== null, { what: 'the offsets to be reset' })
    await parts.agree('no offsets', (one) => offsetsOf(one, 'src'), [])
  })

  it('sets the level of a logger on all workers, and forgets topics for all', async (t) => {
    const parts = await cluster(t, 2)
    const { client } = follower(parts)
    const logger = 'org.apache.kafka.connect.runtime.WorkerSourceTask'
    await client.setClusterLoggerLevel(logger, 'TRACE')
    await parts.agree('the level', async (one) => (await one.logger(logger)).level, 'TRACE')

    const file = join(parts.folder, 'in.txt')
    writeFileSync(file, 'one\n')
    await client.createConnector({ name: 'src', config: { 'connector.class': 'FileStreamSource', topic: 'lines', file } })
    await parts.agree('the topic', (one) => one.connectorTopics('src'), { src: { topics: ['lines'] } })
    await client.resetConnectorTopics('src')
    await parts.agree('no topic', (one) => one.connectorTopics('src'), { src: { topics: [] } })
  })

  it('asks for names and passwords, and hands them on to the leader', async (t) => {
    const folder = temporaryFolder(t)
    writeFileSync(join(folder, 'users'), 'ada=secret\n')
    const module = 'org.apache.kafka.connect.rest.basic.auth.extension.PropertyFileLoginModule'
    writeFileSync(join(folder, 'jaas'), `KafkaConnect { ${module} required file="${join(folder, 'users')}"; };`)
    process.env.KAFKA_OPTS = `-Djava.security.auth.login.config=${join(folder, 'jaas')}`
    t.after(() => delete process.env.KAFKA_OPTS)
    const extension = 'org.apache.kafka.connect.rest.basic.auth.extension.BasicAuthSecurityRestExtension'
    const headers = { authorization: `Basic ${Buffer.from('ada:secret').toString('base64')}` }
    const parts = await cluster(t, 0)
    for (let i = 0; i < 2; i++) await parts.workers.startWorker({ 'rest.extension.classes': extension }, headers)
    const stranger = new ConnectClient(follower(parts).worker.restUrl)
    await assert.rejects(stranger.connectors(), { status: 401, message: 'User cannot access the resource.' })
    const file = join(parts.folder, 'in.txt')
    writeFileSync(file, 'one\n')
    for (const [i, { client }] of parts.workers.workers.entries()) {
      const name = `src-${i}`
      await client.createConnector({ name, config: { 'connector.class': 'FileStreamSource', topic: 'lines', file } })
      await parts.workers.running(name, 1)
    }
  })
})
