// Measures Millrace beside the Java original, in turn, in one run, against one real broker.
//
//   npm run bench                              the worker beside Kafka Connect: all lanes, all sides, three counted repetitions
//   npm run bench -- --suite client            producer, consumer and embedded broker beside Apache Kafka's
//   npm run bench -- --suite cluster           workers of a cluster with many connectors beside Kafka Connect
//   npm run bench -- --lanes start-up          some lanes of the suite
//   npm run bench -- --list                    the lanes there are
//   npm run bench -- --scale 0.05              fewer records, to see that a lane works; no results
//   npm run bench -- --write                   also writes the suite's section of benchmarks/RESULTS.md
//
// Without Java and Maven only our side is measured, on the embedded broker, and the output says so.

import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, release, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { fetchPeer, java as javaCommand, kafkaVersion, whyNoPeer } from '../tests/servers/peer.ts'
import { clientSuite } from './client-suite.ts'
import { clusterSuite } from './cluster-suite.ts'
import type { LaneResult } from './measurement.ts'
import { laneTable, targetsTable } from './report.ts'
import { withSection } from './results.ts'
import type { Suite } from './suite.ts'
import { workerSuite } from './worker-suite.ts'

const suites: readonly Suite[] = [workerSuite, clientSuite, clusterSuite]
const { values: options } = parseArgs({
  options: {
    suite: { type: 'string', default: workerSuite.name },
    /** Default: all of the suite. */
    lanes: { type: 'string' },
    list: { type: 'boolean', default: false },
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
const suite =
  suites.find(({ name }) => name === options.suite) ?? fail(`There is no suite "${options.suite}"; there are ${suites.map(({ name }) => name).join(', ')}.`)
const lanes = options.lanes?.split(',') ?? suite.lanes
const unknown = lanes.find((name) => !suite.lanes.includes(name))
if (unknown !== undefined) fail(`There is no lane "${unknown}"; there are ${suite.lanes.join(', ')}.`)

if (options.list) console.log(suites.map(({ name, lanes }) => `${name}: ${lanes.join(', ')}`).join('\n'))
else await run()

async function run(): Promise<void> {
  const reasonWithoutJava = options['without-java'] ? 'left out by --without-java' : whyNoJava()
  if (reasonWithoutJava !== null) say(`The original is not measured: ${reasonWithoutJava}\nThe broker is the embedded one.`)
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'millrace-bench-'))
  mkdirSync(folder, { recursive: true })
  const results: LaneResult[] = []
  try {
    const { repetitions, scale, 'idle-seconds': idleSeconds } = options
    const numbers = { repetitions: Number(repetitions), scale: Number(scale), idleSeconds: Number(idleSeconds) }
    await suite.run({ lanes, reasonWithoutJava, folder, ...numbers, say }, (result) => {
      results.push(result)
      console.log(`\n${laneTable(result)}`)
    })
  } finally {
    if (options.folder === undefined) rmSync(folder, { recursive: true, force: true })
  }
  const targets = targetsTable(results)
  console.log(targets)
  if (options.write) writeResults([targets, ...results.map(laneTable)], reasonWithoutJava)
}

function whyNoJava(): string | null {
  try {
    fetchPeer()
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
  return whyNoPeer()
}

function writeResults(tables: readonly string[], reason: string | null): void {
  const file = join(import.meta.dirname, 'RESULTS.md')
  const section = [`## ${suite.title}`, heading(reason), ...tables.filter((table) => table !== '')].map((part) => part.trim()).join('\n\n')
  writeFileSync(file, withSection(readFileSync(file, 'utf8'), suite.name, section))
  say(`Written to ${file}`)
}

function heading(reason: string | null): string {
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: import.meta.dirname, encoding: 'utf8' }).trim()
  const javaVersion = reason === null ? execFileSync(javaCommand, ['--version'], { encoding: 'utf8' }).split('\n')[0] : null
  const words = process.argv.slice(2).filter((word) => word !== '--write')
  return `
- Command: \`npm run bench${words.length > 0 ? ` -- ${words.join(' ')}` : ''}\` at commit ${commit}
- Machine: ${availableParallelism()} × ${cpus()[0]?.model.trim()}, ${(totalmem() / 2 ** 30).toFixed(0)} GiB, ${process.platform} ${release()}
- Node ${process.versions.node}${javaVersion === null ? '' : `, Apache Kafka ${kafkaVersion} on ${javaVersion}`}
- ${suite.about(reason)}
`
}

function say(text: string): void {
  console.log(text)
}

function fail(message: string): never {
  console.error(message)
  process.exit(2)
}
