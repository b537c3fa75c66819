/*
 * As much of DER (X.690) as key stores need. Nothing is read beyond the given bytes, and every value is a view of them.
 */

/** One value: its identifier octet and its content. */
export interface DerValue {
  /** The identifier octet, constructed bit included, e.g. 0x30 for a SEQUENCE. */
  readonly tag: number
  readonly content: Buffer
  /** Identifier, length and content. */
  readonly encoded: Buffer
}

export const DerTag = {
  INTEGER: 0x02,
  OCTET_STRING: 0x04,
  NULL: 0x05,
  OID: 0x06,
  BMP_STRING: 0x1e,
  SEQUENCE: 0x30,
  SET: 0x31,
  CONTEXT_0: 0xa0,
  CONTEXT_0_PRIMITIVE: 0x80,
} as const

/** Bytes that are not the DER that was expected. */
export class DerError extends Error {
  override readonly name = 'DerError'
}

/** The one value that the bytes consist of. @throws DerError also when something follows it. */
export function readDer(bytes: Buffer): DerValue {
  const value = valueAt(bytes, 0)
  if (value.encoded.length !== bytes.length) throw new DerError(`${bytes.length - value.encoded.length} bytes follow the last value`)
  return value
}

/** The values inside a SEQUENCE, a SET or an explicit tag, in their order. */
export function derChildren(parent: DerValue | undefined, tag: number): DerValue[] {
  const content = expectTag(parent, tag).content
  const children: DerValue[] = []
  for (let position = 0; position < content.length; ) {
    const child = valueAt(content, position)
    children.push(child)
    position += child.encoded.length
  }
  return children
}

/** The content of a value of this type. */
export function derContent(value: DerValue | undefined, tag: number): Buffer {
  return expectTag(value, tag).content
}

/** An INTEGER that must be small and not negative. */
export function derNumber(value: DerValue | undefined): number {
  const content = derContent(value, DerTag.INTEGER)
  if (content.length === 0 || content.length > 5 || content[0]! > 0x7f) throw new DerError('a number is out of range')
  return content.readUIntBE(0, content.length)
}

/** An OBJECT IDENTIFIER in dotted form. */
export function derOid(value: DerValue | undefined): string {
  const content = derContent(value, DerTag.OID)
  if (content.length === 0 || content.length > 64 || content.at(-1)! > 0x7f) throw new DerError('an object identifier is broken')
  const arcs: bigint[] = []
  let arc = 0n
  for (const octet of content) {
    arc = (arc << 7n) | BigInt(octet & 0x7f)
    if (octet > 0x7f) continue
    arcs.push(arc)
    arc = 0n
  }
  const [first = 0n, ...rest] = arcs
  const root = first < 80n ? first / 40n : 2n
  return [root, first - root * 40n, ...rest].join('.')
}

function expectTag(value: DerValue | undefined, tag: number): DerValue {
  if (value?.tag === tag) return value
  throw new DerError(`expected a value of type 0x${tag.toString(16)}, found ${value ? `0x${value.tag.toString(16)}` : 'none'}`)
}

function valueAt(bytes: Buffer, start: number): DerValue {
  const tag = octetAt(bytes, start)
  if ((tag & 0x1f) === 0x1f) throw new DerError('a tag has more than one octet')
  const { length, position } = lengthAt(bytes, start + 1)
  if (length > bytes.length - position) throw new DerError(`a value of ${length} bytes is cut off`)
  return { tag, content: bytes.subarray(position, position + length), encoded: bytes.subarray(start, position + length) }
}

function lengthAt(bytes: Buffer, start: number): { length: number; position: number } {
  const first = octetAt(bytes, start)
  if (first < 0x80) return { length: first, position: start + 1 }
  const octets = first & 0x7f
  if (octets === 0) throw new DerError('a length is indefinite, which is BER and not DER')
  if (octets > 4) throw new DerError('a length is out of range')
  octetAt(bytes, start + octets)
  return { length: bytes.readUIntBE(start + 1, octets), position: start + 1 + octets }
}

function octetAt(bytes: Buffer, position: number): number {
  const octet = bytes[position]
  if (octet === undefined) throw new DerError('the bytes end too early')
  return octet
}
