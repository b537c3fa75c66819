import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ConnectError, type Logger } from '@millrace/api'
import { waitFor } from '@millrace/testing'
import { createConfigTransformer } from '../../config/config-transformer.ts'
import { parseWorkerConfig } from '../../config/worker-config.ts'
import { failureOf } from '../../errors/failure.ts'
import { discoverPlugins } from '../../plugins/discover-plugins.ts'
import { MemoryConfigStore } from '../../storage/memory/memory-config-store.ts'
import { MemoryOffsetStore } from '../../storage/memory/memory-offset-store.ts'
import { MemoryStatusStore } from '../../storage/memory/memory-status-store.ts'
import { ConflictRestError, NotFoundRestError, RestError } from '../errors.ts'
import { FakeWorker } from '../fixtures/fake-worker.ts'
import { StandaloneHerder } from './standalone-herder.ts'

interface Setup {
  readonly herder: StandaloneHerder
  readonly worker: FakeWorker
  readonly offsetStore: MemoryOffsetStore
  readonly groups: Map<string, { topic: string; partition: number; offset: number }[]>
  readonly log: string[]
}

async function setUp(workerSettings: Record<string, string> = {}, { requestTimeoutMs = 5_000 }: { requestTimeoutMs?: number } = {}): Promise<Setup> {
  const log: string[] = []
  const note = (message: string): void => void log.push(message)
  const logger: Logger = { isDebugEnabled: false, trace() {}, debug() {}, info() {}, warn: note, error: note }
  const properties = {
    'bootstrap.servers': 'localhost:9092',
    'key.converter': 'TextConverter',
    'value.converter': 'TextConverter',
    'header.converter': 'TextConverter',
    'offset.storage.file.filename': '/tmp/offsets',
    'connector.client.config.override.policy': 'Linger',
    'config.providers': 'secrets',
    'config.providers.secrets.class': 'SecretsConfigProvider',
    ...workerSettings,
  }
  const registry = await discoverPlugins({ pluginPath: [], bundled: [new URL('../test-plugins/package.json', import.meta.url)], logger })
  const offsetStore = new MemoryOffsetStore()
  const groups: Setup['groups'] = new Map()
  let worker: FakeWorker | undefined
  const herder = new StandaloneHerder({
    config: parseWorkerConfig({ mode: 'standalone', properties, logger }),
    registry,
    transformer: await createConfigTransformer({ properties, registry, logger }),
    createWorker: (listener) => (worker = new FakeWorker(listener)),
    configStore: new MemoryConfigStore(),
    offsetStore,
    statusStore: new MemoryStatusStore(),
    workerId: 'here:8083',
    clusterId: 'cluster',
    consumerGroups: {
      offsets: async ({ id }) => groups.get(id) ?? [],
      alterOffsets: async ({ id }, offsets) => void groups.set(id, [...(groups.get(id) ?? []), ...offsets]),
      removeOffsets: async ({ id }, partitions) => {
        const isLeft = (place: { topic: string; partition: number }) =>
          !partitions.some(({ topic, partition }) => place.topic === topic && place.partition === partition)
        groups.set(id, (groups.get(id) ?? []).filter(isLeft))
      },
      remove: async ({ id }) => void groups.delete(id),
    },
    logger,
    requestTimeoutMs,
  })
  await herder.start()
  return { herder, worker: worker as FakeWorker, offsetStore, groups, log }
}

const SOURCE = { name: 'src', 'connector.class': 'LinesSource', topic: 't' }
const NEW = { allowReplace: false, initialState: null } as const
const REPLACE = { allowReplace: true, initialState: null } as const

async function withSource(settings: Record<string, string> = {}): Promise<Setup> {
  const setup = await setUp(settings)
  await setup.herder.putConnector('src', SOURCE, NEW)
  setup.worker.calls.length = 0
  return setup
}

