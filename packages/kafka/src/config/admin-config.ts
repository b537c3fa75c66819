import type { Logger } from '../logger.ts'
import { type ConnectionConfig, clientProperties, connectionConfig } from './connection-config.ts'
import type { Properties } from './client-properties.ts'

/** The complete settings of an admin client. Times in milliseconds. */
export interface AdminConfig extends ConnectionConfig {
  readonly apiTimeoutMs: number
  readonly retriesMax: number
}

/** Reads an admin client's properties. @throws KafkaError `INVALID_CONFIGURATION`. */
export function adminConfig(properties: Properties, logger: Logger): AdminConfig {
  const given = clientProperties('admin', properties, logger)
  return {
    ...connectionConfig('admin', given, logger),
    apiTimeoutMs: given.number('default.api.timeout.ms'),
    retriesMax: given.number('retries'),
  }
}
