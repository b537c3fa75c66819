import type { RecordLedger } from '@millrace/rest-api'

/**
 * Where the records of one incarnation of a task went (docs/spec/record-delivery.md, L1 and L2). The counters are added to at the places where a record ends; what is in flight is
 * counted where records are and handed in, so that a record that nobody accounted for shows as an imbalance.
 */
export class Ledger {
  read = 0
  written = 0
  filtered = 0
  deadLettered = 0
  skipped = 0
  givenBack = 0
  #lastProgressAtMs: number | null = null
  #isProgressNoted = false
  #isImbalanceKnown = false

  /** A record ended. Takes the time once per turn of the event loop, not per record. */
  progressed(): void {
    if (this.#isProgressNoted) return
    this.#isProgressNoted = true
    setImmediate(() => {
      this.#isProgressNoted = false
      this.#lastProgressAtMs = Date.now()
    })
  }

  get lastProgressAt(): string | null {
    return this.#lastProgressAtMs === null ? null : new Date(this.#lastProgressAtMs).toISOString()
  }

  snapshot(inFlight: number): RecordLedger {
    return {
      read: this.read,
      written: this.written,
      filtered: this.filtered,
      dead_lettered: this.deadLettered,
      skipped: this.skipped,
      given_back: this.givenBack,
      in_flight: inFlight,
      balanced: this.#accounted(inFlight) === this.read,
    }
  }

  /** Asked at each commit (docs/spec/record-delivery.md, L3). @returns what to log where the sum is wrong, once per incarnation; otherwise null. */
  check(inFlight: number): string | null {
    if (this.#isImbalanceKnown || this.#accounted(inFlight) === this.read) return null
    this.#isImbalanceKnown = true
    return (
      `${this.read} records were read, but ${this.#accounted(inFlight)} are accounted for: ${this.written} written, ${this.filtered} filtered, ` +
      `${this.deadLettered} dead-lettered, ${this.skipped} skipped, ${this.givenBack} given back, ${inFlight} in flight. This is a defect of the runtime.`
    )
  }

  #accounted(inFlight: number): number {
    return this.written + this.filtered + this.deadLettered + this.skipped + this.givenBack + inFlight
  }
}
