import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { closeSync, constants, mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { after, afterEach, before } from 'node:test'
import type { Logger, Properties } from '@millrace/api'
import { type Broker, startBroker } from '@millrace/broker'
import { Admin } from '@millrace/kafka'
import type { TaskId } from '@millrace/rest-api'
import { parseWorkerConfig } from '../config/worker-config.ts'
import type { Failure } from '../errors/failure.ts'
import { discoverPlugins } from '../plugins/discover-plugins.ts'
import { decodeOffsetValue } from '../storage/offset-encoding.ts'
import { MemoryOffsetStore } from '../storage/memory/memory-offset-store.ts'
import { Worker } from './worker.ts'

const directory = mkdtempSync(join(tmpdir(), 'millrace-worker-'))
const fifo = join(directory, 'fifo')
const quiet: Logger = { isDebugEnabled: false, trace() {}, debug() {}, info() {}, warn() {}, error() {} }
let broker: Broker

before(async () => {
  execFileSync('mkfifo', [fifo])
  broker = await startBroker({ port: 0, dataDir: join(directory, 'broker'), logger: quiet })
})

// A thread that blocks on the FIFO goes on when somebody opens it; otherwise the process of the tests could not end.
afterEach(async () => {
  const writer = openSync(fifo, constants.O_RDWR | constants.O_NONBLOCK)
  await new Promise((resolve) => setTimeout(resolve, 20))
  closeSync(writer)
})

after(async () => {
  await broker.close()
  rmSync(directory, { recursive: true, force: true })
})

/** A worker with its states, as a herder would see them. */
class Bench {
  readonly worker: Worker
  readonly offsetStore: MemoryOffsetStore
  readonly connectorStates = new Map<string, { state: string; failure: Failure | null }>()
  readonly taskStates = new Map<string, { state: string; failure: Failure | null }>()
  laterFailures = 0
  readonly history: string[] = []
  readonly topics: string[] = []
  readonly lines: string[] = []

  private constructor(worker: (bench: Bench) => Worker, offsetStore: MemoryOffsetStore) {
    this.offsetStore = offsetStore
    this.worker = worker(this)
  }

  static async start(properties: Properties = {}): Promise<Bench> {
    const offsetStore = new MemoryOffsetStore()
    await offsetStore.start()
    const registry = await discoverPlugins({ pluginPath: [], bundled: [new URL('../testing-plugins/package.json', import.meta.url)], logger: quiet })
    const config = parseWorkerConfig({
      mode: 'standalone',
      logger: quiet,
      properties: {
        'bootstrap.servers': `127.0.0.1:${broker.port}`,
        'key.converter': 'test.TextConverter',
        'value.converter': 'test.TextConverter',
        'header.converter': 'test.TextHeaderConverter',
        'offset.storage.file.filename': join(directory, 'offsets'),
        'offset.flush.interval.ms': '100',
        'task.shutdown.graceful.timeout.ms': '1500',
        'millrace.task.hang.timeout.ms': '1000',
        'millrace.task.memory.max.bytes': String(80 * 1024 * 1024),
        ...properties,
      },
    })
    return new Bench(
      (bench) =>
        new Worker({
          config,
          registry,
          offsetStore,
          bootstrapServers: `127.0.0.1:${broker.port}`,
          workerId: 'worker:8083',
          logger: { ...quiet, warn: (line) => void bench.lines.push(line), error: (line) => void bench.lines.push(line) },
          listener: {
            connectorState: (name, state, failure) => void bench.connectorStates.set(name, { state, failure }),
            taskState(id, state, failure) {
              bench.taskStates.set(`${id.connector}-${id.task}`, { state, failure })
              bench.history.push(`${id.connector}-${id.task} ${state}`)
            },
            failedAgain: (_, count) => void (bench.laterFailures += count),
            activeTopic: (id, topic) => void bench.topics.push(`${id.connector}-${id.task} ${topic}`),
            taskReconfigurationRequested() {},
          },
        }),
      offsetStore,
    )
  }

  /** Starts a source connector of the testing plug-ins with its tasks. */
  async source(name: string, properties: Properties = {}): Promise<TaskId[]> {
    return await this.#connector(name, { 'connector.class': 'test.MisbehavingSourceConnector', topic: name, ...properties })
  }

  async sink(name: string, properties: Properties): Promise<TaskId[]> {
    return await this.#connector(name, { 'connector.class': 'test.MisbehavingSinkConnector', ...properties })
  }

  async #connector(name: string, properties: Properties): Promise<TaskId[]> {
    const config = { name, fifo, ...properties }
    await this.worker.startConnector(name, config, 'STARTED')
    const taskConfigs = await this.worker.connectorTaskConfigs(name, config)
    const ids = taskConfigs.map((_, task) => ({ connector: name, task }))
    await Promise.all(ids.map((id) => this.worker.startTask(id, config, taskConfigs[id.task]!, 'STARTED')))
    return ids
  }

  async stateOf(task: string, state: string): Promise<Failure | null> {
    await until(
      () => this.taskStates.get(task)?.state === state,
      () => `${task} to be ${state}: ${[...this.history, ...this.lines].join('\n')}`,
    )
    return this.taskStates.get(task)?.failure ?? null
  }

  async written(id: TaskId): Promise<number> {
    return (await this.worker.taskProgress(id))?.ledger.written ?? 0
  }

  /** Waits until a task has written more than it had. */
  async flows(id: TaskId): Promise<void> {
    const before = await this.written(id)
    await untilAsync(async () => {
      const now = await this.written(id)
      return now > before || (now > 0 && now < before)
    }, `${id.connector}-${id.task} to flow`)
  }

  async stop(): Promise<void> {
    await this.worker.stop()
  }
}

