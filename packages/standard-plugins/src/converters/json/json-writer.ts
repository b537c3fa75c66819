import {
  DataError,
  DATE_NAME,
  Decimal,
  DECIMAL_NAME,
  dateToDays,
  decimalToBytes,
  entriesOf,
  Float64,
  isInt64,
  isMapLike,
  javaClassOfValue,
  javaDouble,
  javaFloat,
  type Schema,
  TIME_NAME,
  TIMESTAMP_NAME,
  timestampToMs,
  timeToMs,
} from '@millrace/api'

export type DecimalFormat = 'BASE64' | 'NUMERIC'

export interface JsonWriterOptions {
  readonly decimalFormat: DecimalFormat
  readonly replaceNullWithDefault: boolean
}

/** Writes a value of one schema as JSON text. */
export type JsonWriter = (value: unknown) => string

/** What `JSON.stringify` writes differently: its escapes are in small letters, and what is beyond 16 bits it does not escape at all. */
const differs = /\\u|[\ud800-\udfff]/

/** JSON without schema. Most values go through `JSON.stringify`; those it would write in another way than the original are written piece by piece. */
export function schemalessJson(value: unknown): string {
  if (typeof value === 'string') return jsonString(value)
  if (isPlain(value)) {
    const text = JSON.stringify(value)
    if (!differs.test(text)) return text
  }
  return exactJson(value)
}

/** Whether `JSON.stringify` writes numbers and containers of `value` as the original does. */
function isPlain(value: unknown): boolean {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true
    case 'number':
      return isPlainNumber(value)
    case 'object':
      return value === null || isPlainObject(value)
    default:
      return false
  }
}

function isPlainNumber(value: number): boolean {
  if (Number.isSafeInteger(value)) return true
  // Java writes an exponent beyond these.
  const magnitude = Math.abs(value)
  return magnitude >= 1e-3 && magnitude < 1e7
}

function isPlainObject(value: object): boolean {
  if (Array.isArray(value)) return value.every(isPlain)
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) return false
  for (const key in value) if (!isPlain((value as Readonly<Record<string, unknown>>)[key])) return false
  return true
}

function exactJson(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return jsonString(value)
    case 'number':
      return Number.isSafeInteger(value) ? String(value) : jsonDouble(value)
    case 'boolean':
      return String(value)
    case 'bigint':
      if (isInt64(value)) return String(value)
      break
    case 'undefined':
      return 'null'
    case 'object':
      return exactObject(value)
  }
  throw noSchemaType(value)
}

function exactObject(value: object | null): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return `[${value.map(exactJson).join(',')}]`
  if (value instanceof Uint8Array) return jsonBytes(value)
  if (value instanceof Float64) return jsonDouble(value.value)
  if (value instanceof Map) return exactMap(value)
  if (!isMapLike(value)) throw noSchemaType(value)
  return `{${Object.entries(value)
    .map(([key, member]) => `${jsonString(key)}:${exactJson(member)}`)
    .join(',')}}`
}

function exactMap(value: ReadonlyMap<unknown, unknown>): string {
  const entries = [...value]
  if (entries.every(([key]) => typeof key === 'string')) {
    return `{${entries.map(([key, member]) => `${jsonString(key as string)}:${exactJson(member)}`).join(',')}}`
  }
  return `[${entries.map(([key, member]) => `[${exactJson(key)},${exactJson(member)}]`).join(',')}]`
}

function noSchemaType(value: unknown): DataError {
  return new DataError(`Java class class ${javaClassOfValue(value)} does not have corresponding schema type.`)
}

/** A quoted text; what is beyond 16 bits is escaped as two halves, as the original does. */
export function jsonString(text: string): string {
  const json = JSON.stringify(text)
  return differs.test(json) ? json.replace(/\\(?:u[0-9a-f]{4}|.)|[\ud800-\udfff]/g, escapeText) : json
}

function escapeText(match: string): string {
  if (match.length === 1) return `\\u${match.charCodeAt(0).toString(16).toUpperCase()}`
  return match[1] === 'u' ? `\\u${match.slice(2).toUpperCase()}` : match
}

function jsonDouble(value: number): string {
  return Number.isFinite(value) ? javaDouble(value) : `"${value}"`
}

function jsonFloat(value: number): string {
  return Number.isFinite(Math.fround(value)) ? javaFloat(value) : `"${Math.fround(value)}"`
}

function jsonBytes(value: Uint8Array): string {
  return `"${Buffer.from(value.buffer, value.byteOffset, value.length).toString('base64')}"`
}

/** Compiles the writer of a schema. @throws DataError, when it writes, where the value is of another kind. */
export function compileJsonWriter(schema: Schema, options: JsonWriterOptions): JsonWriter {
  const write = compileNonNull(schema, options)
  const nullText = nullTextOf(schema, write, options)
  return (value) => {
    if (value !== null && value !== undefined) return write(value)
    if (nullText === null) throw new DataError('Conversion error: null value for field that is required and has no default value')
    return nullText
  }
}

function nullTextOf({ defaultValue, isOptional }: Schema, write: JsonWriter, { replaceNullWithDefault }: JsonWriterOptions): string | null {
  if (defaultValue !== undefined && replaceNullWithDefault) return write(defaultValue)
  return isOptional ? 'null' : null
}

