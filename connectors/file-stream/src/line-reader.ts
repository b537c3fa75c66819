import { isAscii } from 'node:buffer'
import { ConnectError } from '@millrace/api'

/** A line of this many bytes has no end that is worth waiting for; JavaScript's strings end a little above it. */
export const LINE_BYTES_MAX = 256 * 1024 * 1024

const LF = 0x0a
const CR = 0x0d
/** "None before the end of the chunk": beyond every index. */
const NONE = Number.POSITIVE_INFINITY

/**
 * Cuts a stream of bytes into lines, which end in `\n`, `\r\n` or `\r`. Call `feed` with a chunk, then `next` until it returns null, and so on.
 *
 * A chunk that is ASCII, as most are, is decoded at once and its lines are cut from the text; of others each line is decoded on its own. A `\r` at the
 * end of a chunk ends its line only when the next byte is known. What follows the last end of line is kept until its own comes.
 */
export class LineReader {
  /** The offset in the stream right after the line that `next` returned last. */
  position: number

  /** The chunk; of ASCII chunks also its text. */
  #bytes: Buffer = Buffer.alloc(0)
  #text: string | null = null
  /** Where the next line begins in the chunk. */
  #at = 0
  /** The next ends of line at or after `#at`, where they are known. */
  #lf = NONE
  #cr = NONE
  /** The beginning of a line from earlier chunks; copies, as chunks are reused. */
  #kept: Buffer[] = []
  #keptBytes = 0
  #keptEndsInCr = false

  /** @param position of the first byte in the stream. */
  constructor(position: number) {
    this.position = position
  }

  /** Takes the next bytes of the stream. They must stay unchanged until `next` returned null. */
  feed(bytes: Buffer): void {
    this.#bytes = bytes
    this.#text = isAscii(bytes) ? bytes.latin1Slice(0, bytes.length) : null
    this.#at = 0
    this.#lf = this.#find(LF, 0)
    this.#cr = this.#find(CR, 0)
  }

  /** The next line without its end, or null where the chunk has none any more. */
  next(): string | null {
    if (this.#keptBytes > 0) return this.#finishKept()
    const start = this.#at
    const end = this.#lf < this.#cr ? this.#lf : this.#cr
    if (end === NONE) return this.#keepRest()
    const after = end === this.#lf ? end + 1 : this.#afterCr(end)
    if (after === NONE) return this.#keepRest()
    this.#advance(after)
    this.position += after - start
    return this.#text === null ? this.#bytes.utf8Slice(start, end) : this.#text.slice(start, end)
  }

  /** What was kept for lack of an end of line, for streams that will not go on; null where there is nothing. Starts anew at `position`. */
  takeRest(position: number): string | null {
    const rest = Buffer.concat(this.#kept)
    this.#dropKept()
    this.#bytes = Buffer.alloc(0)
    this.#advance(0)
    this.position = position
    if (rest.length === 0) return null
    const end = rest[rest.length - 1] === CR ? rest.length - 1 : rest.length
    return rest.utf8Slice(0, end)
  }

  /** Bytes that were fed and not yet returned in a line. */
  get keptBytes(): number {
    return this.#keptBytes
  }

  /** The line that began in an earlier chunk. */
  #finishKept(): string | null {
    const bytes = this.#bytes
    if (bytes.length === 0) return null
    if (this.#keptEndsInCr) {
      // The chunk's first byte belongs to the end of the line, or to the next line.
      return this.#takeKept(0, bytes[0] === LF ? 1 : 0, 1)
    }
    const end = this.#lf < this.#cr ? this.#lf : this.#cr
    if (end === NONE) return this.#keepRest()
    const after = end === this.#lf ? end + 1 : this.#afterCr(end)
    return after === NONE ? this.#keepRest() : this.#takeKept(end, after, 0)
  }

  /** @param crBytes how many bytes at the end of what was kept are end of line. */
  #takeKept(end: number, after: number, crBytes: number): string {
    const line = Buffer.concat([...this.#kept, this.#bytes.subarray(0, end)])
    this.position += this.#keptBytes + after
    this.#dropKept()
    this.#advance(after)
    return line.utf8Slice(0, line.length - crBytes)
  }

  /** Where the line after the `\r` at `index` begins; NONE where that needs the next chunk. */
  #afterCr(index: number): number {
    if (index + 1 === this.#bytes.length) return NONE
    return this.#bytes[index + 1] === LF ? index + 2 : index + 1
  }

  #advance(after: number): void {
    this.#at = after
    if (this.#lf < after) this.#lf = this.#find(LF, after)
    if (this.#cr < after) this.#cr = this.#find(CR, after)
  }

  #find(byte: number, from: number): number {
    const index = this.#text === null ? this.#bytes.indexOf(byte, from) : this.#text.indexOf(byte === LF ? '\n' : '\r', from)
    return index === -1 ? NONE : index
  }

  #keepRest(): null {
    const rest = this.#bytes.subarray(this.#at)
    if (rest.length > 0) {
      this.#kept.push(Buffer.from(rest))
      this.#keptBytes += rest.length
      this.#keptEndsInCr = rest[rest.length - 1] === CR
    }
    this.#bytes = this.#bytes.subarray(0, 0)
    this.#text = null
    this.#at = 0
    this.#lf = NONE
    this.#cr = NONE
    if (this.#keptBytes > LINE_BYTES_MAX) throw new ConnectError(`A line is longer than ${LINE_BYTES_MAX} bytes.`)
    return null
  }

  #dropKept(): void {
    this.#kept = []
    this.#keptBytes = 0
    this.#keptEndsInCr = false
  }
}
