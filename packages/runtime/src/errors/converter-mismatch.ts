import type { FailedStage } from './failure.ts'
import type { ByteForm, ForeignBytes } from './foreign-bytes.ts'

/** A converter of a task, and where its settings stand. */
export interface ConverterInForce {
  readonly className: string
  /** What the converter was configured with, without prefix. */
  readonly properties: Readonly<Record<string, string>>
  /** The connector names it; otherwise the worker does. */
  readonly isOwn: boolean
}

export interface ConvertersInForce {
  readonly key: ConverterInForce
  readonly value: ConverterInForce
  readonly header: ConverterInForce
}

/** What the bytes that a converter could not read say by themselves. */
interface Mismatch {
  readonly id: string
  readonly rootCause: string
  readonly advice?: string
}

/**
 * Compares the form of bytes with the converter that could not read them.
 * @returns null where no bytes were read, or their form says nothing.
 */
export function mismatchOf({ stage, className, bytes }: FailedStage, converters: ConvertersInForce | null): Mismatch | null {
  const role = stage === 'KEY_CONVERTER' ? 'key' : stage === 'VALUE_CONVERTER' ? 'value' : null
  if (role === null || bytes === undefined) return null
  const converter = converters?.[role] ?? null
  const isJson = shortName(className) === 'JsonConverter'
  // Right for the converter: something inside does not fit.
  if (isJson && (bytes.form === 'envelope' || (bytes.form === 'json' && !wantsEnvelope(converter)))) return null
  const id = isJson && bytes.form === 'json' ? 'MR-2101' : HINTS[bytes.form]
  if (id === null) return null
  return {
    id,
    rootCause: `The ${role} of a record is ${wordsFor(bytes)}, and ${nameOf(role, className, converter, isJson)}`,
    ...adviceFor(id, role, converter),
  }
}

const HINTS: Readonly<Record<ByteForm, string | null>> = {
  json: 'MR-2102',
  envelope: 'MR-2102',
  'broken-json': 'MR-2105',
  'schema-id': 'MR-2103',
  text: 'MR-2104',
  gzip: 'MR-2106',
  zstd: 'MR-2106',
  java: 'MR-2107',
  xml: 'MR-2108',
  empty: 'MR-2109',
  'avro-file': 'MR-2112',
  number: null,
  unknown: null,
}

const WORDS: Readonly<Record<Exclude<ByteForm, 'number' | 'unknown' | 'schema-id'>, string>> = {
  json: 'plain JSON',
  envelope: 'JSON with its schema ("schema" and "payload")',
  'broken-json': 'JSON that is damaged or cut off',
  text: 'plain text',
  gzip: 'compressed with gzip by its producer',
  zstd: 'compressed with zstd by its producer',
  java: 'a Java object (serialized by Java itself)',
  xml: 'XML',
  empty: 'empty (no bytes, but not null)',
  'avro-file': 'a whole Avro file',
}

function wordsFor({ form, schemaId }: ForeignBytes): string {
  if (form === 'schema-id') return `in the form of a schema registry (schema ${schemaId}: Avro, Protobuf or JSON Schema)`
  return form === 'number' || form === 'unknown' ? 'of unknown form' : WORDS[form]
}

function nameOf(role: string, className: string, converter: ConverterInForce | null, isJson: boolean): string {
  const setting = `${role}.converter is ${shortName(className)}`
  const envelope = isJson && wantsEnvelope(converter) ? ' with schemas.enable=true' : ''
  return `${setting}${envelope}${converter === null || converter.isOwn ? '' : ', which the worker sets'}`
}

/** Settings of the worker's converter stand in the worker's file: a prefix in the connector does not reach them. */
function adviceFor(id: string, role: string, converter: ConverterInForce | null): { readonly advice?: string } {
  if (id !== 'MR-2101') return {}
  const setting = `${role}.converter.schemas.enable=false`
  if (converter === null || converter.isOwn) return { advice: `Set ${setting} in the connector.` }
  return {
    advice: `Set ${role}.converter=${converter.className} and ${setting} in the connector: the worker's converter has the worker's settings only.`,
  }
}

function wantsEnvelope(converter: ConverterInForce | null): boolean {
  return (converter?.properties['schemas.enable'] ?? 'true').trim().toLowerCase() !== 'false'
}

function shortName(className: string): string {
  return className.slice(className.lastIndexOf('.') + 1)
}
