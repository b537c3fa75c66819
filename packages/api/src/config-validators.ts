import { Password } from './config-types.ts'
import { ConfigError } from './errors.ts'
import { javaDouble } from './java-number.ts'

/** Checks a parsed value. `toString` says in the original's words what is allowed; it stands in generated documentation. */
export interface Validator {
  /** @throws ConfigError. */
  ensureValid(name: string, value: unknown): void
  toString(): string
  /** `ConfigDef.parse` drops elements that are in the list already, instead of failing; `validate` reports them. */
  readonly isListWithoutDuplicates?: true
}

function validator(description: string, ensureValid: (name: string, value: unknown) => void): Validator {
  return { ensureValid, toString: () => description }
}

interface Bounds {
  readonly min: number | bigint | null
  readonly max: number | bigint | null
  /** Bounds of DOUBLE keys are written `0.0`. */
  readonly isDouble: boolean
}

function rangeValidator({ min, max, isDouble }: Bounds): Validator {
  const text = (bound: number | bigint): string => (isDouble ? javaDouble(Number(bound)) : String(bound))
  const description = [min === null ? [] : text(min), '...', max === null ? [] : text(max)].flat().join(',')
  return validator(`[${description}]`, (name, value) => {
    if (value === null || value === undefined) throw ConfigError.invalidValue(name, null, 'Value must be non-null')
    const number = Number(value)
    if (min !== null && number < Number(min)) throw ConfigError.invalidValue(name, value, `Value must be at least ${text(min)}`)
    if (max !== null && number > Number(max)) throw ConfigError.invalidValue(name, value, `Value must be no more than ${text(max)}`)
  })
}

/** Bounds for numbers, both included. `atLeastDouble` and `betweenDouble` show them as Java shows doubles. */
export const range = {
  atLeast: (min: number | bigint): Validator => rangeValidator({ min, max: null, isDouble: false }),
  between: (min: number | bigint, max: number | bigint): Validator => rangeValidator({ min, max, isDouble: false }),
  atLeastDouble: (min: number): Validator => rangeValidator({ min, max: null, isDouble: true }),
  betweenDouble: (min: number, max: number): Validator => rangeValidator({ min, max, isDouble: true }),
} as const

/** One of these texts. */
export const validString = {
  in: (...allowed: readonly string[]): Validator =>
    validator(`[${allowed.join(', ')}]`, (name, value) => {
      if (!allowed.includes(value as string)) throw ConfigError.invalidValue(name, value, `String must be one of: ${allowed.join(', ')}`)
    }),
} as const

/** One of these texts, in any case. */
export const caseInsensitiveValidString = {
  in: (...allowed: readonly string[]): Validator => {
    const words = allowed.map((word) => word.toUpperCase())
    return validator(`(case insensitive) [${words.join(', ')}]`, (name, value) => {
      if (typeof value === 'string' && words.includes(value.toUpperCase())) return
      throw ConfigError.invalidValue(name, value, `String must be one of (case insensitive): ${words.join(', ')}`)
    })
  },
} as const

export interface ListOptions {
  /** Default true. */
  readonly isEmptyAllowed?: boolean
  /** Default false. */
  readonly isNullAllowed?: boolean
}

/** Lists whose elements are each one of these texts, or any; none of them empty or twice (KIP-1161). `ConfigDef.parse` drops those that are there twice. */
export const validList = {
  in: (...allowed: readonly string[]): Validator => listValidator({ allowed }),
  anyNonDuplicateValues: (options: ListOptions = {}): Validator => listValidator({ ...options, allowed: null }),
} as const

function listValidator({ allowed, isEmptyAllowed = true, isNullAllowed = false }: ListOptions & { readonly allowed: readonly string[] | null }): Validator {
  const element = allowed === null ? null : validString.in(...allowed)
  const ensureValid = (name: string, value: unknown): void => {
    const fail = (reason: string): never => {
      throw new ConfigError(`Configuration '${name}' ${reason}`, { key: name, value })
    }
    if (value === null || value === undefined) return isNullAllowed ? undefined : fail('values must not be null.')
    const list = value as readonly string[]
    if (list.length === 0 && !isEmptyAllowed) fail(`must not be empty. Valid values include: ${element === null ? 'any non-empty value' : String(element)}`)
    if (new Set(list).size < list.length) fail('values must not be duplicated.')
    for (const each of list) {
      if (each === '') fail('values must not be empty.')
      element?.ensureValid(name, each)
    }
  }
  return { ...validator(element === null ? '' : String(element), ensureValid), isListWithoutDuplicates: true }
}

/** Null is fine, an empty text is not. */
export const nonEmptyString: Validator = validator('non-empty string', (name, value) => {
  if (value === '') throw ConfigError.invalidValue(name, value, 'String must be non-empty')
})

/** For names of connectors. Null is fine: that a name is required is said elsewhere. */
export const nonEmptyStringWithoutControlChars: Validator = validator('non-empty string without ISO control characters', (name, value) => {
  if (value === null || value === undefined) return
  if (value === '') throw ConfigError.invalidValue(name, value, 'String may not be empty')
  const codes = [...String(value)].map((character) => character.codePointAt(0) as number).filter(isControl)
  if (codes.length > 0) {
    const reason = `String may not contain control sequences but had the following ASCII chars: ${codes.join(', ')}`
    throw ConfigError.invalidValue(name, value, reason)
  }
})

function isControl(code: number): boolean {
  return code <= 0x1f || (code >= 0x7f && code <= 0x9f)
}

export const nonNull: Validator = validator('non-null string', (name, value) => {
  if (value === null || value === undefined) throw ConfigError.invalidValue(name, null, 'entry must be non null')
})

/** All of them, in turn; the first that objects decides. */
export function composite(...validators: readonly Validator[]): Validator {
  return validator(validators.map(String).join(', '), (name, value) => {
    for (const each of validators) each.ensureValid(name, value)
  })
}

/** A check of one's own. `description` is what `toString` says. */
export function lambda(ensureValid: (name: string, value: unknown) => void, description: string): Validator {
  return validator(description, ensureValid)
}

/** Text of a value for messages and answers; secrets stay hidden. */
export function configValueText(value: unknown): string | null {
  if (value === null || value === undefined) return null
  if (value instanceof Password) return value.toString()
  return Array.isArray(value) ? value.join(',') : String(value)
}
