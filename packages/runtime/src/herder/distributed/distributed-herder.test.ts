import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import type { Logger } from '@millrace/api'
import { waitFor } from '@millrace/testing'
import { createConfigTransformer } from '../../config/config-transformer.ts'
import { parseWorkerConfig } from '../../config/worker-config.ts'
import { discoverPlugins } from '../../plugins/discover-plugins.ts'
import { MemoryOffsetStore } from '../../storage/memory/memory-offset-store.ts'
import { MemoryStatusStore } from '../../storage/memory/memory-status-store.ts'
import { ConflictRestError, NotFoundRestError, RequestTargetError, RestError } from '../errors.ts'
import { FakeClusterConfigStore } from '../fixtures/fake-cluster-config-store.ts'
import { FakeGroup, workload } from '../fixtures/fake-group.ts'
import { FakeWorker } from '../fixtures/fake-worker.ts'
import { DistributedHerder } from './distributed-herder.ts'
import { signatureHeaders } from './internal-request-signature.ts'
import type { WorkerAnswer, WorkerRequest } from './worker-client.ts'

interface Setup {
  readonly herder: DistributedHerder
  readonly worker: FakeWorker
  readonly group: FakeGroup
  readonly configs: FakeClusterConfigStore
  readonly statuses: MemoryStatusStore
  /** What other workers were asked, and how they answer. */
  readonly requests: WorkerRequest[]
  answer: (request: WorkerRequest) => Promise<WorkerAnswer>
  /** What the stores have to tell an operator. */
  warnings: readonly string[]
  readonly log: string[]
  readonly levels: string[]
}

const SOURCE = { name: 'src', 'connector.class': 'LinesSource', topic: 't' }
const NEW = { allowReplace: false, initialState: null } as const
const REPLACE = { allowReplace: true, initialState: null } as const
const FOLLOWER = { isLeader: false, leaderId: 'other', leaderUrl: 'http://leader:8083/' }

interface SetupOptions {
  readonly joins?: boolean
  readonly requestTimeoutMs?: number
  /** What is in the topics before the worker starts. */
  readonly prepare?: (configs: FakeClusterConfigStore) => Promise<void>
}

/** `src` with this many tasks, and the key of the cluster. */
function withSource(tasks: number): (configs: FakeClusterConfigStore) => Promise<void> {
  return async (configs) => {
    await configs.putSessionKey({ key: Buffer.alloc(32, 1), algorithm: 'HmacSHA256', creationTimestamp: Date.now() })
    await configs.putConnectorConfig('src', SOURCE, null)
    if (tasks > 0)
      await configs.putTaskConfigs(
        'src',
        Array.from({ length: tasks }, (_, task) => ({ task: String(task) })),
      )
  }
}

