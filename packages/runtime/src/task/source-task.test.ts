import assert from 'node:assert/strict'
import test from 'node:test'
import {
  type Converter,
  DataError,
  type HeaderConverter,
  type Logger,
  RetriableError,
  type SourceRecord,
  type SourceTask,
  type Transformation,
} from '@millrace/api'
import { type DeadLetterProducer, DeadLetterQueue } from '../errors/dead-letter-queue.ts'
import { ErrorBudget } from '../errors/error-budget.ts'
import { ErrorCounters } from '../errors/error-counters.ts'
import { ErrorHandler } from '../errors/error-handler.ts'
import { Retries } from '../errors/retries.ts'
import type { StageError } from '../errors/stage-error.ts'
import { Activity } from './activity.ts'
import { AtLeastOnceDelivery } from './delivery-at-least-once.ts'
import { nextTurn } from './event-loop.ts'
import { ImbalanceError, Ledger } from './ledger.ts'
import { Lease } from './lease.ts'
import { Occupancy } from './occupancy.ts'
import { Pause } from './pause.ts'
import { SourceConverters } from './source-converters.ts'
import type { SourceProducer } from './source-producer.ts'
import { SourceDeadLetters } from './source-dead-letters.ts'
import { SourceTaskLoop } from './source-task.ts'
import { taskMetricsForTests } from './fixtures/task-metrics-for-tests.ts'
import { StageTimer } from './stage-timer.ts'
import { type CommittableOffset, type SubmittedRecord, SubmittedRecords } from './submitted-records.ts'
import { TopicCreation } from './topic-creation.ts'
import { TransformationChain } from './transformation-chain.ts'

/** A producer that keeps what it is given until it is told to acknowledge. */
class KeptMessages implements SourceProducer {
  readonly values: unknown[] = []
  readonly pending: SubmittedRecord[] = []
  acknowledgesAtOnce = true
  hasRoomNow = true
  sendError: Error | null = null

  send(...[topic, , , , value, , completion]: Parameters<SourceProducer['send']>): void {
    if (this.sendError) {
      const error = this.sendError
      this.sendError = null
      throw error
    }
    this.values.push(value)
    if (!this.acknowledgesAtOnce) this.pending.push(completion)
    else setImmediate(() => completion.acknowledged(topic, 0, this.values.length, 0))
  }
  hasRoom(): boolean {
    return this.hasRoomNow
  }
  room(): Promise<void> {
    return new Promise(() => {})
  }
  flush(): Promise<void> {
    return this.pending.length === 0 ? nextTurn().then(nextTurn) : new Promise(() => {})
  }
  async close(): Promise<void> {}
}

/** Dead letters, stored when the test says so. */
class KeptDeadLetters implements DeadLetterProducer {
  readonly letters: { key: string | null; value: string | null; headers: Record<string, string> }[] = []
  readonly completions: Parameters<DeadLetterProducer['send']>[6][] = []

  hasRoom(): boolean {
    return true
  }
  async room(): Promise<void> {}
  send(...[, , , key, value, headers, completion]: Parameters<DeadLetterProducer['send']>): void {
    const textOf = (bytes: unknown) => (bytes === null ? null : Buffer.from(bytes as Buffer).toString())
    const pairs = (headers ?? []).map((header) => [header.key.replace('__connect.errors.', ''), textOf(header.value)])
    this.letters.push({ key: textOf(key), value: textOf(value), headers: Object.fromEntries(pairs) as Record<string, string> })
    this.completions.push(completion)
  }
  async close(): Promise<void> {}
}

const lines: string[] = []
const logger: Logger = {
  isDebugEnabled: false,
  trace() {},
  debug() {},
  info() {},
  warn: (message) => void lines.push(message),
  error: (message) => void lines.push(message),
}

const text = {
  config: () => {
    throw new Error('not asked for')
  },
  configure() {},
  fromConnectData: (_topic: string, _schema: unknown, value: unknown) => value as string,
} as unknown as Converter

