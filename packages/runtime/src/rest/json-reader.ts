/*
 * Reads JSON bytes token by token as Jackson does: with its rules (numbers keep their text, later fields win, no comments), its order of
 * discovery (what comes first in the text fails first) and its messages, since the REST API of Kafka Connect answers a broken body with them.
 */

export type TokenType =
  | 'START_OBJECT'
  | 'END_OBJECT'
  | 'START_ARRAY'
  | 'END_ARRAY'
  | 'FIELD_NAME'
  | 'STRING'
  | 'INT'
  | 'FLOAT'
  | 'TRUE'
  | 'FALSE'
  | 'NULL'
  | 'END'

/** Where something stands in the text, counted in bytes from 1. */
export interface JsonLocation {
  readonly line: number
  readonly column: number
}

/** The text is not JSON, or not what was expected. The message is Jackson's, location included. */
export class JsonError extends Error {
  override readonly name = 'JsonError'
}

/** Deeper nesting is refused, as Jackson does (`StreamReadConstraints`). */
const NESTING_MAX = 500
const VALUES_EXPECTED = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"

const COMMENT = "maybe a (non-standard) comment? (not recognized as one since Feature 'ALLOW_COMMENTS' not enabled for parser)"

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const COLON = 0x3a
const MINUS = 0x2d
const ZERO = 0x30
const DOT = 0x2e

interface Scope {
  readonly isObject: boolean
  readonly start: JsonLocation
  entries: number
}

/** Text of `at [Source: …]` for a location. */
export function sourceAt({ line, column }: JsonLocation): string {
  return `[Source: REDACTED (\`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION\` disabled); line: ${line}, column: ${column}]`
}

export class JsonReader {
  readonly #bytes: Buffer
  #at = 0
  #lineStart = 0
  #line = 1
  readonly #scopes: Scope[] = []
  /** After a field name: its value comes next. */
  #expectsValue = false
  #tokenAt: JsonLocation = { line: 1, column: 1 }
  #text = ''
  /** Strings are decoded when they are asked for, as in Jackson, so that their errors are reported in the place where they are bound. */
  #stringPending = false
  /** After an error inside a string or number, nothing more can be read. */
  type: TokenType = 'END'

