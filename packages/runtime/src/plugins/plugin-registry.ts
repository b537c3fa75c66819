import type { Logger } from '@millrace/api'
import { nativePluginForJar } from './java-plugins.ts'
import { AmbiguousPluginError, PluginNotFoundError, PluginVersionError } from './plugin-errors.ts'
import { compareVersions, parseVersionRange, type VersionRange, VersionRangeError } from './version-range.ts'

export type PluginKind = 'source' | 'sink' | 'converter' | 'header_converter' | 'transformation' | 'predicate' | 'config_provider' | 'override_policy'

/** What a manifest tells about one plug-in; plain data. */
export interface PluginDescriptor {
  readonly kind: PluginKind
  /** The Java class name it stands for; shown in answers. */
  readonly className: string
  /** Other names that find it where they are not ambiguous: the simple name, and that without its suffix. */
  readonly aliases: readonly string[]
  /** Of the plug-in as its users know it: the compatible version for those under Apache's names; `undefined` where the manifest has none. */
  readonly version: string
  /** Of the package that holds it. */
  readonly millraceVersion: string
  /** `classpath` for bundled plug-ins, otherwise the directory of the package. */
  readonly location: string
  /** URL of the module that is imported when the plug-in is used. */
  readonly moduleUrl: string
  readonly exportName: string
}

/** A registry as plain data, for threads. */
export interface PluginRegistryData {
  readonly plugins: readonly PluginDescriptor[]
  readonly jars: readonly string[]
}

/** Finds plug-ins by name and version (`org.apache.kafka.connect.runtime.isolation.Plugins`). Reads no code. */
export interface PluginRegistry {
  /**
   * @param kinds which kinds may answer
   * @param name class name, simple name, or simple name without its suffix
   * @param versionRange Maven version range; a bare version means exactly that one; null, undefined or `latest`: the highest
   * @param near the location of the connector that asks: without a version range, what is in the same place comes before higher versions elsewhere
   * @throws PluginNotFoundError, PluginVersionError, AmbiguousPluginError (`plugin-errors.ts`), with the original's messages.
   */
  find(kinds: PluginKind | readonly PluginKind[], name: string, versionRange?: string | null, near?: string): PluginDescriptor
  /** As `find`, but null where nothing matches for any reason. */
  lookup(kinds: PluginKind | readonly PluginKind[], name: string, versionRange?: string | null): PluginDescriptor | null
  /** All plug-ins, sorted by class name, version (ascending), location. */
  list(kinds?: PluginKind | readonly PluginKind[]): readonly PluginDescriptor[]
  toData(): PluginRegistryData
}

export interface DiscoverPluginsOptions {
  /** Directories given as `plugin.path`. */
  readonly pluginPath: readonly string[]
  /** The `package.json` files of packages that need no `plugin.path`. */
  readonly bundled: readonly URL[]
  readonly logger: Logger
}

/** A registry of what `discoverPlugins` found, or of what `toData` gave in another thread. */
export function createPluginRegistry(data: PluginRegistryData): PluginRegistry {
  return new NamedPlugins(data)
}

class NamedPlugins implements PluginRegistry {
  readonly #data: PluginRegistryData
  readonly #sorted: readonly PluginDescriptor[]
  /** The classes that each alias could mean; more than one makes it useless, whatever their kinds. */
  readonly #aliases = new Map<string, Set<string>>()

