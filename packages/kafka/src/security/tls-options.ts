import type { SecureContextOptions } from 'node:tls'
import type { Logger } from '../logger.ts'
import { type ReadSetting, tlsConfig } from './tls-config.ts'

/**
 * Reads the `ssl.*` settings and the key and trust stores that they name (PEM, PKCS12, JKS), in the form that Node takes. For whoever speaks TLS by
 * Java's settings without being a Kafka client, such as a server; the client does the same by itself.
 *
 * @param read one setting by its name, trimmed; null where it is not set
 * @returns `key` and `cert` where a key store is set, `ca` where a trust store is, versions and cipher suites
 * @throws KafkaError `INVALID_CONFIGURATION` that names key, file and remedy, and never a password
 */
export async function readTlsOptions(read: ReadSetting, logger: Logger): Promise<SecureContextOptions> {
  const config = tlsConfig(read, logger)
  const { loadTlsOptions } = await import('./tls-context.ts')
  return loadTlsOptions(config, logger)
}
