import type { Logger } from '@millrace/api'

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
   * @throws PluginNotFoundError, PluginVersionError, AmbiguousPluginError (`plugin-errors.ts`), with the original's messages.
   */
  find(kinds: PluginKind | readonly PluginKind[], name: string, versionRange?: string | null): PluginDescriptor
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
