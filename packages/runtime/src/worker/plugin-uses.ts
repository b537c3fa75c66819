import { ConfigError, type Properties } from '@millrace/api'
import { propertiesWithPrefix } from '../config/config-transformer.ts'
import type { WorkerConfig } from '../config/worker-config.ts'
import type { PluginRegistry } from '../plugins/plugin-registry.ts'
import type { PluginUse, TaskStart } from '../thread/messages.ts'

/**
 * The converters of a connector's tasks: its own with its own settings, otherwise the worker's with the worker's.
 * @throws where a name finds no plug-in.
 */
export function converterUses(registry: PluginRegistry, config: WorkerConfig, connectorConfig: Properties): TaskStart['converters'] {
  const use = (role: 'key' | 'value' | 'header', workerName: string, workerVersion: string | null): PluginUse => {
    const key = `${role}.converter`
    const ownName = connectorConfig[key]
    const isOwn = ownName !== undefined
    const kind = role === 'header' ? 'header_converter' : 'converter'
    const descriptor = registry.find(kind, isOwn ? ownName : workerName, isOwn ? (connectorConfig[`${key}.plugin.version`] ?? null) : workerVersion)
    const properties = propertiesWithPrefix(isOwn ? connectorConfig : config.properties, `${key}.`)
    return { descriptor, properties: { ...properties, 'converter.type': role } }
  }
  return {
    key: use('key', config.keyConverter, config.keyConverterVersion),
    value: use('value', config.valueConverter, config.valueConverterVersion),
    header: use('header', config.headerConverter, config.headerConverterVersion),
  }
}

/** The transformations of a connector's tasks, in order. @throws where an alias has no type, or the type finds no plug-in. */
export function transformationUses(registry: PluginRegistry, connectorConfig: Properties): PluginUse[] {
  const aliases = (connectorConfig['transforms'] ?? '')
    .split(',')
    .map((alias) => alias.trim())
    .filter((alias) => alias !== '')
  return aliases.map((alias) => {
    const prefix = `transforms.${alias}.`
    const properties = propertiesWithPrefix(connectorConfig, prefix)
    const { type } = properties
    if (type === undefined) throw new ConfigError(`Missing required configuration "${prefix}type" which has no default value.`, { key: `${prefix}type` })
    return { descriptor: registry.find('transformation', type, properties['plugin.version'] ?? null), properties }
  })
}
