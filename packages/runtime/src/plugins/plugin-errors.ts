import { ConnectError } from '@millrace/api'

/** No plug-in answers to the name. */
export class PluginNotFoundError extends ConnectError {
  override get code(): string {
    return 'PLUGIN_NOT_FOUND'
  }
}

/** The name fits several plug-ins. */
export class AmbiguousPluginError extends ConnectError {
  override get code(): string {
    return 'PLUGIN_AMBIGUOUS'
  }
}

/** The plug-in exists, but not in a version that was asked for; or what was asked for is no version range. */
export class PluginVersionError extends ConnectError {
  readonly availableVersions: readonly string[]

  override get code(): string {
    return 'PLUGIN_VERSION'
  }
  override get javaClass(): string {
    return 'org.apache.kafka.connect.runtime.isolation.VersionedPluginLoadingException'
  }

  constructor(message: string, availableVersions: readonly string[], options?: ErrorOptions) {
    super(message, options)
    this.availableVersions = availableVersions
  }
}

/** The plug-in's module cannot be imported, or lacks what its manifest promises. */
export class PluginLoadError extends ConnectError {
  override get code(): string {
    return 'PLUGIN_LOAD'
  }
}
