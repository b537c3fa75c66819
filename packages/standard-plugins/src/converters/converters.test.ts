import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { type ConfigKey, type Converter, type HeaderConverter, SchemaBuilder, Schemas } from '@millrace/api'
import { converterConformance } from '@millrace/testing'
import * as plugins from '../index.ts'
import {
  BooleanConverter,
  ByteArrayConverter,
  DoubleConverter,
  FloatConverter,
  IntegerConverter,
  LongConverter,
  ShortConverter,
  SimpleHeaderConverter,
  StringConverter,
} from '../index.ts'

const text = Schemas.OPTIONAL_STRING

converterConformance({
  name: 'StringConverter',
  create: () => new StringConverter(),
  nullReadAs: { schema: text, value: null },
  roundTrips: [
    { name: 'ASCII', schema: text, value: 'plain' },
    { name: 'beyond 16 bits', schema: text, value: 'Zürich 😀' },
    { name: 'nothing', schema: text, value: '' },
    { name: 'half a character', schema: text, value: 'a\ud800b', readValue: 'a?b' },
    { name: 'a struct', schema: SchemaBuilder.struct().field('a', Schemas.FLOAT64).build(), value: { a: 1 }, readSchema: text, readValue: 'Struct{a=1.0}' },
    { name: 'a map', schema: null, value: { a: [1, null] }, readSchema: text, readValue: '{a=[1, null]}' },
    { name: 'null with schema', schema: text, value: null },
  ],
})

for (const [encoding, hex, read] of [
  ['UTF-16', 'feff006100e9d83dde00fffd', 'aé😀\ufffd'],
  ['UTF-16BE', '006100e9d83dde00fffd', 'aé😀\ufffd'],
  ['UTF-16LE', '6100e9003dd800defdff', 'aé😀\ufffd'],
  ['ISO-8859-1', '61e93f3f', 'aé??'],
  ['US-ASCII', '613f3f3f', 'a???'],
] as const) {
  test(`StringConverter writes and reads ${encoding} as Java does`, () => {
    const converter = new StringConverter()
    converter.configure({ 'converter.encoding': encoding }, false)
    const written = converter.fromConnectData('t', null, 'aé😀\ud800')
    assert.ok(written instanceof Uint8Array)
    assert.equal(Buffer.from(written).toString('hex'), hex)
    assert.equal(converter.toConnectData('t', Buffer.from(written)).value, read)
  })
}

test('StringConverter reads what Node can decode and refuses names that nobody knows', () => {
  const converter = new StringConverter()
  converter.configure({ 'converter.encoding': 'windows-1252' }, false)
  assert.equal(converter.toConnectData('t', Buffer.of(0xe9, 0x80)).value, 'é€')
  assert.throws(() => converter.fromConnectData('t', null, 'é'), { code: 'DATA' })
  assert.throws(() => converter.configure({ 'converter.encoding': 'nope' }, false), { code: 'CONFIG' })
})

test('StringConverter replaces invalid bytes as Java does', () => {
  const bytes = Buffer.of(0xe9, 0x41, 0xf0, 0x9f, 0x98, 0x41)
  assert.equal(new StringConverter().toConnectData('t', bytes).value, '\ufffdA\ufffdA')
})

converterConformance({
  name: 'ByteArrayConverter',
  create: () => new ByteArrayConverter(),
  nullReadAs: { schema: Schemas.OPTIONAL_BYTES, value: null },
  roundTrips: [
    { name: 'bytes', schema: Schemas.OPTIONAL_BYTES, value: Buffer.of(0, 255) },
    { name: 'no bytes', schema: Schemas.OPTIONAL_BYTES, value: Buffer.of() },
    { name: 'bytes without schema', schema: null, value: Uint8Array.of(1), readSchema: Schemas.OPTIONAL_BYTES },
  ],
  unwritable: [
    { name: 'text', schema: null, value: 'x' },
    { name: 'bytes with the schema of text', schema: Schemas.STRING, value: Buffer.of(1) },
  ],
})

