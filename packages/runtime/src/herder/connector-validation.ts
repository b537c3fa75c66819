import { ConfigError, type ConfigType, type ConfigValue, type Properties } from '@millrace/api'
import type { ConfigInfo, ConfigInfos, ConfigKeyInfo, ConfigValueInfo } from '@millrace/rest-api'
import { configKeyInfo, configText } from '../config/config-key-info.ts'
import { type ConfigTransformer, propertiesWithPrefix } from '../config/config-transformer.ts'
import {
  type ConnectorChoices,
  type ConverterChoices,
  connectorConfigDef,
  millraceConnectorConfigDef,
  NO_CONVERTER_CHOICES,
  ownKeyErrors,
  sinkTopicErrors,
} from '../config/connector-config.ts'
import { laterKeyErrors } from '../config/later-keys.ts'
import { recordFailuresErrors } from '../config/record-failures-config.ts'
import { topicCreationErrors } from '../config/topic-creation-config.ts'
import type { WorkerConfig } from '../config/worker-config.ts'
import { FailureError } from '../errors/failure.ts'
import { AmbiguousPluginError, PluginNotFoundError, PluginVersionError } from '../plugins/plugin-errors.ts'
import type { PluginDescriptor, PluginKind, PluginRegistry } from '../plugins/plugin-registry.ts'
import { VersionRangeError } from '../plugins/version-range.ts'
import type { PlainConfigValue } from '../thread/messages.ts'
import { AliasValidation } from './alias-validation.ts'
import type { ClientOverrides } from './client-overrides.ts'
import { BadRequestRestError, NotFoundRestError } from './errors.ts'
import type { RequestedConfig } from './herder.ts'
import type { HerderWorker } from './herder-worker.ts'
import { javaMapText } from './java-map-text.ts'
import { type ConverterRole, kindOf, workerConverter } from './worker-converters.ts'

export interface ConnectorValidationOptions {
  readonly config: WorkerConfig
  readonly registry: PluginRegistry
  readonly transformer: ConfigTransformer
  readonly worker: Pick<HerderWorker, 'validateConnector' | 'pluginConfigDef'>
  readonly clientOverrides: ClientOverrides
}

const ROLES = ['header', 'key', 'value'] as const satisfies readonly ConverterRole[]

/** What is known of one key: its definition where there is one, and what validation found. */
type FoundValue = { -readonly [Field in keyof ConfigValueInfo]: ConfigValueInfo[Field] }

/**
 * Validates configurations of connectors as the original does (`AbstractHerder.validateConnectorConfig`): the framework's keys first, then the
 * connector's own, overrides of client settings and converters. Code of plug-ins runs in the worker's validation thread only.
 */
export class ConnectorValidation {
  readonly #config: WorkerConfig
  readonly #registry: PluginRegistry
  readonly #transformer: ConfigTransformer
  readonly #worker: ConnectorValidationOptions['worker']
  readonly #clientOverrides: ClientOverrides
  readonly #aliases: AliasValidation

  constructor({ config, registry, transformer, worker, clientOverrides }: ConnectorValidationOptions) {
    this.#config = config
    this.#registry = registry
    this.#transformer = transformer
    this.#worker = worker
    this.#clientOverrides = clientOverrides
    this.#aliases = new AliasValidation({ registry, worker })
  }

  /** @throws BadRequestRestError where the connector's class is missing, unknown or ambiguous, or its version is no version. */
  async validate(requested: RequestedConfig): Promise<ConfigInfos> {
    const config = await this.#transformer.transform(requested)
    const className = config['connector.class']
    // What was written, not what it resolves to: that may be secret.
    if (className == null) throw new BadRequestRestError(`Connector config ${javaMapText(requested)} contains no connector type`)
    try {
      const descriptor = this.#registry.find(['sink', 'source'], className, config['connector.plugin.version'])
      return await this.#validateWith(descriptor, className, config)
    } catch (error) {
      if (error instanceof PluginVersionError && !(error.cause instanceof VersionRangeError)) return this.#unavailableVersion(className, config, error)
      throw asBadRequest(error)
    }
  }

