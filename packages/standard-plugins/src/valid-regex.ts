import { ConfigError, javaRegExp, lambda } from '@millrace/api'

/** A regular expression in Java's syntax. As in the original, one that is missing is complained of here, too. */
export const validRegex = lambda((name, value) => {
  if (value === null || value === undefined) throw ConfigError.invalidValue(name, null, 'Invalid regex: there is none')
  try {
    javaRegExp(String(value))
  } catch (error) {
    throw ConfigError.invalidValue(name, value, `Invalid regex: ${(error as Error).message}`)
  }
}, 'valid regex')