describe('the standalone herder', () => {
  it('creates a connector with its tasks and answers with them', async () => {
    const { herder, worker } = await setUp()
    assert.deepEqual(await herder.putConnector('src', SOURCE, NEW), {
      created: true,
      info: { name: 'src', config: SOURCE, tasks: [{ connector: 'src', task: 0 }], type: 'source' },
    })
    assert.deepEqual(worker.calls, ['start-connector src STARTED', 'task-configs src', 'start-task src-0 STARTED'])
    assert.deepEqual(await herder.connectorStatus('src'), {
      name: 'src',
      connector: { state: 'RUNNING', worker_id: 'here:8083', version: '1.2' },
      tasks: [{ id: 0, state: 'RUNNING', worker_id: 'here:8083', version: '1.2' }],
      type: 'source',
    })
    assert.deepEqual(herder.taskConfigs('src'), [{ id: { connector: 'src', task: 0 }, config: { ...SOURCE, 'task.class': 'FakeTask' } }])
    assert.deepEqual(herder.connectors(), ['src'])
  })

  it('refuses a second connector of the same name, and an invalid one', async () => {
    const { herder } = await withSource()
    await assert.rejects(herder.putConnector('src', SOURCE, NEW), new ConflictRestError('Connector src already exists'))
    await assert.rejects(
      herder.putConnector('new', { ...SOURCE, 'tasks.max': '0' }, NEW),
      /^Error: Connector configuration is invalid and contains the following 1 error/,
    )
    assert.deepEqual(herder.connectors(), ['src'])
  })

  it('restarts connector and tasks when the configuration changes, and only the connector when it does not', async () => {
    const { herder, worker } = await withSource()
    assert.equal((await herder.putConnector('src', { ...SOURCE, 'batch.size': '10' }, REPLACE)).created, false)
    assert.deepEqual(worker.calls.splice(0), [
      'stop-connector src',
      'start-connector src STARTED',
      'task-configs src',
      'stop-tasks src-0',
      'start-task src-0 STARTED',
    ])
    await herder.putConnector('src', { ...SOURCE, 'batch.size': '10' }, REPLACE)
    assert.deepEqual(worker.calls, ['stop-connector src', 'start-connector src STARTED', 'task-configs src'])
  })

  it('restarts tasks when the connector changes even where their configurations are the same', async () => {
    const { herder, worker } = await setUp()
    worker.makeTaskConfigs = () => [{ constant: '1' }]
    await herder.putConnector('src', SOURCE, NEW)
    worker.calls.length = 0
    await herder.putConnector('src', { ...SOURCE, file: '/x' }, REPLACE)
    assert.ok(worker.calls.includes('stop-tasks src-0'))
  })

  it('restarts tasks when the connector asks and their configurations differ', async () => {
    const { herder, worker } = await setUp()
    await herder.putConnector('src', { ...SOURCE, 'tasks.max': '2' }, NEW)
    worker.calls.length = 0
    worker.listener.taskReconfigurationRequested('src')
    await waitFor(() => worker.calls.length > 0, { what: 'a reconfiguration' })
    assert.deepEqual(worker.calls.splice(0), ['task-configs src'])
    worker.makeTaskConfigs = () => [{ a: '1' }, { a: '2' }]
    worker.listener.taskReconfigurationRequested('src')
    await waitFor(() => herder.taskConfigs('src').length === 2 && worker.calls.length >= 4, { what: 'the second task' })
    assert.deepEqual(worker.calls, ['task-configs src', 'stop-tasks src-0', 'start-task src-0 STARTED', 'start-task src-1 STARTED'])
  })

  it('tries again to divide the work after a failure', async () => {
    const { herder, worker, log } = await setUp()
    let failures = 1
    worker.makeTaskConfigs = () => {
      if (failures-- > 0) throw new Error('no connection')
      return [{ a: '1' }]
    }
    const { info } = await herder.putConnector('src', SOURCE, NEW)
    assert.deepEqual(info.tasks, [])
    await waitFor(() => herder.taskConfigs('src').length === 1, { what: 'the task' })
    assert.ok(log.some((line) => /Failed to reconfigure the tasks of connector src; it is tried again in 250 ms/.test(line)))
  })

  it('keeps a connector that cannot start, FAILED with the cause, and says so', async () => {
    const { herder, worker } = await setUp()
    worker.connectorFailure = new Error('no such table')
    await assert.rejects(herder.putConnector('src', SOURCE, NEW), {
      status: 500,
      message: 'Failed to transition connector src to state STARTED: no such table',
    })
    const { connector, tasks } = await herder.connectorStatus('src')
    assert.deepEqual([connector.state, tasks], ['FAILED', []])
    assert.match(connector.trace ?? '', /^no such table \[MR-6002\]\nat connector "src", start\nTry: .*\nX: no such table\n$/)
    const { root_cause, hint, where } = connector.millrace?.failure ?? {}
    assert.deepEqual([root_cause, hint, where], ['no such table', 'MR-6002', { connector: 'src', stage: 'start' }])
  })

  it('shows tasks that cannot start as FAILED', async () => {
    const { herder, worker } = await setUp()
    worker.taskFailure = new Error('no converter')
    await herder.putConnector('src', SOURCE, NEW)
    const { tasks } = await herder.connectorStatus('src')
    assert.equal(tasks[0]?.state, 'FAILED')
    assert.match(tasks[0]?.trace ?? '', /^no converter \[MR-6002\]\nat connector "src", task 0, start\n/)
    assert.equal(tasks[0]?.millrace?.failure?.where.task, 0)
    assert.equal((await herder.taskStatus({ connector: 'src', task: 0 })).millrace?.failure?.root_cause, 'no converter')
    await assert.rejects(herder.restartTask({ connector: 'src', task: 0 }), { status: 500, message: 'Failed to start task: src-0' })
  })

  it('creates a connector PAUSED or STOPPED where that is asked for', async () => {
    for (const initialState of ['PAUSED', 'STOPPED'] as const) {
      const { herder, worker } = await setUp()
      await herder.putConnector('src', SOURCE, { allowReplace: false, initialState })
      assert.equal((await herder.connectorStatus('src')).connector.state, initialState)
      assert.equal(worker.calls[0], `start-connector src ${initialState}`)
    }
  })

  it('warns of a setting that is nearly one that is known, and of no other', async () => {
    const { herder, log } = await setUp()
    await herder.putConnector('src', { ...SOURCE, 'error.tolerance': 'all', 'driver.user': 'x', topics: 'y' }, NEW)
    assert.deepEqual(
      log.filter((line) => line.includes('is not known')),
      ['Connector src: the setting "error.tolerance" is not known. Did you mean "errors.tolerance"?'],
    )
  })

  it('patches: null removes, the rest is merged', async () => {
    const { herder } = await withSource()
    const { config } = await herder.patchConnectorConfig('src', { topic: 't2', file: '/x', 'connector.class': 'LinesSource' })
    assert.deepEqual(config, { ...SOURCE, topic: 't2', file: '/x' })
    assert.deepEqual((await herder.patchConnectorConfig('src', { file: null })).config, { ...SOURCE, topic: 't2' })
    await assert.rejects(herder.patchConnectorConfig('nope', {}), new NotFoundRestError('Connector nope not found'))
    await assert.rejects(herder.patchConnectorConfig('src', { topic: null }), /Missing required configuration "topic"/)
  })

  it('deletes a connector with everything that is known of it, but for its offsets', async () => {
    const { herder, worker, offsetStore } = await withSource()
    await offsetStore.set([{ key: Buffer.from('["src",{"p":1}]'), value: Buffer.from('{"o":1}') }])
    worker.listener.activeTopic({ connector: 'src', task: 0 }, 't')
    await herder.deleteConnector('src')
    assert.deepEqual(worker.calls, ['stop-tasks src-0', 'stop-connector src'])
    assert.deepEqual(herder.connectors(), [])
    await assert.rejects(herder.connectorStatus('src'), new NotFoundRestError('No status found for connector src'))
    await assert.rejects(herder.taskStatus({ connector: 'src', task: 0 }), new NotFoundRestError('No status found for task src-0'))
    assert.deepEqual(herder.connectorTopics('src'), { src: { topics: [] } })
    assert.equal((await offsetStore.connectorPartitions('src')).length, 1)
    await assert.rejects(herder.deleteConnector('src'), new NotFoundRestError('Connector src not found'))
  })

  it('pauses and resumes connector and tasks', async () => {
    const { herder, worker } = await withSource()
    await herder.pauseConnector('src')
    await waitFor(() => worker.calls.includes('target-state src PAUSED'), { what: 'the pause' })
    const { connector, tasks } = await herder.connectorStatus('src')
    assert.deepEqual([connector.state, tasks[0]?.state], ['PAUSED', 'PAUSED'])
    await herder.resumeConnector('src')
    await waitFor(() => worker.calls.includes('task-configs src'), { what: 'the resumption' })
    assert.equal((await herder.connectorStatus('src')).connector.state, 'RUNNING')
    assert.equal(worker.calls.includes('stop-tasks src-0'), false)
  })

  it('stops a connector, its tasks gone, and starts them anew when it is resumed', async () => {
    const { herder, worker } = await withSource()
    await herder.stopConnector('src')
    assert.deepEqual(worker.calls.splice(0), ['stop-tasks src-0', 'target-state src STOPPED'])
    const { connector, tasks } = await herder.connectorStatus('src')
    assert.deepEqual([connector.state, tasks, herder.taskConfigs('src')], ['STOPPED', [], []])
    await herder.resumeConnector('src')
    await waitFor(() => worker.calls.includes('start-task src-0 STARTED'), { what: 'the task' })
    assert.deepEqual(worker.calls, ['target-state src STARTED', 'task-configs src', 'start-task src-0 STARTED'])
  })

  it('does what was wished for last, whatever is waiting before it', async () => {
    const { herder, worker } = await withSource()
    const gate = Promise.withResolvers<void>()
    const original = worker.stopTasks.bind(worker)
    worker.stopTasks = async (ids) => {
      await gate.promise
      return original(ids)
    }
    const stopping = herder.stopConnector('src')
    await waitFor(() => herder.taskConfigs('src').length === 1, { what: 'the stop to begin' })
    await herder.pauseConnector('src')
    gate.resolve()
    await stopping
    await waitFor(() => worker.calls.includes('target-state src PAUSED'), { what: 'the pause' })
    assert.equal((await herder.connectorStatus('src')).connector.state, 'PAUSED')
  })

  it('reconfigures again when the connector asks while it is being reconfigured', async () => {
    const { worker } = await withSource()
    const gate = Promise.withResolvers<void>()
    const original = worker.connectorTaskConfigs.bind(worker)
    worker.connectorTaskConfigs = async (name, config) => {
      await gate.promise
      return original(name, config)
    }
    worker.listener.taskReconfigurationRequested('src')
    worker.listener.taskReconfigurationRequested('src')
    await new Promise((resolve) => setImmediate(resolve))
    worker.listener.taskReconfigurationRequested('src')
    gate.resolve()
    await waitFor(() => worker.calls.length === 2, { what: 'the second reconfiguration' })
    assert.deepEqual(worker.calls, ['task-configs src', 'task-configs src'])
  })

  it('restarts tasks by plan even where the instance does not start', async () => {
    const { herder, worker, log } = await withSource()
    worker.connectorFailure = new Error('no such table')
    const info = await herder.restartConnector('src', { includeTasks: true, onlyFailed: false })
    assert.equal(info?.connector.state, 'RESTARTING')
    const { connector, tasks } = await herder.connectorStatus('src')
    assert.deepEqual([connector.state, tasks[0]?.state], ['FAILED', 'RUNNING'])
    assert.ok(log.includes("Connector 'src' restart failed"))
  })

  it('refuses a worker whose converter does not exist', async () => {
    await assert.rejects(
      setUp({ 'value.converter': 'NoSuch' }),
      /^ConfigError: Invalid value NoSuch for configuration value\.converter: Class NoSuch could not be found\.$/,
    )
    await assert.rejects(
      setUp({ 'key.converter.plugin.version': '9.9' }),
      /^ConfigError: Invalid value 9\.9 for configuration key\.converter\.plugin\.version: Plugin test\.TextConverter not found/,
    )
    await assert.rejects(
      setUp({ 'connector.client.config.override.policy': 'NoSuch' }),
      /configuration connector\.client\.config\.override\.policy: Class NoSuch could not be found\./,
    )
  })

  it('names an unknown connector as the original does', async () => {
    const { herder } = await setUp()
    assert.throws(() => herder.connectorInfo('nope'), new NotFoundRestError('Connector nope not found'))
    assert.throws(() => herder.connectorConfig('nope'), new NotFoundRestError('Connector nope not found'))
    assert.throws(() => herder.taskConfigs('nope'), new NotFoundRestError('Connector nope not found'))
    for (const change of [() => herder.pauseConnector('nope'), () => herder.resumeConnector('nope'), () => herder.stopConnector('nope')]) {
      await assert.rejects(change, new NotFoundRestError('Unknown connector nope'))
    }
    for (const request of [
      { includeTasks: false, onlyFailed: false },
      { includeTasks: true, onlyFailed: false },
    ]) {
      await assert.rejects(herder.restartConnector('nope', request), new NotFoundRestError('Unknown connector: nope'))
    }
    await assert.rejects(herder.restartTask({ connector: 'nope', task: 0 }), new NotFoundRestError('Unknown connector: nope'))
    await assert.rejects(herder.connectorOffsets('nope'), new NotFoundRestError('Connector nope not found'))
    assert.deepEqual(herder.connectorTopics('nope'), { nope: { topics: [] } })
  })

  it('restarts the instance alone, or what the request selects', async () => {
    const { herder, worker } = await withSource()
    assert.equal(await herder.restartConnector('src', { includeTasks: false, onlyFailed: false }), null)
    assert.deepEqual(worker.calls.splice(0), ['stop-connector src', 'start-connector src STARTED', 'task-configs src'])
    const info = await herder.restartConnector('src', { includeTasks: true, onlyFailed: false })
    assert.deepEqual([info?.connector.state, info?.tasks[0]?.state], ['RESTARTING', 'RESTARTING'])
    assert.deepEqual(worker.calls.splice(0), ['stop-connector src', 'stop-tasks src-0', 'start-connector src STARTED', 'start-task src-0 STARTED'])
    const healthy = await herder.restartConnector('src', { includeTasks: true, onlyFailed: true })
    assert.deepEqual([healthy?.connector.state, worker.calls.length], ['RUNNING', 0])
    assert.equal((await herder.connectorStatus('src')).connector.state, 'RUNNING')
  })

  it('restarts one task', async () => {
    const { herder, worker } = await withSource()
    await herder.restartTask({ connector: 'src', task: 0 })
    assert.deepEqual(worker.calls, ['stop-tasks src-0', 'start-task src-0 STARTED'])
    await assert.rejects(herder.restartTask({ connector: 'src', task: 5 }), new NotFoundRestError('Task src-5 not found'))
  })

  it('restarts what failed where nobody else has taken care of it, in its turn', async () => {
    const { herder, worker } = await withSource()
    const states: (string | undefined)[] = []
    const task = { connector: 'src', task: 0 }
    const begin = (): boolean => states.push('begin') > 0
    await herder.restartWanted(task, () => false)
    await herder.restartWanted({ connector: 'src', task: 7 }, begin)
    await herder.restartWanted({ connector: 'gone', task: null }, begin)
    assert.deepEqual([worker.calls, states], [[], []])
    const first = herder.restartTask(task)
    await Promise.all([first, herder.restartWanted(task, begin)])
    assert.deepEqual(worker.calls.splice(0), ['stop-tasks src-0', 'start-task src-0 STARTED', 'stop-tasks src-0', 'start-task src-0 STARTED'])
    await herder.restartWanted({ connector: 'src', task: null }, begin)
    assert.deepEqual(worker.calls, ['stop-connector src', 'start-connector src STARTED', 'task-configs src'])
    assert.deepEqual(states, ['begin', 'begin'])
  })

  it('stores references, hands out what they resolve to, and stores no secret in task configurations', async () => {
    const { herder, worker } = await setUp()
    await herder.putConnector('src', { ...SOURCE, file: '${secrets:p:password}' }, NEW)
    assert.equal(worker.connectorConfigs.get('src')?.file, 's3cret')
    assert.equal(worker.taskConfigs.get('src-0')?.file, 's3cret')
    assert.equal(herder.connectorConfig('src').file, '${secrets:p:password}')
    assert.equal(herder.taskConfigs('src')[0]?.config.file, '${secrets:p:password}')
  })

  it('records active topics, and forgets them when they are reset', async () => {
    const { herder, worker } = await withSource()
    worker.listener.activeTopic({ connector: 'src', task: 0 }, 't1')
    worker.listener.activeTopic({ connector: 'gone', task: 0 }, 't1')
    assert.deepEqual(herder.connectorTopics('src'), { src: { topics: ['t1'] } })
    assert.deepEqual(herder.connectorTopics('gone'), { gone: { topics: [] } })
    herder.resetConnectorTopics('src')
    assert.deepEqual(herder.connectorTopics('src'), { src: { topics: [] } })
    assert.equal(worker.calls.at(-1), 'forget-topics src')
  })

  it('refuses active topics where the worker does not track them', async () => {
    const { herder } = await setUp({ 'topic.tracking.enable': 'false' })
    assert.throws(() => herder.connectorTopics('src'), new RestError(403, 'Topic tracking is disabled.'))
    const other = await setUp({ 'topic.tracking.allow.reset': 'false' })
    assert.throws(() => other.herder.resetConnectorTopics('src'), new RestError(403, 'Topic tracking reset is disabled.'))
  })

  it('shows offsets of a source from the store and of a sink from its consumer group', async () => {
    const { herder, offsetStore, groups } = await withSource()
    await offsetStore.set([{ key: Buffer.from('["src",{"filename":"/a"}]'), value: Buffer.from('{"position":9007199254740993}') }])
    assert.equal(JSON.stringify(await herder.connectorOffsets('src')), '{"offsets":[{"partition":{"filename":"/a"},"offset":{"position":9007199254740993}}]}')
    groups.set('connect-snk', [
      { topic: 't', partition: 10, offset: 1 },
      { topic: 't', partition: 2, offset: 6 },
    ])
    await herder.putConnector('snk', { name: 'snk', 'connector.class': 'LinesSink', topics: 't' }, NEW)
    assert.deepEqual(await herder.connectorOffsets('snk'), {
      offsets: [
        { partition: { kafka_topic: 't', kafka_partition: 2 }, offset: { kafka_offset: 6 } },
        { partition: { kafka_topic: 't', kafka_partition: 10 }, offset: { kafka_offset: 1 } },
      ],
    })
  })

  it('refuses changes of offsets of a connector that is not stopped, or not there, or without offsets', async () => {
    const { herder } = await withSource()
    const offsets = [{ partition: { p: 1 }, offset: { o: 1 } }]
    await assert.rejects(herder.alterConnectorOffsets('nope', offsets), { status: 404, message: 'Connector nope not found' })
    await assert.rejects(herder.resetConnectorOffsets('nope'), { status: 404 })
    await assert.rejects(herder.alterConnectorOffsets('src', []), {
      status: 400,
      message: 'Partitions / offsets need to be provided for an alter offsets request',
    })
    const message = /^Connectors must be in the STOPPED state before their offsets can be modified/
    await assert.rejects(herder.alterConnectorOffsets('src', offsets), { status: 400, message })
    await assert.rejects(herder.resetConnectorOffsets('src'), { status: 400, message })
  })

  it('changes the offsets of a stopped source as its connector is told, and forgets them', async () => {
    const { herder, worker } = await withSource()
    await herder.stopConnector('src')
    const told = { message: 'The offsets for this connector have been altered successfully' }
    const offsets = [
      { partition: { p: 1 }, offset: { o: 1 } },
      { partition: { p: 2 }, offset: { o: 9007199254740993n } },
      { partition: { p: 1 }, offset: { o: 3 } },
    ]
    assert.deepEqual(await herder.alterConnectorOffsets('src', offsets as never), told)
    const shown = '{"offsets":[{"partition":{"p":1},"offset":{"o":3}},{"partition":{"p":2},"offset":{"o":9007199254740993}}]}'
    assert.equal(JSON.stringify(await herder.connectorOffsets('src')), shown)
    assert.deepEqual(await herder.alterConnectorOffsets('src', [{ partition: { p: 1 }, offset: null }]), told)
    assert.deepEqual(await herder.resetConnectorOffsets('src'), { message: 'The offsets for this connector have been reset successfully' })
    assert.deepEqual(await herder.connectorOffsets('src'), { offsets: [] })
    assert.deepEqual(worker.calls.filter((call) => call.startsWith('alter-offsets')).slice(1), [
      'alter-offsets src [{"partition":{"p":1},"offset":null}]',
      'alter-offsets src [{"partition":{"p":2},"offset":null}]',
    ])
    const wrong = [{ partition: { p: 1 }, offset: { o: [1] } }]
    await assert.rejects(herder.alterConnectorOffsets('src', wrong), /Offsets may only contain primitive types as values, but field o contains ARRAY/)
  })

  it('writes nothing where the connector refuses a change of offsets', async () => {
    const { herder, worker, offsetStore } = await withSource()
    await herder.stopConnector('src')
    const alter = () => herder.alterConnectorOffsets('src', [{ partition: { p: 1 }, offset: { o: 1 } }])
    worker.alterOffsets = async () => Promise.reject(new ConnectError('No such file'))
    await assert.rejects(alter(), { status: 500, message: 'No such file' })
    worker.alterOffsets = async () => Promise.reject(new TypeError('secret'))
    await assert.rejects(alter(), { status: 500, message: 'Failed to modify offsets for source connector src' })
    worker.alterOffsets = async () => Promise.reject(Object.assign(new Error('no'), { javaClass: 'java.lang.UnsupportedOperationException' }))
    await assert.rejects(alter(), { message: "Failed to modify offsets for connector src because it doesn't support external modification of offsets" })
    assert.deepEqual(await offsetStore.connectorPartitions('src'), [])
    worker.alterOffsets = async () => false
    assert.match((await alter()).message, /^The Connect framework-managed offsets for this connector have been altered successfully. However/)
  })

  it('changes what the group of a stopped sink has committed', async () => {
    const { herder, groups } = await withSource()
    await herder.putConnector('snk', { name: 'snk', 'connector.class': 'LinesSink', topics: 't' }, { allowReplace: false, initialState: 'STOPPED' })
    groups.set('connect-snk', [{ topic: 't', partition: 0, offset: 5 }])
    const place = (kafka_partition: unknown) => ({ kafka_topic: 't', kafka_partition })
    await herder.alterConnectorOffsets('snk', [
      { partition: place('1'), offset: { kafka_offset: '7' } },
      { partition: place(0), offset: null },
    ])
    assert.deepEqual((await herder.connectorOffsets('snk')).offsets, [{ partition: place(1), offset: { kafka_offset: 7 } }])
    const wrong: readonly (readonly [unknown, unknown, RegExp])[] = [
      [null, null, /cannot be null or missing/],
      [{}, null, /must contain the keys 'kafka_topic' and 'kafka_partition'/],
      [{ kafka_topic: null, kafka_partition: 1 }, null, /topic names must be valid strings/],
      [place(null), null, /partitions must be valid numbers/],
      [place('x'), null, /Failed to parse the following Kafka partition value in the provided offsets: 'x'/],
      [place(1.5), null, /'1.5'. Partition values for sink connectors need to be integers/],
      [place(1), {}, /should either be null or contain the key 'kafka_offset'/],
      [place(1), { kafka_offset: 'y' }, /Failed to parse the following Kafka offset value in the provided offsets: 'y'/],
    ]
    for (const [partition, offset, message] of wrong)
      await assert.rejects(herder.alterConnectorOffsets('snk', [{ partition, offset }] as never), { status: 400, message })
    await herder.resetConnectorOffsets('snk')
    assert.equal(groups.has('connect-snk'), false)
    groups.get = () => {
      throw new Error('nobody answers')
    }
    const told = { status: 500, message: 'Failed to retrieve consumer group offsets for sink connector snk: nobody answers' }
    await assert.rejects(herder.connectorOffsets('snk'), told)
    await assert.rejects(herder.resetConnectorOffsets('snk'), /Failed to list offsets prior to resetting offsets for sink connector snk: nobody answers/)
  })

  it('lists plug-ins in the order of the original, with our version beside theirs', async () => {
    const { herder } = await setUp()
    assert.deepEqual(
      herder.connectorPlugins(true).map((plugin) => [plugin.class, plugin.type, plugin.version, plugin.millrace?.version]),
      [
        ['test.LinesSinkConnector', 'sink', '1.2', '0.0.7'],
        ['test.LinesSourceConnector', 'source', '1.2', '0.0.7'],
      ],
    )
    assert.deepEqual(
      herder.connectorPlugins(false).map((plugin) => plugin.type),
      ['sink', 'source', 'converter', 'header_converter', 'header_converter'],
    )
  })

  it('lets a connector that hangs hold up nobody else', async () => {
    const { herder, worker } = await setUp({}, { requestTimeoutMs: 50 })
    worker.makeTaskConfigs = (name) => (name === 'hangs' ? (new Promise(() => undefined) as never) : [{}])
    const original = worker.connectorTaskConfigs.bind(worker)
    worker.connectorTaskConfigs = (name, config) => (name === 'hangs' ? new Promise(() => undefined) : original(name, config))
    await assert.rejects(herder.putConnector('hangs', SOURCE, NEW), {
      status: 500,
      message: /^Request timed out\. The worker is currently generating task configurations of connector hangs, which began at /,
    })
    await herder.putConnector('src', SOURCE, NEW)
    assert.equal((await herder.connectorStatus('src')).connector.state, 'RUNNING')
    assert.equal((await herder.connectorStatus('hangs')).connector.state, 'RUNNING')
  })

  it('ignores reports of what it no longer has', async () => {
    const { herder, worker } = await withSource()
    await herder.deleteConnector('src')
    worker.listener.connectorState('src', 'FAILED', failureOf(new Error('late')))
    worker.listener.taskState({ connector: 'src', task: 0 }, 'RUNNING', null)
    await assert.rejects(herder.connectorStatus('src'), NotFoundRestError)
  })

  it('is starting until its connectors were submitted, and tells of threads that are blocked for good', async () => {
    const { herder, worker } = await setUp()
    assert.deepEqual(await herder.health(), { status: 'starting', message: 'Worker is still starting up.' })
    herder.ready()
    assert.deepEqual(await herder.health(), { status: 'healthy', message: 'Worker has completed startup and is ready to handle requests.' })
    worker.abandonedHosts = ['src-0']
    assert.match((await herder.health()).message, /Threads that are blocked for good until it is restarted: 1 \(src-0\)\.$/)
  })

  it('refuses what only a cluster can do', async () => {
    const { herder } = await setUp()
    await assert.rejects(herder.putTaskConfigs(), /standalone mode does not support externally setting task configurations/)
    await assert.rejects(herder.fenceZombieSourceTasks(), /standalone mode does not support exactly-once source connectors/)
  })

  it('stops the worker with the stores', async () => {
    const { herder, worker } = await withSource()
    await herder.stop()
    assert.deepEqual(worker.calls, ['stop'])
    await assert.rejects(herder.deleteConnector('src'), new RestError(503, 'The worker is stopping'))
  })
})
