// Many topics and much more log than memory, and what the embedded broker takes for them. The results of a whole run stand in docs/broker-memory.md.
//   node scripts/run.mjs tests/system/broker-soak.ts [--topics 1000] [--gigabytes 10]

import { readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Admin, Consumer, Producer, silentLogger as logger } from '@millrace/kafka'
import { startMillraceBroker } from './broker-under-test.ts'

export interface SoakOptions {
  /** Data and log of the broker. */
  readonly folder: string
  readonly topics: number
  /** Of values, over all topics. */
  readonly bytes: number
  /** How long the broker is watched while nobody asks anything of it. */
  readonly idleMs: number
  /** Told what has been found. */
  readonly report: (line: string) => void
}

export interface SoakResult {
  /** Resident memory of the broker. Bytes. */
  readonly rss: { readonly atStart: number; readonly peak: number; readonly peakAfterRestart: number; readonly idle: number }
  /** Of one processor, while nobody asks anything. */
  readonly idleCpuShare: number
  readonly bytesRead: number
  readonly restartMs: number
}

const VALUE_BYTES = 10_000
const READERS_WAITING = 50

/**
 * Creates topics, fills them, reads all of it while further consumers wait for records, kills the broker, starts it again on what is left, reads once
 * more, and watches it idle.
 */
export async function brokerSoak({ folder, topics: count, bytes, idleMs, report }: SoakOptions): Promise<SoakResult> {
  const topics = Array.from({ length: count }, (_, index) => `soak-${index}`)
  const broker = await startMillraceBroker({ folder })
  const properties = { 'bootstrap.servers': broker.bootstrapServers }
  let pid = broker.process.pid
  const atStart = await settled(pid, idleMs)
  report(`started: ${mebibytes(atStart.rss)}, ${percent(atStart.cpuShare)} of a processor`)

  await createTopics(properties, topics)
  report(`${count} topics: ${mebibytes(memory(pid).rss)}`)
  const began = performance.now()
  await fill(properties, topics, bytes)
  report(`${(bytes / 1e9).toFixed(1)} GB written in ${seconds(began)}: ${mebibytes(memory(pid).rss)}`)
  const readBegan = performance.now()
  const bytesRead = await readAll(properties, topics)
  report(`${(bytesRead / 1e9).toFixed(1)} GB read in ${seconds(readBegan)}, beside ${READERS_WAITING} waiting consumers: ${mebibytes(memory(pid).rss)}`)
  const { peak } = memory(pid)
  await broker.killAtOnce()

  const restarted = performance.now()
  const again = await startMillraceBroker({ folder, port: Number(properties['bootstrap.servers'].split(':')[1]) })
  pid = again.process.pid
  const bytesReadAgain = await readAll(properties, topics)
  const restartMs = performance.now() - restarted
  if (bytesReadAgain !== bytesRead) throw new Error(`${bytesRead} bytes were read before the broker was killed, ${bytesReadAgain} after.`)
  report(`killed, started again, and all read in ${(restartMs / 1000).toFixed(1)} s: peak ${mebibytes(memory(pid).peak)}`)
  const idle = await settled(pid, idleMs)
  report(`idle: ${mebibytes(idle.rss)}, ${percent(idle.cpuShare)} of a processor`)
  const { peak: peakAfterRestart } = memory(pid)
  await again.stop()
  return { rss: { atStart: atStart.rss, peak, peakAfterRestart, idle: idle.rss }, idleCpuShare: idle.cpuShare, bytesRead, restartMs }
}

type Properties = Readonly<Record<string, string>>

async function createTopics(properties: Properties, topics: readonly string[]): Promise<void> {
  const admin = new Admin(properties, { logger })
  try {
    for (let first = 0; first < topics.length; first += 100) {
      const results = await admin.createTopics(topics.slice(first, first + 100).map((name) => ({ name, partitions: 1, replicationFactor: 1 })))
      for (const { error } of results) if (error) throw error
    }
  } finally {
    await admin.close()
  }
}

async function fill(properties: Properties, topics: readonly string[], bytes: number): Promise<void> {
  const producer = new Producer({ ...properties, 'batch.size': '500000', 'linger.ms': '50', 'buffer.memory': '67108864' }, { logger })
  const value = Buffer.alloc(VALUE_BYTES, 'soak')
  let failure: unknown
  try {
    for (let sent = 0; sent * VALUE_BYTES < bytes; sent++) {
      // Some records for one topic, then for the next: batches fill up, and every log grows all the time.
      const topic = topics[Math.floor(sent / 40) % topics.length]!
      if (!producer.hasRoom()) await producer.room()
      producer.send(topic, 0, Date.now(), null, value, null, { acknowledged: () => {}, failed: (error: unknown) => (failure ??= error) })
      if (failure) throw failure
    }
    await producer.flush()
    if (failure) throw failure
  } finally {
    await producer.close()
  }
}

/** All values of all topics, by one consumer, while others wait at the end of some. Returns their bytes. */
async function readAll(properties: Properties, topics: readonly string[]): Promise<number> {
  const partitions = topics.map((topic) => ({ topic, partition: 0 }))
  const consumer = new Consumer({ ...properties, 'auto.offset.reset': 'earliest', 'enable.auto.commit': 'false' }, { logger })
  const waiting = Array.from(
    { length: READERS_WAITING },
    () => new Consumer({ ...properties, 'auto.offset.reset': 'latest', 'enable.auto.commit': 'false' }, { logger }),
  )
  try {
    const ends = await consumer.endOffsets(partitions)
    const records = ends.reduce((sum, end) => sum + end!.offset, 0)
    for (const reader of waiting) reader.assign(partitions.slice(0, 20))
    const waited = Promise.all(waiting.map((reader) => reader.poll(1)))
    consumer.assign(partitions)
    let [seen, bytes] = [0, 0]
    while (seen < records) {
      for (const batch of (await consumer.poll(1000)).partitions) {
        while (batch.next()) {
          seen++
          bytes += batch.valueEnd - batch.valueStart
        }
      }
    }
    await waited
    return bytes
  } finally {
    for (const reader of [consumer, ...waiting]) await reader.close()
  }
}

/** What a process takes while nothing is asked of it. */
async function settled(pid: number, idleMs: number): Promise<{ rss: number; cpuShare: number }> {
  const [began, before] = [performance.now(), cpuSeconds(pid)]
  await new Promise((resolve) => setTimeout(resolve, idleMs))
  return { rss: memory(pid).rss, cpuShare: (cpuSeconds(pid) - before) / ((performance.now() - began) / 1000) }
}

function memory(pid: number): { rss: number; peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) * 1024
  return { rss: field('VmRSS'), peak: field('VmHWM') }
}

function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The name of the process, in parentheses, may hold anything. The kernel counts in hundredths of a second for everybody.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}

const mebibytes = (bytes: number) => `${(bytes / 1024 / 1024).toFixed(0)} MiB resident`
const percent = (share: number) => `${(share * 100).toFixed(1)} %`
const seconds = (began: number) => `${((performance.now() - began) / 1000).toFixed(1)} s`

if (import.meta.main) {
  const { values } = parseArgs({ options: { topics: { type: 'string', default: '1000' }, gigabytes: { type: 'string', default: '10' } } })
  const folder = join(tmpdir(), `millrace-soak-${process.pid}`)
  try {
    await brokerSoak({ folder, topics: Number(values.topics), bytes: Number(values.gigabytes) * 1e9, idleMs: 20_000, report: console.log })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
