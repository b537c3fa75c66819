import {
  type ConfigDef,
  type Converter,
  DataError,
  type HeaderConverter,
  NULL_SCHEMA_AND_VALUE,
  type PluginContext,
  type Properties,
  type Schema,
  type SchemaAndValue,
  type SerializedData,
} from '@millrace/api'
import { withConverterType } from '../converter-config.ts'
import { LeastRecentlyUsed } from '../least-recently-used.ts'
import { jsonConverterConfig } from './json-converter-config.ts'
import { type JsonNode, JsonParser } from './json-parser.ts'
import { compileJsonReader, hasDecimal, type JsonReader, schemalessValueOf } from './json-reader.ts'
import { jsonOfSchema, schemaOfJson } from './json-schema.ts'
import { jsonTextOf, NEEDS_EXACT, parseJsonAt, parseJsonExactly } from './json-text.ts'
import { compileJsonWriter, type DecimalFormat, type JsonWriter, type JsonWriterOptions, schemalessJson } from './json-writer.ts'
import { ShapedJson, UNKNOWN_SHAPE } from './shaped-json.ts'

/** How values of one schema are read. */
interface ReadSchema {
  readonly schema: Schema | null
  readonly read: JsonReader
  readonly isAlwaysExact: boolean
}

/** How values of one schema are written; `prefix` and `suffix` are the envelope. */
interface WrittenSchema {
  readonly write: JsonWriter
  readonly prefix: string
  readonly suffix: string
}

const withoutSchema: ReadSchema = { schema: null, read: schemalessValueOf, isAlwaysExact: false }

/**
 * JSON, with the schema in an envelope `{"schema": …, "payload": …}` or without (`org.apache.kafka.connect.json.JsonConverter`).
 *
 * Without schemas, objects are plain objects, or Maps where a plain one could not keep them (keys that look like numbers, `__proto__`); integers are
 * int64 and wrap beyond it; decimals are float64. With schemas, readers and writers are compiled once per schema, and an envelope that begins with the
 * same bytes as the one before is not looked into again.
 */
export class JsonConverter implements Converter, HeaderConverter {
  #schemasEnabled = true
  #writerOptions: JsonWriterOptions = { decimalFormat: 'BASE64', replaceNullWithDefault: true }
  /** From `schema.content`: holds for all messages, which then have no envelope. */
  #fixedSchema: ReadSchema | null = null
  #readSchemas = new LeastRecentlyUsed<string, ReadSchema>(0)
  #writtenSchemas = new WeakMap<Schema, WrittenSchema>()
  #schemalessEnvelope: WrittenSchema = { write: schemalessJson, prefix: '', suffix: '' }
  /** `{"schema":…,"payload":` of the last envelope. */
  #lastPrefix = Buffer.alloc(0)
  #lastSchema: ReadSchema = withoutSchema
  readonly #shaped = new ShapedJson()

  config(): ConfigDef {
    return jsonConverterConfig
  }

  configure(properties: Properties, isKey: boolean, _context?: PluginContext): void {
    this.#configure(withConverterType(properties, isKey))
  }

  configureHeader(properties: Properties, _context?: PluginContext): void {
    this.#configure({ ...properties, 'converter.type': 'header' })
  }

