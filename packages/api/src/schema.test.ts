import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import {
  DateSchema,
  Decimal,
  DecimalSchema,
  dateFromDays,
  dateToDays,
  decimalFromBytes,
  decimalToBytes,
  Float64,
  Headers,
  isValidValue,
  projectValue,
  type Schema,
  SchemaBuilder,
  Schemas,
  schemasEqual,
  TimeSchema,
  TimestampSchema,
  timeFromMs,
  timestampFromMs,
  timestampToMs,
  timeToMs,
  validateValue,
} from './index.ts'

const person = (): SchemaBuilder =>
  SchemaBuilder.struct().name('com.example.Person').version(2).doc('One of us.').field('name', Schemas.STRING).field('age', Schemas.OPTIONAL_INT32)

test('builds schemas that equal each other only in all of their parts', () => {
  assert.ok(schemasEqual(person().build(), person().build()))
  assert.ok(!schemasEqual(person().build(), person().optional().build()))
  assert.ok(!schemasEqual(person().build(), person().parameter('k', 'v').build()))
  assert.ok(schemasEqual(person().parameter('k', 'v').parameter('l', 'w').build(), person().parameter('l', 'w').parameter('k', 'v').build()))
  assert.ok(!schemasEqual(Schemas.STRING, SchemaBuilder.string().doc('d').build()))
  assert.ok(!schemasEqual(Schemas.INT32, SchemaBuilder.int32().defaultValue(1).build()))
  assert.ok(schemasEqual(SchemaBuilder.bytes().defaultValue(Buffer.of(1)).build(), SchemaBuilder.bytes().defaultValue(Uint8Array.of(1)).build()))
  assert.ok(!schemasEqual(SchemaBuilder.array(Schemas.INT8).build(), SchemaBuilder.array(Schemas.INT16).build()))
  assert.ok(!schemasEqual(null, Schemas.INT8) && schemasEqual(null, null))
})

test('refuses inconsistent descriptions with the messages of the original', () => {
  assert.throws(() => person().name('other'), { message: 'Invalid SchemaBuilder call: name has already been set.', code: 'SCHEMA_BUILDER' })
  assert.throws(() => SchemaBuilder.int8().optional().required(), { message: 'Invalid SchemaBuilder call: optional has already been set.' })
  assert.throws(() => SchemaBuilder.int8().defaultValue('x'), { message: 'Invalid default value' })
  assert.throws(() => person().field('name', Schemas.STRING), { message: 'Cannot create field because of field name duplication name' })
  assert.throws(() => SchemaBuilder.int8().field('a', Schemas.INT8), { message: 'Cannot create fields on type INT8' })
  assert.throws(() => SchemaBuilder.struct().field('', Schemas.INT8), { message: 'fieldName cannot be null.' })
  assert.equal(SchemaBuilder.int8().defaultValue(5).optional().build().defaultValue, 5)
})

const refusals: readonly (readonly [Schema, unknown, string])[] = [
  [Schemas.INT32, 'x', 'Invalid Java object for schema with type INT32: class java.lang.String for '],
  [Schemas.INT32, null, 'Invalid value: null used for required '],
  [SchemaBuilder.array(Schemas.INT32).build(), ['a'], 'Invalid Java object for schema with type INT32: class java.lang.String for element of array '],
  [
    SchemaBuilder.map(Schemas.STRING, Schemas.INT32).build(),
    new Map([[1, 2]]),
    'Invalid Java object for schema with type STRING: class java.lang.Long for key of map ',
  ],
  [DecimalSchema(2), 5, 'Invalid Java object for schema "org.apache.kafka.connect.data.Decimal" with type BYTES: class java.lang.Long for '],
  [SchemaBuilder.array(Schemas.INT32).name('n').build(), 5, 'Invalid Java object for schema "n" with type ARRAY: class java.lang.Long for '],
]

test('names what does not fit, and where', () => {
  for (const [schema, value, message] of refusals) {
    const suffix = value === null ? `, schema type: ${schema.type}` : ''
    assert.throws(() => validateValue(schema, value), { message: `${message}value${suffix}`, code: 'DATA' })
    assert.throws(() => validateValue(schema, value, 'f'), { message: `${message}field: "f"${suffix}` })
  }
  assert.throws(() => validateValue(person().build(), { name: 'A', age: 'x' }), /for field: "age"/)
  assert.throws(() => validateValue(person().build(), { name: 'A', size: 1 }), { message: 'size is not a valid field name' })
  assert.throws(() => validateValue(person().build(), {}), { message: 'Invalid value: null used for required field: "name", schema type: STRING' })
})