  async #validateWith(descriptor: PluginDescriptor, className: string, config: RequestedConfig): Promise<ConfigInfos> {
    const kind = descriptor.kind === 'source' ? 'source' : 'sink'
    const properties = withoutNulls(config)
    const definition = connectorConfigDef(kind, this.#choices(descriptor, config))
    const framework = new Map(definition.validate(config).values.map((value) => [value.name, foundValue(value, definition.keys.get(value.name)?.type ?? null)]))
    for (const role of ROLES) this.#nameConverterClass(role, config, framework)
    this.#addFrameworkErrors(kind, config, framework)

    const [own, aliases, producer, admin, consumer, ...converters] = await Promise.all([
      this.#worker.validateConnector(descriptor, properties),
      this.#aliases.validate(properties),
      usesProducer(kind, properties) ? this.#clientOverrides.validate('PRODUCER', descriptor, properties) : [],
      usesAdmin(kind, properties) ? this.#clientOverrides.validate('ADMIN', descriptor, properties) : [],
      kind === 'sink' ? this.#clientOverrides.validate('CONSUMER', descriptor, properties) : [],
      ...ROLES.map((role) => this.#validateConverter(role, properties, framework.get(`${role}.converter`))),
    ])
    const keys = new Map([...definition.keys.values()].map((key) => [key.name, configKeyInfo(key)]))
    for (const key of millraceConnectorConfigDef.keys.values()) {
      const value = config[key.name]
      if (value == null) continue
      keys.set(key.name, configKeyInfo(key))
      entryOf(framework, key.name, value)
    }
    for (const { definition: key } of aliases.infos) if (key !== null) keys.set(key.name, key)
    for (const key of own.configKeys) keys.set(key.name, key)
    const values = [...framework.values(), ...aliases.infos.flatMap(({ value }) => value ?? []), ...own.values.map(foundPlainValue)]
    const inner = mergedInfos(keys, values)
    const prefixed = [...producer, ...consumer, ...admin, ...converters.flat()]
    return {
      name: className,
      // For overrides and converters the original counts keys, not messages.
      error_count: errorCount(inner) + prefixed.filter((info) => hasErrors(info)).length,
      groups: distinct([...definition.groups, ...aliases.groups, ...own.groups, ...prefixed.flatMap((info) => info.definition?.group ?? [])]),
      configs: [...inner, ...prefixed],
    }
  }

  /** Only what the framework itself knows; the connector cannot be asked, as there is none of this version. */
  #unavailableVersion(className: string, config: RequestedConfig, error: PluginVersionError): ConfigInfos {
    const latest = this.#registry.find(['sink', 'source'], className)
    const converters = { keyConverter: NO_CONVERTER_CHOICES, valueConverter: NO_CONVERTER_CHOICES, headerConverter: NO_CONVERTER_CHOICES }
    const definition = connectorConfigDef(null, { defaultVersion: knownVersion(latest), versions: this.#versionsOf(latest), ...converters })
    const values = definition.validate(config).values.map((value) => foundValue(value, definition.keys.get(value.name)?.type ?? null))
    for (const value of values) {
      if (value.name === 'connector.class' || value.name === 'connector.plugin.version') value.errors = [...value.errors, error.message]
    }
    const configs = mergedInfos(new Map([...definition.keys.values()].map((key) => [key.name, configKeyInfo(key)])), values)
    return { name: className, error_count: errorCount(configs), groups: definition.groups, configs }
  }

  #addFrameworkErrors(kind: 'source' | 'sink', config: RequestedConfig, values: Map<string, FoundValue>): void {
    const add = ({ key, message }: { key: string; message: string }): void => {
      const value = entryOf(values, key, config[key] ?? null)
      value.errors = [...value.errors, message]
    }
    if (kind === 'sink') [...sinkTopicErrors(config), ...this.#groupConflicts(config)].forEach(add)
    else if (this.#config.topicCreationEnable) topicCreationErrors(config).forEach(add)
    for (const [key, value] of Object.entries(config)) if (value === null) add({ key, message: 'Null value can not be supplied as the configuration value.' })
    // One complaint per key is enough.
    for (const error of laterKeyErrors(kind, config)) if ((values.get(error.key)?.errors ?? []).length === 0) add(error)
    ownKeyErrors(config).forEach(add)
    recordFailuresErrors(kind, config).forEach(add)
    for (const role of ROLES) this.#converterVersionErrors(role, config, values).forEach(add)
  }

  /** A sink must not read in the group that the workers themselves are in. */
  #groupConflicts(config: RequestedConfig): { readonly key: string; readonly message: string }[] {
    const workers = this.#config.distributed?.groupId
    const overridden = config['consumer.override.group.id']
    if (workers === undefined) return []
    const conflict = `conflicts with Connect worker group ${workers}`
    if (overridden != null) return overridden === workers ? [{ key: 'consumer.override.group.id', message: `Consumer group ${overridden} ${conflict}` }] : []
    const { name } = config
    if (`connect-${name}` !== workers) return []
    return [{ key: 'name', message: `Consumer group for sink connector named ${name} ${conflict}` }]
  }

  #choices(descriptor: PluginDescriptor, config: RequestedConfig): ConnectorChoices {
    const latest = this.#registry.find(descriptor.kind, descriptor.className)
    return {
      defaultVersion: knownVersion(latest),
      versions: this.#versionsOf(latest),
      keyConverter: this.#converterChoices('key', config),
      valueConverter: this.#converterChoices('value', config),
      headerConverter: this.#converterChoices('header', config),
    }
  }

  #converterChoices(role: ConverterRole, config: RequestedConfig): ConverterChoices {
    const kind = kindOf(role)
    const given = config[`${role}.converter`]
    const workerDefault = workerConverter(role, this.#config, this.#registry)
    const chosen = given == null ? workerDefault : this.#registry.lookup(kind, given)
    return {
      defaultClass: workerDefault?.className ?? null,
      classes: distinct(this.#registry.list(kind).map((plugin) => plugin.className)),
      validator: this.#converterValidator(role),
      defaultVersion: chosen === null ? null : knownVersion(chosen),
      versions: chosen === null || given === null ? [] : this.#versionsOf(chosen),
      isVersionVisible: given === undefined || (given !== null && this.#anyPlugin(given) !== null),
    }
  }

  #converterValidator(role: ConverterRole): ConverterChoices['validator'] {
    return {
      ensureValid: (name, value) => {
        if (value === null || this.#registry.lookup(kindOf(role), value as string) !== null) return
        const other = this.#anyPlugin(value as string)
        if (other === null) throw ConfigError.invalidValue(name, value, `Class ${value as string} could not be found.`)
        throw new ConfigError(`Class class ${other.className} does not implement the ${role === 'header' ? 'HeaderConverter' : 'Converter'} interface`, {
          key: name,
        })
      },
      toString: () => 'A concrete subclass of a converter, A class with a public, no-argument constructor',
    }
  }

  /** CLASS keys answer with the class's full name, or with null where there is none. */
  #nameConverterClass(role: ConverterRole, config: RequestedConfig, values: Map<string, FoundValue>): void {
    const given = config[`${role}.converter`]
    const found = values.get(`${role}.converter`)
    if (found && given != null) found.value = (this.#registry.lookup(kindOf(role), given) ?? this.#anyPlugin(given))?.className ?? null
  }

  /** A version counts only together with a converter of the connector's own. */
  #converterVersionErrors(role: ConverterRole, config: RequestedConfig, values: ReadonlyMap<string, FoundValue>): { key: string; message: string }[] {
    const key = `${role}.converter`
    const className = config[key]
    const version = config[`${key}.plugin.version`]
    if (className == null || version == null || (values.get(key)?.errors ?? []).length > 0) return []
    try {
      this.#registry.find([kindOf(role)], className, version)
      return []
    } catch (error) {
      if (!(error instanceof PluginVersionError)) throw error
      return [key, `${key}.plugin.version`].map((each) => ({ key: each, message: error.message }))
    }
  }

  async #validateConverter(role: ConverterRole, properties: Properties, classValue: FoundValue | undefined): Promise<ConfigInfo[]> {
    const key = `${role}.converter`
    const className = properties[key]
    // The worker's converter was checked with the worker's settings; a wrong one is told on its own key.
    if (className === undefined || (classValue?.errors ?? []).length > 0) return []
    const descriptor = this.#registry.find(kindOf(role), className, properties[`${key}.plugin.version`])
    try {
      const { configKeys, values } = await this.#worker.validateConnector(descriptor, {
        'converter.type': role,
        ...propertiesWithPrefix(properties, `${key}.`),
      })
      return prefixedInfos(configKeys, values, `${key}.`)
    } catch (error) {
      if (classValue) classValue.errors = [...classValue.errors, `Failed to perform config validation for ${role} converter: ${(error as Error).message}`]
      return []
    }
  }

  /**
   * @throws NotFoundRestError `Unknown plugin X.`; BadRequestRestError where the plug-in is of a kind that has no settings to show, or the version
   *   does not exist.
   */
  async pluginConfig(plugin: string, versionRange?: string): Promise<readonly ConfigKeyInfo[]> {
    const descriptor = this.#shownPlugin(plugin, versionRange)
    const own = await this.#worker.pluginConfigDef(descriptor)
    if (descriptor.kind !== 'source' && descriptor.kind !== 'sink') return own
    const converters = { keyConverter: NO_CONVERTER_CHOICES, valueConverter: NO_CONVERTER_CHOICES, headerConverter: NO_CONVERTER_CHOICES }
    const framework = connectorConfigDef(descriptor.kind, { defaultVersion: knownVersion(descriptor), versions: [], ...converters })
    const names = new Set(own.map((key) => key.name))
    return [...own, ...[...framework.keys.values()].filter((key) => !names.has(key.name)).map((key) => configKeyInfo(key))]
  }

  #shownPlugin(plugin: string, versionRange: string | undefined): PluginDescriptor {
    const any = this.#anyPlugin(plugin)
    if (any === null) throw new NotFoundRestError(`Unknown plugin ${plugin}.`)
    const kind = SHOWN_KINDS.find((each) => this.#registry.lookup(each, plugin) !== null)
    if (kind === undefined)
      throw new BadRequestRestError(`Invalid plugin class ${plugin}. Valid types are sink, source, converter, header_converter, transformation, predicate.`)
    try {
      return this.#registry.find(kind, plugin, versionRange)
    } catch (error) {
      if (error instanceof PluginVersionError && error.cause instanceof VersionRangeError)
        throw new BadRequestRestError(`Invalid version specification: ${versionRange}`)
      throw asBadRequest(error)
    }
  }

  #anyPlugin(name: string): PluginDescriptor | null {
    for (const kind of ALL_KINDS) {
      const found = this.#registry.lookup(kind, name)
      if (found !== null) return found
    }
    return null
  }

  #versionsOf(descriptor: PluginDescriptor): string[] {
    return distinct(
      this.#registry
        .list(descriptor.kind)
        .filter((plugin) => plugin.className === descriptor.className && knownVersion(plugin) !== null)
        .map((plugin) => plugin.version),
    )
  }
}