  #configure(properties: Properties): void {
    const config = jsonConverterConfig.parse(properties)
    this.#schemasEnabled = config['schemas.enable']
    this.#writerOptions = {
      decimalFormat: config['decimal.format'].toUpperCase() as DecimalFormat,
      replaceNullWithDefault: config['replace.null.with.default'],
    }
    this.#readSchemas = new LeastRecentlyUsed(config['schemas.cache.size'])
    this.#writtenSchemas = new WeakMap()
    this.#schemalessEnvelope = this.#envelope(null, schemalessJson)
    this.#fixedSchema = config['schema.content'] ? this.#parseFixedSchema(config['schema.content']) : null
  }

  #parseFixedSchema(text: string): ReadSchema | null {
    let node: JsonNode
    try {
      node = new JsonParser(text).parse()
    } catch (cause) {
      throw new DataError('Failed to parse schema in converter config due to serialization error: ', { cause })
    }
    const schema = schemaOfJson(node, this.#writerOptions.replaceNullWithDefault)
    return schema === null ? null : this.#compileRead(schema)
  }

  // Writing.

  fromConnectData(_topic: string, schema: Schema | null, value: unknown): SerializedData {
    if (schema === null && (value === null || value === undefined)) return null
    const { write, prefix, suffix } = schema === null ? this.#schemalessEnvelope : this.#writtenSchema(schema)
    try {
      return prefix + write(value) + suffix
    } catch (cause) {
      if (!(cause instanceof RangeError)) throw cause
      throw new DataError('Converting Kafka Connect data to byte[] failed due to serialization error: ', { cause })
    }
  }

  #writtenSchema(schema: Schema): WrittenSchema {
    let written = this.#writtenSchemas.get(schema)
    if (written === undefined) {
      written = this.#envelope(schema, compileJsonWriter(schema, this.#writerOptions))
      this.#writtenSchemas.set(schema, written)
    }
    return written
  }

  #envelope(schema: Schema | null, write: JsonWriter): WrittenSchema {
    if (!this.#schemasEnabled) return { write, prefix: '', suffix: '' }
    return { write, prefix: `{"schema":${jsonOfSchema(schema, this.#writerOptions)},"payload":`, suffix: '}' }
  }

  // Reading.

  toConnectData(topic: string, data: Buffer | null): SchemaAndValue {
    return data === null ? NULL_SCHEMA_AND_VALUE : this.toConnectDataAt(topic, data, 0, data.length)
  }

  toConnectDataAt(_topic: string, buffer: Buffer, start: number, end: number): SchemaAndValue {
    if (!this.#schemasEnabled) return { schema: null, value: this.#readSchemaless(buffer, start, end) }
    if (this.#fixedSchema !== null) return this.#readTyped(this.#fixedSchema, buffer, start, end)
    return this.#readKnownEnvelope(buffer, start, end) ?? this.#readEnvelope(buffer.subarray(start, end))
  }

  #readSchemaless(buffer: Buffer, start: number, end: number): unknown {
    const value = this.#parse(buffer, start, end, false)
    return value === NEEDS_EXACT ? schemalessValueOf(parseExactly(buffer, start, end)) : value
  }

  /** NEEDS_EXACT as from `parseJsonAt`. */
  #parse(buffer: Buffer, start: number, end: number, isTyped: boolean): unknown {
    const shaped = this.#shaped.read(buffer, start, end)
    if (shaped !== UNKNOWN_SHAPE) return shaped
    const value = parseJsonAt(buffer, start, end, isTyped)
    if (value !== NEEDS_EXACT) this.#shaped.learn(buffer, start)
    return value
  }

  #readTyped({ schema, read, isAlwaysExact }: ReadSchema, buffer: Buffer, start: number, end: number): SchemaAndValue {
    const node = isAlwaysExact ? NEEDS_EXACT : this.#parse(buffer, start, end, schema !== null)
    if (node === NEEDS_EXACT) return { schema, value: read(parseExactly(buffer, start, end)) }
    return { schema, value: schema === null ? node : read(node as JsonNode) }
  }

  /** For an envelope that begins like the last one. @returns null where it does not, or where the rest is no single value. */
  #readKnownEnvelope(buffer: Buffer, start: number, end: number): SchemaAndValue | null {
    const prefix = this.#lastPrefix
    const payload = start + prefix.length
    if (prefix.length === 0 || end - start <= prefix.length || buffer[end - 1] !== 0x7d) return null
    if (prefix.compare(buffer, start, payload) !== 0) return null
    const { schema, read, isAlwaysExact } = this.#lastSchema
    const node = isAlwaysExact ? NEEDS_EXACT : this.#parse(buffer, payload, end - 1, schema !== null)
    if (node !== NEEDS_EXACT) return { schema, value: schema === null ? node : read(node as JsonNode) }
    const exactNode = parseWhole(buffer.utf8Slice(payload, end - 1))
    return exactNode === undefined ? null : { schema, value: read(exactNode) }
  }

  #readEnvelope(bytes: Buffer): SchemaAndValue {
    const members = envelopeMembers(bytes)
    const schemaText = members?.get('schema')
    const payloadText = members?.get('payload')
    if (members?.size !== 2 || schemaText === undefined || payloadText === undefined) {
      throw new DataError(
        'JsonConverter with schemas.enable requires "schema" and "payload" fields and may not contain additional fields. ' +
          'If you are trying to deserialize plain JSON data, set schemas.enable=false in your converter configuration.',
      )
    }
    const readSchema = this.#readSchema(schemaText)
    this.#remember(bytes, schemaText, readSchema)
    const payload = Buffer.from(payloadText)
    return this.#readTyped(readSchema, payload, 0, payload.length)
  }

  #remember(bytes: Buffer, schemaText: string, readSchema: ReadSchema): void {
    const prefix = Buffer.from(`{"schema":${schemaText},"payload":`)
    const isPrefix = prefix.length < bytes.length && prefix.compare(bytes, 0, prefix.length) === 0
    this.#lastPrefix = isPrefix ? prefix : Buffer.alloc(0)
    this.#lastSchema = readSchema
  }

  #readSchema(text: string): ReadSchema {
    let known = this.#readSchemas.get(text)
    if (known === undefined) {
      known = this.#compileRead(schemaOfJson(new JsonParser(text).parse(), this.#writerOptions.replaceNullWithDefault))
      this.#readSchemas.set(text, known)
    }
    return known
  }

  #compileRead(schema: Schema | null): ReadSchema {
    if (schema === null) return withoutSchema
    return { schema, read: compileJsonReader(schema, this.#writerOptions.replaceNullWithDefault), isAlwaysExact: hasDecimal(schema) }
  }

  // As header converter.

  fromConnectHeader(topic: string, _headerKey: string, schema: Schema | null, value: unknown): SerializedData {
    return this.fromConnectData(topic, schema, value)
  }

  toConnectHeader(topic: string, _headerKey: string, data: Buffer | null): SchemaAndValue {
    return this.toConnectData(topic, data)
  }
}

/** Undefined where the text is not one JSON value. */
function parseWhole(text: string): JsonNode {
  try {
    return text.includes('\ufffd') ? undefined : new JsonParser(text).parseWhole()
  } catch {
    // Looked at again as part of the whole message, which words the error.
    return undefined
  }
}

function parseExactly(buffer: Buffer, start: number, end: number): JsonNode {
  return orSerializationError(() => parseJsonExactly(buffer, start, end))
}

function envelopeMembers(bytes: Buffer): ReadonlyMap<string, string> | null {
  return orSerializationError(() => new JsonParser(jsonTextOf(bytes)).memberTexts())
}

function orSerializationError<Result>(parse: () => Result): Result {
  try {
    return parse()
  } catch (cause) {
    throw new DataError('Converting byte[] to Kafka Connect data failed due to serialization error: ', { cause })
  }
}
