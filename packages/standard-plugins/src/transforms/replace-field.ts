import { ConfigDef, ConfigError, type ConnectRecord, entriesOf, lambda, type Properties, type Schema, type Transformation, validList } from '@millrace/api'
import { mapOf, requireMap } from './maps.ts'
import { nullReplacementKey } from './null-replacement.ts'
import { keySide, type RecordSide, valueSide } from './record-side.ts'
import { fieldOf, likeStruct, requireStruct, structOf } from './structs.ts'
import { UpdatedSchemas } from './updated-schemas.ts'

const PURPOSE = 'field replacement'

const config = new ConfigDef()
  .define('exclude', {
    type: 'LIST',
    default: [],
    importance: 'MEDIUM',
    validator: validList.anyNonDuplicateValues(),
    documentation: 'Fields to leave out; wins over `include`.',
  })
  .define('include', {
    type: 'LIST',
    default: [],
    importance: 'MEDIUM',
    validator: validList.anyNonDuplicateValues(),
    documentation: 'Fields to keep; empty: all.',
  })
  .define('renames', {
    type: 'LIST',
    default: [],
    importance: 'MEDIUM',
    documentation: 'Fields to rename, as pairs `old:new`.',
    validator: lambda((_name, value) => void renamesOf(value as readonly string[]), 'list of colon-delimited pairs, e.g. <code>foo:bar,abc:xyz</code>'),
  })
  .define('replace.null.with.default', nullReplacementKey)

/** Leaves out, keeps or renames fields (`org.apache.kafka.connect.transforms.ReplaceField`). */
class ReplaceField<R extends ConnectRecord> implements Transformation<R> {
  readonly #side: RecordSide
  readonly #schemas = new UpdatedSchemas((schema) => this.#updatedSchema(schema))
  #exclude: ReadonlySet<unknown> = new Set()
  #include: ReadonlySet<unknown> = new Set()
  #renames: ReadonlyMap<unknown, string> = new Map()
  #originals: ReadonlyMap<string, string> = new Map()
  #isNullReplaced = true

  constructor(side: RecordSide) {
    this.#side = side
  }

  config(): ConfigDef {
    return config
  }

  configure(properties: Properties): void {
    const parsed = config.parse(properties)
    this.#exclude = new Set(parsed.exclude)
    this.#include = new Set(parsed.include)
    const renames = renamesOf(parsed.renames)
    this.#renames = renames
    this.#originals = new Map([...renames].map(([from, to]) => [to, from]))
    this.#isNullReplaced = parsed['replace.null.with.default']
  }

  apply(record: R): R {
    const value = this.#side.valueOf(record)
    if (value === null || value === undefined) return record
    const schema = this.#side.schemaOf(record)
    if (schema === null) return this.#side.replace(record, null, this.#replacedMap(value))
    const struct = requireStruct(schema, value, PURPOSE)
    const updated = this.#schemas.of(schema)
    const entries = updated.fields.map((field) => {
      const original = schema.field(this.#originals.get(field.name) ?? field.name)
      // Two fields with one name in the original's place would be an error of the schema before this.
      return [field.name, original === null ? null : fieldOf(struct, original, this.#isNullReplaced)] as const
    })
    return this.#side.replace(record, updated, structOf(entries))
  }

  #replacedMap(value: unknown): unknown {
    const kept = [...entriesOf(requireMap(value, PURPOSE))].filter(([key]) => this.#isKept(key))
    return mapOf(kept.map(([key, member]) => [this.#renames.get(key) ?? key, member]))
  }

  #updatedSchema(schema: Schema): Schema {
    const builder = likeStruct(schema)
    for (const field of schema.fields) if (this.#isKept(field.name)) builder.field(this.#renames.get(field.name) ?? field.name, field.schema)
    return builder.build()
  }

  #isKept(name: unknown): boolean {
    return !this.#exclude.has(name) && (this.#include.size === 0 || this.#include.has(name))
  }
}

export class ReplaceFieldKey<R extends ConnectRecord> extends ReplaceField<R> {
  constructor() {
    super(keySide)
  }
}

export class ReplaceFieldValue<R extends ConnectRecord> extends ReplaceField<R> {
  constructor() {
    super(valueSide)
  }
}

/** Old name to new name. @throws ConfigError where one is not a pair. */
function renamesOf(mappings: readonly string[]): ReadonlyMap<string, string> {
  return new Map(
    mappings.map((mapping) => {
      // As Java splits: empty parts at the end do not count.
      const parts = mapping.replace(/:+$/, '').split(':')
      if (parts.length !== 2) throw ConfigError.invalidValue('renames', `[${mappings.join(', ')}]`, `Invalid rename mapping: ${mapping}`)
      return parts as [string, string]
    }),
  )
}
