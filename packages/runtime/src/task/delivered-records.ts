import type { OffsetSpan } from './offset-span.ts'

/**
 * The records of one partition that `put` took and no commit has covered yet. They are counted here, so that the ledger can tell what is in
 * flight and which records a commit covers, also where a sink commits only part of what it was given.
 */
export class DeliveredRecords {
  #spans: OffsetSpan[] = []

  add(span: OffsetSpan): void {
    if (!this.#spans.at(-1)?.absorb(span)) this.#spans.push(span)
  }

  has(offset: number): boolean {
    return this.#spans.some((span) => span.has(offset))
  }

  get count(): number {
    return this.#spans.reduce((sum, span) => sum + span.count, 0)
  }

  /** Numbers that are kept: grows where offsets have gaps. */
  get size(): number {
    return this.#spans.reduce((sum, span) => sum + span.size, 0)
  }

  /** Forgets records below `offset`. @returns how many they were. */
  cover(offset: number): number {
    return this.#remove((span) => span.removeBelow(offset))
  }

  /** Forgets records from `offset` on, because they will be read again. @returns how many they were. */
  giveBackFrom(offset: number): number {
    return this.#remove((span) => span.removeFrom(offset))
  }

  #remove(part: (span: OffsetSpan) => number): number {
    const removed = this.#spans.reduce((sum, span) => sum + part(span), 0)
    this.#spans = this.#spans.filter((span) => span.count > 0)
    return removed
  }
}
