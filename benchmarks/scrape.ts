// How long a scrape of /metrics takes with many tasks, and what it does to the worker meanwhile:
//
//   node benchmarks/scrape.ts [--tasks 1000] [--scrapes 20]
//
// One worker from the sources on the embedded broker; each task is a file source with a producer and an admin client of its own, at rest.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { temporaryFolder } from '@millrace/testing'
import { startWorker } from '../tests/system/millrace-process.ts'
import { processUsage } from './process-usage.ts'

const { values } = parseArgs({ options: { tasks: { type: 'string', default: '1000' }, scrapes: { type: 'string', default: '20' } } })
const tasks = Number(values.tasks)

/** Connectors that are created at the same time. */
const CREATIONS = 8

const endings: (() => unknown)[] = []
const folder = temporaryFolder({ after: (end) => endings.push(end) })
writeFileSync(join(folder, 'in.txt'), 'one line\n')
const worker = await startWorker({ folder, bootstrapServers: 'embedded', properties: { 'millrace.log.level': 'WARN' } })
try {
  await createAll()
  await untilAllRun()
  const idleMs = await healthMs()
  const scrapes: { readonly tookMs: number; readonly bytes: number; readonly healthMsMax: number }[] = []
  const idleCpu = await cpuSeconds(() => delay(10_000))
  let scrapeCpu = 0
  for (let scrape = 0; scrape < Number(values.scrapes); scrape++) {
    scrapeCpu += await cpuSeconds(async () => void scrapes.push(await measuredScrape()))
    await delay(500)
  }
  const of = (read: (scrape: (typeof scrapes)[number]) => number) => scrapes.map(read).sort((a, b) => a - b)
  const took = of(({ tookMs }) => tookMs)
  const health = of(({ healthMsMax }) => healthMsMax)
  console.log(`${tasks} tasks, ${scrapes.length} scrapes of ${(scrapes[0]!.bytes / 1e6).toFixed(1)} MB, the first of them among them`)
  console.log(`a scrape: median ${took[took.length >> 1]!.toFixed(0)} ms, greatest ${took.at(-1)?.toFixed(0)} ms`)
  console.log(
    `CPU time of the worker for a scrape: ${((scrapeCpu / scrapes.length) * 1000).toFixed(0)} ms; at rest it needs ${(idleCpu * 100).toFixed(0)} ms a second`,
  )
  console.log(
    `another request meanwhile, longest of each scrape: median ${health[health.length >> 1]!.toFixed(0)} ms, greatest ${health.at(-1)?.toFixed(0)} ms`,
  )
  console.log(`another request without a scrape: ${idleMs.toFixed(0)} ms`)
} finally {
  await worker.killAtOnce()
  for (const end of endings) await end()
}

/** Of the worker. */
async function cpuSeconds(during: () => Promise<void>): Promise<number> {
  const before = processUsage(worker.process.pid).cpuSeconds
  await during()
  return processUsage(worker.process.pid).cpuSeconds - before
}

async function createAll(): Promise<void> {
  const names = Array.from({ length: tasks }, (_, index) => `c${index}`)
  const config = { 'connector.class': 'FileStreamSource', file: join(folder, 'in.txt') }
  await Promise.all(
    Array.from({ length: CREATIONS }, async () => {
      for (let name = names.pop(); name !== undefined; name = names.pop()) await worker.client.putConnectorConfig(name, { ...config, topic: 'lines' })
    }),
  )
}

async function untilAllRun(): Promise<void> {
  const pattern = /^millrace_task_state\{.*\} 1$/gm
  for (let running = 0; running < tasks; await delay(500)) running = ((await scrape()).text.match(pattern) ?? []).length
}

async function scrape(): Promise<{ readonly tookMs: number; readonly text: string }> {
  const startedAt = performance.now()
  const response = await fetch(`${worker.url}/metrics`)
  const text = await response.text()
  return { tookMs: performance.now() - startedAt, text }
}

/** A scrape, and small requests to the same worker for as long as it takes: what the event loop of the main thread is kept from. */
async function measuredScrape(): Promise<{ readonly tookMs: number; readonly bytes: number; readonly healthMsMax: number }> {
  let isDone = false
  let healthMsMax = 0
  const watch = async () => {
    while (!isDone) healthMsMax = Math.max(healthMsMax, await healthMs())
  }
  const [{ tookMs, text }] = await Promise.all([scrape().finally(() => (isDone = true)), watch()])
  return { tookMs, bytes: text.length, healthMsMax }
}

async function healthMs(): Promise<number> {
  const startedAt = performance.now()
  await (await fetch(`${worker.url}/health`)).text()
  return performance.now() - startedAt
}