/** A worker of a cluster with a group that the test plays; it has joined unless told otherwise. */
async function setUp(t: TestContext, { joins = true, requestTimeoutMs = 5_000, prepare }: SetupOptions = {}): Promise<Setup> {
  const log: string[] = []
  const note = (message: string): void => void log.push(message)
  const logger: Logger = { isDebugEnabled: false, trace() {}, debug() {}, info() {}, warn: note, error: note }
  const properties = {
    'bootstrap.servers': 'localhost:9092',
    'key.converter': 'TextConverter',
    'value.converter': 'TextConverter',
    'header.converter': 'TextConverter',
    'group.id': 'cluster',
    'config.storage.topic': 'configs',
    'offset.storage.topic': 'offsets',
    'status.storage.topic': 'statuses',
    'connector.client.config.override.policy': 'Linger',
    'config.providers': 'secrets',
    'config.providers.secrets.class': 'SecretsConfigProvider',
    'scheduled.rebalance.max.delay.ms': '0',
  }
  const registry = await discoverPlugins({ pluginPath: [], bundled: [new URL('../test-plugins/package.json', import.meta.url)], logger })
  const config = parseWorkerConfig({ mode: 'distributed', properties, logger })
  assert.ok(config.distributed !== null)
  const configs = new FakeClusterConfigStore()
  await prepare?.(configs)
  const statuses = new MemoryStatusStore()
  const requests: WorkerRequest[] = []
  const levels: string[] = []
  const parts: { worker?: FakeWorker; group?: FakeGroup } = {}
  const setup: Pick<Setup, 'answer' | 'warnings'> = { warnings: [], answer: async () => ({ status: 204, headers: {}, text: '' }) }
  const herder = new DistributedHerder({
    config,
    distributed: config.distributed,
    registry,
    transformer: await createConfigTransformer({ properties, registry, logger }),
    createWorker: (listener) => (parts.worker = new FakeWorker(listener)),
    stores: { config: configs, offsets: new MemoryOffsetStore(), statuses, start: async () => {}, stop: async () => {}, warnings: () => setup.warnings },
    createGroup: (listener) => (parts.group = new FakeGroup(listener)),
    timeline: { events: [] },
    client: {
      request(request) {
        requests.push(request)
        return setup.answer(request)
      },
    },
    url: 'http://here:8083/',
    workerId: 'here:8083',
    clusterId: 'cluster-id',
    consumerGroups: { offsets: async () => [], alterOffsets: async () => {}, removeOffsets: async () => {}, remove: async () => {} },
    setLoggerLevel: (namespace, level) => levels.push(`${namespace} ${level}`),
    logger,
    requestTimeoutMs,
  })
  const { worker, group } = parts as { worker: FakeWorker; group: FakeGroup }
  await herder.start()
  t.after(() => herder.stop())
  if (joins) {
    await rebalanced(group, {})
    await waitFor(() => configs.snapshot().sessionKey !== null, { what: 'the key that the leader makes' })
  }
  return Object.assign(setup, { herder, worker, group, configs, statuses, requests, log, levels })
}

/** Hands out the next rebalance once the worker asks for it. */
async function rebalanced(group: FakeGroup, rebalance: Parameters<FakeGroup['give']>[0]): Promise<void> {
  const joins = group.calls.filter((call) => call === 'join').length
  group.give(rebalance)
  await waitFor(() => group.calls.filter((call) => call === 'join').length >= joins && group.rebalance !== null && !group.needsJoin, { what: 'the rebalance' })
}

async function called(worker: FakeWorker, ...calls: readonly string[]): Promise<void> {
  await waitFor(() => calls.every((call) => worker.calls.includes(call)), { what: calls.join(', '), describe: () => worker.calls.join('\n') })
}

/** The worker runs a connector `src` with one task. */
async function running(t: TestContext): Promise<Setup> {
  const setup = await setUp(t)
  const { herder, group, worker, configs } = setup
  await herder.putConnector('src', SOURCE, NEW)
  await rebalanced(group, { assigned: workload('src') })
  await waitFor(() => configs.snapshot().tasks('src').length === 1, { what: 'the task' })
  await rebalanced(group, { assigned: workload('src', 'src-0') })
  await called(worker, 'start-connector src STARTED', 'start-task src-0 STARTED')
  worker.calls.length = 0
  group.calls.length = 0
  return setup
}