test('knows the values of every type', () => {
  const valid: readonly (readonly [Schema, readonly unknown[], readonly unknown[]])[] = [
    [Schemas.INT8, [-128, 127], [128, 1.5, '1', 1n, true]],
    [Schemas.INT16, [-32768, 32767], [32768]],
    [Schemas.INT32, [-2147483648, 2147483647], [2147483648]],
    [Schemas.INT64, [2 ** 53 - 1, 2n ** 63n - 1n, -(2n ** 63n)], [2 ** 53, 2n ** 63n, 1.5]],
    [Schemas.FLOAT32, [1, 1.5, Number.NaN], ['1', 1n]],
    [Schemas.FLOAT64, [1, 1e300, new Float64(1)], [null]],
    [Schemas.BOOLEAN, [true, false], [0, 'true']],
    [Schemas.STRING, [''], [1]],
    [Schemas.BYTES, [Buffer.of(), new Uint8Array()], ['', []]],
    [Schemas.OPTIONAL_STRING, [null, undefined], [1]],
    [SchemaBuilder.array(Schemas.INT8).build(), [[], [1]], [[300], {}]],
    [SchemaBuilder.map(Schemas.STRING, Schemas.INT8).build(), [{}, { a: 1 }, new Map([['a', 1]])], [{ a: 'x' }, [], new Date()]],
    [person().build(), [{ name: 'A' }, { name: 'A', age: null }], [{ age: 1 }, new Map([['name', 'A']]), { name: 'A', toString: 1 }]],
    [DateSchema, [new Date(0)], [0]],
    [DecimalSchema(0), [new Decimal(1n, 0)], [1]],
  ]
  for (const [schema, good, bad] of valid) {
    for (const value of good) assert.ok(isValidValue(schema, value), `${String(schema)} ${inspect(value)}`)
    for (const value of bad) assert.ok(!isValidValue(schema, value), `${String(schema)} ${inspect(value)}`)
  }
})

test('a missing field of a struct may have a default', () => {
  const schema = SchemaBuilder.struct().field('a', SchemaBuilder.int8().defaultValue(1).build()).build()
  assert.ok(isValidValue(schema, {}))
  const inherited = SchemaBuilder.struct().field('toString', Schemas.STRING).build()
  assert.ok(!isValidValue(inherited, {}))
})

test('keeps decimals exactly', () => {
  const cases: readonly (readonly [string, bigint, number, string])[] = [
    ['12.30', 1230n, 2, '12.30'],
    ['-0.001', -1n, 3, '-0.001'],
    ['1.2E+3', 12n, -2, '1.2E+3'],
    ['1e3', 1n, -3, '1E+3'],
    ['0.0000001', 1n, 7, '1E-7'],
    ['0.000001', 1n, 6, '0.000001'],
    ['0.00', 0n, 2, '0.00'],
    ['1234567890123456789012345678901234567890', 1234567890123456789012345678901234567890n, 0, '1234567890123456789012345678901234567890'],
  ]
  for (const [text, unscaled, scale, shown] of cases) {
    const decimal = Decimal.parse(text)
    assert.deepEqual([decimal.unscaled, decimal.scale, decimal.toString()], [unscaled, scale, shown])
    assert.ok(decimalFromBytes(DecimalSchema(scale), decimalToBytes(DecimalSchema(scale), decimal)).equals(decimal))
  }
  assert.throws(() => Decimal.parse('1.2.3'), { code: 'DATA' })
  assert.throws(() => decimalToBytes(DecimalSchema(1), new Decimal(1n, 2)), {
    message: 'Decimal value has mismatching scale for given Decimal schema. Schema has scale 1, value has scale 2.',
  })
  const bytes: readonly (readonly [bigint, string])[] = [
    [0n, '00'],
    [127n, '7f'],
    [128n, '0080'],
    [-1n, 'ff'],
    [-128n, '80'],
    [-129n, 'ff7f'],
    [1234n, '04d2'],
  ]
  for (const [unscaled, hex] of bytes) {
    assert.equal(new Decimal(unscaled, 0).toBytes().toString('hex'), hex)
    assert.equal(Decimal.fromBytes(Buffer.from(hex, 'hex'), 0).unscaled, unscaled)
  }
})

