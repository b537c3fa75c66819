import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { PluginDescriptor, PluginKind } from './plugin-registry.ts'

/** Version of `@millrace/api` that this runtime offers; manifests name the range that they need. */
export const API_VERSION = '0.1.0'

const KINDS: ReadonlySet<string> = new Set<PluginKind>([
  'source',
  'sink',
  'converter',
  'header_converter',
  'transformation',
  'predicate',
  'config_provider',
  'override_policy',
])

/** A package's manifest is wrong. Its plug-ins are left out. */
export class PluginManifestError extends Error {
  readonly code = 'PLUGIN_MANIFEST'
}

interface PackageJson {
  readonly name?: unknown
  readonly version?: unknown
  readonly main?: unknown
  readonly exports?: unknown
  readonly millrace?: { readonly api?: unknown; readonly plugins?: unknown }
}

/**
 * The plug-ins that a package offers. Reads its `package.json` alone:
 *
 *     "millrace": { "api": "^0.1.0", "plugins": [{ "kind": "sink", "names": ["com.example.FooSinkConnector"], "version": "1.2.0", "export": "FooSinkConnector" }] }
 *
 * `names[0]` is the class name that is shown; further names are accepted too. `module` (a path in the package) defaults to its main export.
 *
 * @param location what answers show as its place
 * @returns null where the package is none of ours, or there is no `package.json`
 * @throws PluginManifestError
 */
export function readPluginManifest(packageJson: URL, location: string): PluginDescriptor[] | null {
  const content = parsePackage(packageJson)
  const manifest = content?.millrace
  if (!content || manifest === undefined || manifest.plugins === undefined) return null
  const where = fileURLToPath(packageJson)
  if (!Array.isArray(manifest.plugins)) throw new PluginManifestError(`${where}: "millrace.plugins" must be a list`)
  checkApiRange(manifest.api, where)
  const defaults = { packageJson, location, millraceVersion: typeof content.version === 'string' ? content.version : 'undefined', main: mainModule(content) }
  return manifest.plugins.map((plugin, index) => descriptor(plugin, `${where}: "millrace.plugins[${index}]"`, defaults))
}

function parsePackage(packageJson: URL): PackageJson | null {
  let text: string
  try {
    text = readFileSync(packageJson, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return null
    throw new PluginManifestError(`${fileURLToPath(packageJson)} cannot be read: ${(error as Error).message}`, { cause: error })
  }
  try {
    const parsed: unknown = JSON.parse(text)
    return typeof parsed === 'object' && parsed !== null ? (parsed as PackageJson) : null
  } catch (error) {
    throw new PluginManifestError(`${fileURLToPath(packageJson)} is no JSON: ${(error as Error).message}`, { cause: error })
  }
}

/** Knows `^x.y.z`, `x.y.z` and `*`: more is not needed to say what a plug-in was built against. */
function checkApiRange(range: unknown, where: string): void {
  if (range === '*') return
  const wanted = typeof range === 'string' ? /^(\^?)(\d+)\.(\d+)\.(\d+)$/.exec(range) : null
  if (!wanted) throw new PluginManifestError(`${where}: "millrace.api" must be a version such as "^${API_VERSION}", not ${JSON.stringify(range)}`)
  const have = API_VERSION.split('.').map(Number)
  const need = wanted.slice(2).map(Number)
  // A caret allows changes to the right of the first number that is not 0.
  const fixed = wanted[1] === '^' ? need.findIndex((part) => part !== 0) + 1 || need.length : need.length
  const isSame = need.slice(0, fixed).every((part, index) => part === have[index])
  if (!isSame || compareParts(have, need) < 0) throw new PluginManifestError(`${where}: needs @millrace/api ${range as string}, this worker has ${API_VERSION}`)
}

function compareParts(a: readonly number[], b: readonly number[]): number {
  const index = a.findIndex((part, position) => part !== b[position])
  return index < 0 ? 0 : (a[index] as number) - (b[index] as number)
}

function mainModule(content: PackageJson): string | null {
  const { exports, main } = content
  const root = typeof exports === 'object' && exports !== null && '.' in exports ? (exports as Record<string, unknown>)['.'] : exports
  return conditionalTarget(root) ?? (typeof main === 'string' ? main : null)
}

function conditionalTarget(target: unknown): string | null {
  if (typeof target === 'string') return target
  if (typeof target !== 'object' || target === null) return null
  const { import: imported, node, default: fallback } = target as Record<string, unknown>
  return conditionalTarget(imported) ?? conditionalTarget(node) ?? conditionalTarget(fallback)
}

interface ManifestDefaults {
  readonly packageJson: URL
  readonly location: string
  readonly millraceVersion: string
  readonly main: string | null
}

function descriptor(plugin: unknown, where: string, { packageJson, location, millraceVersion, main }: ManifestDefaults): PluginDescriptor {
  const { kind, names, version, export: exportName, module = main } = (plugin ?? {}) as Readonly<Record<string, unknown>>
  if (typeof kind !== 'string' || !KINDS.has(kind))
    throw new PluginManifestError(`${where}: unknown kind ${JSON.stringify(kind)}; known are ${[...KINDS].join(', ')}`)
  if (!Array.isArray(names) || names.length === 0 || !names.every((name) => typeof name === 'string' && name !== ''))
    throw new PluginManifestError(`${where}: "names" must hold at least one name`)
  if (typeof exportName !== 'string') throw new PluginManifestError(`${where}: "export" must name the exported class`)
  if (typeof module !== 'string') throw new PluginManifestError(`${where}: "module" is needed, as the package has no main export`)
  if (version !== undefined && typeof version !== 'string') throw new PluginManifestError(`${where}: "version" must be a text`)
  const moduleUrl = new URL(module, packageJson)
  if (!moduleUrl.href.startsWith(new URL('.', packageJson).href)) throw new PluginManifestError(`${where}: "module" must be a path within the package`)
  const className = names[0] as string
  return {
    kind: kind as PluginKind,
    className,
    aliases: [...new Set([...(names.slice(1) as string[]), simpleName(className), prunedName(className, kind as PluginKind)])].filter(
      (alias) => alias !== className,
    ),
    version: version ?? 'undefined',
    millraceVersion,
    location,
    moduleUrl: moduleUrl.href,
    exportName,
  }
}

/** What Java calls the simple name: after the last package or enclosing class. */
function simpleName(className: string): string {
  return className.slice(Math.max(className.lastIndexOf('.'), className.lastIndexOf('$')) + 1)
}

const SUFFIXES: Readonly<Record<PluginKind, string>> = {
  source: 'Connector',
  sink: 'Connector',
  converter: 'Converter',
  header_converter: 'HeaderConverter',
  transformation: 'Transformation',
  predicate: 'Predicate',
  config_provider: 'ConfigProvider',
  override_policy: 'ConnectorClientConfigOverridePolicy',
}

/** `FileStreamSource` for `FileStreamSourceConnector`. */
function prunedName(className: string, kind: PluginKind): string {
  const simple = simpleName(className)
  const position = simple.lastIndexOf(SUFFIXES[kind])
  return position > 0 ? simple.slice(0, position) : simple
}
