import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import {
  type ConnectRecord,
  Decimal,
  DecimalSchema,
  Headers,
  NULL_SCHEMA_AND_VALUE,
  type Properties,
  type Schema,
  SchemaBuilder,
  type SchemaAndValue,
  Schemas,
  type SinkRecord,
  type Transformation,
} from '@millrace/api'
import * as plugins from '../index.ts'
import { JsonConverter } from '../converters/json/json-converter.ts'

interface Vector {
  readonly name: string
  readonly class: string
  readonly config: Properties
  readonly input: {
    readonly kind: 'source' | 'sink'
    readonly topic: string
    readonly partition: number
    readonly offset?: number
    readonly timestamp: number | null
    readonly key: string | null
    readonly value: string | null
  }
  readonly result: {
    readonly sameRecord?: true
    readonly filtered?: true
    readonly configureError?: string
    readonly error?: string
    readonly message?: string
    readonly topic?: string
    readonly partition?: number
    readonly timestamp?: number | null
    readonly value?: unknown
    readonly headers?: readonly unknown[]
  }
}

const { inputs, cases } = JSON.parse(readFileSync(new URL('../../../../tests/vectors/transformations.json', import.meta.url), 'utf8')) as {
  readonly inputs: Readonly<Record<string, unknown>>
  readonly cases: readonly Vector[]
}

function jsonConverter(isWithSchema: boolean): JsonConverter {
  const converter = new JsonConverter()
  converter.configure({ 'schemas.enable': String(isWithSchema), 'replace.null.with.default': 'false' }, false)
  return converter
}

function read(name: string | null): SchemaAndValue {
  if (name === null) return NULL_SCHEMA_AND_VALUE
  const json = inputs[name] as object
  return jsonConverter('schema' in json && 'payload' in json).toConnectData('t', Buffer.from(JSON.stringify(json))) as SchemaAndValue
}

function written(schema: Schema | null, value: unknown): unknown {
  const bytes = jsonConverter(schema !== null).fromConnectData('t', schema, value) as Buffer | null
  return bytes === null ? null : JSON.parse(bytes.toString())
}

function recordOf({ kind, topic, partition, offset = 0, timestamp, key, value }: Vector['input']): ConnectRecord {
  const keyRead = read(key)
  const valueRead = read(value)
  const common = {
    topic,
    kafkaPartition: partition,
    keySchema: keyRead.schema,
    key: keyRead.value,
    valueSchema: valueRead.schema,
    value: valueRead.value,
    timestamp,
    headers: null,
  }
  return kind === 'source' ? sourceRecord(common) : sinkRecord({ ...common, kafkaOffset: offset })
}

function sourceRecord(record: ConnectRecord): ConnectRecord {
  return { ...record, sourcePartition: null, sourceOffset: null } as ConnectRecord
}

function sinkRecord(parts: Partial<SinkRecord>): SinkRecord {
  const record = { topic: 't', kafkaPartition: 0, keySchema: null, key: null, valueSchema: null, value: null, timestamp: null, headers: null, kafkaOffset: 0 }
  const whole = { ...record, ...parts, timestampType: 'CreateTime' as const }
  return { ...whole, originalTopic: whole.topic, originalKafkaPartition: whole.kafkaPartition, originalKafkaOffset: whole.kafkaOffset }
}

function transformation(name: string, config: Properties): Transformation {
  const Class = (plugins as unknown as Record<string, new () => Transformation>)[name.replace('$', '')]
  assert.ok(Class, name)
  const made = new Class()
  made.configure(config, { logger: null as never, metrics: null as never })
  return made
}

function errorOf(action: () => unknown): { readonly javaClass?: string; readonly message: string } {
  try {
    action()
  } catch (error) {
    return error as { readonly javaClass?: string; readonly message: string }
  }
  throw new assert.AssertionError({ message: 'nothing was thrown' })
}

/** What differs on purpose: the engine's own words about a regular expression, and an object's address. */
function comparable(message: string | undefined): string {
  return (message ?? '').replace(/Invalid regex: .*/s, 'Invalid regex: …').replace(/(No value specified for static field: ).*/, '$1…')
}

