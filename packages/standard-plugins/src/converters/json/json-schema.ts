import { DataError, type Schema, SchemaBuilder } from '@millrace/api'
import { type JsonNode, JsonNumber } from './json-parser.ts'
import { compileJsonReader, integerOf } from './json-reader.ts'
import { compileJsonWriter, jsonString, type JsonWriterOptions } from './json-writer.ts'

/*
 * schema := { "type": type, ["items": schema,] ["keys": schema, "values": schema,] ["fields": [schema with "field": name …],]
 *             "optional": boolean, ["name": …,] ["version": …,] ["doc": …,] ["parameters": {…},] ["default": value] }
 */

const typeNames = {
  BOOLEAN: 'boolean',
  INT8: 'int8',
  INT16: 'int16',
  INT32: 'int32',
  INT64: 'int64',
  FLOAT32: 'float',
  FLOAT64: 'double',
  BYTES: 'bytes',
  STRING: 'string',
  ARRAY: 'array',
  MAP: 'map',
  STRUCT: 'struct',
} as const

/** A schema as JSON text, its parts in the original's order. */
export function jsonOfSchema(schema: Schema | null, options: JsonWriterOptions): string {
  return schema === null ? 'null' : `{${membersOfSchema(schema, options).join(',')}}`
}

function membersOfSchema(schema: Schema, options: JsonWriterOptions): string[] {
  const members = [`"type":"${typeNames[schema.type]}"`]
  if (schema.type === 'ARRAY') members.push(`"items":${jsonOfSchema(schema.valueSchema, options)}`)
  if (schema.type === 'MAP') members.push(`"keys":${jsonOfSchema(schema.keySchema, options)}`, `"values":${jsonOfSchema(schema.valueSchema, options)}`)
  if (schema.type === 'STRUCT') members.push(`"fields":[${schema.fields.map((field) => jsonOfField(field.name, field.schema, options)).join(',')}]`)
  members.push(`"optional":${schema.isOptional}`)
  if (schema.name !== null) members.push(`"name":${jsonString(schema.name)}`)
  if (schema.version !== null) members.push(`"version":${schema.version}`)
  if (schema.doc !== null) members.push(`"doc":${jsonString(schema.doc)}`)
  if (schema.parameters !== null) {
    const parameters = [...schema.parameters].map(([name, value]) => `${jsonString(name)}:${jsonString(value)}`)
    members.push(`"parameters":{${parameters.join(',')}}`)
  }
  if (schema.defaultValue !== undefined) members.push(`"default":${compileJsonWriter(schema, options)(schema.defaultValue)}`)
  return members
}

function jsonOfField(name: string, schema: Schema, options: JsonWriterOptions): string {
  return `{${membersOfSchema(schema, options).join(',')},"field":${jsonString(name)}}`
}

/** A schema from its JSON; null from null. @throws DataError where something is missing or of the wrong kind. */
export function schemaOfJson(node: JsonNode, replaceNullWithDefault: boolean): Schema | null {
  if (node === null) return null
  const type = memberOf(node, 'type')
  if (typeof type !== 'string') throw new DataError("Schema must contain 'type' field")
  const builder = builderOf(type, node, replaceNullWithDefault)
  if (memberOf(node, 'optional') === true) builder.optional()
  const name = memberOf(node, 'name')
  if (typeof name === 'string') builder.name(name)
  const version = integerOf(memberOf(node, 'version'))
  if (version !== null) builder.version(version)
  const doc = memberOf(node, 'doc')
  if (typeof doc === 'string') builder.doc(doc)
  for (const [parameter, value] of parametersOf(memberOf(node, 'parameters'))) builder.parameter(parameter, value)
  const defaultNode = memberOf(node, 'default')
  if (defaultNode !== undefined) builder.defaultValue(compileJsonReader(builder.build(), replaceNullWithDefault)(defaultNode))
  return builder.build()
}

function builderOf(type: string, node: JsonNode, replaceNullWithDefault: boolean): SchemaBuilder {
  switch (type) {
    case 'boolean':
      return SchemaBuilder.boolean()
    case 'int8':
      return SchemaBuilder.int8()
    case 'int16':
      return SchemaBuilder.int16()
    case 'int32':
      return SchemaBuilder.int32()
    case 'int64':
      return SchemaBuilder.int64()
    case 'float':
      return SchemaBuilder.float32()
    case 'double':
      return SchemaBuilder.float64()
    case 'bytes':
      return SchemaBuilder.bytes()
    case 'string':
      return SchemaBuilder.string()
    case 'array': {
      const items = memberOf(node, 'items')
      if (items === undefined || items === null) throw new DataError('Array schema did not specify the element type')
      return SchemaBuilder.array(schemaOfJson(items, replaceNullWithDefault))
    }
    case 'map':
      return mapBuilder(node, replaceNullWithDefault)
    case 'struct':
      return structBuilder(node, replaceNullWithDefault)
    default:
      throw new DataError(`Unknown schema type: ${type}`)
  }
}

function mapBuilder(node: JsonNode, replaceNullWithDefault: boolean): SchemaBuilder {
  const keys = schemaOfPart(memberOf(node, 'keys'), 'Map schema did not specify the key type', replaceNullWithDefault)
  const values = schemaOfPart(memberOf(node, 'values'), 'Map schema did not specify the value type', replaceNullWithDefault)
  return SchemaBuilder.map(keys, values)
}

function schemaOfPart(node: JsonNode, message: string, replaceNullWithDefault: boolean): Schema {
  const schema = node === undefined ? null : schemaOfJson(node, replaceNullWithDefault)
  if (schema === null) throw new DataError(message)
  return schema
}

function structBuilder(node: JsonNode, replaceNullWithDefault: boolean): SchemaBuilder {
  const fields = memberOf(node, 'fields')
  if (!Array.isArray(fields)) throw new DataError('Struct schema\'s "fields" argument is not an array.')
  const builder = SchemaBuilder.struct()
  for (const field of fields as readonly JsonNode[]) {
    const name = memberOf(field, 'field')
    if (typeof name !== 'string') throw new DataError("Struct schema's field name not specified properly")
    builder.field(name, schemaOfPart(field, `Schema of field ${name} is null`, replaceNullWithDefault))
  }
  return builder
}

function parametersOf(node: JsonNode): readonly (readonly [string, string])[] {
  if (typeof node !== 'object' || node === null || Array.isArray(node) || node instanceof JsonNumber) return []
  const entries = node instanceof Map ? [...node] : Object.entries(node)
  if (!entries.every(([, value]) => typeof value === 'string')) throw new DataError('Schema parameters must have string values.')
  return entries as (readonly [string, string])[]
}

function memberOf(node: JsonNode, name: string): JsonNode {
  if (node instanceof Map) return node.get(name) as JsonNode
  if (typeof node !== 'object' || node === null || !Object.hasOwn(node, name)) return undefined
  return (node as Readonly<Record<string, JsonNode>>)[name]
}
