import {
  ConfigDef,
  ConfigError,
  type ConnectRecord,
  DataError,
  type Properties,
  type Schema,
  Schemas,
  type SinkRecord,
  TimestampSchema,
  timestampSchemaBuilder,
  type Transformation,
} from '@millrace/api'
import { requireMap, withMembers } from './maps.ts'
import { nullReplacementKey } from './null-replacement.ts'
import { keySide, type RecordSide, valueSide } from './record-side.ts'
import { fieldOf, likeStruct, requireStruct, structOf } from './structs.ts'
import { UpdatedSchemas } from './updated-schemas.ts'

const PURPOSE = 'field insertion'
const OPTIONALITY = 'With `!` at its end the field is required, with `?` or nothing it is optional.'

const config = new ConfigDef()
  .define('topic.field', { type: 'STRING', default: null, importance: 'MEDIUM', documentation: `Name of a field for the record's topic. ${OPTIONALITY}` })
  .define('partition.field', {
    type: 'STRING',
    default: null,
    importance: 'MEDIUM',
    documentation: `Name of a field for the Kafka partition. ${OPTIONALITY}`,
  })
  .define('offset.field', {
    type: 'STRING',
    default: null,
    importance: 'MEDIUM',
    documentation: `Name of a field for the Kafka offset; of sink connectors only. ${OPTIONALITY}`,
  })
  .define('timestamp.field', {
    type: 'STRING',
    default: null,
    importance: 'MEDIUM',
    documentation: `Name of a field for the record's timestamp. ${OPTIONALITY}`,
  })
  .define('static.field', { type: 'STRING', default: null, importance: 'MEDIUM', documentation: `Name of a field for a fixed text. ${OPTIONALITY}` })
  .define('static.value', { type: 'STRING', default: null, importance: 'MEDIUM', documentation: 'The fixed text; needed with `static.field`.' })
  .define('replace.null.with.default', nullReplacementKey)

/** A field to insert. */
interface Insertion {
  readonly name: string
  readonly schema: Schema
  /** Undefined: the record has nothing to put there. */
  read(record: ConnectRecord): unknown
  /** As `read`, for values without schema. */
  readSchemaless(record: ConnectRecord): unknown
}

/** Adds fields from the record's coordinates, or a fixed one (`org.apache.kafka.connect.transforms.InsertField`). */
class InsertField<R extends ConnectRecord> implements Transformation<R> {
  readonly #side: RecordSide
  readonly #schemas = new UpdatedSchemas((schema) => this.#updatedSchema(schema))
  #insertions: readonly Insertion[] = []
  #isNullReplaced = true

  constructor(side: RecordSide) {
    this.#side = side
  }

  config(): ConfigDef {
    return config
  }

  configure(properties: Properties): void {
    const parsed = config.parse(properties)
    this.#isNullReplaced = parsed['replace.null.with.default']
    this.#insertions = insertionsOf(parsed)
  }

  apply(record: R): R {
    const value = this.#side.valueOf(record)
    if (value === null || value === undefined) return record
    const schema = this.#side.schemaOf(record)
    return schema === null ? this.#applySchemaless(record, value) : this.#applyWithSchema(record, schema, value)
  }

  #applySchemaless(record: R, value: unknown): R {
    const map = requireMap(value, PURPOSE)
    const members = this.#insertions.map(({ name, readSchemaless }) => [name, readSchemaless(record)] as const)
    return this.#side.replace(
      record,
      null,
      withMembers(
        map,
        members.filter(([, member]) => member !== undefined),
      ),
    )
  }

  #applyWithSchema(record: R, schema: Schema, value: unknown): R {
    const struct = requireStruct(schema, value, PURPOSE)
    const updated = this.#schemas.of(schema)
    const entries: (readonly [string, unknown])[] = schema.fields.map((field) => [field.name, fieldOf(struct, field, this.#isNullReplaced)])
    for (const { name, read } of this.#insertions) entries.push([name, read(record) ?? null])
    return this.#side.replace(record, updated, structOf(entries))
  }

  #updatedSchema(schema: Schema): Schema {
    const builder = likeStruct(schema)
    for (const field of schema.fields) builder.field(field.name, field.schema)
    for (const insertion of this.#insertions) builder.field(insertion.name, insertion.schema)
    return builder.build()
  }
}

export class InsertFieldKey<R extends ConnectRecord> extends InsertField<R> {
  constructor() {
    super(keySide)
  }
}

export class InsertFieldValue<R extends ConnectRecord> extends InsertField<R> {
  constructor() {
    super(valueSide)
  }
}

const OPTIONAL_TIMESTAMP_SCHEMA = timestampSchemaBuilder().optional().build()

type Parsed = ReturnType<typeof config.parse>

/** In the order in which the original adds them. */
function insertionsOf(parsed: Parsed): readonly Insertion[] {
  const staticValue = parsed['static.value']
  const insertions = [
    insertion(parsed['topic.field'], [Schemas.STRING, Schemas.OPTIONAL_STRING], (record) => record.topic),
    insertion(parsed['partition.field'], [Schemas.INT32, Schemas.OPTIONAL_INT32], (record) => record.kafkaPartition ?? undefined),
    insertion(parsed['offset.field'], [Schemas.INT64, Schemas.OPTIONAL_INT64], offsetOf),
    insertion(
      parsed['timestamp.field'],
      [TimestampSchema, OPTIONAL_TIMESTAMP_SCHEMA],
      ({ timestamp }) => (timestamp === null ? undefined : new Date(timestamp)),
      ({ timestamp }) => timestamp ?? undefined,
    ),
    insertion(parsed['static.field'], [Schemas.STRING, Schemas.OPTIONAL_STRING], () => staticValue),
  ].filter((each) => each !== null)
  if (insertions.length === 0) throw new ConfigError('No field insertion configured')
  if (parsed['static.field'] !== null && staticValue === null) {
    throw ConfigError.invalidValue('static.value', null, `No value specified for static field: ${parsed['static.field']}`)
  }
  return insertions
}

function insertion(
  specification: string | null,
  [required, optional]: readonly [Schema, Schema],
  read: Insertion['read'],
  readSchemaless: Insertion['readSchemaless'] = read,
): Insertion | null {
  if (specification === null) return null
  const name = specification.replace(/[?!]$/, '')
  return { name, schema: specification.endsWith('!') ? required : optional, read, readSchemaless }
}

function offsetOf(record: ConnectRecord): number {
  if ('kafkaOffset' in record) return (record as SinkRecord).kafkaOffset
  throw new DataError(`Only SinkRecord supported for [${PURPOSE}], found: org.apache.kafka.connect.source.SourceRecord`)
}
