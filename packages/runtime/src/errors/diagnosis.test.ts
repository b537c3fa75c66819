import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { AlreadyExistsError, ConfigError, ConnectError, DataError, RetriableError, SchemaBuilderError } from '@millrace/api'
import type { ConvertersInForce } from './converter-mismatch.ts'
import { diagnosisOf } from './diagnosis.ts'
import { causesOf, FailureError, failureOf, runtimeFailure } from './failure.ts'
import { failureClassOf } from './failure-class.ts'
import { hints } from './hints.ts'
import { StageError } from './stage-error.ts'

const JSON_CONVERTER = 'org.apache.kafka.connect.json.JsonConverter'

function kafkaError(code: string, message: string, cause?: unknown): Error {
  return Object.assign(new Error(message, { cause }), { name: 'KafkaError', code, javaClass: 'org.apache.kafka.common.errors.ApiException' })
}

function systemError(code: string, details: { readonly path?: string; readonly message?: string } = {}): Error {
  return Object.assign(new Error(details.message ?? `${code}: something, open`), { code, ...details })
}

function converters(className: string, properties: Readonly<Record<string, string>> = {}, isOwn = true): ConvertersInForce {
  const converter = { className, properties, isOwn }
  return { key: converter, value: converter, header: converter }
}

function unreadable(bytes: Uint8Array | string, className = JSON_CONVERTER): StageError {
  const details = { record: { topic: 't', partition: 0, offset: 5 }, bytes: Buffer.from(bytes as string) }
  return new StageError('VALUE_CONVERTER', className, new DataError('Converting byte[] to Kafka Connect data failed'), details)
}

const inPut = (cause: unknown): ConnectError => new ConnectError('Exiting WorkerSinkTask due to unrecoverable exception.', { cause })
const coded = (code: string, message: string, cause?: unknown): Error => Object.assign(new Error(message, { cause }), { code })
const deadLetters = (cause: unknown): ConnectError => new ConnectError('Could not initialize dead letter queue with topic=dlq', { cause })

