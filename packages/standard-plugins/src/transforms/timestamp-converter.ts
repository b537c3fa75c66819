import {
  ConfigDef,
  ConfigError,
  ConnectError,
  type ConnectRecord,
  DataError,
  DATE_NAME,
  DateSchema,
  dateSchemaBuilder,
  int64Of,
  isInt64,
  javaClassOfValue,
  type Properties,
  type Schema,
  Schemas,
  TIME_NAME,
  TIMESTAMP_NAME,
  TimeSchema,
  TimestampSchema,
  timeSchemaBuilder,
  timestampSchemaBuilder,
  type Transformation,
  validString,
} from '@millrace/api'
import { memberOf, requireMap, withMembers } from './maps.ts'
import { nullReplacementKey } from './null-replacement.ts'
import { keySide, type RecordSide, valueSide } from './record-side.ts'
import { SimpleDateFormat } from './simple-date-format.ts'
import { fieldOf, likeStruct, requireStruct, type Struct, structOf } from './structs.ts'
import { UpdatedSchemas } from './updated-schemas.ts'

const PURPOSE = 'converting timestamp formats'
const MS_PER_DAY = 86_400_000

type TimestampType = 'string' | 'unix' | 'Date' | 'Time' | 'Timestamp'
type Precision = 'seconds' | 'milliseconds' | 'microseconds' | 'nanoseconds'

const config = new ConfigDef()
  .define('field', { type: 'STRING', default: '', importance: 'HIGH', documentation: 'The field that holds the timestamp; empty: the whole value is one.' })
  .define('target.type', {
    type: 'STRING',
    importance: 'HIGH',
    documentation: 'What to turn it into.',
    validator: validString.in('string', 'unix', 'Date', 'Time', 'Timestamp'),
  })
  .define('format', {
    type: 'STRING',
    default: '',
    importance: 'MEDIUM',
    documentation: 'Pattern of timestamps that are text, as of `java.text.SimpleDateFormat`, in UTC; for writing and for reading.',
  })
  .define('unix.precision', {
    type: 'STRING',
    default: 'milliseconds',
    importance: 'LOW',
    documentation: 'What numbers count since the epoch, read or written. What is below a millisecond gets lost.',
    validator: validString.in('nanoseconds', 'microseconds', 'milliseconds', 'seconds'),
  })
  .define('replace.null.with.default', nullReplacementKey)

/** Turns a timestamp of one form into one of another (`org.apache.kafka.connect.transforms.TimestampConverter`). */
class TimestampConverter<R extends ConnectRecord> implements Transformation<R> {
  readonly #side: RecordSide
  readonly #schemas = new UpdatedSchemas((schema) => this.#updatedSchema(schema))
  #field = ''
  #target: TimestampType = 'Timestamp'
  #format: SimpleDateFormat | null = null
  #precision: Precision = 'milliseconds'
  #isNullReplaced = true

  constructor(side: RecordSide) {
    this.#side = side
  }

  config(): ConfigDef {
    return config
  }

  configure(properties: Properties): void {
    const parsed = config.parse(properties)
    this.#field = parsed.field
    this.#target = parsed['target.type'] as TimestampType
    this.#precision = parsed['unix.precision'] as Precision
    this.#isNullReplaced = parsed['replace.null.with.default']
    const isBlank = parsed.format.trim() === ''
    if (this.#target === 'string' && isBlank) {
      throw new ConfigError('TimestampConverter requires format option to be specified when using string timestamps', { key: 'format' })
    }
    this.#format = isBlank ? null : formatOf(parsed.format)
  }

  apply(record: R): R {
    const schema = this.#side.schemaOf(record)
    const value = this.#side.valueOf(record) ?? null
    return schema === null ? this.#applySchemaless(record, value) : this.#applyWithSchema(record, schema, value)
  }

  #applySchemaless(record: R, value: unknown): R {
    if (value === null || this.#field === '') return this.#side.replace(record, null, this.#converted(value, typeOfValue))
    const map = requireMap(value, PURPOSE)
    return this.#side.replace(record, null, withMembers(map, [[this.#field, this.#converted(memberOf(map, this.#field), typeOfValue)]]))
  }

  #applyWithSchema(record: R, schema: Schema, value: unknown): R {
    if (this.#field === '')
      return this.#side.replace(
        record,
        schemaOf(this.#target, schema.isOptional),
        this.#converted(value, () => typeOfSchema(schema)),
      )
    const struct = value === null ? null : requireStruct(schema, value, PURPOSE)
    const updated = this.#schemas.of(schema)
    return this.#side.replace(record, updated, struct === null ? null : this.#updatedStruct(schema, struct))
  }