converterConformance({
  name: 'ShortConverter',
  create: () => new ShortConverter(),
  nullReadAs: { schema: Schemas.OPTIONAL_INT16, value: null },
  roundTrips: [-32768, 0, 32767].map((value) => ({ name: String(value), schema: Schemas.OPTIONAL_INT16, value })),
  unwritable: [32768, 1.5, '1', true, 1n].map((value) => ({ name: `${typeof value} ${value}`, schema: null, value })),
  unreadable: [Buffer.alloc(1), Buffer.alloc(4), Buffer.alloc(0)],
})

converterConformance({
  name: 'IntegerConverter',
  create: () => new IntegerConverter(),
  nullReadAs: { schema: Schemas.OPTIONAL_INT32, value: null },
  roundTrips: [-2147483648, 0, 2147483647].map((value) => ({ name: String(value), schema: Schemas.OPTIONAL_INT32, value })),
  unwritable: [2147483648, 'x'].map((value) => ({ name: `${typeof value} ${value}`, schema: null, value })),
  unreadable: [Buffer.alloc(8)],
})

converterConformance({
  name: 'LongConverter',
  create: () => new LongConverter(),
  nullReadAs: { schema: Schemas.OPTIONAL_INT64, value: null },
  roundTrips: [0, -1, Number.MAX_SAFE_INTEGER, 2n ** 63n - 1n, -(2n ** 63n)].map((value) => ({ name: String(value), schema: Schemas.OPTIONAL_INT64, value })),
  unwritable: [2 ** 53, 2n ** 63n, 1.5, '1'].map((value) => ({ name: `${typeof value} ${value}`, schema: null, value })),
  unreadable: [Buffer.alloc(4)],
})

converterConformance({
  name: 'FloatConverter',
  create: () => new FloatConverter(),
  nullReadAs: { schema: Schemas.OPTIONAL_FLOAT32, value: null },
  roundTrips: [0, -1.5, Math.fround(0.1), Number.POSITIVE_INFINITY, Number.NaN].map((value) => ({
    name: String(value),
    schema: Schemas.OPTIONAL_FLOAT32,
    value,
  })),
  unwritable: [{ name: 'text', schema: null, value: '1.5' }],
  unreadable: [Buffer.alloc(8)],
})

converterConformance({
  name: 'DoubleConverter',
  create: () => new DoubleConverter(),
  nullReadAs: { schema: Schemas.OPTIONAL_FLOAT64, value: null },
  roundTrips: [0, -1.5, 0.1, 1e300, Number.NaN].map((value) => ({ name: String(value), schema: Schemas.OPTIONAL_FLOAT64, value })),
  unwritable: [{ name: 'text', schema: null, value: '1.5' }],
  unreadable: [Buffer.alloc(4)],
})

converterConformance({
  name: 'BooleanConverter',
  create: () => new BooleanConverter(),
  nullReadAs: { schema: Schemas.OPTIONAL_BOOLEAN, value: null },
  roundTrips: [true, false].map((value) => ({ name: String(value), schema: Schemas.OPTIONAL_BOOLEAN, value })),
  unwritable: [
    { name: 'a number', schema: null, value: 1 },
    { name: 'a boolean with the schema of text', schema: Schemas.STRING, value: true },
  ],
  unreadable: [Buffer.of(2), Buffer.alloc(2)],
})

test('converters refuse with the messages of the original', () => {
  const message = (step: () => unknown): string => {
    try {
      step()
      return ''
    } catch (error) {
      const { message: outer, cause } = error as Error
      return cause === undefined ? outer : `${outer}/ ${(cause as Error).message}`
    }
  }
  assert.equal(
    message(() => new IntegerConverter().fromConnectData('t', null, 'x')),
    'Failed to serialize to integer (was class java.lang.String): ',
  )
  assert.equal(
    message(() => new IntegerConverter().toConnectData('t', Buffer.alloc(3))),
    'Failed to deserialize integer: / Size of data received by IntegerDeserializer is not 4',
  )
  assert.equal(
    message(() => new BooleanConverter().fromConnectData('t', null, 'x')),
    'BooleanConverter is not compatible with objects of type class java.lang.String',
  )
  assert.equal(
    message(() => new ByteArrayConverter().fromConnectData('t', Schemas.STRING, 'x')),
    'Invalid schema type for ByteArrayConverter: STRING',
  )
})

