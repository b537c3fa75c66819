import { ConfigError, lambda } from '@millrace/api'

/** A list with at least one element. */
export const nonEmptyList = lambda((name, value) => {
  if (!Array.isArray(value) || value.length === 0) throw ConfigError.invalidValue(name, Array.isArray(value) ? '[]' : null, 'Empty list')
}, 'non-empty list')