  constructor(bytes: Buffer) {
    this.#bytes = bytes
    if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) this.#lineStart = this.#at = 3
  }

  /** Where the current token starts. */
  get tokenLocation(): JsonLocation {
    return this.#tokenAt
  }

  /** Just behind what was read so far. */
  get location(): JsonLocation {
    return this.#locationOf(this.#at)
  }

  /** Text of the current name, string or number (as written). */
  get text(): string {
    if (this.#stringPending) {
      this.#stringPending = false
      this.#text = this.#string('VALUE_STRING')
    }
    return this.#text
  }

  /** Advances to the next token. `END` after the end of the text, again and again. */
  next(): TokenType {
    if (this.#stringPending) void this.text
    this.type = this.#advance()
    return this.type
  }

  /** Skips what the current token opens, if it opens something. */
  skipChildren(): void {
    if (this.type !== 'START_OBJECT' && this.type !== 'START_ARRAY') return
    const depth = this.#scopes.length - 1
    while (this.#scopes.length > depth) this.next()
  }

  #advance(): TokenType {
    this.#skipBlanks()
    const scope = this.#scopes.at(-1)
    const byte = this.#bytes[this.#at]
    if (byte === undefined) return this.#end(scope)
    if (byte === 0x7d || byte === 0x5d) return this.#close(byte, scope)
    if (scope === undefined) return this.#value(byte)
    if (scope.isObject && this.#expectsValue) {
      this.#expectsValue = false
      return this.#value(byte)
    }
    this.#separator(scope)
    return scope.isObject ? this.#fieldName() : this.#value(this.#present('Array'))
  }

  #end(scope: Scope | undefined): TokenType {
    if (scope === undefined) return 'END'
    const kind = scope.isObject ? 'Object' : 'Array'
    if (this.#expectsValue) throw this.#error(`Unexpected end-of-input within/between ${kind} entries`)
    throw this.#error(`Unexpected end-of-input: expected close marker for ${kind} (start marker at ${sourceAt(scope.start)})`)
  }

  #close(byte: number, scope: Scope | undefined): TokenType {
    const isObject = byte === 0x7d
    const character = String.fromCharCode(byte)
    if (scope === undefined) throw this.#error(`Unexpected close marker '${character}': no open ${isObject ? 'Object' : 'Array'} to close`)
    if (scope.isObject !== isObject) {
      const expected = scope.isObject ? "'}' (for Object" : "']' (for Array"
      throw this.#error(`Unexpected close marker '${character}': expected ${expected} starting at ${sourceAt(scope.start)})`)
    }
    if (this.#expectsValue) throw this.#unexpected('expected a value')
    this.#tokenAt = this.location
    this.#at++
    this.#scopes.pop()
    return isObject ? 'END_OBJECT' : 'END_ARRAY'
  }

  #separator(scope: Scope): void {
    if (scope.entries++ === 0) return
    const kind = scope.isObject ? 'Object' : 'Array'
    if (this.#bytes[this.#at] !== COMMA) throw this.#unexpectedByte(`was expecting comma to separate ${kind} entries`)
    this.#at++
    this.#skipBlanks()
  }

  #fieldName(): TokenType {
    const byte = this.#present('Object')
    if (byte !== QUOTE) throw this.#unexpected(byte === 0x2f ? COMMENT : 'was expecting double-quote to start field name')
    this.#tokenAt = this.location
    this.#at++
    this.#text = this.#string('field name')
    this.#skipBlanks()
    if (this.#present('Object') !== COLON) throw this.#unexpectedByte('was expecting a colon to separate field name and value')
    this.#at++
    this.#skipBlanks()
    this.#present('Object')
    this.#expectsValue = true
    return 'FIELD_NAME'
  }

  #value(byte: number): TokenType {
    this.#tokenAt = this.location
    if (byte === QUOTE) {
      this.#at++
      this.#stringPending = true
      return 'STRING'
    }
    if (byte === 0x7b || byte === 0x5b) return this.#open(byte === 0x7b)
    if (byte === MINUS || isDigit(byte)) return this.#number()
    if (isNameCharacter(byte)) return this.#word()
    if (byte === 0x7d || byte === 0x5d || byte === COMMA) throw this.#unexpected('expected a value')
    if (byte === 0x2f) throw this.#unexpected(COMMENT)
    throw this.#unexpected(`expected a valid value ${VALUES_EXPECTED}`)
  }

  #open(isObject: boolean): TokenType {
    this.#at++
    if (this.#scopes.length >= NESTING_MAX) {
      throw new JsonError(
        `Document nesting depth (${NESTING_MAX + 1}) exceeds the maximum allowed (${NESTING_MAX}, from \`StreamReadConstraints.getMaxNestingDepth()\`)`,
      )
    }
    this.#scopes.push({ isObject, start: this.#tokenAt, entries: 0 })
    return isObject ? 'START_OBJECT' : 'START_ARRAY'
  }

  #word(): TokenType {
    const start = this.#at
    let end = start
    while (isNameCharacter(this.#bytes[end])) end++
    const word = this.#bytes.toString('utf8', start, end)
    if (word === 'NaN' || word === 'Infinity') {
      this.#at = end
      throw this.#error(`Non-standard token '${word}': enable \`JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS\` to allow`)
    }
    if (word !== 'true' && word !== 'false' && word !== 'null') {
      throw this.#error(`Unrecognized token '${word}': was expecting ${VALUES_EXPECTED}`)
    }
    this.#at = end
    this.#text = word
    return word === 'true' ? 'TRUE' : word === 'false' ? 'FALSE' : 'NULL'
  }

  // number = [ "-" ] int [ "." digits ] [ ("e" / "E") [ "+" / "-" ] digits ] ; int has no leading zeroes
  #number(): TokenType {
    const start = this.#at
    let isFloat = false
    if (this.#bytes[this.#at] === MINUS) {
      this.#at++
      if (!isDigit(this.#bytes[this.#at])) throw this.#inNumber('expected digit (0-9) to follow minus sign, for valid numeric value')
    }
    if (this.#bytes[this.#at] === ZERO && isDigit(this.#bytes[this.#at + 1])) {
      this.#at++
      throw this.#error('Invalid numeric value: Leading zeroes not allowed')
    }
    this.#digits()
    if (this.#bytes[this.#at] === DOT) {
      isFloat = true
      this.#at++
      if (this.#at >= this.#bytes.length) this.#at--
      if (!isDigit(this.#bytes[this.#at])) throw this.#inNumber('Decimal point not followed by a digit')
      this.#digits()
    }
    if (this.#bytes[this.#at] === 0x65 || this.#bytes[this.#at] === 0x45) {
      isFloat = true
      this.#at++
      if (this.#bytes[this.#at] === 0x2b || this.#bytes[this.#at] === MINUS) this.#at++
      if (!isDigit(this.#bytes[this.#at])) throw this.#inNumber('Exponent indicator not followed by a digit')
      this.#digits()
    }
    this.#text = this.#bytes.toString('latin1', start, this.#at)
    if (this.#scopes.length === 0 && this.#at < this.#bytes.length && !isBlank(this.#bytes[this.#at])) {
      throw this.#unexpectedByte('Expected space separating root-level values')
    }
    return isFloat ? 'FLOAT' : 'INT'
  }

  #digits(): void {
    while (isDigit(this.#bytes[this.#at])) this.#at++
  }

  /** Reads up to and with the closing quote. */
  #string(what: 'VALUE_STRING' | 'field name'): string {
    let text = ''
    let start = this.#at
    for (;;) {
      const byte = this.#bytes[this.#at]
      if (byte === undefined) {
        const isEmptyName = what === 'field name' && this.#at === start && text === ''
        throw this.#error(isEmptyName ? `Unexpected end-of-input: was expecting closing '"' for name` : `Unexpected end-of-input in ${what}`)
      }
      if (byte === QUOTE) break
      if (byte < 0x20) {
        const kind = what === 'field name' ? 'name' : 'string value'
        throw this.#error(`Illegal unquoted character (${described(byte)}): has to be escaped using backslash to be included in ${kind}`)
      }
      if (byte === BACKSLASH) {
        text += this.#bytes.toString('utf8', start, this.#at) + this.#escape()
        start = this.#at
      } else if (byte < 0x80) {
        this.#at++
      } else {
        this.#multibyte(byte)
      }
    }
    text += this.#bytes.toString('utf8', start, this.#at)
    this.#at++
    return text
  }

  #escape(): string {
    this.#at++
    const byte = this.#bytes[this.#at]
    if (byte === undefined) throw this.#error('Unexpected end-of-input in character escape sequence')
    const simple = SIMPLE_ESCAPES.get(byte)
    if (simple !== undefined) {
      this.#at++
      return simple
    }
    if (byte !== 0x75) throw this.#error(`Unrecognized character escape ${described(byte)}`)
    let code = 0
    for (let i = 0; i < 4; i++) {
      this.#at++
      const hex = this.#bytes[this.#at]
      if (hex === undefined) throw this.#error('Unexpected end-of-input in character escape sequence')
      const digit = Number.parseInt(String.fromCharCode(hex), 16)
      if (Number.isNaN(digit)) throw this.#unexpected('expected a hex-digit for character escape sequence')
      code = code * 16 + digit
    }
    this.#at++
    return String.fromCharCode(code)
  }

  #multibyte(first: number): void {
    const length = first >= 0xc0 && first < 0xe0 ? 2 : first >= 0xe0 && first < 0xf0 ? 3 : first >= 0xf0 && first < 0xf8 ? 4 : 0
    if (length === 0) {
      this.#at++
      throw this.#error(`Invalid UTF-8 start byte 0x${first.toString(16)}`)
    }
    for (let i = 1; i < length; i++) {
      const byte = this.#bytes[this.#at + i]
      if (byte === undefined) {
        this.#at = this.#bytes.length
        throw this.#error('Unexpected end-of-input in VALUE_STRING')
      }
      if ((byte & 0xc0) !== 0x80) {
        this.#at += i + 1
        throw this.#error(`Invalid UTF-8 middle byte 0x${byte.toString(16)}`)
      }
    }
    this.#at += length
  }

  #skipBlanks(): void {
    for (;;) {
      const byte = this.#bytes[this.#at]
      if (byte === 0x0a || byte === 0x0d) {
        this.#at++
        if (byte === 0x0d && this.#bytes[this.#at] === 0x0a) this.#at++
        this.#line++
        this.#lineStart = this.#at
      } else if (byte === 0x20 || byte === 0x09) {
        this.#at++
      } else {
        if (byte !== undefined && byte < 0x20) {
          this.#at++
          throw this.#error(`Illegal character (${described(byte)}): only regular white space (\\r, \\n, \\t) is allowed between tokens`)
        }
        return
      }
    }
  }

  /** The next byte inside an object or array; the text must not end here. */
  #present(kind: 'Object' | 'Array'): number {
    const byte = this.#bytes[this.#at]
    if (byte === undefined) throw this.#error(`Unexpected end-of-input within/between ${kind} entries`)
    return byte
  }

  #unexpected(comment: string): JsonError {
    return this.#error(`Unexpected character (${described(this.#characterHere())}): ${comment}`)
  }

  /** Between tokens the original looks at single bytes. */
  #unexpectedByte(comment: string): JsonError {
    const byte = this.#bytes[this.#at] ?? 0
    return this.#error(`Unexpected character (${described(byte)}): ${byte === 0x2f ? COMMENT : comment}`)
  }

  #inNumber(comment: string): JsonError {
    if (this.#at >= this.#bytes.length) return this.#error('Unexpected end-of-input in a Number value')
    return this.#error(`Unexpected character (${described(this.#characterHere())}) in numeric value: ${comment}`)
  }

  #characterHere(): number {
    return this.#bytes.toString('utf8', this.#at, this.#at + 4).codePointAt(0) ?? 0
  }

  #error(message: string): JsonError {
    return new JsonError(`${message}\n at ${sourceAt(this.location)}`)
  }

  #locationOf(at: number): JsonLocation {
    return { line: this.#line, column: at - this.#lineStart + 1 }
  }
}

const SIMPLE_ESCAPES: ReadonlyMap<number, string> = new Map(
  [...'"\\/bfnrt'].map((character, index) => [character.charCodeAt(0), '"\\/\b\f\n\r\t'[index] ?? ''] as const),
)

function described(code: number): string {
  if (code < 0x20) return `(CTRL-CHAR, code ${code})`
  const escaped = code > 0xff ? ` / 0x${code.toString(16)}` : ''
  return `'${String.fromCodePoint(code)}' (code ${code}${escaped})`
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39
}

function isBlank(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d
}

/** What Jackson takes as part of a bare word: characters of a Java identifier. */
function isNameCharacter(byte: number | undefined): boolean {
  if (byte === undefined) return false
  return (byte >= 0x61 && byte <= 0x7a) || (byte >= 0x41 && byte <= 0x5a) || isDigit(byte) || byte === 0x5f || byte === 0x24 || byte >= 0x80
}
