import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { ConnectorStateInfo } from '@millrace/rest-api'
import { FaultProxy, randomBySeed, waitFor } from '@millrace/testing'
import { type ChaosBroker, ChaosWorker } from './chaos-cluster.ts'
import { changeConfigs, EXTRA, makeFaults } from './chaos-faults.ts'
import { LineStream } from './line-stream.ts'
import { topicValues } from './topic.ts'

export interface ChaosOptions {
  readonly under: ChaosBroker
  readonly folder: string
  readonly seed: number
  /** How long harm is done. */
  readonly durationMs: number
}

export interface ChaosResult {
  /** What must not have happened, and has. */
  readonly violations: readonly string[]
  readonly lines: number
  /** Lines that are in a topic or a file more than once: allowed after what was not stopped in order. */
  readonly repeated: number
  readonly faults: Readonly<Record<string, number>>
  readonly changes: Readonly<Record<string, number>>
  /** From the last fault until all ran again. */
  readonly settledMs: number
}

const WORKERS = 3
const STREAMS = 5
const FEED_INTERVAL_MS = 50
const FEED_LINES = 10
const FINAL_LINES = 300
const SETTLE_DEADLINE_MS = 90_000

/**
 * Three workers, five sources and five sinks; workers are killed, frozen, restarted and cut off, and configurations changed, all by seed. When that is over,
 * everything has to run exactly once, and each line has to have come through.
 */
export async function runChaos({ under, folder, seed, durationMs }: ChaosOptions): Promise<ChaosResult> {
  const proxies = await Promise.all(Array.from({ length: under.networks === 'own' ? WORKERS : 1 }, () => FaultProxy.listen()))
  const broker = await under.start({ folder: join(folder, 'broker'), proxies })
  const workers = await Promise.all(
    Array.from({ length: WORKERS }, (_, i) => ChaosWorker.make(`worker-${i}`, join(folder, `worker-${i}`), proxies[i % proxies.length]!)),
  )
  const streams = Array.from({ length: STREAMS }, (_, i) => new LineStream(folder, String.fromCharCode(97 + i)))
  const stop = new AbortController()
  const violations: string[] = []
  let feeder: NodeJS.Timeout | undefined
  try {
    await Promise.all(workers.map((worker) => worker.start()))
    for (const { source, sink } of streams) {
      for (const { name, config } of [source, sink]) await insist(() => workers[0]!.client.putConnectorConfig(name, config))
    }
    feeder = setInterval(() => streams.forEach((stream) => stream.feed(FEED_LINES)), FEED_INTERVAL_MS)
    await untilSettled(workers, streams)

    const harm = makeFaults({ workers, isNetworkShared: under.networks === 'shared', random: randomBySeed(seed), stop: stop.signal, violations })
    const changing = changeConfigs({ workers, streams, random: randomBySeed(seed + 1), stop: stop.signal })
    await Promise.race([delay(durationMs), harm, changing])
    stop.abort()
    const [faults, changes] = await Promise.all([harm, changing])
    const endedAt = performance.now()

    await makeGood(workers, streams)
    await untilSettled(workers, streams)
    const settledMs = Math.round(performance.now() - endedAt)
    clearInterval(feeder)
    await untilArrived(workers, streams)
    const finalFrom = streams.map(({ lines }) => lines)
    for (const stream of streams) stream.feed(FINAL_LINES)
    await untilArrived(workers, streams)

    let repeated = 0
    for (const [i, stream] of streams.entries()) repeated += await check(stream, finalFrom[i]!, broker.bootstrapServers, violations)
    for (const worker of workers) {
      const code = await worker.stop()
      if (code !== 0) violations.push(`${worker.name} ended with exit code ${code} when it was asked to stop:\n${worker.output.slice(-2000)}`)
    }
    return { violations, lines: streams.reduce((sum, { lines }) => sum + lines, 0), repeated, faults, changes, settledMs }
  } finally {
    clearInterval(feeder)
    stop.abort()
    await Promise.all(workers.map((worker) => worker.close()))
    await broker.stop()
    await Promise.all(proxies.map((proxy) => proxy.close()))
  }
}