  constructor(data: PluginRegistryData) {
    this.#data = data
    this.#sorted = [...data.plugins].sort(byNameVersionLocation)
    for (const plugin of this.#sorted) for (const alias of plugin.aliases) this.#classesOf(alias).add(plugin.className)
  }

  find(kinds: PluginKind | readonly PluginKind[], name: string, versionRange?: string | null, near?: string): PluginDescriptor {
    const candidates = this.#named(this.list(kinds), name)
    const className = candidates[0]?.className
    if (className === undefined) throw this.#notFound(kinds, name)
    const matching = matchingVersions(candidates, className, versionRange)
    const nearby = versionRange == null ? matching.filter(({ location }) => location === near) : []
    // Sorted by version: the last one is the highest.
    return (nearby.at(-1) ?? matching.at(-1)) as PluginDescriptor
  }

  lookup(kinds: PluginKind | readonly PluginKind[], name: string, versionRange?: string | null): PluginDescriptor | null {
    try {
      return this.find(kinds, name, versionRange)
    } catch {
      // All that `find` throws says that there is none.
      return null
    }
  }

  list(kinds?: PluginKind | readonly PluginKind[]): readonly PluginDescriptor[] {
    if (kinds === undefined) return this.#sorted
    const wanted: readonly PluginKind[] = typeof kinds === 'string' ? [kinds] : kinds
    return this.#sorted.filter((plugin) => wanted.includes(plugin.kind))
  }

  toData(): PluginRegistryData {
    return this.#data
  }

  /** All versions of the class that the name stands for. */
  #named(plugins: readonly PluginDescriptor[], name: string): readonly PluginDescriptor[] {
    const exact = plugins.filter((plugin) => plugin.className === name)
    if (exact.length > 0) return exact
    const classes = this.#aliases.get(name)
    if (classes?.size !== 1) return []
    return plugins.filter((plugin) => classes.has(plugin.className))
  }

  #classesOf(alias: string): Set<string> {
    let classes = this.#aliases.get(alias)
    if (!classes) this.#aliases.set(alias, (classes = new Set()))
    return classes
  }

  #notFound(kinds: PluginKind | readonly PluginKind[], name: string): Error {
    const wanted: readonly PluginKind[] = typeof kinds === 'string' ? [kinds] : kinds
    if (!wanted.includes('source') && !wanted.includes('sink')) return new PluginNotFoundError(`Class ${name} could not be found.`)
    const connectors = this.list(wanted)
    const matches = connectors.filter((plugin) => plugin.aliases.includes(name))
    if (matches.length > 1)
      return new AmbiguousPluginError(
        `More than one connector matches alias ${name}. Please use full package and class name instead. Classes found: ${descriptions(matches)}`,
      )
    return new PluginNotFoundError(
      `Failed to find any class that implements Connector and which name matches ${name}, available connectors are: ${descriptions(connectors)}${this.#jarAdvice()}`,
    )
  }

  /** Whoever put JARs there expects them to be found, so the answer has to say why they are not. */
  #jarAdvice(): string {
    const { jars } = this.#data
    if (jars.length === 0) return ''
    const named = jars.slice(0, 5).map((jar) => {
      const native = nativePluginForJar(jar)
      return native !== null && this.#sorted.some((plugin) => plugin.className === native) ? `${jar} (use ${native}, which is built in)` : jar
    })
    return `. Java plugins are not used by this worker: ${named.join(', ')}${jars.length > 5 ? ` and ${jars.length - 5} more` : ''}`
  }
}

function matchingVersions(candidates: readonly PluginDescriptor[], className: string, text: string | null | undefined): readonly PluginDescriptor[] {
  const versions = candidates.map((plugin) => plugin.version)
  let range: VersionRange | null
  try {
    range = parseVersionRange(text)
  } catch (error) {
    if (error instanceof VersionRangeError) throw new PluginVersionError(error.message, versions, { cause: error })
    throw error
  }
  if (range === null) return candidates
  const matching = candidates.filter((plugin) => range.contains(plugin.version))
  if (matching.length > 0) return matching
  throw new PluginVersionError(
    `Plugin ${className} not found that matches the version range ${range.toString()}, available versions: [${versions.join(', ')}]`,
    versions,
  )
}

function byNameVersionLocation(a: PluginDescriptor, b: PluginDescriptor): number {
  return compareTexts(a.className, b.className) || compareVersions(a.version, b.version) || compareTexts(a.location, b.location) || compareTexts(a.kind, b.kind)
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** As Java's `PluginDesc.toString` shows them. */
function descriptions(plugins: readonly PluginDescriptor[]): string {
  return plugins
    .map(
      ({ className, version, kind, location }) =>
        `PluginDesc{klass=class ${className}, name='${className}', version='${version}', encodedVersion=${version}, type=${kind}, typeName='${kind}', location='${location}'}`,
    )
    .join(', ')
}
