const BYTES = 4096
/** Longer pieces are joined as strings: copying them one character at a time would take longer. */
const COPIED_LENGTH_MAX = 128

/**
 * Puts a text together from many short pieces.
 *
 * The pieces are copied into one buffer, and the string is made of it at the end: joining them with `+` leaves an object per piece, and all of these must be
 * flattened when the text is written.
 */
export class JavaText {
  readonly #bytes = Buffer.allocUnsafeSlow(BYTES)
  #length = 0
  /** What no longer fits into the buffer, or has characters that a byte cannot hold. */
  #before = ''

  put(piece: string): void {
    const length = piece.length
    if (length > COPIED_LENGTH_MAX || this.#length + length > BYTES) return this.#join(piece)
    const bytes = this.#bytes
    let at = this.#length
    for (let index = 0; index < length; index++) {
      const unit = piece.charCodeAt(index)
      if (unit > 0xff) return this.#join(piece)
      bytes[at++] = unit
    }
    this.#length = at
  }

  /** @returns the text, and begins anew. */
  take(): string {
    const text = this.#before === '' ? this.#bytes.latin1Slice(0, this.#length) : this.#before + this.#bytes.latin1Slice(0, this.#length)
    this.#before = ''
    this.#length = 0
    return text
  }

  #join(piece: string): void {
    this.#before += this.#bytes.latin1Slice(0, this.#length) + piece
    this.#length = 0
  }
}
