import assert from 'node:assert/strict'
import test from 'node:test'
import {
  type Converter,
  DataError,
  type HeaderConverter,
  type Logger,
  PartialPutError,
  RetriableError,
  type SinkRecord,
  type SinkTask,
  type TopicPartition,
  type TopicPartitionOffset,
  type Transformation,
} from '@millrace/api'
import { Random } from '@millrace/testing'
import { type ConsumedMessage, type DeadLetterProducer, DeadLetterQueue } from '../errors/dead-letter-queue.ts'
import { ErrorBudget } from '../errors/error-budget.ts'
import { ErrorCounters } from '../errors/error-counters.ts'
import { ErrorHandler, type ErrorReporter } from '../errors/error-handler.ts'
import { LogReporter } from '../errors/log-reporter.ts'
import { Retries } from '../errors/retries.ts'
import { Activity } from './activity.ts'
import { nextTurn } from './event-loop.ts'
import { FailedRecords } from './failed-records.ts'
import { Ledger } from './ledger.ts'
import { Occupancy } from './occupancy.ts'
import { Pause } from './pause.ts'
import { Quarantine } from './quarantine.ts'
import { consumedMessageText } from './record-text.ts'
import type { AssignmentListener, FetchedPartition, FetchedRecords, SinkConsumer } from './sink-consumer.ts'
import { SinkContext } from './sink-context.ts'
import { SinkConverters } from './sink-converters.ts'
import { SinkTaskLoop } from './sink-task.ts'
import { taskMetricsForTests } from './fixtures/task-metrics-for-tests.ts'
import { StageTimer } from './stage-timer.ts'
import { partitionName } from './topic-partitions.ts'
import { TransformationChain } from './transformation-chain.ts'

const classNames = { key: 'test.Key', value: 'test.Value', header: 'test.Header' }

const p0 = { topic: 't', partition: 0 }
const p1 = { topic: 't', partition: 1 }

/** A consumer whose polls the test answers. Each action runs inside one poll, as a rebalance does. */
class ScriptedConsumer implements SinkConsumer {
  listener: AssignmentListener | null = null
  readonly actions: ((consumer: ScriptedConsumer) => Promise<FetchedRecords | undefined> | FetchedRecords | undefined)[] = []
  readonly committed: (readonly TopicPartitionOffset[])[] = []
  readonly seeks: unknown[] = []
  readonly paused = new Set<string>()
  held: TopicPartition[] = []
  commitError: Error | null = null

  subscribe(_subscription: unknown, listener: AssignmentListener): void {
    this.listener = listener
  }
  async poll(): Promise<FetchedRecords> {
    await nextTurn()
    const action = this.actions.shift()
    return (await action?.(this)) ?? { count: 0, partitions: [] }
  }
  wakeup(): void {}
  assignment(): TopicPartition[] {
    return this.held
  }
  pause(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) this.paused.add(partitionName(partition))
  }
  resume(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) this.paused.delete(partitionName(partition))
  }
  seek(position: unknown): void {
    this.seeks.push(position)
  }
  async position(_partition: TopicPartition): Promise<number> {
    return 0
  }
  async commit(offsets: readonly TopicPartitionOffset[]): Promise<void> {
    if (this.commitError) throw this.commitError
    this.committed.push(offsets)
  }
  lag(): number | null {
    return 3
  }
  silentForMs(): number {
    return 0
  }
  async close(): Promise<void> {
    await this.listener?.revoked(this.held)
  }

  async assign(...partitions: TopicPartition[]): Promise<undefined> {
    this.held = partitions
    await this.listener?.assigned(partitions)
  }
}

/** Keeps dead letters until the test says what became of them. */
class KeptDeadLetters implements DeadLetterProducer {
  readonly letters: { value: string; headers: Record<string, string | null> }[] = []
  readonly completions: Parameters<DeadLetterProducer['send']>[6][] = []
  storesAtOnce = true
  isClosed = false

  hasRoom(): boolean {
    return true
  }
  async room(): Promise<void> {}
  send(...[, , , , value, headers, completion]: Parameters<DeadLetterProducer['send']>): void {
    const texts = (headers ?? []).map(({ key, value: bytes }) => [key.replace('__connect.errors.', ''), bytes === null ? null : Buffer.from(bytes).toString()])
    this.letters.push({ value: Buffer.from(value as Buffer).toString(), headers: Object.fromEntries(texts) as Record<string, string | null> })
    if (this.storesAtOnce) setImmediate(() => completion.acknowledged())
    else this.completions.push(completion)
  }
  async close(): Promise<void> {
    this.isClosed = true
  }
}

function fetched(partition: TopicPartition, ...offsets: number[]): FetchedPartition {
  let index = -1
  return {
    ...partition,
    next: () => ++index < offsets.length,
    get offset() {
      return offsets[index]!
    },
    timestamp: -1,
    timestampType: 'CreateTime',
    get buffer() {
      return Buffer.from(`v${offsets[index]}`)
    },
    keyStart: -1,
    keyEnd: -1,
    valueStart: 0,
    get valueEnd() {
      return `v${offsets[index]}`.length
    },
    headers: () => null,
  }
}

/** Records with keys: each a key and a value, at the offsets from the first on. */
function keyed(partition: TopicPartition & { readonly first?: number }, ...records: (readonly [key: string, value: string])[]): FetchedPartition {
  let index = -1
  const key = () => records[index]![0]
  return {
    topic: partition.topic,
    partition: partition.partition,
    next: () => ++index < records.length,
    get offset() {
      return (partition.first ?? 0) + index
    },
    timestamp: -1,
    timestampType: 'CreateTime',
    get buffer() {
      return Buffer.from(records[index]!.join(''))
    },
    keyStart: 0,
    get keyEnd() {
      return key().length
    },
    get valueStart() {
      return key().length
    },
    get valueEnd() {
      return records[index]!.join('').length
    },
    headers: () => null,
  }
}

const batch = (...partitions: FetchedPartition[]): FetchedRecords => ({ count: 1, partitions })

const text = {
  config: () => {
    throw new Error('not asked for')
  },
  configure() {},
  toConnectData: (_topic: string, data: Buffer | null) => ({ schema: null, value: data?.toString() ?? null }),
} as unknown as Converter

interface Made {
  loop: SinkTaskLoop
  consumer: ScriptedConsumer
  context: SinkContext
  calls: string[]
  lines: string[]
  run: Promise<void>
  stop: () => void
}

