import { type ClientConfigOverridePolicy, type ClientConfigRequest, ConfigDef, type ConfigValue, type Logger, type Properties, validList } from '@millrace/api'

/** What the policies share: each property of a request is allowed or not, whatever its value. */
abstract class OverridePolicy implements ClientConfigOverridePolicy {
  protected abstract readonly policyName: string

  config(): ConfigDef {
    return new ConfigDef()
  }

  abstract configure(properties: Properties, logger?: Logger): void

  validate(request: ClientConfigRequest): readonly ConfigValue[] {
    return Object.entries(request.clientProperties).map(([name, value]) => ({
      name,
      value,
      recommendedValues: [],
      errorMessages: this.isAllowed(name) ? [] : [`The '${this.policyName}' policy does not allow '${name}' to be overridden in the connector configuration.`],
      visible: true,
    }))
  }

  protected abstract isAllowed(name: string): boolean
}

/** Every client setting may be overridden: the default (`org.apache.kafka.connect.connector.policy.AllConnectorClientConfigOverridePolicy`). */
export class AllConnectorClientConfigOverridePolicy extends OverridePolicy {
  protected override readonly policyName = 'All'

  override configure(_properties: Properties, logger?: Logger): void {
    logger?.info('Setting up All Policy for ConnectorClientConfigOverride. This will allow all client configurations to be overridden')
  }

  protected override isAllowed(): boolean {
    return true
  }
}

/** `org.apache.kafka.connect.connector.policy.NoneConnectorClientConfigOverridePolicy`. */
export class NoneConnectorClientConfigOverridePolicy extends OverridePolicy {
  protected override readonly policyName = 'None'

  override configure(_properties: Properties, logger?: Logger): void {
    logger?.info('Setting up None Policy for ConnectorClientConfigOverride. This will disallow any client configuration to be overridden')
  }

  protected override isAllowed(): boolean {
    return false
  }
}

const principalSettings: ReadonlySet<string> = new Set(['sasl.jaas.config', 'sasl.mechanism', 'security.protocol'])

/** Only what says who the connector is; deprecated by the original (`org.apache.kafka.connect.connector.policy.PrincipalConnectorClientConfigOverridePolicy`). */
export class PrincipalConnectorClientConfigOverridePolicy extends OverridePolicy {
  protected override readonly policyName = 'Principal'

  override configure(_properties: Properties, logger?: Logger): void {
    logger?.warn(
      'The Principal ConnectorClientConfigOverridePolicy is deprecated, use the Allowlist policy instead. To replicate the Principal policy behavior, ' +
        `set the connector.client.config.override.allowlist configuration to "${[...principalSettings].join(',')}"`,
    )
    logger?.info('Setting up Principal policy for ConnectorClientConfigOverride. This will allow `sasl` client configuration to be overridden.')
  }

  protected override isAllowed(name: string): boolean {
    return principalSettings.has(name)
  }
}

const allowlistConfig = new ConfigDef().define('connector.client.config.override.allowlist', {
  type: 'LIST',
  default: [],
  importance: 'MEDIUM',
  documentation: "List of client configurations that can be overridden by connectors. If empty, connectors can't override any client configurations.",
  validator: validList.anyNonDuplicateValues({ isEmptyAllowed: true, isNullAllowed: false }),
})

/** Only the settings that the worker lists (KIP-1188, `org.apache.kafka.connect.connector.policy.AllowlistConnectorClientConfigOverridePolicy`). */
export class AllowlistConnectorClientConfigOverridePolicy extends OverridePolicy {
  protected override readonly policyName = 'Allowlist'
  #allowed: ReadonlySet<string> = new Set()

  override config(): ConfigDef {
    return allowlistConfig
  }

  override configure(properties: Properties, logger?: Logger): void {
    this.#allowed = new Set(allowlistConfig.parse(properties)['connector.client.config.override.allowlist'])
    logger?.info(
      'Setting up Allowlist policy for ConnectorClientConfigOverride. This will allow the following client configurations to be overridden. ' +
        `[${[...this.#allowed].join(', ')}]`,
    )
  }

  protected override isAllowed(name: string): boolean {
    return this.#allowed.has(name)
  }
}