const SHOWN_KINDS = ['sink', 'source', 'converter', 'header_converter', 'transformation', 'predicate'] as const satisfies readonly PluginKind[]
const ALL_KINDS = [...SHOWN_KINDS, 'config_provider', 'override_policy'] as const satisfies readonly PluginKind[]

/** What a request for creation or change is refused with, or null where nothing is wrong. */
export function configErrors({ error_count: count, configs }: ConfigInfos): BadRequestRestError | null {
  if (count === 0) return null
  const messages = configs.flatMap((config) => config.value?.errors ?? [])
  return new BadRequestRestError(
    [
      `Connector configuration is invalid and contains the following ${count} error(s):`,
      ...messages,
      'You can also find the above list of errors at the endpoint `/connector-plugins/{connectorType}/config/validate`',
    ].join('\n'),
  )
}

/** A sink writes to Kafka where it has a dead-letter queue. */
function usesProducer(kind: 'source' | 'sink', properties: Properties): boolean {
  return kind === 'source' || hasDeadLetterQueue(properties)
}

function usesAdmin(kind: 'source' | 'sink', properties: Properties): boolean {
  return kind === 'source' ? Object.keys(properties).some((key) => key.startsWith('topic.creation.')) : hasDeadLetterQueue(properties)
}

function hasDeadLetterQueue(properties: Properties): boolean {
  return (properties['errors.deadletterqueue.topic.name']?.trim() ?? '') !== ''
}

