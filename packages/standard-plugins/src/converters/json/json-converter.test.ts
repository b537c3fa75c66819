import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import {
  DateSchema,
  Decimal,
  DecimalSchema,
  decimalSchemaBuilder,
  Float64,
  javaStringOf,
  type Properties,
  type Schema,
  type SchemaAndValue,
  SchemaBuilder,
  Schemas,
  schemasEqual,
  TimeSchema,
  TimestampSchema,
  valuesEqual,
} from '@millrace/api'
import { converterConformance, randomBySeed } from '@millrace/testing'
import { JsonConverter } from './json-converter.ts'
import { parseJsonExactly } from './json-text.ts'
import { schemalessValueOf } from './json-reader.ts'

function converterWith(properties: Properties = {}): JsonConverter {
  const converter = new JsonConverter()
  converter.configure(properties, false)
  return converter
}

const withoutSchemas: Properties = { 'schemas.enable': 'false' }

function vectorsOf(name: string): Readonly<Record<string, string | null>> {
  const url = new URL(`../../../../../tests/vectors/${name}.json`, import.meta.url)
  return (JSON.parse(readFileSync(url, 'utf8')) as { vectors: Record<string, string> }).vectors
}

// What the original reads.

/** The text without the name of the Java class, which schema and value do not always tell. */
function textOf({ schema, value }: SchemaAndValue): string {
  return value instanceof Uint8Array ? Buffer.from(value).toString('base64') : javaStringOf(value, schema)
}

function answerOf(read: () => SchemaAndValue): string {
  try {
    return textOf(read())
  } catch (error) {
    return `THROWS ${(error as Error).message}`
  }
}

function withoutClass(expected: string): string {
  return expected.replace(/^(?!THROWS)(\w+) /, '')
}

for (const [text, expected] of Object.entries(vectorsOf('json-converter-reading'))) {
  test(`reads ${JSON.stringify(text)} as the original does`, () => {
    const converter = converterWith(withoutSchemas)
    const answer = converter.toConnectData.bind(converter, 't', Buffer.from(text))
    assert.equal(answerOf(answer), withoutClass(expected as string))
    if (expected?.startsWith('Double ')) {
      const { value } = answer()
      assert.ok(value instanceof Float64 || !Number.isSafeInteger(value), 'an integral double must not look like an integer')
    }
  })
}

for (const [text, expected] of Object.entries(vectorsOf('json-converter-envelopes'))) {
  test(`reads the envelope ${text} as the original does`, () => {
    const converter = converterWith()
    const read = (): SchemaAndValue => converter.toConnectData('t', Buffer.from(text))
    assert.equal(answerOf(read), withoutClass(expected as string))
    // And by the short cut for envelopes that begin as the last one did.
    assert.equal(answerOf(read), withoutClass(expected as string))
  })
}

// What the original writes.

const record = SchemaBuilder.struct()
  .name('com.x.R')
  .version(3)
  .doc('d')
  .parameter('k', 'v')
  .field('id', Schemas.INT32)
  .field('n', SchemaBuilder.string().optional().defaultValue('df').build())
  .field('arr', SchemaBuilder.array(Schemas.INT8).optional().build())
  .build()

const written: readonly (readonly [string, Properties, Schema | null, unknown])[] = [
  ['null/null', {}, null, null],
  ['optional string null', {}, Schemas.OPTIONAL_STRING, null],
  ['schemaless int 5 with schemas.enable=true', {}, null, 5],
  ['int64 max', {}, Schemas.INT64, 2n ** 63n - 1n],
  ['float32 0.1', {}, Schemas.FLOAT32, Math.fround(0.1)],
  ['float64 1e21', {}, Schemas.FLOAT64, 1e21],
  ['float64 1.0', {}, Schemas.FLOAT64, 1],
  ['float64 NaN', {}, Schemas.FLOAT64, Number.NaN],
  ['bytes', {}, Schemas.BYTES, Buffer.of(255, 0, 1)],
  ['map int->string', {}, SchemaBuilder.map(Schemas.INT32, Schemas.STRING).build(), new Map([[1, 'a']])],
  ['decimal 12.34', {}, DecimalSchema(2), new Decimal(1234n, 2)],
  ['decimal 12.30 NUMERIC', { 'decimal.format': 'numeric' }, DecimalSchema(2), new Decimal(1230n, 2)],
  ['decimal scale -2 1.2E3 NUMERIC', { 'decimal.format': 'NUMERIC' }, DecimalSchema(-2), new Decimal(12n, -2)],
  ['timestamp', {}, TimestampSchema, new Date(1700000000123)],
  ['date', {}, DateSchema, new Date(19000 * 86_400_000)],
  ['time', {}, TimeSchema, new Date(3_600_000)],
  ['struct with doc/version/parameters/default, null field', {}, record, { id: 1 }],
  ['same, replace.null.with.default=false', { 'replace.null.with.default': 'false' }, record, { id: 1, n: null }],
  ['schemaless map with non-string key', withoutSchemas, null, new Map([[1, 'a']])],
  ['schemaless big double 1e21 (schemas off)', withoutSchemas, null, 1e21],
  ['unicode+slash string (schemas off)', withoutSchemas, null, 'é/\u2028\u0001<'],
]

