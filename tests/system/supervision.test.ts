import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { Consumer, silentLogger } from '@millrace/kafka'
import type { ConnectorStateInfo, TaskActivity, TaskInstanceState } from '@millrace/rest-api'
import { type EmbeddedCluster, type EmbeddedWorkers, startEmbeddedCluster, startEmbeddedWorkers, temporaryFolder, waitFor } from '@millrace/testing'
import { LineTarget } from './line-target.ts'

const PLUGINS = new URL('../../packages/runtime/src/testing-plugins/package.json', import.meta.url)

const SOURCE = {
  'connector.class': 'test.MisbehavingSourceConnector',
  topic: 'numbers',
  'poll.interval.ms': '20',
}
const QUICKLY = { 'millrace.restart.enable': 'true', 'millrace.restart.delay.ms': '50', 'millrace.restart.delay.max.ms': '100', 'millrace.restart.max': '100' }

let cluster: EmbeddedCluster
const folder = temporaryFolder({ after })

before(async () => {
  cluster = await startEmbeddedCluster({
    folder,
    plugins: [PLUGINS],
    workerProperties: { 'task.shutdown.graceful.timeout.ms': '500', 'offset.flush.interval.ms': '100' },
  })
})

after(() => cluster.close())

/** Removes the connector when the test is over. */
async function create(t: { after(action: () => Promise<void>): void }, name: string, config: Record<string, string>): Promise<void> {
  await cluster.client.createConnector({ name, config: { name, ...config } })
  t.after(() => cluster.client.deleteConnector(name))
}

/** Waits for a status of the connector. */
async function untilStatus(name: string, what: string, isSo: (status: ConnectorStateInfo) => boolean): Promise<ConnectorStateInfo> {
  return waitFor(
    async () => {
      const status = await cluster.client.connectorStatus(name)
      return isSo(status) ? status : null
    },
    { what, describe: () => cluster.describe(name) },
  )
}

async function untilTask(name: string, what: string, isSo: (task: TaskInstanceState) => boolean): Promise<TaskInstanceState> {
  const status = await untilStatus(name, what, ({ tasks }) => tasks[0] !== undefined && isSo(tasks[0]))
  return status.tasks[0]!
}

async function untilActivity(name: string, state: TaskActivity['state']): Promise<TaskActivity> {
  return (await untilTask(name, `the task to be ${state}`, ({ millrace }) => millrace?.activity.state === state)).millrace!.activity
}

