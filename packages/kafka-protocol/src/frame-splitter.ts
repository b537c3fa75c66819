import { ProtocolError } from './errors.ts'

const SIZE_BYTES = 4
/** The most that is set aside for a frame before its bytes have arrived: a size alone must not cost memory. */
const BYTES_AHEAD_MAX = 4 * 1024 * 1024

/**
 * Cuts the bytes of a socket into frames, in both directions of the protocol.
 * A frame that arrives in one piece is a view of that piece (and keeps all of it alive); any other is collected in one buffer of its own.
 */
export class FrameSplitter {
  readonly #frameBytesMax: number
  readonly #allocate: (bytes: number, frameBytes: number) => Buffer
  readonly #size = Buffer.alloc(SIZE_BYTES)
  #sizeFilled = 0
  #frame: Buffer | undefined
  #frameBytes = 0
  #frameFilled = 0

  /**
   * @param frameBytesMax larger frames are refused; Kafka's brokers take 100 MiB (`socket.request.max.bytes`).
   * @param allocate gives the buffers in which frames are collected, of exactly the length asked for: a pool's, for one. A large frame begins in
   *   a part of its bytes and moves to larger buffers as it comes in; those before are of no use then. Default: new ones.
   */
  constructor(frameBytesMax: number, allocate: (bytes: number, frameBytes: number) => Buffer = (bytes) => Buffer.allocUnsafeSlow(bytes)) {
    this.#frameBytesMax = frameBytesMax
    this.#allocate = allocate
  }

  /**
   * The frames that end in this chunk, without their sizes.
   *
   * @throws ProtocolError for a negative or too large size; the connection is of no use afterwards.
   */
  push(chunk: Buffer): Buffer[] {
    const frames: Buffer[] = []
    let pos = 0
    while (pos < chunk.length) {
      if (!this.#frame) {
        pos += this.#fillSize(chunk, pos)
        if (this.#sizeFilled < SIZE_BYTES) break
        this.#begin(this.#checkedSize(), chunk.length - pos)
      }
      if (!this.#frame) {
        frames.push(chunk.subarray(pos, pos + this.#frameBytes))
        pos += this.#frameBytes
      } else {
        pos += this.#fill(this.#frame, chunk, pos)
        if (this.#frameFilled < this.#frameBytes) break
        frames.push(this.#frame)
        this.#frame = undefined
      }
      this.#sizeFilled = 0
    }
    return frames
  }

  /** A frame that is whole already needs no buffer of its own. */
  #begin(frameBytes: number, bytesAtHand: number): void {
    this.#frameBytes = frameBytes
    this.#frameFilled = 0
    if (bytesAtHand < frameBytes) this.#frame = this.#allocate(Math.min(frameBytes, BYTES_AHEAD_MAX), frameBytes)
  }

  #fillSize(chunk: Buffer, pos: number): number {
    const taken = chunk.copy(this.#size, this.#sizeFilled, pos, pos + SIZE_BYTES - this.#sizeFilled)
    this.#sizeFilled += taken
    return taken
  }

  #checkedSize(): number {
    const size = this.#size.readInt32BE(0)
    if (size < 0 || size > this.#frameBytesMax) {
      throw new ProtocolError(`A frame of ${size} bytes was announced; the limit is ${this.#frameBytesMax}.`)
    }
    return size
  }

  #fill(frame: Buffer, chunk: Buffer, pos: number): number {
    const taken = Math.min(chunk.length - pos, this.#frameBytes - this.#frameFilled)
    const filled = this.#frameFilled + taken
    let target = frame
    if (filled > target.length) {
      target = this.#allocate(Math.min(this.#frameBytes, Math.max(filled, target.length * 2)), this.#frameBytes)
      frame.copy(target, 0, 0, this.#frameFilled)
      this.#frame = target
    }
    chunk.copy(target, this.#frameFilled, pos, pos + taken)
    this.#frameFilled = filled
    return taken
  }
}
