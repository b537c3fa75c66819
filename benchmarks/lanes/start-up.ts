import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { LaneResult, Sample } from '../measurement.ts'
import { processUsage } from '../process-usage.ts'
import { untilReady } from '../ready.ts'
import type { Side } from '../sides.ts'
import type { Bench, Lane } from './lane.ts'

/** Start of a standalone worker without connectors beside a running broker, and its memory after a while. Each repetition is a new process. */
export const startUp: Lane = {
  name: 'start-up',
  async run(bench): Promise<LaneResult> {
    const samples = new Map<string, Sample[]>(bench.sides.map((side) => [side.name, []]))
    for (let repetition = 1; repetition <= bench.repetitions; repetition++) {
      for (const side of bench.sides) {
        const sample = await startOnce(bench, side, repetition)
        samples.get(side.name)?.push(sample)
        bench.say(
          `start-up ${repetition}: ${side.name} ${sample.startUpTime?.toFixed(2)} s, ${sample.startUpCpu?.toFixed(2)} CPU-s, idle ${sample.idleRss?.toFixed(0)} MB`,
        )
      }
    }
    return {
      title: `Start-up and idle worker (RSS after ${bench.idleSeconds} s)`,
      hasWarmUp: false,
      samples,
      wanted: { startUpTime: 1 / 6, startUpCpu: 1 / 8 },
    }
  },
}

async function startOnce(bench: Bench, side: Side, repetition: number): Promise<Sample> {
  const folder = join(bench.folder, 'start-up', `${side.name.replaceAll(/\W+/g, '-')}-${repetition}`)
  const from = performance.now()
  const worker = await side.launch({ folder, bootstrapServers: bench.bootstrapServers, properties: {} })
  try {
    const readyAt = await untilReady(worker)
    const { cpuSeconds } = processUsage(worker.process.pid)
    await delay(bench.idleSeconds * 1000)
    return { startUpTime: (readyAt - from) / 1000, startUpCpu: cpuSeconds, idleRss: processUsage(worker.process.pid).rssBytes / 1e6 }
  } finally {
    await worker.process.stop()
  }
}
