import type { MarkedCall } from '../thread/thread-marker.ts'

/** Tells the main thread whose code runs in a thread just now (`ThreadMarker`). */
export interface OccupancyMarker {
  enter(slot: number, call: MarkedCall): void
  leave(): void
}

/**
 * Marks the thread as taken by one task while code of its plug-ins runs synchronously, so that whoever finds the thread hanging knows the
 * culprit. Marked per batch: a mark per record would cost more than the record.
 */
export class Occupancy {
  readonly #marker: OccupancyMarker
  readonly #slot: number

  constructor(marker: OccupancyMarker, slot: number) {
    this.#marker = marker
    this.#slot = slot
  }

  /** @param call that is about to be made; by default the converters and transformations of a batch. */
  enter(call: MarkedCall = 'records'): void {
    this.#marker.enter(this.#slot, call)
  }

  leave(): void {
    this.#marker.leave()
  }

  /** Calls foreign code, marked for as long as it runs synchronously, and waits for its promise where it returns one. */
  during<T>(call: MarkedCall, code: () => T | Promise<T>): T | Promise<T> {
    this.enter(call)
    try {
      return code()
    } finally {
      this.leave()
    }
  }

  /** For code that is marked: waits with the mark taken off. */
  async whileWaiting<T>(promise: Promise<T>): Promise<T> {
    this.leave()
    try {
      return await promise
    } finally {
      this.enter()
    }
  }
}