function begin(
  task: Partial<SinkTask>,
  actions: ScriptedConsumer['actions'],
  options: {
    offsetFlushIntervalMs?: number
    transformations?: Transformation<SinkRecord>[]
    tolerance?: 'none' | 'all'
    retryTimeoutMs?: number
    converter?: Partial<Converter>
    deadLetters?: KeptDeadLetters
    isLogged?: boolean
    toleratesRefusals?: boolean
    failuresMax?: number
    putAttemptsMax?: number
    quarantine?: (failed: (error: Error) => void) => Quarantine
  } = {},
): Made {
  const consumer = new ScriptedConsumer()
  consumer.actions.push((it) => it.assign(p0, p1), ...actions)
  const calls: string[] = []
  const lines: string[] = []
  const log = (message: string) => void lines.push(message)
  const logger: Logger = { isDebugEnabled: false, trace() {}, debug() {}, info() {}, warn: log, error: log }
  const stopped = new AbortController()
  const errorCounters = new ErrorCounters()
  const retries = new Retries({
    timeoutMs: options.retryTimeoutMs ?? 0,
    delayMaxMs: 60_000,
    counters: errorCounters,
    signal: stopped.signal,
    pause: async () => {},
  })
  const converterSet = { key: text, value: { ...text, ...options.converter } as Converter, header: text as unknown as HeaderConverter, classNames }
  const ledger = new Ledger()
  const id = { connector: 'sink', task: 3 }
  const deadLetterQueue =
    options.deadLetters === undefined
      ? null
      : new DeadLetterQueue({
          id,
          topic: 'dead',
          hasContextHeaders: true,
          mask: (text) => text,
          producer: options.deadLetters,
          counters: errorCounters,
          ended: (message, failure) => failedRecords.ended(message, failure),
          logger,
        })
  const reporters: ErrorReporter<ConsumedMessage>[] = deadLetterQueue === null ? [] : [deadLetterQueue]
  if (options.isLogged) reporters.push(new LogReporter({ id, describe: consumedMessageText, counters: errorCounters, logger }))
  const budget = new ErrorBudget({ recordsMax: options.failuresMax ?? -1, perMinuteMax: -1 })
  const failedRecords: FailedRecords = new FailedRecords({
    handler: new ErrorHandler<ConsumedMessage>({ tolerance: options.tolerance ?? 'none', reporters, counters: errorCounters, budget }),
    putHandler: options.toleratesRefusals ? new ErrorHandler<ConsumedMessage>({ tolerance: 'all', reporters, counters: errorCounters, budget }) : null,
    areLettersNeeded: options.toleratesRefusals ?? false,
    quarantine:
      options.quarantine === undefined
        ? null
        : {
            keys: options.quarantine((error) => failedRecords.fail(error)),
            handler: new ErrorHandler({ tolerance: 'all', reporters, counters: errorCounters, budget: null }),
          },
    queue: deadLetterQueue,
    isReportable: reporters.length > 0,
    converters: converterSet,
    ledger,
  })
  const names = (partitions: readonly TopicPartition[]) => partitions.map(partitionName).join(' ')
  const context = new SinkContext({
    logger,
    metrics: undefined as never,
    signal: stopped.signal,
    configs: async () => ({}),
    consumer,
    errantRecordReporter: failedRecords.reporter,
    gathers() {},
    fieldCoerced() {},
  })
  const occupancy = new Occupancy({ enter() {}, leave() {} }, 1)
  const loop = new SinkTaskLoop({
    task: {
      start: () => void calls.push('start'),
      open: (partitions) => void calls.push(`open ${names(partitions)}`),
      put: (records) => void (records.length > 0 && calls.push(`put ${records.map(({ value }) => value).join(' ')}`)),
      close: (partitions) => void calls.push(`close ${names(partitions)}`),
      stop: () => void calls.push('stop'),
      ...task,
    },
    properties: {},
    context,
    subscription: { topics: ['t'] },
    consumer,
    converters: new SinkConverters(converterSet, retries),
    transformations: new TransformationChain(
      (options.transformations ?? []).map((transformation, index) => ({
        alias: `t${index}`,
        transformation,
        className: 'test.Transformation',
        predicate: null,
        isNegated: false,
      })),
      retries,
    ),
    failedRecords,
    errorCounters,
    pause: new Pause(false),
    ledger,
    stages: new StageTimer(['poll', 'convert', 'transform', 'put', 'commit']),
    metrics: taskMetricsForTests('sink'),
    occupancy,
    activity: new Activity(occupancy),
    events: {
      running: () => void calls.push('RUNNING'),
      paused: () => void calls.push('PAUSED'),
      topicUsed: (topic) => void calls.push(`topic ${topic}`),
      progressed() {},
      failed() {},
    },
    logger,
    signal: stopped.signal,
    offsetFlushIntervalMs: options.offsetFlushIntervalMs ?? 60_000,
    offsetFlushTimeoutMs: 5_000,
    putAttemptsMax: options.putAttemptsMax ?? 1_000,
    imbalanceAction: 'log',
  })
  return {
    loop,
    consumer,
    context,
    calls,
    lines,
    run: loop.run(),
    stop() {
      stopped.abort()
      loop.stop()
    },
  }
}

async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + 5_000
  while (!condition()) {
    if (performance.now() > deadline) assert.fail(`waited in vain for ${what}`)
    await nextTurn()
  }
}

async function through(made: Made): Promise<void> {
  await until(() => made.consumer.actions.length === 0, 'the end of the script')
  await nextTurn()
  await nextTurn()
  await nextTurn()
}

test('puts what it polls, and at the end commits, closes and stops', async () => {
  const made = begin({}, [() => batch(fetched(p0, 0, 1), fetched(p1, 5))])
  await through(made)
  assert.deepEqual(made.loop.progress().ledger.in_flight, 3)
  assert.equal(made.loop.progress().lag, 6)
  made.stop()
  await made.run
  assert.deepEqual(made.calls, ['start', 'RUNNING', 'open t-0 t-1', 'topic t', 'put v0 v1 v5', 'close t-0 t-1', 'stop'])
  assert.deepEqual(made.consumer.committed, [
    [
      { ...p0, offset: 2 },
      { ...p1, offset: 6 },
    ],
  ])
  const { ledger } = made.loop.progress()
  assert.deepEqual([ledger.read, ledger.written, ledger.in_flight, ledger.balanced], [3, 3, 0, true])
})

