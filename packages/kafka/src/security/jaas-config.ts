import { configurationError } from '../errors.ts'

/** The one login module of `sasl.jaas.config`. */
export interface JaasEntry {
  /** The Java class, e.g. `org.apache.kafka.common.security.plain.PlainLoginModule`. */
  readonly loginModule: string
  readonly options: ReadonlyMap<string, string>
}

const CONTROL_FLAGS = ['REQUIRED', 'REQUISITE', 'SUFFICIENT', 'OPTIONAL']

/**
 * Reads `sasl.jaas.config`: `<login module> <control flag> (<option>=<value>)*;`
 *
 * The grammar is that of Java's `JaasConfig`, which reads with a `StreamTokenizer`: quotes are single or double, with the escapes of Java;
 * what is not quoted may not begin with a digit; `//`, a lone slash and the C form begin comments.
 *
 * @throws KafkaError `INVALID_CONFIGURATION` with Java's message. No value is in it.
 */
export function parseJaasConfig(text: string): JaasEntry {
  const entries = jaasEntries(text)
  if (entries.length === 0) throw configurationError('Login module not specified in JAAS config')
  if (entries.length > 1) throw configurationError(`JAAS config property contains ${entries.length} login modules, should be 1 module`)
  return entries[0]!
}

/**
 * Reads the entry of a JAAS file, as `java.security.auth.login.config` names one: `KafkaClient { <login module> … };`
 *
 * @returns null if the file has no such entry.
 * @throws KafkaError `INVALID_CONFIGURATION`.
 */
export function parseJaasFile(text: string, entryName: string): JaasEntry | null {
  const tokens = new JaasTokens(text)
  for (let name = tokens.next(); name.kind !== 'end'; name = tokens.next()) {
    if (tokens.next().text !== '{') throw configurationError(`The JAAS file is broken: "{" is missing behind "${name.text}"`)
    const entries: JaasEntry[] = []
    for (let token = tokens.next(); token.text !== '}'; token = tokens.next()) {
      if (token.kind === 'end') throw configurationError(`The JAAS file is broken: "}" is missing behind "${name.text}"`)
      entries.push(jaasEntry(tokens, token))
    }
    if (tokens.next().text !== ';') throw configurationError(`The JAAS file is broken: ";" is missing behind "${name.text}"`)
    if (name.text === entryName && entries[0]) return entries[0]
  }
  return null
}

function jaasEntries(text: string): JaasEntry[] {
  const tokens = new JaasTokens(text)
  const entries: JaasEntry[] = []
  for (let token = tokens.next(); token.kind !== 'end'; token = tokens.next()) entries.push(jaasEntry(tokens, token))
  return entries
}

function jaasEntry(tokens: JaasTokens, loginModule: Token): JaasEntry {
  const flag = tokens.next()
  if (flag.kind === 'end') throw configurationError('Login module control flag not specified in JAAS config')
  if (flag.kind !== 'word') throw configurationError('Login module control flag is not available in the JAAS config')
  if (!CONTROL_FLAGS.includes(flag.text.toUpperCase())) throw configurationError(`Invalid login module control flag '${flag.text}' in JAAS config`)
  const options = new Map<string, string>()
  for (let key = tokens.next(); key.text !== ';' || key.kind === 'word'; key = tokens.next()) {
    if (key.kind === 'end') throw configurationError('JAAS config entry not terminated by semi-colon')
    const hasEquals = isSign(tokens.next(), '=')
    const value = hasEquals ? tokens.next() : key
    if (!hasEquals || value.kind !== 'word') {
      throw configurationError(`Value not specified for key '${key.kind === 'word' ? key.text : null}' in JAAS config`)
    }
    options.set(key.text, value.text)
  }
  return { loginModule: loginModule.text, options }
}

function isSign(token: Token, sign: string): boolean {
  return token.kind === 'other' && token.text === sign
}

/** `word`: a name or anything in quotes. `other`: a single character, or a number, which counts as no value. */
interface Token {
  readonly kind: 'word' | 'other' | 'end'
  readonly text: string
}

const END: Token = { kind: 'end', text: '' }
const ESCAPES: Readonly<Record<string, string>> = { a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' }

/** Java's `StreamTokenizer` in the state that `JaasConfig` puts it in. */
class JaasTokens {
  readonly #text: string
  #position = 0

  constructor(text: string) {
    this.#text = text
  }

  next(): Token {
    this.#skipBlanksAndComments()
    const first = this.#text[this.#position]
    if (first === undefined) return END
    if (/["']/.test(first)) return this.#quoted(first)
    if (/[\d.]/.test(first) || (first === '-' && /[\d.]/.test(this.#text[this.#position + 1] ?? ''))) return this.#number()
    // A hyphen begins no word; inside of one it belongs to it.
    const word = this.#match(/[A-Za-z_$\u00a0-\uffff][\w$.\-\u00a0-\uffff]*/y)
    if (word !== '') return { kind: 'word', text: word }
    this.#position++
    return { kind: 'other', text: first }
  }

  #skipBlanksAndComments(): void {
    // A comment in the C form that does not end reaches to the end, as in Java; a lone slash comments out its line.
    this.#match(/(?:[\0-\x20]+|\/\*(?:[^*]|\*(?!\/))*(?:\*\/|$)|\/(?!\*)[^\r\n]*)*/y)
  }

  #quoted(quote: string): Token {
    let text = ''
    this.#position++
    for (let character = this.#take(); character !== quote; character = this.#take()) {
      // Java ends it at the end of the line too.
      if (character === undefined) break
      if (character === '\n' || character === '\r') {
        this.#position--
        break
      }
      text += character === '\\' ? this.#escaped() : character
    }
    return { kind: 'word', text }
  }

  #escaped(): string {
    const octal = this.#match(/[0-3][0-7]{0,2}|[4-7][0-7]?/y)
    if (octal !== '') return String.fromCharCode(Number.parseInt(octal, 8))
    const character = this.#take() ?? ''
    return ESCAPES[character] ?? character
  }

  #number(): Token {
    return { kind: 'other', text: this.#match(/-?\d*\.?\d*/y) }
  }

  #take(): string | undefined {
    return this.#text[this.#position++]
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#position
    const text = pattern.exec(this.#text)?.[0] ?? ''
    this.#position += text.length
    return text
  }
}
