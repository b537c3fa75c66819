import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { Producer, silentLogger } from '@millrace/kafka'
import type { TaskInstanceState } from '@millrace/rest-api'
import { type EmbeddedCluster, startEmbeddedCluster, waitFor } from '@millrace/testing'
import { topicValues } from '../topic.ts'
import type { FaultKind, FaultStage } from './plugins/fault.ts'
import { RECORDS } from './plugins/faulty-source.ts'

/** What goes wrong, as a row of the table. */
export interface Fault {
  readonly name: string
  readonly kind: FaultKind
  /** Of `down`: how long. */
  readonly down: 'short' | 'long' | 'for ever' | null
}

/** One cell: in which call of which plug-in what goes wrong, and whether errors are tolerated. */
export interface Cell {
  readonly kind: 'source' | 'sink'
  readonly stage: FaultStage
  readonly fault: Fault
  readonly tolerance: 'none' | 'all'
}

/** What an operator, and whoever reads the data, sees in the end. */
export interface Outcome {
  /** `state` of the task, and what it does. */
  readonly state: string
  /** Records that reached the target, without repetitions. */
  readonly target: string
  readonly deadLetters: string
  /** The position that is committed. */
  readonly committed: string
  /** Hint and class of the failure that the status shows. */
  readonly failure: string
  /** Records that failed for good and were left out, as status and metrics count them. */
  readonly errors: string
  /** Whether the task was restarted by itself, and whether that was given up. */
  readonly restarts: string
}

/** The names say the times of a real worker; here they are scaled down with all the settings below. */
const FAULTS: readonly Fault[] = [
  { name: 'retriable error, twice', kind: 'retriable', down: null },
  { name: 'data error', kind: 'data', down: null },
  { name: 'bug', kind: 'bug', down: null },
  { name: 'hang', kind: 'hang', down: null },
  { name: 'out of memory', kind: 'memory', down: null },
  { name: 'down for 0.3 s', kind: 'down', down: 'short' },
  { name: 'down for 30 s', kind: 'down', down: 'long' },
  { name: 'down for ever', kind: 'down', down: 'for ever' },
]

const STAGES: Readonly<Record<'source' | 'sink', readonly FaultStage[]>> = {
  source: ['start', 'poll', 'transform', 'converter', 'commit', 'stop'],
  sink: ['start', 'converter', 'transform', 'put', 'commit', 'stop'],
}

const PLUGINS = new URL('plugins/package.json', import.meta.url)

/** Times that belong together: what is down for short is back at the first retry; what is down for long outlasts the retries, but not the restarts. */
export interface Times {
  /** Milliseconds. */
  readonly down: Readonly<Record<'short' | 'long', number>>
  /** `errors.retry.timeout`: two retries are made within it (after 300 and 600 ms), and it is over before what is down for long is back. */
  readonly retryTimeoutMs: number
  readonly worker: Readonly<Record<string, string>>
  /** So many cells run at a time. */
  readonly cellsAtATime: number
  /** Between two looks at a status. Milliseconds. */
  readonly lookIntervalMs: number
  /** Long enough for the slowest cell on a busy machine. Milliseconds. */
  readonly cellDeadlineMs: number
}

/** For each run of the tests. */
export const SCALED_DOWN: Times = {
  down: { short: 100, long: 2_000 },
  retryTimeoutMs: 1_200,
  worker: {
    'millrace.stall.timeout.ms': '2000',
    'millrace.restart.max': '4',
    'millrace.restart.delay.ms': '200',
    'millrace.restart.delay.max.ms': '1500',
  },
  cellsAtATime: 12,
  lookIntervalMs: 100,
  cellDeadlineMs: 60_000,
}

/** As the names of the faults say, with the delays between restarts that are the default. Takes a quarter of an hour. */
export const ORIGINAL: Times = {
  down: { short: 300, long: 30_000 },
  retryTimeoutMs: 10_000,
  worker: { 'millrace.stall.timeout.ms': '60000', 'millrace.restart.max': '6' },
  cellsAtATime: 64,
  lookIntervalMs: 1_000,
  cellDeadlineMs: 900_000,
}

const WORKER_PROPERTIES: Readonly<Record<string, string>> = {
  'offset.flush.interval.ms': '100',
  'task.shutdown.graceful.timeout.ms': '500',
  'millrace.task.memory.max.bytes': String(160 * 1024 * 1024),
  'millrace.restart.enable': 'true',
}

/** `millrace_task_state` (docs/reference/metrics.md). */
const STATE_NUMBERS: Readonly<Record<string, number>> = { RUNNING: 1, RESTARTING: 4, FAILED: 5 }

/** How often something that goes on for ever has to be seen. */
const REPETITIONS = 3

/** An outcome counts when it is the same twice in a row. Milliseconds between the two. */
const STABLE_MS = 300

