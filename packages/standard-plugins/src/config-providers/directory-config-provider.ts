import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { type ConfigData, type ConfigDef, ConfigError, type ConfigProvider, type Logger, type Properties } from '@millrace/api'
import { AllowedPaths, allowedPathsConfig } from './allowed-paths.ts'

/**
 * Values from files of one directory, each the whole of a file: the path is the directory, the key the file's name
 * (`org.apache.kafka.common.config.provider.DirectoryConfigProvider`).
 */
export class DirectoryConfigProvider implements ConfigProvider {
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
    if (path === '') return { data: {} }
    const folder = this.#allowedPaths.resolve(path)
    if (folder === null) {
      this.#logger?.warn(`The path ${path} is not allowed to be accessed`)
      return { data: {} }
    }
    if (!(await isOfKind(folder, 'directory'))) {
      this.#logger?.warn(`The path ${path} is not a directory`)
      return { data: {} }
    }
    const names = (await namesIn(folder)).filter((name) => keys === undefined || keys.has(name))
    const entries = await Promise.all(names.map((name) => entryOf(join(folder, name))))
    return { data: Object.fromEntries(entries.filter((entry) => entry !== null)) }
  }
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder)
  } catch (cause) {
    throw new ConfigError(`Could not list directory ${folder}`, { cause })
  }
}

/** Null for what is no file. */
async function entryOf(file: string): Promise<readonly [string, string] | null> {
  if (!(await isOfKind(file, 'file'))) return null
  try {
    return [basename(file), await readFile(file, 'utf8')]
  } catch (cause) {
    throw new ConfigError(`Could not read file ${file} for property ${basename(file)}`, { cause })
  }
}

async function isOfKind(path: string, kind: 'file' | 'directory'): Promise<boolean> {
  try {
    const status = await stat(path)
    return kind === 'file' ? status.isFile() : status.isDirectory()
  } catch {
    // What is gone, or hidden from us, is neither.
    return false
  }
}