describe('transformations do what those of Kafka Connect do', () => {
  for (const { name, class: className, config, input, result } of cases) {
    it(`${className} ${JSON.stringify(config)} of ${input.value ?? 'a tombstone'}: ${name}`, () => {
      if (result.configureError !== undefined) {
        const error = errorOf(() => transformation(className, config))
        assert.equal(comparable(error.message), comparable(result.message))
        assert.equal(error.javaClass, result.configureError)
        return
      }
      const record = recordOf(input)
      const apply = () => transformation(className, config).apply(record) as ConnectRecord | null
      if (result.error !== undefined) {
        const error = errorOf(apply)
        assert.equal(error.message, result.message)
        if (error.javaClass !== undefined) assert.equal(error.javaClass, result.error)
        return
      }
      const transformed = apply()
      if (result.filtered) return assert.equal(transformed, null)
      if (result.sameRecord) return assert.equal(transformed, record)
      assert.ok(transformed)
      assert.equal(transformed.topic, result.topic)
      assert.equal(transformed.kafkaPartition, result.partition)
      assert.equal(transformed.timestamp, result.timestamp)
      assert.deepEqual([...(transformed.headers ?? [])], result.headers)
      const [, refusal] = /^unencodable by JsonConverter: (.*)/.exec(typeof result.value === 'string' ? result.value : '') ?? []
      if (refusal !== undefined) assert.equal(errorOf(() => written(transformed.valueSchema, transformed.value)).message, refusal)
      else assert.deepEqual(written(transformed.valueSchema, transformed.value), result.value)
    })
  }
})

describe('transformations', () => {
  it('never change the record that they are given', () => {
    for (const { class: className, config, input, result } of cases.filter((each) => each.result.topic !== undefined)) {
      const record = recordOf(input)
      const before = JSON.stringify(record)
      transformation(className, config).apply(record)
      assert.equal(JSON.stringify(record), before, `${className} ${JSON.stringify(config)} ${JSON.stringify(result).slice(0, 80)}`)
    }
  })

  it('work on the key, too', () => {
    const inserted = transformation('InsertField$Key', { 'topic.field': 'origin' }).apply(sinkRecord({ key: { id: 1 }, value: { id: 2 } })) as SinkRecord
    assert.deepEqual([inserted.key, inserted.value], [{ id: 1, origin: 't' }, { id: 2 }])
    const masked = transformation('MaskField$Key', { fields: 'id' }).apply(sinkRecord({ key: { id: 1 } })) as SinkRecord
    assert.deepEqual(masked.key, { id: 0 })
    const replaced = transformation('ReplaceField$Key', { renames: 'id:key' }).apply(sinkRecord({ key: { id: 1 } })) as SinkRecord
    assert.deepEqual(replaced.key, { key: 1 })
    const converted = transformation('TimestampConverter$Key', { 'target.type': 'Timestamp' }).apply(sinkRecord({ key: 5 })) as SinkRecord
    assert.deepEqual(converted.key, new Date(5))
  })

  it('make one schema for all records of a schema', () => {
    const schema = SchemaBuilder.struct().field('a', Schemas.INT32).build()
    for (const [name, config] of [
      ['InsertField$Value', { 'topic.field': 'topic' }],
      ['ReplaceField$Value', { renames: 'a:b' }],
      ['TimestampConverter$Value', { field: 'x', 'target.type': 'unix' }],
    ] as const) {
      const made = transformation(name, config)
      const [first, second] = [1, 2].map((a) => made.apply(sinkRecord({ valueSchema: schema, value: { a } })) as SinkRecord)
      assert.equal(first?.valueSchema, second?.valueSchema)
    }
  })

  it('keep keys that plain objects would not', () => {
    const value = new Map<string, unknown>([
      ['10', 1],
      ['9', 2],
      ['__proto__', 3],
    ])
    const inserted = transformation('InsertField$Value', { 'static.field': '8', 'static.value': 'x' }).apply(sinkRecord({ value })) as SinkRecord
    assert.deepEqual(
      [...(inserted.value as Map<string, unknown>)],
      [
        ['10', 1],
        ['9', 2],
        ['__proto__', 3],
        ['8', 'x'],
      ],
    )
    const numbered = transformation('InsertField$Value', { 'topic.field': '7' }).apply(sinkRecord({ value: { b: 1, a: 2 } })) as SinkRecord
    assert.deepEqual(
      [...(numbered.value as Map<string, unknown>)],
      [
        ['b', 1],
        ['a', 2],
        ['7', 't'],
      ],
    )
    const replaced = transformation('ReplaceField$Value', { exclude: '9' }).apply(sinkRecord({ value })) as SinkRecord
    assert.deepEqual(
      [...(replaced.value as Map<string, unknown>)],
      [
        ['10', 1],
        ['__proto__', 3],
      ],
    )
  })

  it('mask decimals, and numbers by their width', () => {
    const schema = SchemaBuilder.struct().field('d', DecimalSchema(2)).field('i8', Schemas.INT8).field('i64', Schemas.INT64).field('f', Schemas.FLOAT32).build()
    const value = { d: new Decimal(5n, 2), i8: 1, i64: 2, f: 1.5 }
    const masked = transformation('MaskField$Value', { fields: 'd,i8,i64,f', replacement: '300.25' }).apply(sinkRecord({ valueSchema: schema, value }))
    assert.deepEqual((masked as SinkRecord).value, { d: new Decimal(30025n, 2), i8: 44, i64: 300, f: 300.25 })
  })
})

