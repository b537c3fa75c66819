import type { MaybePromise } from './maybe-promise.ts'
import type { Plugin, Properties } from './plugin.ts'

export interface ConfigData {
  readonly data: Properties
  /** Milliseconds until the data should be read again; absent: never. */
  readonly ttlMs?: number
}

/** Resolves references `${provider:path:key}` (`org.apache.kafka.common.config.provider.ConfigProvider`). */
export interface ConfigProvider extends Plugin {
  configure(properties: Properties): MaybePromise<void>
  /** All of `path`, or only `keys` where given; missing keys are absent from the answer. @throws ConfigError. */
  get(path: string, keys?: ReadonlySet<string>): MaybePromise<ConfigData>
  close?(): MaybePromise<void>
}