export function cells(): Cell[] {
  return (['source', 'sink'] as const).flatMap((kind) =>
    STAGES[kind].flatMap((stage) => FAULTS.flatMap((fault) => (['none', 'all'] as const).map((tolerance) => ({ kind, stage, fault, tolerance })))),
  )
}

export function nameOf({ kind, stage, fault, tolerance }: Cell): string {
  return `${kind} ${stage} ${fault.name} ${tolerance}`
}

/** Runs all cells on one worker. @returns the outcome of each, in the order of `all`. */
export async function runMatrix(folder: string, all: readonly Cell[] = cells(), times: Times = SCALED_DOWN): Promise<Outcome[]> {
  const cluster = await startEmbeddedCluster({ folder, plugins: [PLUGINS], workerProperties: { ...WORKER_PROPERTIES, ...times.worker } })
  try {
    const outcomes: Outcome[] = []
    const waiting = all.map((cell, index) => ({ cell, index }))
    const runNext = async (): Promise<void> => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        outcomes[next.index] = await new CellRun({ cell: next.cell, name: `cell-${next.index}`, cluster, folder, times }).run()
      }
    }
    await Promise.all(Array.from({ length: times.cellsAtATime }, runNext))
    return outcomes
  } finally {
    await cluster.close()
  }
}

/** One connector, from its creation to its removal. */
class CellRun {
  readonly #cell: Cell
  readonly #name: string
  readonly #cluster: EmbeddedCluster
  readonly #folder: string
  readonly #times: Times

  constructor({ cell, name, cluster, folder, times }: { cell: Cell; name: string; cluster: EmbeddedCluster; folder: string; times: Times }) {
    this.#cell = cell
    this.#name = name
    this.#cluster = cluster
    this.#folder = folder
    this.#times = times
  }

