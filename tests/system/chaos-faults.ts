import { setTimeout as delay } from 'node:timers/promises'
import type { ConnectClient } from '@millrace/rest-api'
import { type ChaosWorker, SESSION_TIMEOUT_MS } from './chaos-cluster.ts'
import type { LineStream } from './line-stream.ts'

export interface FaultMaker {
  readonly workers: readonly ChaosWorker[]
  /** Whether cutting one worker off from Kafka cuts off all. */
  readonly isNetworkShared: boolean
  readonly random: () => number
  readonly stop: AbortSignal
  readonly violations: string[]
}

const faults = ['kill', 'restart', 'freeze', 'freeze-long', 'cut-kafka', 'cut-kafka-long', 'reset-kafka', 'cut-rest'] as const
type Fault = (typeof faults)[number]

/** Does harm to one worker after the other, now and then to two at a time, until it is stopped; then everything is made good again. Resolves with how often it did what. */
export async function makeFaults(maker: FaultMaker): Promise<Record<string, number>> {
  const { workers, random, stop } = maker
  const counts: Record<string, number> = {}
  const busy = new Map<ChaosWorker, Promise<void>>()
  // Each kind once, in any order, before chance decides.
  const first = faults.map((fault) => ({ fault, order: random() })).sort((a, b) => a.order - b.order)
  while (!stop.aborted) {
    const fault = first[0]?.fault ?? faults[Math.floor(random() * faults.length)]!
    const worker = workers[Math.floor(random() * workers.length)]!
    const pauseMs = random() * 1000
    const extentMs = random() * 1000
    // A cut of a network that all share is no second fault beside another.
    const isAlone = maker.isNetworkShared && fault.includes('kafka')
    if (busy.size < (isAlone ? 1 : 2) && !busy.has(worker)) {
      first.shift()
      counts[fault] = (counts[fault] ?? 0) + 1
      const harm = doHarm(worker, fault, extentMs, maker).finally(() => busy.delete(worker))
      busy.set(worker, harm)
      if (isAlone) await harm
    }
    await delay(pauseMs, undefined, { signal: stop }).catch(() => undefined)
  }
  await Promise.all(busy.values())
  return counts
}

async function doHarm(worker: ChaosWorker, fault: Fault, extentMs: number, { violations }: FaultMaker): Promise<void> {
  const shortMs = extentMs
  const longMs = 2 * SESSION_TIMEOUT_MS + extentMs
  switch (fault) {
    case 'kill':
      await worker.killAtOnce()
      await delay(shortMs)
      return await worker.start()
    case 'restart': {
      const code = await worker.stop()
      if (code !== 0) violations.push(`${worker.name} ended with exit code ${code} when it was asked to stop`)
      return await worker.start()
    }
    case 'freeze':
      worker.freeze()
      await delay(shortMs)
      return worker.thaw()
    case 'freeze-long': {
      worker.freeze()
      await delay(longMs)
      // What it has printed before has arrived by now. One that joins, or is out already, need not say it: for a member that joins the coordinator waits.
      const { isMember, timesOut } = worker
      worker.thaw()
      if (isMember && !(await worker.untilOut(timesOut)))
        violations.push(`${worker.name} was frozen for ${Math.round(longMs)} ms and did not say that it was out of the group:\n${worker.output.slice(-3000)}`)
      return
    }
    case 'cut-kafka':
    case 'cut-kafka-long':
      worker.kafka.apply({ kind: 'silent', directions: 'both' })
      await delay(fault === 'cut-kafka' ? shortMs : longMs)
      return worker.kafka.restore()
    case 'reset-kafka':
      worker.kafka.apply({ kind: 'refusing' })
      worker.kafka.reset()
      await delay(shortMs)
      return worker.kafka.restore()
    case 'cut-rest':
      worker.rest.apply({ kind: 'silent', directions: 'both' })
      await delay(longMs)
      return worker.rest.restore()
  }
}

export interface ConfigChanger {
  readonly workers: readonly ChaosWorker[]
  readonly streams: readonly LineStream[]
  readonly random: () => number
  readonly stop: AbortSignal
}

/** Changes configurations over any worker that can be asked, until it is stopped. What a cluster in trouble refuses is not tried again. */
export async function changeConfigs({ workers, streams, random, stop }: ConfigChanger): Promise<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (let round = 0; !stop.aborted; round++) {
    const stream = streams[Math.floor(random() * streams.length)]!
    const { name, config } = random() < 0.5 ? stream.source : stream.sink
    const worker = workers[Math.floor(random() * workers.length)]!
    const change = changes[Math.floor(random() * changes.length)]!
    await delay(200 + random() * 600, undefined, { signal: stop }).catch(() => undefined)
    if (stop.aborted || !worker.isUp) continue
    try {
      await change.make(worker.client, name, config, round)
      counts[change.name] = (counts[change.name] ?? 0) + 1
    } catch {
      counts.refused = (counts.refused ?? 0) + 1
    }
  }
  return counts
}

export const EXTRA = 'extra'

const changes: readonly {
  readonly name: string
  make(client: ConnectClient, connector: string, config: Readonly<Record<string, string>>, round: number): Promise<unknown>
}[] = [
  { name: 'change', make: (client, connector, config, round) => client.putConnectorConfig(connector, { ...config, note: String(round) }) },
  {
    name: 'pause',
    make: async (client, connector) => {
      await client.pauseConnector(connector)
      await delay(300)
      await client.resumeConnector(connector)
    },
  },
  { name: 'restart', make: (client, connector) => client.restartConnector(connector, { includeTasks: true }) },
  {
    name: 'create',
    make: (client, _, __, round) =>
      client.putConnectorConfig(`${EXTRA}-${round % 3}`, { 'connector.class': 'FileStreamSource', file: `/tmp/millrace-${EXTRA}-is-not-there`, topic: EXTRA }),
  },
  { name: 'delete', make: (client, _, __, round) => client.deleteConnector(`${EXTRA}-${round % 3}`) },
]
