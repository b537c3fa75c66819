import { readFileSync, rmSync } from 'node:fs'
import { replaceFile } from '../broker-meta.ts'

/** A transaction that was aborted, as far as one partition is concerned. */
export interface AbortedEntry {
  readonly producerId: number
  readonly firstOffset: number
  /** Where its marker stands. */
  readonly lastOffset: number
  /** The last stable offset once the marker was there: every transaction that began before has ended before. */
  readonly lastStableOffset: number
}

const ENTRY_NUMBERS = 4

/** The aborted transactions whose markers stand in one segment, in the order of the markers; saved when the segment is closed. */
export class AbortedIndex {
  /** Flat, four numbers for each: producer id, first offset, last offset, last stable offset. */
  readonly #numbers: number[]

  constructor(numbers: number[] = []) {
    this.#numbers = numbers
  }

  add({ producerId, firstOffset, lastOffset, lastStableOffset }: AbortedEntry): void {
    this.#numbers.push(producerId, firstOffset, lastOffset, lastStableOffset)
  }

  /**
   * Adds to `found` what a consumer has to leave out of the records from `start` to before `end`.
   *
   * @returns false if no later marker can concern these records.
   */
  collect(start: number, end: number, found: AbortedEntry[]): boolean {
    for (let at = 0; at < this.#numbers.length; at += ENTRY_NUMBERS) {
      const [producerId, firstOffset, lastOffset, lastStableOffset] = this.#numbers.slice(at, at + ENTRY_NUMBERS) as [number, number, number, number]
      if (lastOffset >= start && firstOffset < end) found.push({ producerId, firstOffset, lastOffset, lastStableOffset })
      if (lastStableOffset >= end) return false
    }
    return true
  }

  /** On the disk on return, since records that look committed must not come of a lost index. @throws the system's error. */
  save(path: string): void {
    if (this.#numbers.length === 0) rmSync(path, { force: true })
    else replaceFile(path, JSON.stringify(this.#numbers))
  }

  /** What `save` wrote. @throws the system's error, SyntaxError for a file that was damaged. */
  static load(path: string): AbortedIndex {
    try {
      return new AbortedIndex(JSON.parse(readFileSync(path, 'utf8')) as number[])
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      return new AbortedIndex() // Segments without aborted transactions have none.
    }
  }
}