function knownVersion({ version }: PluginDescriptor): string | null {
  return version === 'undefined' ? null : version
}

function asBadRequest(error: unknown): unknown {
  const isPluginError = error instanceof PluginNotFoundError || error instanceof AmbiguousPluginError || error instanceof PluginVersionError
  // The plug-in breaks its contract in another thread, where only the message tells.
  const isNullConfig = error instanceof FailureError && /\.(config|validate)\(\) must return a Config(Def)? that is not null\.$/.test(error.message)
  return isPluginError || isNullConfig ? new BadRequestRestError(error.message, { cause: error }) : error
}

function withoutNulls(config: RequestedConfig): Properties {
  return Object.fromEntries(Object.entries(config).filter((entry): entry is [string, string] => entry[1] !== null))
}

function foundValue({ name, value, recommendedValues, errorMessages, visible }: ConfigValue, type: ConfigType | null): FoundValue {
  const elementType = type === 'LIST' ? 'STRING' : type
  return {
    name,
    value: configText(value, type),
    recommended_values: recommendedValues.map((each) => configText(each, elementType) ?? 'null'),
    errors: errorMessages,
    visible,
  }
}

function foundPlainValue({ name, value, recommendedValues, errorMessages, visible }: PlainConfigValue): FoundValue {
  return { name, value, recommended_values: recommendedValues, errors: errorMessages, visible }
}