const classNames = { key: 'test.Key', value: 'test.Value', header: 'test.Header' }

const partition = { file: 'f' }

function records(count: number, from = 0): SourceRecord[] {
  return Array.from({ length: count }, (_, index) => ({
    topic: 't',
    kafkaPartition: null,
    keySchema: null,
    key: null,
    valueSchema: null,
    value: `v${from + index}`,
    timestamp: null,
    headers: null,
    sourcePartition: partition,
    sourceOffset: { position: from + index + 1 },
  }))
}

interface Made {
  loop: SourceTaskLoop
  producer: KeptMessages
  committed: CommittableOffset[]
  states: string[]
  /** Failed records, as reporters are told of them. */
  reported: string[]
  run: Promise<void>
  stop: () => void
  stopped: AbortController
}

function begin(
  poll: SourceTask['poll'],
  options: {
    task?: Partial<SourceTask>
    transformations?: Transformation<SourceRecord>[]
    producer?: KeptMessages
    offsetFlushIntervalMs?: number
    isForgetful?: boolean
    tolerance?: 'none' | 'all'
    retryTimeoutMs?: number
    converter?: Partial<Converter>
    /** How many of the first commits of offsets fail. */
    commitFailures?: number
    deadLetters?: KeptDeadLetters
    failuresMax?: number
    imbalanceAction?: 'log' | 'fail'
  } = {},
): Made {
  const producer = options.producer ?? new KeptMessages()
  const committed: CommittableOffset[] = []
  const states: string[] = []
  let failuresLeft = options.commitFailures ?? 0
  const stopped = new AbortController()
  const ledger = new Ledger()
  const errorCounters = new ErrorCounters()
  const reported: string[] = []
  const report = ({ stage, className, cause }: StageError) => void reported.push(`${stage} ${className}: ${(cause as Error).message}`)
  const errors = new ErrorHandler<SourceRecord>({
    tolerance: options.tolerance ?? 'none',
    reporters: [{ report }],
    counters: errorCounters,
    budget: new ErrorBudget({ recordsMax: options.failuresMax ?? -1, perMinuteMax: -1 }),
  })
  const retries = new Retries({
    timeoutMs: options.retryTimeoutMs ?? 0,
    delayMaxMs: 60_000,
    counters: errorCounters,
    signal: stopped.signal,
    pause: () => nextTurn(),
  })
  const converter = { ...text, ...options.converter } as Converter
  const task: SourceTask = { start() {}, poll, stop: () => void states.push('stop'), ...options.task }
  const occupancy = new Occupancy({ enter() {}, leave() {} }, 1)
  const activity = new Activity(occupancy)
  const deadLetters = options.deadLetters === undefined ? null : new SourceDeadLetters((error) => delivery.fail(error))
  deadLetters?.use(
    new DeadLetterQueue({
      id: { connector: 'source', task: 0 },
      topic: 'dead',
      hasContextHeaders: true,
      producer: options.deadLetters!,
      counters: errorCounters,
      ended: (message, failure) => deadLetters.ended(message, failure),
      mask: (each) => each,
      logger,
    }),
  )
  const delivery: AtLeastOnceDelivery = new (options.isForgetful ? ForgetfulDelivery : AtLeastOnceDelivery)({
    task,
    ledger,
    errors,
    deadLetters,
    logger,
    offsetWriter: {
      async write(offsets) {
        if (failuresLeft-- > 0) throw new Error('the disk is full')
        committed.push(...offsets)
      },
    },
    activity,
    offsetFlushIntervalMs: options.offsetFlushIntervalMs ?? 60_000,
    offsetFlushTimeoutMs: 50,
    topicUsed: (topic) => void states.push(`topic ${topic}`),
    afterCommit() {
      const imbalance = ledger.check(loop.inFlight)
      if (imbalance !== null) logger.error(imbalance)
      if (imbalance !== null && options.imbalanceAction === 'fail') delivery.fail(new ImbalanceError(imbalance))
    },
  })
  const loop: SourceTaskLoop = new SourceTaskLoop({
    task,
    properties: {},
    context: {} as never,
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
    converters: new SourceConverters({ key: text, value: converter, header: text as unknown as HeaderConverter, classNames }, retries),
    errors,
    errorCounters,
    topics: new TopicCreation(null, null, logger),
    producer,
    delivery,
    deadLetters,
    offsets: { close() {} },
    pause: new Pause(false),
    ledger,
    stages: new StageTimer(['poll', 'transform', 'convert', 'send']),
    metrics: taskMetricsForTests('source'),
    lease: new Lease(async () => Infinity),
    occupancy,
    activity,
    events: { running: () => void states.push('RUNNING'), paused: () => void states.push('PAUSED'), topicUsed() {}, progressed() {}, failed() {} },
    logger,
    signal: stopped.signal,
  })
  const stop = () => {
    stopped.abort()
    loop.stop()
  }
  return { loop, producer, committed, states, reported, run: loop.run(), stop, stopped }
}

