import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  ConfigError,
  ConnectError,
  DataError,
  Decimal,
  Float64,
  isConnectError,
  isRetriable,
  javaClassOf,
  javaDouble,
  javaFloat,
  javaStringOf,
  RetriableError,
  SchemaBuilder,
  Schemas,
} from './index.ts'

test('shows doubles and floats in the notation of Java', () => {
  const doubles: readonly (readonly [number, string])[] = [
    [1e-3, '0.001'],
    [9.999e-4, '9.999E-4'],
    [1e7, '1.0E7'],
    [9999999.5, '9999999.5'],
    [123456789.125, '1.23456789125E8'],
    [1e21, '1.0E21'],
    [5e-324, '4.9E-324'],
    [2.2250738585072014e-308, '2.2250738585072014E-308'],
    [Number.MAX_VALUE, '1.7976931348623157E308'],
    [0.1 + 0.2, '0.30000000000000004'],
    [100, '100.0'],
    [-0, '-0.0'],
    [0, '0.0'],
    [Number.NaN, 'NaN'],
    [Number.NEGATIVE_INFINITY, '-Infinity'],
    [-1234567, '-1234567.0'],
  ]
  for (const [value, text] of doubles) assert.equal(javaDouble(value), text)
  const floats: readonly (readonly [number, string])[] = [
    [0.1, '0.1'],
    [16777217.5, '1.6777218E7'],
    [3.4028235e38, '3.4028235E38'],
    [1.4e-45, '1.4E-45'],
    [9007199254740993, '9.007199E15'],
    [1e-5, '1.0E-5'],
    [1e39, 'Infinity'],
    [1.5, '1.5'],
  ]
  for (const [value, text] of floats) assert.equal(javaFloat(value), text)
})

test('shows values like String.valueOf', () => {
  process.env['TZ'] = 'UTC'
  const address = SchemaBuilder.struct().field('street', Schemas.OPTIONAL_STRING).field('zip', Schemas.INT32).build()
  const person = SchemaBuilder.struct()
    .field('name', Schemas.STRING)
    .field('size', Schemas.FLOAT32)
    .field('address', address)
    .field('tags', SchemaBuilder.array(Schemas.STRING).build())
    .build()
  assert.equal(
    javaStringOf({ name: 'A', size: 0.1, address: { street: null, zip: 1 }, tags: ['x', 'y'] }, person),
    'Struct{name=A,size=0.1,address=Struct{zip=1},tags=[x, y]}',
  )
  assert.equal(javaStringOf({ a: 1, b: [2.5, null], c: { d: 'e' } }), '{a=1, b=[2.5, null], c={d=e}}')
  assert.equal(
    javaStringOf(
      new Map<unknown, unknown>([
        [1, true],
        ['b', 1e21],
      ]),
    ),
    '{1=true, b=1.0E21}',
  )
  assert.equal(javaStringOf([new Float64(1), 1, 12345678901234567890n, new Decimal(110n, 2)]), '[1.0, 1, 12345678901234567890, 1.10]')
  assert.equal(javaStringOf(new Date(1566518400000)), 'Fri Aug 23 00:00:00 UTC 2019')
  assert.equal(javaStringOf(1, Schemas.FLOAT64), '1.0')
  assert.equal(javaStringOf(null), 'null')
  assert.equal(javaStringOf(undefined), 'null')
  assert.equal(javaStringOf('x'), 'x')
  assert.equal(javaStringOf(new Map([['a', 1]]), SchemaBuilder.map(Schemas.STRING, Schemas.FLOAT64).build()), '{a=1.0}')
})

test('recognises errors by brand, of whichever copy of the module', () => {
  assert.ok(isConnectError(new DataError('x')))
  assert.ok(!isConnectError(new Error('x')) && !isConnectError(null) && !isConnectError('x'))
  assert.ok(isRetriable(new RetriableError('x')))
  assert.ok(isRetriable({ isRetriable: true }) && !isRetriable(new ConnectError('x')))
  assert.equal(javaClassOf(new DataError('x')), 'org.apache.kafka.connect.errors.DataException')
  assert.equal(javaClassOf(new TypeError('x')), 'TypeError')
  assert.equal(javaClassOf('x'), 'string')
  const error = ConfigError.invalidValue('k', ['a', 'b'], 'why')
  assert.deepEqual([error.message, error.key, error.code], ['Invalid value [a, b] for configuration k: why', 'k', 'CONFIG'])
  assert.equal(new DataError('x', { cause: error }).cause, error)
})

test('an object whose own text asks for a text inside is shown in its place', () => {
  const inner = {
    toString: () => javaStringOf({ b: [1] }),
  }
  Object.setPrototypeOf(inner, { constructor: function Inner() {} })
  assert.equal(javaStringOf({ a: inner, c: 2 }), '{a={b=[1]}, c=2}')
})
