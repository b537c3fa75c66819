import { type ClientConfigOverridePolicy, ConfigError, type ConfigType, type Logger, parseType, type Properties } from '@millrace/api'
import type { ConfigInfo, ConfigKeyInfo } from '@millrace/rest-api'
import { configText } from '../config/config-key-info.ts'
import { propertiesWithPrefix } from '../config/config-transformer.ts'
import { loadPlugin } from '../plugins/load-plugin.ts'
import type { PluginDescriptor, PluginRegistry } from '../plugins/plugin-registry.ts'

export type ClientType = 'PRODUCER' | 'CONSUMER' | 'ADMIN'

/** What is known of a setting of Kafka's clients. */
export interface ClientKeyDefinition {
  readonly type: ConfigType
  readonly defaultValue: string | null
  readonly isRequired: boolean
}

export interface ClientOverridesOptions {
  /** `connector.client.config.override.policy`. */
  readonly policyName: string
  readonly registry: PluginRegistry
  /** The worker's settings, which the policy is set up with. */
  readonly workerProperties: Properties
  /** Null for settings that the client does not know. */
  readonly definitionOf: (client: ClientType, key: string) => ClientKeyDefinition | null
  /** Given to the policy. */
  readonly logger: Logger
}

/** Checks the settings of Kafka clients that connectors override, by the worker's policy. Policies run on the main thread, so only built-in ones are accepted. */
export class ClientOverrides {
  readonly #policy: PluginDescriptor
  readonly #workerProperties: Properties
  readonly #definitionOf: ClientOverridesOptions['definitionOf']
  readonly #logger: Logger
  #instance: Promise<ClientConfigOverridePolicy> | null = null

  /** @throws ConfigError where the policy does not exist or is foreign. */
  constructor({ policyName, registry, workerProperties, definitionOf, logger }: ClientOverridesOptions) {
    const key = 'connector.client.config.override.policy'
    const policy = registry.lookup('override_policy', policyName)
    if (policy === null) throw ConfigError.invalidValue(key, policyName, `Class ${policyName} could not be found.`)
    if (policy.location !== 'classpath')
      throw ConfigError.invalidValue(key, policyName, 'only policies that are built in can be used yet, since policies run beside the REST API')
    this.#policy = policy
    this.#workerProperties = workerProperties
    this.#definitionOf = definitionOf
    this.#logger = logger
  }

  /** One answer per override that the connector has. */
  async validate(client: ClientType, connector: PluginDescriptor, properties: Properties): Promise<ConfigInfo[]> {
    const prefix = `${client.toLowerCase()}.override.`
    const clientProperties = propertiesWithPrefix(properties, prefix)
    if (Object.keys(clientProperties).length === 0) return []
    const policy = await this.#loaded()
    const values = policy.validate({
      connectorName: properties.name ?? '',
      connectorClass: connector.className,
      connectorType: connector.kind === 'source' ? 'source' : 'sink',
      clientType: client,
      clientProperties,
    })
    return values.map(({ name, value, errorMessages }) => {
      const definition = this.#definitionOf(client, name)
      const errors = [...errorMessages, ...typeErrors(name, clientProperties[name], definition)]
      const shown = isSecret(name, definition) && value !== null ? '[hidden]' : configText(value, null)
      return {
        definition: definition === null ? null : keyInfo(prefix + name, name, definition),
        value: { name: prefix + name, value: shown, recommended_values: [], errors, visible: true },
      }
    })
  }

  /** Loaded at the first override: most workers never see one. */
  #loaded(): Promise<ClientConfigOverridePolicy> {
    this.#instance ??= loadPlugin(this.#policy).then((policyClass) => {
      const policy = new policyClass() as ClientConfigOverridePolicy
      policy.configure(this.#workerProperties, this.#logger)
      return policy
    })
    return this.#instance
  }
}

/** The original fails the whole request here; an error on the key says the same and says where. */
function typeErrors(name: string, value: string | undefined, definition: ClientKeyDefinition | null): string[] {
  if (definition === null || value === undefined) return []
  try {
    parseType(name, value, definition.type)
    return []
  } catch (error) {
    return [(error as Error).message]
  }
}

/** Settings that are not known may still be secret, by their names. */
function isSecret(name: string, definition: ClientKeyDefinition | null): boolean {
  return definition === null ? /password|passphrase|secret|jaas|token|credential/i.test(name) : definition.type === 'PASSWORD'
}

function keyInfo(name: string, displayName: string, { type, defaultValue, isRequired }: ClientKeyDefinition): ConfigKeyInfo {
  return {
    name,
    type,
    required: isRequired,
    default_value: isRequired ? null : defaultValue,
    importance: 'MEDIUM',
    documentation: `Setting ${displayName} of the Kafka client.`,
    group: null,
    order_in_group: -1,
    width: 'NONE',
    display_name: displayName,
    dependents: [],
  }
}
