import type { PluginInfo } from '@millrace/rest-api'
import type { PluginDescriptor, PluginRegistry } from '../plugins/plugin-registry.ts'

/** In the order in which the original lists them. Other kinds are never shown. */
const CONNECTOR_TYPES = ['sink', 'source'] as const
const ALL_TYPES = [...CONNECTOR_TYPES, 'transformation', 'predicate', 'converter', 'header_converter'] as const

export function pluginInfos(registry: PluginRegistry, connectorsOnly: boolean): readonly PluginInfo[] {
  return (connectorsOnly ? CONNECTOR_TYPES : ALL_TYPES).flatMap((type) => registry.list(type).map((plugin) => pluginInfo(type, plugin)))
}

function pluginInfo(type: PluginInfo['type'], { className, version, millraceVersion, location }: PluginDescriptor): PluginInfo {
  return { class: className, type, ...(version === 'undefined' ? {} : { version }), millrace: { version: millraceVersion, location } }
}
