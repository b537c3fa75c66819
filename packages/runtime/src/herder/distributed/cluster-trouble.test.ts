import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { startBrokerThread } from '@millrace/broker'
import { Consumer, silentLogger } from '@millrace/kafka'
import { type EmbeddedWorkers, type EmbeddedWorkersOptions, startEmbeddedWorkers, temporaryFolder, waitFor } from '@millrace/testing'

const PLUGINS = [new URL('../../testing-plugins/package.json', import.meta.url)]

/** A cluster for all tests of a group. */
function useCluster(options: Omit<EmbeddedWorkersOptions, 'folder' | 'plugins'> = {}): { cluster: EmbeddedWorkers; folder: string } {
  const cleanUps: (() => void | Promise<void>)[] = []
  const used = {} as { cluster: EmbeddedWorkers; folder: string }
  before(async () => {
    used.folder = temporaryFolder({ after: (cleanUp) => void cleanUps.push(cleanUp) })
    used.cluster = await startEmbeddedWorkers({ folder: used.folder, plugins: PLUGINS, ...options })
    await used.cluster.startWorker()
  })
  after(async () => {
    await used.cluster.close()
    for (const cleanUp of cleanUps) await cleanUp()
  })
  return used
}

function config(name: string, more: Readonly<Record<string, string>> = {}) {
  return { name, 'connector.class': 'MisbehavingSource', topic: `topic-${name}`, 'tasks.max': '1', 'poll.interval.ms': '20', ...more }
}

async function failed(cluster: EmbeddedWorkers, name: string): Promise<string> {
  const found = await waitFor(
    async () => {
      const status = await cluster.client.connectorStatus(name).catch(() => null)
      return status?.connector.state === 'FAILED' ? status : null
    },
    { what: `connector ${name} to fail` },
  )
  return found.connector.trace ?? ''
}

describe('a cluster with connectors in trouble', () => {
  const used = useCluster({ workerProperties: { 'connect.protocol': 'compatible' } })

  it('fails a connector that makes more tasks than it may, and its tasks, unless that is allowed', async () => {
    const { cluster } = used
    const { client } = cluster
    const said = /The connector many has generated 2 tasks, which is greater than 1, the maximum number of tasks it is configured to create\./
    await client.createConnector({ name: 'many', config: config('many', { 'tasks.count': '2' }) })
    assert.match(await failed(cluster, 'many'), said)
    assert.deepEqual((await client.connectorStatus('many')).tasks, [])

    await client.putConnectorConfig('many', config('many', { 'tasks.count': '2', 'tasks.max.enforce': 'false' }))
    await cluster.running('many', 2)
    // Those that there are may not go on, either, when they are started the next time.
    await client.putConnectorConfig('many', config('many', { 'tasks.count': '2' }))
    assert.match(await failed(cluster, 'many'), said)
    await assert.rejects(client.restartTask('many', 1), { message: 'Failed to start task: many-1' })
    const task = await waitFor(
      async () => {
        const status = await client.taskStatus('many', 1)
        return status.state === 'FAILED' ? status : null
      },
      { what: 'the task to fail' },
    )
    assert.match(task.trace ?? '', said)

    await client.putConnectorConfig('many', config('many', { 'tasks.count': '3', 'tasks.max': '3' }))
    await cluster.running('many', 3)
    await client.deleteConnector('many')
  })

  it('stops a connector that has failed, and tells when it fails again', async () => {
    const { cluster } = used
    const { client } = cluster
    await client.createConnector({ name: 'fails', config: config('fails', { behaviour: 'connector-start throw' }) })
    await failed(cluster, 'fails')
    await client.stopConnector('fails')
    const isStopped = async () => (await client.connectorStatus('fails')).connector.state === 'STOPPED'
    await waitFor(isStopped, { what: 'the connector to be stopped' })
    assert.deepEqual(await client.connectorTasks('fails'), [])
    await client.resumeConnector('fails')
    assert.match(await failed(cluster, 'fails'), /the external system is on fire/)
    await client.stopConnector('fails')
    await waitFor(isStopped, { what: 'the connector to be stopped again' })
    await client.putConnectorConfig('fails', config('fails'))
    await client.resumeConnector('fails')
    await cluster.running('fails', 1)
    await client.deleteConnector('fails')
  })

  it('changes no offsets of a sink while somebody is in its group, and says why', async (t) => {
    const { cluster } = used
    const { client, broker } = cluster
    await client.createConnector({ name: 'fills', config: config('fills', { topic: 'taken' }) })
    await client.createConnector({ name: 'takes', config: { 'connector.class': 'MisbehavingSink', topics: 'taken', 'tasks.max': '1' } })
    await waitFor(async () => (await client.connectorOffsets('takes')).offsets.length > 0, { what: 'an offset', deadlineMs: 30_000 })
    await client.stopConnector('takes')
    await waitFor(async () => (await client.connectorStatus('takes')).connector.state === 'STOPPED', { what: 'the sink to be stopped' })
    const zombie = new Consumer({ 'bootstrap.servers': `${broker.host}:${broker.port}`, 'group.id': 'connect-takes' }, { logger: silentLogger })
    t.after(() => zombie.close())
    zombie.subscribe({ topics: ['taken'] }, { assigned() {}, revoked() {}, lost() {} })
    await waitFor(
      async () => {
        await zombie.poll(50)
        return zombie.assignment().length > 0
      },
      { what: 'the zombie to be in the group', intervalMs: 0 },
    )
    const change = { partition: { kafka_topic: 'taken', kafka_partition: 0 }, offset: { kafka_offset: 1 } }
    const refusal = (verb: string) => ({
      status: 500,
      message: new RegExp(`^Failed to ${verb} consumer group offsets for connector takes either because its tasks`),
    })
    await assert.rejects(client.alterConnectorOffsets('takes', [change]), refusal('alter'))
    await assert.rejects(client.resetConnectorOffsets('takes'), refusal('reset'))
    await zombie.close()
    await client.alterConnectorOffsets('takes', [change])
    assert.deepEqual((await client.connectorOffsets('takes')).offsets, [change])
    for (const name of ['takes', 'fills']) await client.deleteConnector(name)
  })

  it('takes task configurations without a signature in the protocol that has none', async () => {
    const { client, workers } = used.cluster
    await client.createConnector({ name: 'unsigned', config: config('unsigned', { 'tasks.max': '2', 'tasks.count': '1' }) })
    await used.cluster.running('unsigned', 1)
    const body = JSON.stringify([
      { task: '0', topic: 'a' },
      { task: '1', topic: 'b' },
    ])
    const answer = await fetch(`${workers[0]?.worker.restUrl}/connectors/unsigned/tasks`, { method: 'POST', body })
    assert.equal(answer.status, 204, await answer.text())
    await used.cluster.running('unsigned', 2)
    await client.deleteConnector('unsigned')
  })

  it('goes on where it was when its broker comes back', async (t) => {
    const { cluster, folder } = used
    const { client, broker } = cluster
    await client.createConnector({ name: 'goes-on', config: config('goes-on') })
    await cluster.running('goes-on', 1)
    const last = async (): Promise<number> => Number((await client.connectorOffsets('goes-on').catch(() => null))?.offsets[0]?.offset?.last ?? 0)
    await waitFor(async () => (await last()) > 0, { what: 'its first offset' })
    await broker.close()
    const isNoticed = () => cluster.workers[0]?.log.some(({ message }) => message.includes('ECONNREFUSED'))
    await waitFor(isNoticed, {
      what: 'the worker to notice',
      deadlineMs: 20_000,
      describe: () => cluster.workers[0]?.log.slice(-20).map(({ message }) => message),
    })
    const again = await startBrokerThread({ port: broker.port, dataDir: join(folder, 'broker'), logger: silentLogger })
    t.after(async () => {
      for (const { worker } of [...cluster.workers]) await worker.stop()
      await again.close()
    })
    const before = await waitFor(last, { what: 'offsets to be read again', deadlineMs: 30_000 })
    await waitFor(async () => (await last()) > before, { what: 'newer offsets', deadlineMs: 30_000 })
    await cluster.running('goes-on', 1)
    await client.createConnector({ name: 'new', config: config('new') })
    await cluster.running('new', 1)
  })
})

