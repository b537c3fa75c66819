import { Decimal } from './decimal.ts'
import { Float64 } from './float64.ts'
import { javaDouble, javaFloat } from './java-number.ts'
import type { Schema } from './schema.ts'
import { JavaText } from './java-text.ts'
import { isMapLike } from './validate-value.ts'

/**
 * The text that Java's `String.valueOf` gives for a Connect value: `Struct{a=1,b=x}`, `{a=1, b=2}`, `[1, 2]`, doubles as `1.0E10`, null as `null`.
 * `schema` tells floats from integers and structs from maps; without one, numbers with a fraction or beyond the safe range are float64.
 * Where the original's hash order decides over a map's entries, ours keeps the order of insertion. Bytes, for which Java shows an object's address,
 * are shown as `[B@` and their length in hexadecimal.
 */
export function javaStringOf(value: unknown, schema: Schema | null = null): string {
  switch (typeof value) {
    case 'string':
      return value
    case 'number':
      return numberText(value, schema)
    case 'object':
      return value === null ? 'null' : objectText(value, schema)
    case 'undefined':
      return 'null'
    default:
      return String(value)
  }
}

function numberText(value: number, schema: Schema | null): string {
  if (schema !== null && schema.type === 'FLOAT32') return javaFloat(value)
  if (schema !== null && schema.type === 'FLOAT64') return javaDouble(value)
  // Integers of 32 bits and more take the shortest way.
  return Number.isSafeInteger(value) ? String(value) : javaDouble(value)
}

/** Null while it is in use: an object's own `toString` may ask for texts as well. */
let spareText: JavaText | null = new JavaText()

function objectText(value: object, schema: Schema | null): string {
  const text = spareText ?? new JavaText()
  spareText = null
  try {
    putObject(text, value, schema)
  } finally {
    spareText = text
  }
  return text.take()
}

function putValue(text: JavaText, value: unknown, schema: Schema | null): void {
  if (typeof value === 'string') text.put(value)
  else if (typeof value === 'number') putNumber(text, value, schema)
  else if (typeof value === 'object' && value !== null) putObject(text, value, schema)
  else text.put(javaStringOf(value, schema))
}

function putNumber(text: JavaText, value: number, schema: Schema | null): void {
  if (schema !== null && schema.type === 'FLOAT32') text.put(javaFloat(value))
  else if (Number.isSafeInteger(value) && schema?.type !== 'FLOAT64') text.putInteger(value)
  else text.putDouble(value)
}

function putObject(text: JavaText, value: object, schema: Schema | null): void {
  // What JSON is made of comes first: the questions after it are dearer.
  if (Object.getPrototypeOf(value) === Object.prototype) putPlainObject(text, value as Readonly<Record<string, unknown>>, schema)
  else if (Array.isArray(value)) putArray(text, value, schema)
  else if (value instanceof Map) putMap(text, value, schema)
  else if (value instanceof Uint8Array) text.put(`[B@${value.length.toString(16)}`)
  else if (value instanceof Date) text.put(javaDate(value))
  else if (value instanceof Decimal) text.put(value.toString())
  else if (value instanceof Float64) text.put(schema?.type === 'FLOAT32' ? javaFloat(value.value) : value.toString())
  else if (isMapLike(value)) putPlainObject(text, value as Readonly<Record<string, unknown>>, schema)
  else text.put(String(value))
}

function putArray(text: JavaText, value: readonly unknown[], schema: Schema | null): void {
  const elementSchema = schema?.valueSchema ?? null
  text.put('[')
  for (let index = 0; index < value.length; index++) {
    if (index > 0) text.put(', ')
    putValue(text, value[index], elementSchema)
  }
  text.put(']')
}

function putPlainObject(text: JavaText, value: Readonly<Record<string, unknown>>, schema: Schema | null): void {
  if (schema?.type === 'STRUCT') return putStruct(text, value, schema)
  const valueSchema = schema?.valueSchema ?? null
  let opening = '{'
  for (const key in value) {
    text.put(opening)
    text.put(key)
    text.put('=')
    putValue(text, value[key], valueSchema)
    opening = ', '
  }
  text.put(opening === '{' ? '{}' : '}')
}

function putMap(text: JavaText, value: ReadonlyMap<unknown, unknown>, schema: Schema | null): void {
  const keySchema = schema?.keySchema ?? null
  const valueSchema = schema?.valueSchema ?? null
  let opening = '{'
  for (const [key, element] of value) {
    text.put(opening)
    putValue(text, key, keySchema)
    text.put('=')
    putValue(text, element, valueSchema)
    opening = ', '
  }
  text.put(opening === '{' ? '{}' : '}')
}

function putStruct(text: JavaText, value: Readonly<Record<string, unknown>>, schema: Schema): void {
  let opening = 'Struct{'
  for (const field of schema.fields) {
    const fieldValue = value[field.name]
    if (fieldValue === null || fieldValue === undefined) continue
    text.put(opening)
    text.put(field.name)
    text.put('=')
    putValue(text, fieldValue, field.schema)
    opening = ','
  }
  text.put(opening === 'Struct{' ? 'Struct{}' : '}')
}

const weekdays = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'] as const
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const

/** `java.util.Date.toString` in the process's time zone: `Fri Aug 23 00:00:00 UTC 2019`. */
function javaDate(date: Date): string {
  if (Number.isNaN(date.getTime())) return 'Invalid Date'
  const two = (value: number): string => String(value).padStart(2, '0')
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
  return `${weekdays[date.getDay()]} ${months[date.getMonth()]} ${two(date.getDate())} ${time} ${zoneName(date)} ${date.getFullYear()}`
}

function zoneName(date: Date): string {
  if (date.getTimezoneOffset() === 0) return 'UTC'
  const parts = new Intl.DateTimeFormat('en-US', { timeZoneName: 'short' }).formatToParts(date)
  return parts.find((part) => part.type === 'timeZoneName')?.value ?? 'UTC'
}
