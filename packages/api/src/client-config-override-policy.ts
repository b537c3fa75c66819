import type { Logger } from './logger.ts'
import type { Plugin, Properties } from './plugin.ts'
import type { ConfigValue } from './config-def.ts'

export interface ClientConfigRequest {
  readonly connectorName: string
  readonly connectorClass: string
  readonly connectorType: 'source' | 'sink'
  readonly clientType: 'PRODUCER' | 'CONSUMER' | 'ADMIN'
  /** The overrides, without their prefix. */
  readonly clientProperties: Properties
}

/** Decides which client settings a connector may override (`org.apache.kafka.connect.connector.policy.ConnectorClientConfigOverridePolicy`). */
export interface ClientConfigOverridePolicy extends Plugin {
  /** Called once before use, with all of the worker's properties. @throws ConfigError. */
  configure(properties: Properties, logger?: Logger): void
  /** One value per property of the request; those refused carry an error message. */
  validate(request: ClientConfigRequest): readonly ConfigValue[]
}
