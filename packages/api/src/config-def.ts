import { type ConfigType, type ParsedTypes, parseType } from './config-types.ts'
import type { Validator } from './config-validators.ts'
import { ConfigError, isConnectError } from './errors.ts'

export type Importance = 'HIGH' | 'MEDIUM' | 'LOW'
export type Width = 'NONE' | 'SHORT' | 'MEDIUM' | 'LONG'
/** Values of all keys, parsed as far as they could be; null where not. */
export type ParsedProperties = Readonly<Record<string, unknown>>

/** Says which values make sense, given the others. Called at validation only. */
export interface Recommender {
  /** @throws ConfigError, which becomes an error of the key. */
  validValues(name: string, parsed: ParsedProperties): readonly unknown[]
  /** Whether a form should show the key. */
  visible(name: string, parsed: ParsedProperties): boolean
}

/** What an author writes for a key. */
export interface ConfigKeyOptions {
  readonly type: ConfigType
  /** Taken where the property is absent; text is parsed. Null: absent is null. No `default` at all: the property is required. */
  readonly default?: unknown
  /** How forms and documentation order keys. */
  readonly importance: Importance
  readonly documentation: string
  /** Checks the parsed value, the default included (at definition). Called with null where the value is missing or could not be parsed. */
  readonly validator?: Validator
  /** Heading in forms; default none. */
  readonly group?: string
  /** Position in the group, from 0; default -1, as the original has it for keys without group. */
  readonly orderInGroup?: number
  readonly width?: Width
  /** Default: the name. */
  readonly displayName?: string
  /** Keys that are recommended and shown anew when this one changes. */
  readonly dependents?: readonly string[]
  readonly recommender?: Recommender
  /** Left out of documentation and of answers to users. */
  readonly isInternal?: boolean
}

/** A key, complete. */
export interface ConfigKey {
  readonly name: string
  readonly type: ConfigType
  readonly isRequired: boolean
  /** Parsed; `undefined` for required keys. */
  readonly defaultValue: unknown
  readonly importance: Importance
  readonly documentation: string
  readonly validator: Validator | null
  readonly group: string | null
  readonly orderInGroup: number
  readonly width: Width
  readonly displayName: string
  readonly dependents: readonly string[]
  readonly recommender: Recommender | null
  readonly isInternal: boolean
}

/** What validation found out about one key. Plain data but for Password values. Connectors may add to `errorMessages`. */
export interface ConfigValue {
  readonly name: string
  /** Parsed; null where there is none or it could not be parsed. LONG beyond the safe range is a `bigint`. */
  value: unknown
  recommendedValues: unknown[]
  errorMessages: string[]
  visible: boolean
}

/** The outcome of a validation: one value per key, in the order of definition. */
export interface Config {
  readonly values: ConfigValue[]
}

/** The type of a parsed key: null is possible only where null is the default. */
export type ParsedValue<Options extends ConfigKeyOptions> = Options extends { readonly default: null }
  ? ParsedTypes[Options['type']] | null
  : ParsedTypes[Options['type']]

/**
 * The options of a plug-in (`org.apache.kafka.common.config.ConfigDef`). Immutable: `define` returns a new definition that knows one key more, also in the
 * type of what `parse` returns.
 *
 *     const config = new ConfigDef()
 *       .define('file', { type: 'STRING', default: null, importance: 'HIGH', documentation: 'File to read; null for stdin.' })
 *       .define('batch.size', { type: 'INT', default: 2000, importance: 'LOW', documentation: 'Lines per poll.', validator: range.atLeast(1) })
 *     const { file, 'batch.size': batchSize } = config.parse(properties) // string | null, number
 */
export class ConfigDef<Parsed extends object = object> {
  readonly #keys: ReadonlyMap<string, ConfigKey>

  constructor(keys: ReadonlyMap<string, ConfigKey> = new Map()) {
    this.#keys = keys
  }

  /** All keys in the order of definition. */
  get keys(): ReadonlyMap<string, ConfigKey> {
    return this.#keys
  }

