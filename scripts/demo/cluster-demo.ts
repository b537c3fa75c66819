import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { ConnectorStateInfo, RebalanceTimelineInfo } from '@millrace/rest-api'
import { startMillraceBroker } from '../../tests/system/broker-under-test.ts'
import { type MillraceWorker, startWorker } from '../../tests/system/millrace-process.ts'
import { table } from './screen.ts'

export interface ClusterDemoOptions {
  /** For all data, logs and properties. */
  readonly folder: string
  /** At least 2. */
  readonly workers: number
  /** Called with what ends everything, as soon as there is something to end. */
  readonly onStarted: (stop: () => Promise<void>) => void
}

const TOPIC = 'demo-lines'
const CONNECTORS = ['demo-source', 'demo-sink'] as const
/** A worker that died is missed after this long, and its work waits as long again for its return. */
const SETTINGS = {
  'session.timeout.ms': '6000',
  'heartbeat.interval.ms': '500',
  'scheduled.rebalance.max.delay.ms': '2000',
  'offset.flush.interval.ms': '500',
  'millrace.restart.enable': 'true',
}
const LINES_PER_STEP = 20
const STEP_MS = 100
/** Without what is waited for in this time, something is wrong. */
const PATIENCE_MS = 60_000

/**
 * Workers of a cluster on the embedded broker copy a file that grows, through a topic. One that runs a task is killed with SIGKILL; the others take its
 * work over. Proof: no line is missing from the copy.
 *
 * @throws where something does not happen in time, or a line is missing.
 */
export async function demonstrateCluster({ folder, workers: count, onStarted }: ClusterDemoOptions): Promise<void> {
  const original = join(folder, 'original.txt')
  const copy = join(folder, 'copy.txt')
  writeFileSync(original, '')
  const broker = await startMillraceBroker({ folder: join(folder, 'broker') })
  const workers: MillraceWorker[] = []
  onStarted(async () => {
    await Promise.all(workers.map((worker) => worker.stop()))
    await broker.stop()
  })
  console.log(`Broker    ${broker.bootstrapServers} (embedded)`)
  for (let number = 1; number <= count; number++) {
    const { bootstrapServers } = broker
    workers.push(await startWorker({ mode: 'distributed', folder: join(folder, `worker-${number}`), bootstrapServers, properties: SETTINGS }))
  }
  for (const { url } of workers) console.log(`Worker    ${url}`)
  const [first] = workers as [MillraceWorker]
  await first.client.createConnector({ name: CONNECTORS[0], config: { 'connector.class': 'FileStreamSource', file: original, topic: TOPIC } })
  await first.client.createConnector({ name: CONNECTORS[1], config: { 'connector.class': 'FileStreamSink', file: copy, topics: TOPIC } })

  let lines = 0
  const write = (): void => {
    const batch = Array.from({ length: LINES_PER_STEP }, () => `line ${++lines}\n`)
    appendFileSync(original, batch.join(''))
  }
  await until('all to run and some lines to be copied', () => {
    write()
    return areRunning(first).then((running) => running && linesOf(copy).length > 0)
  })
  console.log(`\nWho runs what, asked of ${first.url}:\n${await overview(first)}`)

  const { victim, connector } = await chooseVictim(first, workers)
  const survivors = workers.filter((worker) => worker !== victim)
  const [asked] = survivors as [MillraceWorker]
  console.log(`kill -9 of ${victim.url}, which runs the task of ${connector}\n`)
  workers.splice(workers.indexOf(victim), 1)
  await victim.killAtOnce()
  await showTakeover(asked, victim, connector, write)
  console.log(`\nWho runs what, asked of ${asked.url}:\n${await overview(asked)}`)
  for (const line of await explanations(survivors)) console.log(`Rebalance ${line}`)

  await until('the copy to be complete', async () => new Set(linesOf(copy)).size === lines)
  const copied = linesOf(copy)
  const missing = Array.from({ length: lines }, (_, index) => `line ${index + 1}`).filter((line) => !copied.includes(line))
  if (missing.length > 0) throw new Error(`Missing from the copy: ${missing.slice(0, 5).join(', ')}`)
  console.log(
    `\nProof: all ${lines} lines are in the copy, ${copied.length - lines} of them more than once (at least once is what connectors without transactions promise).`,
  )
}