/** Loses the first record: it goes to the producer, but nobody waits for its answer. */
class ForgetfulDelivery extends AtLeastOnceDelivery {
  #hasForgotten = false

  override track(record: SourceRecord, messages: number): SubmittedRecord {
    if (this.#hasForgotten) return super.track(record, messages)
    this.#hasForgotten = true
    return new SubmittedRecords({ acknowledged() {}, failed: () => false, ended() {} }, { keepsRecords: false }).submit(record, messages)
  }
}

/** Polls the batches in turn, then nothing. */
function batches(...all: (readonly SourceRecord[])[]): () => readonly SourceRecord[] | null {
  return () => all.shift() ?? null
}

async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + 5_000
  while (!condition()) {
    if (performance.now() > deadline) assert.fail(`waited in vain for ${what}`)
    await nextTurn()
  }
}

test('sends records in order and commits the last offset when it is stopped', async () => {
  const made = begin(batches(records(100), records(50, 100)))
  await until(() => made.producer.values.length === 150, '150 messages')
  made.stop()
  await made.run
  assert.deepEqual(
    made.producer.values,
    Array.from({ length: 150 }, (_, index) => `v${index}`),
  )
  assert.deepEqual(made.committed, [{ partition, offset: { position: 150 } }])
  const { ledger } = made.loop.progress()
  assert.deepEqual(
    { read: ledger.read, written: ledger.written, in_flight: ledger.in_flight, balanced: ledger.balanced },
    { read: 150, written: 150, in_flight: 0, balanced: true },
  )
  assert.deepEqual(made.states, ['RUNNING', 'topic t', 'stop'])
})

test('commits nothing past an unacknowledged record, and gives it back at the end', async () => {
  const producer = new KeptMessages()
  producer.acknowledgesAtOnce = false
  const made = begin(batches(records(3)), { producer })
  await until(() => producer.pending.length === 3, '3 messages')
  producer.pending[0]!.acknowledged('t', 0, 0, 0)
  producer.pending[2]!.acknowledged('t', 0, 2, 0)
  assert.equal(made.loop.progress().ledger.in_flight, 1)
  made.stop()
  await made.run
  assert.deepEqual(made.committed, [{ partition, offset: { position: 1 } }])
  const { ledger } = made.loop.progress()
  assert.deepEqual([ledger.written, ledger.given_back, ledger.in_flight, ledger.balanced], [2, 1, 0, true])
})

test('polls again after a RetriableError and fails after any other', async () => {
  let polls = 0
  const made = begin(() => {
    if (++polls < 3) throw new RetriableError('later')
    throw new TypeError('broken')
  })
  await assert.rejects(made.run, /broken/)
  assert.equal(polls, 3)
  assert.equal(made.states.at(-1), 'stop')
})