describe('a cluster in which nobody creates topics', () => {
  const used = useCluster({ workerProperties: { 'topic.creation.enable': 'false' }, brokerProperties: { 'auto.create.topics.enable': 'false' } })

  it('deletes a source whose topic is not there in the time that a task has to stop', async () => {
    const { cluster } = used
    await cluster.client.createConnector({ name: 'waits', config: config('waits') })
    await cluster.running('waits', 1)
    const begun = performance.now()
    await cluster.client.deleteConnector('waits')
    const isGone = () =>
      cluster.client.connectorStatus('waits').then(
        () => false,
        () => true,
      )
    await waitFor(isGone, { what: 'its state to be gone' })
    const tookMs = performance.now() - begun
    // Its records wait for the topic as long as a task may take to stop, and are not committed.
    assert.ok(tookMs < 15_000, `${tookMs} ms`)
    assert.deepEqual(await cluster.client.connectors(), [])
  })
})

describe('a worker whose task hangs for longer than a session', () => {
  const used = useCluster({
    workerProperties: { 'session.timeout.ms': '1000', 'millrace.task.hang.timeout.ms': '3000' },
    brokerProperties: { 'group.min.session.timeout.ms': '500' },
  })

  it('stays in its group: heartbeats come from another thread', async () => {
    const { cluster } = used
    await cluster.client.createConnector({ name: 'hangs', config: config('hangs', { behaviour: 'poll hang' }) })
    const hasFailed = async () => (await cluster.client.connectorStatus('hangs').catch(() => null))?.tasks[0]?.state === 'FAILED'
    await waitFor(hasFailed, { what: 'the task to be ended', deadlineMs: 30_000 })
    const outOfGroup = cluster.workers[0]?.log.filter(({ message }) => /out of its group|UNKNOWN_MEMBER_ID/.test(message)).map(({ message }) => message)
    assert.deepEqual(outOfGroup, [])
  })
})