/** Everything is to run: what was paused in the middle of a change is resumed, what was created beside is deleted. */
async function makeGood([worker]: readonly ChaosWorker[], streams: readonly LineStream[]): Promise<void> {
  for (const { source, sink } of streams) for (const { name } of [source, sink]) await insist(() => worker!.client.resumeConnector(name))
  const extras = (await worker!.client.connectors()).filter((name) => name.startsWith(EXTRA))
  for (const name of extras) {
    await insist(async () => {
      if ((await worker!.client.connectors()).includes(name)) await worker!.client.deleteConnector(name)
    })
  }
}

/** Asks until it is done: a cluster in a rebalance refuses. */
async function insist(request: () => Promise<unknown>): Promise<void> {
  const done = async (): Promise<true> => {
    await request()
    return true
  }
  await waitFor(done, { what: 'a request to be carried out', deadlineMs: SETTLE_DEADLINE_MS, intervalMs: 200 })
}

/** Waits until each worker sees each connector and its task RUNNING on one of them, and nothing else. */
async function untilSettled(workers: readonly ChaosWorker[], streams: readonly LineStream[]): Promise<void> {
  const ids = new Set(workers.map(({ id }) => id))
  const names = streams.flatMap(({ source, sink }) => [source.name, sink.name]).sort()
  const isSettledFor = async ({ client }: ChaosWorker) => {
    const connectors = await client.connectorsExpanded()
    return (
      Object.keys(connectors).sort().join() === names.join() &&
      Object.values(connectors).every(
        ({ status }) =>
          status !== undefined &&
          status.tasks.length === 1 &&
          [status.connector, ...status.tasks].every(({ state, worker_id }) => state === 'RUNNING' && ids.has(worker_id)),
      )
    )
  }
  await waitFor(async () => (await Promise.all(workers.map(isSettledFor))).every(Boolean), {
    what: 'all connectors and tasks to run',
    deadlineMs: SETTLE_DEADLINE_MS,
    intervalMs: 100,
    describe: () => describe(workers),
  })
}

async function untilArrived(workers: readonly ChaosWorker[], streams: readonly LineStream[]): Promise<void> {
  await waitFor(() => streams.every((stream) => stream.endsWithLastLine()), {
    what: 'the last line of each stream in the file of its sink',
    deadlineMs: SETTLE_DEADLINE_MS,
    intervalMs: 100,
    describe: () => describe(workers),
  })
}

/** What each worker says of what does not run, and the end of its log without the requests that it answered. */
async function describe(workers: readonly ChaosWorker[]): Promise<string> {
  const parts = workers.map(async (worker) => {
    const statuses = await troubleOf(worker).catch((error: unknown) => String(error))
    const log = worker.output.split('\n').filter((line) => !line.includes(' HTTP/1.1" '))
    return `${worker.name} (${worker.id}), exit code ${worker.exitCode}\n${statuses}\nLog (end):\n${log.slice(-40).join('\n')}`
  })
  return (await Promise.all(parts)).join('\n\n')
}

async function troubleOf({ client }: ChaosWorker): Promise<string> {
  const statuses = Object.values(await client.connectorsExpanded()).flatMap(({ status }) => status ?? [])
  const isFine = ({ connector, tasks }: ConnectorStateInfo) => connector.state === 'RUNNING' && tasks.length === 1 && tasks[0]!.state === 'RUNNING'
  return `${statuses.length} connectors; not running: ${JSON.stringify(statuses.filter((status) => !isFine(status)))}`
}

/** Each line at least once in topic and file, and each of the last ones exactly once. @returns how many are there more than once. */
async function check(stream: LineStream, finalFrom: number, bootstrapServers: string, violations: string[]): Promise<number> {
  let repeated = 0
  const places = { topic: await topicValues(bootstrapServers, stream.topic), file: readFileSync(stream.output, 'utf8').split('\n') }
  for (const [place, lines] of Object.entries(places)) {
    const counts = new Array<number>(stream.lines).fill(0)
    for (const line of lines) {
      const number = stream.numberOf(line)
      if (number !== null) counts[number]! += 1
    }
    const lost = counts.flatMap((count, number) => (count === 0 ? [number] : []))
    const doubled = counts.flatMap((count, number) => (count > 1 && number >= finalFrom ? [number] : []))
    if (lost.length > 0) violations.push(`${lost.length} lines of ${stream.name} are not in its ${place}, from line ${lost[0]} on`)
    if (doubled.length > 0)
      violations.push(`${doubled.length} lines of ${stream.name} that came when all was well are in its ${place} twice, from line ${doubled[0]} on`)
    repeated += counts.filter((count) => count > 1).length
  }
  return repeated
}
