/** What a buffer begins with, and shrinks to after a larger burst. */
const CAPACITY_BYTES = 256 * 1024

/** Gathers lines as UTF-8. Grows with what is put into it; the caller says when it is enough. */
export class LineBuffer {
  #bytes = Buffer.allocUnsafeSlow(CAPACITY_BYTES)
  #length = 0

  get length(): number {
    return this.#length
  }

  append(line: string): void {
    // A UTF-16 unit takes three bytes at most.
    this.#ensureRoom(line.length * 3 + 1)
    this.#length += this.#bytes.utf8Write(line, this.#length)
    this.#bytes[this.#length++] = 0x0a
  }

  /** All bytes; a view that is valid until the next change. */
  view(): Buffer {
    return this.#bytes.subarray(0, this.#length)
  }

  clear(): void {
    this.#length = 0
    if (this.#bytes.length > CAPACITY_BYTES * 16) this.#bytes = Buffer.allocUnsafeSlow(CAPACITY_BYTES)
  }

  #ensureRoom(bytes: number): void {
    const needed = this.#length + bytes
    if (needed <= this.#bytes.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#bytes.length * 2))
    this.#bytes.copy(larger, 0, 0, this.#length)
    this.#bytes = larger
  }
}
