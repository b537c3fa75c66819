import { type ConfigData, ConfigDef, ConfigError, type ConfigProvider, type Properties } from '@millrace/api'

const envVarConfig = new ConfigDef().define('allowlist.pattern', {
  type: 'STRING',
  default: '.*',
  importance: 'MEDIUM',
  documentation: 'A pattern / regular expression that needs to match for environment variables to be used by this config provider.',
})

/** Values from environment variables, as they were when the provider was configured (`org.apache.kafka.common.config.provider.EnvVarConfigProvider`). */
export class EnvVarConfigProvider implements ConfigProvider {
  readonly #environment: Readonly<Record<string, string | undefined>>
  #allowed: ReadonlyMap<string, string> = new Map()

  constructor(environment: Readonly<Record<string, string | undefined>> = process.env) {
    this.#environment = environment
  }

  config(): ConfigDef {
    return envVarConfig
  }

  configure(properties: Properties): void {
    const pattern = fullPattern(envVarConfig.parse(properties)['allowlist.pattern'])
    const variables = Object.entries(this.#environment).filter((entry): entry is [string, string] => entry[1] !== undefined)
    this.#allowed = new Map(variables.filter(([name]) => pattern.test(name)))
  }

  get(path: string, keys?: ReadonlySet<string>): ConfigData {
    if (path !== '') throw new ConfigError(`Path is not supported for EnvVarConfigProvider, invalid value '${path}'`)
    const found = [...this.#allowed].filter(([name]) => keys === undefined || keys.has(name))
    return { data: Object.fromEntries(found) }
  }
}

function fullPattern(source: string): RegExp {
  try {
    return new RegExp(`^(?:${source})$`, 's')
  } catch (cause) {
    throw new ConfigError(`Invalid value ${source} for configuration allowlist.pattern: ${(cause as Error).message}`, { cause })
  }
}