test('a source whose records are all filtered stops and pauses at once', async () => {
  let from = 0
  const told: unknown[] = []
  const made = begin(() => records(10, (from += 10)), {
    task: { commitRecord: (record, metadata) => void told.push(record, metadata) },
    transformations: [{ config: () => undefined as never, configure() {}, apply: () => null }],
  })
  await until(() => from > 50, 'a few polls')
  made.loop.setPaused(true)
  await until(() => made.states.includes('PAUSED'), 'the pause')
  made.loop.setPaused(false)
  await until(() => made.states.filter((state) => state === 'RUNNING').length === 2, 'the end of the pause')
  made.stop()
  await made.run
  const { ledger } = made.loop.progress()
  assert.ok(ledger.filtered >= 50 && ledger.filtered === ledger.read && ledger.balanced)
  assert.deepEqual(made.committed, [])
  assert.equal(told[1], null)
})

test('a transformation may make one record several; it counts once', async () => {
  const made = begin(batches(records(2)), {
    transformations: [
      { config: () => undefined as never, configure() {}, apply: async (record) => [record, { ...record, value: `${String(record.value)}!` }] },
    ],
  })
  await until(() => made.producer.values.length === 4, '4 messages')
  made.stop()
  await made.run
  assert.deepEqual(made.producer.values, ['v0', 'v0!', 'v1', 'v1!'])
  assert.equal(made.loop.progress().ledger.written, 2)
})

test('a failed converter fails the task as in the original, and the batch is given back', async () => {
  const made = begin(batches(records(5)), {
    transformations: [
      {
        config: () => undefined as never,
        configure() {},
        apply(record) {
          if (record.value === 'v3') throw new Error('bad record')
          return record
        },
      },
    ],
  })
  await assert.rejects(made.run, (error: Error) => error.message === 'Tolerance exceeded in error handler' && (error.cause as Error).message === 'bad record')
  const { ledger } = made.loop.progress()
  assert.deepEqual([ledger.read, ledger.written, ledger.given_back, ledger.balanced], [5, 3, 2, true])
  assert.deepEqual(made.committed, [{ partition, offset: { position: 3 } }])
})

test('a message that the producer refuses for good fails the task', async () => {
  const producer = new KeptMessages()
  producer.acknowledgesAtOnce = false
  const made = begin(batches(records(1)), { producer })
  await until(() => producer.pending.length === 1, 'a message')
  producer.pending[0]!.failed(new Error('too large'))
  await assert.rejects(
    made.run,
    (error: Error) => error.message === 'Unrecoverable exception from producer send callback' && (error.cause as Error).message === 'too large',
  )
  assert.deepEqual(made.committed, [])
})

test('a message that the producer cannot take now is offered again', async () => {
  const producer = new KeptMessages()
  producer.sendError = Object.assign(new Error('not now'), { retriable: true })
  const made = begin(batches(records(2)), { producer })
  await until(() => producer.values.length === 2, '2 messages')
  made.stop()
  await made.run
  assert.deepEqual(producer.values, ['v0', 'v1'])
  assert.equal(made.loop.progress().ledger.balanced, true)
})

test('a stop ends the wait for room in the producer, and the rest of the batch is given back', async () => {
  const producer = new KeptMessages()
  producer.hasRoomNow = false
  const made = begin(batches(records(4)), { producer })
  await until(() => made.loop.progress().ledger.in_flight === 4, 'the batch')
  made.stop()
  await made.run
  const { ledger } = made.loop.progress()
  assert.deepEqual([ledger.read, ledger.given_back, ledger.balanced], [4, 4, true])
})