const cases: readonly (readonly [what: string, error: unknown, hint: string, rootCause: RegExp | string])[] = [
  // The innermost that says something decides, not what is wrapped around it.
  ['a file that is not there', inPut(new ConnectError('no output', { cause: systemError('ENOENT', { path: '/a/b' }) })), 'MR-3301', '"/a/b" does not exist'],
  ['a folder', systemError('EISDIR', { path: '/a' }), 'MR-3302', '"/a" is a folder, not a file'],
  ['a folder that a plug-in found', new ConnectError('"/a" is a directory.'), 'MR-3302', '"/a" is a directory.'],
  [
    'a file that was truncated',
    new ConnectError('File "/a" has 5 bytes, which is less than the position 7 that was reached before.'),
    'MR-3303',
    /^File "\/a" has 5 bytes/,
  ],
  ['no permission', systemError('EACCES', { path: '/a' }), 'MR-4401', /"\/a" may not be used/],
  [
    'a full disk',
    new ConnectError('Could not write', { cause: systemError('ENOSPC', { message: 'ENOSPC: no space left on device, write' }) }),
    'MR-5201',
    /^Could not write: ENOSPC/,
  ],
  ['too many files', systemError('EMFILE'), 'MR-5202', /EMFILE/],
  ['a broken disk', systemError('EIO'), 'MR-5203', /EIO/],
  [
    'a destination that is down',
    inPut(systemError('ECONNREFUSED', { message: 'connect ECONNREFUSED 127.0.0.1:5432' })),
    'MR-1102',
    'connect ECONNREFUSED 127.0.0.1:5432',
  ],
  [
    'a name that nobody knows',
    kafkaError('NETWORK_EXCEPTION', 'no connection', systemError('ENOTFOUND', { message: 'getaddrinfo ENOTFOUND db' })),
    'MR-1103',
    /ENOTFOUND db/,
  ],
  ['a broker that is down', kafkaError('NETWORK_EXCEPTION', 'no connection to b:9092', systemError('ECONNREFUSED')), 'MR-1101', 'no connection to b:9092'],
  ['no answer in time', kafkaError('REQUEST_TIMED_OUT', 'late'), 'MR-1104', 'late'],
  ['a group that moved on', kafkaError('COMMIT_FAILED', 'gone'), 'MR-1105', 'gone'],
  ['too few replicas', kafkaError('NOT_ENOUGH_REPLICAS', 'few'), 'MR-1106', 'few'],
  ['wrong credentials', inPut(kafkaError('REQUEST_TIMED_OUT', 'late', kafkaError('SASL_AUTHENTICATION_FAILED', 'refused'))), 'MR-4101', 'refused'],
  ['another mechanism', kafkaError('UNSUPPORTED_SASL_MECHANISM', 'm'), 'MR-4102', 'm'],
  ['no TLS', kafkaError('SSL_AUTHENTICATION_FAILED', 'm'), 'MR-4103', 'm'],
  ['no right on a topic', kafkaError('TOPIC_AUTHORIZATION_FAILED', 'm'), 'MR-4201', 'm'],
  ['no right on a group', kafkaError('GROUP_AUTHORIZATION_FAILED', 'm'), 'MR-4202', 'm'],
  ['no right in the cluster', kafkaError('CLUSTER_AUTHORIZATION_FAILED', 'm'), 'MR-4203', 'm'],
  ['no topic', kafkaError('UNKNOWN_TOPIC_OR_PARTITION', 'm'), 'MR-3201', 'm'],
  ['a topic that cannot be made', kafkaError('INVALID_REPLICATION_FACTOR', 'm'), 'MR-3202', 'm'],
  [
    'a dead-letter topic that cannot be made',
    deadLetters(kafkaError('INVALID_REPLICATION_FACTOR', 'too many')),
    'MR-3203',
    /^Could not initialize dead letter queue with topic=dlq: too many$/,
  ],
  ['a dead-letter topic without access', deadLetters(kafkaError('TOPIC_AUTHORIZATION_FAILED', 'no')), 'MR-4201', 'no'],
  ['nothing at an offset', kafkaError('NO_OFFSET_FOR_PARTITION', 'm'), 'MR-3204', 'm'],
  ['a wrong setting of a client', kafkaError('INVALID_CONFIGURATION', 'm'), 'MR-3401', 'm'],
  ['a record that is too large', kafkaError('RECORD_TOO_LARGE', 'm'), 'MR-2302', 'm'],
  ['a record that Kafka refuses', kafkaError('INVALID_RECORD', 'm'), 'MR-2303', 'm'],
  ['a broker at its limit', kafkaError('KAFKA_STORAGE_ERROR', 'm'), 'MR-5204', 'm'],
  ['a budget that is spent', coded('ERROR_BUDGET', '2 records failed', new DataError('no number')), 'MR-2401', '2 records failed'],
  ['a quarantine that is full', inPut(coded('QUARANTINE_FULL', '10 keys')), 'MR-2402', '10 keys'],
  ['a batch that cannot be divided', inPut(coded('BATCH_INDIVISIBLE', 'Which of the 5', new DataError('no number'))), 'MR-2403', 'Which of the 5'],
  ['too many bad records in a batch', inPut(coded('BATCH_ATTEMPTS', '1000 times')), 'MR-2404', '1000 times'],
  ['records that are not accounted for', coded('LEDGER_IMBALANCE', '3 were read, 2 written'), 'MR-6104', '3 were read, 2 written'],
  ['another protocol', kafkaError('PROTOCOL_ERROR', 'm'), 'MR-6103', 'm'],
  ['an answer 401', inPut(Object.assign(new Error('Unauthorized'), { statusCode: 401 })), 'MR-4301', 'Unauthorized'],
  [
    'a database that refuses',
    Object.assign(new Error('password authentication failed for user "x"'), { code: '28P01' }),
    'MR-4301',
    /^password authentication failed/,
  ],
  ['an answer that a client keeps', Object.assign(new Error('Request failed'), { response: { status: 403 } }), 'MR-4301', 'Request failed'],
  ['an answer to a cloud', Object.assign(new Error('slow down'), { $metadata: { httpStatusCode: 503 } }), 'MR-1102', 'slow down'],
  ['a database that goes down', inPut(Object.assign(new Error('terminating'), { code: '57P01' })), 'MR-1102', 'terminating'],
  ['a deadlock', inPut(Object.assign(new Error('deadlock detected'), { code: '40P01' })), 'MR-1001', 'deadlock detected'],
  ['a constraint', inPut(Object.assign(new Error('duplicate key'), { code: '23505' })), 'MR-2301', 'duplicate key'],
  ['a table that is not there', inPut(Object.assign(new Error('no table'), { code: '42P01' })), 'MR-3001', 'no table'],
  ['words about a connection', inPut(new Error('Connection terminated unexpectedly')), 'MR-1102', 'Connection terminated unexpectedly'],
  ['words about time', inPut(new Error('Operation timed out after 5 s')), 'MR-1104', /timed out/],
  ['words about access', inPut(new Error('Access denied for user')), 'MR-4301', 'Access denied for user'],
  ['an answer 503', Object.assign(new Error('busy'), { status: 503 }), 'MR-1102', 'busy'],
  // What a plug-in throws.
  ['a defect', inPut(new TypeError('x is undefined')), 'MR-6001', 'The code of the plugin failed: TypeError: x is undefined'],
  ['a buffer that is too large', new RangeError('Array buffer allocation failed'), 'MR-5102', 'Array buffer allocation failed'],
  ['an error without a kind', inPut(new Error('who knows')), 'MR-6002', 'who knows'],
  ['an error without words', inPut(new Error('')), 'MR-6002', /^Exiting WorkerSinkTask/],
  ['something else that is thrown', 'text', 'MR-6002', 'text'],
  ['a wrong setting', new ConfigError('Missing required configuration "file"'), 'MR-3001', 'Missing required configuration "file"'],
  [
    'a reference',
    new ConfigError('Could not read properties from file /s', { cause: systemError('ENOENT', { path: '/s' }) }),
    'MR-3104',
    'Could not read properties from file /s: "/s" does not exist',
  ],
  ['a sink without topics', new ConnectError('Sink tasks require a list of topics.'), 'MR-3205', /topics/],
  ['a data error', inPut(new DataError('not a number')), 'MR-2001', 'not a number'],
  ['a schema', new SchemaBuilderError('twice'), 'MR-6004', 'twice'],
  ['a passing error', new RetriableError('later'), 'MR-1001', 'later'],
  ['a kind that says nothing', new AlreadyExistsError('there'), 'MR-6002', 'there'],
  // Stages.
  [
    'a transformation',
    new StageError('TRANSFORMATION', 'a.Cast', new DataError('no'), { transform: { alias: 'c', position: 2 } }),
    'MR-2201',
    'Transformation "c" (a.Cast) cannot handle a record: no',
  ],
  [
    'a transformation without fields',
    new StageError('TRANSFORMATION', 'a.B', new DataError('Only Map objects supported in absence of schema for [x], found: java.lang.String')),
    'MR-2202',
    /Only Map objects/,
  ],
  ['a defect of a transformation', new StageError('TRANSFORMATION', 'a.B', new TypeError('no')), 'MR-6001', /^The code of a\.B failed: TypeError: no/],
  ['a reported record', new StageError('TASK_PUT', 'a.S', new Error('too long')), 'MR-2301', 'The sink could not write a record: too long'],
  [
    'a value that cannot be written',
    new StageError('VALUE_CONVERTER', 'a.C', new DataError('no'), { record: { topic: 't', source_partition: {} } }),
    'MR-2111',
    'A.C cannot write the value of a record: no',
  ],
  ['a registry that is down', new StageError('VALUE_CONVERTER', 'a.C', systemError('ECONNREFUSED'), { bytes: Buffer.from('{}') }), 'MR-1102', /ECONNREFUSED/],
  [
    'bytes of no known form',
    unreadable(Buffer.from('ff00ff00ff', 'hex'), 'a.AvroConverter'),
    'MR-2110',
    'A.AvroConverter cannot read the value of a record, 5 bytes',
  ],
  // What the runtime found.
  ['a hang', new FailureError(runtimeFailure('TASK_HANG', 'held')), 'MR-6101', 'held'],
  ['memory', new FailureError(runtimeFailure('TASK_OUT_OF_MEMORY', 'm')), 'MR-5101', 'm'],
  ['a stall', new FailureError(runtimeFailure('TASK_STALLED', 'm')), 'MR-1108', 'm'],
  ['an exit', new FailureError(runtimeFailure('THREAD_EXITED', 'm')), 'MR-6003', 'm'],
]

