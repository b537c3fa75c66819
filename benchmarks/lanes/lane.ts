import type { LaneResult } from '../measurement.ts'
import type { Side } from '../sides.ts'

/** What every lane is given. */
export interface Bench {
  readonly sides: readonly Side[]
  /** Of the one broker that all sides use. */
  readonly bootstrapServers: string
  /** Begins the names of connectors and topics, so that no two runs on the broker meet. */
  readonly prefix: string
  /** For data, properties and logs. */
  readonly folder: string
  /** Counted repetitions, beside the first. */
  readonly repetitions: number
  /** Multiplies the number of records; 1 for results that are meant. */
  readonly scale: number
  /** How long a worker is left idle before its memory is read. Seconds. */
  readonly idleSeconds: number
  /** Tells what is going on. */
  readonly say: (text: string) => void
}

export interface Lane {
  readonly name: string
  run(bench: Bench): Promise<LaneResult>
}