test('offsets whose commit failed are committed with the next one, and commit is told to the task each time', async () => {
  lines.length = 0
  let commits = 0
  const made = begin(batches(records(3)), { offsetFlushIntervalMs: 1, commitFailures: 2, task: { commit: () => void commits++ } })
  const failures = () => lines.filter((line) => line === 'Failed to flush offsets to storage').length
  await until(() => failures() >= 2, 'two failed commits')
  await until(() => made.committed.length === 1 && commits >= 2, 'commits')
  made.stop()
  await made.run
  assert.deepEqual(made.committed, [{ partition, offset: { position: 3 } }], 'once, and nothing before it')
})

test('a record that vanishes in the loop is found by the ledger', async () => {
  lines.length = 0
  const producer = new KeptMessages()
  const made = begin(batches(records(3)), { producer, offsetFlushIntervalMs: 1, isForgetful: true })
  await until(() => lines.some((line) => line.includes('3 records were read, but 2 are accounted for')), 'the line of the ledger')
  assert.equal(made.loop.progress().ledger.balanced, false)
  made.stop()
  await made.run
  assert.equal(lines.filter((line) => line.includes('accounted for')).length, 1, 'told once')
})

/** Fails for some values, or as often as it says for each. */
function failing(values: readonly string[], error: () => Error, times = Number.POSITIVE_INFINITY): Partial<Converter> {
  let left = times
  return {
    fromConnectData(_topic, _schema, value) {
      if (values.includes(value as string) && left-- > 0) throw error()
      return value as string
    },
  }
}

test('a record that cannot be converted fails the task, after it was reported', async () => {
  const made = begin(batches(records(3)), { converter: failing(['v1'], () => new DataError('no')) })
  await assert.rejects(made.run, (error: Error) => error.message === 'Tolerance exceeded in error handler' && (error.cause as Error).message === 'no')
  assert.deepEqual(made.reported, ['VALUE_CONVERTER test.Value: no'])
  const { ledger, errors } = made.loop.progress()
  assert.deepEqual([ledger.read, ledger.written, ledger.given_back, ledger.balanced], [3, 1, 2, true])
  assert.deepEqual([errors.failures, errors.errors, errors.skipped], [1, 1, 0])
})

test('a record that cannot be converted is left out where errors are tolerated, and told to the task', async () => {
  const told: unknown[] = []
  const made = begin(batches(records(4)), {
    converter: failing(['v1', 'v3'], () => new DataError('no')),
    tolerance: 'all',
    task: { commitRecord: (record, metadata) => void (metadata === null && told.push(record.value)) },
  })
  await until(() => made.loop.progress().ledger.written === 2, '2 records')
  made.stop()
  await made.run
  assert.deepEqual(made.producer.values, ['v0', 'v2'])
  assert.deepEqual(told, ['v1', 'v3'])
  // The last record has no offset of its own to commit.
  assert.deepEqual(made.committed, [{ partition, offset: { position: 3 } }])
  const { ledger, errors } = made.loop.progress()
  assert.deepEqual([ledger.read, ledger.written, ledger.skipped, ledger.balanced], [4, 2, 2, true])
  assert.deepEqual([errors.failures, errors.errors, errors.skipped, errors.retries], [2, 2, 2, 0])
})

test('an operation is tried again after a RetriableError, as long as that is allowed', async () => {
  const converter = failing(['v0'], () => new RetriableError('busy'), 3)
  const made = begin(batches(records(2)), { converter, retryTimeoutMs: -1 })
  await until(() => made.producer.values.length === 2, '2 messages')
  made.stop()
  await made.run
  assert.deepEqual(made.producer.values, ['v0', 'v1'])
  const { errors } = made.loop.progress()
  assert.deepEqual([errors.failures, errors.retries, errors.errors], [3, 3, 0])
})

test('a stop ends the tries, and the record is given back', async () => {
  const made = begin(batches(records(2)), { converter: failing(['v1'], () => new RetriableError('busy')), retryTimeoutMs: -1, tolerance: 'all' })
  await until(() => made.loop.progress().errors.retries > 2, 'tries')
  made.stop()
  await made.run
  const { ledger } = made.loop.progress()
  assert.deepEqual([ledger.read, ledger.written, ledger.given_back, ledger.skipped, ledger.balanced], [2, 1, 1, 0, true])
  assert.deepEqual(made.committed, [{ partition, offset: { position: 1 } }])
})

