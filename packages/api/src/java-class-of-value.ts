import { Decimal } from './decimal.ts'
import { Float64 } from './float64.ts'
import { isInt64 } from './int64.ts'

/** The Java class that a value has in Kafka Connect; for messages. */
export function javaClassOfValue(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return 'java.lang.String'
    case 'boolean':
      return 'java.lang.Boolean'
    case 'number':
      return Number.isSafeInteger(value) ? 'java.lang.Long' : 'java.lang.Double'
    case 'bigint':
      return isInt64(value) ? 'java.lang.Long' : 'java.math.BigInteger'
    case 'object':
      return javaClassOfObject(value)
    default:
      return typeof value
  }
}

function javaClassOfObject(value: object | null): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'java.util.ArrayList'
  if (value instanceof Uint8Array) return '[B'
  if (value instanceof Date) return 'java.util.Date'
  if (value instanceof Decimal) return 'java.math.BigDecimal'
  if (value instanceof Float64) return 'java.lang.Double'
  const name: unknown = value.constructor?.name
  return value instanceof Map || name === 'Object' || typeof name !== 'string' ? 'java.util.HashMap' : name
}
