import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Logger } from '@millrace/api'
import { waitFor } from '@millrace/testing'
import { createConfigTransformer } from '../../config/config-transformer.ts'
import { parseWorkerConfig } from '../../config/worker-config.ts'
import { discoverPlugins } from '../../plugins/discover-plugins.ts'
import { MemoryConfigStore } from '../../storage/memory/memory-config-store.ts'
import { MemoryStatusStore } from '../../storage/memory/memory-status-store.ts'
import { ConfiguredConnectors } from '../configured-connectors.ts'
import { workload } from '../fixtures/fake-group.ts'
import { FailureReports } from '../failure-reports.ts'
import { FakeWorker } from '../fixtures/fake-worker.ts'
import { StatusReports } from '../status-reports.ts'
import { AssignedWork } from './assigned-work.ts'

interface Setup {
  readonly work: AssignedWork
  readonly worker: FakeWorker
  readonly statuses: MemoryStatusStore
  readonly started: string[]
  /** From here on stops wait until `open` is called. */
  holdStops(): { open(): void }
}

async function setUp(): Promise<Setup> {
  const logger: Logger = { isDebugEnabled: false, trace() {}, debug() {}, info() {}, warn() {}, error() {} }
  const properties = {
    'bootstrap.servers': 'localhost:9092',
    'key.converter': 'TextConverter',
    'value.converter': 'TextConverter',
    'offset.storage.file.filename': '/tmp/offsets',
  }
  const registry = await discoverPlugins({ pluginPath: [], bundled: [new URL('../test-plugins/package.json', import.meta.url)], logger })
  const config = parseWorkerConfig({ mode: 'standalone', properties, logger })
  const configStore = new MemoryConfigStore()
  await configStore.putConnectorConfig('src', { name: 'src', 'connector.class': 'LinesSource', 'tasks.max': '2' }, null)
  await configStore.putTaskConfigs('src', [{ a: '1' }, { a: '2' }])
  const connectors = new ConfiguredConnectors({ configStore, registry, transformer: await createConfigTransformer({ properties, registry, logger }) })
  const statuses = new MemoryStatusStore()
  const reports = new StatusReports({
    config,
    connectors,
    statusStore: statuses,
    failures: new FailureReports(),
    workerId: 'here:8083',
    generation: () => 1,
    logger,
  })
  const worker = new FakeWorker({
    connectorState: (name, state, failure) => reports.connectorState(name, state, failure),
    taskState: (id, state, failure) => reports.taskState(id, state, failure),
    activeTopic() {},
    taskReconfigurationRequested() {},
  })
  const started: string[] = []
  const work = new AssignedWork({ worker, connectors, reports, connectorStarted: (name) => started.push(name), logger })
  const holdStops = (): { open(): void } => {
    const gate = Promise.withResolvers<void>()
    const stopConnector = worker.stopConnector.bind(worker)
    worker.stopConnector = (name) => gate.promise.then(() => stopConnector(name))
    const stopTasks = worker.stopTasks.bind(worker)
    worker.stopTasks = (ids) => gate.promise.then(() => stopTasks(ids))
    return { open: () => gate.resolve() }
  }
  return { work, worker, statuses, started, holdStops }
}

const NOTHING = { connector() {}, task() {} }

