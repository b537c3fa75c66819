import { DataError, withoutStackTrace } from '@millrace/api'
import { DEPTH_MAX } from './json-scan.ts'

/** A number as it is written. */
export class JsonNumber {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }

  get isIntegral(): boolean {
    return /^-?\d+$/.test(this.text)
  }
}

/**
 * What JSON text is parsed to. Objects are plain ones, or a `Map` where a plain one would lose the order of keys or has the key `__proto__`.
 * Numbers are `JsonNumber` from the exact parser and `number` from `JSON.parse`. Undefined: there is no value at all.
 */
export type JsonNode =
  | undefined
  | null
  | boolean
  | string
  | number
  | JsonNumber
  | readonly JsonNode[]
  | { readonly [key: string]: JsonNode }
  | ReadonlyMap<string, JsonNode>

/** Longer numbers are refused, as by the original: their arithmetic would take for ever. */
const NUMBER_LENGTH_MAX = 1000

const number = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const string = /"(?:[^"\\]|\\.)*"/sy
/** What makes a string more than the text between its quotes, or an error. */
const special = /[\\\u0000-\u001f]/

/**
 * Reads JSON the way the original does: numbers keep their digits and may begin with zeros, and whatever follows the first value is ignored, but that
 * a blank must follow a number, and no letter a word.
 */
export class JsonParser {
  readonly #text: string
  #at = 0
  #depth = 0

  constructor(text: string) {
    this.#text = text
  }

  /** The first value of the text; undefined where it is empty. @throws DataError where the text is no JSON. */
  parse(): JsonNode {
    this.#skipBlanks()
    if (this.#at === this.#text.length) return undefined
    const value = this.#value()
    const next = this.#text[this.#at]
    if (next !== undefined && !mayFollow(value, next)) this.#fail()
    return value
  }

  /** As `parse`, for text that must hold nothing else. */
  parseWhole(): JsonNode {
    const value = this.parse()
    this.#skipBlanks()
    if (value === undefined || this.#at < this.#text.length) this.#fail()
    return value
  }

  /**
   * The texts of the values of an object, by key; null where the text is no object.
   * @throws DataError where the text is no JSON.
   */
  memberTexts(): ReadonlyMap<string, string> | null {
    this.#skipBlanks()
    if (this.#text[this.#at] !== '{') return null
    const members = new Map<string, string>()
    this.#members((key) => {
      const start = this.#at
      this.#value()
      members.set(key, this.#text.slice(start, this.#at))
    })
    return members
  }

  #value(): JsonNode {
    switch (this.#text[this.#at]) {
      case '{':
        return this.#object()
      case '[':
        return this.#array()
      case '"':
        return this.#string()
      case 't':
        return this.#word('true', true)
      case 'f':
        return this.#word('false', false)
      case 'n':
        return this.#word('null', null)
      default:
        return new JsonNumber(this.#match(number, NUMBER_LENGTH_MAX))
    }
  }

  #object(): JsonNode {
    const members = new Map<string, JsonNode>()
    this.#members((key) => members.set(key, this.#value()))
    return keepsOrder(members) ? Object.fromEntries(members) : members
  }

  #members(readValue: (key: string) => void): void {
    this.#enter()
    if (this.#take('}')) return this.#leave()
    do {
      this.#skipBlanks()
      const key = this.#string()
      if (!this.#take(':')) this.#fail()
      this.#skipBlanks()
      readValue(key)
    } while (this.#take(','))
    if (!this.#take('}')) this.#fail()
    this.#leave()
  }

  #array(): JsonNode {
    const elements: JsonNode[] = []
    this.#enter()
    if (this.#take(']')) {
      this.#leave()
      return elements
    }
    do {
      this.#skipBlanks()
      elements.push(this.#value())
    } while (this.#take(','))
    if (!this.#take(']')) this.#fail()
    this.#leave()
    return elements
  }

  #enter(): void {
    this.#at++
    if (++this.#depth > DEPTH_MAX) throw new DataError(`Document nesting depth (${this.#depth}) exceeds the maximum allowed (${DEPTH_MAX})`)
  }

  #leave(): void {
    this.#depth--
  }

  #string(): string {
    const plain = this.#plainString()
    if (plain !== null) return plain
    const literal = this.#match(string)
    try {
      return JSON.parse(literal) as string
    } catch {
      // An escape that does not exist, or a control character that is not escaped.
      throw new DataError(`Invalid string before position ${this.#at}`)
    }
  }

  /** A string without an escape, as nearly all are; null, and nothing is taken, where it is another or none. */
  #plainString(): string | null {
    const start = this.#at + 1
    if (this.#text[this.#at] !== '"') return null
    const end = this.#text.indexOf('"', start)
    if (end === -1) return null
    const plain = this.#text.slice(start, end)
    if (special.test(plain)) return null
    this.#at = end + 1
    return plain
  }

  #word<Value>(word: string, value: Value): Value {
    if (!this.#text.startsWith(word, this.#at)) this.#fail()
    this.#at += word.length
    return value
  }

  #match(pattern: RegExp, lengthMax: number = Number.POSITIVE_INFINITY): string {
    pattern.lastIndex = this.#at
    const match = pattern.exec(this.#text)?.[0]
    if (match === undefined) return this.#fail()
    if (match.length > lengthMax) throw new DataError(`Number value length (${match.length}) exceeds the maximum allowed (${lengthMax})`)
    this.#at += match.length
    return match
  }

  /** Takes `character` with the blanks before it, or nothing. */
  #take(character: string): boolean {
    this.#skipBlanks()
    if (this.#text[this.#at] !== character) return false
    this.#at++
    return true
  }

  #skipBlanks(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at)
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return
      this.#at++
    }
  }

  #fail(): never {
    const character = this.#text[this.#at]
    // Where in the parser it was found helps nobody; the converter's error has the stack.
    throw withoutStackTrace(
      () => new DataError(character === undefined ? 'Unexpected end-of-input' : `Unexpected character ('${character}') at position ${this.#at}`),
    )
  }
}

/** Whether the first value of a text may be followed by `character`. */
function mayFollow(value: JsonNode, character: string): boolean {
  if (value instanceof JsonNumber) return /[ \t\n\r]/.test(character)
  return value === null || typeof value === 'boolean' ? !/[\w$]/.test(character) : true
}

/** Whether a plain object would keep these keys in their order. */
export function keepsOrder(members: ReadonlyMap<string, unknown>): boolean {
  for (const key of members.keys()) if (key === '__proto__' || /^\d+$/.test(key)) return false
  return true
}
