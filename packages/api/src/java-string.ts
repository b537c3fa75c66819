import { Decimal } from './decimal.ts'
import { Float64 } from './float64.ts'
import { javaDouble, javaFloat } from './java-number.ts'
import type { Schema } from './schema.ts'
import { entriesOf, isMapLike } from './validate-value.ts'

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

function objectText(value: object, schema: Schema | null): string {
  if (Array.isArray(value)) return arrayText(value, schema)
  if (value instanceof Uint8Array) return `[B@${value.length.toString(16)}`
  if (value instanceof Date) return javaDate(value)
  if (value instanceof Decimal) return value.toString()
  if (value instanceof Float64) return schema?.type === 'FLOAT32' ? javaFloat(value.value) : value.toString()
  if (!isMapLike(value)) return String(value)
  return schema?.type === 'STRUCT' ? structText(value as Readonly<Record<string, unknown>>, schema) : mapText(value, schema)
}

function arrayText(value: readonly unknown[], schema: Schema | null): string {
  const elementSchema = schema?.valueSchema ?? null
  let text = '['
  for (let index = 0; index < value.length; index++) text += (index === 0 ? '' : ', ') + javaStringOf(value[index], elementSchema)
  return `${text}]`
}

function mapText(value: ReadonlyMap<unknown, unknown> | Readonly<Record<string, unknown>>, schema: Schema | null): string {
  const keySchema = schema?.keySchema ?? null
  const valueSchema = schema?.valueSchema ?? null
  let text = '{'
  let separator = ''
  if (value instanceof Map) {
    for (const [key, element] of entriesOf(value)) {
      text += `${separator}${javaStringOf(key, keySchema)}=${javaStringOf(element, valueSchema)}`
      separator = ', '
    }
  } else {
    const object = value as Readonly<Record<string, unknown>>
    for (const key in object) {
      text += separator + key + '=' + javaStringOf(object[key], valueSchema)
      separator = ', '
    }
  }
  return `${text}}`
}

function structText(value: Readonly<Record<string, unknown>>, schema: Schema): string {
  let text = 'Struct{'
  let separator = ''
  for (const field of schema.fields) {
    const fieldValue = value[field.name]
    if (fieldValue === null || fieldValue === undefined) continue
    text += `${separator}${field.name}=${javaStringOf(fieldValue, field.schema)}`
    separator = ','
  }
  return `${text}}`
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