  /** Groups in the order in which they first appear. */
  get groups(): readonly string[] {
    return [...new Set([...this.#keys.values()].flatMap((key) => key.group ?? []))]
  }

  /** @throws ConfigError where the key exists or its default does not fit. */
  define<const Name extends string, const Options extends ConfigKeyOptions>(
    name: Name,
    options: Options,
  ): ConfigDef<Parsed & { readonly [key in Name]: ParsedValue<Options> }> {
    if (this.#keys.has(name)) throw new ConfigError(`Configuration ${name} is defined twice.`, { key: name })
    return new ConfigDef(new Map(this.#keys).set(name, configKey(name, options)))
  }

  /** All keys of both. @throws ConfigError where one is in both. */
  merge<Other extends object>(other: ConfigDef<Other>): ConfigDef<Parsed & Other> {
    const keys = new Map(this.#keys)
    for (const [name, key] of other.keys) {
      if (keys.has(name)) throw new ConfigError(`Configuration ${name} is defined twice.`, { key: name })
      keys.set(name, key)
    }
    return new ConfigDef(keys)
  }

  /** As `merge`, with keys of `other` in place of those with the same name, which keep their position. */
  mergeOver<Other extends object>(other: ConfigDef<Other>): ConfigDef<Omit<Parsed, keyof Other> & Other> {
    return new ConfigDef(new Map([...this.#keys, ...other.keys]))
  }

  /**
   * Parses all keys; other properties are left out. LONG values come as `number`, rounded beyond the safe range.
   * @throws ConfigError for the first key that is missing or wrong, in the order of definition.
   */
  parse(properties: Readonly<Record<string, unknown>>): Parsed {
    const [undefinedKey] = this.#undefinedDependents()
    if (undefinedKey !== undefined) {
      throw new ConfigError(`Some configurations in are referred in the dependents, but not defined: ${this.#undefinedDependents().join(',')}`)
    }
    const parsed: Record<string, unknown> = {}
    for (const key of this.#keys.values()) {
      const value = withoutDuplicates(key, parseKey(key, properties))
      key.validator?.ensureValid(key.name, value)
      parsed[key.name] = typeof value === 'bigint' ? Number(value) : value
    }
    return parsed as Parsed
  }

  /** Checks all keys and asks the recommenders. Never throws for what a user wrote; properties without definition are left out. */
  validate(properties: Readonly<Record<string, unknown>>): Config {
    const values = new Map<string, ConfigValue>()
    for (const name of this.#undefinedDependents()) {
      values.set(name, { ...emptyValue(name), errorMessages: [`${name} is referred in the dependents, but not defined.`], visible: false })
    }
    for (const name of this.#keys.keys()) values.set(name, emptyValue(name))

    const order = this.#parentsFirst()
    const parsed: Record<string, unknown> = {}
    for (const key of order) {
      const configValue = values.get(key.name) as ConfigValue
      configValue.value = parseForValidation(key, properties, configValue.errorMessages)
      parsed[key.name] = configValue.value
    }
    for (const key of order) recommend(key, parsed, values.get(key.name) as ConfigValue)
    return { values: [...values.values()] }
  }

  #undefinedDependents(): readonly string[] {
    const dependents = [...this.#keys.values()].flatMap((key) => key.dependents)
    return [...new Set(dependents.filter((name) => !this.#keys.has(name)))]
  }

  /** Each key once, before its dependents. Keys that depend on each other in a circle come last. */
  #parentsFirst(): readonly ConfigKey[] {
    const dependents = new Set([...this.#keys.values()].flatMap((key) => key.dependents))
    const ordered = new Set<ConfigKey>()
    const visit = (key: ConfigKey | undefined): void => {
      if (key === undefined || ordered.has(key)) return
      ordered.add(key)
      for (const name of key.dependents) visit(this.#keys.get(name))
    }
    for (const key of this.#keys.values()) if (!dependents.has(key.name)) visit(key)
    for (const key of this.#keys.values()) visit(key)
    return [...ordered]
  }
}

function configKey(name: string, options: ConfigKeyOptions): ConfigKey {
  const isRequired = options.default === undefined
  const defaultValue = isRequired ? undefined : parseType(name, options.default, options.type)
  if (!isRequired) options.validator?.ensureValid(name, defaultValue)
  return {
    name,
    type: options.type,
    isRequired,
    defaultValue,
    importance: options.importance,
    documentation: options.documentation,
    validator: options.validator ?? null,
    group: options.group ?? null,
    orderInGroup: options.orderInGroup ?? -1,
    width: options.width ?? 'NONE',
    displayName: options.displayName ?? name,
    dependents: options.dependents ?? [],
    recommender: options.recommender ?? null,
    isInternal: options.isInternal ?? false,
  }
}

function emptyValue(name: string): ConfigValue {
  return { name, value: null, recommendedValues: [], errorMessages: [], visible: true }
}

function parseKey(key: ConfigKey, properties: Readonly<Record<string, unknown>>): unknown {
  const raw = Object.hasOwn(properties, key.name) ? properties[key.name] : undefined
  if (raw !== undefined) return parseType(key.name, raw, key.type)
  if (key.isRequired) {
    throw new ConfigError(`Missing required configuration "${key.name}" which has no default value.`, { key: key.name })
  }
  return key.defaultValue
}

function withoutDuplicates(key: ConfigKey, value: unknown): unknown {
  return key.validator?.isListWithoutDuplicates && Array.isArray(value) ? [...new Set(value)] : value
}

function parseForValidation(key: ConfigKey, properties: Readonly<Record<string, unknown>>, errorMessages: string[]): unknown {
  let value: unknown = null
  noteConfigErrors(errorMessages, () => {
    value = parseKey(key, properties)
  })
  noteConfigErrors(errorMessages, () => key.validator?.ensureValid(key.name, value))
  return value
}

function recommend(key: ConfigKey, parsed: ParsedProperties, configValue: ConfigValue): void {
  const { recommender } = key
  if (recommender === null) return
  noteConfigErrors(configValue.errorMessages, () => {
    configValue.recommendedValues = [...recommender.validValues(key.name, parsed)]
    configValue.visible = recommender.visible(key.name, parsed)
  })
}

/** Mistakes of the user become messages; those of the plug-in go on as they are. */
function noteConfigErrors(errorMessages: string[], step: () => void): void {
  try {
    step()
  } catch (error) {
    if (!isConnectError(error) || error.code !== 'CONFIG') throw error
    errorMessages.push(error.message)
  }
}