test('converts dates and times with the limits of the original', () => {
  assert.equal(dateToDays(DateSchema, new Date('1969-12-31T00:00:00Z')), -1)
  assert.deepEqual(dateFromDays(DateSchema, 19000), new Date('2022-01-08T00:00:00Z'))
  assert.throws(() => dateToDays(DateSchema, new Date(5)), { message: 'Kafka Connect Date type should not have any time fields set to non-zero values.' })
  assert.equal(timeToMs(TimeSchema, new Date(86_400_000)), 86_400_000)
  assert.throws(() => timeToMs(TimeSchema, new Date(86_400_001)), /should not have any date fields/)
  assert.throws(() => timeFromMs(TimeSchema, -1), /greater than 0 and less than 86400000/)
  assert.equal(timestampToMs(TimestampSchema, new Date(-5)), -5)
  assert.throws(() => timestampFromMs(TimestampSchema, 2n ** 62n), /out of range/)
  assert.throws(() => dateToDays(TimeSchema, new Date(0)), { message: 'Requested conversion of Date object but the schema does not match.' })
})

test('projects values to another schema', () => {
  assert.equal(projectValue(Schemas.INT8, 5, Schemas.FLOAT64), 5)
  assert.equal(projectValue(Schemas.INT32, 16777217, Schemas.FLOAT32), 16777216)
  const source = SchemaBuilder.struct().field('a', Schemas.INT8).field('gone', Schemas.STRING).build()
  const target = SchemaBuilder.struct()
    .field('a', Schemas.INT64)
    .field('b', SchemaBuilder.string().defaultValue('d').build())
    .field('c', Schemas.OPTIONAL_STRING)
    .build()
  assert.deepEqual(projectValue(source, { a: 1, gone: 'x' }, target), { a: 1, b: 'd' })
  assert.deepEqual(
    projectValue(SchemaBuilder.map(Schemas.STRING, Schemas.INT8).build(), { a: 1 }, SchemaBuilder.map(Schemas.STRING, Schemas.INT16).build()),
    new Map([['a', 1]]),
  )
  const message = (from: Schema, value: unknown, to: Schema): string => {
    try {
      projectValue(from, value, to)
      return ''
    } catch (error) {
      const { message: text, cause } = error as Error
      return cause === undefined ? text : `${text}: ${(cause as Error).message}`
    }
  }
  assert.equal(message(Schemas.INT64, 5, Schemas.INT8), 'Schema type mismatch. source type: INT64 and target type: INT8')
  assert.equal(message(Schemas.OPTIONAL_INT8, null, Schemas.INT8), 'Writer schema is optional, however, target schema does not provide a default value.')
  assert.equal(message(SchemaBuilder.int8().name('a').build(), 1, Schemas.INT8), 'Schema name mismatch. source name: a and target name: null')
  assert.equal(
    message(SchemaBuilder.int8().parameter('a', 'b').build(), 1, Schemas.INT8),
    'Schema parameters not equal. source parameters: {a=b} and target parameters: null',
  )
  assert.equal(
    message(source, { a: 1 }, SchemaBuilder.struct().field('a', Schemas.STRING).build()),
    'Error projecting a: Schema type mismatch. source type: INT8 and target type: STRING',
  )
  assert.match(message(source, {}, SchemaBuilder.struct().field('x', Schemas.STRING).build()), /^Required field `x` is missing from source schema/)
})

test('keeps headers in order, repeated ones too', () => {
  const headers = new Headers().add('a', 1, Schemas.INT8).add('b', 'x', null).add('a', 2, Schemas.INT8)
  assert.equal(headers.size, 3)
  assert.equal(headers.lastWithName('a')?.value, 2)
  assert.equal(headers.lastWithName('z'), null)
  const values = (of: Headers): unknown[] => [...of].map(({ key, value }) => `${key}${String(value)}`)
  const copy = headers.duplicate()
  assert.deepEqual(values(copy.retainLatest('a')), ['bx', 'a2'])
  assert.deepEqual(values(headers), ['a1', 'bx', 'a2'])
  assert.deepEqual(values(headers.duplicate().retainLatest()), ['bx', 'a2'])
  assert.deepEqual(values(headers.duplicate().apply((header) => (header.value === 1 ? null : { ...header, value: 3 }), 'a')), ['bx', 'a3'])
  assert.deepEqual(headers.allWithName('a').length, 2)
  assert.deepEqual(values(headers.remove('a')), ['bx'])
  assert.throws(() => headers.add('k', 'x', Schemas.INT32), { message: 'The value x is not compatible with the schema Schema{INT32}' })
  assert.throws(() => headers.add('k', null, Schemas.INT32), { message: 'A null value requires an optional schema but was Schema{INT32}' })
})
