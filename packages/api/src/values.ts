import { type SchemaAndValue, NULL_SCHEMA_AND_VALUE } from './schema.ts'
import { Schemas } from './schema-builder.ts'

/** Reads a value from text (Java's `Values.parseString`). */
export function parseString(text: string | null): SchemaAndValue {
  if (text === null) return NULL_SCHEMA_AND_VALUE
  return { schema: Schemas.STRING, value: text }
}
