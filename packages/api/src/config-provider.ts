import type { Logger } from './logger.ts'
import type { MaybePromise } from './maybe-promise.ts'
import type { Plugin, Properties } from './plugin.ts'

export interface ConfigData {
  readonly data: Properties
  /** Milliseconds until the data should be read again; absent: never. */
  readonly ttlMs?: number
}

/**
 * Resolves references `${provider:path:key}` (`org.apache.kafka.common.config.provider.ConfigProvider`).
 * One instance per name in `config.providers`, for the life of the worker; calls of `get` may overlap.
 */
export interface ConfigProvider extends Plugin {
  /** Called once before use, with the properties below `config.providers.<name>.param.`. @throws ConfigError. */
  configure(properties: Properties, logger?: Logger): MaybePromise<void>
  /** All of `path`, or only `keys` where given; missing keys are absent from the answer. @throws ConfigError. */
  get(path: string, keys?: ReadonlySet<string>): MaybePromise<ConfigData>
  close?(): MaybePromise<void>
}
