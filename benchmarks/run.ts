// Measures Millrace beside the Java original, in turn, in one run, against one real broker.
//
//   npm run bench                              all lanes, all sides, three counted repetitions
//   npm run bench -- --lanes start-up          some lanes: start-up, file-to-topic, topic-to-file, json-topic-to-file
//   npm run bench -- --scale 0.05              fewer records, to see that a lane works; no results
//   npm run bench -- --write                   also writes benchmarks/RESULTS.md
//
// Without Java and Maven only our side is measured, on the embedded broker, and the output says so.

import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, release, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { fetchPeer, java as javaCommand, kafkaVersion, whyNoPeer } from '../tests/servers/peer.ts'
import { startKafkaServer } from '../tests/servers/kafka-server.ts'
import { startMillraceBroker } from '../tests/system/broker-under-test.ts'
import { fileToTopic } from './lanes/file-to-topic.ts'
import type { Lane } from './lanes/lane.ts'
import { startUp } from './lanes/start-up.ts'
import { jsonTopicToFile, topicToFile } from './lanes/topic-to-file.ts'
import { laneTable } from './report.ts'
import { java, javaWithLargeBatches, packed, type Side, sources } from './sides.ts'

const lanes: readonly Lane[] = [startUp, fileToTopic, topicToFile, jsonTopicToFile]
const { values: options } = parseArgs({
  options: {
    lanes: { type: 'string', default: lanes.map((lane) => lane.name).join(',') },
    repetitions: { type: 'string', default: '3' },
    scale: { type: 'string', default: '1' },
    'idle-seconds': { type: 'string', default: '30' },
    /** Where data and logs go; a temporary folder that is removed, unless it is named. */
    folder: { type: 'string' },
    write: { type: 'boolean', default: false },
    /** Our side alone, also where Java is there. */
    'without-java': { type: 'boolean', default: false },
  },
})
const chosen = options.lanes
  .split(',')
  .map((name) => lanes.find((lane) => lane.name === name) ?? fail(`There is no lane "${name}"; there are ${lanes.map((lane) => lane.name).join(', ')}.`))
const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'millrace-bench-'))
mkdirSync(folder, { recursive: true })

try {
  await run()
} finally {
  if (options.folder === undefined) rmSync(folder, { recursive: true, force: true })
}

async function run(): Promise<void> {
  const reason = options['without-java'] ? 'left out by --without-java' : whyNoJava()
  if (reason !== null) say(`The original is not measured: ${reason}\nThe broker is the embedded one.`)
  say('Packing and installing Millrace …')
  const millrace = packed(folder)
  const broker =
    reason === null
      ? await startKafkaServer({ folder: join(folder, 'kafka'), heapOptions: ['-Xms1G', '-Xmx1G'] })
      : await startMillraceBroker({ folder: join(folder, 'broker') })
  const reports: string[] = []
  try {
    await warmUp(millrace, broker.bootstrapServers)
    for (const lane of chosen) {
      const result = await lane.run({
        sides: sidesOf(lane, millrace, reason === null),
        bootstrapServers: broker.bootstrapServers,
        prefix: '',
        folder,
        repetitions: Number(options.repetitions),
        scale: Number(options.scale),
        idleSeconds: Number(options['idle-seconds']),
        say,
      })
      reports.push(laneTable(result))
      console.log(`\n${reports.at(-1)}`)
    }
  } finally {
    await broker.stop()
  }
  if (options.write) writeResults(reports, reason)
}

/** The broker is a JVM as well, and would be slow for whoever comes first. */
async function warmUp(side: Side, bootstrapServers: string): Promise<void> {
  say('Warming up the broker …')
  const bench = {
    sides: [side],
    bootstrapServers,
    prefix: 'warm-up-',
    folder: join(folder, 'warm-up'),
    repetitions: 2,
    scale: Number(options.scale),
    idleSeconds: 0,
    say: () => {},
  }
  mkdirSync(bench.folder)
  await fileToTopic.run(bench)
  await topicToFile.run(bench)
}

function sidesOf(lane: Lane, millrace: Side, hasJava: boolean): Side[] {
  const originals = hasJava ? [java] : []
  if (lane === startUp) return [millrace, sources, ...originals]
  if (lane === fileToTopic && hasJava) return [millrace, java, javaWithLargeBatches]
  return [millrace, ...originals]
}

function whyNoJava(): string | null {
  try {
    fetchPeer()
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
  return whyNoPeer()
}

function writeResults(reports: readonly string[], reason: string | null): void {
  const file = join(import.meta.dirname, 'RESULTS.md')
  writeFileSync(file, `${heading(reason)}\n${reports.join('\n')}`)
  say(`Written to ${file}`)
}

function heading(reason: string | null): string {
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: import.meta.dirname, encoding: 'utf8' }).trim()
  const javaVersion = reason === null ? execFileSync(javaCommand, ['--version'], { encoding: 'utf8' }).split('\n')[0] : null
  return `# Results

Written by \`npm run bench -- --write\`; how each number comes about is in [README.md](README.md). Ratios are Millrace to Java in the same run, repetition by repetition.

- Command: \`npm run bench -- ${process.argv
    .slice(2)
    .filter((word) => word !== '--write')
    .join(' ')}\` at commit ${commit}
- Machine: ${availableParallelism()} × ${cpus()[0]?.model.trim()}, ${(totalmem() / 2 ** 30).toFixed(0)} GiB, ${process.platform} ${release()}
- Millrace on Node ${process.versions.node}, packed and installed; ${reason === null ? `Kafka Connect ${kafkaVersion} on ${javaVersion}, against one Apache Kafka ${kafkaVersion}` : `without the original (${reason}), against the embedded broker`}
`
}

function say(text: string): void {
  console.log(text)
}

function fail(message: string): never {
  console.error(message)
  process.exit(2)
}
