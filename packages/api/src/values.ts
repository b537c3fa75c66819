import { Decimal } from './decimal.ts'
import { DataError } from './errors.ts'
import { Float64 } from './float64.ts'
import { int64Of, isInt64 } from './int64.ts'
import { javaClassOfValue } from './java-class-of-value.ts'
import { javaDouble, javaFloat } from './java-number.ts'
import { javaTrim } from './java-trim.ts'
import {
  DATE_NAME,
  DECIMAL_NAME,
  DecimalSchema,
  dateFromDays,
  decimalFromBytes,
  TIME_NAME,
  TIMESTAMP_NAME,
  timeFromMs,
  timestampFromMs,
} from './logical-types.ts'
import { NULL_SCHEMA_AND_VALUE, type Schema, type SchemaAndValue, type SchemaType, schemasEqual } from './schema.ts'
import { SchemaBuilder, Schemas } from './schema-builder.ts'
import { parseTemporal, temporalText } from './temporal-text.ts'
import { entriesOf, isMapLike } from './validate-value.ts'
import { ValueTokens } from './value-tokens.ts'

/**
 * Finds a schema and value in text (Java's `Values.parseString`): `null`, `true`, `false`, numbers of the narrowest type, dates and times, arrays and
 * maps; whatever is none of these is a STRING, unchanged. The original's peculiarities are kept: of `1,2` only the 1 is seen, a fraction becomes a
 * FLOAT32 wherever its range allows, and dates are in the time zone of the process.
 * Where elements have no common type, the schema of the array or map has none for them.
 */
export function parseString(text: string | null): SchemaAndValue {
  if (text === null) return NULL_SCHEMA_AND_VALUE
  if (text === '') return { schema: Schemas.STRING, value: text }
  return parseValue(new ValueTokens(text), false)
}

const trueValue: SchemaAndValue = { schema: Schemas.BOOLEAN, value: true }
const falseValue: SchemaAndValue = { schema: Schemas.BOOLEAN, value: false }

/** @param isEmbedded in an array or map, where quotes count and plain text is an error. */
function parseValue(tokens: ValueTokens, isEmbedded: boolean): SchemaAndValue {
  if (!tokens.hasNext) return NULL_SCHEMA_AND_VALUE
  if (isEmbedded && tokens.take('"')) return parseQuoted(tokens)
  if (takeLiteral(tokens, 'null', isEmbedded)) return NULL_SCHEMA_AND_VALUE
  if (takeLiteral(tokens, 'true', isEmbedded)) return trueValue
  if (takeLiteral(tokens, 'false', isEmbedded)) return falseValue
  return parseContainer(tokens) ?? parseToken(tokens, isEmbedded)
}

/** At the top level a literal must be all there is. */
function takeLiteral(tokens: ValueTokens, literal: string, isEmbedded: boolean): boolean {
  const start = tokens.mark()
  if (tokens.take(literal) && (isEmbedded || !tokens.hasNext)) return true
  tokens.rewindTo(start)
  return false
}

/** Null where the text is no array or map, or not a correct one. */
function parseContainer(tokens: ValueTokens): SchemaAndValue | null {
  const start = tokens.mark()
  try {
    if (tokens.take('[')) return parseArray(tokens)
    if (tokens.take('{')) return parseMap(tokens)
  } catch (error) {
    if (!(error instanceof DataError)) throw error
    tokens.rewindTo(start)
  }
  return null
}

function parseToken(tokens: ValueTokens, isEmbedded: boolean): SchemaAndValue {
  const token = tokens.next()
  const text = javaTrim(token)
  if (text === '') return { schema: Schemas.STRING, value: token }
  const isDigitFirst = /^\d/.test(text)
  const found = (isDigitFirst ? parseTemporalTokens(tokens, text) : null) ?? (isDigitFirst || /^[+-]/.test(text) ? parseNumber(text) : null)
  if (found !== null) return found
  if (isEmbedded) throw new DataError('Failed to parse embedded value')
  return { schema: Schemas.STRING, value: tokens.text }
}

/** A time holds two colons, which are tokens: five tokens in all. */
function parseTemporalTokens(tokens: ValueTokens, first: string): SchemaAndValue | null {
  const start = tokens.mark()
  const rest = tokens.nextText(4)
  const found = rest === null ? null : parseTemporal(first + rest)
  if (found !== null) return found
  tokens.rewindTo(start)
  return parseTemporal(first)
}

function parseQuoted(tokens: ValueTokens): SchemaAndValue {
  let content = ''
  while (tokens.hasNext && !tokens.take('"')) content += tokens.next()
  return parseTemporal(content) ?? { schema: Schemas.STRING, value: content }
}

