import assert from 'node:assert/strict'
import { after, afterEach, before, describe, it, type TestContext } from 'node:test'
import type { ConnectorStateInfo, RebalanceEvent, RebalanceTimelineInfo } from '@millrace/rest-api'
import { type EmbeddedWorker, type EmbeddedWorkers, startEmbeddedWorkers, temporaryFolder, waitFor } from '@millrace/testing'

const PLUGINS = [new URL('../../testing-plugins/package.json', import.meta.url)]

async function workers(t: TestContext, count: number, workerProperties: Readonly<Record<string, string>> = {}): Promise<EmbeddedWorkers> {
  const cluster = await startEmbeddedWorkers({ folder: temporaryFolder(t), plugins: PLUGINS, workerProperties })
  t.after(() => cluster.close())
  await Promise.all(Array.from({ length: count }, () => cluster.startWorker()))
  return cluster
}

function source(name: string, tasks: number, more: Readonly<Record<string, string>> = {}) {
  return { name, config: { 'connector.class': 'MisbehavingSource', topic: `topic-${name}`, 'tasks.max': String(tasks), 'poll.interval.ms': '100', ...more } }
}

/** Where everything runs: each connector and task with its worker. */
function places({ name, connector, tasks }: ConnectorStateInfo): Record<string, string> {
  return { [name]: connector.worker_id, ...Object.fromEntries(tasks.map(({ id, worker_id }) => [`${name}-${id}`, worker_id])) }
}

async function rebalances({ worker }: EmbeddedWorker): Promise<readonly RebalanceEvent[]> {
  const answer = await fetch(`${worker.restUrl}/millrace/rebalances`)
  return ((await answer.json()) as RebalanceTimelineInfo).rebalances
}

async function leader(cluster: EmbeddedWorkers): Promise<EmbeddedWorker> {
  const url = (await rebalances(cluster.workers[0] as EmbeddedWorker)).at(-1)?.leader_url
  const found = cluster.workers.find(({ worker }) => `${worker.restUrl}/` === url)
  assert.ok(found !== undefined, `nobody is ${url}`)
  return found
}

async function followers(cluster: EmbeddedWorkers): Promise<readonly EmbeddedWorker[]> {
  const leads = await leader(cluster)
  return cluster.workers.filter((worker) => worker !== leads)
}

/** What was taken from a worker that had it, by the leader's timeline. */
async function taken(cluster: EmbeddedWorkers): Promise<readonly string[]> {
  const events = await rebalances(await leader(cluster))
  return events.flatMap(({ moved }) =>
    moved.filter(({ from }) => from !== null).map(({ connector, task }) => (task === undefined ? connector : `${connector}-${task}`)),
  )
}

