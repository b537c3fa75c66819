import { ErrorCode, kafkaError } from '@millrace/kafka-protocol'
import { parseConfigValue } from './config-values.ts'
import { type TopicOverrides, topicSettings } from './topic-config.ts'

/** Numbers of the protocol. */
const Operation = { SET: 0, DELETE: 1, APPEND: 2, SUBTRACT: 3 } as const

export interface ConfigChange {
  readonly name: string
  /** A number of the protocol: set, delete, append, subtract. */
  readonly configOperation: number
  readonly value: string | null
}

/**
 * A topic's own settings after changes (KIP-339). Whether the values are right is checked where they are applied.
 *
 * @param defaults values of the broker by the names of the topic settings.
 * @throws KafkaError INVALID_REQUEST for a setting that is named twice or an unknown operation, INVALID_CONFIG for a list operation on what is no list.
 */
export function changedOverrides(overrides: TopicOverrides, changes: readonly ConfigChange[], defaults: TopicOverrides): TopicOverrides {
  if (new Set(changes.map(({ name }) => name)).size < changes.length) throw refused(ErrorCode.INVALID_REQUEST, 'Error due to duplicate config keys')
  const changed: Record<string, string> = { ...overrides }
  for (const { name, configOperation, value } of changes) {
    if (configOperation === Operation.DELETE) {
      delete changed[name]
      continue
    }
    if (value === null) throw refused(ErrorCode.INVALID_CONFIG, `Null value not supported for : ${name}`)
    changed[name] = configOperation === Operation.SET ? value : changedList(name, changed[name] ?? defaults[name], value, configOperation)
  }
  return changed
}

function changedList(name: string, before: string | undefined, value: string, operation: number): string {
  const setting = topicSettings.find((known) => known.name === name)
  if (setting?.type !== 'LIST') throw refused(ErrorCode.INVALID_CONFIG, `Can't APPEND or SUBTRACT with the setting ${name}, which is no list.`)
  const list = parseConfigValue(name, before ?? setting.default, 'LIST') as string[]
  const items = parseConfigValue(name, value, 'LIST') as string[]
  if (operation === Operation.APPEND) return [...new Set([...list, ...items])].join(',')
  if (operation === Operation.SUBTRACT) return list.filter((item) => !items.includes(item)).join(',')
  throw refused(ErrorCode.INVALID_REQUEST, `Unknown operation type ${operation} for the setting ${name}.`)
}

function refused(code: number, message: string): Error {
  const error = kafkaError(code)
  error.message = message
  return error
}
