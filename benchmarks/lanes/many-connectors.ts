import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { LaneResult, Sample } from '../measurement.ts'
import { processUsage } from '../process-usage.ts'
import { untilReady } from '../ready.ts'
import type { LaunchedWorker, Side } from '../sides.ts'
import type { Bench, Lane } from './lane.ts'

/** How long one step may take. Milliseconds. */
const STEP_MS_MAX = 300_000

/** Of a worker that is not counted: it fills the caches of files and of compiled code. */
const WARM_UP_CONNECTORS = 8

/** Between two looks at what runs. Milliseconds. */
const LOOK_MS_MIN = 25

/** 100 connectors of one task each in one worker, which is stopped and started again; then a second worker joins, and is killed. */
export const hundredConnectors: Lane = {
  name: 'connectors-100',
  run: (bench) =>
    measure(bench, {
      connectors: 100,
      workers: 1,
      repetitionsMax: 2,
      wanted: { allRunningTime: 1 / 3, tasksRss: 1 / 2, tasksIdleCpu: 1 / 3 },
      wantedOfUs: { restartTime: 1 },
    }),
}

/** 1,000 connectors of one task each in three workers; then a fourth one joins, and is killed. */
export const thousandConnectors: Lane = {
  name: 'connectors-1000',
  run: (bench) => measure(bench, { connectors: 1000, workers: 3, repetitionsMax: 1, wanted: {}, wantedOfUs: {} }),
}

interface Scale {
  readonly connectors: number
  readonly workers: number
  /** A repetition takes minutes, most of them the original's. */
  readonly repetitionsMax: number
  readonly wanted: Sample
  readonly wantedOfUs: Sample
}

async function measure(bench: Bench, scale: Scale): Promise<LaneResult> {
  const connectors = Math.max(4, Math.round(scale.connectors * bench.scale))
  const samples = new Map<string, Sample[]>(bench.sides.map((side) => [side.name, []]))
  for (const side of bench.sides) await new Cluster(bench, side, `${connectors}-warm-up`, WARM_UP_CONNECTORS).warmUp()
  for (let repetition = 1; repetition <= Math.min(bench.repetitions, scale.repetitionsMax); repetition++) {
    for (const side of bench.sides) {
      const sample = await new Cluster(bench, side, `${connectors}-${repetition}`, connectors).measured(scale.workers)
      samples.get(side.name)?.push(sample)
      const numbers = Object.entries(sample).map(([metric, value]) => `${metric} ${value.toFixed(2)}`)
      bench.say(`${connectors} connectors ${repetition}: ${side.name} ${numbers.join(', ')}`)
    }
  }
  const workers = scale.workers === 1 ? 'one worker' : `${scale.workers} workers`
  return {
    title: `${connectors} connectors of one task in ${workers}; RSS and CPU of all workers together, delay of rebalances 1 s`,
    hasWarmUp: false,
    samples,
    wanted: scale.wanted,
    wantedOfUs: scale.wantedOfUs,
  }
}

/** The workers of one repetition, with topics and a group of their own. */
class Cluster {
  readonly #bench: Bench
  readonly #side: Side
  readonly #folder: string
  readonly #name: string
  readonly #connectors: readonly string[]
  readonly #workers: LaunchedWorker[] = []
  #launched = 0

  constructor(bench: Bench, side: Side, name: string, connectors: number) {
    this.#bench = bench
    this.#side = side
    this.#name = `many-${name}-${side.name.replaceAll(/\W+/g, '-')}`
    this.#folder = join(bench.folder, this.#name)
    mkdirSync(this.#folder, { recursive: true })
    this.#connectors = Array.from({ length: connectors }, (_, index) => `c${index}`)
    writeFileSync(join(this.#folder, 'empty.txt'), '')
  }

  async warmUp(): Promise<void> {
    try {
      await untilReady(await this.#launch())
      await this.#createAll()
    } finally {
      await this.#stopAll()
    }
  }

  async measured(workers: number): Promise<Sample> {
    try {
      for (let index = 0; index < workers; index++) await untilReady(await this.#launch())
      const allRunningTime = await this.#seconds(() => this.#createAll())
      const idle = await this.#idle()
      const restart = workers === 1 ? await this.#restarted() : {}
      const joinTime = await this.#seconds(async () => {
        const joined = await this.#launch()
        await untilReady(joined)
        await this.#untilAllRun((owners) => (owners.get(hostOf(joined)) ?? 0) >= Math.floor(this.#connectors.length / (workers + 1)))
      })
      const takeOverTime = await this.#seconds(async () => {
        const killed = this.#workers.pop()
        if (killed === undefined) throw new Error('There is no worker to kill.')
        await killed.process.killAtOnce()
        await this.#untilAllRun((owners) => !owners.has(hostOf(killed)))
      })
      return { allRunningTime, ...restart, joinTime, takeOverTime, ...idle }
    } finally {
      await this.#stopAll()
    }
  }

  async #stopAll(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.process.stop()))
  }

