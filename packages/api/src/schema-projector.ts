import { SchemaProjectorError } from './errors.ts'
import { Float64 } from './float64.ts'
import { parametersEqual, type Schema, type SchemaType } from './schema.ts'
import { entriesOf, isMapLike } from './validate-value.ts'

const promotionOrder: readonly SchemaType[] = ['INT8', 'INT16', 'INT32', 'INT64', 'FLOAT32', 'FLOAT64']

/**
 * Turns a value that was written with `source` into one of `target` (`org.apache.kafka.connect.data.SchemaProjector`): numbers may widen, fields may be
 * missing where they are optional or have a default, names and parameters must be the same; versions do not count.
 *
 * @throws SchemaProjectorError where the two do not fit together.
 */
export function projectValue(source: Schema, value: unknown, target: Schema): unknown {
  checkCompatible(source, target)
  const isNull = value === null || value === undefined
  if (source.isOptional && !target.isOptional) {
    if (target.defaultValue === undefined) {
      throw new SchemaProjectorError('Writer schema is optional, however, target schema does not provide a default value.')
    }
    return isNull ? target.defaultValue : projectNonNull(source, value, target)
  }
  return isNull ? null : projectNonNull(source, value, target)
}

function checkCompatible(source: Schema, target: Schema): void {
  if (source.type !== target.type && !isPromotable(source.type, target.type)) {
    throw new SchemaProjectorError(`Schema type mismatch. source type: ${source.type} and target type: ${target.type}`)
  }
  if (source.name !== target.name) {
    throw new SchemaProjectorError(`Schema name mismatch. source name: ${source.name} and target name: ${target.name}`)
  }
  if (!parametersEqual(source.parameters, target.parameters)) {
    const text = (schema: Schema): string => parametersText(schema.parameters)
    throw new SchemaProjectorError(`Schema parameters not equal. source parameters: ${text(source)} and target parameters: ${text(target)}`)
  }
}

function isPromotable(source: SchemaType, target: SchemaType): boolean {
  const from = promotionOrder.indexOf(source)
  return from >= 0 && promotionOrder.indexOf(target) >= from
}

function parametersText(parameters: ReadonlyMap<string, string> | null): string {
  return parameters === null ? 'null' : `{${[...parameters].map(([name, value]) => `${name}=${value}`).join(', ')}}`
}

function projectNonNull(source: Schema, value: unknown, target: Schema): unknown {
  switch (target.type) {
    case 'STRUCT':
      return projectStruct(source, value as Readonly<Record<string, unknown>>, target)
    case 'ARRAY':
      return (value as readonly unknown[]).map((element) => projectValue(source.valueSchema as Schema, element, target.valueSchema as Schema))
    case 'MAP':
      return projectMap(source, value, target)
    case 'FLOAT32':
      return isNumeric(value) ? Math.fround(Number(value)) : value
    case 'FLOAT64':
      return isNumeric(value) ? Number(value) : value
    default:
      // Integers only widen here, and all widths look the same.
      return value
  }
}

function isNumeric(value: unknown): boolean {
  return typeof value === 'number' || typeof value === 'bigint' || value instanceof Float64
}

function projectStruct(source: Schema, value: Readonly<Record<string, unknown>>, target: Schema): Record<string, unknown> {
  const projected: [string, unknown][] = []
  for (const { name, schema } of target.fields) {
    const sourceField = source.field(name)
    if (sourceField !== null) {
      const fieldValue = Object.hasOwn(value, name) ? value[name] : null
      projected.push([name, projectField(name, sourceField.schema, fieldValue ?? sourceField.schema.defaultValue ?? null, schema)])
    } else if (!schema.isOptional) {
      if (schema.defaultValue === undefined) {
        throw new SchemaProjectorError(`Required field \`${name}\` is missing from source schema: ${String(source)}`)
      }
      projected.push([name, schema.defaultValue])
    }
  }
  return Object.fromEntries(projected)
}

function projectField(name: string, source: Schema, value: unknown, target: Schema): unknown {
  try {
    return projectValue(source, value, target)
  } catch (error) {
    throw new SchemaProjectorError(`Error projecting ${name}`, { cause: error })
  }
}

function projectMap(source: Schema, value: unknown, target: Schema): Map<unknown, unknown> {
  const projected = new Map<unknown, unknown>()
  if (!isMapLike(value)) throw new SchemaProjectorError('The value of a MAP schema is no map.')
  for (const [key, element] of entriesOf(value)) {
    projected.set(
      projectValue(source.keySchema as Schema, key, target.keySchema as Schema),
      projectValue(source.valueSchema as Schema, element, target.valueSchema as Schema),
    )
  }
  return projected
}