test('calls put with nothing where a poll brought nothing', async () => {
  let empty = 0
  const made = begin({ put: (records) => void (records.length === 0 && empty++) }, [])
  await until(() => empty > 2, 'empty puts')
  made.stop()
  await made.run
})

test('delivers the same batch again after a RetriableError, with everything paused meanwhile', async () => {
  const puts: string[] = []
  let failures = 2
  const made = begin(
    {
      put(records) {
        if (records.length === 0) return
        puts.push(records.map(({ value }) => value).join(' '))
        if (failures-- > 0) throw new RetriableError('busy')
      },
    },
    [() => batch(fetched(p0, 0, 1)), (it) => void assert.deepEqual([...it.paused], ['t-0', 't-1']), () => undefined],
  )
  await through(made)
  await until(() => puts.length === 3, 'three deliveries')
  made.stop()
  await made.run
  assert.deepEqual(puts, ['v0 v1', 'v0 v1', 'v0 v1'])
  assert.deepEqual([...made.consumer.paused], [])
  assert.equal(made.loop.progress().ledger.written, 2)
})

test('any other error of put fails the task; what was not taken is given back', async () => {
  const made = begin(
    {
      put(records) {
        if (records.length > 0) throw new Error('disk full')
      },
    },
    [() => batch(fetched(p0, 0, 1))],
  )
  await assert.rejects(
    made.run,
    (error: Error) => error.message === 'Exiting WorkerSinkTask due to unrecoverable exception.' && (error.cause as Error).message === 'disk full',
  )
  assert.deepEqual(made.consumer.committed, [])
  const { ledger } = made.loop.progress()
  assert.deepEqual([ledger.read, ledger.given_back, ledger.balanced], [2, 2, true])
  assert.deepEqual(made.calls.slice(-2), ['close t-0 t-1', 'stop'])
})

test('commits what preCommit returns, and counts as written what that covers', async () => {
  const made = begin({ preCommit: () => [{ ...p0, offset: 1 }] }, [() => batch(fetched(p0, 0, 1, 2)), (it) => void it, () => undefined], {
    offsetFlushIntervalMs: 0,
  })
  await through(made)
  await until(() => made.consumer.committed.length > 0, 'a commit')
  assert.deepEqual(made.consumer.committed, [
    [
      { ...p0, offset: 1 },
      { ...p1, offset: 0 },
    ],
  ])
  const { ledger } = made.loop.progress()
  assert.deepEqual([ledger.written, ledger.in_flight, ledger.balanced], [1, 2, true])
  made.stop()
  await made.run
  assert.equal(made.loop.progress().ledger.given_back, 2)
})

test('goes back to the last committed offsets where preCommit fails', async () => {
  let isFailing = true
  const made = begin(
    {
      preCommit(offsets) {
        if (isFailing && offsets.some(({ offset }) => offset > 0)) throw new Error('not durable')
        return offsets
      },
    },
    [() => batch(fetched(p0, 0, 1)), () => undefined],
    { offsetFlushIntervalMs: 0 },
  )
  await until(() => made.consumer.seeks.length > 0, 'the rewind')
  isFailing = false
  assert.deepEqual(made.consumer.seeks.slice(0, 2), [
    { ...p0, offset: 0 },
    { ...p1, offset: 0 },
  ])
  assert.equal(made.loop.progress().ledger.given_back, 2)
  made.stop()
  await made.run
})

test('commits and closes partitions before they are revoked, and gives back those that are lost', async () => {
  const made = begin({}, [
    () => batch(fetched(p0, 0), fetched(p1, 0)),
    async (it) => {
      await it.listener?.revoked([p0])
      it.held = [p1]
      return undefined
    },
    async (it) => {
      await it.listener?.lost([p1])
      it.held = []
      return undefined
    },
  ])
  await through(made)
  assert.deepEqual(made.consumer.committed, [[{ ...p0, offset: 1 }]])
  assert.deepEqual(made.calls.slice(-2), ['close t-0', 'close t-1'])
  const { ledger } = made.loop.progress()
  assert.deepEqual([ledger.written, ledger.given_back, ledger.balanced], [1, 1, true])
  made.stop()
  await made.run
  assert.deepEqual(made.calls.slice(-2), ['close t-1', 'stop'])
})

test('goes where the task asks to go before the next poll', async () => {
  let asked = false
  const made: Made = begin(
    {
      put(records) {
        if (records.length > 0 && !asked) {
          asked = true
          made.context.offset([
            { ...p0, offset: 1 },
            { topic: 'foreign', partition: 0, offset: 9 },
          ])
        }
      },
    },
    [() => batch(fetched(p0, 0, 1, 2)), () => undefined],
  )
  await through(made)
  assert.deepEqual(made.consumer.seeks, [{ ...p0, offset: 1 }])
  assert.equal(made.loop.progress().ledger.given_back, 2)
  assert.ok(made.lines.some((line) => line.includes('foreign-0')))
  made.stop()
  await made.run
})

test('pauses all partitions and resumes those that the task did not pause itself', async () => {
  const made = begin({}, [(it) => void it])
  await through(made)
  made.context.pause([p1])
  made.loop.setPaused(true)
  await until(() => made.calls.includes('PAUSED'), 'the pause')
  assert.deepEqual([...made.consumer.paused].sort(), ['t-0', 't-1'])
  made.loop.setPaused(false)
  await until(() => made.calls.filter((call) => call === 'RUNNING').length === 2, 'the end of the pause')
  assert.deepEqual([...made.consumer.paused], ['t-1'])
  assert.throws(() => made.context.pause([{ topic: 'foreign', partition: 0 }]), /not currently assigned/)
  made.stop()
  await made.run
})

test('filtered records are covered by the offsets of the others', async () => {
  const made = begin({}, [() => batch(fetched(p0, 0, 1, 2, 3))], {
    transformations: [{ config: () => undefined as never, configure() {}, apply: (record) => (record.kafkaOffset % 2 === 0 ? null : record) }],
  })
  await through(made)
  made.stop()
  await made.run
  assert.deepEqual(made.consumer.committed, [
    [
      { ...p0, offset: 4 },
      { ...p1, offset: 0 },
    ],
  ])
  const { ledger } = made.loop.progress()
  assert.deepEqual([ledger.filtered, ledger.written, ledger.balanced], [2, 2, true])
})

