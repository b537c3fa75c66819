/**
 * Compiles a regular expression in Java's syntax (`java.util.regex.Pattern`) that has to match the whole text, as names of topics are matched
 * (`topics.regex`, `topic.creation.*.include` and `exclude`); with `isWhole: false` it may match anywhere. What JavaScript writes otherwise is
 * translated; what it cannot do is refused, so that no expression silently means something else.
 *
 * @throws SyntaxError with a message for the user: what is wrong, and in which expression.
 */
export function javaRegExp(expression: string, { isWhole = true }: { readonly isWhole?: boolean } = {}): RegExp {
  const [flags, body] = leadingFlags(expression)
  const source = new Translation(expression, body).source()
  try {
    return new RegExp(isWhole ? `^(?:${source})$` : source, `${flags}u`)
  } catch (error) {
    // V8 repeats the translated expression, which is not what the user wrote.
    const reason = (error as Error).message.replace(/^Invalid regular expression: .*\/[a-z]*: /s, '')
    throw new SyntaxError(`${reason} in "${expression}"`, { cause: error })
  }
}

/** `(?i)` at the beginning counts for the whole expression. JavaScript knows it as a flag only. */
function leadingFlags(expression: string): [flags: string, body: string] {
  const found = /^\(\?([a-zA-Z]+)\)/.exec(expression)
  if (found === null) return ['', expression]
  const wanted = new Set(found[1])
  const unknown = [...wanted].find((flag) => !'imsuU'.includes(flag))
  if (unknown !== undefined) throw new SyntaxError(`The flag (?${unknown}) cannot be used here in "${expression}"`)
  // Letters beyond ASCII are always compared as with Java's `u`.
  const flags = [...wanted].filter((flag) => 'ims'.includes(flag))
  return [flags.join(''), expression.slice(found[0].length)]
}

/** Java's names of classes for ASCII, as the inside of a class. */
const POSIX_CLASSES: Readonly<Record<string, string>> = {
  Lower: 'a-z',
  Upper: 'A-Z',
  ASCII: '\\x00-\\x7f',
  Alpha: 'a-zA-Z',
  Digit: '0-9',
  Alnum: 'a-zA-Z0-9',
  Punct: '!-\\/:-@\\[-`\\{-~',
  Graph: '!-~',
  Print: ' -~',
  Blank: ' \\t',
  Cntrl: '\\x00-\\x1f\\x7f',
  XDigit: '0-9a-fA-F',
  Space: ' \\t\\n\\x0b\\f\\r',
}

/** Escapes that JavaScript lacks or means otherwise, as the inside of a class. */
const CLASS_ESCAPES: Readonly<Record<string, string>> = {
  h: ' \\t\\xa0\\u1680\\u180e\\u2000-\\u200a\\u202f\\u205f\\u3000',
  v: '\\n\\x0b\\f\\r\\x85\\u2028\\u2029',
  // In Java these know only ASCII.
  s: ' \\t\\n\\x0b\\f\\r',
}

/** Escapes that mean the same in both. */
const SAME_ESCAPES = 'dDwWbBtnrf'

const UNTRANSLATED: Readonly<Record<string, string>> = {
  G: 'the end of the previous match (\\G)',
  R: 'line breaks (\\R)',
  X: 'grapheme clusters (\\X)',
  N: 'names of characters (\\N)',
}

class Translation {
  readonly #expression: string
  readonly #characters: readonly string[]
  #at = 0

  constructor(expression: string, body: string) {
    this.#expression = expression
    this.#characters = [...body]
  }

  source(): string {
    let source = ''
    while (this.#at < this.#characters.length) source += this.#next()
    return source
  }

  #next(): string {
    const character = this.#take()
    if (character === '\\') return this.#escape()
    if (character === '[') return this.#class()
    if (character === '(') return this.#group()
    if ('*+?'.includes(character)) return character + this.#quantifierEnd()
    if (character === '{') return this.#repetition()
    return character === '}' || character === ']' || character === '/' ? `\\${character}` : character
  }

