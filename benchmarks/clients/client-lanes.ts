import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { writeFileSync } from 'node:fs'
import { Admin, type Properties, silentLogger } from '@millrace/kafka'
import { textLine } from '../data.ts'
import type { LaneResult, Metric, Sample } from '../measurement.ts'
import type { ClientScenario } from './client-scenario.ts'
import type { ClientSide, ClientSubject, Effort, SubjectCommand } from './client-subject.ts'

/** What the lanes of clients are given. */
export interface ClientBench {
  readonly sides: readonly ClientSide[]
  readonly bootstrapServers: string
  readonly folder: string
  /** Counted repetitions, beside those that warm up. */
  readonly repetitions: number
  readonly scale: number
  readonly say: (text: string) => void
}

export interface ClientLane {
  readonly name: string
  run(bench: ClientBench): Promise<LaneResult>
}

interface Kind {
  readonly name: string
  readonly title: string
  readonly isRich: boolean
  readonly codec: ClientScenario['codec']
  /** The most that our CPU per record may be of the Java client's. */
  readonly wanted: Readonly<Record<'produce' | 'consume', number>>
}

const kinds: readonly Kind[] = [
  { name: 'bare', title: 'bare values', isRich: false, codec: 'none', wanted: { produce: 1 / 2, consume: 2 / 3 } },
  { name: 'rich', title: 'keys, two headers, a callback for each record', isRich: true, codec: 'none', wanted: { produce: 1, consume: 1 } },
  { name: 'lz4', title: 'bare values, lz4', isRich: false, codec: 'lz4', wanted: { produce: 1, consume: 1 } },
  { name: 'zstd', title: 'bare values, zstd', isRich: false, codec: 'zstd', wanted: { produce: 1, consume: 1 } },
]

const sizes = [
  { valueBytes: 100, title: '100 B', records: 1_000_000 },
  { valueBytes: 1000, title: '1 KB', records: 300_000 },
] as const

/** What both sides are set to alike, unless a lane leaves each its defaults. */
const equalBatches: Properties = { 'batch.size': '65536', 'linger.ms': '5' }

/** A repetition begins with a seek; the fetch at the end of the log, which it would have to wait for, is answered at once. */
const consumed: Properties = { 'fetch.max.wait.ms': '10' }

/** Warm-up repetitions: the Java client still gets faster in its third. */
const WARM_UPS = 3

export const clientLanes: readonly ClientLane[] = sizes.flatMap((size) => [
  ...kinds.flatMap((kind) => [produceLane(size, kind, equalBatches, 'batch.size=65536, linger.ms=5'), consumeLane(size, kind)]),
  produceLane(size, { ...(kinds[0] as Kind), name: 'defaults' }, {}, 'each side at its defaults'),
])

type Size = (typeof sizes)[number]

function produceLane(size: Size, kind: Kind, properties: Properties, settings: string): ClientLane {
  return clientLane('produce', size, kind, properties, `produce ${size.title}, ${kind.title} (acks=all, ${settings})`)
}

function consumeLane(size: Size, kind: Kind): ClientLane {
  return clientLane('consume', size, kind, {}, `consume ${size.title}, ${kind.title} (each side at its defaults)`)
}

function clientLane(direction: 'produce' | 'consume', size: Size, kind: Kind, properties: Properties, title: string): ClientLane {
  const name = `${direction}-${size.valueBytes}-${kind.name}`
  return {
    name,
    async run(bench) {
      const records = Math.round(size.records * bench.scale)
      const topic = `${name}-${randomUUID()}`
      const partitions = kind.isRich ? 4 : 1
      const scenario: ClientScenario = {
        topic,
        partitions,
        valueBytes: size.valueBytes,
        valuesFile: valuesFile(bench.folder, size.valueBytes),
        isRich: kind.isRich,
        codec: kind.codec,
        properties: { 'bootstrap.servers': bench.bootstrapServers, 'compression.type': kind.codec, ...properties },
      }
      const samples = await withTopic(bench, topic, partitions, async () => {
        if (direction === 'produce') return await takeTurns(bench, scenario, name, 'produce', records)
        await fill(bench, scenario, records)
        return await takeTurns(bench, { ...scenario, properties: { 'bootstrap.servers': bench.bootstrapServers, ...consumed } }, name, 'consume', records)
      })
      return { title: `${records.toLocaleString('en-US')} records: ${title}`, hasWarmUp: true, samples, wanted: { cpuPerMillion: kind.wanted[direction] } }
    },
  }
}