test('a commit that fails is logged, and the task goes on', async () => {
  const made = begin({}, [() => batch(fetched(p0, 0)), () => undefined], { offsetFlushIntervalMs: 0 })
  made.consumer.commitError = new Error('coordinator moved')
  await until(() => made.lines.some((line) => line.includes('Commit of offsets')), 'the line')
  made.consumer.commitError = null
  await until(() => made.consumer.committed.length > 0, 'a later commit')
  made.stop()
  await made.run
})

/** Reads text, but not of these values. */
function unreadable(...values: readonly string[]): Partial<Converter> {
  return {
    toConnectData(_topic, data) {
      const value = data?.toString() ?? null
      if (values.includes(value ?? '')) throw new DataError(`"${value}" is unreadable`)
      return { schema: null, value }
    },
  }
}

test('a record that cannot be read fails the task; what was read before is given back', async () => {
  const made = begin({}, [() => batch(fetched(p0, 0, 1, 2))], { converter: unreadable('v1') })
  await assert.rejects(made.run, (error: Error) => error.message === 'Tolerance exceeded in error handler' && /"v1" is unreadable/.test(String(error.cause)))
  const { ledger } = made.loop.progress()
  assert.deepEqual([ledger.read, ledger.given_back, ledger.balanced], [2, 2, true])
  assert.equal(made.context.errantRecordReporter, null)
})

test('a record that cannot be read is left out where errors are tolerated; its offset is committed with the others', async () => {
  const made = begin({}, [() => batch(fetched(p0, 0, 1, 2))], { converter: unreadable('v1', 'v2'), tolerance: 'all' })
  await through(made)
  made.stop()
  await made.run
  assert.ok(made.calls.includes('put v0'))
  assert.deepEqual(made.consumer.committed[0]?.[0], { ...p0, offset: 3 })
  const { ledger, errors } = made.loop.progress()
  assert.deepEqual([ledger.read, ledger.written, ledger.skipped, ledger.balanced], [3, 1, 2, true])
  assert.deepEqual([errors.failures, errors.errors, errors.skipped, errors.dead_letter_requests], [2, 2, 2, 0])
})

test('a record that cannot be read is put into the dead-letter queue as it was, with the reason', async () => {
  const deadLetters = new KeptDeadLetters()
  const made = begin({}, [() => batch(fetched(p0, 0, 1))], { converter: unreadable('v1'), tolerance: 'all', deadLetters, isLogged: true })
  await through(made)
  made.stop()
  await made.run
  const [letter] = deadLetters.letters
  assert.equal(letter?.value, 'v1')
  const { 'exception.stacktrace': trace, ...headers } = letter.headers
  assert.deepEqual(headers, {
    topic: 't',
    partition: '0',
    offset: '1',
    'connector.name': 'sink',
    'task.id': '3',
    stage: 'VALUE_CONVERTER',
    'class.name': 'test.Value',
    'exception.class.name': 'org.apache.kafka.connect.errors.DataException',
    'exception.message': '"v1" is unreadable',
  })
  assert.match(trace ?? '', /^org\.apache\.kafka\.connect\.errors\.DataException: "v1" is unreadable\n\tat /)
  assert.ok(
    made.lines.includes(
      "Error encountered in task sink-3. Executing stage 'VALUE_CONVERTER' with class 'test.Value', where consumed record is {topic='t', partition=0, offset=1, timestamp=-1, timestampType=CreateTime}.",
    ),
    made.lines.join('\n'),
  )
  const { ledger, errors } = made.loop.progress()
  assert.deepEqual([ledger.written, ledger.dead_lettered, ledger.skipped, ledger.balanced], [1, 1, 0, true])
  assert.deepEqual([errors.dead_letter_requests, errors.dead_letter_failures, errors.logged], [1, 0, 1])
  assert.ok(deadLetters.isClosed)
})

test('a dead letter is written, too, for a record that fails the task', async () => {
  const deadLetters = new KeptDeadLetters()
  const made = begin({}, [() => batch(fetched(p0, 0))], { converter: unreadable('v0'), deadLetters })
  await assert.rejects(made.run, /Tolerance exceeded in error handler/)
  assert.deepEqual(
    deadLetters.letters.map(({ value }) => value),
    ['v0'],
  )
  assert.equal(made.loop.progress().ledger.balanced, true)
})

test('no offset is committed before the dead letters are stored', async () => {
  const deadLetters = new KeptDeadLetters()
  deadLetters.storesAtOnce = false
  const made = begin({}, [() => batch(fetched(p0, 0, 1))], { converter: unreadable('v1'), tolerance: 'all', deadLetters, offsetFlushIntervalMs: 1 })
  await until(() => deadLetters.completions.length === 1 && made.calls.includes('put v0'), 'a dead letter and a put')
  await through(made)
  assert.deepEqual(made.consumer.committed, [])
  const { ledger } = made.loop.progress()
  assert.deepEqual([ledger.in_flight, ledger.dead_lettered, ledger.balanced], [2, 0, true])
  deadLetters.completions[0]!.acknowledged()
  await until(() => made.consumer.committed.length === 1, 'a commit')
  made.stop()
  await made.run
  assert.deepEqual([made.loop.progress().ledger.dead_lettered, made.loop.progress().ledger.written], [1, 1])
})

test('a dead letter that Kafka refuses is logged and counted, and its record counts as skipped', async () => {
  const deadLetters = new KeptDeadLetters()
  deadLetters.storesAtOnce = false
  const made = begin({}, [() => batch(fetched(p0, 0))], { converter: unreadable('v0'), tolerance: 'all', deadLetters })
  await until(() => deadLetters.completions.length === 1, 'a dead letter')
  deadLetters.completions[0]!.failed(new Error('too large'))
  made.stop()
  await made.run
  assert.ok(made.lines.includes('Could not produce message to dead letter queue. topic=dead'))
  const { ledger, errors } = made.loop.progress()
  assert.deepEqual([ledger.skipped, ledger.dead_lettered, ledger.balanced], [1, 0, true])
  assert.equal(errors.dead_letter_failures, 1)
})

