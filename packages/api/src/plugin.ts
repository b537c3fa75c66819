import type { ConfigDef } from './config-def.ts'
import type { Logger } from './logger.ts'
import type { PluginMetrics } from './plugin-metrics.ts'

/** String properties as a user wrote them, after configuration providers were applied. */
export type Properties = Readonly<Record<string, string>>

/** What every kind of plug-in offers (`org.apache.kafka.connect.components.ConnectPlugin`, KIP-1273). */
export interface Plugin {
  /** The plug-in's own options. Called on instances that were never configured, for validation and for `GET /connector-plugins/{p}/config`. */
  config(): ConfigDef
}

/** What the runtime hands to plug-ins that run inside a task: converters, header converters, transformations, predicates. */
export interface PluginContext {
  readonly logger: Logger
  readonly metrics: PluginMetrics
}