test('a transformation that fails is reported by its class; one output of several that fails is left out alone', async () => {
  const twice: Transformation<SourceRecord> = {
    config: text.config,
    configure() {},
    apply(record) {
      if (record.value === 'v1') throw new DataError('odd')
      return [record, { ...record, value: `${record.value as string}!` }]
    },
  }
  const made = begin(batches(records(3)), { transformations: [twice], tolerance: 'all', converter: failing(['v2!'], () => new DataError('no')) })
  await until(() => made.loop.progress().ledger.in_flight === 0 && made.producer.values.length === 3, '3 messages')
  made.stop()
  await made.run
  assert.deepEqual(made.producer.values, ['v0', 'v0!', 'v2'])
  assert.deepEqual(made.reported, ['TRANSFORMATION test.Transformation: odd', 'VALUE_CONVERTER test.Value: no'])
  assert.equal(made.loop.progress().ledger.balanced, true)
  assert.deepEqual(made.committed, [{ partition, offset: { position: 3 } }])
})

test('a message that the producer refuses for good is left out where errors are tolerated', async () => {
  const producer = new KeptMessages()
  producer.acknowledgesAtOnce = false
  const made = begin(batches(records(2)), { producer, tolerance: 'all' })
  await until(() => producer.pending.length === 2, '2 messages')
  producer.pending[0]!.failed(new Error('too large'))
  producer.pending[1]!.acknowledged('t', 0, 0, 0)
  await until(() => made.loop.progress().ledger.in_flight === 0, 'both ends')
  producer.pending.length = 0
  made.stop()
  await made.run
  assert.deepEqual(made.reported, ['KAFKA_PRODUCE org.apache.kafka.connect.runtime.WorkerSourceTask: too large'])
  const { ledger } = made.loop.progress()
  assert.deepEqual([ledger.written, ledger.skipped, ledger.balanced], [1, 1, true])
  assert.deepEqual(made.committed, [{ partition, offset: { position: 2 } }])
})

test('records of a source that fail become dead letters where that is wanted; their offsets are committed when the topic has them', async () => {
  const deadLetters = new KeptDeadLetters()
  const told: unknown[] = []
  const made = begin(batches(records(4)), {
    converter: failing(['v1'], () => new DataError('no')),
    transformations: [
      {
        config: () => undefined as never,
        configure() {},
        apply(record) {
          if (record.value === 'v3') throw new DataError('no field')
          return record
        },
      },
    ],
    tolerance: 'all',
    deadLetters,
    offsetFlushIntervalMs: 1,
    task: { commitRecord: (record, metadata) => void (metadata === null && told.push(record.value)) },
  })
  await until(() => made.committed.length > 0 && made.loop.progress().ledger.written === 2, 'the records that are good')
  assert.deepEqual(made.committed, [{ partition, offset: { position: 1 } }])
  assert.deepEqual([made.loop.progress().ledger.in_flight, made.loop.progress().ledger.balanced], [2, true])
  for (const completion of deadLetters.completions) completion.acknowledged()
  await until(() => made.committed.length === 2, 'another commit')
  made.stop()
  await made.run
  assert.deepEqual(made.committed.at(-1), { partition, offset: { position: 4 } })
  assert.deepEqual(told, ['v1', 'v3'])
  assert.deepEqual(
    deadLetters.letters.map(({ value, headers }) => [value, headers['stage'], headers['exception.message'], headers['topic'], headers['offset']]),
    [
      ['v1', 'VALUE_CONVERTER', 'no', 't', undefined],
      ['v3', 'TRANSFORMATION', 'no field', 't', undefined],
    ],
  )
  assert.deepEqual(
    [deadLetters.letters[0]?.headers['millrace.errors.source.partition'], deadLetters.letters[0]?.headers['millrace.errors.source.offset']],
    ['{"file":"f"}', '{"position":2}'],
  )
  const { ledger } = made.loop.progress()
  assert.deepEqual([ledger.read, ledger.written, ledger.dead_lettered, ledger.skipped, ledger.balanced], [4, 2, 2, 0, true])
})

