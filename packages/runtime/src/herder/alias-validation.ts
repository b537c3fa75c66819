import type { Properties } from '@millrace/api'
import type { ConfigInfo, ConfigKeyInfo } from '@millrace/rest-api'
import { propertiesWithPrefix } from '../config/config-transformer.ts'
import { aliasesOf } from '../config/connector-config.ts'
import { FailureError } from '../errors/failure.ts'
import { PluginVersionError } from '../plugins/plugin-errors.ts'
import type { PluginDescriptor, PluginRegistry } from '../plugins/plugin-registry.ts'
import type { PlainConfigValue } from '../thread/messages.ts'
import type { HerderWorker } from './herder-worker.ts'

/** What validation found of the plug-ins that a connector names by aliases. */
export interface AliasInfos {
  readonly groups: readonly string[]
  readonly infos: readonly ConfigInfo[]
}

export interface AliasValidationOptions {
  readonly registry: PluginRegistry
  readonly worker: Pick<HerderWorker, 'validateConnector'>
}

interface AliasKind {
  /** Of the plug-ins; with a capital it stands in names and messages. */
  readonly kind: 'transformation' | 'predicate'
  readonly title: 'Transformation' | 'Predicate'
  /** The key that lists the aliases, and the beginning of their own keys. */
  readonly list: 'transforms' | 'predicates'
  readonly group: 'Transforms' | 'Predicates'
}

const TRANSFORMATIONS: AliasKind = { kind: 'transformation', title: 'Transformation', list: 'transforms', group: 'Transforms' }
const PREDICATES: AliasKind = { kind: 'predicate', title: 'Predicate', list: 'predicates', group: 'Predicates' }

/**
 * Validates the transformations and predicates of a connector: for each alias its type and version, then the plug-in's own keys
 * (`ConnectorConfig.EnrichablePlugin`). Their code runs in the worker's validation thread only.
 */
export class AliasValidation {
  readonly #registry: PluginRegistry
  readonly #worker: AliasValidationOptions['worker']

  constructor({ registry, worker }: AliasValidationOptions) {
    this.#registry = registry
    this.#worker = worker
  }

