import { javaDouble } from './java-number.ts'

const BYTES = 4096
/** `-9007199254740991`; doubles that are written here are shorter. */
const NUMBER_LENGTH_MAX = 17
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

  /** An integer in the safe range. */
  putInteger(value: number): void {
    if (this.#length + NUMBER_LENGTH_MAX > BYTES) return this.#join(String(value))
    if (value < 0) this.#bytes[this.#length++] = 0x2d
    const magnitude = Math.abs(value)
    if (magnitude < 1e9) return this.#putDigits(magnitude, digitsOf(magnitude))
    const billions = Math.floor(magnitude / 1e9)
    this.#putDigits(billions, digitsOf(billions))
    this.#putDigits(magnitude - billions * 1e9, 9)
  }

  /** A float64, as Java shows it. */
  putDouble(value: number): void {
    const magnitude = Math.abs(value)
    const thousandths = Math.round(magnitude * 1000)
    // With so few digits, a decimal that gives the number is the shortest one.
    const isShort = magnitude >= 1e-3 && magnitude < 1e7 && thousandths / 1000 === magnitude
    if (!isShort || this.#length + NUMBER_LENGTH_MAX > BYTES) return this.put(javaDouble(value))
    const whole = Math.floor(thousandths / 1000)
    if (value < 0) this.#bytes[this.#length++] = 0x2d
    this.#putDigits(whole, digitsOf(whole))
    this.#bytes[this.#length++] = 0x2e
    const fraction = thousandths - whole * 1000
    if (fraction % 100 === 0) this.#putDigits(fraction / 100, 1)
    else if (fraction % 10 === 0) this.#putDigits(fraction / 10, 2)
    else this.#putDigits(fraction, 3)
  }

  /** Less than 2^31, in so many digits. */
  #putDigits(value: number, digits: number): void {
    const bytes = this.#bytes
    let rest = value | 0
    for (let at = this.#length + digits - 1; at >= this.#length; at--) {
      const tenth = (rest / 10) | 0
      bytes[at] = 0x30 + rest - tenth * 10
      rest = tenth
    }
    this.#length += digits
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

function digitsOf(value: number): number {
  if (value < 10) return 1
  if (value < 100) return 2
  if (value < 1000) return 3
  if (value < 10_000) return 4
  if (value < 100_000) return 5
  if (value < 1_000_000) return 6
  if (value < 10_000_000) return 7
  return value < 100_000_000 ? 8 : 9
}