  async #createAll(): Promise<void> {
    for (const name of this.#connectors) await this.#create(name)
    await this.#untilAllRun()
  }

  /** A clean stop and a new start of the only worker. */
  async #restarted(): Promise<Sample> {
    await this.#workers.pop()?.process.stop()
    const from = performance.now()
    const readyAt = await untilReady(await this.#launch())
    await this.#untilAllRun()
    const now = performance.now()
    return { restartTime: (now - from) / 1000, restartAfterRest: (now - readyAt) / 1000 }
  }

  async #idle(): Promise<Sample> {
    const usage = () => this.#workers.map((worker) => processUsage(worker.process.pid))
    const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0)
    await delay(10_000)
    const before = sum(usage().map(({ cpuSeconds }) => cpuSeconds))
    const seconds = Math.max(1, this.#bench.idleSeconds)
    await delay(seconds * 1000)
    const after = usage()
    return {
      tasksRss: sum(after.map(({ rssBytes }) => rssBytes)) / 1e6,
      tasksRssPeak: sum(after.map(({ rssPeakBytes }) => rssPeakBytes)) / 1e6,
      tasksIdleCpu: ((sum(after.map(({ cpuSeconds }) => cpuSeconds)) - before) / seconds) * 100,
    }
  }

  async #launch(): Promise<LaunchedWorker> {
    const topic = (what: string) => `${this.#name}-${what}`
    const worker = await this.#side.launch({
      mode: 'distributed',
      folder: join(this.#folder, `worker-${this.#launched++}`),
      bootstrapServers: this.#bench.bootstrapServers,
      properties: {
        'group.id': this.#name,
        'config.storage.topic': topic('configs'),
        'offset.storage.topic': topic('offsets'),
        'status.storage.topic': topic('statuses'),
        'scheduled.rebalance.max.delay.ms': '1000',
      },
    })
    this.#workers.push(worker)
    return worker
  }

  async #create(name: string): Promise<void> {
    const config = { 'connector.class': 'FileStreamSource', 'tasks.max': '1', file: join(this.#folder, 'empty.txt'), topic: `${this.#name}-lines` }
    const until = performance.now() + STEP_MS_MAX
    for (;;) {
      const response = await fetch(`${this.#workers[0]?.url}/connectors`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ name, config }),
      })
      const text = await response.text()
      if (response.status === 201) return
      // While the group rebalances, requests are refused for a moment.
      if (response.status !== 409 || text.includes('already exists') || performance.now() > until) throw new Error(`${response.status} ${text}`)
      await delay(50)
    }
  }

  /** @param isBalanced looks at how many tasks each worker runs, by its `host:port` */
  async #untilAllRun(isBalanced: (owners: ReadonlyMap<string, number>) => boolean = () => true): Promise<void> {
    const until = performance.now() + STEP_MS_MAX
    while (performance.now() < until) {
      const askedAt = performance.now()
      const owners = await this.#owners()
      if (owners !== null && isBalanced(owners)) return
      // The worker shall start tasks, not answer how many of a thousand run.
      await delay(Math.max(LOOK_MS_MIN, 3 * (performance.now() - askedAt)))
    }
    throw new Error(`Not all connectors ran within ${STEP_MS_MAX} ms:\n${this.#workers[0]?.process.output.slice(-3000)}`)
  }

  /** How many tasks each worker runs; null while not all run. */
  async #owners(): Promise<ReadonlyMap<string, number> | null> {
    const response = await fetch(`${this.#workers[0]?.url}/connectors?expand=status`)
    if (response.status !== 200) {
      await response.body?.cancel()
      return null
    }
    const all = (await response.json()) as Record<string, { status?: Status }>
    const owners = new Map<string, number>()
    for (const name of this.#connectors) {
      const status = all[name]?.status
      if (status?.connector.state !== 'RUNNING' || status.tasks.length !== 1 || status.tasks[0]?.state !== 'RUNNING') return null
      const { worker_id: owner } = status.tasks[0]
      owners.set(owner, (owners.get(owner) ?? 0) + 1)
    }
    return owners
  }

  async #seconds(act: () => Promise<void>): Promise<number> {
    const from = performance.now()
    await act()
    return (performance.now() - from) / 1000
  }
}

interface Status {
  readonly connector: { readonly state: string }
  readonly tasks: readonly { readonly state: string; readonly worker_id: string }[]
}

function hostOf(worker: LaunchedWorker): string {
  return new URL(worker.url).host
}
