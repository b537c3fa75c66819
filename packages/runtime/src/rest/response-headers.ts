import { ConfigError } from '@millrace/api'

const KEY = 'response.http.headers.config'
const ACTIONS = ['set', 'add', 'setDate', 'addDate'] as const
type Action = (typeof ACTIONS)[number]

/** One rule of `response.http.headers.config`. */
export interface HeaderRule {
  readonly action: Action
  readonly name: string
  /** For dates: milliseconds from now. */
  readonly value: string
}

/** Comma-separated rules `[action] [name]:[value]`, each in double quotes where it holds a comma. @throws ConfigError with the original's messages. */
export function parseHeaderRules(config: string): readonly HeaderRule[] {
  if (config.trim() === '') return []
  return splitQuoted(config).map(parseRule)
}

/** The header's new value, `previous` being what the answer has so far. */
export function headerValue({ action, value }: HeaderRule, previous: readonly string[], nowMs: number): readonly string[] {
  const text = action === 'setDate' || action === 'addDate' ? new Date(nowMs + Number(value)).toUTCString() : value
  return action === 'set' || action === 'setDate' ? [text] : [...previous, text]
}

function parseRule(rule: string): HeaderRule {
  const [, actionText, header] = /^(\S+)\s+(.*)$/s.exec(rule.trim()) ?? []
  if (actionText === undefined || header === undefined) {
    throw new ConfigError(`Invalid format of header config '${rule}'. Expected: '[action] [header name]:[header value]'`, { key: KEY })
  }
  const action = ACTIONS.find((known) => known.toLowerCase() === actionText.toLowerCase())
  if (action === undefined) {
    throw new ConfigError(`Invalid header config action: '${actionText}'. Expected one of [${ACTIONS.join(', ')}]`, { key: KEY })
  }
  const [name, value, ...more] = header.trim().split(':')
  if (name === undefined || value === undefined || more.length > 0) {
    throw new ConfigError(`Invalid format of header name and header value pair '${header}'. Expected: '[header name]:[header value]'`, { key: KEY })
  }
  if (name.trim() === '' || /\s/.test(name.trim())) {
    throw new ConfigError(`Invalid header name '${name.trim()}'. The '[header name]' cannot contain whitespace`, { key: KEY })
  }
  if (action.endsWith('Date') && !/^-?\d+$/.test(value.trim())) {
    throw new ConfigError(`Invalid header value '${value.trim()}' for the action '${action}' in "${KEY}": give milliseconds from now`, { key: KEY })
  }
  return { action, name: name.trim(), value: value.trim() }
}

/** Splits at commas outside of double quotes and takes the quotes away. */
function splitQuoted(text: string): string[] {
  const parts = text.match(/\s*"(?:[^"\\]|\\.)*"\s*|[^,]+/g) ?? []
  return parts.map((part) => part.trim().replace(/^"(.*)"$/s, '$1')).filter((part) => part !== '')
}
