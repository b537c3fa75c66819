import { closeSync, openSync } from 'node:fs'

const OPEN_MAX = 512

/**
 * File descriptors of segments, opened when they are used and closed, the longest unused first, when there are many:
 * the number of partitions must not be bounded by the number of open files.
 *
 * Files are read and written synchronously, in the broker's own thread: the page cache answers within microseconds, and the thread pool,
 * which the whole process shares, may be blocked by others.
 */
export class OpenFiles {
  /** In the order of use, the latest last. */
  readonly #descriptors = new Map<string, number>()
  readonly #openMax: number

  constructor(openMax = OPEN_MAX) {
    this.#openMax = openMax
  }

  /** A descriptor for reading and writing, valid until the next call. The file has to exist. */
  descriptor(path: string): number {
    const known = this.#descriptors.get(path)
    if (known !== undefined) {
      this.#descriptors.delete(path)
      this.#descriptors.set(path, known)
      return known
    }
    const descriptor = openSync(path, 'r+')
    this.#descriptors.set(path, descriptor)
    if (this.#descriptors.size > this.#openMax) this.close(this.#descriptors.keys().next().value!)
    return descriptor
  }

  close(path: string): void {
    const descriptor = this.#descriptors.get(path)
    if (descriptor === undefined) return
    this.#descriptors.delete(path)
    closeSync(descriptor)
  }

  closeAll(): void {
    for (const path of [...this.#descriptors.keys()]) this.close(path)
  }
}