test('writes all recorded values', () => {
  const vectors = vectorsOf('json-converter-writing')
  assert.deepEqual(written.map(([name]) => name).toSorted(), Object.keys(vectors).toSorted())
  for (const [name, properties, schema, value] of written) {
    assert.equal(converterWith(properties).fromConnectData('t', schema, value), vectors[name], name)
  }
})

test('writes values without schema as the original does', () => {
  const cases: readonly (readonly [unknown, string])[] = [
    ['\u0001\u001f\u007f\u2028/"\\\b\f\n\r\t', '"\\u0001\\u001F\u007f\u2028/\\"\\\\\\b\\f\\n\\r\\t"'],
    ['a😀b', '"a\\uD83D\\uDE00b"'],
    ['\ud83d', '"\\uD83D"'],
    ['\\u00e9', '"\\\\u00e9"'],
    [{ 'k😀': 1, plain: 'x' }, '{"k\\uD83D\\uDE00":1,"plain":"x"}'],
    [[1, new Float64(2), 1e8 + 0.5, 1e-4, Number.NaN, -0], '[1,2.0,1.000000005E8,1.0E-4,"NaN",0]'],
    [{ a: null, b: [undefined], c: Buffer.of(1, 2), d: true }, '{"a":null,"b":[null],"c":"AQI=","d":true}'],
    [{ a: undefined }, '{"a":null}'],
    [new Map([[null, 1]]), '[[null,1]]'],
    [
      new Map<string, unknown>([
        ['2', 1],
        ['1', { __proto__: null, x: 12345678901234567890n - 10n ** 19n }],
      ]),
      '{"2":1,"1":{"x":2345678901234567890}}',
    ],
    [0.25, '0.25'],
    [1e6, '1000000'],
  ]
  for (const [value, text] of cases) assert.equal(converterWith(withoutSchemas).fromConnectData('t', null, value), text)
  assert.equal(converterWith(withoutSchemas).fromConnectData('t', Schemas.OPTIONAL_STRING, null), 'null')
})

const refused: readonly (readonly [Schema | null, unknown, string])[] = [
  [Schemas.INT32, 'x', 'Invalid type for INT32: class java.lang.String'],
  [Schemas.INT8, 300, 'Invalid type for INT8: class java.lang.Long'],
  [Schemas.INT32, null, 'Conversion error: null value for field that is required and has no default value'],
  [Schemas.BYTES, 'x', 'Invalid type for bytes type: class java.lang.String'],
  [Schemas.BOOLEAN, 1, 'Invalid type for BOOLEAN: class java.lang.Long'],
  [SchemaBuilder.array(Schemas.INT32).build(), 5, 'Invalid type for ARRAY: class java.lang.Long'],
  [SchemaBuilder.map(Schemas.STRING, Schemas.INT32).build(), 5, 'Invalid type for MAP: class java.lang.Long'],
  [record, new Map(), 'Invalid type for STRUCT: class java.util.HashMap'],
  [TimestampSchema, 5, 'Invalid type for Timestamp, expected Date but was class java.lang.Long'],
  [DateSchema, new Date(5), 'Kafka Connect Date type should not have any time fields set to non-zero values.'],
  [DecimalSchema(2), 1.5, 'Invalid type for Decimal, expected BigDecimal but was class java.lang.Double'],
  [null, new Date(5), 'Java class class java.util.Date does not have corresponding schema type.'],
  [null, { a: new Decimal(1n, 0) }, 'Java class class java.math.BigDecimal does not have corresponding schema type.'],
  [null, 2n ** 64n, 'Java class class java.math.BigInteger does not have corresponding schema type.'],
]

