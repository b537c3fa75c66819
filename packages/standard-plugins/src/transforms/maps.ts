import { DataError, entriesOf, isMapLike, javaClassOfValue } from '@millrace/api'

/** @param purpose as the original names it in its messages. @throws DataError where `value` is no map. */
export function requireMap(value: unknown, purpose: string): MapValue {
  if (value !== null && value !== undefined && isMapLike(value)) return value as MapValue
  throw new DataError(`Only Map objects supported in absence of schema for [${purpose}], found: ${javaClassOfValue(value ?? null)}`)
}

/** A value without schema: a plain object, or a `Map` where that could not keep the keys as they are. */
export type MapValue = ReadonlyMap<unknown, unknown> | Readonly<Record<string, unknown>>

export function memberOf(map: MapValue, key: string): unknown {
  if (map instanceof Map) return map.get(key) ?? null
  return Object.hasOwn(map, key) ? ((map as Readonly<Record<string, unknown>>)[key] ?? null) : null
}

/** A copy with these members put in, in the place of those with the same key. */
export function withMembers(map: MapValue, members: Iterable<readonly [string, unknown]>): MapValue {
  const list = [...members]
  if (map instanceof Map || !list.every(([key]) => isPlainKey(key))) return new Map([...entriesOf(map), ...list])
  return Object.assign({ ...map }, Object.fromEntries(list))
}

/** A map of these members, of the kind that keeps their keys. */
export function mapOf(members: readonly (readonly [unknown, unknown])[]): MapValue {
  if (!members.every(([key]) => typeof key === 'string' && isPlainKey(key))) return new Map(members)
  return Object.fromEntries(members) as Readonly<Record<string, unknown>>
}

/** Plain objects would put keys that look like numbers first, and take `__proto__` for something else. */
function isPlainKey(key: string): boolean {
  return key !== '__proto__' && !/^\d+$/.test(key)
}
