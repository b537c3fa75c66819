/**
 * What bytes look like, told by a look at their beginning. `envelope`: JSON `{"schema", "payload"}`. `schema-id`: a zero byte and the number of a schema, as
 * with a schema registry. `text`: printable UTF-8 that is none of the others. `unknown`: none of all.
 */
export type ByteForm =
  | 'empty'
  | 'json'
  | 'envelope'
  | 'broken-json'
  | 'schema-id'
  | 'java'
  | 'avro-file'
  | 'gzip'
  | 'zstd'
  | 'xml'
  | 'text'
  | 'number'
  | 'unknown'

export interface ForeignBytes {
  readonly form: ByteForm
  readonly byteLength: number
  /** Of `schema-id`. */
  readonly schemaId: number | null
}

/** JSON beyond this is judged by its first and last byte only. */
const PARSED_BYTES_MAX = 256 * 1024
/** How far text is looked at. */
const TEXT_BYTES_MAX = 4 * 1024

/** Tells the form of bytes that a converter could not read. Nothing of their content is kept. */
export function foreignBytes(bytes: Uint8Array): ForeignBytes {
  const form = formOf(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))
  const schemaId = form === 'schema-id' ? new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(1) : null
  return { form, byteLength: bytes.byteLength, schemaId }
}

const BEGINNINGS: readonly (readonly [form: ByteForm, bytes: readonly number[]])[] = [
  ['java', [0xac, 0xed, 0x00, 0x05]],
  ['avro-file', [0x4f, 0x62, 0x6a, 0x01]],
  ['gzip', [0x1f, 0x8b]],
  ['zstd', [0x28, 0xb5, 0x2f, 0xfd]],
]

function formOf(bytes: Buffer): ByteForm {
  if (bytes.length === 0) return 'empty'
  const known = BEGINNINGS.find(([, beginning]) => beginning.every((byte, index) => bytes[index] === byte))
  if (known !== undefined) return known[0]
  const text = textOf(bytes)
  if (text === null) return bytes[0] === 0 && bytes.length > 5 ? 'schema-id' : bytes.length === 8 || bytes.length === 4 ? 'number' : 'unknown'
  const trimmed = text.trimStart()
  if (/^<(\?xml|!--|!DOCTYPE|[A-Za-z_])/.test(trimmed)) return 'xml'
  if (/^[[{]/.test(trimmed)) return jsonForm(bytes)
  return isJson(bytes) ? 'json' : 'text'
}

function jsonForm(bytes: Buffer): ByteForm {
  if (bytes.length > PARSED_BYTES_MAX) return /[\]}]\s*$/.test(bytes.toString('utf8', bytes.length - 8)) ? 'json' : 'broken-json'
  try {
    const parsed: unknown = JSON.parse(bytes.toString('utf8'))
    return isEnvelope(parsed) ? 'envelope' : 'json'
  } catch {
    return 'broken-json'
  }
}

function isEnvelope(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 2 && 'schema' in value && 'payload' in value
}

/** A number, a literal or text in quotes is JSON, too. */
function isJson(bytes: Buffer): boolean {
  if (bytes.length > TEXT_BYTES_MAX) return false
  try {
    JSON.parse(bytes.toString('utf8'))
    return true
  } catch {
    return false
  }
}

/** The first part as text; null where it holds what no text holds. */
function textOf(bytes: Buffer): string | null {
  const isCut = bytes.length > TEXT_BYTES_MAX
  try {
    // A character that is cut off at the end is no fault of the bytes.
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, TEXT_BYTES_MAX), { stream: isCut })
    return hasControls(text) ? null : text
  } catch {
    return null
  }
}

function hasControls(text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (code < 32 && code !== 9 && code !== 10 && code !== 13 && code !== 12) return true
  }
  return false
}
