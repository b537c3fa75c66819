// A file through a Kafka topic into another file: embedded broker and worker on free ports, live progress, the records' accounts, and proof.
//
//   npm run demo                      a text of 1,000,000 lines from the installed packages
//   npm run demo -- --file FILE       your own
//   npm run demo -- --keep            leaves broker, worker and files there until Ctrl-C
//   npm run demo -- --workers 3       a cluster of workers: one is killed, the others take its work over

import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import type { TaskProgress } from '@millrace/rest-api'
import { startMillraceBroker } from '../tests/system/broker-under-test.ts'
import { type MillraceWorker, startWorker } from '../tests/system/millrace-process.ts'
import { demonstrateCluster } from './demo/cluster-demo.ts'
import { ProgressLine, table } from './demo/screen.ts'
import { firstDifference, inspectTextFile, type TextFile, writeRealText } from './demo/text-file.ts'

const { values: options } = parseArgs({
  options: {
    file: { type: 'string' },
    lines: { type: 'string', default: '1000000' },
    keep: { type: 'boolean', default: false },
    workers: { type: 'string', default: '1' },
  },
})
/** Without a byte more in the copy for so long, something is wrong. */
const standstillMs = 30_000

const folder = mkdtempSync(join(tmpdir(), 'millrace-demo-'))
const copy = join(folder, 'copy.txt')
const topic = 'demo-lines'
process.on('exit', () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }))

let isInterrupted = false
/** Stops what runs; before that there is only the folder, which goes with the process. */
let stop = async (): Promise<void> => {}
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    // It comes twice where both the terminal and npm pass it on.
    if (isInterrupted) return
    isInterrupted = true
    void stop().finally(() => process.exit(signal === 'SIGINT' ? 130 : 143))
  })
}

const workers = Number(options.workers)
if (!Number.isInteger(workers) || workers < 1 || workers > 9) fail('--workers takes a number from 1 to 9')
if (workers > 1) await endWith(demonstrateCluster({ folder, workers, onStarted: (end) => (stop = end) }))

const original = await prepareFile()
const starting = startCluster()
// Who is interrupted while broker and worker are starting waits for them: they would write into the folder after it was removed.
stop = async () => (await starting.catch(() => null))?.stop()
const { worker, bootstrapServers } = await starting.catch(async (error: unknown) => {
  if (isInterrupted) await new Promise(() => {})
  return fail(error instanceof Error ? error.message : String(error))
})
try {
  const seconds = await follow()
  await report(seconds)
  if (options.keep && process.exitCode === 0) await keepRunning()
} catch (error) {
  // What fails while everything is being stopped is not worth telling.
  if (isInterrupted) await new Promise(() => {})
  console.error(error instanceof Error ? error.message : error)
  console.error(await worker.describe('demo-source', 'demo-sink'))
  process.exitCode = 1
} finally {
  if (!isInterrupted) await stop()
}

/** Ends the process after a demonstration that stands for itself. */
async function endWith(demonstration: Promise<void>): Promise<never> {
  let exitCode = 0
  try {
    await demonstration
  } catch (error) {
    // What fails while everything is being stopped is not worth telling.
    if (isInterrupted) await new Promise(() => {})
    console.error(error instanceof Error ? error.message : error)
    exitCode = 1
  }
  if (isInterrupted) await new Promise(() => {})
  await stop()
  process.exit(exitCode)
}

async function prepareFile(): Promise<TextFile> {
  let path = join(folder, 'original.txt')
  if (options.file === undefined) await writeRealText(path, join(import.meta.dirname, '..'), Number(options.lines))
  else path = resolve(process.env.INIT_CWD ?? '.', options.file)
  if (!existsSync(path)) fail(`${path} does not exist`)
  const file = await inspectTextFile(path)
  if (file.lines === 0) fail(`${path} has no complete line`)
  console.log(
    `File      ${path}: ${count(file.lines)} lines, ${(statSync(path).size / 1e6).toFixed(1)} MB${options.file === undefined ? ', text of the installed packages' : ''}`,
  )
  return file
}

async function startCluster(): Promise<{ worker: MillraceWorker; bootstrapServers: string; stop: () => Promise<void> }> {
  const from = performance.now()
  const broker = await startMillraceBroker({ folder: join(folder, 'broker') })
  const brokerReadyMs = performance.now() - from
  const started = await startWorker({
    folder: join(folder, 'worker'),
    bootstrapServers: broker.bootstrapServers,
    properties: { 'offset.flush.interval.ms': '1000', 'millrace.restart.enable': 'true' },
    connectors: [
      { name: 'demo-source', 'connector.class': 'FileStreamSource', file: original.path, topic },
      { name: 'demo-sink', 'connector.class': 'FileStreamSink', file: copy, topics: topic },
    ],
  }).catch(async (error: unknown) => {
    await broker.stop()
    throw error
  })
  console.log(`Broker    ${broker.bootstrapServers}, ready after ${Math.round(brokerReadyMs)} ms (embedded, data in ${join(folder, 'broker')})`)
  console.log(`Worker    ${started.url}, ready after ${Math.round(performance.now() - from - brokerReadyMs)} ms`)
  console.log(`Path      file → demo-source → topic ${topic} → demo-sink → ${copy}\n`)
  const stop = async (): Promise<void> => {
    await started.stop()
    await broker.stop()
  }
  return { worker: started, bootstrapServers: broker.bootstrapServers, stop }
}

