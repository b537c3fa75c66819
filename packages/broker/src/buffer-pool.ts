const CLASS_BYTES_MIN = 16 * 1024
const CLASS_BYTES_MAX = 8 * 1024 * 1024
const FREE_BYTES_MAX = 16 * 1024 * 1024

/**
 * Buffers that are used again: for requests, and for records on their way to consumers. Memory that is allocated anew for each would have to be
 * collected as fast as records flow, which costs more than all the rest of the work.
 *
 * Bounded by what is free; what is in use is bounded by those who use it. A buffer that is never released is simply collected.
 */
export class BufferPool {
  /** Free buffers by size, a power of two. */
  readonly #free = new Map<number, ArrayBuffer[]>()
  #freeBytes = 0
  /** The least of `#freeBytes` since they were last looked at: that much was not needed. */
  #unusedBytes = 0
  /** Those that were taken and not yet released: only they come back, and only once. */
  readonly #taken = new WeakSet<ArrayBufferLike>()

  /** A buffer of exactly this length with any content. */
  take(bytes: number): Buffer {
    const size = classOf(bytes)
    if (size > CLASS_BYTES_MAX) return Buffer.allocUnsafeSlow(bytes)
    const free = this.#free.get(size)?.pop()
    if (free) {
      this.#freeBytes -= size
      this.#unusedBytes = Math.min(this.#unusedBytes, this.#freeBytes)
    }
    const memory = free ?? (Buffer.allocUnsafeSlow(size).buffer as ArrayBuffer)
    this.#taken.add(memory)
    return Buffer.from(memory, 0, bytes)
  }

  /**
   * Takes a buffer, or any view of one, back; does nothing for buffers from elsewhere. Nobody may use it afterwards.
   */
  release(buffer: Uint8Array): void {
    const memory = buffer.buffer
    if (!this.#taken.delete(memory)) return
    const size = memory.byteLength
    if (this.#freeBytes + size > FREE_BYTES_MAX) return
    this.#freeBytes += size
    const free = this.#free.get(size)
    if (free) free.push(memory as ArrayBuffer)
    else this.#free.set(size, [memory as ArrayBuffer])
  }

  /** Called every second or so: frees what nobody has needed since the last time, so that a broker without work is small. */
  forgetUnused(): void {
    for (const [size, free] of this.#free) {
      while (free.length > 0 && size <= this.#unusedBytes) {
        free.pop()
        this.#freeBytes -= size
        this.#unusedBytes -= size
      }
    }
    this.#unusedBytes = this.#freeBytes
  }
}

function classOf(bytes: number): number {
  return Math.max(CLASS_BYTES_MIN, 2 ** Math.ceil(Math.log2(Math.max(1, bytes))))
}
