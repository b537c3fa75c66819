import { ErrorCode, kafkaError } from '@millrace/kafka-protocol'

/** Kafka's types of configuration values. */
export type ConfigType = 'BOOLEAN' | 'STRING' | 'INT' | 'LONG' | 'DOUBLE' | 'LIST'

const INT_MAX = 0x7fff_ffff
const LONG_MAX = 0x7fff_ffff_ffff_ffffn

/**
 * Reads a value by Kafka's rules. Numbers beyond ±(2^53 − 1), such as the `Long.MAX_VALUE` that stands for "never", are rounded.
 *
 * @throws KafkaError INVALID_CONFIG with the message of Kafka.
 */
export function parseConfigValue(name: string, raw: string, type: ConfigType): boolean | string | number | string[] {
  const text = raw.trim()
  switch (type) {
    case 'BOOLEAN':
      if (/^true$/i.test(text)) return true
      if (/^false$/i.test(text)) return false
      throw invalidConfig(name, raw, 'Expected value to be either true or false')
    case 'STRING':
      return text
    case 'INT':
    case 'LONG':
      return parseInteger(name, text, type)
    case 'DOUBLE': {
      const value = Number(text)
      if (text === '' || !Number.isFinite(value)) throw invalidConfig(name, raw, 'Not a number of type DOUBLE')
      return value
    }
    case 'LIST':
      return text === '' ? [] : text.split(/\s*,\s*/)
  }
}

function parseInteger(name: string, text: string, type: 'INT' | 'LONG'): number {
  if (!/^[+-]?\d+$/.test(text)) throw invalidConfig(name, text, `Not a number of type ${type}`)
  const exact = BigInt(text.replace(/^\+/, ''))
  const max = type === 'INT' ? BigInt(INT_MAX) : LONG_MAX
  if (exact > max || exact < -max - 1n) throw invalidConfig(name, text, `Not a number of type ${type}`)
  return Number(exact)
}

/** The error of Kafka for a value that a property cannot have. */
export function invalidConfig(name: string, value: unknown, reason: string): Error {
  const error = kafkaError(ErrorCode.INVALID_CONFIG)
  error.message = `Invalid value ${String(value)} for configuration ${name}: ${reason}`
  return error
}
