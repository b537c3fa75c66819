/** Events kept, and characters of each. */
const EVENTS_MAX = 50
const EVENT_LENGTH_MAX = 200

/**
 * What a connector or task did last, for the report should it fail. Noting an event costs a few assignments, so that it may be done where nobody looks; not for
 * each record all the same. What repeats itself is one event.
 */
export class RecentEvents {
  readonly #events: { text: string; atMs: number; times: number }[] = []
  #last = -1

  add(text: string): void {
    const last = this.#events[this.#last]
    if (last !== undefined && last.text === text) {
      last.atMs = Date.now()
      last.times++
      return
    }
    this.#last = (this.#last + 1) % EVENTS_MAX
    this.#events[this.#last] = { text, atMs: Date.now(), times: 1 }
  }

  /** Oldest first, each with its time (ISO 8601), of repeated ones the last, on one line. To be cut (`RecentEvents.cut`) when secrets have been taken out. */
  list(): string[] {
    const events = this.#events.length < EVENTS_MAX ? this.#events : [...this.#events.slice(this.#last + 1), ...this.#events.slice(0, this.#last + 1)]
    return events.map(({ text, atMs, times }) => {
      const line = text.slice(0, 4 * EVENT_LENGTH_MAX).replace(/\s+/g, ' ')
      return `${new Date(atMs).toISOString()} ${line}${times === 1 ? '' : ` (${times} times)`}`
    })
  }

  /** Only a masked event is cut to its length: otherwise half of a secret could be left. */
  static cut(text: string): string {
    return text.length <= EVENT_LENGTH_MAX ? text : `${text.slice(0, EVENT_LENGTH_MAX - 1)}…`
  }
}
