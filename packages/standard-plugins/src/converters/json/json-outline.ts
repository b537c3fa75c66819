/** An object of a JSON text. */
export interface JsonMembers {
  readonly keys: readonly string[]
  /** The bytes before each value, from the end of the one before it; and those after the last value. Copies. */
  readonly labels: readonly Buffer[]
  /** Where each value begins. */
  readonly values: readonly number[]
}

/** The parts of the object that begins at `start`. Only for text that is known to be right. */
export function membersAt(bytes: Buffer, start: number): JsonMembers {
  const keys: string[] = []
  const labels: Buffer[] = []
  const values: number[] = []
  let labelStart = start
  let at = skipBlanks(bytes, start + 1)
  while (bytes[at] !== CLOSING_BRACE) {
    if (bytes[at] === COMMA) at = skipBlanks(bytes, at + 1)
    const keyEnd = skipString(bytes, at)
    keys.push(JSON.parse(bytes.utf8Slice(at, keyEnd)))
    const value = skipBlanks(bytes, skipBlanks(bytes, keyEnd) + 1)
    labels.push(Buffer.from(bytes.subarray(labelStart, value)))
    values.push(value)
    labelStart = skipValue(bytes, value)
    at = skipBlanks(bytes, labelStart)
  }
  labels.push(Buffer.from(bytes.subarray(labelStart, at + 1)))
  return { keys, labels, values }
}

/** Where the elements of the array begin that begins at `start`. Only for text that is known to be right. */
export function elementsAt(bytes: Buffer, start: number): number[] {
  const elements: number[] = []
  let at = skipBlanks(bytes, start + 1)
  while (bytes[at] !== CLOSING_BRACKET) {
    if (bytes[at] === COMMA) at = skipBlanks(bytes, at + 1)
    elements.push(at)
    at = skipBlanks(bytes, skipValue(bytes, at))
  }
  return elements
}

const QUOTE = 0x22
const COMMA = 0x2c
const BACKSLASH = 0x5c
const OPENING_BRACE = 0x7b
const CLOSING_BRACE = 0x7d
const OPENING_BRACKET = 0x5b
const CLOSING_BRACKET = 0x5d

function skipBlanks(bytes: Buffer, start: number): number {
  let at = start
  while ((bytes[at] as number) <= 0x20) at++
  return at
}

function skipString(bytes: Buffer, start: number): number {
  let at = start + 1
  while (bytes[at] !== QUOTE) at += bytes[at] === BACKSLASH ? 2 : 1
  return at + 1
}

function skipValue(bytes: Buffer, start: number): number {
  let at = start
  let depth = 0
  do {
    const byte = bytes[at]
    if (byte === QUOTE) at = skipString(bytes, at)
    else if (byte === OPENING_BRACE || byte === OPENING_BRACKET) {
      depth++
      at++
    } else if (byte === CLOSING_BRACE || byte === CLOSING_BRACKET) {
      depth--
      at++
    } else if (depth > 0 || isWordPart(byte)) at++
    else break
  } while (depth > 0 || isWordPart(bytes[at]))
  return at
}

/** Of a number, or of true, false and null. */
function isWordPart(byte: number | undefined): boolean {
  return byte !== undefined && byte > 0x20 && byte !== COMMA && byte !== CLOSING_BRACE && byte !== CLOSING_BRACKET
}