/** Prints each change of the task's state and worker until another worker runs it. */
async function showTakeover(asked: MillraceWorker, victim: MillraceWorker, connector: string, write: () => void): Promise<void> {
  const from = performance.now()
  let shown = ''
  await until('the work to be taken over', async () => {
    write()
    const { tasks } = await asked.client.connectorStatus(connector)
    const [task] = tasks
    const text = `${connector}-0 is ${task?.state} at ${task?.worker_id}`
    if (text !== shown) console.log(`${((performance.now() - from) / 1000).toFixed(1).padStart(6)} s  ${text}`)
    shown = text
    return task?.state === 'RUNNING' && !victim.url.endsWith(task.worker_id) && (await areRunning(asked))
  })
}

async function areRunning({ client }: MillraceWorker): Promise<boolean> {
  const statuses = await statusesOf(client)
  return (
    statuses.length === CONNECTORS.length &&
    statuses.every(({ connector, tasks }) => connector.state === 'RUNNING' && tasks.length === 1 && tasks[0]?.state === 'RUNNING')
  )
}

async function overview({ client }: MillraceWorker): Promise<string> {
  const rows = (await statusesOf(client)).flatMap(({ name, connector, tasks }) => [
    [name, connector.state, connector.worker_id, ''],
    ...tasks.map(({ id, state, worker_id, millrace }) => [`${name}-${id}`, state, worker_id, String(millrace?.ledger.written ?? '')]),
  ])
  return table(['connector or task', 'state', 'worker', 'records written'], rows)
}

async function statusesOf(client: MillraceWorker['client']): Promise<readonly ConnectorStateInfo[]> {
  const expanded = await client.connectorsExpanded()
  return Object.values(expanded).flatMap(({ status }) => (status === undefined ? [] : [status]))
}

/** One that runs a task and does not lead: a leader that dies takes along what it knew, and its work is shared out at once. */
async function chooseVictim({ url, client }: MillraceWorker, workers: readonly MillraceWorker[]): Promise<{ victim: MillraceWorker; connector: string }> {
  const leaderUrl = (await timelineOf(url)).at(-1)?.leader_url
  for (const connector of CONNECTORS) {
    const { tasks } = await client.connectorStatus(connector)
    const victim = workers.find((worker) => worker.url.endsWith(tasks[0]?.worker_id ?? 'nobody'))
    if (victim !== undefined && `${victim.url}/` !== leaderUrl) return { victim, connector }
  }
  throw new Error('All tasks run on the leader.')
}

async function timelineOf(url: string): Promise<RebalanceTimelineInfo['rebalances']> {
  return ((await (await fetch(`${url}/millrace/rebalances`)).json()) as RebalanceTimelineInfo).rebalances
}

/** Why the group shared out its work anew since the worker died, by who leads it now. */
async function explanations(workers: readonly MillraceWorker[]): Promise<readonly string[]> {
  const timelines = await Promise.all(workers.map(({ url }) => timelineOf(url)))
  const leading = timelines.find((rebalances) => rebalances.at(-1)?.is_leader) ?? []
  const since = leading.findLastIndex(({ left }) => left.length > 0)
  return leading.slice(since < 0 ? -2 : since).map(({ generation, reason, moved_count }) => `${generation}: ${reason}; ${moved_count} moved`)
}

async function until(what: string, condition: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS
  for (;;) {
    // A worker that was just killed may still be asked.
    if (await condition().catch(() => false)) return
    if (performance.now() > deadline) throw new Error(`After ${PATIENCE_MS / 1000} s still waiting for ${what}.`)
    await delay(STEP_MS)
  }
}

function linesOf(file: string): readonly string[] {
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : []
}