  #updatedStruct(schema: Schema, struct: Struct): Struct {
    const entries = schema.fields.map((field) => {
      const member = fieldOf(struct, field, this.#isNullReplaced)
      return [field.name, field.name === this.#field ? this.#converted(member, () => typeOfSchema(field.schema)) : member] as const
    })
    return structOf(entries)
  }

  #updatedSchema(schema: Schema): Schema {
    const builder = likeStruct(schema)
    for (const field of schema.fields) {
      builder.field(field.name, field.name === this.#field ? schemaOf(this.#target, field.schema.isOptional) : field.schema)
    }
    if (schema.isOptional) builder.optional()
    if (schema.defaultValue !== undefined) builder.defaultValue(this.#updatedStruct(schema, requireStruct(schema, schema.defaultValue, PURPOSE)))
    return builder.build()
  }

  #converted(value: unknown, typeOf: (value: unknown) => TimestampType): unknown {
    if (value === null) return null
    const instant = this.#instantOf(typeOf(value), value)
    switch (this.#target) {
      case 'string':
        return (this.#format as SimpleDateFormat).format(instant)
      case 'unix':
        return unixOf(instant, this.#precision)
      case 'Date':
        return new Date(Math.floor(instant.getTime() / MS_PER_DAY) * MS_PER_DAY)
      case 'Time':
        return new Date(instant.getTime() - Math.floor(instant.getTime() / MS_PER_DAY) * MS_PER_DAY)
      case 'Timestamp':
        return instant
    }
  }

  #instantOf(type: TimestampType, value: unknown): Date {
    if (type === 'string') return this.#parsed(value)
    if (type === 'unix') {
      if (!isInt64(value)) throw new DataError(`Expected Unix timestamp to be a Long, but found class ${javaClassOfValue(value)}`)
      return dateOfUnix(value, this.#precision)
    }
    if (value instanceof Date) return value
    throw new DataError(`Expected ${type} to be a java.util.Date, but found class ${javaClassOfValue(value)}`)
  }

  #parsed(value: unknown): Date {
    if (typeof value !== 'string') throw new DataError(`Expected string timestamp to be a String, but found class ${javaClassOfValue(value)}`)
    if (this.#format === null) {
      throw new ConfigError(`The timestamp is text (${value}): TimestampConverter needs the option "format" to read it.`, { key: 'format' })
    }
    const date = this.#format.parse(value)
    if (date === null) throw new DataError(`Could not parse timestamp: value (${value}) does not match pattern (${this.#format.pattern})`)
    return date
  }
}

export class TimestampConverterKey<R extends ConnectRecord> extends TimestampConverter<R> {
  constructor() {
    super(keySide)
  }
}

export class TimestampConverterValue<R extends ConnectRecord> extends TimestampConverter<R> {
  constructor() {
    super(valueSide)
  }
}

function formatOf(pattern: string): SimpleDateFormat {
  try {
    return new SimpleDateFormat(pattern)
  } catch (cause) {
    throw new ConfigError(`TimestampConverter requires a SimpleDateFormat-compatible pattern for string timestamps: ${pattern}`, { key: 'format', cause })
  }
}

const REQUIRED: Readonly<Record<TimestampType, Schema>> = {
  string: Schemas.STRING,
  unix: Schemas.INT64,
  Date: DateSchema,
  Time: TimeSchema,
  Timestamp: TimestampSchema,
}

const OPTIONAL: Readonly<Record<TimestampType, Schema>> = {
  string: Schemas.OPTIONAL_STRING,
  unix: Schemas.OPTIONAL_INT64,
  Date: dateSchemaBuilder().optional().build(),
  Time: timeSchemaBuilder().optional().build(),
  Timestamp: timestampSchemaBuilder().optional().build(),
}

function schemaOf(type: TimestampType, isOptional: boolean): Schema {
  return (isOptional ? OPTIONAL : REQUIRED)[type]
}

function typeOfSchema(schema: Schema): TimestampType {
  if (schema.name === TIMESTAMP_NAME) return 'Timestamp'
  if (schema.name === DATE_NAME) return 'Date'
  if (schema.name === TIME_NAME) return 'Time'
  if (schema.type === 'STRING') return 'string'
  if (schema.type === 'INT64') return 'unix'
  throw new ConnectError(`Schema ${String(schema)} does not correspond to a known timestamp type format`)
}

/** Date, Time and Timestamp look alike without schema. */
function typeOfValue(value: unknown): TimestampType {
  if (value instanceof Date) return 'Timestamp'
  if (isInt64(value)) return 'unix'
  if (typeof value === 'string') return 'string'
  throw new DataError(`TimestampConverter does not support class ${javaClassOfValue(value)} objects as timestamps`)
}

/** How many units of a precision a millisecond has, or the other way round for seconds. */
const UNITS_PER_MS: Readonly<Record<Exclude<Precision, 'seconds'>, bigint>> = { milliseconds: 1n, microseconds: 1000n, nanoseconds: 1_000_000n }

function dateOfUnix(value: number | bigint, precision: Precision): Date {
  if (precision === 'milliseconds' && typeof value === 'number') return new Date(value)
  const units = BigInt(value)
  const epochMs = Number(precision === 'seconds' ? units * 1000n : units / UNITS_PER_MS[precision])
  if (Number.isNaN(new Date(epochMs).getTime())) throw new DataError(`The timestamp ${value} (${precision} since the epoch) is out of range`)
  return new Date(epochMs)
}

function unixOf(instant: Date, precision: Precision): number | bigint {
  const epochMs = instant.getTime()
  if (precision === 'milliseconds') return epochMs
  return precision === 'seconds' ? Math.trunc(epochMs / 1000) : saturated(BigInt(epochMs) * UNITS_PER_MS[precision])
}

/** As `java.util.concurrent.TimeUnit` converts: what is beyond int64 becomes its last value. */
function saturated(value: bigint): number | bigint {
  const max = 2n ** 63n - 1n
  return int64Of(value > max ? max : value < -max - 1n ? -max - 1n : value)
}
