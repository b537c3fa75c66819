import { ConfigError, type ConfigProvider, type Logger, type Properties } from '@millrace/api'
import { loadPlugin } from '../plugins/load-plugin.ts'
import type { PluginRegistry } from '../plugins/plugin-registry.ts'

/** `${provider:key}` or `${provider:path:key}`: provider and path end at the next colon, the key may hold more of them. */
const REFERENCE = /\$\{([^}]*?):(?:([^}]*?):)?([^}]*?)\}/g

/** A configuration whose values may be null, as a request may give them. */
type NullableProperties = Readonly<Record<string, string | null>>

/** Whether a value holds something that looks like a reference. */
export function hasReference(value: string | null | undefined): boolean {
  return value != null && new RegExp(REFERENCE.source).test(value)
}

/** Replaces references by what configuration providers know (`org.apache.kafka.common.config.ConfigTransformer`). */
export class ConfigTransformer {
  readonly #providers: ReadonlyMap<string, ConfigProvider>

  constructor(providers: ReadonlyMap<string, ConfigProvider> = new Map()) {
    this.#providers = providers
  }

  /**
   * Resolves all references. Those to unknown providers or to keys that the provider does not know stay as they are written, and what a provider
   * answers is not looked through again. Each (provider, path) is asked once.
   *
   * @throws ConfigError where a provider fails.
   */
  async transform<P extends NullableProperties>(properties: P): Promise<P> {
    const answers = await this.#ask(properties)
    if (answers.size === 0) return properties
    const resolved = Object.entries(properties).map(([key, value]) => [key, value === null ? null : replaceReferences(value, answers)])
    return Object.fromEntries(resolved) as P
  }

  async close(): Promise<void> {
    for (const provider of this.#providers.values()) await provider.close?.()
  }

  /** By provider, then path: what is known of the keys that were asked for. */
  async #ask(properties: NullableProperties): Promise<Map<string, Map<string, Properties>>> {
    const wanted = new Map<string, Map<string, Set<string>>>()
    for (const value of Object.values(properties)) {
      for (const [, provider = '', path = '', key = ''] of value?.matchAll(REFERENCE) ?? []) {
        if (this.#providers.has(provider)) inner(inner(wanted, provider, newMap<Set<string>>), path, newSet).add(key)
      }
    }
    const answers = new Map<string, Map<string, Properties>>()
    for (const [name, paths] of wanted) {
      const provider = this.#providers.get(name) as ConfigProvider
      for (const [path, keys] of paths) inner(answers, name, newMap<Properties>).set(path, (await provider.get(path, keys)).data)
    }
    return answers
  }
}

function replaceReferences(value: string, answers: ReadonlyMap<string, ReadonlyMap<string, Properties>>): string {
  return value.replace(REFERENCE, (reference, provider: string, path: string | undefined, key: string) => {
    const data = answers.get(provider)?.get(path ?? '')
    return data !== undefined && Object.hasOwn(data, key) ? (data[key] as string) : reference
  })
}

function newMap<Value>(): Map<string, Value> {
  return new Map()
}

function newSet(): Set<string> {
  return new Set()
}

function inner<Value>(map: Map<string, Value>, key: string, make: () => Value): Value {
  let value = map.get(key)
  if (value === undefined) map.set(key, (value = make()))
  return value
}

export interface ConfigProvidersOptions {
  /** A worker's settings as they are written. */
  readonly properties: Properties
  readonly registry: PluginRegistry
  /** Also given to the providers, for the life of the worker. */
  readonly logger: Logger
}

/**
 * Sets up the providers that `config.providers` names. They run on the main thread, so only those that are built in are accepted.
 * @throws ConfigError where one is unknown, foreign, or refuses its parameters.
 */
export async function createConfigTransformer({ properties, registry, logger }: ConfigProvidersOptions): Promise<ConfigTransformer> {
  const providers = new Map<string, ConfigProvider>()
  for (const name of listedProviders(properties)) {
    const className = properties[`config.providers.${name}.class`]?.trim()
    if (className === undefined) {
      logger.warn(`Config provider "${name}" is not used: config.providers.${name}.class is missing`)
      continue
    }
    providers.set(name, await createProvider(name, className, properties, registry, logger))
  }
  return new ConfigTransformer(providers)
}

function listedProviders(properties: Properties): string[] {
  const names = (properties['config.providers'] ?? '').split(',').map((name) => name.trim())
  return [...new Set(names.filter((name) => name !== ''))]
}

async function createProvider(name: string, className: string, properties: Properties, registry: PluginRegistry, logger: Logger): Promise<ConfigProvider> {
  const key = `config.providers.${name}.class`
  const descriptor = registry.lookup('config_provider', className)
  if (descriptor === null) throw ConfigError.invalidValue(key, className, `Class ${className} could not be found.`)
  if (descriptor.location !== 'classpath') {
    throw ConfigError.invalidValue(key, className, 'only config providers that are built in can be used yet, since providers run beside the REST API')
  }
  const provider = new (await loadPlugin(descriptor))() as ConfigProvider
  await provider.configure(propertiesWithPrefix(properties, `config.providers.${name}.param.`), logger)
  return provider
}

/** The properties whose keys begin with `prefix`, without it. */
export function propertiesWithPrefix<Value extends string | null>(properties: Readonly<Record<string, Value>>, prefix: string): Record<string, Value> {
  const entries = Object.entries(properties).filter(([key]) => key.startsWith(prefix) && key.length > prefix.length)
  return Object.fromEntries(entries.map(([key, value]) => [key.slice(prefix.length), value]))
}

/**
 * A worker's settings with references resolved, but for those that providers themselves are set up with and `plugin.path`, which is read before
 * there are providers.
 * @throws ConfigError where a provider fails.
 */
export async function resolveWorkerProperties(properties: Properties, transformer: ConfigTransformer, logger: Logger): Promise<Properties> {
  const pluginPath = properties['plugin.path']
  if (hasReference(pluginPath))
    logger.warn(`References cannot be used in plugin.path: it is read before there are config providers. "${pluginPath}" is taken as it is.`)
  const entries = Object.entries(properties)
  const fixed = entries.filter(([key]) => key === 'plugin.path' || key.startsWith('config.providers'))
  const resolved = await transformer.transform(Object.fromEntries(entries))
  return { ...resolved, ...Object.fromEntries(fixed) }
}

/**
 * Puts references back into what a connector made of its resolved configuration, so that secrets are not stored: a key whose value in the
 * connector's own configuration is a reference gets that value (`AbstractHerder.reverseTransform`).
 */
export function withReferencesRestored(taskConfigs: readonly Properties[], connectorConfig: NullableProperties): Properties[] {
  const referring = Object.entries(connectorConfig).filter((entry): entry is [string, string] => hasReference(entry[1]))
  return taskConfigs.map((config) => ({ ...config, ...Object.fromEntries(referring.filter(([key]) => Object.hasOwn(config, key))) }))
}
