/** The text has characters beyond ASCII. */
export const NOT_ASCII = 1
/** `JSON.parse` would lose something that Kafka Connect keeps: take the exact reader. */
export const EXACT = 2

/** As deep as the original reads. */
export const DEPTH_MAX = 1000
/** Integers of so many digits are safe, whatever the digits. */
const SAFE_DIGITS = 15

/** What a byte means outside strings. */
const PLAIN = 0
const QUOTE = 1
const NUMBER = 2
const OPENING = 3
const CLOSING = 4
const outside = table((byte) => {
  if (byte === 0x22) return QUOTE
  if (isDigit(byte) || byte === 0x2d) return NUMBER
  return byte === 0x7b || byte === 0x5b ? OPENING : byte === 0x7d || byte === 0x5d ? CLOSING : PLAIN
})

/** And inside. */
const ESCAPE = 2
const BEYOND_ASCII = 3
const inside = table((byte) => (byte === 0x22 ? QUOTE : byte === 0x5c ? ESCAPE : byte >= 0x80 ? BEYOND_ASCII : PLAIN))

function table(meaningOf: (byte: number) => number): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => meaningOf(byte))
}

/**
 * Looks through JSON text for what `JSON.parse` would change:
 * integers beyond the safe range, integral numbers written with a fraction or exponent (doubles in Java), `-0`, keys that look like array indexes (their
 * objects would be reordered), the key `__proto__`, and nesting that is too deep. Nearly all text has none of these, and one look at each byte costs
 * a fraction of the parsing. May ask for exactness without need, never the other way round. Errors of syntax are left to the parser.
 *
 * @param isTyped values are wanted as their schema says: numbers whose digits are not all in the float64 need exactness, too.
 * @returns `NOT_ASCII`, `EXACT` or 0.
 */
export function scanJson(bytes: Buffer, start: number, end: number, isTyped: boolean): number {
  let findings = 0
  let depth = 0
  let at = start
  while (at < end) {
    const meaning = outside[bytes[at] as number]
    if (meaning === PLAIN) at++
    else if (meaning === QUOTE) {
      const first = ++at
      let isEscaped = false
      for (;;) {
        let inner = inside[bytes[at] as number]
        while (inner === PLAIN) inner = inside[bytes[++at] as number]
        // A string that is not closed runs on into what follows the text.
        if (at >= end) return EXACT
        if (inner === QUOTE) break
        if (inner === ESCAPE) {
          isEscaped = true
          at += 2
        } else {
          findings = NOT_ASCII
          at++
        }
      }
      if ((isEscaped || isSuspectKeyStart(bytes[first] as number)) && isSuspectKey(bytes, first, at, end, isEscaped)) return EXACT
      at++
    } else if (meaning === NUMBER) {
      const next = skipSafeNumber(bytes, at, end, isTyped)
      if (next === UNSAFE) return EXACT
      at = next
    } else {
      depth += meaning === OPENING ? 1 : -1
      if (depth > DEPTH_MAX) return EXACT
      at++
    }
  }
  // What is not closed is no JSON: the parser need not be asked.
  return depth === 0 ? findings : EXACT
}

function isSuspectKeyStart(byte: number): boolean {
  return isDigit(byte) || byte === 0x5f
}

/** Whether the string from `start` to `quote` is a key that a plain object would not keep as it is. */
function isSuspectKey(bytes: Buffer, start: number, quote: number, end: number, isEscaped: boolean): boolean {
  let next = quote + 1
  while (next < end && isBlank(bytes[next] as number)) next++
  if (next >= end || bytes[next] !== 0x3a) return false
  if (isEscaped) return true
  if (bytes[start] === 0x5f) return bytes.latin1Slice(start, quote) === '__proto__'
  for (let at = start; at < quote; at++) if (!isDigit(bytes[at] as number)) return false
  return true
}

function isBlank(byte: number): boolean {
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d)
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39
}

const UNSAFE = -1

/** @returns where the number ends, or UNSAFE. */
function skipSafeNumber(bytes: Buffer, start: number, end: number, isTyped: boolean): number {
  const isNegative = bytes[start] === 0x2d
  const first = isNegative ? start + 1 : start
  let at = first
  while (at < end && isDigit(bytes[at] as number)) at++
  const digits = at - first
  const byte = at < end ? bytes[at] : 0
  if (byte !== 0x2e && byte !== 0x65 && byte !== 0x45) {
    if (isNegative && digits === 1 && bytes[first] === 0x30) return UNSAFE
    if (digits <= SAFE_DIGITS) return at
    return !isTyped && Number.isSafeInteger(Number(bytes.latin1Slice(start, at))) ? at : UNSAFE
  }
  return skipSafeDecimal(bytes, start, at, end, digits, isTyped)
}

function skipSafeDecimal(bytes: Buffer, start: number, point: number, end: number, digits: number, isTyped: boolean): number {
  let at = point
  let same = 0
  if (bytes[at] === 0x2e) {
    const fraction = ++at
    const first = bytes[fraction]
    // Only a fraction that begins with many zeros or nines can be lost in an integral float64.
    if (first === 0x30 || first === 0x39) {
      while (at < end && bytes[at] === first) at++
      same = at - fraction
      if (first === 0x30 && !(at < end && isDigit(bytes[at] as number))) return UNSAFE
    }
    while (at < end && isDigit(bytes[at] as number)) at++
    if (at === fraction) return UNSAFE
  }
  const hasExponent = at < end && ((bytes[at] as number) | 0x20) === 0x65
  if (!hasExponent && digits + same < SAFE_DIGITS) return at
  if (isTyped) return UNSAFE
  while (at < end && isNumberPart(bytes[at] as number)) at++
  return Number.isSafeInteger(Number(bytes.latin1Slice(start, at))) ? UNSAFE : at
}

function isNumberPart(byte: number): boolean {
  return isDigit(byte) || byte === 0x2b || byte === 0x2d || (byte | 0x20) === 0x65
}