function compileNonNull(schema: Schema, options: JsonWriterOptions): JsonWriter {
  const logical = logicalWriters.get(schema.name ?? '')
  if (logical !== undefined) return (value) => logical(schema, value, options)
  const { type } = schema
  switch (type) {
    case 'INT8':
      return integerWriter(type, 0x80)
    case 'INT16':
      return integerWriter(type, 0x8000)
    case 'INT32':
      return integerWriter(type, 0x80000000)
    case 'INT64':
      return (value) => (isInt64(value) ? String(value) : mismatch(type, value))
    case 'FLOAT32':
      return (value) => (isFloat(value) ? jsonFloat(Number(value)) : mismatch(type, value))
    case 'FLOAT64':
      return (value) => (isFloat(value) ? jsonDouble(Number(value)) : mismatch(type, value))
    case 'BOOLEAN':
      return (value) => (typeof value === 'boolean' ? String(value) : mismatch(type, value))
    case 'STRING':
      return (value) => (typeof value === 'string' ? jsonString(value) : mismatch(type, value))
    case 'BYTES':
      return (value) => (value instanceof Uint8Array ? jsonBytes(value) : mismatch('bytes type', value))
    case 'ARRAY':
      return arrayWriter(schema, options)
    case 'MAP':
      return mapWriter(schema, options)
    case 'STRUCT':
      return structWriter(schema, options)
  }
}

function mismatch(type: string, value: unknown): never {
  throw new DataError(`Invalid type for ${type}: class ${javaClassOfValue(value)}`)
}

function integerWriter(type: string, limit: number): JsonWriter {
  return (value) => {
    if (typeof value !== 'number' || !Number.isInteger(value) || value < -limit || value >= limit) mismatch(type, value)
    return String(value)
  }
}

function isFloat(value: unknown): value is number | Float64 {
  return typeof value === 'number' || value instanceof Float64
}

function arrayWriter({ valueSchema }: Schema, options: JsonWriterOptions): JsonWriter {
  const write = writerOfPart(valueSchema, options)
  return (value) => (Array.isArray(value) ? `[${value.map(write).join(',')}]` : mismatch('ARRAY', value))
}

function mapWriter({ keySchema, valueSchema }: Schema, options: JsonWriterOptions): JsonWriter {
  const writeKey = writerOfPart(keySchema, options)
  const writeValue = writerOfPart(valueSchema, options)
  const isObject = keySchema?.type === 'STRING'
  return (value) => {
    if (!isMapLike(value)) mismatch('MAP', value)
    const members: string[] = []
    for (const [key, element] of entriesOf(value)) {
      // The text of a null key is "null".
      if (isObject) members.push(`${key === null ? '"null"' : writeKey(key)}:${writeValue(element)}`)
      else members.push(`[${writeKey(key)},${writeValue(element)}]`)
    }
    return isObject ? `{${members.join(',')}}` : `[${members.join(',')}]`
  }
}

/** Schemas inferred from text may have parts without schema. */
function writerOfPart(schema: Schema | null, options: JsonWriterOptions): JsonWriter {
  return schema === null ? schemalessJson : compileJsonWriter(schema, options)
}

function structWriter(schema: Schema, options: JsonWriterOptions): JsonWriter {
  const fields = schema.fields.map((field, index) => ({
    name: field.name,
    isInherited: field.name in Object.prototype,
    prefix: `${index === 0 ? '' : ','}${jsonString(field.name)}:`,
    write: compileJsonWriter(field.schema, options),
  }))
  return (value) => {
    if (!isMapLike(value) || value instanceof Map) mismatch('STRUCT', value)
    const struct = value as Readonly<Record<string, unknown>>
    let text = '{'
    for (const { name, isInherited, prefix, write } of fields) {
      text += prefix + write(isInherited && !Object.hasOwn(struct, name) ? null : struct[name])
    }
    return `${text}}`
  }
}

type LogicalWriter = (schema: Schema, value: unknown, options: JsonWriterOptions) => string

const logicalWriters: ReadonlyMap<string, LogicalWriter> = new Map<string, LogicalWriter>([
  [DECIMAL_NAME, writeDecimal],
  [DATE_NAME, (schema, value) => String(dateToDays(schema, requireDate('Date', value)))],
  [TIME_NAME, (schema, value) => String(timeToMs(schema, requireDate('Time', value)))],
  [TIMESTAMP_NAME, (schema, value) => String(timestampToMs(schema, requireDate('Timestamp', value)))],
])

function writeDecimal(schema: Schema, value: unknown, { decimalFormat }: JsonWriterOptions): string {
  if (!(value instanceof Decimal)) throw new DataError(`Invalid type for Decimal, expected BigDecimal but was class ${javaClassOfValue(value)}`)
  return decimalFormat === 'NUMERIC' ? value.toString() : jsonBytes(decimalToBytes(schema, value))
}

function requireDate(type: string, value: unknown): Date {
  if (value instanceof Date) return value
  throw new DataError(`Invalid type for ${type}, expected Date but was class ${javaClassOfValue(value)}`)
}
