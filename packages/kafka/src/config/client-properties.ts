import { configurationError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import { type ClientKey, type ClientKind, clientKeys } from './client-keys.ts'

/** Property names and values as in a property file. */
export type Properties = Readonly<Record<string, string>>

const keysByClient: Record<ClientKind, ReadonlyMap<string, ClientKey>> = {
  producer: keysOf('producer'),
  consumer: keysOf('consumer'),
  admin: keysOf('admin'),
}

function keysOf(client: ClientKind): ReadonlyMap<string, ClientKey> {
  return new Map(clientKeys.filter(({ clients }) => clients.includes(client)).map((key) => [key.name, key]))
}

/**
 * The settings of one client, checked by `client-keys.ts`: unknown keys are named in one warning, refused ones are errors, and what is set but does nothing here is
 * told once.
 *
 * @throws KafkaError `INVALID_CONFIGURATION` with Java's message where Java has one. Passwords are never in it.
 */
export class ClientProperties {
  readonly #keys: ReadonlyMap<string, ClientKey>
  readonly #properties: Properties

  constructor(client: ClientKind, properties: Properties, logger: Logger) {
    this.#keys = keysByClient[client]
    this.#properties = properties
    const unknown = Object.keys(properties).filter((name) => !this.#keys.has(name))
    if (unknown.length > 0) logger.warn(`These configurations of the ${client} are not known and have no effect: ${unknown.map(quoted).join(', ')}.`)
    for (const name of Object.keys(properties)) this.#refuse(name)
    const idle = Object.keys(properties).filter((name) => this.#isSetInVain(name))
    if (idle.length > 0)
      logger.info(`These configurations of the ${client} have no effect here: ${idle.map((name) => `"${name}" (${this.#key(name).note})`).join(', ')}`)
  }

  /** Whether the user has set it himself. */
  has(name: string): boolean {
    return this.#properties[name] !== undefined
  }

  /** Its text, trimmed; the default if it is not set; null if there is neither. */
  stringOrNull(name: string): string | null {
    const key = this.#key(name)
    const value = this.#properties[name]?.trim() ?? key.default
    if (value === undefined) throw configurationError(`Missing required configuration "${name}" which has no default value.`)
    return value === null ? null : checkedAmong(key, value)
  }

  string(name: string): string {
    const value = this.stringOrNull(name)
    if (value === null) throw configurationError(`Missing required configuration "${name}" which has no default value.`)
    return value
  }

  /** Values between commas, trimmed, without empty ones. */
  list(name: string): string[] {
    return (this.stringOrNull(name) ?? '')
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== '')
  }

  boolean(name: string): boolean {
    const value = this.string(name)
    if (/^true$/i.test(value)) return true
    if (/^false$/i.test(value)) return false
    throw invalid(name, value, 'Expected value to be either true or false')
  }

  /** A whole number. Longs beyond 2^53, such as Java's `Long.MAX_VALUE`, lose precision, but stay as good as infinite. */
  number(name: string): number {
    const key = this.#key(name)
    const text = this.string(name)
    if (!/^[+-]?\d+$/.test(text)) throw invalid(name, text, `Not a number of type ${key.type}`)
    const value = Number(text)
    if (key.type === 'INT' && Math.abs(value) > 0x8000_0000 - (value > 0 ? 1 : 0)) throw invalid(name, text, 'Not a number of type INT')
    const { min, max } = key.limits
    if (min !== undefined && value < min) throw invalid(name, text, `Value must be at least ${min}`)
    if (max !== undefined && value > max) throw invalid(name, text, `Value must be no more than ${max}`)
    return value
  }

  #key(name: string): ClientKey {
    const key = this.#keys.get(name)
    if (!key) throw new RangeError(`"${name}" is missing in the table of client keys.`)
    return key
  }

  /** Keys without a default, such as serializers, have to be set where the same settings are for Java, too. */
  #isSetInVain(name: string): boolean {
    const key = this.#keys.get(name)
    if (key?.support !== 'without effect' || key.default === undefined) return false
    return this.#properties[name]!.trim() !== (key.default ?? '')
  }

  #refuse(name: string): void {
    const key = this.#keys.get(name)
    if (key?.support !== 'refused') return
    const value = this.#properties[name]!.trim()
    if (value === '' || value === key.default || value.replace(/\s*,\s*/g, ',') === key.default) return
    throw configurationError(`The configuration "${name}" is not supported. ${key.note}`)
  }
}

function checkedAmong(key: ClientKey, value: string): string {
  const { among, ignoreCase } = key.limits
  if (!among) return value
  const found = among.find((item) => item === value || (ignoreCase && item.toLowerCase() === value.toLowerCase()))
  if (found !== undefined) return found
  throw invalid(key.name, value, `String must be one of: ${among.join(', ')}${key.note ? ` (${key.note})` : ''}`)
}

function invalid(name: string, value: string, reason: string): Error {
  return configurationError(`Invalid value ${value} for configuration ${name}: ${reason}`)
}

function quoted(name: string): string {
  return `"${name}"`
}