function parseArray(tokens: ValueTokens): SchemaAndValue {
  const elements: unknown[] = []
  const common = new CommonSchema()
  while (tokens.hasNext) {
    if (tokens.take(']')) {
      const { schema } = common
      const value = schema === null ? elements : elements.map((element) => convertTo(schema, element))
      return { schema: SchemaBuilder.array(schema).build(), value }
    }
    if (tokens.take(',')) throw new DataError(`Unable to parse an empty array element: ${tokens.text}`)
    const element = parseValue(tokens, true)
    common.add(element.schema)
    elements.push(element.value)
    const position = tokens.mark()
    if (tokens.take(']')) tokens.rewindTo(position)
    else if (!tokens.take(',')) throw new DataError("Array elements missing ',' delimiter")
  }
  throw new DataError(`Array is missing terminating ']': ${tokens.text}`)
}

function parseMap(tokens: ValueTokens): SchemaAndValue {
  const entries = new Map<unknown, unknown>()
  const commonKey = new CommonSchema()
  const commonValue = new CommonSchema()
  while (tokens.hasNext) {
    if (tokens.take('}')) return mapOf(entries, commonKey.schema, commonValue.schema)
    if (tokens.take(',')) throw new DataError(`Unable to parse a map entry with no key or value: ${tokens.text}`)
    const key = parseValue(tokens, true)
    if (key.value === null) throw new DataError(`Map entry may not have a null key: ${tokens.text}`)
    if (!tokens.take(':')) throw new DataError(`Map entry is missing ':' in ${tokens.text}`)
    const value = parseValue(tokens, true)
    entries.set(key.value, value.value)
    tokens.take(',')
    commonKey.add(key.schema)
    commonValue.add(value.schema)
  }
  throw new DataError(`Map is missing terminating '}': ${tokens.text}`)
}

function mapOf(entries: ReadonlyMap<unknown, unknown>, keySchema: Schema | null, valueSchema: Schema | null): SchemaAndValue {
  if (keySchema === null) return { schema: SchemaBuilder.map(null, null).build(), value: entries }
  const converted = new Map<unknown, unknown>()
  for (const [key, value] of entries) {
    converted.set(convertTo(keySchema, key), valueSchema === null ? value : convertTo(valueSchema, value))
  }
  return { schema: SchemaBuilder.map(keySchema, valueSchema).build(), value: converted }
}

// Numbers.

/** Null where the text is no number. */
function parseNumber(text: string): SchemaAndValue | null {
  const decimal = decimalOf(text)
  if (decimal === null) return null
  const integer = longOf(decimal)
  if (integer !== null) return integerValue(integer)
  const number = Number(text)
  if (decimal.scale !== 0 && Number.isFinite(Math.fround(number))) return { schema: Schemas.FLOAT32, value: Math.fround(number) }
  if (decimal.scale !== 0 && Number.isFinite(number)) return { schema: Schemas.FLOAT64, value: number }
  return { schema: DecimalSchema(decimal.scale), value: decimal }
}

function decimalOf(text: string): Decimal | null {
  try {
    return Decimal.parse(text)
  } catch {
    // It only looked like a number.
    return null
  }
}

/** The value as int64; null where it has a fraction or is beyond. */
function longOf(decimal: Decimal): bigint | null {
  const digits = decimal.unscaled.toString().length
  // Not worth writing out: neither fits, and both could have billions of digits.
  if (decimal.unscaled !== 0n && (decimal.scale > digits || decimal.scale < -20)) return null
  const whole = decimal.unscaled === 0n ? 0n : decimal.toBigInt()
  const isWhole = decimal.unscaled === 0n || decimal.scale <= 0 || whole * 10n ** BigInt(decimal.scale) === decimal.unscaled
  return isWhole && isInt64(whole) ? whole : null
}

function integerValue(value: bigint): SchemaAndValue {
  const schema =
    BigInt.asIntN(8, value) === value
      ? Schemas.INT8
      : BigInt.asIntN(16, value) === value
        ? Schemas.INT16
        : BigInt.asIntN(32, value) === value
          ? Schemas.INT32
          : Schemas.INT64
  return { schema, value: int64Of(value) }
}

// A type for all elements.

const numericOrder: readonly SchemaType[] = ['INT8', 'INT16', 'INT32', 'INT64', 'FLOAT32', 'FLOAT64']

/** The schema that all elements of an array, or keys or values of a map, can be converted to. Those without schema (null) do not count. */
class CommonSchema {
  #schema: Schema | null = null
  #isLost = false

  /** Null where there is none. */
  get schema(): Schema | null {
    return this.#isLost ? null : this.#schema
  }

