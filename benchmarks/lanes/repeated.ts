import { join } from 'node:path'
import type { LaneResult, Sample } from '../measurement.ts'
import { processUsage } from '../process-usage.ts'
import { untilReady } from '../ready.ts'
import type { LaunchedWorker, Side } from '../sides.ts'
import type { Bench } from './lane.ts'

export interface RepeatedLane {
  readonly name: string
  readonly title: string
  readonly records: number
  readonly workerProperties: Readonly<Record<string, string>>
  /** As in `LaneResult`. */
  readonly wanted: Sample
  /**
   * Creates a connector, and looks until all its records have arrived.
   * @returns what was true when the last of them came: the time, and the CPU that the worker had used.
   */
  repeat(worker: LaunchedWorker, name: string): Promise<Arrival>
}

export interface Arrival {
  /** Of `performance.now()`. */
  readonly at: number
  readonly cpuSeconds: number
}

/** One worker per side, all up at once; the sides take turns, so that each pair of repetitions meets the same machine. */
export async function runRepeated(bench: Bench, lane: RepeatedLane): Promise<LaneResult> {
  const samples = new Map<string, Sample[]>(bench.sides.map((side) => [side.name, []]))
  const workers = new Map<Side, LaunchedWorker>()
  try {
    for (const side of bench.sides) {
      const folder = join(bench.folder, lane.name, side.name.replaceAll(/\W+/g, '-'))
      const worker = await side.launch({
        folder,
        bootstrapServers: bench.bootstrapServers,
        properties: { 'offset.flush.interval.ms': '10000', ...lane.workerProperties },
      })
      workers.set(side, worker)
      await untilReady(worker)
    }
    for (let repetition = 0; repetition <= bench.repetitions; repetition++) {
      for (const [side, worker] of workers) {
        const sample = await measure(lane, worker, `${bench.prefix}${lane.name}-${[...workers.keys()].indexOf(side)}-${repetition}`)
        samples.get(side.name)?.push(sample)
        const number = repetition === 0 ? 'first' : String(repetition)
        bench.say(
          `${lane.name} ${number}: ${side.name} ${Math.round(sample.throughput ?? 0).toLocaleString('en-US')}/s, ${sample.cpuPerMillion?.toFixed(2)} CPU-s per million, peak ${sample.rssPeak?.toFixed(0)} MB`,
        )
      }
    }
  } finally {
    await Promise.all([...workers.values()].map((worker) => worker.process.stop()))
  }
  return { title: lane.title, hasWarmUp: true, samples, wanted: lane.wanted }
}

async function measure(lane: RepeatedLane, worker: LaunchedWorker, name: string): Promise<Sample> {
  const { pid } = worker.process
  const before = { at: performance.now(), cpuSeconds: processUsage(pid).cpuSeconds }
  const arrival = await lane.repeat(worker, name)
  return {
    throughput: lane.records / ((arrival.at - before.at) / 1000),
    cpuPerMillion: ((arrival.cpuSeconds - before.cpuSeconds) / lane.records) * 1e6,
    rssPeak: processUsage(pid).rssPeakBytes / 1e6,
  }
}
