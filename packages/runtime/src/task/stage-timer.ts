/**
 * Time that a task spends per stage, in milliseconds since it started.
 *
 * Asking the clock for each record and stage would cost more than some stages do. So calls per batch (poll, put, commit) are measured, and
 * what happens per record is measured for one record in `SAMPLE_INTERVAL` and the batch's time is divided in the proportion of the samples.
 */
export class StageTimer<Stage extends string> {
  readonly #totals: Record<Stage, number>
  readonly #samples: Record<Stage, number>
  #mark = 0

  constructor(stages: readonly Stage[]) {
    this.#totals = Object.fromEntries(stages.map((stage) => [stage, 0])) as Record<Stage, number>
    this.#samples = { ...this.#totals }
  }

  add(stage: Stage, elapsedMs: number): void {
    this.#totals[stage] += elapsedMs
  }

  /** Begins the sample of one record. */
  begin(): void {
    this.#mark = performance.now()
  }

  /** What was done since `begin` or the last `lap` belongs to `stage`. */
  lap(stage: Stage): void {
    const now = performance.now()
    this.#samples[stage] += now - this.#mark
    this.#mark = now
  }

  /** Divides time that was measured as a whole over these stages, as the samples so far say; all to the last one where there are none. */
  divide(elapsedMs: number, stages: readonly Stage[]): void {
    const sampledMs = stages.reduce((sum, stage) => sum + this.#samples[stage], 0)
    const last = stages.at(-1)
    if (last === undefined) return
    if (sampledMs === 0) this.#totals[last] += elapsedMs
    else for (const stage of stages) this.#totals[stage] += (elapsedMs * this.#samples[stage]) / sampledMs
  }

  snapshot(): Record<Stage, number> {
    const rounded = Object.entries<number>(this.#totals).map(([stage, ms]) => [stage, Math.round(ms * 10) / 10])
    return Object.fromEntries(rounded) as Record<Stage, number>
  }
}

/** One record in this many is timed. A power of two. */
export const SAMPLE_INTERVAL = 64