test('a message that Kafka refuses becomes a dead letter of its source record', async () => {
  const deadLetters = new KeptDeadLetters()
  const producer = new KeptMessages()
  producer.acknowledgesAtOnce = false
  const made = begin(batches(records(2)), { producer, tolerance: 'all', deadLetters, offsetFlushIntervalMs: 1 })
  await until(() => producer.pending.length === 2, '2 messages')
  producer.pending[0]!.failed(new Error('too large'))
  producer.pending[1]!.acknowledged('t', 0, 1, 0)
  await until(() => deadLetters.completions.length === 1, 'a dead letter')
  assert.deepEqual(made.committed, [])
  deadLetters.completions[0]!.acknowledged()
  await until(() => made.committed.length === 1, 'a commit')
  producer.pending.length = 0
  made.stop()
  await made.run
  assert.deepEqual(made.committed, [{ partition, offset: { position: 2 } }])
  assert.equal(deadLetters.letters[0]?.headers['stage'], 'KAFKA_PRODUCE')
  const { ledger } = made.loop.progress()
  assert.deepEqual([ledger.written, ledger.dead_lettered, ledger.balanced], [1, 1, true])
})

test('a dead letter of a source that Kafka refuses fails the task, and nothing from its record on is committed', async () => {
  const deadLetters = new KeptDeadLetters()
  const made = begin(batches(records(3)), { converter: failing(['v1'], () => new DataError('no')), tolerance: 'all', deadLetters, offsetFlushIntervalMs: 1 })
  await until(() => deadLetters.completions.length === 1, 'a dead letter')
  deadLetters.completions[0]!.failed(new Error('not authorised'))
  await assert.rejects(made.run, /The dead letter of a record for topic "t" was refused by Kafka/)
  assert.deepEqual(made.committed, [{ partition, offset: { position: 1 } }])
  assert.equal(made.loop.progress().ledger.balanced, true)
})

test('a source, too, has a budget of failures', async () => {
  const made = begin(batches(records(5)), { converter: failing(['v1', 'v2', 'v3'], () => new DataError('no')), tolerance: 'all', failuresMax: 2 })
  await assert.rejects(made.run, /^DataError|2 records failed since the task started/)
  const { ledger } = made.loop.progress()
  assert.deepEqual([ledger.read, ledger.written, ledger.skipped, ledger.given_back, ledger.balanced], [5, 1, 2, 2, true])
  assert.deepEqual(made.committed, [{ partition, offset: { position: 1 } }])
})

test('records that are not accounted for fail the task where that is wanted', async () => {
  const made = begin(batches(records(3)), { offsetFlushIntervalMs: 1, isForgetful: true, imbalanceAction: 'fail' })
  await assert.rejects(made.run, /3 records were read, but 2 are accounted for/)
  assert.ok(made.loop.progress().ledger.imbalances >= 1)
})

test('the ledger tells which transformation left records out', async () => {
  const dropping = (value: string): Transformation<SourceRecord> => ({
    config: () => undefined as never,
    configure() {},
    apply: (record) => (record.value === value ? null : record),
  })
  const made = begin(batches(records(4)), { transformations: [dropping('v1'), dropping('v2')] })
  await until(() => made.loop.progress().ledger.written === 2, '2 records')
  made.stop()
  await made.run
  assert.deepEqual(made.loop.progress().ledger.filtered_by_transform, { t0: 1, t1: 1 })
})