describe('three workers of a cluster', () => {
  let cluster: EmbeddedWorkers
  const cleanUps: (() => void | Promise<void>)[] = []

  before(async () => {
    const folder = temporaryFolder({ after: (cleanUp) => void cleanUps.push(cleanUp) })
    cluster = await startEmbeddedWorkers({ folder, plugins: PLUGINS })
    await Promise.all([1, 2, 3].map(() => cluster.startWorker()))
  })

  after(async () => {
    await cluster.close()
    for (const cleanUp of cleanUps) await cleanUp()
  })

  afterEach(async () => {
    const names = await cluster.client.connectors()
    for (const name of names) await cluster.client.deleteConnector(name)
    const isGone = async (client: EmbeddedWorker['client'], name: string): Promise<boolean> =>
      client.connectorStatus(name).then(
        () => false,
        (error: { status: number }) => error.status === 404,
      )
    for (const { client } of cluster.workers)
      await waitFor(async () => (await client.connectors()).length === 0 && (await Promise.all(names.map((name) => isGone(client, name)))).every(Boolean), {
        what: 'the connectors and their states to be gone',
      })
  })

  it('share out what was created on any of them, evenly, and all tell the same', async () => {
    for (const [index, { client }] of cluster.workers.entries()) {
      const info = await client.createConnector(source(`c${index}`, 3))
      assert.deepEqual([info.name, info.tasks, info.type], [`c${index}`, [], 'source'])
    }
    const statuses = await Promise.all([0, 1, 2].map((index) => cluster.running(`c${index}`, 3)))
    const byWorker = new Map<string, number>()
    for (const status of statuses) for (const worker of Object.values(places(status))) byWorker.set(worker, (byWorker.get(worker) ?? 0) + 1)
    assert.deepEqual([...byWorker.values()], [4, 4, 4])
    for (const { client } of cluster.workers) {
      await waitFor(async () => (await client.connectorStatus('c0')).tasks.every(({ millrace }) => (millrace?.ledger.read ?? 0) > 0), {
        what: 'the progress of all tasks, wherever they run',
      })
      assert.deepEqual([...(await client.connectors())].sort(), ['c0', 'c1', 'c2'])
    }
  })

  it('never stop the tasks of one connector because another is created, changed or deleted', async () => {
    await cluster.client.createConnector(source('stays', 6))
    const before = places(await cluster.running('stays', 6))
    await cluster.client.createConnector(source('other', 3))
    await cluster.running('other', 3)
    await cluster.client.putConnectorConfig('other', { ...source('other', 2).config, name: 'other' })
    await cluster.running('other', 2)
    await cluster.client.deleteConnector('other')
    await waitFor(async () => (await cluster.client.connectors()).length === 1, { what: 'the connector to be gone' })
    await cluster.client.createConnector(source('third', 3))
    await cluster.running('third', 3)
    assert.deepEqual(places(await cluster.running('stays', 6)), before)
    assert.deepEqual(
      (await taken(cluster)).filter((piece) => piece.startsWith('stays')),
      [],
    )
  })

  it('answer requests of the leader and of owners on any worker', async () => {
    const [asked] = (await followers(cluster)) as [EmbeddedWorker]
    assert.equal((await asked.client.createConnector(source('c', 2))).name, 'c')
    await cluster.running('c', 2)
    // Of two owners at least one is not the worker that was asked.
    for (const { client } of [asked, await leader(cluster)]) {
      await client.restartConnector('c')
      for (const task of [0, 1]) await client.restartTask('c', task)
      const restarted = await client.restartConnector('c', { includeTasks: true })
      assert.deepEqual([restarted?.connector.state, restarted?.tasks.map(({ state }) => state)], ['RESTARTING', ['RESTARTING', 'RESTARTING']])
      await cluster.running('c', 2)
    }
    await assert.rejects(asked.client.createConnector(source('c', 1)), { status: 409, message: 'Connector c already exists' })
    await assert.rejects(asked.client.restartConnector('nope'), { status: 404, message: 'Unknown connector: nope' })
    await assert.rejects(asked.client.restartConnector('nope', { includeTasks: true }), { status: 404, message: 'Unknown connector: nope' })
    await assert.rejects(asked.client.restartTask('c', 9), { status: 404, message: 'Unknown task: c-9' })
    await assert.rejects(asked.client.deleteConnector('nope'), { status: 404, message: 'Connector nope not found' })
    await assert.rejects(asked.client.stopConnector('nope'), { status: 404, message: 'Unknown connector nope' })
    await asked.client.deleteConnector('c')
    await waitFor(async () => (await asked.client.connectors()).length === 0, { what: 'the connector to be gone' })
    for (const { client } of cluster.workers) {
      await waitFor(
        () =>
          client.connectorStatus('c').then(
            () => false,
            (error: { status: number }) => error.status === 404,
          ),
        { what: 'its status to be gone' },
      )
    }
  })

  it('tell where a forwarded connector was created by the address that was asked', async () => {
    const [asked] = (await followers(cluster)) as [EmbeddedWorker]
    const answer = await fetch(`${asked.worker.restUrl}/connectors`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(source('a c/é', 1)),
    })
    assert.deepEqual([answer.status, answer.headers.get('location')], [201, `${asked.worker.restUrl}/connectors/a%20c/%C3%A9`])
    await cluster.running('a c/é', 1)
    await asked.client.deleteConnector('a c/é')
  })

  it('refuse a request that was handed on twice', async () => {
    const [asked] = (await followers(cluster)) as [EmbeddedWorker]
    const answer = await fetch(`${asked.worker.restUrl}/connectors/c?forward=false`, { method: 'DELETE' })
    assert.deepEqual(
      [answer.status, await answer.json()],
      [409, { error_code: 409, message: 'Cannot complete request because of a conflicting operation (e.g. worker rebalance)' }],
    )
  })

  it('pause, resume and stop connectors everywhere', async () => {
    const last = cluster.workers.at(-1) as EmbeddedWorker
    await last.client.createConnector(source('c', 3))
    await cluster.running('c', 3)
    await last.client.pauseConnector('c')
    const states = async (): Promise<readonly string[]> => {
      const { connector, tasks } = await cluster.client.connectorStatus('c')
      return [connector.state, ...tasks.map(({ state }) => state)]
    }
    await waitFor(async () => (await states()).join() === 'PAUSED,PAUSED,PAUSED,PAUSED', { what: 'all to be paused', describe: states })
    await last.client.resumeConnector('c')
    await cluster.running('c', 3)
    await last.client.stopConnector('c')
    await waitFor(async () => (await states()).join() === 'STOPPED', { what: 'the connector to be stopped', describe: states })
    assert.deepEqual(await last.client.connectorTasks('c'), [])
    await last.client.resumeConnector('c')
    await cluster.running('c', 3)
  })

  it('show a connector whose task configurations fail as running without tasks, and make up for it', async () => {
    await assert.rejects(cluster.client.createConnector(source('c', 1, { 'tasks.max': '0' })), { status: 400 })
    await cluster.client.createConnector(source('c', 1, { behaviour: 'connector-start throw' }))
    const status = await waitFor(
      async () => {
        const found = await cluster.client.connectorStatus('c').catch(() => null)
        return found?.connector.state === 'FAILED' ? found : null
      },
      { what: 'the connector to fail' },
    )
    assert.match(status.connector.trace ?? '', /the external system is on fire/)
    // Whoever is asked: the worker that ran it tells why.
    for (const { client } of cluster.workers) {
      const { root_cause, hint, where } = (await client.connectorStatus('c')).connector.millrace?.failure ?? {}
      assert.deepEqual([root_cause, hint, where], ['the external system is on fire', 'MR-6002', { connector: 'c', stage: 'start' }])
    }
    await cluster.client.putConnectorConfig('c', { ...source('c', 2).config, name: 'c' })
    await cluster.running('c', 2)
  })

  it('tell why a task failed, whichever of them is asked', async () => {
    await cluster.client.createConnector(source('c', 2, { behaviour: 'poll throw' }))
    for (const { client } of cluster.workers) {
      const tasks = await waitFor(
        async () => {
          const found = (await client.connectorStatus('c').catch(() => null))?.tasks ?? []
          return found.length === 2 && found.every(({ state, millrace }) => state === 'FAILED' && millrace?.failure !== undefined) && found
        },
        { what: 'both tasks to fail' },
      )
      for (const { id, trace, millrace } of tasks) {
        assert.deepEqual(millrace?.failure?.where, { connector: 'c', task: id, stage: 'poll' })
        assert.match(
          trace ?? '',
          /^the external system is on fire \[MR-6002\]\nat connector "c", task \d, poll\nTry: .*\nError: the external system is on fire\n\tat /,
        )
      }
    }
  })

  it('refuse unsigned requests for internal endpoints', async () => {
    for (const [method, path, body] of [
      ['POST', '/connectors/c/tasks', '[]'],
      ['PUT', '/connectors/c/fence', null],
      ['POST', '/millrace/progress', '{"connectors":[],"tasks":[]}'],
    ] as const) {
      const answer = await fetch(`${cluster.workers[0]?.worker.restUrl}${path}`, { method, body })
      assert.deepEqual([path, answer.status, await answer.json()], [path, 400, { error_code: 400, message: 'Internal request missing required signature' }])
    }
  })
})