  add(schema: Schema | null): void {
    if (schema === null || this.#isLost) return
    this.#schema = this.#schema === null ? schema : commonSchema(this.#schema, schema)
    this.#isLost = this.#schema === null
  }
}

function commonSchema(previous: Schema, next: Schema): Schema | null {
  if (previous.type === next.type) {
    // As the original: of two schemas of one type the later one wins, even where they differ in their parts.
    if (previous.isOptional === next.isOptional) return previous.isOptional ? previous : next
    return schemasEqual(previous, next) ? previous : null
  }
  const previousRank = numericOrder.indexOf(previous.type)
  const nextRank = numericOrder.indexOf(next.type)
  if (previousRank < 0 || nextRank < 0) return null
  return previousRank > nextRank ? previous : next
}

/** Converts an element to the common schema. @throws DataError where it cannot be, upon which the whole text is taken as a STRING. */
function convertTo(schema: Schema, value: unknown): unknown {
  if (value === null) throw new DataError('Unable to convert a null value to a schema that requires a value')
  switch (schema.name) {
    case DECIMAL_NAME:
      return toDecimal(schema, value)
    case DATE_NAME:
      return value instanceof Date ? value : dateFromDays(schema, Number(toLong(value)))
    case TIME_NAME:
      return value instanceof Date ? value : timeFromMs(schema, Number(toLong(value)))
    case TIMESTAMP_NAME:
      return value instanceof Date ? value : timestampFromMs(schema, toLong(value))
  }
  switch (schema.type) {
    case 'INT8':
    case 'INT16':
    case 'INT32':
    case 'INT64':
      return toLong(value)
    case 'FLOAT32':
      return Math.fround(Number(toNumber(value)))
    case 'FLOAT64':
      return Number(toNumber(value))
    default:
      return value
  }
}

function toDecimal(schema: Schema, value: unknown): Decimal {
  if (value instanceof Decimal) return value
  if (value instanceof Uint8Array) return decimalFromBytes(schema, value)
  throw cannotConvert(value)
}

function toLong(value: unknown): number | bigint {
  if (isInt64(value)) return value
  throw cannotConvert(value)
}

function toNumber(value: unknown): number | bigint {
  if (typeof value === 'number' || typeof value === 'bigint') return value
  throw cannotConvert(value)
}

function cannotConvert(value: unknown): DataError {
  return new DataError(`Unable to convert ${String(value)} (class ${javaClassOfValue(value)}) to a number`)
}

// Writing.

/**
 * The text of a value (Java's `Values.convertToString`), from which `parseString` finds it again as far as possible: strings as they are, but quoted in
 * arrays, maps and structs; bytes as base64; dates in the time zone of the process.
 * @throws DataError for values that are of no Connect type.
 */
export function convertToString(schema: Schema | null, value: unknown): string | null {
  return value === null || value === undefined ? null : textOf(schema, value, false)
}

function textOf(schema: Schema | null, value: unknown, isEmbedded: boolean): string {
  switch (typeof value) {
    case 'string':
      return isEmbedded ? quoted(value) : value
    case 'number':
      return numberText(schema, value)
    case 'bigint':
    case 'boolean':
      return String(value)
    case 'undefined':
      return 'null'
    case 'object':
      return value === null ? 'null' : objectText(schema, value, isEmbedded)
    default:
      throw unexpectedType(value)
  }
}

function numberText(schema: Schema | null, value: number): string {
  if (schema?.type === 'FLOAT32') return javaFloat(value)
  return schema?.type === 'FLOAT64' || !Number.isSafeInteger(value) ? javaDouble(value) : String(value)
}

function objectText(schema: Schema | null, value: object, isEmbedded: boolean): string {
  if (value instanceof Uint8Array) {
    const base64 = Buffer.from(value.buffer, value.byteOffset, value.length).toString('base64')
    return isEmbedded ? `"${base64}"` : base64
  }
  if (value instanceof Date) return temporalText(value)
  if (value instanceof Decimal || value instanceof Float64) return value.toString()
  if (Array.isArray(value)) return `[${value.map((element) => textOf(schema?.valueSchema ?? null, element, true)).join(',')}]`
  if (!isMapLike(value)) throw unexpectedType(value)
  const entries = schema?.type === 'STRUCT' ? fieldTexts(schema, value as Readonly<Record<string, unknown>>) : entryTexts(schema, value)
  return `{${entries.join(',')}}`
}

function fieldTexts(schema: Schema, struct: Readonly<Record<string, unknown>>): readonly string[] {
  return schema.fields.map(({ name, schema: fieldSchema }) => {
    const value = Object.hasOwn(struct, name) ? struct[name] : null
    return `${quoted(name)}:${textOf(fieldSchema, value ?? fieldSchema.defaultValue ?? null, true)}`
  })
}

function entryTexts(schema: Schema | null, map: ReadonlyMap<unknown, unknown> | Readonly<Record<string, unknown>>): readonly string[] {
  const keySchema = schema?.keySchema ?? null
  const valueSchema = schema?.valueSchema ?? null
  return Array.from(entriesOf(map), ([key, value]) => `${textOf(keySchema, key, true)}:${textOf(valueSchema, value, true)}`)
}

function quoted(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`
}

function unexpectedType(value: unknown): DataError {
  return new DataError(`Failed to serialize unexpected value type ${javaClassOfValue(value)}: ${String(value)}`)
}
