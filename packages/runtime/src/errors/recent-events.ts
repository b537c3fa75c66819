/** Events kept, and characters of each. */
const EVENTS_MAX = 50
const EVENT_LENGTH_MAX = 200

/**
 * What a connector or task did last, for the report should it fail. Noting an event costs two assignments, so that it may be done where nobody looks;
 * not for each record all the same.
 */
export class RecentEvents {
  readonly #texts: string[] = []
  readonly #times: number[] = []
  #next = 0

  add(text: string): void {
    this.#texts[this.#next] = text
    this.#times[this.#next] = Date.now()
    this.#next = (this.#next + 1) % EVENTS_MAX
  }

  /** Oldest first, each with its time (ISO 8601), on one line and cut to its length. */
  list(): string[] {
    const count = this.#texts.length
    const start = count < EVENTS_MAX ? 0 : this.#next
    return Array.from({ length: count }, (_, index) => {
      const at = (start + index) % count
      return `${new Date(this.#times[at]!).toISOString()} ${this.#texts[at]!.slice(0, 4 * EVENT_LENGTH_MAX).replace(/\s+/g, ' ')}`
    })
  }

  /** How long an event may be that was masked: cut only then, so that no half of a secret is left. */
  static cut(text: string): string {
    return text.length <= EVENT_LENGTH_MAX ? text : `${text.slice(0, EVENT_LENGTH_MAX - 1)}…`
  }
}