describe('a topic is replaced by a regular expression', () => {
  const route = (regex: string, replacement: string, topic: string) =>
    (transformation('RegexRouter', { regex, replacement }).apply(sinkRecord({ topic })) as SinkRecord).topic

  it('with groups by number and by name, and with escapes', () => {
    assert.equal(route('(.*)-(?<rest>.*)', '${rest}_$1', 'a-b'), 'b_a')
    assert.equal(route('(a)(b)?', '$1$2x', 'a'), 'ax')
    assert.equal(route('(a)', '$11', 'a'), 'a1')
    assert.equal(route('a', '\\$1\\\\', 'a'), '$1\\')
  })

  it('where the whole name matches, though only the first match is replaced', () => {
    assert.equal(route('a|ab', 'X', 'ab'), 'Xb')
    assert.equal(route('a', 'X', 'ba'), 'ba')
  })

  it('with an error for groups that are not there', () => {
    assert.throws(() => route('a', '${no}', 'a'), /No group with name \{no\}/)
    assert.throws(() => route('a', 'x$', 'a'), /Illegal group reference: group index is missing/)
    assert.throws(() => route('a', '$x', 'a'), /Illegal group reference/)
    assert.throws(() => route('a', 'x\\', 'a'), /character to be escaped is missing/)
  })
})

describe('predicates', () => {
  it('know headers by name', () => {
    const predicate = new plugins.HasHeaderKey()
    predicate.configure({ name: 'x' })
    assert.equal(predicate.test(sinkRecord({})), false)
    assert.equal(predicate.test(sinkRecord({ headers: new Headers([{ key: 'y', schema: null, value: 1 }]) })), false)
    assert.equal(predicate.test(sinkRecord({ headers: new Headers([{ key: 'x', schema: null, value: null }]) })), true)
    assert.throws(() => predicate.configure({ name: '' }), /Invalid value {2}for configuration name: String must be non-empty/)
  })

  it('know tombstones by their value alone', () => {
    const predicate = new plugins.RecordIsTombstone()
    assert.equal(predicate.test(sinkRecord({ valueSchema: Schemas.OPTIONAL_STRING })), true)
    assert.equal(predicate.test(sinkRecord({ value: '' })), false)
  })

  it('match whole names of topics', () => {
    const predicate = new plugins.TopicNameMatches()
    predicate.configure({ pattern: 'ord.*' })
    assert.deepEqual(
      ['orders', 'my-orders'].map((topic) => predicate.test(sinkRecord({ topic }))),
      [true, false],
    )
    assert.throws(() => predicate.configure({ pattern: '(' }), /Invalid value \( for configuration pattern: Invalid regex: /)
  })
})
