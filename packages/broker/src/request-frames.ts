import type { BufferPool } from './buffer-pool.ts'
import type { MemoryBudget } from './memory-budget.ts'

/** Smaller requests do not count: heartbeats and the like get through however many large ones wait. */
const COUNTED_BYTES_MIN = 64 * 1024

/** Smaller chunks are not worth it. */
const GIVEN_BACK_BYTES_MIN = 16 * 1024

interface BegunFrame {
  buffer: Buffer
  readonly leaveLine: () => void
  isCounted: boolean
}

/**
 * The memory of one connection's requests, from their first byte until they are answered. A large one counts as a whole, from its beginning, against
 * the budget that all connections share; while there is no room for it, the connection is not to be read, so that little of it is there.
 */
export class RequestFrames {
  readonly #buffers: BufferPool
  readonly #budget: MemoryBudget
  readonly #readOn: () => void
  /** Those that count, with how much. */
  readonly #counted = new Map<Buffer, number>()
  /** Requests that are the only view of the chunk they came in. */
  readonly #alone = new WeakSet<Buffer>()
  /** The one that is being received. */
  #begun: BegunFrame | undefined

  /** @param readOn is called when there is room for the request that waited. */
  constructor(buffers: BufferPool, budget: MemoryBudget, readOn: () => void) {
    this.#buffers = buffers
    this.#budget = budget
    this.#readOn = readOn
  }

  /** Whether the request that is being received has to wait for others to be answered. */
  get isWaitingForMemory(): boolean {
    return this.#begun !== undefined && !this.#begun.isCounted
  }

  /** Whether a part of a request is there that others may have to wait for. */
  get isHoldingMemory(): boolean {
    return this.#begun !== undefined && this.#counted.has(this.#begun.buffer)
  }

  /**
   * A buffer for a request that is coming in, or a larger one for a request that does not fit into its own.
   *
   * @param bytes of the buffer.
   * @param frameBytes of the whole request.
   */
  begin(bytes: number, frameBytes: number): Buffer {
    const buffer = this.#buffers.take(bytes)
    if (this.#begun) this.#move(this.#begun, buffer)
    else if (frameBytes < COUNTED_BYTES_MIN) this.#begun = { buffer, leaveLine: () => {}, isCounted: true }
    else this.#count(buffer, frameBytes)
    return buffer
  }

  /** A request is there as a whole; it may be one that needed no buffer. */
  completed(frame: Buffer): void {
    if (frame !== this.#begun?.buffer) return
    // It has come in with the bytes that were read before the connection could be stopped.
    this.#begun.leaveLine()
    this.#begun = undefined
  }

  /**
   * The memory of what a socket has read, and of the requests that are views of it, is given back as soon as none of them needs it. The collector would do it much
   * later: under load tens of megabytes would gather, and each chunk would be read into memory that is in no cache of the processor.
   */
  received(chunk: Buffer, frames: readonly Buffer[]): void {
    const { buffer, length } = chunk
    if (length < GIVEN_BACK_BYTES_MIN || buffer.byteLength !== length) return
    const views = frames.filter((frame) => frame.buffer === buffer)
    if (views.length === 0) giveBack(chunk)
    else if (views.length === 1) this.#alone.add(views[0] as Buffer)
  }

  /** A request that came in has been answered, or will not be. */
  release(frame: Buffer): void {
    if (this.#alone.delete(frame)) giveBack(frame)
    else this.#buffers.release(frame)
    const bytes = this.#counted.get(frame)
    if (bytes === undefined) return
    this.#counted.delete(frame)
    this.#budget.give(bytes)
  }

  /** The connection is gone, with what has come of a request. */
  abandon(): void {
    const begun = this.#begun
    if (!begun) return
    this.#begun = undefined
    begun.leaveLine()
    this.release(begun.buffer)
  }

  #count(buffer: Buffer, frameBytes: number): void {
    let isFree = false
    const leaveLine = this.#budget.whenFree(frameBytes, () => {
      this.#budget.take(frameBytes)
      isFree = true
      const waiting = this.#begun
      this.#counted.set(waiting?.buffer ?? buffer, frameBytes)
      if (!waiting) return
      waiting.isCounted = true
      this.#readOn()
    })
    this.#begun = { buffer, leaveLine, isCounted: isFree }
  }

  #move(begun: BegunFrame, buffer: Buffer): void {
    const bytes = this.#counted.get(begun.buffer)
    if (bytes !== undefined) {
      this.#counted.delete(begun.buffer)
      this.#counted.set(buffer, bytes)
    }
    // Its content is copied before anybody else can take it.
    this.#buffers.release(begun.buffer)
    begun.buffer = buffer
  }
}

function giveBack({ buffer }: Buffer): void {
  ;(buffer as ArrayBuffer).transfer(0)
}
