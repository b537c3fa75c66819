import { createHash, timingSafeEqual } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { ConfigError, type Logger } from '@millrace/api'
import { isKafkaError, type JaasEntry, jaasFileEntry } from '@millrace/kafka'
import { parseProperties } from '../config/properties-file.ts'

const EXTENSION = 'org.apache.kafka.connect.rest.basic.auth.extension.BasicAuthSecurityRestExtension'
const LOGIN_MODULE = 'org.apache.kafka.connect.rest.basic.auth.extension.PropertyFileLoginModule'
const KEY = 'rest.extension.classes'

/** Who may use the API. */
export interface Authentication {
  /** Whether a request with this `Authorization` header is let in. */
  permits(authorization: string | undefined): boolean
}

/**
 * The one REST extension that is there: names and passwords (HTTP Basic) as `BasicAuthSecurityRestExtension` with its `PropertyFileLoginModule` checks
 * them. The entry `KafkaConnect` of the JAAS file names the property file: one line `name=password` for each user; an empty file permits everybody.
 *
 * @param classes of `rest.extension.classes`.
 * @returns null where nothing is asked of requests.
 * @throws ConfigError for other extensions, which are Java classes, and where JAAS file, entry or property file is missing or wrong.
 */
export function basicAuthentication(classes: readonly string[], log: Logger): Authentication | null {
  const foreign = classes.filter((name) => name !== EXTENSION && name !== EXTENSION.split('.').at(-1))
  if (foreign.length > 0) throw refusal(`REST extensions are Java classes, which cannot be loaded: remove "${KEY}" (${foreign.join(', ')}).`)
  if (classes.length === 0) return null
  const { loginModule, options } = readEntry()
  if (loginModule !== LOGIN_MODULE) {
    throw refusal(`The entry "KafkaConnect" of the JAAS file names the login module ${loginModule}, a Java class, which cannot be loaded: use ${LOGIN_MODULE}.`)
  }
  const file = options.get('file')?.trim() ?? ''
  if (file === '') throw refusal('Property Credentials file must be specified: the entry "KafkaConnect" of the JAAS file needs the option file="/path".')
  const passwords = readPasswords(file)
  if (passwords.size === 0) {
    log.warn(`Credential properties file '${file}' is empty; all requests will be permitted`)
    return { permits: () => true }
  }
  return { permits: (authorization) => isKnown(passwords, authorization) }
}

function readEntry(): JaasEntry {
  let entry: JaasEntry | null
  try {
    entry = jaasFileEntry('KafkaConnect')
  } catch (error) {
    if (isKafkaError(error)) throw refusal(error.message)
    throw error
  }
  if (entry !== null) return entry
  throw refusal(
    `"${KEY}" asks for basic authentication, but there is no JAAS file with an entry "KafkaConnect". Name one in the environment: KAFKA_OPTS=-Djava.security.auth.login.config=/path/connect.jaas`,
  )
}

/** Hashes of the passwords by name. */
function readPasswords(file: string): ReadonlyMap<string, Buffer> {
  let text: string
  try {
    text = readFileSync(file, 'latin1')
  } catch (cause) {
    throw new ConfigError(`Error loading Property Credentials file "${file}": ${(cause as NodeJS.ErrnoException).code ?? 'it cannot be read'}`, {
      key: KEY,
      cause,
    })
  }
  return new Map(parseProperties(text, file).map(({ key, value }) => [key, digest(value)]))
}

function isKnown(passwords: ReadonlyMap<string, Buffer>, authorization: string | undefined): boolean {
  const credentials = credentialsOf(authorization)
  if (credentials === null) return false
  // Takes as long for an unknown name as for a wrong password.
  const expected = passwords.get(credentials.name)
  const isEqual = timingSafeEqual(expected ?? digest(''), digest(credentials.password))
  return expected !== undefined && isEqual
}

function credentialsOf(authorization: string | undefined): { readonly name: string; readonly password: string } | null {
  const [, encoded] = /^basic (.+)$/i.exec(authorization ?? '') ?? []
  const text = encoded === undefined ? '' : Buffer.from(encoded, 'base64').toString()
  const colonAt = text.indexOf(':')
  return colonAt <= 0 ? null : { name: text.slice(0, colonAt), password: text.slice(colonAt + 1) }
}

/** Of one length, so that comparing tells nothing about the password's. */
function digest(password: string): Buffer {
  return createHash('sha256').update(password).digest()
}

function refusal(message: string): ConfigError {
  return new ConfigError(message, { key: KEY })
}
