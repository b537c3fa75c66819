import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { startKafkaServer } from '../../tests/servers/kafka-server.ts'
import { startMillraceBroker } from '../../tests/system/broker-under-test.ts'
import type { LaneResult, Sample } from '../measurement.ts'
import { processUsage } from '../process-usage.ts'
import { originalBroker } from '../report.ts'
import type { SuiteRun } from '../suite.ts'
import { valuesFile, withTopic } from './client-lanes.ts'
import { type ClientSubject, millraceClient } from './client-subject.ts'

interface BrokerSide {
  readonly name: string
  readonly pid: number
  readonly subject: ClientSubject
}

interface StartedBroker {
  readonly bootstrapServers: string
  readonly pid: number
  stop(): Promise<unknown>
}

const embedded = 'Millrace, embedded broker'
const WARM_UPS = 3
const VALUE_BYTES = 100

/** One producer of ours, bare values of 100 bytes, into each broker in turn; time is the producer's, CPU and memory are the broker's. */
export const brokerLane = {
  name: 'broker',
  async run(run: SuiteRun): Promise<LaneResult> {
    const records = Math.round(1_000_000 * run.scale)
    const starts = [{ name: embedded, start: () => startEmbedded(run.folder) }]
    if (run.reasonWithoutJava === null) starts.push({ name: originalBroker, start: () => startApache(run.folder) })
    const samples = await withBrokers(run, starts, async (sides) => {
      const samples = new Map<string, Sample[]>(sides.map(({ name }) => [name, []]))
      for (let repetition = 1 - WARM_UPS; repetition <= run.repetitions; repetition++) {
        for (const side of sides) {
          const sample = await measure(side, records)
          if (repetition > 0 || repetition === 1 - WARM_UPS) samples.get(side.name)?.push(sample)
          run.say(
            `broker ${repetition > 0 ? repetition : 'warm-up'}: ${side.name} ${Math.round(sample.throughput ?? 0).toLocaleString('en-US')}/s, ${sample.cpuPerMillion?.toFixed(2)} CPU-s per million, peak ${sample.rssPeak?.toFixed(0)} MB`,
          )
        }
      }
      return samples
    })
    const title = `${records.toLocaleString('en-US')} records: one producer of ours, 100 B, into the broker (CPU and RSS are the broker's)`
    return { title, hasWarmUp: true, samples, wanted: { throughput: 1, rssPeak: 1 / 5 } }
  },
}

async function measure({ pid, subject }: BrokerSide, records: number): Promise<Sample> {
  const before = processUsage(pid).cpuSeconds
  const { seconds } = await subject.run('produce', records)
  const { cpuSeconds, rssPeakBytes } = processUsage(pid)
  return { throughput: records / seconds, cpuPerMillion: ((cpuSeconds - before) / records) * 1e6, rssPeak: rssPeakBytes / 1e6 }
}

type BrokerStart = { readonly name: string; readonly start: () => Promise<StartedBroker> }

async function withBrokers<Result>(run: SuiteRun, starts: readonly BrokerStart[], use: (sides: readonly BrokerSide[]) => Promise<Result>): Promise<Result> {
  const [first, ...rest] = starts
  if (first === undefined) return await use([])
  const broker = await first.start()
  try {
    const topic = `broker-${randomUUID()}`
    return await withTopic(broker, topic, 1, async () => {
      const subject = await millraceClient.start(scenarioOf(run, topic, broker.bootstrapServers), run.folder)
      try {
        return await withBrokers(run, rest, (sides) => use([{ name: first.name, pid: broker.pid, subject }, ...sides]))
      } finally {
        await subject.stop()
      }
    })
  } finally {
    await broker.stop()
  }
}

function scenarioOf(run: SuiteRun, topic: string, bootstrapServers: string): Parameters<typeof millraceClient.start>[0] {
  return {
    topic,
    partitions: 1,
    valueBytes: VALUE_BYTES,
    valuesFile: valuesFile(run.folder, VALUE_BYTES),
    isRich: false,
    codec: 'none',
    properties: { 'bootstrap.servers': bootstrapServers },
  }
}

async function startEmbedded(folder: string): Promise<StartedBroker> {
  const { bootstrapServers, process, stop } = await startMillraceBroker({ folder: join(folder, 'embedded-broker') })
  return { bootstrapServers, pid: process.pid, stop }
}

function startApache(folder: string): Promise<StartedBroker> {
  return startKafkaServer({ folder: join(folder, 'apache-broker'), heapOptions: ['-Xms1G', '-Xmx1G'] })
}