test('records that the sink reports are dead letters, also after a transformation copied them, and are no longer counted as written', async () => {
  const deadLetters = new KeptDeadLetters()
  const upper: Transformation<SinkRecord> = {
    config: text.config,
    configure() {},
    apply: (record) => ({ ...record, value: String(record.value).toUpperCase() }),
  }
  const made = begin(
    {
      async put(records) {
        for (const record of records) if (record.value !== 'V1') await made.context.errantRecordReporter?.report(record, new Error('rejected'))
      },
    },
    [() => batch(fetched(p0, 0, 1, 2))],
    { tolerance: 'all', deadLetters, transformations: [upper] },
  )
  await through(made)
  await until(() => deadLetters.letters.length === 2, '2 dead letters')
  made.stop()
  await made.run
  assert.deepEqual(
    deadLetters.letters.map(({ value, headers }) => [value, headers['stage'], headers['class.name'], headers['exception.message']]),
    [
      ['v0', 'TASK_PUT', 'org.apache.kafka.connect.sink.SinkTask', 'rejected'],
      ['v2', 'TASK_PUT', 'org.apache.kafka.connect.sink.SinkTask', 'rejected'],
    ],
  )
  const { ledger } = made.loop.progress()
  assert.deepEqual([ledger.read, ledger.written, ledger.dead_lettered, ledger.balanced], [3, 1, 2, true])
  assert.deepEqual(made.consumer.committed[0]?.[0], { ...p0, offset: 3 })
})

test('a report fails where errors are not tolerated, and so does put, whatever the sink makes of it', async () => {
  const made = begin(
    {
      async put(records) {
        for (const record of records) await made.context.errantRecordReporter?.report(record, new Error('rejected')).catch(() => {})
      },
    },
    [() => batch(fetched(p0, 0))],
    { isLogged: true },
  )
  await assert.rejects(
    made.run,
    (error: Error) => error.message === 'Exiting WorkerSinkTask due to unrecoverable exception.' || /Tolerance exceeded/.test(error.message),
  )
  assert.deepEqual(made.consumer.committed, [])
  assert.equal(made.loop.progress().ledger.balanced, true)
})

test('reading a record is tried again after a RetriableError, until the time for that is over', async () => {
  let left = 2
  const converter: Partial<Converter> = {
    toConnectData(_topic, data) {
      if (data?.toString() === 'v1' && left-- > 0) throw new RetriableError('registry busy')
      return { schema: null, value: data?.toString() ?? null }
    },
  }
  const made = begin({}, [() => batch(fetched(p0, 0, 1))], { converter, retryTimeoutMs: -1 })
  await until(() => made.calls.includes('put v0 v1'), 'both records')
  made.stop()
  await made.run
  assert.deepEqual([made.loop.progress().errors.retries, made.loop.progress().errors.errors], [2, 0])
})

/** Fails as a whole where one of these values is in the batch. */
function poisonedBy(calls: string[], ...bad: readonly string[]): (records: readonly SinkRecord[]) => void {
  return (records) => {
    const values = records.map(({ value }) => String(value))
    const found = values.filter((value) => bad.includes(value))
    if (found.length > 0) throw new DataError(`cannot write ${found.join(' ')}`)
    if (values.length > 0) calls.push(`wrote ${values.join(' ')}`)
  }
}

for (const delivery of ['idempotent', 'transactional'] as const) {
  test(`the records that a sink that is ${delivery} cannot write become dead letters, and the others are written`, async () => {
    const deadLetters = new KeptDeadLetters()
    const calls: string[] = []
    const made = begin({ delivery, put: poisonedBy(calls, 'v1', 'v4') }, [() => batch(fetched(p0, 0, 1, 2), fetched(p1, 3, 4, 5))], {
      deadLetters,
      toleratesRefusals: true,
    })
    await through(made)
    await until(() => made.loop.progress().ledger.dead_lettered === 2, '2 dead letters')
    made.stop()
    await made.run
    assert.deepEqual(calls, ['wrote v0', 'wrote v2', 'wrote v3', 'wrote v5'])
    assert.deepEqual(
      deadLetters.letters.map(({ value, headers }) => [value, headers['stage'], headers['class.name'], headers['exception.message']]),
      [
        ['v1', 'TASK_PUT', 'org.apache.kafka.connect.sink.SinkTask', 'cannot write v1'],
        ['v4', 'TASK_PUT', 'org.apache.kafka.connect.sink.SinkTask', 'cannot write v4'],
      ],
    )
    const { ledger, errors } = made.loop.progress()
    assert.deepEqual([ledger.read, ledger.written, ledger.dead_lettered, ledger.balanced], [6, 4, 2, true])
    assert.deepEqual([errors.errors, errors.skipped, errors.dead_letter_requests], [2, 2, 2])
    assert.deepEqual(made.consumer.committed[0], [
      { ...p0, offset: 3 },
      { ...p1, offset: 6 },
    ])
  })
}

test('a sink that says nothing of itself fails with its batch, and nothing of it is committed', async () => {
  const deadLetters = new KeptDeadLetters()
  const made = begin({ put: poisonedBy([], 'v1') }, [() => batch(fetched(p0, 0, 1))], { deadLetters, toleratesRefusals: true })
  await assert.rejects(
    made.run,
    (error: Error) =>
      error.message === 'Exiting WorkerSinkTask due to unrecoverable exception.' &&
      /neither names them \(PartialPutError\) nor says/.test(String(error.cause)) &&
      /cannot write v1/.test(String((error.cause as Error).cause)),
  )
  assert.deepEqual([deadLetters.letters, made.consumer.committed], [[], []])
  assert.equal(made.loop.progress().ledger.balanced, true)
})

test('the records that a sink names are dead letters; those that it may write later are put again, alone and before anything new', async () => {
  const deadLetters = new KeptDeadLetters()
  const calls: string[] = []
  const made = begin(
    {
      put(records) {
        if (records.length === 0) return
        calls.push(records.map(({ value }) => value).join(' '))
        if (calls.length > 1) return
        throw new PartialPutError('2 of 3 were rejected', [
          { index: 0, error: new RetriableError('busy') },
          { index: 1, error: new DataError('no number') },
        ])
      },
    },
    [() => batch(fetched(p0, 0, 1, 2)), () => undefined, () => batch(fetched(p0, 3))],
    { deadLetters, toleratesRefusals: true, offsetFlushIntervalMs: 1 },
  )
  await until(() => calls.length === 3, '3 puts')
  made.stop()
  await made.run
  assert.deepEqual(calls, ['v0 v1 v2', 'v0', 'v3'])
  assert.deepEqual(
    deadLetters.letters.map(({ value }) => value),
    ['v1'],
  )
  const { ledger } = made.loop.progress()
  assert.deepEqual([ledger.written, ledger.dead_lettered, ledger.balanced], [3, 1, true])
  // Nothing of the batch is committed before all of it is through.
  assert.ok(made.consumer.committed.every((offsets) => offsets[0]!.offset >= 3))
})