test('SimpleHeaderConverter writes text and finds types in it again', () => {
  const converter = new SimpleHeaderConverter()
  converter.configureHeader({})
  const read = (value: unknown): unknown => {
    const written = converter.fromConnectHeader('t', 'h', null, value)
    return converter.toConnectHeader('t', 'h', Buffer.from(written as string)).value
  }
  assert.equal(read(5), 5)
  assert.equal(read('abc'), 'abc')
  assert.equal(read(true), true)
  assert.deepEqual(read([1, 2]), [1, 2])
  assert.deepEqual(read({ a: 1 }), new Map([['a', 1]]))
  assert.equal(converter.fromConnectHeader('t', 'h', null, null), null)
  assert.deepEqual(converter.toConnectHeader('t', 'h', null), { schema: null, value: null })
})

interface RecordedConverter {
  readonly class: string
  readonly pluginTypes: readonly string[]
  readonly configs: readonly {
    readonly name: string
    readonly type: string
    readonly required: boolean
    readonly default?: unknown
    readonly importance: string
    readonly validValues?: string
    readonly group?: string
    readonly orderInGroup?: number
    readonly width?: string
    readonly displayName: string
  }[]
}

interface Manifest {
  readonly millrace: {
    readonly plugins: readonly { readonly kind: string; readonly names: readonly string[]; readonly version: string; readonly export: string }[]
  }
}

const manifest = (JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as Manifest).millrace.plugins
const recorded = (
  JSON.parse(readFileSync(new URL('../../../../tests/vectors/converter-configs.json', import.meta.url), 'utf8')) as { converters: RecordedConverter[] }
).converters

test('the manifest names classes that exist', () => {
  for (const plugin of manifest) {
    assert.equal(typeof (plugins as Readonly<Record<string, unknown>>)[plugin.export], 'function', plugin.export)
    // An inner class is named after its outer one: `Cast$Key` is exported as `CastKey`.
    assert.equal(plugin.names[0]?.split('.').at(-1)?.replace('$', ''), plugin.export)
    assert.equal(plugin.version, '4.3.1')
  }
})

for (const original of recorded) {
  test(`${original.class} is the kinds of plug-in, and has the options, that it has in the original`, () => {
    const entries = manifest.filter((plugin) => plugin.names.includes(original.class))
    assert.deepEqual(entries.map((plugin) => plugin.kind).toSorted(), original.pluginTypes.toSorted())
    const converterClass = (plugins as unknown as Readonly<Record<string, new () => Converter & HeaderConverter>>)[
      entries[0]?.export ?? ''
    ] as new () => HeaderConverter
    assert.deepEqual([...new converterClass().config().keys.values()].map(describeKey), original.configs.map(describeRecorded))
  })
}

function describeKey(key: ConfigKey): unknown {
  return {
    name: key.name,
    type: key.type,
    required: key.isRequired,
    default: key.defaultValue ?? null,
    importance: key.importance,
    validValues: key.validator === null ? '' : String(key.validator),
    group: key.group,
    orderInGroup: key.orderInGroup,
    displayName: key.displayName,
  }
}

function describeRecorded(config: RecordedConverter['configs'][number]): unknown {
  return {
    name: config.name,
    type: config.type,
    required: config.required,
    default: config.default ?? null,
    importance: config.importance,
    validValues: config.validValues ?? '',
    group: config.group ?? null,
    orderInGroup: config.orderInGroup ?? -1,
    displayName: config.displayName,
  }
}
