import { configurationError } from '../errors.ts'
import type { ReadSetting } from './tls-config.ts'

/** A whole number; null if it is not set and there is no default. @throws KafkaError `INVALID_CONFIGURATION` with Java's message. */
export function wholeNumber(read: ReadSetting, name: string, { min = 0, max = Number.MAX_SAFE_INTEGER }: { min?: number; max?: number } = {}): number | null {
  const text = read(name)
  if (text === null) return null
  if (!/^[+-]?\d+$/.test(text)) throw invalid(name, text, 'Not a number')
  return within(name, text, { min, max })
}

/** A number with a fraction. @throws KafkaError `INVALID_CONFIGURATION`. */
export function fraction(read: ReadSetting, name: string, limits: { readonly min: number; readonly max: number }): number | null {
  const text = read(name)
  if (text === null) return null
  if (text === '' || !Number.isFinite(Number(text))) throw invalid(name, text, 'Not a number of type DOUBLE')
  return within(name, text, limits)
}

/** true or false, in any case. @throws KafkaError `INVALID_CONFIGURATION`. */
export function truth(read: ReadSetting, name: string): boolean | null {
  const text = read(name)
  if (text === null) return null
  if (/^true$/i.test(text)) return true
  if (/^false$/i.test(text)) return false
  throw invalid(name, text, 'Expected value to be either true or false')
}

function within(name: string, text: string, { min, max }: { readonly min: number; readonly max: number }): number {
  const value = Number(text)
  if (value < min) throw invalid(name, text, `Value must be at least ${min}`)
  if (value > max) throw invalid(name, text, `Value must be no more than ${max}`)
  return value
}

function invalid(name: string, text: string, reason: string): Error {
  return configurationError(`Invalid value ${text} for configuration ${name}: ${reason}`)
}