  #group(): string {
    if (this.#peek() !== '?') return '('
    const rest = this.#characters.slice(this.#at, this.#at + 12).join('')
    if (rest.startsWith('?>')) throw this.#refused('an atomic group (?>…)')
    const [, flags, end] = /^\?([a-zA-Z-]+)([:)])/.exec(rest) ?? []
    if (flags === undefined) return '('
    if (end === ')') throw this.#refused(`the flags (?${flags}) in the middle; write them first, or as (?${flags}:…)`)
    if (/[^ims-]/.test(flags)) throw this.#refused(`the flags (?${flags}:…)`)
    return '('
  }

  /** After `*`, `+`, `?` or `{…}` Java also knows `+`: never give back. */
  #quantifierEnd(): string {
    if (this.#peek() === '+') throw this.#refused('a possessive quantifier (*+, ++, ?+)')
    return this.#peek() === '?' ? this.#take() : ''
  }

  #repetition(): string {
    const rest = this.#characters.slice(this.#at).join('')
    const found = /^\d+(?:,\d*)?\}/.exec(rest)
    if (found === null) throw this.#error('Illegal repetition')
    this.#at += found[0].length
    return `{${found[0]}${this.#quantifierEnd()}`
  }

  /** Outside of a class; the backslash is taken. */
  #escape(): string {
    const character = this.#peek()
    if (character === 'A') return this.#instead('(?<![^])')
    if (character === 'z' || character === 'Z') return this.#instead('(?![^])')
    if (character === 'Q') return this.#quotation()
    if (character === 'k' || (character >= '1' && character <= '9')) return `\\${this.#take()}`
    if (character === 'S') return this.#instead(`[^${CLASS_ESCAPES['s']}]`)
    const inside = this.#escapeInside()
    // One character, or something that stands for itself outside of a class, too.
    return inside.isClass ? `[${inside.source}]` : inside.source
  }

  #instead(source: string): string {
    this.#at++
    return source
  }

  #quotation(): string {
    this.#at++
    const rest = this.#characters.slice(this.#at).join('')
    const end = rest.indexOf('\\E')
    const quoted = end < 0 ? rest : rest.slice(0, end)
    this.#at += [...quoted].length + (end < 0 ? 0 : 2)
    return [...quoted].map(literal).join('')
  }

  /** An escape that may stand in a class and outside of it; `isClass` where it has to be put into one. */
  #escapeInside(): { readonly source: string; readonly isClass: boolean } {
    if (this.#at >= this.#characters.length) throw this.#error('Unexpected end after a backslash')
    const character = this.#take()
    const reason = UNTRANSLATED[character]
    if (reason !== undefined) throw this.#refused(reason)
    const named = CLASS_ESCAPES[character]
    if (named !== undefined) return { source: named, isClass: true }
    if (character === 'p' || character === 'P') return this.#property(character === 'P')
    const plain = (source: string) => ({ source, isClass: false })
    if (SAME_ESCAPES.includes(character)) return plain(`\\${character}`)
    if (character === 'a') return plain('\\x07')
    if (character === 'e') return plain('\\x1b')
    if (character === 'c') return plain(codePoint((this.#take().codePointAt(0) ?? 0) ^ 64))
    if (character === '0') return plain(this.#number(/^(?:[0-3][0-7]{2}|[0-7]{1,2})/, 8, 'octal'))
    if (character === 'u') return plain(this.#number(/^[0-9a-fA-F]{4}/, 16, 'Unicode'))
    if (character === 'x') return plain(this.#number(/^(?:\{[0-9a-fA-F]{1,6}\}|[0-9a-fA-F]{2})/, 16, 'hexadecimal'))
    if (/[a-zA-Z0-9]/.test(character)) throw this.#error(`Unknown escape \\${character}`)
    return plain(literal(character))
  }

  #number(pattern: RegExp, radix: number, kind: string): string {
    const found = pattern.exec(this.#characters.slice(this.#at, this.#at + 8).join(''))
    if (found === null) throw this.#error(`Illegal ${kind} escape`)
    this.#at += found[0].length
    const code = Number.parseInt(found[0].replace(/[{}]/g, ''), radix)
    if (code > 0x10ffff) throw this.#error(`Illegal ${kind} escape`)
    return codePoint(code)
  }

  /** `\p{Alpha}` knows ASCII only; `\p{L}`, `\p{Lu}`, `\p{IsAlphabetic}` and `\p{IsGreek}` are Unicode's. */
  #property(isNegated: boolean): { readonly source: string; readonly isClass: boolean } {
    const found = /^(?:\{([A-Za-z_=]+)\}|([A-Z]))/.exec(this.#characters.slice(this.#at, this.#at + 40).join(''))
    if (found === null) throw this.#error('Illegal character property')
    this.#at += found[0].length
    const name = (found[1] ?? found[2]) as string
    const posix = Object.hasOwn(POSIX_CLASSES, name) ? POSIX_CLASSES[name] : undefined
    if (posix !== undefined && !isNegated) return { source: posix, isClass: true }
    if (posix !== undefined) return { source: complement(posix), isClass: true }
    const unicode = unicodeProperty(name)
    if (unicode === null) throw this.#refused(`the character property \\${isNegated ? 'P' : 'p'}{${name}}`)
    return { source: `\\${isNegated ? 'P' : 'p'}{${unicode}}`, isClass: false }
  }

  /** After its `[`. */
  #class(): string {
    let source = '['
    if (this.#peek() === '^') source += this.#take()
    let isFirst = true
    // What a range may begin with: one character, not a class of them.
    let isRangePossible = false
    while (this.#at < this.#characters.length) {
      const character = this.#take()
      if (character === ']' && !isFirst) return `${source}]`
      if (character === '[') throw this.#refused('a class within a class ([a[b]])')
      if (character === '&' && this.#peek() === '&') throw this.#refused('an intersection of classes (&&)')
      if (character === '\\' && this.#peek() === 'Q') source += this.#quotation()
      else if (character === '\\') {
        const isNotSpace = this.#peek() === 'S'
        const { source: inside, isClass } = isNotSpace
          ? { source: this.#instead(complement(CLASS_ESCAPES['s'] as string)), isClass: true }
          : this.#escapeInside()
        if (inside === '\\b' || inside === '\\B') throw this.#error('Word boundaries cannot be in a class')
        source += inside
        isRangePossible = !isClass && !/^\\[dDwWpP]/.test(inside)
        isFirst = false
        continue
      } else if (character === '-' && isRangePossible && this.#beginsCharacter()) {
        source += '-'
        isRangePossible = false
        continue
      } else source += literal(character)
      isRangePossible = true
      isFirst = false
    }
    throw this.#error('Unclosed character class')
  }

  /** Whether a range may end with what follows. */
  #beginsCharacter(): boolean {
    const next = this.#peek()
    if (next === '\\') return !/[dDwWsShHvVpP]/.test(this.#characters[this.#at + 1] ?? '')
    return next !== '' && next !== ']' && next !== '['
  }

  #peek(): string {
    return this.#characters[this.#at] ?? ''
  }

  #take(): string {
    return this.#characters[this.#at++] ?? ''
  }

  #refused(what: string): SyntaxError {
    return new SyntaxError(`${what} cannot be used here, in "${this.#expression}"`)
  }

  #error(what: string): SyntaxError {
    return new SyntaxError(`${what} in "${this.#expression}"`)
  }
}

function unicodeProperty(name: string): string | null {
  const bare = name.replace(/^Is/, '')
  const candidates = [bare, `gc=${bare}`, `Script=${bare}`, bare.replace(/^general_category=/, 'gc=').replace(/^(?:script|sc)=/, 'Script=')]
  return (
    candidates.find((candidate) => {
      try {
        return new RegExp(`\\p{${candidate}}`, 'u') !== null
      } catch {
        return false
      }
    }) ?? null
  )
}

/** The inside of a class that holds everything that ranges of ASCII do not. */
function complement(ascii: string): string {
  const isInside = new RegExp(`[${ascii}]`, 'u')
  const codes = Array.from({ length: 0x80 }, (_, code) => code).filter((code) => !isInside.test(String.fromCodePoint(code)))
  return `${codes.map(codePoint).join('')}\\x80-\\u{10ffff}`
}

/** A character that stands for itself, in a class and outside of it. */
function literal(character: string): string {
  return /[\^$\\.*+?()[\]{}|/-]/.test(character) ? codePoint(character.codePointAt(0) as number) : character
}

function codePoint(code: number): string {
  return `\\u{${code.toString(16)}}`
}
