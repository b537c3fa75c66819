import { javaTrim } from './java-trim.ts'

const delimiters = ':,{}[]"'

/**
 * Cuts text into tokens for `parseString`: each of `: , { } [ ] "` is one, unless a `\` stands before it, and so is whatever stands between them.
 * One token may be looked at before it is taken.
 */
export class ValueTokens {
  readonly text: string
  #at = 0
  #ahead: string | null = null
  #previous: string | null = null

  constructor(text: string) {
    this.text = text
  }

  get hasNext(): boolean {
    return this.#ahead !== null || this.#at < this.text.length
  }

  /** The token that `next` returned last; null after a rewind. */
  get previous(): string | null {
    return this.#previous
  }

  /** Where the next token begins; for `rewindTo`. */
  mark(): number {
    return this.#at - (this.#ahead?.length ?? 0)
  }

  rewindTo(position: number): void {
    this.#at = position
    this.#ahead = null
    this.#previous = null
  }

  /** The next token; empty at the end. */
  next(): string {
    const token = this.#ahead ?? this.#cut()
    this.#ahead = null
    this.#previous = token
    return token
  }

  /** The text of the next `count` tokens; null, and nothing taken, where there are fewer. */
  nextText(count: number): string | null {
    const start = this.mark()
    for (let taken = 0; taken < count; taken++) {
      if (!this.hasNext) {
        this.rewindTo(start)
        return null
      }
      this.next()
    }
    return this.text.slice(start, this.#at)
  }

  /** Takes the next token where it is `expected`, blanks around it aside. Blank tokens before it are dropped either way. */
  take(expected: string): boolean {
    if (this.#ahead === null) {
      if (!this.hasNext) return false
      this.#ahead = this.#cut()
    }
    while (javaTrim(this.#ahead) === '' && this.#at < this.text.length) this.#ahead = this.#cut()
    if (javaTrim(this.#ahead) !== expected) return false
    this.#ahead = null
    return true
  }

  #cut(): string {
    const start = this.#at
    let isEscaped = false
    while (this.#at < this.text.length) {
      const character = this.text[this.#at] as string
      if (delimiters.includes(character) && !isEscaped) {
        if (start === this.#at) this.#at++
        break
      }
      isEscaped = character === '\\' && !isEscaped
      this.#at++
    }
    return this.text.slice(start, this.#at)
  }
}
