import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Logger } from '@millrace/api'
import { readPluginManifest } from './plugin-manifest.ts'
import { createPluginRegistry, type DiscoverPluginsOptions, type PluginDescriptor, type PluginRegistry } from './plugin-registry.ts'
import { nativePluginForJar } from './java-plugins.ts'

/** Folders below an element of `plugin.path` in which JARs are looked for. Deep enough for what Java plug-ins are unpacked to. */
const JAR_DEPTH_MAX = 4
const JARS_MAX = 1000

/**
 * Finds all plug-ins by their manifests; no code is imported. A package that cannot be used is logged and left out.
 *
 * Looked at are the bundled packages and, for each element of `plugin.path`: the element, each folder in it, and what is in a `node_modules` of
 * either (`@scope` folders included). A folder whose own manifest offers plug-ins is not searched further: what it holds are its dependencies.
 */
export async function discoverPlugins({ pluginPath, bundled, logger }: DiscoverPluginsOptions): Promise<PluginRegistry> {
  const found: PluginDescriptor[] = []
  for (const packageJson of bundled) found.push(...(manifestOf(packageJson, 'classpath', logger) ?? []))
  const jars: string[] = []
  for (const element of pluginPath) {
    if (!isDirectory(element)) {
      logger.error(`Could not get listing for plugin path: ${element}. Ignoring.`)
      continue
    }
    found.push(...pluginsBelow(element, logger))
    jars.push(...jarsBelow(element, JAR_DEPTH_MAX))
  }
  const registry = createPluginRegistry({ plugins: withoutRepeats(found), jars: jars.slice(0, JARS_MAX) })
  reportJars(jars, registry, logger)
  return registry
}

function pluginsBelow(element: string, logger: Logger): PluginDescriptor[] {
  const own = pluginsIn(element, logger)
  if (own) return own
  return [...childFolders(element), ...modulesIn(element)].flatMap(
    (folder) => pluginsIn(folder, logger) ?? modulesIn(folder).flatMap((module) => pluginsIn(module, logger) ?? []),
  )
}

function pluginsIn(folder: string, logger: Logger): PluginDescriptor[] | null {
  return manifestOf(pathToFileURL(join(folder, 'package.json')), `${pathToFileURL(folder).href}/`, logger)
}

function manifestOf(packageJson: URL, location: string, logger: Logger): PluginDescriptor[] | null {
  try {
    return readPluginManifest(packageJson, location)
  } catch (error) {
    logger.error(`Plugins of ${fileURLToPath(packageJson)} are not available: ${(error as Error).message}`)
    return []
  }
}

function childFolders(folder: string): string[] {
  return entriesOf(folder)
    .filter((name) => name !== 'node_modules' && !name.startsWith('.'))
    .flatMap((name) => (name.startsWith('@') ? entriesOf(join(folder, name)).map((inner) => join(folder, name, inner)) : [join(folder, name)]))
    .filter(isDirectory)
}

function modulesIn(folder: string): string[] {
  return childFolders(join(folder, 'node_modules'))
}

function jarsBelow(folder: string, depth: number): string[] {
  return entriesOf(folder).flatMap((name) => {
    const path = join(folder, name)
    if (/\.(jar|zip)$/i.test(name)) return [path]
    return depth > 0 && name !== 'node_modules' && isDirectory(path) ? jarsBelow(path, depth - 1) : []
  })
}

function reportJars(jars: readonly string[], registry: PluginRegistry, logger: Logger): void {
  for (const jar of jars) {
    const native = nativePluginForJar(jar)
    const advice = native !== null && registry.list().some((plugin) => plugin.className === native) ? `; ${native} is built in and takes its place` : ''
    logger.warn(`Java plugin ${jar} in plugin.path is not used: this worker runs plugins written for Node${advice}`)
  }
}

/** The same package may be reachable twice, as plugin.path may name a folder twice. */
function withoutRepeats(plugins: readonly PluginDescriptor[]): PluginDescriptor[] {
  return [...new Map(plugins.map((plugin) => [[plugin.kind, plugin.className, plugin.version, plugin.location].join('\n'), plugin])).values()]
}

/** In a stable order; nothing where the folder cannot be listed. */
function entriesOf(folder: string): string[] {
  try {
    return readdirSync(folder).sort()
  } catch {
    return []
  }
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
}
