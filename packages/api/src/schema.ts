import { valuesEqual } from './values-equal.ts'

export type SchemaType = 'INT8' | 'INT16' | 'INT32' | 'INT64' | 'FLOAT32' | 'FLOAT64' | 'BOOLEAN' | 'STRING' | 'BYTES' | 'ARRAY' | 'MAP' | 'STRUCT'

/**
 * Describes a value (`org.apache.kafka.connect.data.Schema`). Immutable; made with `SchemaBuilder`.
 * Keep and reuse one object per description: converters compile a schema once and recognise it by identity.
 *
 * How values look: integers up to 32 bit and floats are `number`; INT64 a `number`, or a `bigint` beyond the safe range; BYTES a `Uint8Array`;
 * ARRAY an array; MAP a `Map`, or a plain object where keys are strings; STRUCT a plain object; logical types as in `logical-types.ts`.
 */
export interface Schema {
  readonly type: SchemaType
  /** Whether null is a value. */
  readonly isOptional: boolean
  /** Stands in for null. `undefined`: none. */
  readonly defaultValue: unknown
  /** Names a logical type or a struct; null where there is none. */
  readonly name: string | null
  readonly version: number | null
  readonly doc: string | null
  /** Further properties of a logical type, in the order in which they were added; null where there are none. */
  readonly parameters: ReadonlyMap<string, string> | null
  /** Fields of a STRUCT in their order; empty for other types. */
  readonly fields: readonly Field[]
  /** Of a MAP, else null. */
  readonly keySchema: Schema | null
  /** Of a MAP or ARRAY, else null. */
  readonly valueSchema: Schema | null
  /** A STRUCT's field by name; null where there is none. */
  field(name: string): Field | null
}

export interface Field {
  readonly name: string
  /** Position in the struct, from 0. */
  readonly index: number
  readonly schema: Schema
}

export interface SchemaAndValue {
  /** Null for values without schema. */
  readonly schema: Schema | null
  readonly value: unknown
}

/** What a tombstone is read as. */
export const NULL_SCHEMA_AND_VALUE: SchemaAndValue = { schema: null, value: null }

export interface SchemaParts {
  readonly type: SchemaType
  readonly isOptional: boolean
  readonly defaultValue: unknown
  readonly name: string | null
  readonly version: number | null
  readonly doc: string | null
  readonly parameters: ReadonlyMap<string, string> | null
  readonly fields: readonly Field[]
  readonly keySchema: Schema | null
  readonly valueSchema: Schema | null
}

/** The only implementation of `Schema`. */
export class ConnectSchema implements Schema {
  readonly type: SchemaType
  readonly isOptional: boolean
  readonly defaultValue: unknown
  readonly name: string | null
  readonly version: number | null
  readonly doc: string | null
  readonly parameters: ReadonlyMap<string, string> | null
  readonly fields: readonly Field[]
  readonly keySchema: Schema | null
  readonly valueSchema: Schema | null
  readonly #fieldsByName: ReadonlyMap<string, Field>

  constructor(parts: SchemaParts) {
    this.type = parts.type
    this.isOptional = parts.isOptional
    this.defaultValue = parts.defaultValue
    this.name = parts.name
    this.version = parts.version
    this.doc = parts.doc
    this.parameters = parts.parameters
    this.fields = parts.fields
    this.keySchema = parts.keySchema
    this.valueSchema = parts.valueSchema
    this.#fieldsByName = new Map(parts.fields.map((field) => [field.name, field]))
  }

  field(name: string): Field | null {
    return this.#fieldsByName.get(name) ?? null
  }

  toString(): string {
    return this.name === null ? `Schema{${this.type}}` : `Schema{${this.name}:${this.type}}`
  }
}

/** Whether two schemas describe the same, documentation, defaults and parameters included. Two nulls are equal. */
export function schemasEqual(a: Schema | null, b: Schema | null): boolean {
  if (a === b) return true
  if (a === null || b === null) return false
  return (
    a.type === b.type &&
    a.isOptional === b.isOptional &&
    a.name === b.name &&
    a.version === b.version &&
    a.doc === b.doc &&
    parametersEqual(a.parameters, b.parameters) &&
    valuesEqual(a.defaultValue, b.defaultValue) &&
    fieldsEqual(a.fields, b.fields) &&
    schemasEqual(a.keySchema, b.keySchema) &&
    schemasEqual(a.valueSchema, b.valueSchema)
  )
}

/** Whether two sets of parameters hold the same, in whatever order. */
export function parametersEqual(a: ReadonlyMap<string, string> | null, b: ReadonlyMap<string, string> | null): boolean {
  if (a === b) return true
  if (a === null || b === null || a.size !== b.size) return false
  for (const [key, value] of a) if (b.get(key) !== value) return false
  return true
}

function fieldsEqual(a: readonly Field[], b: readonly Field[]): boolean {
  if (a.length !== b.length) return false
  return a.every((field, index) => {
    const other = b[index] as Field
    return field.name === other.name && schemasEqual(field.schema, other.schema)
  })
}
