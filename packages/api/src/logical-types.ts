import { Decimal } from './decimal.ts'
import { DataError } from './errors.ts'
import { int64Of } from './int64.ts'
import type { Schema } from './schema.ts'
import { SchemaBuilder } from './schema-builder.ts'

export const DECIMAL_NAME = 'org.apache.kafka.connect.data.Decimal'
export const DATE_NAME = 'org.apache.kafka.connect.data.Date'
export const TIME_NAME = 'org.apache.kafka.connect.data.Time'
export const TIMESTAMP_NAME = 'org.apache.kafka.connect.data.Timestamp'

const MS_PER_DAY = 86_400_000

/** For `Decimal` values of exactly this scale; BYTES underneath. One object per scale. */
export function DecimalSchema(scale: number): Schema {
  let schema = decimalSchemas.get(scale)
  if (schema === undefined) {
    schema = decimalSchemaBuilder(scale).build()
    if (decimalSchemas.size < 100) decimalSchemas.set(scale, schema)
  }
  return schema
}

const decimalSchemas = new Map<number, Schema>()

/** To describe a Decimal that is optional, has a default or documentation. */
export function decimalSchemaBuilder(scale: number): SchemaBuilder {
  return SchemaBuilder.bytes().name(DECIMAL_NAME).parameter('scale', String(scale)).version(1)
}

export function dateSchemaBuilder(): SchemaBuilder {
  return SchemaBuilder.int32().name(DATE_NAME).version(1)
}

export function timeSchemaBuilder(): SchemaBuilder {
  return SchemaBuilder.int32().name(TIME_NAME).version(1)
}

export function timestampSchemaBuilder(): SchemaBuilder {
  return SchemaBuilder.int64().name(TIMESTAMP_NAME).version(1)
}

/** A day, as a `Date` at midnight UTC; INT32 days since the epoch underneath. */
export const DateSchema = dateSchemaBuilder().build()
/** A time of day, as a `Date` on 1970-01-01 UTC; INT32 milliseconds since midnight underneath. */
export const TimeSchema = timeSchemaBuilder().build()
/** An instant, as a `Date`; INT64 milliseconds since the epoch underneath. */
export const TimestampSchema = timestampSchemaBuilder().build()

/** @throws DataError where the scale of `value` is not the schema's. */
export function decimalToBytes(schema: Schema, value: Decimal): Buffer {
  const scale = scaleOf(schema)
  if (value.scale !== scale) {
    throw new DataError(`Decimal value has mismatching scale for given Decimal schema. Schema has scale ${scale}, value has scale ${value.scale}.`)
  }
  return value.toBytes()
}

export function decimalFromBytes(schema: Schema, bytes: Uint8Array): Decimal {
  return Decimal.fromBytes(bytes, scaleOf(schema))
}

function scaleOf(schema: Schema): number {
  const scale = schema.parameters?.get('scale')
  if (scale === undefined) throw new DataError('Invalid Decimal schema: scale parameter not found.')
  if (!/^[+-]?\d{1,10}$/.test(scale)) throw new DataError('Invalid scale parameter found in Decimal schema: ')
  return Number(scale)
}

/** @returns days since the epoch. @throws DataError where `value` has a time of day. */
export function dateToDays(schema: Schema, value: Date): number {
  checkName(schema, DATE_NAME, 'Date')
  const days = value.getTime() / MS_PER_DAY
  if (!Number.isInteger(days)) throw new DataError('Kafka Connect Date type should not have any time fields set to non-zero values.')
  return days | 0
}

export function dateFromDays(schema: Schema, days: number): Date {
  checkName(schema, DATE_NAME, 'Date')
  return new Date(days * MS_PER_DAY)
}

/** @returns milliseconds since midnight, 86,400,000 included. @throws DataError where `value` is on another day than 1970-01-01. */
export function timeToMs(schema: Schema, value: Date): number {
  checkName(schema, TIME_NAME, 'Time')
  const timeMs = value.getTime()
  if (!(timeMs >= 0 && timeMs <= MS_PER_DAY)) {
    throw new DataError('Kafka Connect Time type should not have any date fields set to non-zero values.')
  }
  return timeMs
}

export function timeFromMs(schema: Schema, timeMs: number): Date {
  checkName(schema, TIME_NAME, 'Date')
  if (timeMs < 0 || timeMs > MS_PER_DAY) {
    throw new DataError('Time values must use number of milliseconds greater than 0 and less than 86400000')
  }
  return new Date(timeMs)
}

/** @returns milliseconds since the epoch. @throws DataError where `value` is an invalid Date. */
export function timestampToMs(schema: Schema, value: Date): number {
  checkName(schema, TIMESTAMP_NAME, 'Timestamp')
  const timeMs = value.getTime()
  if (Number.isNaN(timeMs)) throw new DataError('Timestamp is an invalid Date.')
  return timeMs
}

/** @throws DataError beyond what a `Date` can hold, 8.64e15 ms either side of 1970 (the year 275760). */
export function timestampFromMs(schema: Schema, timeMs: number | bigint): Date {
  checkName(schema, TIMESTAMP_NAME, 'Timestamp')
  const date = new Date(Number(timeMs))
  if (Number.isNaN(date.getTime())) throw new DataError(`Timestamp ${typeof timeMs === 'bigint' ? int64Of(timeMs) : timeMs} is out of range.`)
  return date
}

function checkName(schema: Schema, name: string, type: string): void {
  if (schema.name !== name) throw new DataError(`Requested conversion of ${type} object but the schema does not match.`)
}
