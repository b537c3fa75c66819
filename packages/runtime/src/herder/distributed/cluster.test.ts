import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import type { ConnectorStateInfo } from '@millrace/rest-api'
import { type EmbeddedWorkers, startEmbeddedWorkers, temporaryFolder, waitFor } from '@millrace/testing'

const PLUGINS = [new URL('../../testing-plugins/package.json', import.meta.url)]

async function workers(t: TestContext, count: number, workerProperties: Readonly<Record<string, string>> = {}): Promise<EmbeddedWorkers> {
  const cluster = await startEmbeddedWorkers({ folder: temporaryFolder(t), plugins: PLUGINS, workerProperties })
  t.after(() => cluster.close())
  await Promise.all(Array.from({ length: count }, () => cluster.startWorker()))
  return cluster
}

function source(name: string, tasks: number, more: Readonly<Record<string, string>> = {}) {
  return { name, config: { 'connector.class': 'MisbehavingSource', topic: `topic-${name}`, 'tasks.max': String(tasks), ...more } }
}

/** Where everything runs: each connector and task with its worker. */
function places({ name, connector, tasks }: ConnectorStateInfo): Record<string, string> {
  return { [name]: connector.worker_id, ...Object.fromEntries(tasks.map(({ id, worker_id }) => [`${name}-${id}`, worker_id])) }
}

describe('workers of a cluster', () => {
  it('share out what was created on any of them, evenly', async (t) => {
    const cluster = await workers(t, 3)
    for (const [index, { client }] of cluster.workers.entries()) {
      const info = await client.createConnector(source(`c${index}`, 3))
      assert.deepEqual([info.name, info.tasks, info.type], [`c${index}`, [], 'source'])
    }
    const statuses = await Promise.all([0, 1, 2].map((index) => cluster.running(`c${index}`, 3)))
    const byWorker = new Map<string, number>()
    for (const status of statuses) for (const worker of Object.values(places(status))) byWorker.set(worker, (byWorker.get(worker) ?? 0) + 1)
    assert.deepEqual([...byWorker.values()], [4, 4, 4])
    // Every worker tells the same, progress of tasks that run elsewhere included.
    for (const { client } of cluster.workers) {
      await waitFor(async () => (await client.connectorStatus('c0')).tasks.every(({ millrace }) => (millrace?.ledger.read ?? 0) > 0), {
        what: 'the progress of all tasks',
      })
    }
  })
})
