import { SchemaBuilderError } from './errors.ts'
import { ConnectSchema, type Field, type Schema, type SchemaType } from './schema.ts'
import { validateValue } from './validate-value.ts'

/**
 * Describes a schema step by step (`org.apache.kafka.connect.data.SchemaBuilder`). Each property may be set once.
 *
 *     const order = SchemaBuilder.struct().name('com.example.Order').field('id', Schemas.INT64).field('note', Schemas.OPTIONAL_STRING).build()
 *
 * @throws SchemaBuilderError where a property is set twice, a field's name repeats or a default does not fit.
 */
export class SchemaBuilder {
  readonly #type: SchemaType
  readonly #keySchema: Schema | null
  readonly #valueSchema: Schema | null
  readonly #fields = new Map<string, Field>()
  #isOptional: boolean | undefined
  #defaultValue: unknown
  #name: string | null = null
  #version: number | null = null
  #doc: string | null = null
  #parameters: Map<string, string> | null = null

  private constructor(type: SchemaType, keySchema: Schema | null, valueSchema: Schema | null) {
    this.#type = type
    this.#keySchema = keySchema
    this.#valueSchema = valueSchema
  }

  static int8(): SchemaBuilder {
    return new SchemaBuilder('INT8', null, null)
  }
  static int16(): SchemaBuilder {
    return new SchemaBuilder('INT16', null, null)
  }
  static int32(): SchemaBuilder {
    return new SchemaBuilder('INT32', null, null)
  }
  static int64(): SchemaBuilder {
    return new SchemaBuilder('INT64', null, null)
  }
  static float32(): SchemaBuilder {
    return new SchemaBuilder('FLOAT32', null, null)
  }
  static float64(): SchemaBuilder {
    return new SchemaBuilder('FLOAT64', null, null)
  }
  static boolean(): SchemaBuilder {
    return new SchemaBuilder('BOOLEAN', null, null)
  }
  static string(): SchemaBuilder {
    return new SchemaBuilder('STRING', null, null)
  }
  static bytes(): SchemaBuilder {
    return new SchemaBuilder('BYTES', null, null)
  }
  static struct(): SchemaBuilder {
    return new SchemaBuilder('STRUCT', null, null)
  }
  /** `valueSchema` is null only in schemas inferred from text, where elements have no common type. */
  static array(valueSchema: Schema | null): SchemaBuilder {
    return new SchemaBuilder('ARRAY', null, valueSchema)
  }
  /** Either schema is null only in schemas inferred from text, where keys or values have no common type. */
  static map(keySchema: Schema | null, valueSchema: Schema | null): SchemaBuilder {
    return new SchemaBuilder('MAP', keySchema, valueSchema)
  }
  /** A builder for a type that is known only at run time and is neither ARRAY nor MAP. */
  static ofType(type: Exclude<SchemaType, 'ARRAY' | 'MAP'>): SchemaBuilder {
    return new SchemaBuilder(type, null, null)
  }

  /** Null is a value. */
  optional(): this {
    this.#checkUnset('optional', this.#isOptional, true)
    this.#isOptional = true
    return this
  }

  /** Null is no value; so it is without a call, too. */
  required(): this {
    this.#checkUnset('optional', this.#isOptional, false)
    this.#isOptional = false
    return this
  }

  /** Stands in for null. May be given before `optional`. */
  defaultValue(value: unknown): this {
    this.#checkUnset('default', this.#defaultValue, value)
    try {
      validateValue(this.build(), value)
    } catch (error) {
      throw new SchemaBuilderError('Invalid default value', { cause: error })
    }
    this.#defaultValue = value ?? undefined
    return this
  }

  name(name: string): this {
    this.#checkUnset('name', this.#name, name)
    this.#name = name
    return this
  }

  version(version: number): this {
    this.#checkUnset('version', this.#version, version)
    this.#version = version
    return this
  }

  doc(doc: string): this {
    this.#checkUnset('doc', this.#doc, doc)
    this.#doc = doc
    return this
  }

  /** Adds a property of a logical type; a repeated one replaces its value. */
  parameter(name: string, value: string): this {
    this.#parameters ??= new Map()
    this.#parameters.set(name, value)
    return this
  }

  parameters(parameters: ReadonlyMap<string, string>): this {
    for (const [name, value] of parameters) this.parameter(name, value)
    return this
  }

  field(name: string, schema: Schema): this {
    if (this.#type !== 'STRUCT') throw new SchemaBuilderError(`Cannot create fields on type ${this.#type}`)
    if (!name) throw new SchemaBuilderError('fieldName cannot be null.')
    if (!schema) throw new SchemaBuilderError(`fieldSchema for field ${name} cannot be null.`)
    if (this.#fields.has(name)) throw new SchemaBuilderError(`Cannot create field because of field name duplication ${name}`)
    this.#fields.set(name, { name, index: this.#fields.size, schema })
    return this
  }

  build(): Schema {
    return new ConnectSchema({
      type: this.#type,
      isOptional: this.#isOptional ?? false,
      defaultValue: this.#defaultValue,
      name: this.#name,
      version: this.#version,
      doc: this.#doc,
      parameters: this.#parameters === null ? null : new Map(this.#parameters),
      fields: [...this.#fields.values()],
      keySchema: this.#keySchema,
      valueSchema: this.#valueSchema,
    })
  }

  #checkUnset(property: string, current: unknown, wanted: unknown): void {
    if (current !== undefined && current !== null && current !== wanted) {
      throw new SchemaBuilderError(`Invalid SchemaBuilder call: ${property} has already been set.`)
    }
  }
}

/** Ready-made schemas without name; use these instead of building equal ones, so that what is compiled for them is shared. */
export const Schemas = {
  INT8: SchemaBuilder.int8().build(),
  INT16: SchemaBuilder.int16().build(),
  INT32: SchemaBuilder.int32().build(),
  INT64: SchemaBuilder.int64().build(),
  FLOAT32: SchemaBuilder.float32().build(),
  FLOAT64: SchemaBuilder.float64().build(),
  BOOLEAN: SchemaBuilder.boolean().build(),
  STRING: SchemaBuilder.string().build(),
  BYTES: SchemaBuilder.bytes().build(),
  OPTIONAL_INT8: SchemaBuilder.int8().optional().build(),
  OPTIONAL_INT16: SchemaBuilder.int16().optional().build(),
  OPTIONAL_INT32: SchemaBuilder.int32().optional().build(),
  OPTIONAL_INT64: SchemaBuilder.int64().optional().build(),
  OPTIONAL_FLOAT32: SchemaBuilder.float32().optional().build(),
  OPTIONAL_FLOAT64: SchemaBuilder.float64().optional().build(),
  OPTIONAL_BOOLEAN: SchemaBuilder.boolean().optional().build(),
  OPTIONAL_STRING: SchemaBuilder.string().optional().build(),
  OPTIONAL_BYTES: SchemaBuilder.bytes().optional().build(),
} as const
