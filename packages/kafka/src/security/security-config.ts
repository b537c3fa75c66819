import { configurationError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import { type JaasEntry, parseJaasConfig } from './jaas-config.ts'
import { jaasFile, jaasFileEntry } from './jaas-file.ts'
import { type OauthConfig, oauthConfig } from './oauth-config.ts'
import type { Credentials } from './sasl-plain.ts'
import { type ScramMechanism, scramDigests } from './sasl-scram.ts'
import { type ReadSetting, type TlsConfig, tlsConfig } from './tls-config.ts'

/** How a client proves who it is, and knows whom it talks to. */
export interface SecurityConfig {
  /** null: no TLS. */
  readonly tls: TlsConfig | null
  /** null: no SASL. */
  readonly sasl: SaslConfig | null
}

export type SaslConfig =
  | { readonly mechanism: 'PLAIN'; readonly credentials: Credentials }
  | { readonly mechanism: ScramMechanism; readonly credentials: Credentials; readonly isToken: boolean }
  | { readonly mechanism: 'OAUTHBEARER'; readonly oauth: OauthConfig }

const PROTOCOLS = ['PLAINTEXT', 'SASL_PLAINTEXT', 'SASL_SSL', 'SSL']
const OAUTH_MODULE = 'org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule'
/** Both only carry a name and a password, and Java takes either for PLAIN and for SCRAM. */
const PASSWORD_MODULES = ['org.apache.kafka.common.security.plain.PlainLoginModule', 'org.apache.kafka.common.security.scram.ScramLoginModule']
const MECHANISMS = ['PLAIN', ...Object.keys(scramDigests), 'OAUTHBEARER']

/**
 * Reads `security.protocol` and the settings that it makes count; the others are not looked at, as in Java.
 *
 * @throws KafkaError `INVALID_CONFIGURATION`. No secret is in it.
 */
export function securityConfig(read: ReadSetting, logger: Logger): SecurityConfig {
  const protocol = (read('security.protocol') ?? 'PLAINTEXT').toUpperCase()
  if (!PROTOCOLS.includes(protocol)) {
    throw configurationError(
      `Invalid value ${read('security.protocol')} for configuration security.protocol: String must be one of (case insensitive): ${PROTOCOLS.join(', ')}`,
    )
  }
  return {
    tls: protocol.endsWith('SSL') ? tlsConfig(read, logger) : null,
    sasl: protocol.startsWith('SASL') ? saslConfig(read, logger) : null,
  }
}

function saslConfig(read: ReadSetting, logger: Logger): SaslConfig {
  const mechanism = read('sasl.mechanism') ?? 'GSSAPI'
  if (mechanism === 'GSSAPI') {
    throw configurationError(
      '"sasl.mechanism" is GSSAPI, its default, which is not supported: Kerberos needs libraries that are not here. Use one of ' + `${MECHANISMS.join(', ')}.`,
    )
  }
  if (!MECHANISMS.includes(mechanism))
    throw configurationError(`"sasl.mechanism" is "${mechanism}", which is not supported. Use one of ${MECHANISMS.join(', ')}.`)
  refuseClass(read, 'sasl.client.callback.handler.class', [])
  refuseClass(read, 'sasl.login.class', [])
  const entry = jaasEntry(read)
  if (mechanism === 'OAUTHBEARER') {
    requireModule(entry, mechanism, [OAUTH_MODULE])
    return { mechanism, oauth: oauthConfig(read, entry, logger) }
  }
  refuseClass(read, 'sasl.login.callback.handler.class', [])
  requireModule(entry, mechanism, PASSWORD_MODULES)
  const credentials = { username: option(entry, 'username', mechanism), password: option(entry, 'password', mechanism) }
  if (mechanism === 'PLAIN') return { mechanism, credentials }
  return { mechanism: mechanism as ScramMechanism, credentials, isToken: /^true$/i.test(entry.options.get('tokenauth') ?? '') }
}

function refuseClass(read: ReadSetting, name: string, known: readonly string[]): void {
  const className = read(name)
  if (!className || known.includes(className)) return
  throw configurationError(`The configuration "${name}" is not supported here: "${className}" is a Java class. Remove it.`)
}

function jaasEntry(read: ReadSetting): JaasEntry {
  const text = read('sasl.jaas.config')
  if (text !== null) return parseJaasConfig(text)
  const entry = jaasFileEntry('KafkaClient')
  if (entry) return entry
  throw configurationError(
    `Could not find a 'KafkaClient' entry in the JAAS configuration. System property 'java.security.auth.login.config' is ${jaasFile() ?? 'not set'}. Set "sasl.jaas.config".`,
  )
}

function requireModule({ loginModule }: JaasEntry, mechanism: string, known: readonly string[]): void {
  if (known.includes(loginModule)) return
  if (/Krb5LoginModule$/.test(loginModule))
    throw configurationError(`The login module "${loginModule}" of "sasl.jaas.config" is not supported: GSSAPI is not supported.`)
  throw configurationError(`The login module "${loginModule}" of "sasl.jaas.config" is not supported for ${mechanism}. Use ${known.join(' or ')}.`)
}

function option({ options }: JaasEntry, name: string, mechanism: string): string {
  const value = options.get(name)
  if (value === undefined) throw configurationError(`The option "${name}" is missing in "sasl.jaas.config", which ${mechanism} needs.`)
  return value
}
