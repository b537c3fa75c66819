import { createReadStream, statSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'

import { processUsage } from '../process-usage.ts'
import type { LaunchedWorker } from '../sides.ts'
import type { Arrival } from './repeated.ts'
import type { TopicEnds } from './topic-end.ts'

/** Without anything new for so long, the repetition has failed. */
const standstillMs = 120_000

/** Looks at the end of a topic's only partition until it has so many records. */
export async function recordsInTopic(ends: TopicEnds, worker: LaunchedWorker, topic: string, records: number): Promise<Arrival> {
  return untilComplete(worker, `${records} records in ${topic}`, async () => {
    const end = await ends.endOffset(topic)
    return { progress: end, isComplete: end >= records }
  })
}

/** Looks at a file's size; once it stands still, counts its lines. */
export async function linesInFile(worker: LaunchedWorker, file: string, lines: number): Promise<Arrival> {
  let countedAt = 0
  return untilComplete(worker, `${lines} lines in ${file}`, async (unchangedMs) => {
    const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0
    if (unchangedMs < 300 || size === 0 || size === countedAt) return { progress: size, isComplete: false }
    countedAt = size
    return { progress: size, isComplete: (await countLines(file)) >= lines }
  })
}

/** The moment of the last change before completeness, so that how we find out about it costs nothing. */
async function untilComplete(
  worker: LaunchedWorker,
  what: string,
  look: (unchangedMs: number) => Promise<{ readonly progress: number; readonly isComplete: boolean }>,
): Promise<Arrival> {
  let last = -1
  let arrival: Arrival = { at: performance.now(), cpuSeconds: 0 }
  while (true) {
    if (worker.process.hasExited) throw new Error(`The worker ended:\n${worker.process.output.slice(-3000)}`)
    const unchangedMs = performance.now() - arrival.at
    const { progress, isComplete } = await look(unchangedMs)
    if (progress !== last) {
      last = progress
      arrival = { at: performance.now(), cpuSeconds: processUsage(worker.process.pid).cpuSeconds }
    }
    if (isComplete) return arrival
    if (unchangedMs > standstillMs) throw new Error(`Still waiting for ${what}; it stands at ${progress}:\n${worker.process.output.slice(-3000)}`)
    await delay(20)
  }
}

async function countLines(file: string): Promise<number> {
  let lines = 0
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>) {
    for (let at = chunk.indexOf(0x0a); at !== -1; at = chunk.indexOf(0x0a, at + 1)) lines++
  }
  return lines
}
