import { ConfigError } from '@millrace/api'
import type { WorkerConfig } from '../config/worker-config.ts'
import type { PluginDescriptor, PluginRegistry } from '../plugins/plugin-registry.ts'

export type ConverterRole = 'key' | 'value' | 'header'

export function kindOf(role: ConverterRole): 'converter' | 'header_converter' {
  return role === 'header' ? 'header_converter' : 'converter'
}

/** The converter of connectors that name none of their own, or null where the worker names one that does not exist. */
export function workerConverter(role: ConverterRole, config: WorkerConfig, registry: PluginRegistry): PluginDescriptor | null {
  const { name, version } = settingOf(role, config)
  return registry.lookup(kindOf(role), name, version)
}

/** @throws ConfigError for the first converter of the worker that does not exist, so that it is told at start and not by each connector. */
export function checkWorkerConverters(config: WorkerConfig, registry: PluginRegistry): void {
  for (const role of ['key', 'value', 'header'] as const) {
    const { name, version } = settingOf(role, config)
    try {
      registry.find(kindOf(role), name, version)
    } catch (error) {
      const key = registry.lookup(kindOf(role), name) === null ? `${role}.converter` : `${role}.converter.plugin.version`
      throw ConfigError.invalidValue(key, key === `${role}.converter` ? name : version, (error as Error).message)
    }
  }
}

function settingOf(role: ConverterRole, config: WorkerConfig): { name: string; version: string | null } {
  if (role === 'key') return { name: config.keyConverter, version: config.keyConverterVersion }
  if (role === 'value') return { name: config.valueConverter, version: config.valueConverterVersion }
  return { name: config.headerConverter, version: config.headerConverterVersion }
}
