import { readFile } from 'node:fs/promises'
import { type ConfigData, type ConfigDef, ConfigError, type ConfigProvider, type Logger, type Properties } from '@millrace/api'
import { AllowedPaths, allowedPathsConfig } from './allowed-paths.ts'
import { parseProperties } from './properties-text.ts'

/** Values from properties files: the path is the file, the key a key in it (`org.apache.kafka.common.config.provider.FileConfigProvider`). */
export class FileConfigProvider implements ConfigProvider {
  #allowedPaths = new AllowedPaths(null)
  #logger: Logger | null = null

  config(): ConfigDef {
    return allowedPathsConfig
  }

  configure(properties: Properties, logger?: Logger): void {
    this.#allowedPaths = new AllowedPaths(allowedPathsConfig.parse(properties)['allowed.paths'])
    this.#logger = logger ?? null
  }

  async get(path: string, keys?: ReadonlySet<string>): Promise<ConfigData> {
    const file = path === '' ? null : this.#allowedPaths.resolve(path)
    if (file === null) {
      if (path !== '') this.#logger?.warn(`The path ${path} is not allowed to be accessed`)
      return { data: {} }
    }
    const found = [...(await readProperties(file, path))].filter(([key]) => keys === undefined || keys.has(key))
    return { data: Object.fromEntries(found) }
  }
}

async function readProperties(file: string, path: string): Promise<ReadonlyMap<string, string>> {
  try {
    return parseProperties(await readFile(file, 'utf8'))
  } catch (cause) {
    throw new ConfigError(`Could not read properties from file ${path}`, { cause })
  }
}
