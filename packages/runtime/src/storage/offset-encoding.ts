import { DataError, javaDouble } from '@millrace/api'
import type { OffsetValue, SourceOffset, SourcePartition } from '@millrace/api'
import { jacksonString as jsonString } from './jackson-json.ts'
import { ownBytes } from './own-bytes.ts'

/**
 * How offsets are written: JSON as Kafka Connect's JsonConverter writes it without schemas, so that a Java worker reads ours and we read its.
 * A key is `["connector",{partition}]`, a value `{offset}`. The order of fields is the connector's own: compaction and the Java worker
 * compare keys by their bytes.
 */

/** @throws DataError where the partition holds something else than primitive values. */
export function offsetKey(connector: string, partition: SourcePartition | null): Buffer {
  return ownBytes(`[${jsonString(connector)},${partition === null ? 'null' : jsonObject(partition)}]`)
}

/** @throws DataError where the offset holds something else than primitive values. */
export function offsetValue(offset: SourceOffset): Buffer {
  return ownBytes(jsonObject(offset))
}

export interface DecodedOffsetKey {
  readonly connector: string
  readonly partition: SourcePartition | null
}

/** Null where the bytes are no key of an offset, as others may have written them. */
export function decodeOffsetKey(key: Buffer): DecodedOffsetKey | null {
  const parsed = parsedOrNull(key)
  if (!Array.isArray(parsed) || parsed.length !== 2) return null
  const [connector, partition] = parsed as [unknown, unknown]
  if (typeof connector !== 'string' || !isPlainMap(partition)) return null
  return { connector, partition }
}

/** Integers come back as int64 (bigint beyond the safe range), everything else as it was. @throws DataError where the bytes are no offset. */
export function decodeOffsetValue(value: Buffer): SourceOffset | null {
  const parsed = parsedOrNull(value)
  if (parsed === undefined || !isPlainMap(parsed)) throw new DataError('The stored offset is not a JSON object')
  return parsed
}

/** The same text for all keys that mean the same connector and partition, whatever the order of fields; bytes that are no key stand for themselves. */
export function canonicalOffsetKey(key: Buffer): string {
  const decoded = decodeOffsetKey(key)
  if (decoded === null) return `bytes:${key.toString('latin1')}`
  const { connector, partition } = decoded
  if (partition === null) return `json:${jsonString(connector)}:null`
  const fields = Object.keys(partition).sort()
  return `json:${jsonString(connector)}${fields.map((field) => `,${jsonString(field)}:${canonicalValue(partition[field] as OffsetValue)}`).join('')}`
}

function canonicalValue(value: OffsetValue): string {
  // A double never equals a long in Java, and bigint is only another spelling of number.
  return typeof value === 'number' && !Number.isInteger(value) ? `d${value}` : jsonValue('', value)
}

function jsonObject(map: Readonly<Record<string, OffsetValue>>): string {
  const fields = Object.keys(map).map((field) => `${jsonString(field)}:${jsonValue(field, map[field])}`)
  return `{${fields.join(',')}}`
}

function jsonValue(field: string, value: unknown): string {
  switch (typeof value) {
    case 'string':
      return jsonString(value)
    case 'number':
      return jsonNumber(value)
    case 'bigint':
    case 'boolean':
      return String(value)
  }
  if (value === null) return 'null'
  if (value instanceof Uint8Array) return `"${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64')}"`
  throw new DataError(`Offsets may only contain primitive types as values, but field ${field} contains ${describe(value)}`)
}

function describe(value: unknown): string {
  if (value === undefined) return 'undefined'
  if (Array.isArray(value)) return 'ARRAY'
  return typeof value === 'object' ? 'MAP' : typeof value
}

function jsonNumber(value: number): string {
  if (Number.isSafeInteger(value)) return String(value)
  const text = javaDouble(value)
  return Number.isFinite(value) ? text : `"${text}"`
}

function isPlainMap(value: unknown): value is SourcePartition | null {
  return value === null || (typeof value === 'object' && !Array.isArray(value))
}

/** Undefined where the bytes are no JSON. */
function parsedOrNull(bytes: Buffer): unknown {
  try {
    const text = bytes.toString('utf8')
    // A function for each value costs more than the rest; 15 digits always fit into a number.
    return /\d{16}/.test(text) ? JSON.parse(text, exactIntegers as (key: string, value: unknown) => unknown) : JSON.parse(text)
  } catch {
    return undefined
  }
}

function exactIntegers(_key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return value
  const source = context?.source
  return source !== undefined && /^-?\d+$/.test(source) ? BigInt(source) : value
}