test('refuses to write what does not fit, in the words of the original', () => {
  for (const [schema, value, message] of refused) {
    assert.throws(() => converterWith().fromConnectData('t', schema, value), { message, code: 'DATA' })
  }
  const circular: unknown[] = []
  circular.push(circular)
  assert.throws(() => converterWith().fromConnectData('t', null, circular), { code: 'DATA' })
})

// Exactness.

const exactTexts = [
  '12345678901234567',
  '[9007199254740993]',
  '{"a":1.0,"b":1e3,"c":-0.0,"d":100.000}',
  '{"10":"x","9":"y"}',
  '{"a":{"0":1}}',
  '{"__proto__":{"polluted":true},"constructor":1}',
  '{"\\u005f_proto__":1}',
  '{"\\u0031":1,"0":2}',
  '1.00000000000000000000001',
  '0.99999999999999999999999',
  '123456789012345.99999',
  '1.5e1',
  '[1E5, 1e-7, 2.5E+2]',
] as const

test('keeps what JSON.parse would lose', () => {
  for (const text of exactTexts) {
    const { value } = converterWith(withoutSchemas).toConnectData('t', Buffer.from(text))
    assert.ok(valuesEqual(value, schemalessValueOf(parseJsonExactly(Buffer.from(text), 0, text.length))), text)
  }
  const read = (text: string): unknown => converterWith(withoutSchemas).toConnectData('t', Buffer.from(text)).value
  assert.equal(read('12345678901234567'), 12345678901234567n)
  assert.deepEqual(
    read('{"10":"x","9":"y"}'),
    new Map([
      ['10', 'x'],
      ['9', 'y'],
    ]),
  )
  const poisoned = read('{"__proto__":{"polluted":true}}')
  assert.ok(poisoned instanceof Map)
  assert.equal(({} as { polluted?: boolean }).polluted, undefined)
  assert.ok(read('1.00000000000000000000001') instanceof Float64)
  assert.equal(read('0.1'), 0.1)
  assert.ok(Object.is(read('-0'), 0))
})

test('writes what it read, to the kind of each number', () => {
  for (const text of ['{"a":1.0,"b":[1,100.5,9007199254740993]}', '{"10":1,"2":2}', '[1.0E21,-0.5,"\\u0001"]', '[[1,"a"],{"x":{}}]']) {
    const converter = converterWith(withoutSchemas)
    assert.equal(converter.fromConnectData('t', null, converter.toConnectData('t', Buffer.from(text)).value), text)
  }
})

