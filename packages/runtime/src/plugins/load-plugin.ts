import { PluginLoadError } from './plugin-errors.ts'
import type { PluginDescriptor } from './plugin-registry.ts'

/**
 * Imports a plug-in's module and gives its class. Runs foreign code: call it in a thread of the plug-in's kind.
 * @throws PluginLoadError where the import fails or the export is no class.
 */
export async function loadPlugin(descriptor: PluginDescriptor): Promise<new () => unknown> {
  const { className, moduleUrl, exportName } = descriptor
  const exports = await importModule(descriptor)
  const found = exports[exportName]
  if (typeof found !== 'function') throw new PluginLoadError(`Plugin ${className} cannot be loaded: ${moduleUrl} exports no class "${exportName}"`)
  return found as new () => unknown
}

async function importModule({ className, moduleUrl }: PluginDescriptor): Promise<Readonly<Record<string, unknown>>> {
  try {
    return (await import(moduleUrl)) as Record<string, unknown>
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new PluginLoadError(`Plugin ${className} cannot be loaded from ${moduleUrl}: ${reason}`, { cause: error })
  }
}