test('a sink that names only records that it may write later needs no setting for that', async () => {
  const calls: string[] = []
  const made = begin(
    {
      put(records) {
        if (records.length === 0) return
        calls.push(records.map(({ value }) => value).join(' '))
        if (calls.length === 1) throw new PartialPutError('1 of 2', [{ index: 1, error: new RetriableError('busy') }])
      },
    },
    [() => batch(fetched(p0, 0, 1))],
  )
  await until(() => calls.length === 2, 'another put')
  made.stop()
  await made.run
  assert.deepEqual(calls, ['v0 v1', 'v1'])
  assert.deepEqual([made.loop.progress().ledger.written, made.loop.progress().ledger.balanced], [2, true])
})

test('a record that a sink cannot write fails the task where that is not tolerated, although the sink names it', async () => {
  const made = begin(
    {
      async put(records) {
        if (records.length > 0) throw new PartialPutError('1 of 2', [{ index: 1, error: new DataError('no number') }])
      },
    },
    [() => batch(fetched(p0, 0, 1))],
  )
  await assert.rejects(made.run, (error: Error) => /unrecoverable/.test(error.message) && /no number/.test(String(error.cause)))
  assert.deepEqual(made.consumer.committed, [])
})

test('a destination that is away is no reason for dead letters: the same batch is delivered again', async () => {
  const deadLetters = new KeptDeadLetters()
  let calls = 0
  const made = begin(
    {
      delivery: 'idempotent',
      put(records) {
        if (records.length > 0 && ++calls < 3) throw Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:1'), { code: 'ECONNREFUSED' })
      },
    },
    [() => batch(fetched(p0, 0, 1))],
    { deadLetters, toleratesRefusals: true },
  )
  await until(() => calls === 3, '3 puts')
  made.stop()
  await made.run
  assert.deepEqual(deadLetters.letters, [])
  assert.deepEqual([made.loop.progress().ledger.written, made.loop.progress().ledger.balanced], [2, true])
})

test('records of partitions that are lost while the rest of a batch waits are not put again', async () => {
  const deadLetters = new KeptDeadLetters()
  const calls: string[] = []
  const made = begin(
    {
      delivery: 'transactional',
      put(records) {
        const values = records.map(({ value }) => String(value))
        if (values.length > 1) throw new DataError('one of them')
        if (values[0] === 'v0') throw new DataError('v0')
        if (values[0] === 'v5' && calls.length < 2) {
          calls.push('later v5')
          throw new RetriableError('later')
        }
        calls.push(...values)
      },
    },
    [
      () => batch(fetched(p0, 0, 1), fetched(p1, 5)),
      async (it) => {
        it.held = [p1]
        await it.listener?.lost([p0])
        return undefined
      },
    ],
    { deadLetters, toleratesRefusals: true },
  )
  await until(() => calls.at(-1) === 'v5', 'another put')
  made.stop()
  await made.run
  assert.deepEqual(calls, ['v1', 'later v5', 'v5'])
  const { ledger } = made.loop.progress()
  assert.deepEqual([ledger.read, ledger.written, ledger.dead_lettered, ledger.given_back, ledger.in_flight, ledger.balanced], [3, 1, 1, 1, 0, true])
  assert.deepEqual(made.consumer.committed.flat(), [{ ...p1, offset: 6 }])
})

test('more failures than the budget allows fail the task; the one too many is no dead letter, and nothing from it on is committed', async () => {
  const deadLetters = new KeptDeadLetters()
  const made = begin({ delivery: 'idempotent', put: poisonedBy([], 'v2', 'v3', 'v4') }, [() => batch(fetched(p0, 0, 1)), () => batch(fetched(p0, 2, 3, 4))], {
    deadLetters,
    toleratesRefusals: true,
    failuresMax: 2,
    offsetFlushIntervalMs: 60_000,
  })
  await assert.rejects(made.run, (error: Error) => /^2 records failed since the task started, as many as millrace/.test((error.cause as Error).message))
  assert.deepEqual(
    deadLetters.letters.map(({ value }) => value),
    ['v2', 'v3'],
  )
  const { ledger } = made.loop.progress()
  assert.deepEqual([ledger.read, ledger.written, ledger.dead_lettered, ledger.given_back, ledger.in_flight, ledger.balanced], [5, 2, 2, 1, 0, true])
  assert.deepEqual(
    made.consumer.committed.flat(),
    [
      { ...p0, offset: 2 },
      { ...p1, offset: 0 },
    ].slice(0, made.consumer.committed.flat().length),
  )
})

test('the budget counts records that cannot be read, too', async () => {
  const deadLetters = new KeptDeadLetters()
  const made = begin({}, [() => batch(fetched(p0, 0, 1, 2))], { converter: unreadable('v0', 'v2'), tolerance: 'all', deadLetters, failuresMax: 1 })
  await assert.rejects(made.run, /1 records failed since the task started/)
  const { ledger, errors } = made.loop.progress()
  assert.deepEqual([ledger.read, ledger.dead_lettered, ledger.given_back, ledger.in_flight, ledger.balanced], [3, 1, 2, 0, true])
  assert.deepEqual([errors.errors, errors.skipped, deadLetters.letters.length], [2, 1, 1])
  assert.deepEqual(made.consumer.committed, [])
})

test('the budget counts records that the sink reports, and a sink that does not mind fails all the same', async () => {
  const deadLetters = new KeptDeadLetters()
  const made = begin(
    {
      async put(records) {
        for (const record of records) await made.context.errantRecordReporter?.report(record, new Error('rejected')).catch(() => {})
      },
    },
    [() => batch(fetched(p0, 0, 1, 2))],
    { tolerance: 'all', deadLetters, failuresMax: 2 },
  )
  await assert.rejects(made.run, (error: Error) => /2 records failed since the task started/.test(`${error} ${String(error.cause)}`))
  assert.equal(deadLetters.letters.length, 2)
  const { ledger } = made.loop.progress()
  assert.deepEqual([ledger.read, ledger.dead_lettered, ledger.given_back, ledger.in_flight, ledger.balanced], [3, 2, 1, 0, true])
  assert.deepEqual(made.consumer.committed, [])
})