describe('workers of a cluster that changes', () => {
  it('take over the work of one that leaves, and give some to one that joins', async (t) => {
    const cluster = await workers(t, 2)
    await cluster.client.createConnector(source('c', 4))
    await cluster.running('c', 4)
    const third = await cluster.startWorker()
    await waitFor(
      async () => {
        const status = await third.client.connectorStatus('c')
        const owners = new Set(Object.values(places(status)))
        return status.tasks.every(({ state }) => state === 'RUNNING') && owners.size === 3
      },
      { what: 'the third worker to have a share' },
    )
    // The one that leaves is the leader, so that another has to become one.
    const leads = await leader(cluster)
    await cluster.stopWorker(leads)
    await waitFor(async () => !Object.values(places(await cluster.running('c', 4))).includes(leads.worker.workerId), { what: 'its work to be taken over' })
  })

  it('keep connectors, states and wishes over a restart of all of them', async (t) => {
    const cluster = await workers(t, 2)
    await cluster.client.createConnector(source('runs', 2))
    await cluster.client.createConnector({ ...source('paused', 1), initial_state: 'PAUSED' })
    await cluster.client.createConnector({ ...source('stopped', 1), initial_state: 'STOPPED' })
    await cluster.running('runs', 2)
    for (const worker of [...cluster.workers]) await cluster.stopWorker(worker)
    const { client } = await cluster.startWorker()
    await cluster.running('runs', 2)
    const state = async (name: string): Promise<string> => (await client.connectorStatus(name)).connector.state
    await waitFor(async () => (await state('paused')) === 'PAUSED' && (await state('stopped')) === 'STOPPED', { what: 'the wishes to be known again' })
  })

  for (const protocol of ['eager', 'compatible']) {
    it(`share out, change and hand on by the protocol ${protocol}`, async (t) => {
      const cluster = await workers(t, 2, { 'connect.protocol': protocol })
      for (const { client } of cluster.workers) await client.createConnector(source(`c${client === cluster.client}`, 2))
      await cluster.running('ctrue', 2)
      await cluster.running('cfalse', 2)
      for (const { client } of cluster.workers) {
        await client.putConnectorConfig('ctrue', { ...source('ctrue', client === cluster.client ? 3 : 4).config, name: 'ctrue' })
        await cluster.running('ctrue', client === cluster.client ? 3 : 4)
      }
      await cluster.client.deleteConnector('ctrue')
      await cluster.running('cfalse', 2)
    })
  }
})
