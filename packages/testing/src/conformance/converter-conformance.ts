import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type Converter,
  type HeaderConverter,
  isConnectError,
  type PluginContext,
  type Properties,
  type Schema,
  type SchemaAndValue,
  schemasEqual,
  type SerializedData,
  valuesEqual,
} from '@millrace/api'

/** A value that a converter is asked to write and read. */
export interface ConverterSample {
  readonly name: string
  readonly schema: Schema | null
  readonly value: unknown
  /** What is read again, where it differs: converters may lose the schema, or part of the value. */
  readonly readSchema?: Schema | null
  readonly readValue?: unknown
}

export interface ConverterConformanceOptions {
  /** For test names. */
  readonly name: string
  create(): Converter & HeaderConverter
  /** Beside `converter.type`. */
  readonly properties?: Properties
  /** Values that must come back as they were, or as the sample says. */
  readonly roundTrips: readonly ConverterSample[]
  /** Values that must be refused with a DataError. */
  readonly unwritable?: readonly ConverterSample[]
  /** Bytes that must be refused with a DataError. */
  readonly unreadable?: readonly Buffer[]
  /** What Kafka's null is read as; default: null without schema. */
  readonly nullReadAs?: SchemaAndValue
}

const ignore = (): void => {}

/** A context that notes nothing. */
const context: PluginContext = {
  logger: { isDebugEnabled: false, trace: ignore, debug: ignore, info: ignore, warn: ignore, error: ignore },
  metrics: { gauge: ignore, counter: () => ({ add: ignore }), remove: ignore },
}

/** What the runtime relies on in every converter that serves keys, values and headers. Registers tests; call it at the top of a test file. */
export function converterConformance(options: ConverterConformanceOptions): void {
  const { name, roundTrips, unwritable = [], unreadable = [], nullReadAs = { schema: null, value: null } } = options

  const configured = (): Converter & HeaderConverter => {
    const converter = options.create()
    converter.configure(options.properties ?? {}, false, context)
    return converter
  }

  test(`${name} describes its options without being configured`, () => {
    const converter = options.create()
    const { values } = converter.config().validate({ ...options.properties, 'converter.type': 'value' })
    assert.deepEqual(
      values.flatMap((value) => value.errorMessages),
      [],
    )
  })

  for (const sample of roundTrips) {
    const { schema, value } = sample
    const expected: SchemaAndValue = {
      schema: sample.readSchema === undefined ? schema : sample.readSchema,
      value: 'readValue' in sample ? sample.readValue : value,
    }

    test(`${name} reads what it wrote: ${sample.name}`, async () => {
      const converter = configured()
      const bytes = bytesOf(await converter.fromConnectData('topic', schema, value, null))
      assertSame(await converter.toConnectData('topic', bytes, null), expected)
    })

    test(`${name} reads the same within a larger buffer: ${sample.name}`, async () => {
      const converter = configured()
      const bytes = bytesOf(await converter.fromConnectData('topic', schema, value, null))
      if (bytes === null || converter.toConnectDataAt === undefined) return
      // Digits, letters and a quote around it: what a careless reader would take for a part of the value.
      const buffer = Buffer.concat([Buffer.from('1"e'), bytes, Buffer.from('9"}')])
      assertSame(await converter.toConnectDataAt('topic', buffer, 3, 3 + bytes.length, null), expected)
    })

    test(`${name} treats headers as values: ${sample.name}`, async () => {
      const converter = options.create()
      converter.configureHeader(options.properties ?? {}, context)
      const bytes = bytesOf(await converter.fromConnectHeader('topic', 'header', schema, value))
      assertSame(await converter.toConnectHeader('topic', 'header', bytes), expected)
    })

    test(`${name} does not change what it writes: ${sample.name}`, async () => {
      const copy = structuredClone(isCloneable(value) ? value : null)
      await configured().fromConnectData('topic', schema, value, null)
      if (isCloneable(value)) assert.ok(valuesEqual(value, copy))
    })
  }

  test(`${name} writes null without schema as Kafka's null, and reads it`, async () => {
    const converter = configured()
    assert.equal(await converter.fromConnectData('topic', null, null, null), null)
    assertSame(await converter.toConnectData('topic', null, null), nullReadAs)
  })

  for (const sample of unwritable) {
    test(`${name} refuses to write: ${sample.name}`, async () => {
      const converter = configured()
      await assertDataError(async () => converter.fromConnectData('topic', sample.schema, sample.value, null))
    })
  }

  for (const bytes of unreadable) {
    test(`${name} refuses to read ${JSON.stringify(bytes.toString('latin1'))}, and reads on after it`, async () => {
      const converter = configured()
      await assertDataError(async () => converter.toConnectData('topic', bytes, null))
      const [sample] = roundTrips
      if (sample === undefined) return
      const written = bytesOf(await converter.fromConnectData('topic', sample.schema, sample.value, null))
      await converter.toConnectData('topic', written, null)
    })
  }
}

function bytesOf(data: SerializedData): Buffer | null {
  if (data === null) return null
  return typeof data === 'string' ? Buffer.from(data) : Buffer.from(data.buffer, data.byteOffset, data.length)
}

function assertSame(actual: SchemaAndValue, expected: SchemaAndValue): void {
  assert.ok(schemasEqual(actual.schema, expected.schema), `schema ${String(actual.schema)} is not ${String(expected.schema)}`)
  if (!valuesEqual(actual.value, expected.value)) assert.deepEqual(actual.value, expected.value)
}

/** Decimals and the like are classes; only plain data can be copied for comparison. */
function isCloneable(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true
  if (Array.isArray(value)) return value.every(isCloneable)
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype && Object.values(value).every(isCloneable)
}

async function assertDataError(step: () => Promise<unknown>): Promise<void> {
  await assert.rejects(step, (error) => isConnectError(error) && error.javaClass.endsWith('.DataException'))
}
