import { ConfigError, type Properties } from '@millrace/api'
import { aliasesOf } from '../config/connector-config.ts'
import { propertiesWithPrefix } from '../config/config-transformer.ts'
import type { WorkerConfig } from '../config/worker-config.ts'
import type { PluginDescriptor, PluginRegistry } from '../plugins/plugin-registry.ts'
import type { PluginUse, TaskStart, TransformationUse } from '../thread/messages.ts'

/** A connector whose tasks use other plug-ins: those that are in the same place come first where no version is asked for. */
export interface UsingConnector {
  readonly plugin: PluginDescriptor
  readonly config: Properties
}

/**
 * The converters of a connector's tasks: its own with its own settings, otherwise the worker's with the worker's.
 * @throws where a name finds no plug-in.
 */
export function converterUses(registry: PluginRegistry, config: WorkerConfig, connector: UsingConnector): TaskStart['converters'] {
  const { config: connectorConfig, plugin } = connector
  const use = (role: 'key' | 'value' | 'header', workerName: string, workerVersion: string | null): PluginUse => {
    const key = `${role}.converter`
    const ownName = connectorConfig[key]
    const isOwn = ownName !== undefined
    const kind = role === 'header' ? 'header_converter' : 'converter'
    const descriptor = isOwn
      ? registry.find(kind, ownName, connectorConfig[`${key}.plugin.version`] ?? null, plugin.location)
      : registry.find(kind, workerName, workerVersion)
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
export function transformationUses(registry: PluginRegistry, connector: UsingConnector): TransformationUse[] {
  return aliasesOf(connector.config['transforms']).map((alias) => {
    const { descriptor, properties } = aliasUse(registry, 'transformation', `transforms.${alias}.`, connector)
    const { predicate, negate, ...own } = properties
    return { alias, descriptor, properties: own, predicate: predicate === undefined ? null : predicateUse(registry, predicate, negate, connector) }
  })
}

function predicateUse(registry: PluginRegistry, alias: string, negate: string | undefined, connector: UsingConnector): TransformationUse['predicate'] {
  return { ...aliasUse(registry, 'predicate', `predicates.${alias}.`, connector), alias, isNegated: negate?.trim().toLowerCase() === 'true' }
}

function aliasUse(registry: PluginRegistry, kind: 'transformation' | 'predicate', prefix: string, { config, plugin }: UsingConnector): PluginUse {
  const properties = propertiesWithPrefix(config, prefix)
  const { type } = properties
  if (type === undefined) throw new ConfigError(`Missing required configuration "${prefix}type" which has no default value.`, { key: `${prefix}type` })
  return { descriptor: registry.find(kind, type, properties['plugin.version'] ?? null, plugin.location), properties }
}
