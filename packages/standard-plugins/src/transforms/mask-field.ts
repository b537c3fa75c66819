import {
  ConfigDef,
  type ConnectRecord,
  DataError,
  DATE_NAME,
  DECIMAL_NAME,
  Decimal,
  Float64,
  isInt64,
  isMapLike,
  javaClassOfValue,
  nonEmptyString,
  type Properties,
  type Schema,
  type SchemaType,
  TIME_NAME,
  TIMESTAMP_NAME,
  type Transformation,
  validList,
  wrapInt64,
} from '@millrace/api'
import { memberOf, requireMap, withMembers } from './maps.ts'
import { nullReplacementKey } from './null-replacement.ts'
import { keySide, type RecordSide, valueSide } from './record-side.ts'
import { fieldOf, requireStruct, structOf } from './structs.ts'

const PURPOSE = 'mask fields'

const config = new ConfigDef()
  .define('fields', {
    type: 'LIST',
    importance: 'HIGH',
    documentation: 'Names of the fields to mask.',
    validator: validList.anyNonDuplicateValues({ isEmptyAllowed: false }),
  })
  .define('replacement', {
    type: 'STRING',
    default: null,
    importance: 'LOW',
    documentation: 'What to put in place of values; of fields that are numbers or texts only. Default: 0, false, an empty text, list or map, the epoch.',
    validator: nonEmptyString,
  })
  .define('replace.null.with.default', nullReplacementKey)

/** Puts an empty value, or a given one, in place of what fields hold (`org.apache.kafka.connect.transforms.MaskField`). Null stays null. */
class MaskField<R extends ConnectRecord> implements Transformation<R> {
  readonly #side: RecordSide
  #fields: ReadonlySet<string> = new Set()
  #replacement: string | null = null
  #isNullReplaced = true

  constructor(side: RecordSide) {
    this.#side = side
  }

  config(): ConfigDef {
    return config
  }

  configure(properties: Properties): void {
    const parsed = config.parse(properties)
    this.#fields = new Set(parsed.fields)
    this.#replacement = parsed.replacement
    this.#isNullReplaced = parsed['replace.null.with.default']
  }

  apply(record: R): R {
    const schema = this.#side.schemaOf(record)
    const value = this.#side.valueOf(record)
    if (schema === null) {
      const map = requireMap(value, PURPOSE)
      const masked = [...this.#fields].map((name) => [name, this.#masked(memberOf(map, name), kindOf)] as const)
      return this.#side.replace(record, null, withMembers(map, masked))
    }
    const struct = requireStruct(schema, value, PURPOSE)
    const entries = schema.fields.map((field) => {
      const member = fieldOf(struct, field, this.#isNullReplaced)
      return [field.name, this.#fields.has(field.name) ? this.#masked(member, () => kindOfSchema(field.schema)) : member] as const
    })
    return this.#side.replace(record, schema, structOf(entries))
  }

  #masked(value: unknown, kindOfValue: (value: unknown) => Kind): unknown {
    if (value === null || value === undefined) return null
    const kind = kindOfValue(value)
    return this.#replacement === null ? emptyOf(kind, value) : replacementOf(kind, value, this.#replacement)
  }
}

export class MaskFieldKey<R extends ConnectRecord> extends MaskField<R> {
  constructor() {
    super(keySide)
  }
}

export class MaskFieldValue<R extends ConnectRecord> extends MaskField<R> {
  constructor() {
    super(valueSide)
  }
}

/** What Java tells by a value's class. FLOAT is a double without schema. */
type Kind = SchemaType | 'DATE' | 'DECIMAL' | 'BIG_INTEGER' | 'SCHEMALESS_FLOAT'

function kindOfSchema(schema: Schema): Kind {
  if (schema.name === DECIMAL_NAME) return 'DECIMAL'
  return schema.name === DATE_NAME || schema.name === TIME_NAME || schema.name === TIMESTAMP_NAME ? 'DATE' : schema.type
}

function kindOf(value: unknown): Kind {
  if (typeof value === 'string') return 'STRING'
  if (typeof value === 'boolean') return 'BOOLEAN'
  if (isInt64(value)) return 'INT64'
  if (typeof value === 'bigint') return 'BIG_INTEGER'
  if (typeof value === 'number' || value instanceof Float64) return 'SCHEMALESS_FLOAT'
  if (value instanceof Date) return 'DATE'
  if (value instanceof Decimal) return 'DECIMAL'
  if (Array.isArray(value)) return 'ARRAY'
  return typeof value === 'object' && value !== null && isMapLike(value) ? 'MAP' : 'BYTES'
}

function emptyOf(kind: Kind, value: unknown): unknown {
  switch (kind) {
    case 'BOOLEAN':
      return false
    case 'INT8':
    case 'INT16':
    case 'INT32':
    case 'INT64':
    case 'FLOAT32':
    case 'FLOAT64':
      return 0
    case 'SCHEMALESS_FLOAT':
      return Float64.of(0)
    case 'BIG_INTEGER':
      return 0n
    case 'DECIMAL':
      return new Decimal(0n, 0)
    case 'DATE':
      return new Date(0)
    case 'STRING':
      return ''
    case 'ARRAY':
      return []
    case 'MAP':
      return value instanceof Map ? new Map() : {}
    default:
      throw new DataError(`Cannot mask value of type: class ${javaClassOf(kind, value)}`)
  }
}

function replacementOf(kind: Kind, value: unknown, replacement: string): unknown {
  switch (kind) {
    case 'STRING':
      return replacement
    case 'INT8':
      return Number(BigInt.asIntN(8, integerOf(replacement)))
    case 'INT16':
      return Number(BigInt.asIntN(16, integerOf(replacement)))
    case 'INT32':
      return Number(BigInt.asIntN(32, integerOf(replacement)))
    case 'INT64':
      return wrapInt64(integerOf(replacement))
    case 'FLOAT32':
      return Math.fround(numberOf(replacement).toNumber())
    case 'FLOAT64':
      return numberOf(replacement).toNumber()
    case 'SCHEMALESS_FLOAT':
      return Float64.of(numberOf(replacement).toNumber())
    case 'DECIMAL':
      return exactly(replacement, () => Decimal.parse(replacement))
    case 'BIG_INTEGER':
      return exactly(replacement, () => {
        if (!/^[+-]?\d+$/.test(replacement)) throw new SyntaxError(`"${replacement}" is no integer`)
        return BigInt(replacement.replace(/^\+/, ''))
      })
    default:
      throw new DataError(`Cannot mask value of type class ${javaClassOf(kind, value)} with custom replacement.`)
  }
}

/** The whole part of a number. */
function integerOf(replacement: string): bigint {
  return BigInt.asIntN(64, numberOf(replacement).toBigInt())
}

function numberOf(replacement: string): Decimal {
  try {
    return Decimal.parse(replacement)
  } catch (cause) {
    throw new DataError(`Unable to convert ${replacement} (class java.lang.String) to a number`, { cause })
  }
}

function exactly<T>(replacement: string, parse: () => T): T {
  try {
    return parse()
  } catch (cause) {
    throw new DataError(`Unable to convert ${replacement} (class java.lang.String) to number`, { cause })
  }
}

function javaClassOf(kind: Kind, value: unknown): string {
  return kind === 'STRUCT' ? 'org.apache.kafka.connect.data.Struct' : javaClassOfValue(value)
}
