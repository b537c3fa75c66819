import { DataError, type Field, isPlainObject, javaClassOfValue, type Schema, SchemaBuilder } from '@millrace/api'

export type Struct = Readonly<Record<string, unknown>>

/** @param purpose as the original names it in its messages. @throws DataError where `value` is no struct. */
export function requireStruct(schema: Schema, value: unknown, purpose: string): Struct {
  if (schema.type === 'STRUCT' && isPlainObject(value)) return value
  throw new DataError(`Only Struct objects supported for [${purpose}], found: ${javaClassOfValue(value ?? null)}`)
}

/** Reads a field; one that is null has its default where `isReplaced` (KIP-1040). */
export function fieldOf(struct: Struct, { name, schema }: Field, isReplaced: boolean): unknown {
  const value = Object.hasOwn(struct, name) ? struct[name] : null
  if (value !== null && value !== undefined) return value
  return (isReplaced ? schema.defaultValue : null) ?? null
}

/** A struct of pairs; a field may be called `__proto__`. */
export function structOf(entries: Iterable<readonly [string, unknown]>): Struct {
  return Object.fromEntries(entries)
}

/** A struct's schema to add fields to: name, version, documentation and parameters are those of `schema`, whether it is optional is not. */
export function likeStruct(schema: Schema): SchemaBuilder {
  const builder = SchemaBuilder.struct()
  if (schema.name !== null) builder.name(schema.name)
  if (schema.version !== null) builder.version(schema.version)
  if (schema.doc !== null) builder.doc(schema.doc)
  if (schema.parameters !== null) builder.parameters(schema.parameters)
  return builder
}