test('where dead letters are needed, one that Kafka refuses fails the task, and its record is read again', async () => {
  const deadLetters = new KeptDeadLetters()
  deadLetters.storesAtOnce = false
  const made = begin({ delivery: 'idempotent', put: poisonedBy([], 'v1') }, [() => batch(fetched(p0, 0, 1))], {
    deadLetters,
    toleratesRefusals: true,
    offsetFlushIntervalMs: 1,
  })
  await until(() => deadLetters.completions.length === 1, 'a dead letter')
  deadLetters.completions[0]!.failed(new Error('too large'))
  await assert.rejects(made.run, (error: Error) => /The dead letter of t-0@1 was refused by Kafka/.test(`${error} ${String(error.cause)}`))
  assert.deepEqual(made.consumer.committed, [])
  const { ledger } = made.loop.progress()
  assert.deepEqual([ledger.read, ledger.dead_lettered, ledger.given_back, ledger.in_flight, ledger.balanced], [2, 0, 2, 0, true])
})

/** A quarantine whose topic stores at once, or when the test says so. */
function quarantineOf(stored: () => Promise<void>): (failed: (error: Error) => void) => Quarantine {
  const log = { start: async () => {}, readToEnd: async () => {}, append: stored, stop: async () => {} }
  return (failed) => new Quarantine({ connector: 'sink', keysMax: 10, log, failed, logger: silent })
}

const silent: Logger = { isDebugEnabled: false, trace() {}, debug() {}, info() {}, warn() {}, error() {} }

for (const delivery of ['idempotent', 'transactional'] as const) {
  test(`later records of a key do not overtake one that a sink that is ${delivery} cannot write`, async () => {
    const deadLetters = new KeptDeadLetters()
    const calls: string[] = []
    const put = poisonedBy(calls, 'a1')
    const records = [
      ['a', 'a0'],
      ['b', 'b1'],
      ['a', 'a1'],
      ['b', 'b2'],
      ['a', 'a2'],
      ['a', 'a3'],
    ] as const
    const made = begin(
      {
        delivery,
        put(each) {
          // Whatever is put is written until it comes to the poison: what stands behind must not be in the same call.
          if (delivery === 'idempotent') assert.ok(!each.some(({ value }) => value === 'a2') || !each.some(({ value }) => value === 'a1'))
          return put(each)
        },
      },
      [() => batch(keyed(p0, ...records)), () => batch(keyed({ ...p0, first: 6 }, ['a', 'a6'], ['b', 'b7']))],
      { deadLetters, toleratesRefusals: true, quarantine: quarantineOf(async () => {}) },
    )
    await through(made)
    await until(() => made.loop.progress().ledger.dead_lettered === 4, '4 dead letters')
    made.stop()
    await made.run
    assert.equal(calls.join(' ').replaceAll('wrote ', ''), 'a0 b1 b2 b7')
    assert.deepEqual(
      deadLetters.letters.map(({ value, headers }) => [value, headers['millrace.errors.quarantined.since'] ?? null, headers['exception.message']]),
      [
        ['a1', null, 'cannot write a1'],
        ['a2', 't-0@2', 'The key is in quarantine since t-0@2 became a dead letter: an earlier record must not be overtaken'],
        ['a3', 't-0@2', 'The key is in quarantine since t-0@2 became a dead letter: an earlier record must not be overtaken'],
        ['a6', 't-0@2', 'The key is in quarantine since t-0@2 became a dead letter: an earlier record must not be overtaken'],
      ],
    )
    const { ledger } = made.loop.progress()
    assert.deepEqual([ledger.read, ledger.written, ledger.dead_lettered, ledger.in_flight, ledger.balanced], [8, 4, 4, 0, true])
  })
}

test('a record that cannot be read puts its key into quarantine, too', async () => {
  const deadLetters = new KeptDeadLetters()
  const calls: string[] = []
  const made = begin({ put: poisonedBy(calls) }, [() => batch(keyed(p0, ['a', 'v0'], ['a', 'v1'], ['b', 'v2'], ['a', 'v3']))], {
    converter: unreadable('v1'),
    tolerance: 'all',
    deadLetters,
    quarantine: quarantineOf(async () => {}),
  })
  await through(made)
  await until(() => made.loop.progress().ledger.dead_lettered === 2, '2 dead letters')
  made.stop()
  await made.run
  assert.deepEqual(calls.join(' ').replaceAll('wrote ', ''), 'v0 v2')
  assert.equal(made.loop.progress().ledger.balanced, true)
})

test('no offset is committed before the key is in quarantine for good', async () => {
  const deadLetters = new KeptDeadLetters()
  const stored = Promise.withResolvers<void>()
  const made = begin({ put() {} }, [() => batch(keyed(p0, ['a', 'v0'], ['a', 'v1']))], {
    converter: unreadable('v0'),
    tolerance: 'all',
    deadLetters,
    quarantine: quarantineOf(() => stored.promise),
    offsetFlushIntervalMs: 1,
  })
  await until(() => made.loop.progress().ledger.dead_lettered === 2, '2 dead letters')
  await through(made)
  assert.deepEqual(made.consumer.committed, [])
  stored.resolve()
  await until(() => made.consumer.committed.length > 0, 'a commit')
  made.stop()
  await made.run
})

test('a key that cannot be stored fails the task without a commit', async () => {
  const deadLetters = new KeptDeadLetters()
  const made = begin({ put() {} }, [() => batch(keyed(p0, ['a', 'v0'], ['b', 'v1']))], {
    converter: unreadable('v0'),
    tolerance: 'all',
    deadLetters,
    quarantine: quarantineOf(() => Promise.reject(new Error('not authorised'))),
    offsetFlushIntervalMs: 1,
  })
  await assert.rejects(made.run, (error: Error) => /quarantine of a key of t-0@0 could not be stored/.test(`${error} ${String(error.cause)}`))
  assert.deepEqual(made.consumer.committed, [])
  assert.equal(made.loop.progress().ledger.balanced, true)
})

