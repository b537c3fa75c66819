import { ConnectError } from '@millrace/api'
import type { RecordLedger } from '@millrace/rest-api'

/** The records that a task read are not all accounted for: a defect of the runtime (`millrace.ledger.imbalance.action=fail`). */
export class ImbalanceError extends ConnectError {
  override get code(): string {
    return 'LEDGER_IMBALANCE'
  }
}

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
  /** Checks that found the sum wrong. */
  imbalances = 0
  readonly #filteredByTransform = new NamedCounts()
  readonly #coercedFields = new NamedCounts()
  #lastProgressAtMs: number | null = null
  #isProgressNoted = false
  #isImbalanceKnown = false

  /** A record ended because a transformation left it out. */
  filteredBy(alias: string): void {
    this.filtered++
    this.#filteredByTransform.add(alias)
  }

  /** A plug-in could not hand on a field as it was. */
  fieldCoerced(path: string): void {
    this.#coercedFields.add(path)
  }

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
      imbalances: this.imbalances,
      filtered_by_transform: this.#filteredByTransform.snapshot(),
      coerced_fields: this.#coercedFields.snapshot(),
    }
  }

  /** Asked at each commit (docs/spec/record-delivery.md, L3). @returns what to log where the sum is wrong, once per incarnation; otherwise null. */
  check(inFlight: number): string | null {
    if (this.#accounted(inFlight) === this.read) return null
    this.imbalances++
    if (this.#isImbalanceKnown) return null
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

/** Names that are counted one by one at most: those of fields come from outside. */
const NAMES_MAX = 100
const OTHERS = '…'

class NamedCounts {
  readonly #counts = new Map<string, number>()

  add(name: string): void {
    const counted = this.#counts.has(name) || this.#counts.size < NAMES_MAX ? name : OTHERS
    this.#counts.set(counted, (this.#counts.get(counted) ?? 0) + 1)
  }

  snapshot(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counts)
  }
}