function entryOf(values: Map<string, FoundValue>, name: string, value: string | null): FoundValue {
  let entry = values.get(name)
  if (!entry) values.set(name, (entry = { name, value, recommended_values: [], errors: [], visible: true }))
  return entry
}

/** Values without definition first, then all definitions in their order; of two values for one key the later one counts. */
function mergedInfos(keys: ReadonlyMap<string, ConfigKeyInfo>, values: readonly FoundValue[]): ConfigInfo[] {
  const byName = new Map(values.map((value) => [value.name, value]))
  const undefinedKeys = values.filter((value) => !keys.has(value.name)).map((value) => ({ definition: null, value }))
  const definedKeys = [...keys.values()].map((definition) => ({ definition, value: byName.get(definition.name) ?? null }))
  return [...undefinedKeys, ...definedKeys]
}

function prefixedInfos(keys: readonly ConfigKeyInfo[], values: readonly PlainConfigValue[], prefix: string): ConfigInfo[] {
  const byName = new Map(keys.map((key) => [key.name, key]))
  return values.map((value) => {
    const key = byName.get(value.name)
    return { definition: key === undefined ? null : { ...key, name: prefix + key.name }, value: { ...foundPlainValue(value), name: prefix + value.name } }
  })
}

function errorCount(configs: readonly ConfigInfo[]): number {
  return configs.reduce((sum, config) => sum + (config.value?.errors.length ?? 0), 0)
}

function hasErrors(config: ConfigInfo): boolean {
  return (config.value?.errors.length ?? 0) > 0
}

function distinct<T>(values: readonly T[]): T[] {
  return [...new Set(values)]
}
