import { giveBackMemory } from './give-back-memory.ts'
import type { ThreadMarker } from './thread-marker.ts'

/** While a thread works: a little more often than the main thread looks, so that its memory is known at each look. Milliseconds. */
const BUSY_INTERVAL_MS = 80

/** While it rests. The main thread sees from outside that the event loop rests, and measures the memory of one that begins to work. Milliseconds. */
const REST_INTERVAL_MS = 500

/** The part of its time from which on a thread works. */
const BUSY_UTILIZATION = 0.1

/** After so long at rest a thread that has worked is told to tidy up, but not more often than this. Milliseconds. */
const TIDY_AFTER_MS = 3_000
const TIDY_INTERVAL_MS_MIN = 60_000

/** The longest pause between two beats of a thread whose event loop may stand still for `hangTimeoutMs`. Milliseconds. */
export function heartbeatIntervalMsMax(hangTimeoutMs: number): number {
  return Math.min(REST_INTERVAL_MS, Math.max(BUSY_INTERVAL_MS, hangTimeoutMs / 4))
}

/**
 * Beats for as long as the thread's event loop turns; called once, by the thread itself. Of threads at rest there are many, so they beat seldom.
 *
 * @param beaten is told how late a beat came, in milliseconds: as late as everything else that the thread had to do.
 * @param tidy is called once when there has been little to do for a while, and again only after there was more.
 */
export function beatRegularly(
  marker: Pick<ThreadMarker, 'beat'>,
  intervalMsMax: number,
  beaten: (lateMs: number) => void = () => {},
  tidy: () => void = giveBackMemory,
): void {
  let utilization = performance.eventLoopUtilization()
  let intervalMs = BUSY_INTERVAL_MS
  let dueAtMs = 0
  let restedMs = 0
  let untidyMs = TIDY_INTERVAL_MS_MIN
  /** It has begun to, by loading its modules. */
  let hasWorked = true
  const wait = (): void => {
    dueAtMs = performance.now() + intervalMs
    setTimeout(beat, intervalMs)
  }
  const beat = (): void => {
    marker.beat()
    beaten(Math.max(0, performance.now() - dueAtMs))
    const now = performance.eventLoopUtilization()
    const isBusy = performance.eventLoopUtilization(now, utilization).utilization >= BUSY_UTILIZATION
    restedMs = isBusy ? 0 : restedMs + intervalMs
    untidyMs += intervalMs
    hasWorked ||= isBusy
    if (hasWorked && restedMs >= TIDY_AFTER_MS && untidyMs >= TIDY_INTERVAL_MS_MIN) {
      hasWorked = false
      untidyMs = 0
      tidy()
    }
    // Without what `tidy` took.
    utilization = hasWorked ? now : performance.eventLoopUtilization()
    intervalMs = isBusy ? BUSY_INTERVAL_MS : intervalMsMax
    wait()
  }
  wait()
}