describe('a task that fails', () => {
  it('begins again as soon as the other system is back, and its status tells that it will', async (t) => {
    const file = join(folder, 'away')
    writeFileSync(file, '')
    await create(t, 'away', { ...SOURCE, ...QUICKLY, behaviour: 'start away', fifo: file, 'millrace.restart.reset.after.ms': '300' })
    const failed = await untilTask(
      'away',
      'a restart to be due',
      ({ millrace }) => (millrace?.restarts?.attempts ?? 0) >= 2 && millrace?.restarts?.next_at !== null,
    )
    assert.deepEqual(
      { ...failed.millrace?.restarts, attempts: 0, next_at: '' },
      {
        enabled: true,
        attempts: 0,
        max: 100,
        next_at: '',
        given_up: false,
        last_cause: 'the external system is away',
      },
    )
    rmSync(file)
    const running = await untilTask('away', 'the task to run', ({ state, millrace }) => state === 'RUNNING' && (millrace?.ledger.written ?? 0) > 0)
    assert.equal(running.millrace?.restarts?.next_at, null)
    await untilTask('away', 'earlier restarts to be forgotten', ({ millrace }) => millrace?.restarts?.attempts === 0)
  })

  it('stays FAILED where restarts are not enabled', async (t) => {
    await create(t, 'off', { ...SOURCE, behaviour: 'start throw' })
    const task = await untilTask('off', 'the task to be FAILED', ({ state }) => state === 'FAILED')
    assert.equal(task.millrace?.activity.state, 'failed')
    assert.equal(task.millrace?.restarts, undefined)
  })

  it('is not restarted beyond the maximum, and begins anew when somebody restarts it', async (t) => {
    const file = join(folder, 'given-up')
    writeFileSync(file, '')
    await create(t, 'given-up', { ...SOURCE, ...QUICKLY, behaviour: 'start away', fifo: file, 'millrace.restart.max': '2' })
    await untilTask('given-up', 'restarts to be given up', ({ millrace }) => millrace?.restarts?.given_up === true)
    rmSync(file)
    await cluster.client.restartTask('given-up', 0)
    const task = await untilTask('given-up', 'the task to run', ({ state, millrace }) => state === 'RUNNING' && millrace !== undefined)
    assert.deepEqual([task.millrace?.restarts?.attempts, task.millrace?.restarts?.given_up], [0, false])
  })

  it('waits while its connector is paused', async (t) => {
    const file = join(folder, 'paused')
    writeFileSync(file, '')
    await create(t, 'held', { ...SOURCE, ...QUICKLY, behaviour: 'start away', fifo: file })
    await untilTask('held', 'a first restart', ({ millrace }) => (millrace?.restarts?.attempts ?? 0) > 0)
    await cluster.client.pauseConnector('held')
    await untilStatus('held', 'the connector to be PAUSED', ({ connector }) => connector.state === 'PAUSED')
    await untilTask('held', 'no restart to be due', ({ millrace }) => millrace?.restarts?.next_at === null)
    rmSync(file)
    await cluster.client.resumeConnector('held')
    await untilTask('held', 'the task to run', ({ state }) => state === 'RUNNING')
  })
})

describe('a connector that fails', () => {
  it('begins again, and its tasks with it', async (t) => {
    const file = join(folder, 'connector')
    writeFileSync(file, '')
    // The request is answered with the failure, as in the original; the connector is there all the same.
    await assert.rejects(create(t, 'starting', { ...SOURCE, ...QUICKLY, behaviour: 'connector-start away', fifo: file }))
    t.after(() => cluster.client.deleteConnector('starting'))
    await untilStatus('starting', 'a restart', ({ connector }) => (connector.millrace?.restarts?.attempts ?? 0) > 0)
    rmSync(file)
    const { connector } = await untilStatus(
      'starting',
      'the connector and its task to run',
      ({ connector: its, tasks }) => its.state === 'RUNNING' && tasks[0]?.state === 'RUNNING',
    )
    assert.equal(connector.millrace?.activity?.state, 'running')
  })

  it('is told to have stalled where start does not return, and fails where that is wanted', async (t) => {
    const creating = create(t, 'hung', {
      ...SOURCE,
      behaviour: 'connector-start never-return',
      'millrace.stall.timeout.ms': '300',
      'millrace.stall.action': 'fail',
    })
    await assert.rejects(creating, /start\(\) has not returned for/)
    t.after(() => cluster.client.deleteConnector('hung'))
    const { connector } = await cluster.client.connectorStatus('hung')
    assert.equal(connector.state, 'FAILED')
    assert.match(connector.trace ?? '', /The connector has stalled \(millrace\.stall\.action=fail\): start\(\) has not returned/)
  })

  it('warns where it runs with zero tasks', async (t) => {
    await create(t, 'idle', { ...SOURCE, 'tasks.count': '0' })
    const { connector } = await untilStatus('idle', 'a warning', ({ connector: its }) => (its.millrace?.warnings ?? []).length > 0)
    assert.equal(connector.state, 'RUNNING')
    assert.match(connector.millrace?.warnings?.[0] ?? '', /^It runs with zero tasks, so nothing is copied: its taskConfigs\(\) returned none\./)
  })
})

