import { ConfigError, type Logger } from '@millrace/api'
import { type ConfigTransformer, createConfigTransformer, resolveWorkerProperties } from '../config/config-transformer.ts'
import { lineNamedIn, type PropertiesFile, readPropertiesFile, SettingsFileError } from '../config/properties-file.ts'
import { parseWorkerConfig, pluginPathOf, type WorkerConfig } from '../config/worker-config.ts'
import { logLevelOf } from '../logging/log-levels.ts'
import type { Loggers } from '../logging/loggers.ts'
import { discoverPlugins } from '../plugins/discover-plugins.ts'
import type { PluginRegistry } from '../plugins/plugin-registry.ts'
import { consoleLoggers } from './console-loggers.ts'
import { EXIT_NOT_STARTED, type StartExitCode, StartupError } from './startup-error.ts'

/** What a worker is told by its file, checked, and what had to be there to understand it. */
export interface WorkerSettings {
  readonly config: WorkerConfig
  readonly registry: PluginRegistry
  readonly transformer: ConfigTransformer
  readonly loggers: Loggers
  /** What to tell the user of a setting that turns out to be wrong later. Default: `EXIT_NOT_STARTED`. */
  readonly refused: (error: unknown, exitCode?: StartExitCode) => StartupError
}

export interface ReadWorkerSettingsOptions {
  readonly mode: WorkerConfig['mode']
  readonly workerFile: string
  readonly bundledPlugins: readonly URL[]
  /** Default: standard output, as `millrace.log.level` and `millrace.log.format` say. */
  readonly loggers?: Loggers
}

/** @throws StartupError that names the file, and line and key where one is wrong. */
export async function readWorkerSettings({ mode, workerFile, bundledPlugins, loggers: given }: ReadWorkerSettingsOptions): Promise<WorkerSettings> {
  const file = await readWorkerFile(workerFile)
  const { properties } = file
  const loggers = given ?? loggersOf(properties)
  const log = loggers.logger('config/worker-config')
  warnOfDuplicates(workerFile, file.duplicates, log)
  const registry = await discoverPlugins({ pluginPath: pluginPathOf(properties), bundled: bundledPlugins, logger: loggers.logger('plugins/discover-plugins') })
  try {
    const transformer = await createConfigTransformer({ properties, registry, logger: loggers.logger('config/config-transformer') })
    const resolved = await resolveWorkerProperties(properties, transformer, log)
    const config = parseWorkerConfig({ mode, properties: resolved, rawProperties: properties, logger: log })
    return { config, registry, transformer, loggers, refused: (error, exitCode) => settingsError(error, workerFile, file, exitCode) }
  } catch (error) {
    throw settingsError(error, workerFile, file)
  }
}

/** Wrong settings are told by file and line; their messages name the key. */
export function settingsError(error: unknown, workerFile: string, { lines }: PropertiesFile, exitCode: StartExitCode = EXIT_NOT_STARTED): StartupError {
  if (error instanceof StartupError) return error
  const message = error instanceof Error ? error.message : String(error)
  const key = error instanceof ConfigError ? error.key : null
  const line = (key === null ? null : lines.get(key)) ?? lineNamedIn(message, lines)
  return new StartupError(`${workerFile}${line === null ? '' : `:${line}`}: ${message}`, exitCode, { cause: error })
}

export function warnOfDuplicates(file: string, duplicates: PropertiesFile['duplicates'], log: Logger): void {
  for (const { key, lines } of duplicates) log.warn(`${file}: "${key}" stands on lines ${lines.join(', ')}; the last one counts.`)
}

async function readWorkerFile(workerFile: string): Promise<PropertiesFile> {
  try {
    return await readPropertiesFile(workerFile)
  } catch (error) {
    if (error instanceof SettingsFileError) throw new StartupError(error.message, EXIT_NOT_STARTED, { cause: error })
    throw error
  }
}

/** The log is needed before the settings are checked; what is wrong about its own settings is found there. */
function loggersOf(properties: PropertiesFile['properties']): Loggers {
  const level = logLevelOf(properties['millrace.log.level']?.trim() ?? '') ?? 'INFO'
  return consoleLoggers({ level, format: properties['millrace.log.format']?.trim() === 'json' ? 'json' : 'text' })
}

/** Of the package that has converters, transformations and the like. */
export function standardPlugins(): URL {
  return new URL('../package.json', import.meta.resolve('@millrace/standard-plugins'))
}

/** Sets levels that come from other workers; those that nobody knows are left alone. */
export function setLoggerLevel(loggers: Loggers): (namespace: string, level: string) => void {
  return (namespace, text) => {
    const level = logLevelOf(text)
    if (level !== null) loggers.setLevel(namespace, level)
  }
}