describe('the root cause', () => {
  for (const [what, error, hint, rootCause] of cases) {
    it(`of ${what} is ${hint}`, () => {
      const found = diagnosisOf(causesOf(error))
      assert.equal(found.hint.id, hint, found.rootCause)
      if (typeof rootCause === 'string') assert.equal(found.rootCause, rootCause)
      else assert.match(found.rootCause, rootCause)
      assert.equal(failureClassOf(error), found.hint.class)
    })
  }

  it('is the same on the other side of a thread', () => {
    for (const [what, error, hint] of cases) {
      const revived = new ConnectError('again', { cause: new FailureError(structuredClone(failureOf(error))) })
      // What is said of a whole that says nothing else is said of what is around it.
      if (hint !== 'MR-6002') assert.equal(diagnosisOf(causesOf(revived)).hint.id, hint, what)
    }
  })

  it('is found for a cycle, in one line of bounded length', () => {
    const error = new Error(`long\n${'x'.repeat(10_000)}`)
    error.cause = error
    const { rootCause } = diagnosisOf(causesOf(error))
    assert.ok(rootCause.length <= 400 && !rootCause.includes('\n'))
  })
})

describe('bytes that do not fit the converter', () => {
  const plain = '{"secret": "content"}'
  const own = converters(JSON_CONVERTER)
  const workers = converters(JSON_CONVERTER, {}, false)

  it('are plain JSON where an envelope is expected, and the setting is named where it counts', () => {
    const { hint, rootCause, advice } = diagnosisOf(causesOf(unreadable(plain)), own)
    assert.equal(hint.id, 'MR-2101')
    assert.equal(rootCause, 'The value of a record is plain JSON, and value.converter is JsonConverter with schemas.enable=true')
    assert.equal(advice, 'Set value.converter.schemas.enable=false in the connector.')
    const ofWorker = diagnosisOf(causesOf(unreadable(plain)), workers)
    assert.match(ofWorker.rootCause, /schemas\.enable=true, which the worker sets$/)
    assert.match(
      ofWorker.advice,
      /^Set value\.converter=org\.apache\.kafka\.connect\.json\.JsonConverter and value\.converter\.schemas\.enable=false in the connector/,
    )
  })

  for (const [what, bytes, className, id] of [
    ['JSON for Avro', plain, 'io.confluent.connect.avro.AvroConverter', 'MR-2102'],
    ['the form of a registry for JSON', Buffer.from('000000002a0c616263', 'hex'), JSON_CONVERTER, 'MR-2103'],
    ['text for JSON', 'hello', JSON_CONVERTER, 'MR-2104'],
    ['JSON that is cut off', '{"a": 1', JSON_CONVERTER, 'MR-2105'],
    ['gzip for JSON', Buffer.from('1f8b0800', 'hex'), JSON_CONVERTER, 'MR-2106'],
    ['Java for JSON', Buffer.from('aced0005', 'hex'), JSON_CONVERTER, 'MR-2107'],
    ['XML for JSON', '<a/>', JSON_CONVERTER, 'MR-2108'],
    ['nothing for JSON', '', JSON_CONVERTER, 'MR-2109'],
    ['a file of Avro for Avro', Buffer.from('4f626a0104', 'hex'), 'io.confluent.connect.avro.AvroConverter', 'MR-2112'],
    ['text for a number', 'hello', 'org.apache.kafka.connect.converters.LongConverter', 'MR-2104'],
  ] as const) {
    it(`are ${what}: ${id}, and nothing of them is shown`, () => {
      const failure = failureOf(unreadable(bytes as string, className))
      const { hint, rootCause } = diagnosisOf(failure.causes, converters(className))
      assert.equal(hint.id, id, rootCause)
      for (const content of ['hello', 'secret', 'content']) assert.ok(!JSON.stringify([rootCause, failure.causes]).includes(content))
    })
  }

  it('are not to blame where the code of a converter breaks of which nobody knows what it reads', () => {
    const cause = new TypeError("Cannot read properties of undefined (reading 'id')")
    const error = new StageError('VALUE_CONVERTER', 'com.example.OrderConverter', cause, { bytes: Buffer.from(plain) })
    const { hint, rootCause } = diagnosisOf(causesOf(error), converters('com.example.OrderConverter'))
    assert.deepEqual([hint.id, /OrderConverter/.test(rootCause)], ['MR-6001', true])
  })

  it('are of the right form, and something inside is wrong: the converter has the word', () => {
    const error = unreadable('{"schema": {"type": "struct"}, "payload": 1}')
    assert.equal(diagnosisOf(causesOf(error), own).hint.id, 'MR-2110')
  })
})

it('each hint that stands for something can be found', () => {
  const found = new Set(cases.map(([, error]) => diagnosisOf(causesOf(error)).hint.id))
  const elsewhere = /^MR-(21\d\d|1107|2304|2305|3101|3102|3103|5103|6005|6006|6102)$/
  const missing = hints.map(({ id }) => id).filter((id) => !found.has(id) && !elsewhere.test(id))
  assert.deepEqual(missing, [])
})