/** Shows progress until the copy is as long as it must be, and resolves with the seconds that it took. */
async function follow(): Promise<number> {
  const line = new ProgressLine()
  const from = performance.now()
  let size = 0
  let changedAt = from
  while (size < original.copyBytes) {
    await delay(100)
    const [source, sink] = await Promise.all([progressOf('demo-source'), progressOf('demo-sink')])
    const now = performance.now()
    const newSize = statSync(copy, { throwIfNoEntry: false })?.size ?? 0
    if (newSize !== size) changedAt = now
    size = newSize
    if (now - changedAt > standstillMs) throw new Error(`Nothing more arrived for ${standstillMs / 1000} s: ${size} of ${original.copyBytes} bytes.`)
    line.show((now - from) / 1000, {
      produced: source?.ledger.written ?? 0,
      consumed: sink?.ledger.read ?? 0,
      lag: sink?.lag ?? null,
      share: Math.min(1, size / original.copyBytes),
    })
  }
  line.end()
  return (performance.now() - from) / 1000
}

async function progressOf(connector: string): Promise<TaskProgress | undefined> {
  const status = await worker.client.connectorStatus(connector)
  const failed = status.tasks.find((task) => task.state === 'FAILED')
  if (failed !== undefined) throw new Error(`The task of ${connector} failed:\n${failed.trace}`)
  return status.tasks[0]?.millrace
}

async function report(seconds: number): Promise<void> {
  console.log(`\n${count(original.lines)} records in ${seconds.toFixed(1)} s: ${count(Math.round(original.lines / seconds))} records/s from file to file\n`)
  await accounts()

  const difference = await firstDifference(original, copy)
  if (difference !== null) {
    console.error(`The copy is wrong: ${difference}.`)
    process.exitCode = 1
    return
  }
  if (original.peculiarities.length === 0) console.log(`Proof: the copy equals the file byte for byte (${count(original.copyBytes)} bytes).`)
  else {
    console.log('The copy cannot equal this file byte for byte:')
    for (const peculiarity of original.peculiarities) console.log(`  - ${peculiarity}`)
    console.log(`Proof: line by line, all ${count(original.lines)} lines are equal and in order.`)
  }
  process.exitCode = 0
  if (!options.keep) console.log('\nTo look around while it is up: npm run demo -- --keep')
}

/** The status of both tasks as REST tells it, once the sink has committed what it wrote. */
async function accounts(): Promise<void> {
  const connectors = ['demo-source', 'demo-sink']
  let progress = await Promise.all(connectors.map(progressOf))
  const until = performance.now() + 10_000
  while (progress.some((task) => task === undefined || task.ledger.in_flight > 0) && performance.now() < until) {
    await delay(100)
    progress = await Promise.all(connectors.map(progressOf))
  }
  const rows = progress.map((task, index) => {
    const ledger = task?.ledger
    const stages = Object.entries(task?.stage_time_ms ?? {}).map(([stage, ms]) => `${stage} ${Math.round(ms)}`)
    const counts = ledger && [ledger.read, ledger.written, ledger.filtered, ledger.dead_lettered, ledger.skipped, ledger.given_back, ledger.in_flight]
    return [connectors[index] ?? '', ...(counts ?? []).map(count), ledger?.balanced ? 'yes' : 'NO', stages.join(', ')]
  })
  console.log(table(['connector', 'read', 'written', 'filtered', 'dead-lettered', 'skipped', 'given back', 'in flight', 'balanced', 'ms per stage'], rows))
}

async function keepRunning(): Promise<void> {
  console.log(`
Still up; Ctrl-C ends it.
  curl ${worker.url}/connectors/demo-sink/status        state, accounts and times of a connector
  curl ${worker.url}/connectors/demo-source/offsets     how far the source has come
  curl -X PUT ${worker.url}/connectors/demo-sink/pause  and resume, restart, …
  echo "one more line" >> ${original.path}; tail -f ${copy}
  kafka-console-consumer.sh --bootstrap-server ${bootstrapServers} --topic ${topic} --from-beginning
Properties, logs and data: ${folder}`)
  await worker.process.exited
  throw new Error('The worker has ended.')
}

function count(value: number): string {
  return value.toLocaleString('en-US')
}

function fail(message: string): never {
  console.error(message)
  process.exit(2)
}