describe('the distributed herder', () => {
  it('writes a connector down, and runs it and its tasks when the group gives them to this worker', async (t) => {
    const { herder, group, worker, configs } = await setUp(t)
    assert.deepEqual(await herder.putConnector('src', SOURCE, NEW), { created: true, info: { name: 'src', config: SOURCE, tasks: [], type: 'source' } })
    assert.deepEqual(worker.calls, [])
    await waitFor(() => group.calls.includes('request-join connector src was created'), { what: 'the wish for a rebalance' })
    await rebalanced(group, { assigned: workload('src') })
    await called(worker, 'start-connector src STARTED', 'task-configs src')
    await waitFor(() => configs.snapshot().tasks('src').length === 1, { what: 'the task' })
    await rebalanced(group, { assigned: workload('src', 'src-0') })
    await called(worker, 'start-task src-0 STARTED')
    const { connector: observed, tasks } = await herder.connectorStatus('src')
    const { millrace, ...connector } = observed
    assert.deepEqual([millrace?.observed_by, millrace?.in_group], ['here:8083', true])
    assert.deepEqual(
      [connector, tasks],
      [{ state: 'RUNNING', worker_id: 'here:8083', version: '1.2' }, [{ id: 0, state: 'RUNNING', worker_id: 'here:8083', version: '1.2' }]],
    )
  })

  it('sends whom it cannot answer to the leader', async (t) => {
    const { herder, group, configs } = await setUp(t, { joins: false, prepare: withSource(0) })
    await rebalanced(group, FOLLOWER)
    const toLeader = (error: unknown): boolean => error instanceof RequestTargetError && error.url === 'http://leader:8083/'
    await assert.rejects(herder.putConnector('new', { ...SOURCE, name: 'new' }, NEW), toLeader)
    await assert.rejects(herder.patchConnectorConfig('src', {}), toLeader)
    await assert.rejects(herder.deleteConnector('src'), toLeader)
    await assert.rejects(herder.stopConnector('src'), toLeader)
    await assert.rejects(herder.restartConnector('src', { includeTasks: true, onlyFailed: false }), toLeader)
    await assert.rejects(herder.restartConnector('src', { includeTasks: false, onlyFailed: false }), toLeader)
    await assert.rejects(herder.alterConnectorOffsets('src', []), toLeader)
    // What it can do itself.
    await herder.pauseConnector('src')
    assert.equal(configs.snapshot().targetState('src'), 'PAUSED')
    await assert.rejects(herder.stopConnector('nope'), new NotFoundRestError('Unknown connector nope'))
  })

  it('as the leader sends restarts to the owner', async (t) => {
    const { herder, group } = await setUp(t, { joins: false, prepare: withSource(1) })
    await rebalanced(group, {})
    group.owners.set('src', 'http://owner:8083/')
    group.owners.set('src-0', 'http://other:8083/')
    await assert.rejects(
      herder.restartConnector('src', { includeTasks: false, onlyFailed: false }),
      (error: RequestTargetError) => error.url === 'http://owner:8083/',
    )
    await assert.rejects(herder.restartTask({ connector: 'src', task: 0 }), (error: RequestTargetError) => error.url === 'http://other:8083/')
    group.owners.clear()
    await assert.rejects(herder.restartTask({ connector: 'src', task: 0 }), {
      status: 409,
      message: 'Cannot complete request momentarily due to no known leader URL, likely because a rebalance was underway.',
    })
  })

  it('refuses what is unknown or there already', async (t) => {
    const { herder } = await running(t)
    await assert.rejects(herder.putConnector('src', SOURCE, NEW), new ConflictRestError('Connector src already exists'))
    await assert.rejects(herder.deleteConnector('nope'), new NotFoundRestError('Connector nope not found'))
    await assert.rejects(herder.patchConnectorConfig('nope', {}), new NotFoundRestError('Connector nope not found'))
    await assert.rejects(herder.pauseConnector('nope'), new NotFoundRestError('Unknown connector nope'))
    await assert.rejects(herder.restartConnector('nope', { includeTasks: false, onlyFailed: false }), new NotFoundRestError('Unknown connector: nope'))
    await assert.rejects(herder.restartConnector('nope', { includeTasks: true, onlyFailed: false }), new NotFoundRestError('Unknown connector: nope'))
    await assert.rejects(herder.restartTask({ connector: 'src', task: 7 }), new NotFoundRestError('Unknown task: src-7'))
    await assert.rejects(herder.putConnector('x', { ...SOURCE, name: 'x', 'tasks.max': '0' }, NEW), /contains the following 1 error/)
  })

  it('answers a request that took effect although its write failed, and one that did not with the failure', async (t) => {
    const { herder, configs, log } = await setUp(t)
    configs.nextFailure = { error: new Error('time-out'), takesEffect: true }
    assert.equal((await herder.putConnector('src', SOURCE, NEW)).created, true)
    assert.ok(log.includes('A write to the config topic failed, but has taken effect'))
    configs.nextFailure = { error: new Error('time-out'), takesEffect: true }
    await herder.pauseConnector('src')
    configs.nextFailure = { error: new Error('time-out'), takesEffect: true }
    await herder.deleteConnector('src')
    configs.nextFailure = { error: new Error('no such luck'), takesEffect: false }
    await assert.rejects(herder.putConnector('src', SOURCE, NEW), /no such luck/)
    assert.deepEqual(herder.connectors(), [])
  })

  it('restarts a connector whose configuration changes without a rebalance, and its tasks for one', async (t) => {
    const { herder, worker, group, configs } = await running(t)
    await herder.putConnector('src', { ...SOURCE, file: '/x' }, REPLACE)
    await called(worker, 'stop-connector src', 'start-connector src STARTED', 'task-configs src', 'stop-tasks src-0')
    await waitFor(() => group.calls.includes('request-join tasks of src were reconfigured'), { what: 'the wish for a rebalance' })
    assert.equal(
      group.calls.some((call) => /created|removed/.test(call)),
      false,
    )
    assert.equal(worker.calls.includes('start-task src-0 STARTED'), false)
    assert.equal(configs.snapshot().taskConfig({ connector: 'src', task: 0 })?.file, '/x')
    await rebalanced(group, { assigned: workload('src', 'src-0') })
    await called(worker, 'start-task src-0 STARTED')
  })

  it('leaves everything else alone when one connector comes, changes and goes', async (t) => {
    const { herder, worker, group } = await running(t)
    await herder.putConnector('other', { ...SOURCE, name: 'other' }, NEW)
    await rebalanced(group, { assigned: workload('src', 'src-0', 'other') })
    await called(worker, 'start-connector other STARTED')
    await waitFor(() => group.calls.includes('request-join tasks of other were reconfigured'), { what: 'the tasks of the other' })
    await rebalanced(group, { assigned: workload('src', 'src-0', 'other', 'other-0') })
    await called(worker, 'start-task other-0 STARTED')
    await herder.deleteConnector('other')
    await called(worker, 'stop-connector other', 'stop-tasks other-0')
    await rebalanced(group, { assigned: workload('src', 'src-0') })
    assert.deepEqual(
      worker.calls.filter((call) => / src/.test(call)),
      [],
    )
  })

  it('forgets the states of what was deleted, as the leader', async (t) => {
    const { herder, statuses } = await running(t)
    await herder.deleteConnector('src')
    await waitFor(() => statuses.connectors().length === 0 && statuses.tasks('src').length === 0, { what: 'the states to be gone' })
  })

  it('stops what was revoked before it tells the group so', async (t) => {
    const { worker, group } = await running(t)
    group.requestJoin('test')
    group.give({ revoked: workload('src-0'), assigned: workload('src') })
    await waitFor(() => group.calls.includes('revocation-done'), { what: 'the revocation' })
    assert.deepEqual(worker.calls, ['stop-tasks src-0'])
  })

  it('stops everything at once when it is out of the group, and says so', async (t) => {
    const { worker, group, log, statuses } = await running(t)
    group.lose('no heartbeat for 10000 ms')
    await called(worker, 'stop-connector src', 'stop-tasks src-0')
    assert.ok(
      log.some((line) => /out of its group \(no heartbeat for 10000 ms\): it stops 1 connector and 1 task/.test(line)),
      log.join('\n'),
    )
    // Others may run it already: the leader speaks for those that are gone.
    assert.deepEqual([statuses.connector('src')?.state, statuses.task({ connector: 'src', task: 0 })?.state], ['RUNNING', 'RUNNING'])
    await rebalanced(group, { assigned: workload('src', 'src-0') })
    await called(worker, 'start-connector src STARTED', 'start-task src-0 STARTED')
  })

  it('runs nothing that the group has given to others while this worker was away', async (t) => {
    const { worker, group } = await running(t)
    group.requestJoin('test')
    await rebalanced(group, { ...FOLLOWER, assigned: workload() })
    await called(worker, 'stop-connector src', 'stop-tasks src-0')
  })

  it('shows the work of a worker that is gone as UNASSIGNED, as the leader', async (t) => {
    const { herder, group, statuses } = await setUp(t, { joins: false, prepare: withSource(2) })
    const status = { state: 'RUNNING', trace: null, workerId: 'gone:8083', generation: 1, version: '1.2' } as const
    statuses.putConnector('src', status)
    statuses.putTask({ connector: 'src', task: 0 }, status)
    statuses.putTask({ connector: 'src', task: 1 }, { ...status, workerId: 'alive:8083' })
    group.owners.set('src-1', 'http://alive:8083/')
    await rebalanced(group, { generation: 7, delayMs: 60_000 })
    await waitFor(async () => (await herder.connectorStatus('src')).connector.state === 'UNASSIGNED', { what: 'the connector to be unassigned' })
    const { connector, tasks } = await herder.connectorStatus('src')
    assert.deepEqual([connector.worker_id, tasks.map(({ state }) => state)], ['gone:8083', ['UNASSIGNED', 'RUNNING']])
    assert.equal(statuses.connector('src')?.generation, 7)
  })

  it('claims the right to write when it becomes the leader, and not again while it leads', async (t) => {
    const { group, configs } = await setUp(t)
    assert.equal(configs.claims, 1)
    for (const rebalance of [{}, FOLLOWER, {}]) {
      group.requestJoin('test')
      await rebalanced(group, rebalance)
    }
    await waitFor(() => configs.claims === 2, { what: 'the second claim' })
  })

  it('fulfils wishes while a rebalance lasts', async (t) => {
    const { herder, worker, group } = await running(t)
    group.requestJoin('another worker takes its time')
    await waitFor(() => group.calls.includes('join'), { what: 'the join' })
    await herder.pauseConnector('src')
    await called(worker, 'target-state src PAUSED')
    await rebalanced(group, { assigned: workload('src', 'src-0') })
  })

  it('follows target states of what runs here', async (t) => {
    const { herder, worker } = await running(t)
    await herder.pauseConnector('src')
    await called(worker, 'target-state src PAUSED')
    await herder.resumeConnector('src')
    await called(worker, 'target-state src STARTED', 'task-configs src')
  })

  it('stops a connector: its tasks first, then the instance', async (t) => {
    const { herder, worker, group, configs } = await running(t)
    await herder.stopConnector('src')
    assert.deepEqual([configs.snapshot().tasks('src'), configs.snapshot().targetState('src')], [[], 'STOPPED'])
    await called(worker, 'stop-tasks src-0', 'target-state src STOPPED')
    await rebalanced(group, { assigned: workload('src') })
    await assert.rejects(herder.putTaskConfigs('src', [{ a: '1' }], { headers: {}, body: Buffer.alloc(0) }), { status: 400 })
  })

  it('carries out its part of a restart of a connector with its tasks', async (t) => {
    const { herder, worker } = await running(t)
    const info = await herder.restartConnector('src', { includeTasks: true, onlyFailed: false })
    assert.deepEqual([info?.connector.state, info?.tasks[0]?.state], ['RESTARTING', 'RESTARTING'])
    await called(worker, 'stop-connector src', 'stop-tasks src-0', 'start-connector src STARTED', 'start-task src-0 STARTED')
    worker.calls.length = 0
    assert.equal(await herder.restartConnector('src', { includeTasks: false, onlyFailed: false }), null)
    await called(worker, 'stop-connector src', 'start-connector src STARTED')
    await herder.restartTask({ connector: 'src', task: 0 })
    await called(worker, 'stop-tasks src-0', 'start-task src-0 STARTED')
  })

  it('restarts what failed here where it is still its own, and nothing else', async (t) => {
    const { worker } = await running(t)
    const restart = worker.listener.restartWanted!
    await restart({ connector: 'src', task: 0 }, () => false)
    await restart({ connector: 'src', task: 9 }, () => true)
    await restart({ connector: 'elsewhere', task: null }, () => true)
    assert.deepEqual(worker.calls, [])
    await restart({ connector: 'src', task: 0 }, () => true)
    await called(worker, 'stop-tasks src-0', 'start-task src-0 STARTED')
    await restart({ connector: 'src', task: null }, () => true)
    await called(worker, 'stop-connector src', 'start-connector src STARTED')
  })

  it('hands the task configurations of a follower to the leader, signed, and again after a failure', async (t) => {
    const prepare = async (configs: FakeClusterConfigStore): Promise<void> => {
      await withSource(0)(configs)
      await configs.putConnectorConfig('a b', { ...SOURCE, name: 'a b' }, null)
    }
    const setup = await setUp(t, { joins: false, prepare })
    const { group, requests } = setup
    let failures = 1
    setup.answer = async () => {
      if (failures-- > 0) throw new RestError(409, 'Cannot complete request because of a conflicting operation (e.g. worker rebalance)')
      return { status: 204, headers: {}, text: '' }
    }
    await rebalanced(group, { ...FOLLOWER, assigned: workload('a b') })
    await waitFor(() => requests.length === 2, { what: 'the second try' })
    assert.deepEqual([requests[1]?.method, requests[1]?.url], ['POST', 'http://leader:8083/connectors/a%20b/tasks'])
    assert.deepEqual(JSON.parse(requests[1]?.body ?? ''), [{ ...SOURCE, name: 'a b', 'task.class': 'FakeTask' }])
    assert.equal(requests[1]?.signature?.algorithm, 'HmacSHA256')
  })

  it('takes task configurations of other workers that are signed by the key of the cluster', async (t) => {
    const { herder, configs } = await running(t)
    const key = await waitFor(() => configs.snapshot().sessionKey, { what: "the leader's key" })
    const body = Buffer.from('[{"a":"1"},{"a":"2"}]')
    const headers = Object.fromEntries(Object.entries(signatureHeaders(body, key, 'HmacSHA256')).map(([name, value]) => [name.toLowerCase(), value]))
    await herder.putTaskConfigs('src', [{ a: '1' }, { a: '2' }], { headers, body })
    assert.equal(configs.snapshot().tasks('src').length, 2)
    await assert.rejects(herder.putTaskConfigs('src', [], { headers, body: Buffer.from('[]') }), { status: 403 })
    await assert.rejects(herder.putTaskConfigs('src', [], { headers: {}, body }), { status: 400, message: 'Internal request missing required signature' })
    await assert.rejects(herder.putTaskConfigs('nope', [], { headers, body }), { status: 404 })
  })

  it('generates task configurations anew that compaction has lost', async (t) => {
    const { group, worker, configs } = await setUp(t, { joins: false, prepare: withSource(1) })
    configs.inconsistent = ['src']
    await rebalanced(group, { assigned: workload('src') })
    await called(worker, 'task-configs src')
    await waitFor(() => configs.inconsistent.length === 0, { what: 'the tasks to be there again' })
  })

  it('reads the config topic as far as the leader had before it starts anything, and tries again where it cannot', async (t) => {
    const { group, worker, configs, log } = await setUp(t, { joins: false, prepare: withSource(0) })
    configs.refreshFailure = new Error('time-out')
    group.give({ ...FOLLOWER, configOffset: 5, assigned: workload('src') })
    await waitFor(() => log.includes("Didn't reach end of config log quickly enough"), { what: 'the warning' })
    assert.deepEqual(worker.calls, [])
    configs.refreshFailure = null
    await waitFor(() => group.calls.some((call) => /^request-join the worker tries again/.test(call)), { what: 'the next try' })
    await rebalanced(group, { ...FOLLOWER, configOffset: 0, assigned: workload('src') })
    await called(worker, 'start-connector src STARTED')
  })

  it('stops everything before it joins, in the eager protocol', async (t) => {
    const { group, worker } = await running(t)
    group.requestJoin('test')
    await rebalanced(group, { protocolVersion: 0, assigned: workload('src', 'src-0') })
    group.requestJoin('test')
    await called(worker, 'stop-connector src', 'stop-tasks src-0')
    await rebalanced(group, { protocolVersion: 0, assigned: workload('src', 'src-0') })
    await called(worker, 'start-connector src STARTED', 'start-task src-0 STARTED')
  })

  it('asks the owners of tasks for their progress, and shows what was last known where they do not answer', async (t) => {
    const setup = await setUp(t, { joins: false, prepare: withSource(1) })
    const { herder, group, statuses, requests } = setup
    statuses.putConnector('src', { state: 'RUNNING', trace: null, workerId: 'other:8083', generation: 1, version: null })
    statuses.putTask({ connector: 'src', task: 0 }, { state: 'RUNNING', trace: null, workerId: 'other:8083', generation: 1, version: null })
    await rebalanced(group, FOLLOWER)
    const progress = { observed_by: 'other:8083', observed_at: '2026-01-01T00:00:00.000Z' }
    setup.answer = async () => ({ status: 200, headers: {}, text: JSON.stringify({ connectors: {}, tasks: { 'src-0': progress } }) })
    assert.deepEqual((await herder.connectorStatus('src')).tasks[0]?.millrace, progress)
    assert.deepEqual([requests[0]?.url, requests[0]?.timeoutMs], ['http://other:8083/millrace/progress', 500])
    setup.answer = async () => {
      throw new RestError(500, 'gone')
    }
    assert.deepEqual((await herder.taskStatus({ connector: 'src', task: 0 })).millrace, progress)
  })

  it('sets levels of loggers that are for all workers', async (t) => {
    const { herder, levels } = await setUp(t)
    await herder.setClusterLoggerLevel('org.apache.kafka', 'DEBUG')
    await waitFor(() => levels.length === 1, { what: 'the level' })
    assert.deepEqual(levels, ['org.apache.kafka DEBUG'])
  })

  it('is starting until its first assignment, then healthy', async (t) => {
    const { herder, group } = await setUp(t, { joins: false })
    assert.equal((await herder.health()).status, 'starting')
    await rebalanced(group, {})
    await waitFor(() => herder.isReady, { what: 'the worker to be ready' })
    assert.deepEqual(await herder.health(), { status: 'healthy', message: 'Worker has completed startup and is ready to handle requests.' })
  })

  it('is healthy also where the stores have something to tell an operator', async (t) => {
    const setup = await setUp(t)
    setup.warnings = ['Topic "configs" knows no connector.']
    const { status, millrace } = await setup.herder.health()
    assert.deepEqual([status, millrace], ['healthy', { warnings: ['Topic "configs" knows no connector.'] }])
  })

  it('tells what it waits for when a request takes too long', async (t) => {
    const { herder } = await setUp(t, { joins: false, requestTimeoutMs: 50 })
    await assert.rejects(herder.deleteConnector('src'), { status: 500, message: /^Request timed out\. The worker is currently waiting for the rebalance/ })
  })

  it('leaves its group only when everything has stopped, and refuses requests from then on', async (t) => {
    const { herder, worker, group } = await running(t)
    await herder.stop()
    assert.deepEqual([worker.calls, group.calls], [['stop'], ['close']])
    await assert.rejects(herder.deleteConnector('src'), new RestError(503, 'The worker is stopping'))
  })
})