  async run(): Promise<Outcome> {
    const { client } = this.#cluster
    if (this.#cell.kind === 'sink') await this.#produce()
    await client.createConnector({ name: this.#name, config: this.#config() })
    if (this.#cell.stage === 'stop') {
      await this.#settled()
      await client.restartTask(this.#name, 0)
    }
    const outcome = await this.#stableOutcome()
    await client.deleteConnector(this.#name)
    return outcome
  }

  /** What is still under way when a task has FAILED: its last commit, the answers of Kafka to its last records, what metrics tell of it. */
  #stableOutcome(): Promise<Outcome> {
    return waitFor(
      async () => {
        const before = await this.#outcome(await this.#settled())
        await delay(STABLE_MS)
        const outcome = await this.#outcome(await this.#settled())
        return isDeepStrictEqual(before, outcome) ? outcome : null
      },
      { what: `one outcome of "${nameOf(this.#cell)}"`, deadlineMs: 2 * this.#times.cellDeadlineMs, describe: () => this.#cluster.describe(this.#name) },
    )
  }

  #config(): Record<string, string> {
    const { kind, stage, fault, tolerance } = this.#cell
    const faultKeys: Record<string, string> = {
      'fault.stage': stage,
      'fault.kind': fault.kind,
      'fault.down.ms': fault.down === 'short' || fault.down === 'long' ? String(this.#times.down[fault.down]) : '',
      'fault.file': this.#path('fault'),
    }
    const prefixed = (prefix: string) => Object.fromEntries(Object.entries(faultKeys).map(([key, value]) => [prefix + key, value]))
    return {
      'connector.class': kind === 'source' ? 'test.FaultySourceConnector' : 'test.FaultySinkConnector',
      ...(kind === 'source' ? { topic: this.#name } : { topics: this.#name, file: this.#path('out'), 'consumer.override.auto.offset.reset': 'earliest' }),
      'millrace.task.isolation': 'dedicated',
      'value.converter': 'test.FaultyConverter',
      transforms: 'change',
      'transforms.change.type': 'test.FaultyTransformation',
      ...faultKeys,
      ...prefixed('value.converter.'),
      ...prefixed('transforms.change.'),
      'errors.tolerance': tolerance,
      'errors.retry.timeout': String(this.#times.retryTimeoutMs),
      ...(tolerance === 'all' ? this.#deadLetters() : {}),
    }
  }

  #deadLetters(): Record<string, string> {
    return {
      'errors.deadletterqueue.topic.name': `${this.#name}-dead`,
      'errors.deadletterqueue.topic.replication.factor': '1',
      ...(this.#cell.kind === 'sink' ? { 'millrace.errors.put.tolerance': 'all' } : { 'millrace.errors.source.deadletterqueue.enable': 'true' }),
    }
  }

  async #produce(): Promise<void> {
    const producer = new Producer({ 'bootstrap.servers': this.#cluster.bootstrapServers, 'linger.ms': '50' }, { logger: silentLogger })
    for (let number = 1; number <= RECORDS; number++) producer.send(this.#name, 0, Date.now(), null, String(number), null, null)
    await producer.flush()
    await producer.close({ timeoutMs: 5_000 })
  }

  /** Waits until nothing new can come: all is committed, the task has failed for good, stalls, or has tried again in vain often enough. */
  #settled(): Promise<TaskInstanceState> {
    return waitFor(
      async () => {
        const [task] = (await this.#cluster.client.connectorStatus(this.#name)).tasks
        return task !== undefined && (await this.#isSettled(task)) ? task : null
      },
      {
        what: `an end of "${nameOf(this.#cell)}"`,
        deadlineMs: this.#times.cellDeadlineMs,
        intervalMs: this.#times.lookIntervalMs,
        describe: () => this.#cluster.describe(this.#name),
      },
    )
  }

  async #isSettled({ state, millrace }: TaskInstanceState): Promise<boolean> {
    const { fault, stage } = this.#cell
    if (millrace === undefined) return false
    const { activity, restarts, ledger } = millrace
    // It is told to have FAILED before its last records are answered; the counts of a thread that was taken away stay as they were.
    if (state === 'FAILED') return restarts?.given_up === true && (ledger.in_flight === 0 || fault.kind === 'memory')
    if (activity.state === 'stalled') return fault.kind === 'hang'
    if (activity.state === 'retrying') return isForEver(this.#cell) && (activity.retry?.attempt ?? 0) >= REPETITIONS
    // Until it takes too long, or too much memory.
    if ((fault.kind === 'hang' || fault.kind === 'memory') && stage !== 'stop') return false
    return activity.state === 'idle' && (await this.#committed()) === String(RECORDS)
  }

  async #outcome({ state, millrace }: TaskInstanceState): Promise<Outcome> {
    const { activity, failure, errors, restarts } = millrace!
    // As in the original the counters of a task go with it; those of its state stay.
    const hasEnded = state === 'FAILED'
    assert.deepEqual(await this.#metrics(), {
      state: STATE_NUMBERS[state],
      stalled: Number(activity.state === 'stalled'),
      errors: hasEnded ? undefined : errors.errors,
      skipped: hasEnded ? undefined : errors.skipped,
    })
    return {
      state: state === 'FAILED' ? state : `${state}, ${activity.state}`,
      target: numbers(await this.#arrived()),
      deadLetters: numbers(await this.#values(`${this.#name}-dead`)),
      committed: await this.#committed(),
      failure: failure === undefined ? '' : `${failure.hint} ${failure.class}`,
      errors: errors.errors === 0 ? '' : `${errors.errors} failed, ${errors.skipped} left out`,
      restarts: restarts === undefined || restarts.attempts === 0 ? '' : restarts.given_up ? 'given up' : 'yes',
    }
  }

  /** The same as `GET /metrics` tells it. */
  async #metrics(): Promise<Record<string, number | undefined>> {
    const text = await (await fetch(`${this.#cluster.worker.restUrl}/metrics`)).text()
    const value = (name: string): number | undefined => {
      const line = text.split('\n').find((each) => each.startsWith(`${name}{`) && each.includes(`connector="${this.#name}"`))
      return line === undefined ? undefined : Number(line.slice(line.lastIndexOf(' ')))
    }
    return {
      state: value('millrace_task_state'),
      stalled: value('millrace_task_stalled'),
      errors: value('kafka_connect_task_error_total_record_errors'),
      skipped: value('kafka_connect_task_error_total_records_skipped'),
    }
  }

  async #arrived(): Promise<readonly string[]> {
    if (this.#cell.kind === 'source') return this.#values(this.#name)
    return existsSync(this.#path('out')) ? readFileSync(this.#path('out'), 'utf8').trimEnd().split('\n') : []
  }

  async #values(topic: string): Promise<readonly string[]> {
    return topicValues(this.#cluster.bootstrapServers, topic)
  }

  async #committed(): Promise<string> {
    const { offsets } = await this.#cluster.client.connectorOffsets(this.#name)
    return offsets.map(({ offset }) => String(Object.values(offset ?? {})[0])).join()
  }

  #path(suffix: string): string {
    return join(this.#folder, `${this.#name}.${suffix}`)
  }
}

/** Calls that are made again without a limit, where the fault does not end either. */
function isForEver({ stage, fault }: Cell): boolean {
  return ['poll', 'put', 'commit'].includes(stage) && fault.kind !== 'retriable' && (fault.down === null || fault.down === 'for ever')
}

/** `1-4, 6-10` */
function numbers(values: readonly string[]): string {
  const sorted = [...new Set(values.map(Number))].sort((left, right) => left - right)
  const runs: [number, number][] = []
  for (const number of sorted) {
    const last = runs.at(-1)
    if (last?.[1] === number - 1) last[1] = number
    else runs.push([number, number])
  }
  return runs.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(', ')
}
