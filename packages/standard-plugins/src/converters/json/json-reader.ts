import {
  DataError,
  DATE_NAME,
  Decimal,
  DECIMAL_NAME,
  dateFromDays,
  decimalFromBytes,
  Float64,
  int64Of,
  type Schema,
  TIME_NAME,
  TIMESTAMP_NAME,
  timeFromMs,
  timestampFromMs,
  wrapInt64,
} from '@millrace/api'
import { type JsonNode, JsonNumber } from './json-parser.ts'

/** Turns a parsed node into the value of one schema. */
export type JsonReader = (node: JsonNode) => unknown

/** The value of a node without schema; plain objects are changed in place. */
export function schemalessValueOf(node: JsonNode): unknown {
  if (node instanceof JsonNumber) return schemalessNumber(node)
  if (node === undefined || node === null || typeof node !== 'object') return node ?? null
  if (Array.isArray(node)) return node.map(schemalessValueOf)
  if (node instanceof Map) return new Map([...node].map(([key, member]) => [key, schemalessValueOf(member as JsonNode)]))
  const members = node as Record<string, unknown>
  for (const key of Object.keys(members)) members[key] = schemalessValueOf(members[key] as JsonNode)
  return members
}

/** Integers are int64 and wrap silently beyond it; whatever has a fraction or exponent is a float64. */
function schemalessNumber(node: JsonNumber): unknown {
  return node.isIntegral ? wrapInt64(BigInt(node.text)) : Float64.of(float64Of(node))
}

/** Whether the schema has a decimal somewhere: its digits must be kept, so that only the exact parser will do. */
export function hasDecimal(schema: Schema): boolean {
  return (
    schema.name === DECIMAL_NAME ||
    schema.fields.some((field) => hasDecimal(field.schema)) ||
    [schema.keySchema, schema.valueSchema].some((part) => part !== null && hasDecimal(part))
  )
}

/**
 * Compiles the reader of a schema. Wrong kinds of node are read like the original does: numbers are cut to their width, other nodes are 0, false or null.
 * @param place names the field for messages, where null must not come out; null outside structs.
 */
export function compileJsonReader(schema: Schema, replaceNullWithDefault: boolean, place: string | null = null): JsonReader {
  const read = compileNonNull(schema, replaceNullWithDefault, place)
  const { type, isOptional, defaultValue } = schema
  const isReplaced = defaultValue !== undefined && replaceNullWithDefault
  return (node) => {
    if (node !== null && node !== undefined) return read(node)
    if (isReplaced) return defaultValue
    if (isOptional) return null
    throw new DataError(`Invalid null value for required ${type} field`)
  }
}

type NonNullReader = (node: NonNullable<JsonNode>) => unknown

function compileNonNull(schema: Schema, replaceNullWithDefault: boolean, place: string | null): NonNullReader {
  const logical = logicalReaders.get(schema.name ?? '')
  if (logical !== undefined) return (node) => logical(schema, node)
  switch (schema.type) {
    case 'BOOLEAN':
      return (node) => node === true
    case 'INT8':
      return (node) => (int32Of(node) << 24) >> 24
    case 'INT16':
      return (node) => (int32Of(node) << 16) >> 16
    case 'INT32':
      return int32Of
    case 'INT64':
      return readInt64
    case 'FLOAT32':
      return (node) => Math.fround(float64Of(node))
    case 'FLOAT64':
      return float64Of
    case 'STRING':
      return neverNull(schema, place, (node) => (typeof node === 'string' ? node : null))
    case 'BYTES':
      return neverNull(schema, place, readBytes)
    case 'ARRAY':
      return arrayReader(schema, replaceNullWithDefault, place)
    case 'MAP':
      return mapReader(schema, replaceNullWithDefault, place)
    case 'STRUCT':
      return structReader(schema, replaceNullWithDefault)
  }
}

