import { ConfigError, type Properties } from '@millrace/api'
import { aliasesOf } from '../config/connector-config.ts'
import { propertiesWithPrefix } from '../config/config-transformer.ts'
import type { WorkerConfig } from '../config/worker-config.ts'
import type { PluginRegistry } from '../plugins/plugin-registry.ts'
import type { PluginUse, TaskStart, TransformationUse } from '../thread/messages.ts'

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

/** The transformations of a connector's tasks, in order. @throws where an alias or its predicate has no type, or the type finds no plug-in. */
export function transformationUses(registry: PluginRegistry, connectorConfig: Properties): TransformationUse[] {
  return aliasesOf(connectorConfig['transforms']).map((alias) => {
    const { descriptor, properties } = aliasUse(registry, 'transformation', `transforms.${alias}.`, connectorConfig)
    const { predicate, negate, ...own } = properties
    return { alias, descriptor, properties: own, predicate: predicate === undefined ? null : predicateUse(registry, predicate, negate, connectorConfig) }
  })
}

function predicateUse(registry: PluginRegistry, alias: string, negate: string | undefined, connectorConfig: Properties): TransformationUse['predicate'] {
  return { ...aliasUse(registry, 'predicate', `predicates.${alias}.`, connectorConfig), isNegated: negate?.trim().toLowerCase() === 'true' }
}

function aliasUse(registry: PluginRegistry, kind: 'transformation' | 'predicate', prefix: string, connectorConfig: Properties): PluginUse {
  const properties = propertiesWithPrefix(connectorConfig, prefix)
  const { type } = properties
  if (type === undefined) throw new ConfigError(`Missing required configuration "${prefix}type" which has no default value.`, { key: `${prefix}type` })
  return { descriptor: registry.find(kind, type, properties['plugin.version'] ?? null), properties }
}