async function until(condition: () => boolean, what: () => string): Promise<void> {
  await untilAsync(async () => condition(), what)
}

async function untilAsync(condition: () => Promise<boolean>, what: string | (() => string)): Promise<void> {
  const deadline = performance.now() + 20_000
  while (!(await condition())) {
    if (performance.now() > deadline) assert.fail(`waited in vain for ${typeof what === 'string' ? what : what()}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

test('a source flows into a sink, offsets are committed, and both stop properly', async () => {
  const bench = await Bench.start()
  const [source] = await bench.source('numbers')
  const [sink] = await bench.sink('taker', { topics: 'numbers' })
  await bench.flows(source!)
  await bench.flows(sink!)
  const rungs = await bench.worker.stopTasks([source!, sink!])
  assert.deepEqual([...rungs.values()], ['stopped', 'stopped'])
  assert.equal(bench.taskStates.get('numbers-0')?.state, 'UNASSIGNED')

  const progress = await bench.worker.taskProgress(source!)
  assert.equal(progress?.ledger.balanced, true)
  assert.equal(progress?.ledger.in_flight, 0)
  assert.equal(progress?.stop, 'stopped')
  const [stored] = await bench.offsetStore.connectorPartitions('numbers')
  assert.deepEqual(decodeOffsetValue(stored!.value), { last: progress?.ledger.written })
  assert.deepEqual((await bench.worker.taskProgress(sink!))?.ledger.balanced, true)
  assert.ok(bench.topics.includes('numbers-0 numbers') && bench.topics.includes('taker-0 numbers'))

  // It goes on where it stopped.
  await bench.worker.stopConnector('numbers')
  await bench.source('numbers')
  await bench.flows(source!)
  await bench.stop()
  assert.deepEqual(bench.worker.threads(), [])
})

test('topics are created as the group says that they belong to (KIP-158)', async () => {
  const bench = await Bench.start()
  const groups = {
    'topic.creation.groups': 'brief',
    'topic.creation.brief.include': '(?i)CREATED-.*',
    'topic.creation.brief.exclude': '.*-plain',
    'topic.creation.brief.retention.ms': '3600000',
    'topic.creation.brief.partitions': '2',
    'topic.creation.default.partitions': '3',
    'topic.creation.default.replication.factor': '-1',
  }
  const names = ['created-brief', 'created-plain']
  const admin = new Admin({ 'bootstrap.servers': `127.0.0.1:${broker.port}` }, { logger: quiet })
  try {
    const sources = await Promise.all(names.map(async (name) => (await bench.source(name, groups))[0]!))
    await Promise.all(sources.map((source) => bench.flows(source)))
    const described = await admin.describeTopics(names)
    assert.deepEqual(
      described.map(({ name, partitions }) => [name, partitions.length]),
      [
        ['created-brief', 2],
        ['created-plain', 3],
      ],
    )
    const configs = await admin.describeConfigs(names.map((name) => ({ type: 'topic', name })))
    const retentions = configs.map(({ entries }) => entries.find(({ name }) => name === 'retention.ms')?.value)
    assert.deepEqual(retentions, ['3600000', '604800000'])
  } finally {
    await admin.close()
    await bench.stop()
  }
})

test('after a reset a task tells its topics again when it next uses them', async () => {
  const bench = await Bench.start()
  const [source] = await bench.source('reset')
  await bench.sink('reset-taker', { topics: 'reset' })
  const told = (line: string) => bench.topics.filter((topic) => topic === line).length
  const tasks = ['reset-0 reset', 'reset-taker-0 reset']
  await until(
    () => tasks.every((task) => told(task) === 1),
    () => `topics: ${bench.topics.join(', ')}`,
  )
  await bench.flows(source!)
  assert.deepEqual(tasks.map(told), [1, 1])
  bench.worker.forgetTopics('reset')
  await until(
    () => told('reset-0 reset') === 2,
    () => `topics: ${bench.topics.join(', ')}`,
  )
  bench.worker.forgetTopics('reset-taker')
  await until(
    () => told('reset-taker-0 reset') === 2,
    () => `topics: ${bench.topics.join(', ')}`,
  )
  assert.deepEqual(tasks.map(told), [2, 2])
  await bench.stop()
})

test('pauses and resumes connector and tasks', async () => {
  const bench = await Bench.start()
  const [source] = await bench.source('pausable')
  await bench.flows(source!)
  await bench.worker.setTargetState('pausable', 'PAUSED')
  await bench.stateOf('pausable-0', 'PAUSED')
  assert.equal(bench.connectorStates.get('pausable')?.state, 'PAUSED')
  await bench.worker.setTargetState('pausable', 'STARTED')
  await bench.stateOf('pausable-0', 'RUNNING')
  await bench.flows(source!)
  await bench.stop()
})

test('a source whose records are all filtered stops at once', async () => {
  const bench = await Bench.start()
  const ids = await bench.source('filtered', { transforms: 'drop', 'transforms.drop.type': 'test.DropAll' })
  await untilAsync(async () => ((await bench.worker.taskProgress(ids[0]!))?.ledger.filtered ?? 0) > 0, 'filtered records')
  assert.deepEqual([...(await bench.worker.stopTasks(ids)).values()], ['stopped'])
  await bench.stop()
})

/** `hint`, and `stage` where it is known. */
const failures: readonly (readonly [behaviour: string, code: string, message: RegExp, hint: string, stage?: string])[] = [
  ['poll throw', 'FAILURE', /on fire/, 'MR-6002', 'poll'],
  ['start throw', 'FAILURE', /on fire/, 'MR-6002', 'start'],
  ['poll throw-later', 'FAILURE', /nobody awaits/, 'MR-6002'],
  ['poll reject-later', 'FAILURE', /nobody awaits/, 'MR-6002'],
  ['poll hang', 'TASK_HANG', /did not return within 1000 ms/, 'MR-6101', 'poll'],
  ['poll hang-later', 'TASK_HANG', /did not return within 1000 ms/, 'MR-6101'],
  ['poll open-fifo', 'TASK_ABANDONED', /native call/, 'MR-6102', 'poll'],
  ['poll flood-thread-pool', 'TASK_FLOODS_POOL', /requests in the thread pool/, 'MR-5103'],
  ['poll exit', 'THREAD_EXITED', /process\.exit/, 'MR-6003'],
  ['poll leak-objects', 'TASK_OUT_OF_MEMORY', /memory/, 'MR-5101'],
  ['poll leak-array', 'TASK_OUT_OF_MEMORY', /memory/, 'MR-5101'],
  ['poll leak-map', 'TASK_OUT_OF_MEMORY', /memory/, 'MR-5101'],
  ['poll leak-json', 'TASK_OUT_OF_MEMORY', /memory/, 'MR-5101'],
  ['poll leak-buffers', 'TASK_OUT_OF_MEMORY', /memory/, 'MR-5101'],
]

for (const [behaviour, code, message, hint, stage] of failures) {
  test(`a task that misbehaves (${behaviour}) fails with the reason, alone in its thread`, async () => {
    const bench = await Bench.start()
    const [neighbour] = await bench.source('neighbour')
    await bench.flows(neighbour!)
    await bench.source('bad', { behaviour })
    const failure = await bench.stateOf('bad-0', 'FAILED')
    assert.equal(failure?.code, code)
    assert.match(failure?.message ?? '', message)
    const { report } = failure ?? {}
    assert.equal(report?.hint, hint)
    // What hangs later is on nobody's call.
    if (behaviour !== 'poll hang-later') assert.equal(report?.where.stage, stage)
    assert.deepEqual([report?.where.connector, report?.where.task], ['bad', 0])
    assert.match(report?.recent_events.join() ?? '', behaviour.startsWith('poll') ? /RUNNING/ : /^/)
    await bench.flows(neighbour!)
    assert.ok(!bench.history.includes('neighbour-0 FAILED'))
    await bench.stop()
    const left = bench.worker.threads().map(({ state }) => state)
    assert.deepEqual(left, message.source.includes('native') || message.source.includes('pool') ? ['abandoned'] : [])
  })

  test(`a task that misbehaves (${behaviour}) fails alone among six on two threads`, async () => {
    const bench = await Bench.start({ 'millrace.task.threads.max': '2' })
    const neighbours = [...(await bench.source('five', { 'tasks.max': '3' })), ...(await bench.sink('taker', { 'tasks.max': '2', topics: 'five' }))]
    await Promise.all(neighbours.slice(0, 3).map((id) => bench.flows(id)))
    assert.equal(bench.worker.threads().filter(({ kind }) => kind === 'task').length, 2)
    await bench.source('bad', { behaviour })
    const failure = await bench.stateOf('bad-0', 'FAILED')
    assert.equal(failure?.code, code)
    await Promise.all(neighbours.slice(0, 3).map((id) => bench.flows(id)))
    assert.deepEqual(
      bench.history.filter((event) => event.includes('FAILED')),
      ['bad-0 FAILED'],
    )
    await bench.stop()
    const left = bench.worker.threads().map(({ state }) => state)
    assert.deepEqual(left, message.source.includes('native') || message.source.includes('pool') ? ['abandoned'] : [])
  })
}

test('a poll that never returns ends with its thread; its neighbours begin again elsewhere', async () => {
  const bench = await Bench.start({ 'millrace.task.threads.max': '1', 'task.shutdown.graceful.timeout.ms': '300' })
  const [neighbour] = await bench.source('neighbour')
  const [stuck] = await bench.source('stuck', { behaviour: 'poll never-return' })
  await bench.flows(neighbour!)
  await bench.stateOf('stuck-0', 'RUNNING')
  assert.deepEqual([...(await bench.worker.stopTasks([stuck!]))], [['stuck-0', 'terminated']])
  assert.equal(bench.taskStates.get('stuck-0')?.state, 'UNASSIGNED')
  assert.equal((await bench.worker.taskProgress(stuck!))?.stop ?? 'terminated', 'terminated')
  await bench.flows(neighbour!)
  assert.ok(!bench.history.includes('neighbour-0 UNASSIGNED'))
  await bench.stop()
})

test('the first failure of a task counts, whatever its stop does afterwards', async () => {
  for (const [behaviour, later] of [
    ['poll throw and stop hang', 0],
    ['poll throw and stop never-return', 0],
    ['poll throw and stop throw', 1],
  ] as const) {
    const bench = await Bench.start({ 'task.shutdown.graceful.timeout.ms': '300' })
    const [bad] = await bench.source('bad', { behaviour })
    const failure = await bench.stateOf('bad-0', 'FAILED')
    assert.match(failure?.report?.root_cause ?? '', /on fire/, behaviour)
    await until(
      () => bench.laterFailures === later,
      () => `${later} later failures, not ${bench.laterFailures}`,
    )
    await bench.worker.stopTasks([bad!])
    assert.deepEqual(
      bench.history.filter((event) => event.startsWith('bad-0 FAILED')),
      ['bad-0 FAILED'],
      behaviour,
    )
    await bench.stop()
  }
})

test('a failed task whose stop never returns does not keep its thread', async () => {
  const bench = await Bench.start({ 'task.shutdown.graceful.timeout.ms': '300' })
  await bench.source('bad', { behaviour: 'stop never-return' })
  await bench.stateOf('bad-0', 'RUNNING')
  await bench.stop()
  assert.deepEqual(bench.worker.threads(), [])
})

test('a stop ends in time while a task hangs, and while one blocks in a native call', async () => {
  const bench = await Bench.start({ 'task.shutdown.graceful.timeout.ms': '300', 'millrace.task.hang.timeout.ms': '60000' })
  const [hanging] = await bench.source('hanging', { behaviour: 'poll hang' })
  const [blocked] = await bench.source('blocked', { behaviour: 'poll open-fifo' })
  const [neighbour] = await bench.source('neighbour')
  await bench.flows(neighbour!)
  const startedAtMs = performance.now()
  const rungs = await bench.worker.stopTasks([hanging!, blocked!, neighbour!])
  assert.deepEqual(Object.fromEntries(rungs), { 'hanging-0': 'terminated', 'blocked-0': 'abandoned', 'neighbour-0': 'stopped' })
  assert.ok(performance.now() - startedAtMs < 300 + 250 + 2_000 + 1_500)
  await bench.stop()
  assert.deepEqual(
    bench.worker.threads().map(({ state, hosts }) => [state, hosts]),
    [['abandoned', []]],
  )
})

test('a sink that hangs is taken out of its group, so that its partitions go to others at once', async () => {
  const bench = await Bench.start()
  const [source] = await bench.source('handed-over')
  await bench.flows(source!)
  await bench.sink('hanging', { topics: 'handed-over', behaviour: 'put hang', 'consumer.override.group.id': 'handed-over' })
  await bench.stateOf('hanging-0', 'FAILED')
  const [other] = await bench.sink('other', { topics: 'handed-over', 'consumer.override.group.id': 'handed-over' })
  await bench.flows(other!)
  await bench.stop()
})

test('a connector may ask for threads of its own', async () => {
  const bench = await Bench.start({ 'millrace.task.threads.max': '1' })
  await bench.source('shared', { 'tasks.max': '3' })
  await bench.source('own', { 'tasks.max': '2', 'millrace.task.isolation': 'dedicated' })
  const hosts = bench.worker
    .threads()
    .filter(({ kind }) => kind === 'task')
    .map((thread) => thread.hosts.length)
  assert.deepEqual(hosts.sort(), [1, 1, 3])
  await bench.stop()
})

test('a connector that hangs fails alone; the others begin again', async () => {
  const bench = await Bench.start()
  const [neighbour] = await bench.source('neighbour')
  await assert.rejects(bench.source('bad', { behaviour: 'connector-start hang' }))
  assert.equal(bench.connectorStates.get('bad')?.state, 'FAILED')
  assert.equal(bench.connectorStates.get('bad')?.failure?.code, 'TASK_HANG')
  assert.equal(bench.connectorStates.get('neighbour')?.state, 'RUNNING')
  // The instance is there again, in another thread.
  await untilAsync(
    () =>
      bench.worker.connectorTaskConfigs('neighbour', { name: 'neighbour' }).then(
        (configs) => configs.length === 1,
        () => false,
      ),
    'the neighbour to answer again',
  )
  await bench.flows(neighbour!)
  await bench.stop()
})

for (const [behaviour, message] of [
  ['connector-start throw', /on fire/],
  ['connector-start exit', /process\.exit/],
] as const) {
  test(`a connector that misbehaves (${behaviour}) is FAILED with the reason`, async () => {
    const bench = await Bench.start()
    await assert.rejects(bench.source('bad', { behaviour }), message)
    assert.equal(bench.connectorStates.get('bad')?.state, 'FAILED')
    assert.match(bench.connectorStates.get('bad')?.failure?.trace ?? '', message)
    await bench.worker.stopConnector('bad')
    await bench.stop()
  })
}

test('task configurations carry the class and the topics', async () => {
  const bench = await Bench.start()
  const config = { name: 'many', 'connector.class': 'test.MisbehavingSinkConnector', topics: 't', 'tasks.max': '2' }
  await bench.worker.startConnector('many', config, 'STARTED')
  assert.deepEqual(await bench.worker.connectorTaskConfigs('many', config), [
    { ...config, 'task.class': 'TakingSinkTask' },
    { ...config, 'task.class': 'TakingSinkTask' },
  ])
  await bench.stop()
})

test('validation answers as plain data, and one that hangs or throws harms only the request', async () => {
  const bench = await Bench.start()
  const registry = await discoverPlugins({ pluginPath: [], bundled: [new URL('../testing-plugins/package.json', import.meta.url)], logger: quiet })
  const plugin = registry.find('source', 'test.MisbehavingSourceConnector')
  const result = await bench.worker.validateConnector(plugin, { topic: 'x' })
  assert.deepEqual(
    result.values.map(({ name, value, errorMessages }) => [name, value, errorMessages]),
    [
      ['topic', 'x', []],
      ['behaviour', '', []],
      ['poll.interval.ms', '5', []],
      ['tasks.count', '-1', []],
      ['fifo', '', []],
    ],
  )
  await assert.rejects(bench.worker.validateConnector(plugin, { behaviour: 'validate throw' }), /on fire/)
  await assert.rejects(bench.worker.validateConnector(plugin, { behaviour: 'validate hang' }), /did not return/)
  assert.deepEqual(
    (await bench.worker.pluginConfigDef(plugin)).map(({ name }) => name),
    ['topic', 'behaviour', 'poll.interval.ms', 'tasks.count', 'fifo'],
  )
  await bench.stop()
})

test('a task whose plug-ins cannot be found is FAILED at its start', async () => {
  const bench = await Bench.start()
  await assert.rejects(bench.source('bad', { 'value.converter': 'no.such.Converter' }))
  assert.equal(bench.taskStates.get('bad-0')?.state, 'FAILED')
  await bench.stop()
})