/** A struct's field may not turn null because its node is of the wrong kind. */
function neverNull(schema: Schema, place: string | null, read: NonNullReader): NonNullReader {
  if (place === null || schema.isOptional) return read
  return (node) => {
    const value = read(node)
    if (value === null) throw new DataError(`Invalid value: null used for required ${place}, schema type: ${schema.type}`)
    return value
  }
}

function int32Of(node: NonNullable<JsonNode>): number {
  if (typeof node === 'number') return Math.trunc(node) | 0
  return node instanceof JsonNumber ? Number(BigInt.asIntN(32, wholePartOf(node))) : 0
}

function readInt64(node: NonNullable<JsonNode>): number | bigint {
  if (typeof node === 'number') return Math.trunc(node) + 0
  return node instanceof JsonNumber ? wrapInt64(wholePartOf(node)) : 0
}

/** Modulo 2^64, that is: a multiple of 10^64 has 64 binary zeros at its end, and need not be written out. */
function wholePartOf(node: JsonNumber): bigint {
  const decimal = decimalOf(node)
  return decimal.scale <= -64 ? 0n : decimal.toBigInt()
}

function decimalOf(node: JsonNumber): Decimal {
  return Decimal.parse(node.text)
}

function float64Of(node: NonNullable<JsonNode>): number {
  if (typeof node === 'number') return node
  // Java's decimals, through which it reads, know no negative zero.
  return node instanceof JsonNumber ? Number(node.text) + 0 : 0
}

const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

function readBytes(node: NonNullable<JsonNode>): Buffer | null {
  if (typeof node !== 'string') return null
  return decodeBase64(node, 'Invalid bytes field')
}

function decodeBase64(text: string, message: string): Buffer {
  if (!base64.test(text)) throw new DataError(message, { cause: new DataError('Cannot access contents of TextNode as binary due to broken Base64 encoding') })
  return Buffer.from(text, 'base64')
}

function arrayReader({ valueSchema }: Schema, replaceNullWithDefault: boolean, place: string | null): NonNullReader {
  const read = compileJsonReader(valueSchema as Schema, replaceNullWithDefault, place === null ? null : `element of array ${place}`)
  return (node) => {
    if (Array.isArray(node)) return node.map((element: JsonNode) => read(element))
    // The original iterates over whatever there is: an object's values, and nothing in other nodes.
    return isObject(node) ? membersOf(node).map(([, member]) => read(member)) : []
  }
}

function mapReader({ keySchema, valueSchema }: Schema, replaceNullWithDefault: boolean, place: string | null): NonNullReader {
  const placeOf = (part: string): string | null => (place === null ? null : `${part} of map ${place}`)
  const readValue = compileJsonReader(valueSchema as Schema, replaceNullWithDefault, placeOf('value'))
  if (keySchema?.type === 'STRING') {
    return (node) => {
      if (!isObject(node)) throw new DataError(`Maps with string fields should be encoded as JSON objects, but found ${nodeTypeOf(node)}`)
      return new Map(membersOf(node).map(([key, member]) => [key, readValue(member)]))
    }
  }
  const readKey = compileJsonReader(keySchema as Schema, replaceNullWithDefault, placeOf('key'))
  return (node) => {
    if (!Array.isArray(node)) throw new DataError(`Maps with non-string fields should be encoded as JSON array of tuples, but found ${nodeTypeOf(node)}`)
    return new Map(
      node.map((entry: JsonNode) => {
        if (!Array.isArray(entry)) throw new DataError(`Found invalid map entry instead of array tuple: ${nodeTypeOf(entry)}`)
        if (entry.length !== 2) throw new DataError(`Found invalid map entry, expected length 2 but found :${entry.length}`)
        return [readKey(entry[0]), readValue(entry[1])]
      }),
    )
  }
}

