import type { LaneResult } from './measurement.ts'

/** What a suite is run with. */
export interface SuiteRun {
  /** Names of its lanes, in their order. */
  readonly lanes: readonly string[]
  /** Why the original is not there; null where it is. */
  readonly reasonWithoutJava: string | null
  /** For data, brokers and logs. */
  readonly folder: string
  /** Counted repetitions. */
  readonly repetitions: number
  /** Multiplies the number of records; 1 for results that are meant. */
  readonly scale: number
  readonly idleSeconds: number
  readonly say: (text: string) => void
}

/** Lanes that share their sides, and have a section of the results. */
export interface Suite {
  readonly name: string
  /** Heading of the section. */
  readonly title: string
  /** Who was compared, for the head of the section. */
  readonly about: (reasonWithoutJava: string | null) => string
  readonly lanes: readonly string[]
  /** Calls `done` with each lane as soon as it has ended. */
  run(run: SuiteRun, done: (result: LaneResult) => void): Promise<void>
}
