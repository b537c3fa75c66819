/** Offsets of records of one partition, in ascending order: two numbers where they follow one another without a gap, otherwise each of them. */
export class OffsetSpan {
  first: number
  last: number
  count = 1
  /** Null where there is no gap. */
  #offsets: number[] | null = null

  constructor(offset: number) {
    this.first = offset
    this.last = offset
  }

  get isContiguous(): boolean {
    return this.#offsets === null
  }

  /** Numbers that are kept: what the span costs. */
  get size(): number {
    return this.#offsets?.length ?? 2
  }

  has(offset: number): boolean {
    return this.count > 0 && (this.#offsets === null ? offset >= this.first && offset <= this.last : this.#offsets.includes(offset))
  }

  add(offset: number): void {
    if (this.count === 0) this.first = offset
    else if (offset !== this.last + 1) this.#offsets ??= this.#listed()
    this.#offsets?.push(offset)
    this.last = offset
    this.count++
  }

  /** Removes the offset that was added last. The span may be left empty (`count` 0). */
  removeLast(): void {
    this.#offsets?.pop()
    this.#shrink(this.first, this.#offsets?.at(-1) ?? this.last - 1, this.count - 1)
  }

  /** Takes a span that follows in as well, where neither has gaps. @returns whether it was taken. */
  absorb(next: OffsetSpan): boolean {
    if (!this.isContiguous || !next.isContiguous || next.first !== this.last + 1) return false
    this.last = next.last
    this.count += next.count
    return true
  }

  /** Removes the offsets below `offset`. @returns how many there were. The span may be left empty (`count` 0). */
  removeBelow(offset: number): number {
    if (offset > this.last) return this.#removeAll()
    if (offset <= this.first) return 0
    if (this.#offsets === null) return this.#shrink(offset, this.last, this.last - offset + 1)
    this.#offsets = this.#offsets.filter((each) => each >= offset)
    return this.#shrink(this.#offsets[0]!, this.last, this.#offsets.length)
  }

  /** Removes the offsets from `offset` on. @returns how many there were. */
  removeFrom(offset: number): number {
    if (offset <= this.first) return this.#removeAll()
    if (offset > this.last) return 0
    if (this.#offsets === null) return this.#shrink(this.first, offset - 1, offset - this.first)
    this.#offsets = this.#offsets.filter((each) => each < offset)
    return this.#shrink(this.first, this.#offsets.at(-1)!, this.#offsets.length)
  }

  #removeAll(): number {
    this.#offsets = null
    return this.#shrink(this.first, this.first - 1, 0)
  }

  #shrink(first: number, last: number, count: number): number {
    const removed = this.count - count
    this.first = first
    this.last = last
    this.count = count
    return removed
  }

  #listed(): number[] {
    return Array.from({ length: this.count }, (_, index) => this.first + index)
  }
}