describe('the work that a worker was given', () => {
  it('runs once, however often it is given', async () => {
    const { work, worker, started } = await setUp()
    work.start(workload('src', 'src-0', 'src-1'))
    work.start(workload('src', 'src-0'))
    await waitFor(() => worker.calls.length === 3, { what: 'the starts' })
    assert.deepEqual([...worker.calls].sort(), ['start-connector src STARTED', 'start-task src-0 STARTED', 'start-task src-1 STARTED'])
    assert.deepEqual([started, work.running(), work.tasksOf('src').length], [['src'], workload('src', 'src-0', 'src-1'), 2])
  })

  it('leaves out what is not configured any more', async () => {
    const { work } = await setUp()
    work.start(workload('gone', 'src-7'))
    assert.deepEqual(work.running(), workload())
  })

  it('does not start what was taken away before it could', async () => {
    const { work, worker } = await setUp()
    work.start(workload('src', 'src-0'))
    await work.stop(workload('src', 'src-0'))
    work.start(workload('src-1'))
    await waitFor(() => worker.calls.includes('start-task src-1 STARTED'), { what: 'the other task' })
    assert.equal(
      worker.calls.some((call) => /^start-(connector src|task src-0)/.test(call)),
      false,
    )
  })

  it('starts again only when it has stopped, also where it was given again meanwhile', async () => {
    const { work, worker, holdStops } = await setUp()
    work.start(workload('src', 'src-0'))
    await waitFor(() => worker.calls.length === 2, { what: 'the starts' })
    const gate = holdStops()
    const stopped = work.stop(workload('src', 'src-0'))
    work.start(workload('src', 'src-0'))
    assert.equal(worker.calls.length, 2)
    gate.open()
    await stopped
    await waitFor(() => worker.calls.length === 6, { what: 'the second start', describe: () => worker.calls.join() })
    assert.deepEqual(worker.calls.slice(2, 4).sort(), ['stop-connector src', 'stop-tasks src-0'])
  })

  it('that is taken away while it restarts stays stopped, and is told to be gone only when it is', async () => {
    const { work, worker, holdStops } = await setUp()
    work.start(workload('src', 'src-0'))
    await waitFor(() => worker.calls.length === 2, { what: 'the starts' })
    const gate = holdStops()
    work.restart(workload('src', 'src-0'), NOTHING)
    assert.deepEqual(work.running(), workload('src', 'src-0'))
    let isGone = false
    const taken = work.stop(workload('src', 'src-0')).then(() => (isGone = true))
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(isGone, false)
    gate.open()
    await taken
    assert.equal(worker.calls.filter((call) => call.startsWith('start')).length, 2)
  })

  it('shows that it restarts once it has stopped', async () => {
    const { work, worker, statuses } = await setUp()
    work.start(workload('src', 'src-0'))
    await waitFor(() => worker.calls.length === 2, { what: 'the starts' })
    const seen: unknown[] = []
    work.restart(workload('src', 'src-0', 'src-1'), {
      connector: (name) => seen.push(name, statuses.connector(name)?.state),
      task: (id) => seen.push(id.task, statuses.task(id)?.state),
    })
    await waitFor(() => worker.calls.length === 6, { what: 'the second start' })
    assert.deepEqual(seen, ['src', 'UNASSIGNED', 0, 'UNASSIGNED'])
    assert.equal(work.hasTask({ connector: 'src', task: 1 }), false)
  })

  it('is shown as FAILED where it does not start', async () => {
    const { work, worker, statuses } = await setUp()
    worker.connectorFailure = new Error('no such table')
    await assert.rejects(work.startConnector('src'), { status: 500, message: 'Failed to transition connector src to state STARTED: no such table' })
    worker.taskFailure = new Error('no converter')
    await assert.rejects(work.startTask({ connector: 'src', task: 0 }), /no converter/)
    assert.deepEqual([statuses.connector('src')?.state, statuses.task({ connector: 'src', task: 0 })?.state], ['FAILED', 'FAILED'])
    worker.taskFailure = null
    await work.restartConnector('src')
    await work.restartTask({ connector: 'src', task: 0 })
    assert.deepEqual([statuses.connector('src')?.state, statuses.task({ connector: 'src', task: 0 })?.state], ['RUNNING', 'RUNNING'])
  })

  it('is started no more once the worker stops', async () => {
    const { work, worker } = await setUp()
    work.close()
    work.start(workload('src', 'src-0'))
    await new Promise((resolve) => setImmediate(resolve))
    assert.deepEqual(worker.calls, [])
  })
})
