/** Events kept, and characters of each as they are shown. */
const EVENTS_MAX = 50
const EVENT_LENGTH_MAX = 200
/** A longer text is not kept at all: cut in the middle of a secret, it could not be masked any more. */
const KEPT_LENGTH_MAX = 16 * 1024

/**
 * What a connector or task did last, for the report should it fail. Noting an event costs a few assignments, so that it may be done where nobody looks; not for
 * each record all the same. What repeats itself is one event.
 */
export class RecentEvents {
  readonly #events: { text: string; atMs: number; times: number }[] = []
  #last = -1

  add(said: string): void {
    const text = said.length <= KEPT_LENGTH_MAX ? said : `(a line of ${said.length} characters)`
    const last = this.#events[this.#last]
    if (last !== undefined && last.text === text) {
      last.atMs = Date.now()
      last.times++
      return
    }
    this.#last = (this.#last + 1) % EVENTS_MAX
    this.#events[this.#last] = { text, atMs: Date.now(), times: 1 }
  }

  /** Oldest first, each with its time (ISO 8601), of repeated ones the last. @param mask takes secrets out, before a text is put on one line and cut. */
  list(mask: (text: string) => string = (text) => text): string[] {
    const events = this.#events.length < EVENTS_MAX ? this.#events : [...this.#events.slice(this.#last + 1), ...this.#events.slice(0, this.#last + 1)]
    return events.map(({ text, atMs, times }) => {
      const line = `${new Date(atMs).toISOString()} ${mask(text).replace(/\s+/g, ' ')}`
      return `${line.length <= EVENT_LENGTH_MAX ? line : `${line.slice(0, EVENT_LENGTH_MAX - 1)}…`}${times === 1 ? '' : ` (${times} times)`}`
    })
  }
}

/** A sink's consumer joined its group, or left it (null): noted by its thread, and by the main thread for when that thread is gone. */
export function membershipEvent(member: { readonly groupId: string; readonly generation: number } | null): string {
  return member === null ? 'left its group' : `is in group ${member.groupId}, generation ${member.generation}`
}
