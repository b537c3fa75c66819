/** Milliseconds that only move forwards; where they begin has no meaning. */
export interface Clock {
  now(): number
}

/** The process's own clock, which no change of the wall clock disturbs. */
export const monotonicClock: Clock = { now: () => performance.now() }

/** The longest time that Node's timers can hold: about 25 days. */
const TIMER_MS_MAX = 0x7fff_ffff

/** A delay that a timer can hold, from any number of milliseconds: whole, not negative, not beyond its range. */
export function timerMs(delayMs: number): number {
  return Math.min(TIMER_MS_MAX, Math.max(0, Math.ceil(delayMs)))
}
