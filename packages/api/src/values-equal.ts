import { Decimal } from './decimal.ts'
import { Float64 } from './float64.ts'

/** Whether two Connect values are the same: by content, whatever their objects. Maps and plain objects with string keys compare as maps; order does not count in them. */
export function valuesEqual(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (a instanceof Uint8Array) return b instanceof Uint8Array && Buffer.compare(a, b) === 0
  if (a instanceof Date) return b instanceof Date && a.getTime() === b.getTime()
  if (a instanceof Decimal) return b instanceof Decimal && a.equals(b)
  if (a instanceof Float64) return b instanceof Float64 && Object.is(a.value, b.value)
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((element, index) => valuesEqual(element, b[index]))
  if (b instanceof Uint8Array || b instanceof Date || b instanceof Decimal || b instanceof Float64 || Array.isArray(b)) return false
  return entriesEqual(asMap(a), asMap(b))
}

function entriesEqual(a: ReadonlyMap<unknown, unknown>, b: ReadonlyMap<unknown, unknown>): boolean {
  if (a.size !== b.size) return false
  for (const [key, value] of a) {
    const match = b.has(key) ? b.get(key) : findByContent(b, key)
    if (match === notFound || !valuesEqual(value, match)) return false
  }
  return true
}

const notFound = Symbol('not found')

function findByContent(map: ReadonlyMap<unknown, unknown>, key: unknown): unknown {
  if (typeof key !== 'object' || key === null) return notFound
  for (const [candidate, value] of map) if (valuesEqual(key, candidate)) return value
  return notFound
}

function asMap(value: object): ReadonlyMap<unknown, unknown> {
  return value instanceof Map ? value : new Map(Object.entries(value))
}