/** What happens to a sink in a test with random numbers, and what must be true all the while. */
class TroubledSink {
  readonly deadLetters = new KeptDeadLetters()
  /** Per partition the values in order; a key is the first letter of a value. */
  readonly log: readonly (readonly string[])[]
  readonly written = new Map<string, number>()
  readonly committed = [0, 0]
  readonly made: Made
  readonly #random: Random
  readonly #positions = [0, 0]
  #writes = 0

  constructor(seed: number, delivery: 'idempotent' | 'transactional') {
    const random = new Random(seed)
    this.#random = random
    const kinds = ['good', 'good', 'good', 'good', 'good', 'good', 'good', 'good', 'poison', 'unreadable']
    this.log = [0, 1].map((partition) =>
      Array.from({ length: 60 }, (_, offset) => `${'abcde'[random.integer(0, 4)]} ${kinds[random.integer(0, kinds.length - 1)]} ${partition}-${offset}`),
    )
    this.deadLetters.storesAtOnce = false
    this.made = begin({ delivery, put: (records) => this.#put(records, delivery) }, [], {
      deadLetters: this.deadLetters,
      tolerance: 'all',
      toleratesRefusals: true,
      quarantine: quarantineOf(nextTurn),
      offsetFlushIntervalMs: 1,
      converter: {
        toConnectData(_topic, data) {
          const value = data?.toString() ?? ''
          if (value.includes('unreadable')) throw new DataError('unreadable')
          return { schema: null, value }
        },
      },
    })
    const { consumer } = this.made
    consumer.position = async ({ partition }) => (this.#positions[partition] = this.committed[partition]!)
    consumer.seek = (position) => {
      const { partition, offset } = position as TopicPartitionOffset
      this.#positions[partition] = offset
    }
    consumer.commit = async (offsets) => {
      await nextTurn()
      if (random.next() < 0.1) throw new Error('the coordinator is away')
      for (const { partition, offset } of offsets) this.committed[partition] = Math.max(this.committed[partition]!, offset)
    }
  }

  get isThrough(): boolean {
    return this.committed.every((offset, partition) => offset === this.log[partition]!.length)
  }

  /** One poll with something in it. */
  step(): void {
    const { consumer } = this.made
    const action = this.#random.next()
    for (const completion of this.deadLetters.completions.splice(0, action < 0.3 ? 1 : 3)) completion.acknowledged()
    if (consumer.actions.length > 0) return
    if (action < 0.05) consumer.actions.push((it) => this.#rebalance(it, 'revoked'))
    else if (action < 0.1) consumer.actions.push((it) => this.#rebalance(it, 'lost'))
    else consumer.actions.push((it) => this.#fetch(it))
  }

  async #rebalance(consumer: ScriptedConsumer, how: 'revoked' | 'lost'): Promise<undefined> {
    const gone = consumer.held.filter(() => this.#random.next() < 0.7)
    if (gone.length > 0) await consumer.listener?.[how](gone)
    // As the consumer does: what is assigned anew is not paused.
    consumer.resume(gone)
    consumer.held = consumer.held.filter((partition) => !gone.includes(partition))
    consumer.held = [...consumer.held, ...gone]
    await consumer.listener?.assigned(gone)
  }

  #fetch(consumer: ScriptedConsumer): FetchedRecords {
    const cursors = consumer.held
      .filter((partition) => !consumer.paused.has(partitionName(partition)))
      .map((partition) => {
        const first = this.#positions[partition.partition]!
        const values = this.log[partition.partition]!.slice(first, first + this.#random.integer(0, 7))
        this.#positions[partition.partition] = first + values.length
        return keyed({ ...partition, first }, ...values.map((value) => [value[0]!, value.slice(1)] as const))
      })
    return { count: cursors.length, partitions: cursors }
  }

  #put(records: readonly SinkRecord[], delivery: 'idempotent' | 'transactional'): void {
    const values = records.map(({ key, value }) => `${String(key)}${String(value)}`)
    const failures = values.flatMap((value, index) => (value.includes('poison') ? [{ index, error: new DataError(value) }] : []))
    const isAway = this.#random.next() < 0.1
    const isNamed = delivery === 'idempotent' && failures.length > 0 && this.#random.next() < 0.3
    for (const value of values) {
      const isWritten =
        failures.length === 0 && !isAway ? true : isNamed && !isAway ? !value.includes('poison') : delivery === 'idempotent' && this.#random.next() < 0.5
      if (isWritten && !value.includes('poison')) this.written.set(value, ++this.#writes)
    }
    if (isAway) throw this.#random.next() < 0.5 ? new RetriableError('busy') : Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })
    if (isNamed) throw new PartialPutError('some', failures)
    if (failures.length > 0) throw new DataError('one of them')
  }

  /** Nothing is committed that is neither written nor a dead letter; nothing is written behind a record of its key that cannot be. */
  check(what: string): void {
    const letters = new Set(this.deadLetters.letters.map(({ value }) => value))
    for (const [partition, values] of this.log.entries()) {
      const blocked = new Set<string>()
      for (const [offset, value] of values.entries()) {
        const key = value[0]!
        if (offset < this.committed[partition]!) assert.ok(this.written.has(value) || letters.has(value.slice(1)), `${what}: "${value}" is lost`)
        if (blocked.has(key)) assert.ok(!this.written.has(value), `${what}: "${value}" overtook an earlier record`)
        if (!value.includes('good')) blocked.add(key)
      }
    }
    assert.ok(this.made.loop.progress().ledger.balanced, `${what}: ${JSON.stringify(this.made.loop.progress().ledger)}`)
  }
}

test('whatever goes wrong on the way, nothing is lost, nothing overtakes, and every record is accounted for', async () => {
  const seed = Number(process.env['MILLRACE_SEED'] ?? 20_261_121)
  for (let round = 0; round < 40; round++) {
    const what = `MILLRACE_SEED=${seed} round ${round}`
    const sink = new TroubledSink(seed + round, round % 2 === 0 ? 'idempotent' : 'transactional')
    const deadline = performance.now() + 20_000
    try {
      while (!sink.isThrough) {
        assert.ok(performance.now() < deadline, `${what}: still at ${sink.committed.join(' and ')} of ${JSON.stringify(sink.made.loop.progress())}`)
        sink.step()
        sink.check(what)
        await nextTurn()
      }
    } finally {
      for (const completion of sink.deadLetters.completions) completion.acknowledged()
      sink.made.stop()
      await sink.made.run
    }
    sink.check(what)
  }
})