describe('a task that stalls', () => {
  it('says so, and runs on for old clients', async (t) => {
    await create(t, 'stalled', { ...SOURCE, behaviour: 'poll never-return', 'millrace.stall.timeout.ms': '300' })
    const task = await untilTask('stalled', 'the task to be stalled', ({ millrace }) => millrace?.activity.state === 'stalled')
    assert.equal(task.state, 'RUNNING')
    assert.deepEqual([task.millrace?.activity.stall?.reason, task.millrace?.activity.stall?.call], ['call', 'poll'])
    assert.match(task.millrace?.activity.detail ?? '', /^poll\(\) has not returned for \d+ s$/)
  })

  it('is seen from outside where a synchronous call holds its thread', async (t) => {
    await create(t, 'holding', { ...SOURCE, behaviour: 'poll hang', 'millrace.stall.timeout.ms': '2000' })
    const task = await untilTask('holding', 'the task to be stalled', ({ millrace }) => millrace?.activity.state === 'stalled')
    assert.deepEqual([task.state, task.millrace?.activity.stall?.call], ['RUNNING', 'poll'])
    assert.match(task.millrace?.activity.detail ?? '', /^poll\(\) has held its thread for \d+ s: nothing else runs there$/)
  })

  it('fails where that is wanted', async (t) => {
    await create(t, 'silent', { ...SOURCE, behaviour: 'poll nothing', 'millrace.stall.timeout.ms': '2000', 'millrace.stall.action': 'fail' })
    const { trace } = await untilTask('silent', 'the task to be FAILED', ({ state }) => state === 'FAILED')
    assert.match(trace ?? '', /The task has stalled \(millrace\.stall\.action=fail\): The source says that it has more, and has yielded nothing for/)
  })

  it('begins again where that is wanted, FAILED in between', async (t) => {
    await create(t, 'again', {
      ...SOURCE,
      behaviour: 'poll never-return',
      'millrace.stall.timeout.ms': '2000',
      'millrace.stall.action': 'restart',
      'millrace.restart.delay.ms': '50',
    })
    const task = await untilTask('again', 'a second restart', ({ millrace }) => (millrace?.restarts?.attempts ?? 0) >= 2)
    assert.equal(task.millrace?.restarts?.enabled, false)
    assert.match(task.millrace?.restarts?.last_cause ?? '', /has stalled/)
  })
})

describe('a sink whose target changes', () => {
  it('is idle, gathers, writes, is blocked, stalls and retries as its target lets it', async (t) => {
    const target = new LineTarget()
    const port = await target.start(0)
    t.after(() => target.stop())
    await create(t, 'feed', { ...SOURCE, topic: 'targets', 'poll.interval.ms': '400' })
    await create(t, 'target', {
      'connector.class': 'test.TargetSinkConnector',
      topics: 'targets',
      'target.port': String(port),
      'consumer.override.auto.offset.reset': 'earliest',
      'millrace.stall.timeout.ms': '3000',
    })
    await untilTask('target', 'records to be written', ({ millrace }) => (millrace?.ledger.written ?? 0) > 0)
    assert.ok(target.lines.length > 0)

    target.isFrozen = true
    const blocked = await untilActivity('target', 'blocked')
    assert.match(blocked.detail, /^In put\(\) for \d+ s$/)
    const stalled = await untilActivity('target', 'stalled')
    assert.equal(stalled.stall?.call, 'put')
    target.thaw()
    await untilActivity('target', 'running')

    await target.stop()
    const retrying = await untilActivity('target', 'retrying')
    assert.match(retrying.retry?.cause ?? '', /ECONNREFUSED|ECONNRESET|EPIPE|closed the connection/)
    assert.notEqual(retrying.retry?.next_at, null)
    const behind = await untilTask('target', 'seconds of lag', ({ millrace }) => (millrace?.lag_seconds ?? 0) >= 1)
    assert.equal(behind.state, 'RUNNING')

    await target.start(port)
    await cluster.client.pauseConnector('feed')
    const idle = await untilActivity('target', 'idle')
    assert.match(idle.detail, /^Nothing to read/)
    await untilTask('target', 'no lag', ({ millrace }) => millrace?.lag_seconds === 0)
  })

  it('waits for a batch, and says of how many records it has how many', async (t) => {
    const target = new LineTarget()
    const port = await target.start(0)
    t.after(() => target.stop())
    await create(t, 'few', { ...SOURCE, topic: 'few', 'poll.interval.ms': '200' })
    await create(t, 'gatherer', {
      'connector.class': 'test.TargetSinkConnector',
      topics: 'few',
      'target.port': String(port),
      'gather.records': '1000000',
      'gather.ms': '60000',
      'consumer.override.auto.offset.reset': 'earliest',
    })
    const waiting = await untilActivity('gatherer', 'waiting_for_batch')
    assert.ok((waiting.batch?.records ?? 0) > 0)
    assert.equal(waiting.batch?.of, 1_000_000)
    assert.match(waiting.detail, /^\d+ of 1000000 records, until 2\d\d\d-/)
  })
})