  async validate(properties: Properties): Promise<AliasInfos> {
    const found = await Promise.all(
      [TRANSFORMATIONS, PREDICATES].flatMap((kind) => aliasesOf(properties[kind.list]).map((alias) => this.#validateAlias(kind, alias, properties))),
    )
    return { groups: found.flatMap(({ groups }) => groups), infos: found.flatMap(({ infos }) => infos) }
  }

  async #validateAlias(kind: AliasKind, alias: string, properties: Properties): Promise<AliasInfos> {
    const prefix = `${kind.list}.${alias}.`
    const group = `${kind.group}: ${alias}`
    const own = propertiesWithPrefix(properties, prefix)
    const type = this.#type(kind, own)
    const head = this.#headInfos(kind, alias, own, type)
    if (type.descriptor === null) return { groups: [group], infos: head }
    try {
      const { configKeys, values } = await this.#worker.validateConnector(type.descriptor, own)
      return { groups: [group], infos: [...head, ...keyInfos(kind, prefix, group, configKeys, values, own)] }
    } catch (error) {
      if (!(error instanceof FailureError)) throw error
      const message = `Invalid value class ${type.descriptor.className} for configuration ${prefix}type: Error getting config definition from ${kind.title}: ${error.message}`
      return { groups: [group], infos: head.map((info, index) => (index === 0 ? withError(info, message) : info)) }
    }
  }

  #type(kind: AliasKind, own: Properties): FoundType {
    const { type: name, 'plugin.version': version } = own
    const missing = { descriptor: null, className: null, latest: null }
    if (name === undefined) return { ...missing, errors: [`Missing required configuration "${KEY}type" which has no default value.`], versionErrors: [] }
    const latest = this.#registry.lookup(kind.kind, name)
    if (latest === null) return { ...missing, ...this.#unusable(kind, name), versionErrors: [] }
    const found = { className: latest.className, latest }
    const negate = kind.kind === 'transformation' && 'negate' in own && !('predicate' in own)
    const errors = negate ? [`Config '${KEY}negate' was provided but there is no config '${KEY}predicate' defining a predicate to be negated.`] : []
    try {
      return { ...found, descriptor: this.#registry.find(kind.kind, name, version), errors, versionErrors: [] }
    } catch (error) {
      if (!(error instanceof PluginVersionError)) throw error
      return { ...found, descriptor: null, errors: [error.message], versionErrors: [error.message] }
    }
  }

  /** Why a name stands for no plug-in of this kind. */
  #unusable({ kind, title }: AliasKind, name: string): { className: string | null; errors: readonly string[] } {
    const inner = this.#registry.list(kind).filter(({ className }) => className.startsWith(`${name}$`))
    if (inner.length > 0) {
      const names = [...new Set(inner.map(({ className }) => className))]
      return { className: name, errors: [`This class is abstract and cannot be created. Did you mean ${names.join(', ')}?`] }
    }
    const other = this.#registry.list().find(({ className, aliases }) => className === name || aliases.includes(name))
    if (other === undefined) return { className: null, errors: [`Invalid value ${name} for configuration ${KEY}type: Class ${name} could not be found.`] }
    return { className: other.className, errors: [`Class class ${other.className} does not implement the ${title} interface`] }
  }

  /** Type and version of an alias. */
  #headInfos({ kind, title, list, group }: AliasKind, alias: string, own: Properties, type: FoundType): ConfigInfo[] {
    const prefix = `${list}.${alias}.`
    const named = (errors: readonly string[]) => errors.map((error) => error.replaceAll(KEY, prefix))
    const common = { group: `${group}: ${alias}`, importance: 'HIGH', width: 'LONG', dependents: [] }
    const versions = type.latest === null ? [] : this.#registry.list(kind).filter(({ className }) => className === type.latest?.className)
    const defaultVersion = type.latest === null || type.latest.version === 'undefined' ? null : type.latest.version
    return [
      {
        definition: {
          ...common,
          name: `${prefix}type`,
          type: 'CLASS',
          required: true,
          default_value: null,
          documentation: `Class of the ${title.toLowerCase()} "${alias}".`,
          order_in_group: 0,
          display_name: `${title} type for ${alias}`,
        },
        value: {
          name: `${prefix}type`,
          value: type.className,
          recommended_values: [...new Set(this.#registry.list(kind).map(({ className }) => className))],
          errors: named(type.errors),
          visible: true,
        },
      },
      {
        definition: {
          ...common,
          name: `${prefix}plugin.version`,
          type: 'STRING',
          required: false,
          default_value: defaultVersion,
          documentation: `Version of the ${title.toLowerCase()} "${alias}", or a range of versions in Maven notation; the highest that fits is used.`,
          order_in_group: 1,
          display_name: `${title} version for ${alias}`,
        },
        value: {
          name: `${prefix}plugin.version`,
          value: own['plugin.version'] ?? defaultVersion,
          recommended_values: [...new Set(versions.map(({ version }) => version).filter((version) => version !== 'undefined'))],
          errors: named(type.versionErrors),
          visible: true,
        },
      },
    ]
  }
}

interface FoundType {
  /** Null where the plug-in cannot be asked. */
  readonly descriptor: PluginDescriptor | null
  readonly className: string | null
  readonly latest: PluginDescriptor | null
  /** With `KEY` where the alias' prefix stands. */
  readonly errors: readonly string[]
  readonly versionErrors: readonly string[]
}

/** Stands for the prefix of an alias in messages. */
const KEY = '\0'

/** The plug-in's own keys with the two that every transformation has, in the order in which Java embeds definitions: required, then by importance and name. */
function keyInfos(
  { kind }: AliasKind,
  prefix: string,
  group: string,
  keys: readonly ConfigKeyInfo[],
  values: readonly PlainConfigValue[],
  own: Properties,
): ConfigInfo[] {
  const byName = new Map(values.map((value) => [value.name, value]))
  const embedded: { readonly key: ConfigKeyInfo; readonly value: PlainConfigValue | null }[] = keys
    .filter(({ name }) => kind !== 'transformation' || (name !== 'predicate' && name !== 'negate'))
    .map((key) => ({ key, value: byName.get(key.name) ?? null }))
  if (kind === 'transformation') embedded.push(predicateKey(own), negateKey(own))
  return embedded
    .toSorted((a, b) => rankOf(a.key) - rankOf(b.key) || (a.key.name < b.key.name ? -1 : 1))
    .map(({ key, value }, index) => ({
      definition: {
        ...key,
        name: prefix + key.name,
        group: key.group === null ? group : `${group}: ${key.group}`,
        order_in_group: index + 2,
        dependents: key.dependents.map((name) => prefix + name),
      },
      value: value && {
        name: prefix + value.name,
        value: value.value,
        recommended_values: value.recommendedValues,
        errors: value.errorMessages.map((message) => withPrefix(message, prefix, value.name)),
        visible: value.visible,
      },
    }))
}

const IMPORTANCES = ['HIGH', 'MEDIUM', 'LOW']

function rankOf({ required, importance }: ConfigKeyInfo): number {
  return required ? -1 : IMPORTANCES.indexOf(importance)
}

/** Values are parsed under their full name, but checked under their own: the original's messages show which. */
function withPrefix(message: string, prefix: string, name: string): string {
  if (message === `Missing required configuration "${name}" which has no default value.`) return message.replace(`"${name}"`, `"${prefix}${name}"`)
  return message.replace(
    /^(Invalid value .* for configuration )(\S+)(: (?:Not a number of type |Expected ))/s,
    (whole, before: string, key: string, after: string) => (key === name ? whole.replace(before + key + after, before + prefix + key + after) : whole),
  )
}

const IMPLICIT = { importance: 'MEDIUM', group: null, order_in_group: -1, width: 'NONE', dependents: [], required: false } as const

function predicateKey(own: Properties): { readonly key: ConfigKeyInfo; readonly value: PlainConfigValue } {
  return {
    key: {
      ...IMPLICIT,
      name: 'predicate',
      type: 'STRING',
      default_value: null,
      documentation: 'Alias of the predicate that decides which records pass this transformation.',
      display_name: 'predicate',
    },
    value: { name: 'predicate', value: own['predicate']?.trim() ?? null, recommendedValues: [], errorMessages: [], visible: true },
  }
}

function negateKey(own: Properties): { readonly key: ConfigKeyInfo; readonly value: PlainConfigValue } {
  const word = own['negate']?.trim().toLowerCase() ?? 'false'
  const isBoolean = word === 'true' || word === 'false'
  return {
    key: {
      ...IMPLICIT,
      name: 'negate',
      type: 'BOOLEAN',
      default_value: 'false',
      documentation: 'Whether the records pass this transformation for which the predicate does not hold.',
      display_name: 'negate',
    },
    value: {
      name: 'negate',
      value: isBoolean ? word : null,
      recommendedValues: [],
      errorMessages: isBoolean ? [] : [`Invalid value ${own['negate']} for configuration negate: Expected value to be either true or false`],
      visible: true,
    },
  }
}

function withError(info: ConfigInfo, message: string): ConfigInfo {
  return info.value === null ? info : { ...info, value: { ...info.value, errors: [...info.value.errors, message] } }
}
