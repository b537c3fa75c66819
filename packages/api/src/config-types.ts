import { ConfigError } from './errors.ts'
import { int64Of, isInt64 } from './int64.ts'
import { javaTrim } from './java-trim.ts'

export type ConfigType = 'BOOLEAN' | 'STRING' | 'INT' | 'SHORT' | 'LONG' | 'DOUBLE' | 'LIST' | 'CLASS' | 'PASSWORD'

/** What each type of property parses to. CLASS stays the name that the user wrote. */
export interface ParsedTypes {
  readonly BOOLEAN: boolean
  readonly STRING: string
  readonly INT: number
  readonly SHORT: number
  readonly LONG: number
  readonly DOUBLE: number
  readonly LIST: readonly string[]
  readonly CLASS: string
  readonly PASSWORD: Password
}

/** A secret. Every way of printing it shows `[hidden]`; the text itself is in `value`. */
export class Password {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
  }

  get value(): string {
    return this.#value
  }

  toString(): string {
    return '[hidden]'
  }

  toJSON(): string {
    return '[hidden]'
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return '[hidden]'
  }
}

/**
 * Parses one property with Kafka's rules (`ConfigDef.parseType`): text is trimmed; BOOLEAN knows `true` and `false` in any case; numbers are decimal and
 * within their width; a LIST splits at commas, blanks around them dropped, and is empty for empty text. Values that have their type already, as
 * defaults do, are returned as they are; null stays null. A LONG beyond the safe range is a `bigint`.
 *
 * @throws ConfigError with the original's message.
 */
export function parseType(name: string, raw: unknown, type: ConfigType): unknown {
  if (raw === null || raw === undefined) return null
  return typeof raw === 'string' ? parseText(name, raw, type) : checkParsed(name, raw, type)
}

function parseText(name: string, raw: string, type: ConfigType): unknown {
  const text = javaTrim(raw)
  switch (type) {
    case 'BOOLEAN':
      return parseBoolean(name, raw, text)
    case 'STRING':
    case 'CLASS':
      return text
    case 'PASSWORD':
      return new Password(text)
    case 'LIST':
      return text === '' ? [] : text.split(/\s*,\s*/)
    case 'DOUBLE':
      return parseDouble(name, raw, text)
    default:
      return parseInteger(name, raw, text, type)
  }
}

function parseBoolean(name: string, raw: string, text: string): boolean {
  const word = text.toLowerCase()
  if (word !== 'true' && word !== 'false') throw ConfigError.invalidValue(name, raw, 'Expected value to be either true or false')
  return word === 'true'
}

const integerLimits = { SHORT: 2n ** 15n, INT: 2n ** 31n, LONG: 2n ** 63n } as const

function parseInteger(name: string, raw: string, text: string, type: 'SHORT' | 'INT' | 'LONG'): number | bigint {
  const limit = integerLimits[type]
  if (/^[+-]?\d+$/.test(text)) {
    const value = BigInt(text.startsWith('+') ? text.slice(1) : text)
    if (value >= -limit && value < limit) return int64Of(value)
  }
  throw notANumber(name, raw, type)
}

function parseDouble(name: string, raw: string, text: string): number {
  // Java's grammar: a decimal number with an optional type suffix, or a hexadecimal one (left out here), NaN or Infinity.
  if (/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?[fFdD]?$/.test(text)) return Number(text.replace(/[fFdD]$/, ''))
  if (/^[+-]?(NaN|Infinity)$/.test(text)) return Number(text.replace(/^[+-]NaN$/, 'NaN'))
  throw notANumber(name, raw, 'DOUBLE')
}

function notANumber(name: string, raw: string, type: ConfigType): ConfigError {
  return ConfigError.invalidValue(name, raw, `Not a number of type ${type}`)
}

/** Values of properties that are no text come from defaults and from code. */
function checkParsed(name: string, value: unknown, type: ConfigType): unknown {
  switch (type) {
    case 'BOOLEAN':
      if (typeof value === 'boolean') return value
      throw ConfigError.invalidValue(name, value, 'Expected value to be either true or false')
    case 'INT':
    case 'SHORT':
    case 'LONG':
      if (isInt64(value)) return value
      throw ConfigError.invalidValue(name, value, `Expected value to be ${integerNames[type]}, but it was a ${typeof value}`)
    case 'DOUBLE':
      if (typeof value === 'number') return value
      throw ConfigError.invalidValue(name, value, `Expected value to be a double, but it was a ${typeof value}`)
    case 'LIST':
      if (Array.isArray(value)) return value
      throw ConfigError.invalidValue(name, value, 'Expected a comma separated list.')
    case 'PASSWORD':
      if (value instanceof Password) return value
      throw ConfigError.invalidValue(name, '[hidden]', `Expected value to be a string, but it was a ${typeof value}`)
    case 'STRING':
      throw ConfigError.invalidValue(name, value, `Expected value to be a string, but it was a ${typeof value}`)
    case 'CLASS':
      throw ConfigError.invalidValue(name, value, 'Expected a Class instance or class name.')
  }
}

const integerNames = { INT: 'a 32-bit integer', SHORT: 'a 16-bit integer (short)', LONG: 'a 64-bit integer (long)' } as const
