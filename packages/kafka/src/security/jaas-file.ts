import { readFileSync } from 'node:fs'
import { configurationError } from '../errors.ts'
import { type JaasEntry, parseJaasFile } from './jaas-config.ts'
import { javaSystemProperty } from './java-system-properties.ts'

const SYSTEM_PROPERTY = 'java.security.auth.login.config'

/** Where Java's system property names a JAAS file: `KAFKA_OPTS=-Djava.security.auth.login.config=…`; null where it does not. */
export function jaasFile(): string | null {
  return javaSystemProperty(SYSTEM_PROPERTY)
}

/**
 * An entry of the JAAS file that the system property `java.security.auth.login.config` in `KAFKA_OPTS` names, such as `KafkaClient` or `KafkaConnect`.
 *
 * @returns null where no file is named, and where it has no such entry.
 * @throws KafkaError `INVALID_CONFIGURATION` for a file that cannot be read or is broken. No value is in it.
 */
export function jaasFileEntry(entryName: string): JaasEntry | null {
  const path = jaasFile()
  return path === null ? null : parseJaasFile(readJaasFile(path), entryName)
}

function readJaasFile(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    const error = configurationError(`The JAAS file "${path}" of the system property '${SYSTEM_PROPERTY}' cannot be read.`)
    error.cause = cause
    throw error
  }
}
