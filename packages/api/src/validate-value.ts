import { Decimal } from './decimal.ts'
import { DataError } from './errors.ts'
import { Float64 } from './float64.ts'
import { isInt64 } from './int64.ts'
import { javaClassOfValue } from './java-class-of-value.ts'
import type { Schema } from './schema.ts'

type Check = (value: unknown) => boolean

/**
 * Checks that `value` is one of `schema`, all that it contains included. Compiled once per schema object.
 * `field` names the value in the message. A struct's missing or null fields are fine where they are optional or have a default.
 *
 * @throws DataError that says what is wrong and where.
 */
export function validateValue(schema: Schema, value: unknown, field?: string): void {
  if (!isValidValue(schema, value)) throwMismatch(schema, value, field === undefined ? 'value' : `field: "${field}"`)
}

/** Whether `value` is one of `schema`. */
export function isValidValue(schema: Schema, value: unknown): boolean {
  let check = compiled.get(schema)
  if (check === undefined) {
    check = compile(schema)
    compiled.set(schema, check)
  }
  return check(value)
}

const compiled = new WeakMap<Schema, Check>()

function compile(schema: Schema): Check {
  const check = compileNonNull(schema)
  const { isOptional } = schema
  return (value) => (value === null || value === undefined ? isOptional : check(value))
}

function compileNonNull(schema: Schema): Check {
  const logical = logicalChecks[schema.name ?? '']
  if (logical !== undefined) return logical
  switch (schema.type) {
    case 'INT8':
      return (value) => isIntegerWithin(value, -0x80, 0x7f)
    case 'INT16':
      return (value) => isIntegerWithin(value, -0x8000, 0x7fff)
    case 'INT32':
      return (value) => isIntegerWithin(value, -0x80000000, 0x7fffffff)
    case 'INT64':
      return isInt64
    case 'FLOAT32':
    case 'FLOAT64':
      return (value) => typeof value === 'number' || value instanceof Float64
    case 'BOOLEAN':
      return (value) => typeof value === 'boolean'
    case 'STRING':
      return (value) => typeof value === 'string'
    case 'BYTES':
      return (value) => value instanceof Uint8Array
    case 'ARRAY':
      return arrayCheck(schema)
    case 'MAP':
      return mapCheck(schema)
    case 'STRUCT':
      return structCheck(schema)
  }
}

const isDate: Check = (value) => value instanceof Date

const logicalChecks: Readonly<Record<string, Check>> = {
  __proto__: null as never,
  'org.apache.kafka.connect.data.Decimal': (value) => value instanceof Decimal,
  'org.apache.kafka.connect.data.Date': isDate,
  'org.apache.kafka.connect.data.Time': isDate,
  'org.apache.kafka.connect.data.Timestamp': isDate,
}

function isIntegerWithin(value: unknown, min: number, max: number): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max
}

function arrayCheck({ valueSchema }: Schema): Check {
  return (value) => Array.isArray(value) && valueSchema !== null && value.every((element) => isValidValue(valueSchema, element))
}

function mapCheck({ keySchema, valueSchema }: Schema): Check {
  return (value) => {
    if (!isMapLike(value) || keySchema === null || valueSchema === null) return false
    for (const [key, element] of entriesOf(value)) {
      if (!isValidValue(keySchema, key) || !isValidValue(valueSchema, element)) return false
    }
    return true
  }
}

function structCheck(schema: Schema): Check {
  return (value) => {
    if (!isPlainObject(value)) return false
    for (const { name, schema: fieldSchema } of schema.fields) {
      const fieldValue = Object.hasOwn(value, name) ? value[name] : null
      const isNull = fieldValue === null || fieldValue === undefined
      if (!(isNull && fieldSchema.defaultValue !== undefined) && !isValidValue(fieldSchema, fieldValue)) return false
    }
    return Object.keys(value).every((name) => schema.field(name) !== null)
  }
}

/** Whether `value` can stand for a MAP. */
export function isMapLike(value: unknown): value is ReadonlyMap<unknown, unknown> | Readonly<Record<string, unknown>> {
  return value instanceof Map || isPlainObject(value)
}

/** Whether `value` can stand for a STRUCT, or for a MAP with string keys. */
export function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

/** The entries of a MAP in whichever form it has, in order. */
export function entriesOf(map: ReadonlyMap<unknown, unknown> | Readonly<Record<string, unknown>>): Iterable<[unknown, unknown]> {
  return map instanceof Map ? map : Object.entries(map)
}

/** Finds the first part of `value` that does not fit, the way that the original looks for it. */
function throwMismatch(schema: Schema, value: unknown, location: string): void {
  if (isValidValue(schema, value)) return
  if (value === null || value === undefined) {
    throw new DataError(`Invalid value: null used for required ${location}, schema type: ${schema.type}`)
  }
  if (schema.type === 'ARRAY' && Array.isArray(value)) {
    const elementSchema = schemaOf(schema.valueSchema, `element of array ${location}`)
    for (const element of value) throwMismatch(elementSchema, element, `element of array ${location}`)
  } else if (schema.type === 'MAP' && isMapLike(value)) {
    const keySchema = schemaOf(schema.keySchema, `key of map ${location}`)
    const valueSchema = schemaOf(schema.valueSchema, `value of map ${location}`)
    for (const [key, element] of entriesOf(value)) {
      throwMismatch(keySchema, key, `key of map ${location}`)
      throwMismatch(valueSchema, element, `value of map ${location}`)
    }
  } else if (schema.type === 'STRUCT' && isPlainObject(value)) {
    for (const name of Object.keys(value)) if (schema.field(name) === null) throw new DataError(`${name} is not a valid field name`)
    for (const field of schema.fields) {
      const fieldValue = value[field.name] ?? null
      if (fieldValue !== null || field.schema.defaultValue === undefined) throwMismatch(field.schema, fieldValue, `field: "${field.name}"`)
    }
  }
  const name = schema.name === null ? '' : ` "${schema.name}"`
  throw new DataError(`Invalid Java object for schema${name} with type ${schema.type}: class ${javaClassOfValue(value)} for ${location}`)
}

function schemaOf(schema: Schema | null, location: string): Schema {
  if (schema === null) throw new DataError(`No schema defined for ${location}`)
  return schema
}