/** The sides are up at once and take turns, so that each pair of repetitions meets the same machine. */
async function takeTurns(
  bench: ClientBench,
  scenario: ClientScenario,
  name: string,
  command: 'produce' | 'consume',
  records: number,
): Promise<Map<string, Sample[]>> {
  const samples = new Map<string, Sample[]>()
  const subjects = new Map<ClientSide, ClientSubject>()
  try {
    for (const side of bench.sides) subjects.set(side, await side.start(scenario, bench.folder))
    for (let repetition = 1 - WARM_UPS; repetition <= bench.repetitions; repetition++) {
      for (const [side, subject] of subjects) {
        const sample = await measure(subject, scenario, command, records)
        // Of those that warm up the first is shown.
        if (repetition > 0 || repetition === 1 - WARM_UPS) samples.set(side.name, [...(samples.get(side.name) ?? []), sample])
        bench.say(`${name} ${repetition > 0 ? repetition : 'warm-up'}: ${side.name} ${textOf(sample)}`)
      }
    }
  } finally {
    await Promise.all([...subjects.values()].map((subject) => subject.stop()))
  }
  return samples
}

async function measure(subject: ClientSubject, { codec }: ClientScenario, command: 'produce' | 'consume', records: number): Promise<Sample> {
  const effort = await subject.run(command, records)
  const codecCommand: SubjectCommand = command === 'produce' ? 'compress' : 'decompress'
  const codecAlone = codec === 'none' ? null : await subject.run(codecCommand, records)
  return {
    throughput: records / effort.seconds,
    cpuPerMillion: perMillion(effort, records),
    ...(codecAlone === null ? {} : { codecCpuPerMillion: perMillion(codecAlone, records) }),
    rssPeak: effort.rssPeakBytes / 1e6,
  }
}

function perMillion({ cpuSeconds }: Effort, records: number): number {
  return (cpuSeconds / records) * 1e6
}

function textOf(sample: Sample): string {
  const number = (metric: Metric, places: number): string => (sample[metric] ?? 0).toLocaleString('en-US', { maximumFractionDigits: places })
  return `${number('throughput', 0)}/s, ${number('cpuPerMillion', 2)} CPU-s per million, peak ${number('rssPeak', 0)} MB`
}

/** With batches of 64 KiB: consumers of both sides read the same. */
async function fill(bench: ClientBench, scenario: ClientScenario, records: number): Promise<void> {
  const side = bench.sides[0] as ClientSide
  const subject = await side.start({ ...scenario, properties: { ...scenario.properties, ...equalBatches } }, bench.folder)
  try {
    await subject.run('produce', records)
  } finally {
    await subject.stop()
  }
}

/** The topic lives as long as the lane: all together would fill a disk. */
export async function withTopic<Result>(
  bench: Pick<ClientBench, 'bootstrapServers'>,
  name: string,
  partitions: number,
  use: () => Promise<Result>,
): Promise<Result> {
  const admin = new Admin({ 'bootstrap.servers': bench.bootstrapServers }, { logger: silentLogger })
  try {
    const [result] = await admin.createTopics([{ name, partitions, replicationFactor: 1 }])
    if (result?.error) throw result.error
    try {
      return await use()
    } finally {
      await admin.deleteTopics([name])
    }
  } finally {
    await admin.close()
  }
}

/** 1024 values of words, which compress as text does. */
export function valuesFile(folder: string, valueBytes: number): string {
  const file = join(folder, `values-${valueBytes}.bin`)
  const lines = Math.ceil(valueBytes / 100)
  const values = Array.from({ length: 1024 }, (_, index) =>
    Array.from({ length: lines }, (_, line) => textLine(index * lines + line).slice(0, 100))
      .join('')
      .slice(0, valueBytes),
  )
  writeFileSync(file, values.join(''))
  return file
}
