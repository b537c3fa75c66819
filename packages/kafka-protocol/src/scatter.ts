import { Writer } from './writer.ts'

/**
 * A frame whose large parts stay where they are: small fields go into the writer, record batches are only noted with their place,
 * and `buffers()` gives all of it in order for one `writev`.
 */
export class Scatter {
  readonly writer = new Writer(1024)
  /** Bytes of the frame that are not in the writer. */
  bytesBeside = 0
  readonly #inserts: { readonly pos: number; readonly parts: readonly Uint8Array[] }[] = []

  arrayCount(count: number, isFlexible: boolean): void {
    if (isFlexible) this.writer.compactArrayCount(count)
    else this.writer.arrayCount(count)
  }

  /** Bytes with their length, from parts that follow each other, or null. */
  bytes(parts: readonly Uint8Array[] | null, isFlexible: boolean): void {
    const length = parts === null ? -1 : parts.reduce((sum, part) => sum + part.length, 0)
    if (isFlexible) this.writer.compactArrayCount(length)
    else this.writer.int32(length)
    if (parts === null || length === 0) return
    this.#inserts.push({ pos: this.writer.pos, parts })
    this.bytesBeside += length
  }

  /** The frame, in order. Views of the writer and of the parts; nothing is copied. */
  buffers(): Buffer[] {
    const frame = this.writer.result()
    const buffers: Buffer[] = []
    let pos = 0
    for (const insert of this.#inserts) {
      buffers.push(frame.subarray(pos, insert.pos))
      for (const part of insert.parts) buffers.push(Buffer.from(part.buffer, part.byteOffset, part.byteLength))
      pos = insert.pos
    }
    if (pos < frame.length) buffers.push(frame.subarray(pos))
    return buffers
  }
}