test('reads any JSON the fast way as it would the exact way', () => {
  const seed = Number(process.env['TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31))
  const random = randomBySeed(seed)
  const converter = converterWith(withoutSchemas)
  for (let round = 0; round < 3000; round++) {
    const text = randomJson(random, 3)
    const bytes = Buffer.from(`"${text}"`)
    const fast = converter.toConnectDataAt('t', bytes, 1, bytes.length - 1).value
    const exact = schemalessValueOf(parseJsonExactly(bytes, 1, bytes.length - 1))
    assert.ok(valuesEqual(fast, exact) && javaStringOf(fast) === javaStringOf(exact), `TEST_SEED=${seed} round ${round}: ${text}`)
  }
})

function randomJson(random: () => number, depth: number): string {
  const one = <Value>(values: readonly Value[]): Value => values[Math.floor(random() * values.length)] as Value
  const blank = (): string => one(['', '', '', ' ', '\n', '\t'])
  const digits = (): string => String(Math.floor(random() * 10 ** Math.floor(random() * 21))).replace('e+', '')
  const numberText = (): string =>
    one(['', '-']) + digits() + one(['', '', `.${digits()}`, '.0', '.00', '.9999999999999999', '.0000000000000001']) + one(['', '', '', 'e2', 'E-3', 'e+1'])
  const stringText = (): string => JSON.stringify(one(['', 'a', 'ü', '😀', '1', '01', '__proto__', 'a:1', 'x"y', 'back\\slash', '3e5', '1.0', 'toString']))
  const kind = depth === 0 ? Math.floor(random() * 3) : Math.floor(random() * 5)
  const some = (make: () => string): string => Array.from({ length: Math.floor(random() * 4) }, () => blank() + make() + blank()).join(',')
  if (kind === 0) return numberText()
  if (kind === 1) return stringText()
  if (kind === 2) return one(['null', 'true', 'false'])
  if (kind === 3) return `[${some(() => randomJson(random, depth - 1))}]`
  return `{${some(() => `${one([stringText(), `"${digits()}"`, '"\\u0030"'])}${blank()}:${blank()}${randomJson(random, depth - 1)}`)}}`
}

test('reads UTF-8 with a mark and UTF-16, and refuses invalid bytes', () => {
  const read = (...bytes: number[]): unknown => converterWith(withoutSchemas).toConnectData('t', Buffer.from(bytes)).value
  assert.equal(read(0xef, 0xbb, 0xbf, 0x31), 1)
  assert.equal(read(0x00, 0x31), 1)
  assert.equal(read(0x31, 0x00), 1)
  assert.equal(read(0x22, 0xf0, 0x9f, 0x98, 0x80, 0x22), '😀')
  assert.equal(read(0x22, 0xef, 0xbf, 0xbd, 0x22), '\ufffd')
  for (const bytes of [[0xff], [0x22, 0xc3, 0x22], [0x22, 0xed, 0xa0, 0x80, 0x22]]) assert.throws(() => read(...bytes), { code: 'DATA' })
})

test('refuses what is nested deeper than the original reads, and numbers that are longer', () => {
  const read = (text: string): unknown => converterWith(withoutSchemas).toConnectData('t', Buffer.from(text)).value
  read('['.repeat(1000) + ']'.repeat(1000))
  assert.throws(() => read('['.repeat(1001) + ']'.repeat(1001)), { code: 'DATA' })
  assert.equal(read('1'.repeat(1000)), 8198552921648689607n)
  assert.throws(() => read('1'.repeat(1001)), { code: 'DATA' })
  assert.equal(converterWith().toConnectData('t', Buffer.from('{"schema":{"type":"int64"},"payload":1e999999999}')).value, 0)
})

// Schemas.

test('reads a schema from an envelope with all its parts, and the value by it', () => {
  const schema = SchemaBuilder.struct()
    .name('S')
    .field('a', SchemaBuilder.int64().optional().defaultValue(7).doc('d').build())
    .field('d', decimalSchemaBuilder(2).optional().build())
    .field('m', SchemaBuilder.map(Schemas.STRING, SchemaBuilder.array(Schemas.FLOAT32).build()).build())
    .field('k', SchemaBuilder.map(Schemas.INT32, TimestampSchema).build())
    .field('toString', Schemas.OPTIONAL_STRING)
    .build()
  const value = {
    a: 2n ** 60n,
    d: new Decimal(-1234n, 2),
    m: new Map([['1', [0.5]]]),
    k: new Map([[1, new Date(5)]]),
    toString: null,
  }
  for (const properties of [{}, { 'decimal.format': 'NUMERIC' }] as Properties[]) {
    const converter = converterWith(properties)
    const bytes = Buffer.from(converter.fromConnectData('t', schema, value) as string)
    for (let time = 0; time < 2; time++) {
      const read = converter.toConnectData('t', bytes)
      assert.ok(schemasEqual(read.schema, schema))
      assert.ok(valuesEqual(read.value, value))
    }
  }
})

test('reads envelopes that begin alike with one and the same schema, and notices when they change', () => {
  const converter = converterWith()
  const read = (text: string): SchemaAndValue => converter.toConnectData('t', Buffer.from(text))
  const first = read('{"schema":{"type":"int32"},"payload":1}')
  assert.equal(read('{"schema":{"type":"int32"},"payload":2}').schema, first.schema)
  assert.equal(read('{"schema":{"type":"string","optional":true},"payload":"x"}').value, 'x')
  assert.equal(read('{"schema":{"type":"int32"},"payload":3}').schema, first.schema)
  assert.equal(read('{ "payload" : 4 , "schema" : {"type":"int32"} }').schema, first.schema)
  assert.throws(() => read('{"schema":{"type":"int32"},"payload":5,"more":6}'), /may not contain additional fields/)
  assert.equal(read('{"schema":{"type":"int32"},"payload":7} trailing}').value, 7)
  assert.throws(() => read('{"schema":{"type":"int32"},"payload":8'), { code: 'DATA' })
})

test('keeps at most schemas.cache.size schemas', () => {
  const converter = converterWith({ 'schemas.cache.size': '1' })
  const read = (type: string): Schema | null => converter.toConnectData('t', Buffer.from(`{"schema":{"type":"${type}"},"payload":1}`)).schema
  const first = read('int8')
  read('int16')
  assert.notEqual(read('int8'), first)
})

test('takes the schema from schema.content, and payloads without envelope', () => {
  const converter = converterWith({ 'schema.content': '{"type":"struct","fields":[{"type":"int32","field":"a"}]}' })
  const { schema, value } = converter.toConnectData('t', Buffer.from('{"a":1}'))
  assert.equal(schema?.type, 'STRUCT')
  assert.deepEqual(value, { a: 1 })
  assert.equal(converter.fromConnectData('t', Schemas.INT32, 5), '{"schema":{"type":"int32","optional":false},"payload":5}')
  assert.throws(() => converterWith({ 'schema.content': '{"type":' }), {
    message: 'Failed to parse schema in converter config due to serialization error: ',
  })
  assert.equal(converterWith({ 'schema.content': '' }).toConnectData('t', Buffer.from('{"schema":null,"payload":1}')).value, 1)
})

test('leaves null where replace.null.with.default is off', () => {
  const bytes = Buffer.from('{"schema":{"type":"int32","optional":true,"default":7},"payload":null}')
  assert.equal(converterWith().toConnectData('t', bytes).value, 7)
  assert.equal(converterWith({ 'replace.null.with.default': 'false' }).toConnectData('t', bytes).value, null)
})

converterConformance({
  name: 'JsonConverter without schemas',
  create: () => new JsonConverter(),
  properties: withoutSchemas,
  roundTrips: [
    { name: 'an object', schema: null, value: { a: 1, b: [true, null, 'x'], c: { d: 0.5 } } },
    { name: 'integers of every size', schema: null, value: [0, -1, Number.MAX_SAFE_INTEGER, 2n ** 63n - 1n, -(2n ** 63n)] },
    { name: 'doubles', schema: null, value: [0.1, new Float64(1), 1e21, 1e-7, 12345678.5] },
    {
      name: 'keys that look like numbers',
      schema: null,
      value: new Map([
        ['2', 1],
        ['1', 2],
      ]),
    },
    { name: 'the key __proto__', schema: null, value: new Map<string, unknown>([['__proto__', { a: 1 }]]) },
    { name: 'text beyond ASCII', schema: null, value: { ü: 'é😀\u0001"\\' } },
    { name: 'bytes, which come back as text', schema: null, value: Buffer.of(1, 2), readValue: 'AQI=' },
    {
      name: 'a struct, which comes back as a map',
      schema: record,
      value: { id: 1, n: null, arr: [1] },
      readSchema: null,
      readValue: { id: 1, n: 'df', arr: [1] },
    },
  ],
  unwritable: [{ name: 'a date without schema', schema: null, value: new Date() }],
  unreadable: ['{', '[1,]', 'x', '{"a":}'].map((text) => Buffer.from(text)),
})

converterConformance({
  name: 'JsonConverter with schemas',
  create: () => new JsonConverter(),
  roundTrips: [
    { name: 'a struct', schema: record, value: { id: 1, n: 'x', arr: [1, 2] } },
    { name: 'a double', schema: Schemas.FLOAT64, value: 1 },
    { name: 'an int64', schema: Schemas.INT64, value: 2n ** 62n },
    { name: 'bytes', schema: Schemas.BYTES, value: Buffer.of(1, 255) },
    { name: 'a decimal', schema: DecimalSchema(3), value: new Decimal(-5n, 3) },
    {
      name: 'a map with keys that look like numbers',
      schema: SchemaBuilder.map(Schemas.STRING, Schemas.INT8).build(),
      value: new Map([
        ['2', 1],
        ['1', 2],
      ]),
    },
    {
      name: 'a map with keys that are numbers',
      schema: SchemaBuilder.map(Schemas.INT8, Schemas.INT8).build(),
      value: new Map([
        [2, 1],
        [1, 2],
      ]),
    },
    {
      name: 'a struct with the field __proto__',
      schema: SchemaBuilder.struct().field('__proto__', Schemas.INT8).build(),
      value: JSON.parse('{"__proto__":1}'),
    },
    { name: 'null with an optional schema', schema: Schemas.OPTIONAL_INT8, value: null },
    { name: 'a value without schema', schema: null, value: { a: 1 } },
  ],
  unwritable: [{ name: 'text as a number', schema: Schemas.INT8, value: 'x' }],
  unreadable: ['{}', '1', '{"schema":{"type":"nope"},"payload":1}', '{"schema":{"type":"int8"},"payload":null}'].map((text) => Buffer.from(text)),
})