function structReader(schema: Schema, replaceNullWithDefault: boolean): NonNullReader {
  const fields = schema.fields.map((field) => ({
    name: field.name,
    // A plain object seems to have these without having them.
    isInherited: field.name in Object.prototype,
    read: compileJsonReader(field.schema, replaceNullWithDefault, `field: "${field.name}"`),
  }))
  const hasProto = schema.field('__proto__') !== null
  return (node) => {
    if (!isObject(node)) throw new DataError(`Structs should be encoded as JSON objects, but found ${nodeTypeOf(node)}`)
    if (node instanceof Map || hasProto) {
      const members = new Map(membersOf(node))
      return Object.fromEntries(fields.map(({ name, read }) => [name, read(members.get(name))]))
    }
    const struct: Record<string, unknown> = {}
    const members = node as Readonly<Record<string, JsonNode>>
    for (const { name, isInherited, read } of fields) {
      struct[name] = read(isInherited && !Object.hasOwn(members, name) ? null : members[name])
    }
    return struct
  }
}

type ObjectNode = ReadonlyMap<string, JsonNode> | Readonly<Record<string, JsonNode>>

function isObject(node: JsonNode): node is ObjectNode {
  return typeof node === 'object' && node !== null && !Array.isArray(node) && !(node instanceof JsonNumber)
}

function membersOf(node: ObjectNode): readonly (readonly [string, JsonNode])[] {
  return node instanceof Map ? [...(node as ReadonlyMap<string, JsonNode>)] : Object.entries(node as Readonly<Record<string, JsonNode>>)
}

/** The original's names, for messages. */
function nodeTypeOf(node: JsonNode): string {
  if (node === null || node === undefined) return 'NULL'
  if (Array.isArray(node)) return 'ARRAY'
  if (typeof node === 'object') return node instanceof JsonNumber ? 'NUMBER' : 'OBJECT'
  return (typeof node).toUpperCase()
}

type LogicalReader = (schema: Schema, node: NonNullable<JsonNode>) => unknown

const logicalReaders: ReadonlyMap<string, LogicalReader> = new Map<string, LogicalReader>([
  [DECIMAL_NAME, readDecimal],
  [DATE_NAME, (schema, node) => dateFromDays(schema, requireInt32('Date', node))],
  [TIME_NAME, (schema, node) => timeFromMs(schema, requireInt32('Time', node))],
  [TIMESTAMP_NAME, readTimestamp],
])

/** A number's scale is its own, whatever the schema says. */
function readDecimal(schema: Schema, node: NonNullable<JsonNode>): Decimal {
  if (node instanceof JsonNumber) return decimalOf(node)
  if (typeof node === 'number') return Decimal.parse(String(node))
  if (typeof node === 'string') {
    const message = 'Invalid bytes for Decimal field'
    const bytes = decodeBase64(node, message)
    try {
      return decimalFromBytes(schema, bytes)
    } catch (cause) {
      throw new DataError(message, { cause })
    }
  }
  throw new DataError(`Invalid type for Decimal, underlying representation should be numeric or bytes but was ${nodeTypeOf(node)}`)
}

function requireInt32(type: string, node: NonNullable<JsonNode>): number {
  const value = node instanceof JsonNumber && node.isIntegral ? Number(node.text) : node
  if (typeof value === 'number' && Number.isInteger(value) && value >= -0x80000000 && value <= 0x7fffffff) return value
  throw new DataError(`Invalid type for ${type}, underlying representation should be integer but was ${nodeTypeOf(node)}`)
}

function readTimestamp(schema: Schema, node: NonNullable<JsonNode>): Date {
  if (typeof node === 'number' && Number.isInteger(node)) return timestampFromMs(schema, node)
  if (node instanceof JsonNumber && node.isIntegral) return timestampFromMs(schema, wrapInt64(BigInt(node.text)))
  throw new DataError(`Invalid type for Timestamp, underlying representation should be integral but was ${nodeTypeOf(node)}`)
}

/** The integer of a node, where it is one. */
export function integerOf(node: JsonNode): number | null {
  if (typeof node === 'number') return Number.isInteger(node) ? node : null
  return node instanceof JsonNumber && node.isIntegral ? Number(int64Of(BigInt.asIntN(32, BigInt(node.text)))) : null
}