describe('in a cluster', () => {
  let workers: EmbeddedWorkers
  const clusterFolder = temporaryFolder({ after })

  before(async () => {
    workers = await startEmbeddedWorkers({ folder: clusterFolder, plugins: [PLUGINS] })
    await workers.startWorker()
    await workers.startWorker()
  })
  after(() => workers.close())

  it('what fails is restarted by whom it belongs to, and any worker tells so', async () => {
    const file = join(clusterFolder, 'away')
    writeFileSync(file, '')
    await workers.client.createConnector({
      name: 'c',
      config: { ...SOURCE, ...QUICKLY, name: 'c', 'tasks.max': '2', behaviour: 'start away', fifo: file },
    })
    const tasksSeenBy = async (client: EmbeddedWorkers['client']) => (await client.connectorStatus('c')).tasks
    for (const { client } of workers.workers) {
      await waitFor(
        async () => {
          const tasks = await tasksSeenBy(client)
          return tasks.length === 2 && tasks.every(({ millrace }) => (millrace?.restarts?.attempts ?? 0) >= 2)
        },
        { what: 'restarts of both tasks, as each worker tells', describe: async () => JSON.stringify(await tasksSeenBy(client), null, 2) },
      )
    }
    rmSync(file)
    await workers.running('c', 2)
    const states = (await statusTopic(workers)).filter(({ key }) => key === 'status-task-c-0').map(({ state }) => state)
    assert.deepEqual(states.slice(0, 3), ['FAILED', 'RESTARTING', 'FAILED'], 'tools that watch the topic see each failure before its restart')
    assert.equal(states.at(-1), 'RUNNING')
    for (const { client } of workers.workers) {
      const { connector } = await client.connectorStatus('c')
      assert.deepEqual([connector.millrace?.activity?.state, connector.millrace?.in_group], ['running', true])
    }
  })
})

/** All states that were written to the status topic, in their order. */
async function statusTopic({ broker }: EmbeddedWorkers): Promise<{ key: string; state: string }[]> {
  const consumer = new Consumer({ 'bootstrap.servers': `${broker.host}:${broker.port}`, 'auto.offset.reset': 'earliest' }, { logger: silentLogger })
  const found: { key: string; state: string }[] = []
  try {
    const partitions = Array.from({ length: 5 }, (_, partition) => ({ topic: 'connect-statuses', partition }))
    consumer.assign(partitions)
    const count = (await consumer.endOffsets(partitions)).reduce((sum, { offset }) => sum + offset, 0)
    let read = 0
    const readOn = async (): Promise<boolean> => {
      for (const records of (await consumer.poll(100)).partitions) {
        while (records.next()) {
          read++
          const key = records.buffer.toString('utf8', records.keyStart, records.keyEnd)
          const value =
            records.valueStart === -1 ? null : (JSON.parse(records.buffer.toString('utf8', records.valueStart, records.valueEnd)) as { state?: string })
          if (value?.state !== undefined) found.push({ key, state: value.state })
        }
      }
      return read >= count
    }
    await waitFor(readOn, { what: 'all states', intervalMs: 0, describe: () => `${read} of ${count}` })
    return found
  } finally {
    await consumer.close()
  }
}
